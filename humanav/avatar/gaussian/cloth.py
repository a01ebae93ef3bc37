"""An analytic model of loose clothes: what a pose does to them, for the teacher to show and the network to learn.

Three effects, each along with the angle of a joint: hems swing out where the thighs lift, sleeves and trouser legs hang
down from lifted limbs, and cloth crumples in rings round bent elbows and knees. It is no simulation: it is smooth,
exact and repeatable, which is what a test needs.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from humanav.avatar.avatar import Avatar, Floats, joint_transforms
from humanav.avatar.gaussian.value import dense_weights
from humanav.avatar.regions import PART, part_membership
from humanav.body.names import JOINT_INDEX
from humanav.render import vertex_normals

_HANG, _SWING, _CRUMPLE = 0.03, 0.035, 0.006  # metres at looseness 1
_LIMBS = {f"{side}_{name}": (f"{side}_{first}", f"{side}_{bend}")
          for side in ("left", "right") for name, first, bend in (("arm", "shoulder", "elbow"), ("leg", "hip", "knee"))}


@dataclass(frozen=True)
class ClothModel:
    """How loose the clothes of an avatar's mesh are.

    Attributes:
        looseness: (V,) 0 skin or tight .. 1 wide.
        strength: multiplies everything.
        reference: (55,3) the pose in which the mesh's clothes hang as they do in its photo, or None for the T-pose.
    """

    looseness: Floats
    strength: float = 1.0
    reference: Floats | None = None

    def offsets(self, avatar: Avatar, full_pose: ArrayLike) -> Floats:
        """(V,3) metres in the T-pose that the clothes move by from the reference to a pose (55,3)."""
        moved = self._hang(avatar, full_pose)
        return moved if self.reference is None else moved - self._hang(avatar, self.reference)

    def _hang(self, avatar: Avatar, full_pose: ArrayLike) -> Floats:
        rotation, _ = joint_transforms(avatar.joints, _unrooted(full_pose), avatar.parents)
        weight = dense_weights(avatar.skin_index, avatar.skin_weight, len(avatar.parents))
        rest, normal = avatar.vertices, vertex_normals(avatar.vertices, avatar.faces.astype(np.int64))
        moved = np.zeros_like(rest)
        down = np.array([0.0, -1.0, 0.0], np.float32)
        for limb, (first, bend) in _LIMBS.items():
            top, middle = JOINT_INDEX[first], JOINT_INDEX[bend]
            member = weight[:, [top, middle]].sum(axis=1)
            # gravity as the limb's own frame feels it; at rest (arms down, legs down) it pulls along the limb
            for joint in (top, middle):
                pull = down @ rotation[joint]
                along = _unit(avatar.joints[middle] - avatar.joints[top])
                across = pull - (pull @ along) * along
                under = np.clip(normal @ _unit(across), 0, 1) ** 2
                moved += (_HANG * weight[:, joint] * under)[:, None] * across
            angle = _angle(rotation[top].T @ rotation[middle])
            reach = (rest - avatar.joints[middle]) @ _unit(avatar.joints[middle] - avatar.joints[top])
            ring = np.sin(reach / 0.012) * np.exp(-(reach / 0.09) ** 2) * np.sin(0.5 * angle)
            moved += (_CRUMPLE * member * ring)[:, None] * normal
            if limb.endswith("leg"):
                lift = np.sin(np.clip(_angle(rotation[top]), 0, np.pi))
                low = np.clip((avatar.joints[top, 1] - rest[:, 1]) / 0.4, 0, 1.5)
                moved += (_SWING * lift * weight[:, top] * low)[:, None] * normal
        return (moved * (self.strength * self.looseness)[:, None]).astype(np.float32)


def looseness_of(avatar: Avatar, amount: float = 1.0, reference: Floats | None = None) -> ClothModel:
    """How loose each part is, by what the avatar wears (its ``garments``)."""
    wears = avatar.garments
    member = part_membership(avatar.skin_index.astype(np.int64), avatar.skin_weight)
    by_part = {"torso": 0.5 if "top" in wears else 0.2}
    sleeves, legs = wears.get("sleeves", "none"), wears.get("legs", "bare")
    if sleeves in ("short", "long"):
        by_part |= {"left_upper_arm": 0.8, "right_upper_arm": 0.8}
    if sleeves == "long":
        by_part |= {"left_forearm": 0.8, "right_forearm": 0.8}
    if legs in ("trousers", "shorts"):
        by_part |= {"left_thigh": 0.8, "right_thigh": 0.8}
    if legs == "trousers":
        by_part |= {"left_shin": 0.8, "right_shin": 0.8}
    loose = np.zeros(len(avatar.vertices))
    for name, value in by_part.items():
        loose += value * member[:, PART[name]]
    first, last = avatar.parts.get("skirt", (0, 0))
    loose[np.unique(avatar.faces[first:last])] = 1.0
    return ClothModel(loose.astype(np.float32), amount, reference)


def _unrooted(full_pose: ArrayLike) -> NDArray[Any]:
    """The pose with the pelvis upright: clothes hang as if the person stood."""
    pose = np.array(full_pose, dtype=np.float64)
    pose[0] = 0
    return pose


def _angle(rotation: Floats) -> float:
    return float(np.arccos(np.clip((np.trace(rotation) - 1) / 2, -1, 1)))


def _unit(vector: NDArray[Any]) -> NDArray[Any]:
    return vector / max(float(np.linalg.norm(vector)), 1e-9)
