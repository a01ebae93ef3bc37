"""Feet that stand neither slide nor sink nor hover; everything else stays as it was tracked.

The body is moved so that its standing feet keep to their spots (:mod:`humanav.track.anchors`), then each leg is bent
in the plane in which its knee bends already, so that heel and ball are exactly there. Corrections ease in and out
around a contact; the swing between contacts keeps its size.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.ndimage import gaussian_filter1d, minimum_filter1d

from humanav.body import BodyModel
from humanav.body.kinematics import exp_rotation, log_rotation
from humanav.motion.shapes import bend_leg
from humanav.track.anchors import FootTargets, blend, foot_targets, hold_path, part_weights
from humanav.track.path import BodyPath
from humanav.track.soles import BALL, HEEL, LEGS, PosedFeet, place_soles, pose_feet

Array = NDArray[np.float64]

_EASE = 0.1  # seconds in which a correction comes and goes
_CLEARANCE = 0.0  # metres: soles are not below this
_REACH = 0.9985  # of a leg's length: how far an ankle may be from its hip
_BENT, _STEADY = 0.93, 0.08  # share of a leg's length from which on the knee counts as straight, and seconds
_MOST_LOWERED = 0.06  # metres by which the pelvis comes down so that feet reach the floor


def lock_feet(
    path: BodyPath, contacts: ArrayLike, body: BodyModel, *, strength: float = 1.0, eye: ArrayLike | None = None,
) -> BodyPath:
    """The path with standing feet at rest on the floor y = 0.

    Args:
        path: in the world, y up.
        contacts: (T,2) how likely the left and the right foot stand, 0..1, or whether they do.
        body: whose path it is.
        strength: 0..1 share of the correction that is made.
        eye: (3,) or (T,3) the camera's place, when known: the body is then rather moved along its rays.
    """
    stands = np.clip(np.asarray(contacts, dtype=np.float64), 0.0, 1.0)
    if strength <= 0 or not len(path):
        return path
    feet = pose_feet(path, body)
    weights = part_weights(feet, stands)
    place = None if eye is None else np.asarray(eye, dtype=np.float64)
    moved = strength * hold_path(feet, weights, path.fps, place)
    feet = _shifted(feet, moved)
    targets = foot_targets(feet, weights, stands, path.fps)
    turned, local_toes = _lay_flat(path, feet, targets, strength)
    ankles = strength * _ankle_shift(feet, turned, targets, path.fps)
    ankles += _lift_soles(feet, turned, ankles, path.fps)
    lowered = _lowering(feet, ankles)
    rotations = path.rotations.copy()
    for side, leg in enumerate(LEGS):
        hip, _, ankle, ball = leg
        span = feet.joints[:, ankle] + ankles[:, side] - feet.joints[:, hip]
        span[:, 1] += lowered
        span = _steady(span, feet.joints[:, ankle] - feet.joints[:, hip], _leg(feet.rest, leg), path.fps)
        for joint, turn in bend_leg(turned, leg[:3], feet.rest, span).items():
            rotations[:, joint] = turn
        rotations[:, ball] = local_toes[:, side]
    pelvis = path.pelvis + moved - np.outer(lowered, [0.0, 1.0, 0.0])
    return replace(path, rotations=rotations, pelvis=pelvis)


def _shifted(feet: PosedFeet, moved: Array) -> PosedFeet:
    return replace(feet, joints=feet.joints + moved[:, None], soles=feet.soles + moved[:, None, None])


def _lay_flat(path: BodyPath, feet: PosedFeet, targets: FootTargets, strength: float) -> tuple[Array, Array]:
    """Global rotations (T,55,3,3) with the feet turned, and the toes' local ones (T,2,3,3)."""
    turned = feet.turned.copy()
    toes = np.empty((len(path), 2, 3, 3))
    for side, (_, _, ankle, ball) in enumerate(LEGS):
        flat, held = targets.flat[:, side, None] ** 2, targets.held[:, side]
        yaw = blend(np.outer(targets.yaw[:, side], [0.0, 1.0, 0.0]), held, path.fps, _EASE)
        tilt = blend(flat * targets.tilt[:, side], held, path.fps, _EASE)
        turned[:, ankle] = exp_rotation(strength * tilt) @ exp_rotation(strength * yaw) @ turned[:, ankle]
        bent = log_rotation(path.rotations[:, ball])
        straight = blend(-flat * bent, held, path.fps, _EASE)
        toes[:, side] = exp_rotation(bent + strength * straight)
        turned[:, ball] = turned[:, ankle] @ toes[:, side]
    return turned, toes


