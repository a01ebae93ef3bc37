"""Joint angles as anatomists and coaches name them, in degrees.

Elbows and knees: the bend between the two bones, 0 when straight. Hips: Cardan angles of the thigh against the pelvis
in the order flexion, abduction, rotation (Grood and Suntay 1983; Wu et al. 2002, the ISB's recommendation). Shoulders:
how far the upper arm is raised from hanging beside the trunk, and how far it points to the front. Trunk and neck:
forward flexion, bend to the left, turn to the left. Standing upright with the arms hanging is zero throughout, but for
what the T-pose of the body itself is bent.
"""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray
from scipy.spatial.transform import Rotation

from humanav.body.names import JOINT_INDEX, PARENTS
from humanav.motion.motion import Motion
from humanav.motion.rest import rest_joints

if TYPE_CHECKING:
    from humanav.body import BodyModel

Array = NDArray[np.float64]

ANGLE_NAMES: tuple[str, ...] = (
    *(f"{side}_{name}" for name in (
        "knee_flexion", "hip_flexion", "hip_abduction", "hip_rotation", "ankle_dorsiflexion", "elbow_flexion",
        "shoulder_elevation", "shoulder_forward") for side in ("left", "right")),
    "trunk_flexion", "trunk_bend", "trunk_turn", "neck_flexion", "neck_bend", "neck_turn", "trunk_lean")
"""Names of the angles that :func:`joint_angles` gives."""

JOINT_OF_ANGLE: dict[str, str] = {
    name: next((f"{name.split('_')[0]}_{joint}" for joint in ("knee", "hip", "ankle", "elbow", "shoulder")
                if f"_{joint}_" in name), {"trunk": "spine2", "neck": "neck"}.get(name.split("_")[0], ""))
    for name in ANGLE_NAMES}
"""The joint whose confidence an angle has."""


def joint_angles(motion: Motion, body: BodyModel | None = None) -> dict[str, Array]:
    """Angle name to degrees (T,), in the order of :data:`ANGLE_NAMES`.

    Signs: flexion and dorsiflexion are positive, extension is negative; abduction is positive away from the midline;
    a hip's rotation is positive inwards; bends and turns of trunk and neck are positive to the person's left.
    ``shoulder_elevation`` is 0 for a hanging, 90 for a level and 180 for a raised arm; ``shoulder_forward`` is 90 for
    an arm that points to the front, 0 in the plane of the trunk. ``trunk_lean`` is the angle between the trunk, from
    the pelvis to the neck, and the world's vertical.

    Args:
        motion: T frames, world y up.
        body: whose bones, by default the built-in body's.
    """
    local = Rotation.from_rotvec(motion.full_pose[:, :22].reshape(-1, 3).astype(np.float64)).as_matrix()
    local = local.reshape(-1, 22, 3, 3)
    rest = rest_joints(body, motion.betas)
    turned = np.empty_like(local)
    for joint in range(22):
        turned[:, joint] = local[:, joint] if joint == 0 else turned[:, PARENTS[joint]] @ local[:, joint]
    found: dict[str, Array] = {}
    for side, sign in (("left", 1.0), ("right", -1.0)):
        hip, knee, ankle = (JOINT_INDEX[f"{side}_{name}"] for name in ("hip", "knee", "ankle"))
        shoulder, elbow, wrist = (JOINT_INDEX[f"{side}_{name}"] for name in ("shoulder", "elbow", "wrist"))
        found[f"{side}_knee_flexion"] = _bend(rest, turned, hip, knee, ankle)
        found[f"{side}_elbow_flexion"] = _bend(rest, turned, shoulder, elbow, wrist)
        flexion, across, along = _cardan(local[:, hip])
        found[f"{side}_hip_flexion"], found[f"{side}_hip_abduction"] = -flexion, sign * across
        found[f"{side}_hip_rotation"] = -sign * along
        found[f"{side}_ankle_dorsiflexion"] = -_cardan(local[:, ankle])[0]
        chest = np.swapaxes(turned[:, JOINT_INDEX["spine3"]], -1, -2)
        arm = (chest @ turned[:, shoulder]) @ _unit(rest[elbow] - rest[shoulder])
        found[f"{side}_shoulder_elevation"] = _degrees(np.arccos(np.clip(-arm[:, 1], -1.0, 1.0)))
        found[f"{side}_shoulder_forward"] = _degrees(np.arcsin(np.clip(arm[:, 2], -1.0, 1.0)))
    spine = local[:, JOINT_INDEX["spine1"]] @ local[:, JOINT_INDEX["spine2"]] @ local[:, JOINT_INDEX["spine3"]]
    head = local[:, JOINT_INDEX["neck"]] @ local[:, JOINT_INDEX["head"]]
    for name, part in (("trunk", spine), ("neck", head)):
        flexion, across, along = _cardan(part)
        found[f"{name}_flexion"], found[f"{name}_bend"], found[f"{name}_turn"] = flexion, -across, along
    up = _trunk(rest, turned)
    found["trunk_lean"] = _degrees(np.arccos(np.clip(up[:, 1], -1.0, 1.0)))
    return {name: found[name] for name in ANGLE_NAMES}


def _bend(rest: Array, turned: Array, above: int, joint: int, below: int) -> Array:
    """Angle (T,) between the bones that meet in a joint."""
    upper = turned[:, above] @ _unit(rest[joint] - rest[above])
    lower = turned[:, joint] @ _unit(rest[below] - rest[joint])
    return _degrees(np.arctan2(np.linalg.norm(np.cross(upper, lower), axis=1), (upper * lower).sum(1)))


def _cardan(turn: Array) -> tuple[Array, Array, Array]:
    """Angles (T,) about x, then the new z, then the new y."""
    angles = Rotation.from_matrix(turn).as_euler("XZY", degrees=True)
    return angles[:, 0], angles[:, 1], angles[:, 2]


def _trunk(rest: Array, turned: Array) -> Array:
    """Unit vectors (T,3) from the pelvis to the neck."""
    chain = [JOINT_INDEX[name] for name in ("pelvis", "spine1", "spine2", "spine3", "neck")]
    way = sum(turned[:, a] @ (rest[b] - rest[a]) for a, b in pairwise(chain))
    return np.asarray(way / np.linalg.norm(way, axis=1, keepdims=True))


def _unit(vector: Array) -> Array:
    return np.asarray(vector / np.linalg.norm(vector))


def _degrees(radians: Array) -> Array:
    return np.asarray(np.degrees(radians))
