"""Read and write motion as npz, in the key styles that the SMPL family's tools use.

Convention: inside, y up. AMASS is z up: the world is turned by -90 degrees about x so that every *vertex* turns
rigidly, ``R' = A R`` and ``transl' = A (J0 + transl) - J0``, J0 the pelvis at rest. Pickled arrays are never loaded.

| style | keys |
|---|---|
| ``humanav`` | the fields of :class:`Motion`, y up |
| ``smplx`` | AMASS SMPL-X: ``root_orient, pose_body, pose_hand, pose_jaw, pose_eye, poses (T,165), trans``; z up |
| ``amass`` | AMASS SMPL-H: ``poses (T,156), trans, betas, mocap_framerate``; z up |
| ``blender`` | SMPL-X Blender add-on: ``poses (T,165), trans, betas, gender, mocap_frame_rate``; z up, its default |

Read only: Pose-NDF (``body_pose, root_orient, betas``), SMPL (``rotations`` (T,24,3), ``smpl_poses`` (T,72)), arrays of
21 or 22 joints, rotation matrices and quaternions (``quats``, ``rotations``: see :mod:`humanav.motion.arrays`).
"""

from __future__ import annotations

import zipfile
import zlib
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from tokenize import TokenError
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from numpy.typing import NDArray
from scipy.spatial.transform import Rotation

from humanav.errors import BodyFileError, InputError, MotionFileError, StorageError
from humanav.motion import expmap
from humanav.motion.arrays import KNOWN_KEYS, TEXT_KEYS, Arrays, QuatOrder, interpret, up_axis
from humanav.motion.loaded import Loaded
from humanav.motion.motion import Motion
from humanav.motion.rest import rest_joints
from humanav.motion.retarget import to_smplx
from humanav.motion.text import MAX_FRAMES

if TYPE_CHECKING:
    from humanav.body import BodyModel

Style = Literal["humanav", "smplx", "amass", "blender"]
Up = Literal["y", "z"]

MAX_BYTES = 500_000_000
Z_UP_TO_Y_UP = np.array([[1.0, 0, 0], [0, 0, 1], [0, -1, 0]])


def load_npz(
    path: str | Path, *, up: Up | None = None, body: BodyModel | None = None, quats: QuatOrder | None = None
) -> Motion:
    """:func:`read_npz` without its notes; the same arguments and errors."""
    return read_npz(path, up=up, body=body, quats=quats).motion


def read_npz(
    path: str | Path, *, up: Up | None = None, body: BodyModel | None = None, quats: QuatOrder | None = None
) -> Loaded:
    """Read a motion from an npz (or a bare npy array of (T,J,3) rotations), whatever style it is in.

    Frames that hold NaN are interpolated and said to be missing.

    Args:
        path: the file.
        up: the file's vertical axis; None takes it from the file (its ``up_axis`` key, else the direction in which the
            body mostly stands, else z for AMASS styles and y for the others).
        body: whose pelvis z-up files are turned about; by default the shipped body.
        quats: order of the file's quaternions, if it has any; None tells it from their statistics.

    Raises:
        MotionFileError: not an npz, no pose in it, wrong shapes, nothing but NaN, no frames, pickled or unreasonably
            large arrays.
    """
    name = Path(path).name
    arrays = _read_arrays(Path(path))
    if arrays.keys() == {"poses"} and arrays["poses"].shape[1:] == (expmap.WIDTH,):
        return to_smplx(expmap.parse_expmap(arrays["poses"].astype(np.float64), name), Path(path).stem, body, up=up)
    return from_arrays(arrays, name, up=up, body=body, quats=quats)


def from_arrays(
    arrays: Arrays, name: str, *, up: Up | None = None, body: BodyModel | None = None, quats: QuatOrder | None = None
) -> Loaded:
    """The motion in arrays named as in a file called ``name``; the others and the errors as :func:`read_npz`."""
    try:
        loaded, amass = interpret(arrays, Path(name).stem, quats)
    except InputError as error:
        raise MotionFileError(f"{name} does not hold a usable motion: {error}") from error
    motion = loaded.motion
    if len(motion) > MAX_FRAMES:
        raise MotionFileError(f"{name} holds {len(motion)} frames; at most {MAX_FRAMES} can be read, so cut it first.")
    axis = up or up_axis(arrays, motion, amass)
    return replace(loaded, motion=turn_world(motion, Z_UP_TO_Y_UP, body)) if axis == "z" else loaded


