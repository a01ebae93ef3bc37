"""What tells a good motion from a bad one: error to the truth, jitter, sliding feet, and the amplitude that is left."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from humanav.body.kinematics import exp_rotation
from humanav.body.names import PARENTS
from humanav.errors import InputError
from humanav.motion import Motion
from humanav.motion.rest import rest_joints
from humanav.posendf.sequences import TRACKED

Array = NDArray[np.float64]

FEET = (10, 11)
"""The joints at the balls of the feet."""

EXTREMITIES = (7, 8, 15, 18, 19, 20, 21, 4, 5)
"""Joints whose excursion says how large a movement is: ankles, head, elbows, wrists, knees."""

CONTACT_HEIGHT = 0.05
"""A foot joint lower than this above its own lowest level, in metres, is taken to touch the ground."""


def joint_positions(motion: Motion, *, in_pelvis: bool = False) -> Array:
    """The 22 body joints (T,22,3) of the built-in body in metres, world, y up.

    Args:
        motion: what the body does; its ``betas`` shape the body.
        in_pelvis: in the pelvis' own axes and from its joint, so that walking and turning do not show.
    """
    rest = rest_joints(betas=motion.betas)[:TRACKED]
    turns = exp_rotation(motion.full_pose[:, :TRACKED].astype(np.float64))
    if in_pelvis:
        turns[:, 0] = np.eye(3)
    points = np.zeros((len(motion), TRACKED, 3))
    if not in_pelvis:
        points[:, 0] = rest[0] + motion.transl
    whole = turns.copy()
    for joint in range(1, TRACKED):
        parent = PARENTS[joint]
        whole[:, joint] = whole[:, parent] @ turns[:, joint]
        points[:, joint] = points[:, parent] + whole[:, parent] @ (rest[joint] - rest[parent])
    return points


def motion_mpjpe(motion: Motion, truth: Motion) -> float:
    """Mean distance of the 22 joints in millimetres, both pelvises laid together in every frame.

    Raises:
        InputError: the motions differ in length.
    """
    _same_length(motion, truth)
    ours, theirs = joint_positions(motion), joint_positions(truth)
    return 1000 * float(np.linalg.norm((ours - ours[:, :1]) - (theirs - theirs[:, :1]), axis=-1).mean())


def jitter(motion: Motion) -> float:
    """Mean length of the joints' jerk, the third derivative of their world positions, in m/s^3; 0 below 4 frames."""
    if len(motion) < 4:
        return 0.0
    return float(np.linalg.norm(np.diff(joint_positions(motion), 3, axis=0), axis=-1).mean() * motion.fps**3)


def foot_slide(motion: Motion, reference: Motion | None = None) -> float:
    """Mean horizontal speed in m/s of feet that touch the ground; 0 below 2 frames or when none touches.

    A foot at height h above its own lowest level (the 5th percentile) counts 2 - 2^(h / 5 cm), nothing above 5 cm
    (Zhang et al. 2018, "Mode-adaptive neural networks for quadruped motion control").

    Args:
        motion: whose feet.
        reference: a motion of equal length, without damage, that says when a foot touches; by default ``motion``.

    Raises:
        InputError: the motions differ in length.
    """
    if len(motion) < 2:
        return 0.0
    feet = joint_positions(motion)[:, FEET]
    judge = feet
    if reference is not None:
        _same_length(motion, reference)
        judge = joint_positions(reference)[:, FEET]
    height = judge[..., 1] - np.quantile(judge[..., 1], 0.05, axis=0)
    height = np.maximum(height[1:], height[:-1])
    weight = np.where(height < CONTACT_HEIGHT, 2 - 2 ** (np.maximum(height, 0) / CONTACT_HEIGHT), 0.0)
    speed = np.linalg.norm(np.diff(feet[..., (0, 2)], axis=0), axis=-1) * motion.fps
    return float((weight * speed).sum() / weight.sum()) if weight.sum() > 0 else 0.0


def amplitude_kept(motion: Motion, reference: Motion) -> float:
    """How large the movement of head, elbows, wrists, knees and ankles is, as a part of the reference's.

    The ratio of the summed standard deviations of their places in the pelvis' axes. 1 is ideal; less is a movement that
    was smoothed away, more is noise that is left. 1 for a reference that stands still.

    Raises:
        InputError: the motions differ in length.
    """
    _same_length(motion, reference)
    kept, whole = (np.sqrt(joint_positions(m, in_pelvis=True)[:, EXTREMITIES].var(axis=0).sum(-1)).sum()
                   for m in (motion, reference))
    return float(kept / whole) if whole > 1e-6 else 1.0


def _same_length(a: Motion, b: Motion) -> None:
    if len(a) != len(b):
        raise InputError(f"The motions have {len(a)} and {len(b)} frames; compare motions of equal length.")
