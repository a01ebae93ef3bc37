"""What named arrays mean as a motion: which key style, which joints, axis-angle, matrices or quaternions, NaN frames.

Quaternions (T,J,4) may be ordered wxyz or xyzw; the joints of a living person turn little against each other, so the
component that is largest on the average is the real one.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray
from scipy.spatial.transform import Rotation

from humanav.body.names import JOINT_NAMES, PARENTS
from humanav.errors import InputError
from humanav.motion.gaps import describe, fill_rotations, fill_values
from humanav.motion.loaded import BODY_JOINTS, Loaded
from humanav.motion.motion import Motion

Array = NDArray[np.float64]
Arrays = dict[str, NDArray[Any]]
QuatOrder = Literal["wxyz", "xyzw"]

_FPS_KEYS = ("fps", "mocap_frame_rate", "mocap_framerate", "frame_rate", "framerate")
_TRANSL_KEYS = ("transl", "trans", "smpl_trans", "translation")
_POSE_KEYS = ("poses", "pose", "full_pose", "rotations", "smpl_poses", "quats", "quaternions", "quat")
_BODY_KEYS = ("pose_body", "body_pose")
_ROOT_KEYS = ("root_orient", "global_orient")
TEXT_KEYS = ("name", "person_id", "up_axis", "gender", "surface_model_type")
KNOWN_KEYS = {*TEXT_KEYS, *_FPS_KEYS, *_TRANSL_KEYS, *_POSE_KEYS, *_BODY_KEYS, *_ROOT_KEYS, "betas", "pose_hand",
              "pose_jaw", "pose_eye", "left_hand_pose", "right_hand_pose", "jaw_pose", "leye_pose", "reye_pose",
              "expression", "expressions", "confidence", "smpl_scaling"}
_JOINT_COUNTS = (21, 22, 23, 24, 52, 55)
_COUNTS_SAID = "21 or 22 (body), 23 or 24 (SMPL), 52 (SMPL-H) or 55 (SMPL-X) are understood"


@dataclass
class Reading:
    """What is known while arrays are read: the wanted order of quaternions, and the notes so far."""

    quats: QuatOrder | None = None
    notes: list[str] = field(default_factory=list)


def interpret(arrays: Arrays, stem: str, quats: QuatOrder | None = None) -> tuple[Loaded, bool]:
    """The motion as it lies in the arrays, and whether they are in an AMASS style (z up by custom).

    Args:
        arrays: the file's arrays; keys as in :mod:`humanav.motion.npz`.
        stem: the motion's label where the arrays hold none.
        quats: order of quaternions, where there are any; None finds it out.

    Raises:
        InputError: no pose, a number of joints or a shape that is not understood, or no finite number.
    """
    reading = Reading(quats)
    numbers = {key: _numbers(value, key) for key, value in arrays.items() if key not in TEXT_KEYS}
    body_key, pose_key = _first(numbers, _BODY_KEYS), _first(numbers, _POSE_KEYS)
    amass = "pose_body" in numbers or "mocap_framerate" in numbers
    if body_key is not None:
        pose = _from_parts(numbers, body_key, reading)
    elif pose_key is not None:
        rows = _rows(numbers[pose_key], pose_key, reading)
        pose = _split(rows, pose_key)
        amass = amass or rows.shape[1] == 52
    else:
        raise InputError("it has no pose; one of poses, pose_body, body_pose, rotations, quats or smpl_poses is "
                         "needed.")
    frames = len(pose)
    _refuse_positions(pose)
    transl, missing = _path(numbers, frames), ~np.isfinite(pose).all(axis=2)
    lost = ~np.isfinite(transl).all(axis=1)
    if missing[:, 1:BODY_JOINTS].all() and frames:
        raise InputError("it holds NaN or infinite numbers only; there is nothing to interpolate between.")
    pose, transl = fill_rotations(pose, missing), fill_values(transl, lost)
    missing[:, 0] |= lost
    if missing.any():
        reading.notes.append(describe(missing, JOINT_NAMES, "hold no finite numbers (NaN)"))

    fps_key = _first(numbers, _FPS_KEYS)
    fps = float(numbers[fps_key].reshape(-1)[0]) if fps_key and numbers[fps_key].size else 30.0
    if not 1e-3 <= fps <= 1e5:
        raise InputError(f"its frame rate of {fps:g} is no motion's; frames a second are needed.")
    if fps_key is None and frames > 1:
        reading.notes.append("The file does not say its frame rate; 30 frames a second were assumed.")
    betas = numbers.get("betas", np.zeros(0))
    betas = betas.reshape(-1, betas.shape[-1]).mean(axis=0) if betas.ndim > 1 and betas.size else betas
    gender = str(arrays.get("gender", "neutral")).strip("b'\"")
    if gender in ("male", "female") and betas.any():
        reading.notes.append(f"The file's body shape (betas) is for a {gender} SMPL body; here it makes another shape.")
    parts: Arrays = {}
    for key, name in (("expression", "expression"), ("expressions", "expression"), ("confidence", "confidence")):
        if key in numbers and numbers[key].size:
            value = numbers[key].reshape(frames, -1) if numbers[key].size % frames == 0 else numbers[key]
            parts[name] = fill_values(value, ~np.isfinite(value).all(axis=1)) if len(value) == frames else value
    motion = Motion.from_full_pose(pose, fps, transl, betas, name=str(arrays.get("name", stem)),
                                   person_id=str(arrays.get("person_id", "0")), **parts)
    return Loaded(motion, tuple(reading.notes), missing[:, :BODY_JOINTS]), amass


def up_axis(arrays: Arrays, motion: Motion, amass: bool) -> Literal["y", "z"]:
    """The vertical axis: as the file says, else where the body's own up mostly points, else the style's custom."""
    if "up_axis" in arrays and str(arrays["up_axis"]) in ("y", "z"):
        return "z" if str(arrays["up_axis"]) == "z" else "y"
    if "smpl_poses" in arrays or "rotations" in arrays:
        amass = False
    stands = Rotation.from_rotvec(motion.global_orient).apply([0.0, 1.0, 0.0]).mean(axis=0)
    if motion.global_orient.any() and max(stands[1], stands[2]) > 0.8:
        return "z" if stands[2] > stands[1] else "y"
    return "z" if amass else "y"


def _path(numbers: Arrays, frames: int) -> Array:
    key = _first(numbers, _TRANSL_KEYS)
    if key is None or numbers[key].size == 0:
        return np.zeros((frames, 3))
    if numbers[key].size != frames * 3:
        raise InputError(f"its {key} has shape {numbers[key].shape}; {frames} frames of (transl) 3 numbers are needed.")
    scale = float(numbers["smpl_scaling"].reshape(-1)[0]) if numbers.get("smpl_scaling", np.zeros(0)).size else 1.0
    return numbers[key].reshape(frames, 3) / (scale or 1.0)


def _from_parts(numbers: Arrays, key: str, reading: Reading) -> Array:
    """(T,55,3) from a body and, where there are any, its root, hands, jaw and eyes."""
    body = _rows(numbers[key], key, reading)
    if body.shape[1] not in (21, 23):  # SMPL's 23 body joints end with two hand joints that SMPL-X has not
        raise InputError(f"its {key} has {body.shape[1]} joints; 21 are needed.")
    frames = len(body)
    pose = np.zeros((frames, 55, 3))
    pose[:, 1:22] = body[:, :21]
    places = {**dict.fromkeys(_ROOT_KEYS, slice(0, 1)), "pose_jaw": slice(22, 23), "jaw_pose": slice(22, 23),
              "pose_eye": slice(23, 25), "leye_pose": slice(23, 24), "reye_pose": slice(24, 25),
              "pose_hand": slice(25, 55), "left_hand_pose": slice(25, 40), "right_hand_pose": slice(40, 55)}
    for name, place in places.items():
        if name in numbers and numbers[name].size:
            width, value = place.stop - place.start, numbers[name]
            if value.shape[-2:] == (3, 3) and value.size == frames * width * 9:
                value = _from_matrices(value.reshape(frames, width, 3, 3), name)
            elif value.size == frames * width * 4 and value.shape[-1] == 4:
                value = _from_quats(value.reshape(frames, width, 4), name, reading)
            if value.size != frames * width * 3:
                raise InputError(f"its {name} has shape {value.shape}; {frames} frames of {width * 3} numbers are "
                                 "needed.")
            pose[:, place] = value.reshape(frames, width, 3)
    return pose


def _split(rows: Array, key: str) -> Array:
    """(T,J,3) of any of the understood numbers of joints as (T,55,3)."""
    count = rows.shape[1]
    if count not in _JOINT_COUNTS:
        raise InputError(f"its {key} has {count} joints ({3 * count} numbers per frame); {_COUNTS_SAID}.")
    pose = np.zeros((len(rows), 55, 3))
    if count in (21, 23):
        pose[:, 1:22] = rows[:, :21]
        return pose
    pose[:, :22] = rows[:, :22]
    if count == 55:
        pose[:, 22:25] = rows[:, 22:25]
    if count >= 52:
        pose[:, 25:] = rows[:, -30:]
    return pose


def _rows(value: Array, key: str, reading: Reading) -> Array:
    """(T,J,3) axis-angle of (T,J,3), (T,J*3), (T,J,3,3), (T,J,4), (T,J*4) or one frame of those."""
    if value.ndim == 4 and value.shape[-2:] == (3, 3):
        value = _from_matrices(value, key)
    elif value.ndim == 3 and value.shape[-1] == 4:
        value = _from_quats(value, key, reading)
    elif value.ndim == 2 and value.shape[1] == 4 and value.shape[0] in _JOINT_COUNTS:
        value = _from_quats(value[None], key, reading)
    elif value.ndim in (1, 2) and value.shape[-1] in [4 * count for count in _JOINT_COUNTS]:
        value = _from_quats(value.reshape(-1, value.shape[-1] // 4, 4), key, reading)
    elif value.ndim == 1 or (value.ndim == 2 and value.shape[1] == 3 and value.shape[0] in _JOINT_COUNTS):
        value = value.reshape(1, -1)
    if value.ndim == 2 and value.shape[1] % 3 == 0:
        value = value.reshape(len(value), value.shape[1] // 3, 3)
    elif value.ndim == 2:
        raise InputError(f"its {key} has {value.shape[1]} numbers per frame; three for each joint are needed, and "
                         f"{_COUNTS_SAID}.")
    if value.ndim != 3 or value.shape[-1] != 3:
        raise InputError(f"its {key} has shape {value.shape}; (frames, joints, 3) is needed.")
    if len(value) == 0:
        raise InputError("it has no frames.")
    return value


def _from_matrices(value: Array, key: str) -> Array:
    flat = value.reshape(-1, 3, 3)
    known = np.isfinite(flat).all(axis=(1, 2))
    if np.abs(np.linalg.det(flat[known]) - 1).max(initial=0) > 0.05:
        raise InputError(f"its {key} are no rotation matrices; write the file again.")
    turned = np.full((len(flat), 3), np.nan)
    turned[known] = Rotation.from_matrix(flat[known]).as_rotvec()
    return turned.reshape(*value.shape[:2], 3)


def _from_quats(value: Array, key: str, reading: Reading) -> Array:
    """(T,J,4) quaternions as (T,J,3) axis-angle, NaN where they are zero or not finite."""
    length = np.linalg.norm(value, axis=-1)
    known = np.isfinite(length) & (length > 1e-6)
    turned = np.full((*value.shape[:2], 3), np.nan)
    if not known.any():
        return turned
    unit = value[known] / length[known][:, None]
    if reading.quats is None:
        reading.quats, note = quat_order(value[:, 1:] if value.shape[1] in (22, 24, 52, 55) else value)
        reading.notes.append(note)
    if np.mean(np.abs(length[known] - 1) > 0.1) > 0.01:
        reading.notes.append(f"The quaternions in {key} are not of unit length; they were normalised.")
    xyzw = unit if reading.quats == "xyzw" else unit[:, [1, 2, 3, 0]]
    turned[known] = Rotation.from_quat(xyzw).as_rotvec()
    return turned


def quat_order(quats: Array) -> tuple[QuatOrder, str]:
    """The order of human joints' local quaternions (...,4) told from their statistics, and a sentence that says so.

    Raises:
        InputError: neither the first nor the last component can be the real part.
    """
    length = np.linalg.norm(quats, axis=-1)
    known = np.isfinite(length) & (length > 1e-6)
    if not known.any():
        return "wxyz", "Quaternions were read as wxyz (real part first)."
    size = np.abs(quats[known] / length[known][:, None]).mean(axis=0)
    first, last = float(size[0]), float(size[3])
    if max(size[1], size[2]) > max(first, last) + 0.1:
        raise InputError("its quaternions are ordered neither wxyz nor xyzw: a middle component is the largest.")
    if abs(first - last) < 0.1:
        return "wxyz", (f"The order of the quaternions cannot be told (|first| {first:.2f}, |last| {last:.2f} on the "
                        "average); wxyz (real part first) was assumed.")
    order: QuatOrder = "wxyz" if first > last else "xyzw"
    where = "first" if order == "wxyz" else "last"
    return order, (f"Quaternions were read as {order} (real part {where}): that component is the largest, "
                   f"{max(first, last):.2f} on the average against {min(first, last):.2f}.")


def _refuse_positions(pose: Array) -> None:
    """Joint positions have bones of constant length; rotation vectors do not.

    Raises InputError for positions.
    """
    body = pose[np.isfinite(pose[:, :BODY_JOINTS]).all(axis=(1, 2)), :BODY_JOINTS]
    if len(body) < 5:
        return
    length = np.linalg.norm(body[:, 1:] - body[:, list(PARENTS[1:BODY_JOINTS])], axis=-1)
    moves = body.std(axis=0).max() > 0.02
    if moves and length.mean(axis=0).min() > 0.02 and (length.std(axis=0) < 0.01 * length.mean(axis=0)).all():
        raise InputError("it holds joint positions, not rotations; joint rotations (axis-angle, matrices or "
                         "quaternions) are needed.")


def _numbers(value: NDArray[Any], key: str) -> Array:
    if value.dtype.kind not in "fiub":
        raise InputError(f"its {key} is no array of numbers; write the file again.")
    value = value.astype(np.float64)
    if key in ("betas", "smpl_scaling", *_FPS_KEYS) and not np.isfinite(value).all():
        raise InputError(f"its {key} holds NaN or infinite numbers; write the file again.")
    return value


def _first(arrays: Mapping[str, Any], keys: tuple[str, ...]) -> str | None:
    return next((key for key in keys if key in arrays), None)