def save_npz(
    motion: Motion, path: str | Path, style: Style = "smplx", *, up: Up | None = None, body: BodyModel | None = None
) -> Path:
    """Write ``motion`` as npz in one of the styles above; the key ``up_axis`` says which axis is up.

    Args:
        motion: what to write.
        path: the file; its folder must exist.
        style: key style; SMPL-H (``amass``) has no jaw and eyes, so those are lost.
        up: vertical axis; None takes the style's own ("y" for humanav, else "z").
        body: as in :func:`load_npz`.

    Raises:
        StorageError: the file cannot be written.
    """
    axis = up or ("y" if style == "humanav" else "z")
    m = turn_world(motion, Z_UP_TO_Y_UP.T, body) if axis == "z" else motion
    frames = len(m)
    flat = m.full_pose.reshape(frames, -1)
    hands = flat[:, 75:165]
    arrays: dict[str, Any] = {"betas": m.betas, "up_axis": np.array(axis)}
    if style == "humanav":
        arrays |= {key: getattr(m, key) for key in ("global_orient", "body_pose", "left_hand_pose", "right_hand_pose",
                                                    "jaw_pose", "leye_pose", "reye_pose", "transl")}
        arrays |= {"fps": np.array(m.fps), "name": np.array(m.name), "person_id": np.array(m.person_id)}
    else:
        arrays |= {"trans": m.transl, "gender": np.array("neutral")}
    if style == "smplx":
        arrays |= {"root_orient": flat[:, :3], "pose_body": flat[:, 3:66], "pose_hand": hands,
                   "pose_jaw": flat[:, 66:69], "pose_eye": flat[:, 69:75], "poses": flat,
                   "mocap_frame_rate": np.array(m.fps), "surface_model_type": np.array("smplx"),
                   "mocap_time_length": np.array(m.duration),
                   "num_betas": np.array(m.betas.size)}
    elif style == "amass":
        arrays |= {"poses": np.concatenate([flat[:, :66], hands], axis=1), "mocap_framerate": np.array(m.fps)}
    elif style == "blender":
        arrays |= {"poses": flat, "mocap_frame_rate": np.array(m.fps)}
    if m.expression.size:
        arrays["expression"] = m.expression
    if m.confidence is not None:
        arrays["confidence"] = m.confidence
    try:
        with Path(path).open("wb") as file:
            np.savez_compressed(file, **arrays)
    except OSError as error:
        raise StorageError(f"The motion cannot be written to {Path(path).name}: {error.strerror or error}.") from error
    return Path(path)


def turn_world(motion: Motion, turn: NDArray[np.float64], body: BodyModel | None = None) -> Motion:
    """The motion seen from a world turned by ``turn`` (3,3): every vertex x of the body goes to ``turn @ x``."""
    root = (Rotation.from_matrix(turn) * Rotation.from_rotvec(motion.global_orient)).as_rotvec()
    try:
        pelvis = rest_joints(body, motion.betas)[0]
    except BodyFileError as error:
        raise MotionFileError(f"A z-up motion needs a body to turn about. {error}") from error
    transl = (motion.transl.astype(np.float64) + pelvis) @ turn.T - pelvis
    return Motion(**{**vars(motion), "global_orient": root.astype(np.float32), "transl": transl.astype(np.float32)})


def _read_arrays(path: Path) -> Arrays:
    """All arrays of a motion file, after checking their headers: numbers or text, of reasonable size."""
    try:
        with path.open("rb") as file:
            magic = file.read(6)
    except OSError as error:
        raise MotionFileError(f"The motion file {path.name} cannot be opened: {error.strerror or error}.") from error
    try:
        if magic[:6] == b"\x93NUMPY":
            return {"poses": np.load(path, allow_pickle=False)}
        with zipfile.ZipFile(path) as archive:
            for member in archive.infolist():
                if member.filename.removesuffix(".npy") in KNOWN_KEYS and member.file_size > MAX_BYTES:
                    size = f"{member.file_size / 1e9:.1f} GB"
                    raise MotionFileError(f"{path.name} is too large: {member.filename} takes {size} unpacked; cut the "
                                          "motion first.")
        arrays: Arrays = {}
        with np.load(path, allow_pickle=False) as data:
            for key in data.files:
                if key in TEXT_KEYS:
                    with suppress(ValueError):  # words may be pickled; what they say is not needed
                        arrays[key] = data[key]
                elif key in KNOWN_KEYS and isinstance(value := data[key], np.ndarray):  # else no array's file
                    arrays[key] = value
        if not arrays:
            some = ", ".join(sorted(data.files)[:8]) or "nothing"
            raise MotionFileError(f"{path.name} holds no motion (found: {some}); poses or body_pose arrays are needed.")
        return arrays
    except MotionFileError:
        raise
    except ValueError as error:
        if "pickle" in str(error).lower():
            raise MotionFileError(f"{path.name} holds pickled Python objects, which are not loaded for safety; save "
                                  "plain number arrays with numpy.savez.") from error
        raise MotionFileError(f"{path.name} is damaged and cannot be read as npz: save or copy it "
                                  "again.") from error
    except (OSError, EOFError, zipfile.BadZipFile, zlib.error, KeyError, TypeError, MemoryError, NotImplementedError,
            RuntimeError, SyntaxError, RecursionError, AttributeError, TokenError) as error:
        raise MotionFileError(f"{path.name} is not an npz motion file, or it is damaged: save or copy it "
                              "again.") from error
