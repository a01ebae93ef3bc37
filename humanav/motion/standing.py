"""Give a skeleton a standing rest pose where its file has none.

Some BVH files (LaFAN1's, ZeroEGGS') are at rest in a heap or a straight line, from which no twist can be carried over.
Their most upright frame stands in for the rest pose: every joint's frame is turned so that its zero is that posture.
How arms and legs were twisted in it is told from the axes about which elbows and knees bend in the whole motion.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray
from scipy.spatial.transform import Rotation

from humanav.motion.skeletons import Bones, Skeleton

Array = NDArray[np.float64]

_SEGMENTS = (("left_hip", "left_knee", -1.0), ("right_hip", "right_knee", -1.0), ("left_knee", "left_ankle", -1.0),
             ("right_knee", "right_ankle", -1.0), ("left_shoulder", "left_elbow", -1.0),
             ("right_shoulder", "right_elbow", -1.0))
_BENDS = 0.2  # mean sine of elbow or knee from which its axis can be told
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
                              "rest, so limbs and head may be turned by some degrees."))


def align_bends(source: Skeleton, bones: Bones, aligned: dict[str, Array]) -> dict[str, Array]:
    """Rest alignments D with the twist of arms and legs told from how the source's elbows and knees bend.

    Args:
        source: the skeleton; over its frames, elbows and knees bend about one axis of their limb.
        bones: our joint name to its joint.
        aligned: D (3,3) of each of our joints, whose direction along the bone is kept.
    """
    turned, points = source.forward()
    aligned = dict(aligned)
    for side, x in (("left", 1.0), ("right", -1.0)):
        for top, middle, bottom, axis in (("shoulder", "elbow", "wrist", (0.0, -x, 0.0)),
                                          ("hip", "knee", "ankle", (1.0, 0.0, 0.0))):
            names = [f"{side}_{top}", f"{side}_{middle}", f"{side}_{bottom}"]
            if names[2] not in bones:
                continue
            hand = [joint for joint in aligned if joint == names[2] or (joint.startswith(side) and joint[-1] in "123")]
            a, b, c = (points[:, bones[name]] for name in names)
            bend = np.cross(_unit(b - a), _unit(c - b))
            for name, along in ((names[0], b - a), (names[1], c - b)):
                back = np.swapaxes(turned[:, bones[name]], -1, -2)
                hinge, bone = ((back @ v[..., None])[..., 0].mean(axis=0) for v in (bend, _unit(along)))
                if np.linalg.norm(hinge) > _BENDS:
                    twist = _twist(aligned[name] @ np.array(axis), hinge, _unit(bone))
                    for follower in (name, *hand) if middle == "elbow" and name == names[1] else (name,):
                        aligned[follower] = twist @ aligned[follower]
    return aligned


def _twist(start: Array, end: Array, axis: Array) -> Array:
    """The turn about ``axis`` that takes ``start`` nearest to ``end``."""
    angle = np.arctan2(np.cross(start, end) @ axis, start @ end - (start @ axis) * (end @ axis))
    return Rotation.from_rotvec(axis * angle).as_matrix()


def _stands(rest: Array, bones: Bones) -> bool:
    trunk = _middle(rest, bones, "shoulder") - _middle(rest, bones, "hip")
    thighs = _middle(rest, bones, "knee") - _middle(rest, bones, "hip")
    return float(_unit(trunk) @ _unit(thighs)) < _FOLDED


def _middle(points: Array, bones: Bones, joint: str) -> Array:
    both = points[..., [bones[f"left_{joint}"], bones[f"right_{joint}"]], :]
    return np.asarray(both.mean(axis=-2))


def _unit(vectors: Array) -> Array:
    return np.asarray(vectors / np.maximum(np.linalg.norm(vectors, axis=-1, keepdims=True), 1e-9))
