"""Give a motion to another body shape without sliding or sinking feet."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.ndimage import gaussian_filter1d, minimum_filter1d
from scipy.spatial.transform import Rotation

from humanav.motion.motion import Motion

if TYPE_CHECKING:
    from humanav.body import BodyModel

Array = NDArray[np.float64]

_LEGS = ((1, 4, 7), (2, 5, 8))
_STRAIGHT = 0.9992  # of a leg's length: how far a foot may be from its hip
_MOST_LOWERED = 0.04  # metres


def fit_to_shape(motion: Motion, body: BodyModel, betas: ArrayLike) -> Motion:
    """The motion for another shape of the same body: longer legs take longer steps, and planted feet stay planted.

    The path of pelvis and ankles is scaled with the legs, and the legs are bent (two-bone inverse kinematics in the
    plane in which the knee already bends) so that the ankles follow it; the feet keep their attitude, and everything
    else stays as it is. The motion must stand on y = 0: see :func:`humanav.motion.ground`.
    """
    b = np.asarray(betas, dtype=np.float32).reshape(-1)
    old, old_sole = _rest(body, motion.betas)
    new, new_sole = _rest(body, b)
    ratio = _leg(new) / _leg(old)
    turned, joints = _pose(motion, body)

    pelvis = joints[:, 0] * ratio
    pelvis[:, 1] += new_sole - ratio * old_sole + (_pelvis_over_ankle(new) - ratio * _pelvis_over_ankle(old))
    ankles = joints[:, [leg[2] for leg in _LEGS]] * ratio
    ankles[..., 1] += new_sole - ratio * old_sole
    hips = np.stack([turned[:, 0] @ (new[hip] - new[0]) for hip, _, _ in _LEGS], axis=1)
    pelvis[:, 1] -= _lowering(pelvis[:, None] + hips, ankles, new)

    pose = motion.full_pose.astype(np.float64)
    for k, leg in enumerate(_LEGS):
        for joint, turn in bend_leg(turned, leg, new, ankles[:, k] - pelvis - hips[:, k]).items():
            pose[:, joint] = Rotation.from_matrix(turn).as_rotvec()
    body_pose, transl = pose[:, 1:22].astype(np.float32), (pelvis - new[0]).astype(np.float32)
    return replace(motion, body_pose=body_pose, transl=transl, betas=b)


def leg_ratio(body: BodyModel, betas: ArrayLike, others: ArrayLike) -> float:
    """Legs of the shape ``others`` as a multiple of those of ``betas``: by this :func:`fit_to_shape` scales paths."""
    return _leg(_rest(body, others)[0]) / _leg(_rest(body, betas)[0])


def _rest(body: BodyModel, betas: ArrayLike) -> tuple[Array, float]:
    """Rest joints (55,3) and the height of the ankles over the soles."""
    import torch

    with torch.no_grad():
        vertices, joints = (x.double().cpu().numpy() for x in body.rest(betas))
    return joints, float(joints[[7, 8], 1].mean() - vertices[:, 1].min())


def _pose(motion: Motion, body: BodyModel) -> tuple[Array, Array]:
    import torch

    with torch.no_grad():
        out = body.from_motion(motion, vertices=False)
    return out.rotations.double().cpu().numpy(), out.joints.double().cpu().numpy()


def _leg(joints: Array) -> float:
    return float(np.linalg.norm(joints[4] - joints[1]) + np.linalg.norm(joints[7] - joints[4]))


def _pelvis_over_ankle(joints: Array) -> float:
    return float(joints[0, 1] - joints[[7, 8], 1].mean())


def _lowering(hips: Array, ankles: Array, rest: Array) -> Array:
    """How far (T,) the pelvis must come down, smoothly, so that both legs reach their ankles."""
    reach = _STRAIGHT * _leg(rest)
    apart = ankles - hips
    height = np.sqrt(np.maximum(reach**2 - (apart[..., [0, 2]] ** 2).sum(axis=-1), 0))
    need = np.clip((-apart[..., 1] - height).max(axis=1), 0, _MOST_LOWERED)
    return gaussian_filter1d(-minimum_filter1d(-need, 5, mode="nearest"), 1.3, mode="nearest")


def bend_leg(turned: Array, leg: tuple[int, int, int], rest: Array, span: Array) -> dict[int, Array]:
    """Local rotations of hip, knee and ankle that put the ankle at ``span`` (T,3) from the hip; the foot keeps its own.

    Args:
        turned: (T,J,3,3) global rotations; the knee bends in the plane in which it bends already.
        leg: hip, knee and ankle.
        rest: (J,3) joints of the shape at rest, metres.
        span: from hip to ankle, metres; a longer one than the leg gives a leg nearly straight in its direction.
    """
    hip, knee, ankle = leg
    thigh, shin = rest[knee] - rest[hip], rest[ankle] - rest[knee]
    a, b = np.linalg.norm(thigh), np.linalg.norm(shin)
    parent = turned[:, 0]
    u, v = turned[:, hip] @ thigh / a, turned[:, knee] @ shin / b
    hinge = np.cross(u, v) + 0.02 * turned[:, hip, :, 0]  # a straight knee bends about the thigh's own x axis
    hinge /= np.linalg.norm(hinge, axis=1, keepdims=True)
    distance = np.minimum(np.linalg.norm(span, axis=1), _STRAIGHT * (a + b))
    wanted = np.arccos(np.clip((distance**2 - a * a - b * b) / (2 * a * b), -1, 1))
    present = np.arctan2((np.cross(u, v) * hinge).sum(axis=1), (u * v).sum(axis=1))
    shin_turn = Rotation.from_rotvec(hinge * (wanted - present)[:, None])
    reached = a * u + b * shin_turn.apply(v)
    swing = _least_turn(reached, span)
    new_hip = swing.as_matrix() @ turned[:, hip]
    new_knee = (swing * shin_turn).as_matrix() @ turned[:, knee]
    return {hip: _local(parent, new_hip), knee: _local(new_hip, new_knee), ankle: _local(new_knee, turned[:, ankle])}


def _local(parent: Array, child: Array) -> Array:
    return np.swapaxes(parent, -1, -2) @ child


def _least_turn(start: Array, end: Array) -> Rotation:
    """The smallest rotations that take directions ``start`` (T,3) to ``end`` (T,3)."""
    axis = np.cross(start, end)
    sine, cosine = np.linalg.norm(axis, axis=1), (start * end).sum(axis=1)
    angle = np.arctan2(sine, cosine)
    return Rotation.from_rotvec(axis * (angle / np.maximum(sine, 1e-12))[:, None])
