"""Give a skeleton a standing rest pose where its file has none.

Some BVH files (LaFAN1's, ZeroEGGS') are at rest in a heap or a straight line, from which no twist can be carried over.
Their most upright frame stands in for the rest pose: every joint's frame is turned so that its zero is that posture.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from humanav.motion.skeletons import Bones, Skeleton

Array = NDArray[np.float64]

_SEGMENTS = (("left_hip", "left_knee", -1.0), ("right_hip", "right_knee", -1.0), ("left_knee", "left_ankle", -1.0),
             ("right_knee", "right_ankle", -1.0), ("left_shoulder", "left_elbow", -1.0),
             ("right_shoulder", "right_elbow", -1.0))
_FOLDED = -0.5  # cosine between thighs and trunk above which a rest pose does not stand


def with_standing_rest(source: Skeleton, bones: Bones) -> Skeleton:
    """``source`` itself when its rest pose stands, else the same motion with the most upright frame as rest pose.

    Args:
        source: the skeleton.
        bones: our joint name to its joint: hips, knees, shoulders and elbows at least.
    """
    if _stands(source.rest(), bones):
        return source
    turned, points = source.forward()
    trunk = _unit(_middle(points, bones, "shoulder") - _middle(points, bones, "hip"))
    lean = trunk.mean(axis=0)
    up = np.eye(3)[2] if lean[2] > abs(lean[1]) else np.eye(3)[1]
    score = trunk @ up
    for top, bottom, sign in _SEGMENTS:
        if bottom in bones:
            score = score + sign * _unit(points[:, bones[bottom]] - points[:, bones[top]]) @ up
    frame = int(np.argmax(score))
    left = (points[frame, bones["left_hip"]] - points[frame, bones["right_hip"]]
            + points[frame, bones["left_shoulder"]] - points[frame, bones["right_shoulder"]])
    left = _unit(left - (left @ up) * up)
    if not np.isfinite(left).all() or np.linalg.norm(left) < 0.5:
        return source
    facing = np.stack([left, up, np.cross(left, up)], axis=1)  # takes our axes to the person's in that frame

    turn = np.swapaxes(turned[frame], -1, -2) @ facing  # (J,3,3): new frame of each joint in its old one
    parents = np.array(source.parents)
    above = np.where((parents < 0)[:, None, None], np.eye(3), turn[np.maximum(parents, 0)])
    back = np.swapaxes(above, -1, -2)
    positions = np.einsum("jab,tjb->tja", back, source.positions)
    return replace(
        source, offsets=np.einsum("jab,jb->ja", back, source.offsets), positions=positions,
        tips=np.einsum("jba,jb->ja", turn, source.tips), rotations=back @ source.rotations @ turn,
        notes=(*source.notes, f"The file's rest pose does not stand; frame {frame + 1}, the most upright, was taken as "
                              "rest, so limbs may be twisted by some degrees."))


def _stands(rest: Array, bones: Bones) -> bool:
    trunk = _middle(rest, bones, "shoulder") - _middle(rest, bones, "hip")
    thighs = _middle(rest, bones, "knee") - _middle(rest, bones, "hip")
    return float(_unit(trunk) @ _unit(thighs)) < _FOLDED


def _middle(points: Array, bones: Bones, joint: str) -> Array:
    both = points[..., [bones[f"left_{joint}"], bones[f"right_{joint}"]], :]
    return np.asarray(both.mean(axis=-2))


def _unit(vectors: Array) -> Array:
    return np.asarray(vectors / np.maximum(np.linalg.norm(vectors, axis=-1, keepdims=True), 1e-9))
