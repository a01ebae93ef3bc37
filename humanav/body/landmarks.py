"""What the keypoints of common detectors are on the body: ``p = X[joint] + G[frame] @ offset``.

A detector's "hip" or "ear" is neither a joint of the tree nor a point on the skin; a constant offset in a joint's frame
fits it best. The offsets (``assets/body/landmarks.json``: left side and midline, metres in T-pose axes, for a body of
average stature; the right side is the exact mirror image) were fitted on synthetic people seen through MediaPipe; those
of the face and finger tips were measured on the mesh. They belong to the built-in body's joints.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from humanav.body.names import JOINT_INDEX
from humanav.errors import InputError
from humanav.paths import asset

ArrayOrTensor = TypeVar("ArrayOrTensor", NDArray[np.float64], NDArray[np.float32], Any)

_FINGERS = ("index", "middle", "ring", "pinky")


def _sides(*names: str) -> tuple[str, ...]:
    return tuple(f"{side}_{name}" for name in names for side in ("left", "right"))


def _hand(side: str) -> tuple[str, ...]:
    thumb = tuple(f"{side}_thumb_{part}" for part in ("cmc", "mcp", "ip", "tip"))
    fingers = tuple(f"{side}_{finger}_{part}" for finger in _FINGERS for part in ("mcp", "pip", "dip", "tip"))
    return (f"{side}_wrist", *thumb, *fingers)


_COCO = ("nose", *_sides("eye", "ear", "shoulder", "elbow", "wrist", "hip", "knee", "ankle"))

FACE_POINTS: dict[str, int] = {
    "face_nose_tip": 1, "face_nose_bridge": 168, "face_nose_base": 2, "face_upper_lip": 0, "face_lower_lip": 17,
    "face_chin": 152, "face_left_eye_outer": 263, "face_right_eye_outer": 33, "face_left_eye_inner": 362,
    "face_right_eye_inner": 133, "face_left_mouth": 291, "face_right_mouth": 61, "face_left_nostril": 327,
    "face_right_nostril": 98, "face_left_brow_inner": 336, "face_right_brow_inner": 107, "face_left_brow_middle": 334,
    "face_right_brow_middle": 105, "face_left_brow_outer": 300, "face_right_brow_outer": 70,
}
"""Landmark name to index in MediaPipe's face mesh (468 or 478 points) for the points worth fitting."""

FACE_POINTS_68: dict[str, int] = {
    "face_nose_tip": 30, "face_nose_bridge": 27, "face_nose_base": 33, "face_upper_lip": 51, "face_lower_lip": 57,
    "face_chin": 8, "face_left_eye_outer": 45, "face_right_eye_outer": 36, "face_left_eye_inner": 42,
    "face_right_eye_inner": 39, "face_left_mouth": 54, "face_right_mouth": 48, "face_left_nostril": 35,
    "face_right_nostril": 31, "face_left_brow_inner": 22, "face_right_brow_inner": 21, "face_left_brow_middle": 24,
    "face_right_brow_middle": 19, "face_left_brow_outer": 26, "face_right_brow_outer": 17,
}
"""The same points in the 68 of iBUG's 300-W, which OpenPose follows by two pupils."""

KEYPOINT_SETS: dict[str, tuple[str, ...]] = {
    "blazepose33": (
        "nose", "left_eye_inner", "left_eye", "left_eye_outer", "right_eye_inner", "right_eye", "right_eye_outer",
        *_sides("ear", "mouth", "shoulder", "elbow", "wrist", "pinky", "index", "thumb", "hip", "knee", "ankle",
                "heel", "foot_index")),
    "coco17": _COCO,
    "halpe26": (*_COCO, "head_top", "neck", "pelvis", *_sides("big_toe", "small_toe", "heel")),
    "openpose25": (
        "nose", "neck", "right_shoulder", "right_elbow", "right_wrist", "left_shoulder", "left_elbow", "left_wrist",
        "pelvis", "right_hip", "right_knee", "right_ankle", "left_hip", "left_knee", "left_ankle", "right_eye",
        "left_eye", "right_ear", "left_ear", "left_big_toe", "left_small_toe", "left_heel", "right_big_toe",
        "right_small_toe", "right_heel"),
    "openpose18": (
        "nose", "neck", "right_shoulder", "right_elbow", "right_wrist", "left_shoulder", "left_elbow", "left_wrist",
        "right_hip", "right_knee", "right_ankle", "left_hip", "left_knee", "left_ankle", "right_eye", "left_eye",
        "right_ear", "left_ear"),
    "openpose14": (
        "head_top", "neck", "right_shoulder", "right_elbow", "right_wrist", "left_shoulder", "left_elbow",
        "left_wrist", "right_hip", "right_knee", "right_ankle", "left_hip", "left_knee", "left_ankle"),
    "skel19": (  # AvatarPose's and 4D association's
        "pelvis", "neck", "right_hip", "left_hip", "nose", "right_shoulder", "left_shoulder", "right_knee", "left_knee",
        "right_ear", "left_ear", "right_elbow", "left_elbow", "right_ankle", "left_ankle", "right_wrist", "left_wrist",
        "left_big_toe", "right_big_toe"),
    "left_hand21": _hand("left"),
    "right_hand21": _hand("right"),
    "face": tuple(FACE_POINTS),
}
"""Landmark names of every keypoint layout, in its order; left and right are the person's."""


