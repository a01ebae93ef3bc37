"""Read and write motion as npz, in the key styles that the SMPL family's tools use.

Convention: inside, y up. AMASS is z up: the world is turned by -90 degrees about x so that every *vertex* turns
rigidly, ``R' = A R`` and ``transl' = A (J0 + transl) - J0``, J0 the pelvis at rest. Pickled arrays are never loaded.

| style | keys |
|---|---|
| ``humanav`` | the fields of :class:`Motion`, y up |
| ``smplx`` | AMASS SMPL-X: ``root_orient, pose_body, pose_hand, pose_jaw, pose_eye, poses (T,165), trans``; z up |
| ``amass`` | AMASS SMPL-H: ``poses (T,156), trans, betas, mocap_framerate``; z up |
| ``blender`` | SMPL-X Blender add-on: ``poses (T,165), trans, betas, gender, mocap_frame_rate``; z up, its default |

Read only: Pose-NDF (``body_pose, root_orient, betas``), SMPL (``rotations`` (T,24,3), ``smpl_poses`` (T,72)) and
arrays of 22 joints.
"""

from __future__ import annotations

import zipfile
import zlib
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from numpy.typing import NDArray
from scipy.spatial.transform import Rotation

from humanav.errors import BodyFileError, InputError, MotionFileError, StorageError
from humanav.motion.motion import Motion
from humanav.motion.rest import rest_joints

if TYPE_CHECKING:
    from humanav.body import BodyModel

Style = Literal["humanav", "smplx", "amass", "blender"]
Up = Literal["y", "z"]
Arrays = dict[str, NDArray[Any]]

MAX_FRAMES = 200_000
MAX_BYTES = 500_000_000
Z_UP_TO_Y_UP = np.array([[1.0, 0, 0], [0, 0, 1], [0, -1, 0]])

_FPS_KEYS = ("fps", "mocap_frame_rate", "mocap_framerate", "frame_rate", "framerate")
_TRANSL_KEYS = ("transl", "trans", "smpl_trans", "translation")
_POSE_KEYS = ("poses", "pose", "full_pose", "rotations", "smpl_poses")
_BODY_KEYS = ("pose_body", "body_pose")
_ROOT_KEYS = ("root_orient", "global_orient")
_TEXT_KEYS = ("name", "person_id", "up_axis")
_KNOWN = {*_TEXT_KEYS, *_FPS_KEYS, *_TRANSL_KEYS, *_POSE_KEYS, *_BODY_KEYS, *_ROOT_KEYS, "betas", "pose_hand",
          "pose_jaw", "pose_eye", "left_hand_pose", "right_hand_pose", "jaw_pose", "leye_pose", "reye_pose",
          "expression", "expressions", "confidence", "smpl_scaling"}


def load_npz(path: str | Path, *, up: Up | None = None, body: BodyModel | None = None) -> Motion:
    """Read a motion from an npz (or a bare npy array of (T,J,3) rotations), whatever style it is in.

    Args:
        path: the file.
        up: the file's vertical axis; None takes it from the file (its ``up_axis`` key, else the direction in which the
            body mostly stands, else z for AMASS styles and y for the others).
        body: whose pelvis z-up files are turned about; by default the shipped body.

    Raises:
        MotionFileError: not an npz, no pose in it, wrong shapes, NaN, no frames, pickled or unreasonably large arrays.
    """
    name = Path(path).name
    arrays = _read_arrays(Path(path))
    try:
        motion, amass = _interpret(arrays, Path(path).stem)
    except InputError as error:
        raise MotionFileError(f"{name} does not hold a usable motion: {error}") from error
    if len(motion) > MAX_FRAMES:
        raise MotionFileError(f"{name} holds {len(motion)} frames; at most {MAX_FRAMES} can be read, so cut it first.")
    axis = up or _up_axis(arrays, motion, amass)
    return turn_world(motion, Z_UP_TO_Y_UP, body) if axis == "z" else motion


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
                if member.filename.removesuffix(".npy") in _KNOWN and member.file_size > MAX_BYTES:
                    size = f"{member.file_size / 1e9:.1f} GB"
                    raise MotionFileError(f"{path.name} is too large: {member.filename} takes {size} unpacked; cut the "
                                          "motion first.")
        arrays: Arrays = {}
        with np.load(path, allow_pickle=False) as data:
            for key in data.files:
                if key in _KNOWN:
                    arrays[key] = data[key]
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
        raise MotionFileError(f"{path.name} is damaged and cannot be read as npz.") from error
    except (OSError, EOFError, zipfile.BadZipFile, zlib.error, KeyError, TypeError, MemoryError, NotImplementedError,
            RuntimeError, SyntaxError) as error:
        raise MotionFileError(f"{path.name} is not an npz motion file, or it is damaged.") from error


