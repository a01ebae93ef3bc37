"""Names and tree of the 55 SMPL-X joints. Own list: nothing here comes from the smplx package."""

from __future__ import annotations

_FINGERS = ("index", "middle", "pinky", "ring", "thumb")

JOINT_NAMES: tuple[str, ...] = (
    "pelvis", "left_hip", "right_hip", "spine1", "left_knee", "right_knee", "spine2", "left_ankle", "right_ankle",
    "spine3", "left_foot", "right_foot", "neck", "left_collar", "right_collar", "head", "left_shoulder",
    "right_shoulder", "left_elbow", "right_elbow", "left_wrist", "right_wrist", "jaw", "left_eye", "right_eye",
    *(f"left_{finger}{k}" for finger in _FINGERS for k in (1, 2, 3)),
    *(f"right_{finger}{k}" for finger in _FINGERS for k in (1, 2, 3)),
)
"""Joint names in SMPL-X order: 0 root, 1-21 body, 22 jaw, 23-24 eyes, 25-39 left hand, 40-54 right hand."""

PARENTS: tuple[int, ...] = (
    -1, 0, 0, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 9, 9, 12, 13, 14, 16, 17, 18, 19, 15, 15, 15,
    *(20 if k == 0 else 25 + 3 * f + k - 1 for f in range(5) for k in range(3)),
    *(21 if k == 0 else 40 + 3 * f + k - 1 for f in range(5) for k in range(3)),
)
"""Parent of each joint; -1 for the root. A parent's index is always smaller than its child's."""

JOINT_INDEX: dict[str, int] = {name: index for index, name in enumerate(JOINT_NAMES)}
"""Joint name to index."""

NUM_JOINTS = len(JOINT_NAMES)
NUM_BODY_JOINTS = 21

MIRROR: tuple[int, ...] = tuple(
    JOINT_INDEX[name.replace("left_", "right_") if name.startswith("left_") else name.replace("right_", "left_")]
    for name in JOINT_NAMES
)
"""Index of each joint's mirror image (itself for joints on the midline)."""