def face_points(count: int) -> dict[str, int]:
    """Landmark name to index in a face of ``count`` points: 68 or 70 (iBUG, OpenPose), 468 or 478 (MediaPipe).

    Raises:
        InputError: any other count.
    """
    if count in (68, 70):
        return FACE_POINTS_68
    if count in (468, 478):
        return FACE_POINTS
    raise InputError(f"A face of {count} points is of no known kind: 68, 70, 468 or 478 are needed.")


SURFACE_VERTICES: dict[str, int] = {
    "nose": 9120, "right_eye": 9929, "left_eye": 9448, "right_ear": 616, "left_ear": 6, "right_thumb_tip": 8079,
    "right_index_tip": 7669, "right_middle_tip": 7794, "right_ring_tip": 7905, "right_pinky_tip": 8022,
    "left_thumb_tip": 5361, "left_index_tip": 4933, "left_middle_tip": 5058, "left_ring_tip": 5169,
    "left_pinky_tip": 5286, "left_big_toe": 5770, "left_small_toe": 5780, "left_heel": 8846, "right_big_toe": 8463,
    "right_small_toe": 8474, "right_heel": 8635,
}
"""Vertex of points on the skin; the same in the built-in body and in every SMPL-X file."""


@dataclass(frozen=True)
class Landmark:
    """``X[joint] + G[frame] @ offset``: joint and frame by name, offset in metres in T-pose axes."""

    joint: str
    frame: str
    offset: tuple[float, float, float]

    def mirrored(self) -> Landmark:
        """The same landmark on the other side."""
        return Landmark(_other_side(self.joint), _other_side(self.frame), (-self.offset[0], *self.offset[1:]))


def _other_side(name: str) -> str:
    return name.replace("left", "right") if "left" in name else name.replace("right", "left")


def _read() -> dict[str, Landmark]:
    table = json.loads(asset("body", "landmarks.json").read_text())
    landmarks = {name: Landmark(row["joint"], row["frame"], tuple(row["offset"])) for name, row in table.items()}
    return landmarks | {_other_side(name): mark.mirrored() for name, mark in landmarks.items() if "left" in name}


LANDMARKS: dict[str, Landmark] = _read()
"""Every landmark's definition, by name."""


def landmark_positions(
    joints: ArrayOrTensor, rotations: ArrayOrTensor, keypoint_set: str | Sequence[str],
    stature_scale: float | ArrayOrTensor = 1.0,
) -> ArrayOrTensor:
    """Positions (...,K,3) of landmarks on a posed body, numpy in numpy out, torch in torch out (differentiable).

    Args:
        joints: (...,55,3) posed joints.
        rotations: (...,55,3,3) global rotations.
        keypoint_set: a key of :data:`KEYPOINT_SETS`, or landmark names.
        stature_scale: the person's stature over the template's, a number or (...) array: offsets grow with it.

    Raises:
        InputError: when a name is unknown.
    """
    names = KEYPOINT_SETS.get(keypoint_set, ()) if isinstance(keypoint_set, str) else tuple(keypoint_set)
    if not names or any(name not in LANDMARKS for name in names):
        raise InputError(
            f"There is no keypoint set or landmark {keypoint_set!r}; known sets: {', '.join(KEYPOINT_SETS)}.")
    joint, frame, offset = _table(names)
    turned: Any = rotations[..., frame, :, :]
    if isinstance(rotations, np.ndarray):
        moved = (turned @ offset[:, :, None].astype(rotations.dtype))[..., 0]
        scale: Any = np.asarray(stature_scale, dtype=rotations.dtype)
    else:
        import torch

        moved = (turned @ torch.as_tensor(offset).to(turned).unsqueeze(-1)).squeeze(-1)
        scale = torch.as_tensor(stature_scale).to(turned)
    return joints[..., joint, :] + moved * scale[..., None, None]


@lru_cache(maxsize=64)
def _table(names: tuple[str, ...]) -> tuple[list[int], list[int], NDArray[np.float64]]:
    marks = [LANDMARKS[name] for name in names]
    return ([JOINT_INDEX[m.joint] for m in marks], [JOINT_INDEX[m.frame] for m in marks],
            np.array([m.offset for m in marks]))
