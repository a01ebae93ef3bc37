"""Between motions and poses: the 21 body joints as quaternions, their names, and their mirror image."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import torch
from torch import Tensor

from humanav.body.names import JOINT_NAMES, MIRROR, NUM_BODY_JOINTS, PARENTS
from humanav.errors import InputError
from humanav.motion import Motion
from humanav.posendf.quaternions import NUM_JOINTS, axis_angle_to_quats, canonical, quats_to_axis_angle

NAMES: tuple[str, ...] = JOINT_NAMES[1:NUM_BODY_JOINTS + 1]
"""Names of the 21 joints, in order: ``NAMES[j]`` is the joint of ``quats[..., j, :]``."""

INDEX: dict[str, int] = {name: joint for joint, name in enumerate(NAMES)}
"""Joint name to its index among the 21."""

PARENT_OF: tuple[int, ...] = tuple(parent - 1 for parent in PARENTS[1:NUM_BODY_JOINTS + 1])
"""Parent of each of the 21 joints, also among the 21; -1 where the parent is the pelvis."""

MIRROR_OF: tuple[int, ...] = tuple(joint - 1 for joint in MIRROR[1:NUM_BODY_JOINTS + 1])
"""Index of each joint's mirror image; itself on the midline."""


def motion_to_quats(motion: Motion, dtype: torch.dtype = torch.float32) -> Tensor:
    """The poses (T,21,4) of a motion; the root, the hands and the face have no part in them."""
    return axis_angle_to_quats(torch.from_numpy(motion.body_pose.astype(np.float64))).to(dtype)


def with_quats(motion: Motion, quats: Tensor) -> Motion:
    """``motion`` with other poses (T,21,4); root, hands, face, place and shape stay.

    Raises:
        InputError: not one pose of 21 quaternions per frame of the motion.
    """
    if tuple(quats.shape) != (len(motion), NUM_JOINTS, 4):
        raise InputError(f"{len(motion)} poses of 21 quaternions are needed, one per frame of the motion, not an array "
                         f"of shape {tuple(quats.shape)}.")
    body = quats_to_axis_angle(quats.detach().double().cpu()).numpy()
    return replace(motion, body_pose=body.astype(np.float32))


def mirror_quats(quats: Tensor) -> Tensor:
    """Poses (...,21,4) in a mirror (x -> -x): left and right change places, (w,x,y,z) becomes (w,x,-y,-z)."""
    return canonical(quats)[..., list(MIRROR_OF), :] * quats.new_tensor([1, 1, -1, -1])