def _soles_from_ankles(feet: PosedFeet, turned: Array) -> Array:
    """Soles (T,2,3,3) from the ankles, for feet with these global rotations."""
    joints = np.zeros((len(turned), 55, 3))
    for _, _, ankle, ball in LEGS:
        joints[:, ball] = turned[:, ankle] @ (feet.rest[ball] - feet.rest[ankle])
    return place_soles(joints, turned, feet.offsets)


def _ankle_shift(feet: PosedFeet, turned: Array, targets: FootTargets, fps: float) -> Array:
    """By how much (T,2,3) the ankles move so that heels and balls come to their spots, eased out over the swing."""
    ankles = feet.joints[:, [leg[2] for leg in LEGS]]
    away = targets.spots - (ankles[:, :, None] + _soles_from_ankles(feet, turned)[:, :, [HEEL, BALL]])
    share = targets.share[..., None]
    wanted = (share * away).sum(axis=2) / np.maximum(share.sum(axis=2), 1e-9)
    return np.stack([blend(wanted[:, side], targets.held[:, side], fps, _EASE) for side in range(2)], axis=1)


def _lift_soles(feet: PosedFeet, turned: Array, shift: Array, fps: float) -> Array:
    """By how much (T,2,3) the ankles must rise besides, so that no part of a sole is below the floor."""
    ankles = feet.joints[:, [leg[2] for leg in LEGS]] + shift
    lowest = (ankles[:, :, None] + _soles_from_ankles(feet, turned))[..., 1].min(axis=2)
    rise = np.zeros_like(shift)
    need = np.maximum(_CLEARANCE - lowest, 0.0)
    for side in range(2):
        smooth = gaussian_filter1d(-minimum_filter1d(-need[:, side], 3, mode="nearest"), 0.03 * fps, mode="nearest")
        rise[:, side, 1] = np.maximum(smooth, need[:, side])
    return rise


def _leg(rest: Array, leg: tuple[int, int, int, int]) -> float:
    hip, knee, ankle, _ = leg
    return float(np.linalg.norm(rest[knee] - rest[hip]) + np.linalg.norm(rest[ankle] - rest[knee]))


def _steady(span: Array, before: Array, length: float, fps: float) -> Array:
    """Spans (T,3) from hip to ankle whose length differs smoothly from that ``before`` where the leg is straight.

    A straight knee bends by degrees for each millimetre; so it keeps the trembling that it had and gets no more.
    """
    wanted, tracked = np.linalg.norm(span, axis=1), np.linalg.norm(before, axis=1)
    smooth = tracked + gaussian_filter1d(wanted - tracked, _STEADY * fps, mode="nearest")
    straight = np.clip((np.maximum(wanted, smooth) / length - _BENT) / (_REACH - _BENT), 0.0, 1.0)
    chosen = wanted + straight**2 * (3 - 2 * straight) * (smooth - wanted)
    return np.asarray(span * (np.minimum(chosen, _REACH * length) / np.maximum(wanted, 1e-9))[:, None])


def _lowering(feet: PosedFeet, shift: Array) -> Array:
    """How far (T,) the pelvis comes down, smoothly, so that both legs reach their ankles."""
    need = np.zeros(len(shift))
    for side, leg in enumerate(LEGS):
        hip, _, ankle, _ = leg
        reach = _REACH * _leg(feet.rest, leg)
        apart = feet.joints[:, ankle] + shift[:, side] - feet.joints[:, hip]
        height = np.sqrt(np.maximum(reach**2 - (apart[:, [0, 2]] ** 2).sum(axis=1), 0.0))
        need = np.maximum(need, -apart[:, 1] - height)
    need = np.clip(need, 0.0, _MOST_LOWERED)
    return np.asarray(gaussian_filter1d(-minimum_filter1d(-need, 5, mode="nearest"), 1.3, mode="nearest"))