def _interpret(arrays: Arrays, stem: str) -> tuple[Motion, bool]:
    """The motion as it lies in the file, and whether the file is in an AMASS style."""
    numbers = {key: _numbers(value, key) for key, value in arrays.items() if key not in _TEXT_KEYS}
    parts: Arrays = {}
    amass = "pose_body" in numbers or "mocap_framerate" in numbers
    body_key = _first(numbers, _BODY_KEYS)
    pose_key = _first(numbers, _POSE_KEYS)
    if body_key is not None:
        parts = _from_parts(numbers, numbers[body_key], body_key)
    elif pose_key is not None:
        full = _rows(numbers[pose_key], pose_key)
        parts = _split(full, pose_key)
        amass = amass or full.shape[1] == 156
    else:
        raise InputError("it has no pose; one of poses, pose_body, body_pose, rotations or smpl_poses is needed.")
    frames = len(parts["body_pose"])
    fps_key = _first(numbers, _FPS_KEYS)
    fps = float(numbers[fps_key].reshape(-1)[0]) if fps_key and numbers[fps_key].size else 30.0
    transl_key = _first(numbers, _TRANSL_KEYS)
    if transl_key is not None:
        transl = numbers[transl_key]
        scale = float(numbers["smpl_scaling"].reshape(-1)[0]) if "smpl_scaling" in numbers else 1.0
        parts["transl"] = transl / (scale or 1.0)
    betas = numbers.get("betas", np.zeros(0))
    parts["betas"] = betas.reshape(-1, betas.shape[-1]).mean(axis=0) if betas.ndim > 1 and betas.size else betas
    for key, field in (("expression", "expression"), ("expressions", "expression"), ("confidence", "confidence")):
        if key in numbers and numbers[key].size:
            parts[field] = numbers[key].reshape(frames, -1) if numbers[key].size % frames == 0 else numbers[key]
    person = str(arrays.get("person_id", "0"))
    return Motion(fps=fps, name=str(arrays.get("name", stem)), person_id=person, **parts), amass


def _from_parts(numbers: Arrays, body: NDArray[Any], key: str) -> Arrays:
    rows = _rows(body, key)
    if rows.shape[1] not in (63, 69):  # SMPL's 23 body joints end with two hand joints that SMPL-X has not
        raise InputError(f"its {key} has {rows.shape[1]} numbers per frame; 63 (21 joints) are needed.")
    parts: Arrays = {"body_pose": rows[:, :63]}
    root = _first(numbers, _ROOT_KEYS)
    parts["global_orient"] = numbers[root] if root else np.zeros((len(rows), 3))
    hand, eye = numbers.get("pose_hand"), numbers.get("pose_eye")
    if hand is not None:
        hand = _rows(hand, "pose_hand")
        if hand.shape[1] != 90:
            raise InputError(f"its pose_hand has {hand.shape[1]} numbers per frame; 90 are needed.")
        parts["left_hand_pose"], parts["right_hand_pose"] = hand[:, :45], hand[:, 45:]
    if eye is not None:
        eye = _rows(eye, "pose_eye")
        parts["leye_pose"], parts["reye_pose"] = eye[:, :3], eye[:, 3:]
    if "pose_jaw" in numbers:
        parts["jaw_pose"] = numbers["pose_jaw"]
    for field in ("left_hand_pose", "right_hand_pose", "jaw_pose", "leye_pose", "reye_pose"):
        if field in numbers:
            parts[field] = numbers[field]
    return parts


def _split(full: NDArray[Any], key: str) -> Arrays:
    width = full.shape[1]
    if width not in (66, 72, 156, 165):
        raise InputError(f"its {key} has {width} numbers per frame; 66 (22 joints), 72 (SMPL), 156 (SMPL-H) or 165 "
                         "(SMPL-X) are understood.")
    parts = {"global_orient": full[:, :3], "body_pose": full[:, 3:66]}
    if width == 165:
        parts |= {"jaw_pose": full[:, 66:69], "leye_pose": full[:, 69:72], "reye_pose": full[:, 72:75]}
    if width >= 156:
        parts |= {"left_hand_pose": full[:, -90:-45], "right_hand_pose": full[:, -45:]}
    return parts


def _rows(value: NDArray[Any], key: str) -> NDArray[Any]:
    """(T,J,3), (T,J*3), (T,J,3,3) or one frame of those, as (T, J*3) axis-angle."""
    if value.ndim == 4 and value.shape[-2:] == (3, 3):
        flat = value.reshape(-1, 3, 3)
        if not np.isfinite(flat).all() or np.abs(np.linalg.det(flat) - 1).max(initial=0) > 0.05:
            raise InputError(f"its {key} are not rotation matrices.")
        value = Rotation.from_matrix(flat).as_rotvec().reshape(*value.shape[:2], 3)
    if value.ndim == 3 and value.shape[-1] == 3:
        value = value.reshape(len(value), -1)
    elif value.ndim == 1 or (value.ndim == 2 and value.shape[1] == 3 and value.shape[0] in (21, 22, 24, 52, 55)):
        value = value.reshape(1, -1)
    if value.ndim != 2:
        raise InputError(f"its {key} has shape {value.shape}; (frames, joints, 3) is needed.")
    if len(value) == 0:
        raise InputError("it has no frames.")
    return value


def _numbers(value: NDArray[Any], key: str) -> NDArray[Any]:
    if value.dtype.kind not in "fiub":
        raise InputError(f"its {key} is not an array of numbers.")
    value = value.astype(np.float64)
    if not np.isfinite(value).all():
        raise InputError(f"its {key} holds NaN or infinite numbers; clean or cut those frames first.")
    return value


def _first(arrays: Mapping[str, Any], keys: tuple[str, ...]) -> str | None:
    return next((key for key in keys if key in arrays), None)


def _up_axis(arrays: Arrays, motion: Motion, amass: bool) -> Up:
    """The vertical axis: as the file says, else where the body's own up mostly points, else the style's custom."""
    if "up_axis" in arrays and str(arrays["up_axis"]) in ("y", "z"):
        return "z" if str(arrays["up_axis"]) == "z" else "y"
    if "smpl_poses" in arrays or "rotations" in arrays:
        amass = False
    stands = Rotation.from_rotvec(motion.global_orient).apply([0.0, 1.0, 0.0]).mean(axis=0)
    if motion.global_orient.any() and max(stands[1], stands[2]) > 0.8:
        return "z" if stands[2] > stands[1] else "y"
    return "z" if amass else "y"
