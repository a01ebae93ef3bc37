"""Feet near the floor lie flat on it: what tells how a foot is turned where no toe is seen.

Nothing is forced. How high an ankle is above where it would be on a flat foot tells how likely the foot stands; the
floor's height is where the lowest ankles usually are, and a foot that is a few centimetres above it is left alone.
Places are in the level frame, where up is -y.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from humanav.body import BodyModel
from humanav.body.kinematics import Skeleton
from humanav.fit.clip_feet import FloorTerm
from humanav.fit.clip_kinematics import ClipPoints, ClipState, pose_clip
from humanav.track.soles import LEGS, rest_soles

Array = NDArray[np.float64]

_UP = np.array([0.0, -1.0, 0.0])
_NEAR = 0.04  # metres above the floor at which an ankle hardly stands any more
_HOVER = 0.015  # metres that a standing sole may be off the floor
_ANKLES = [leg[2] for leg in LEGS]


def ankle_heights(body: BodyModel, skeleton: Skeleton, state: ClipState) -> Array:
    """(T,2) metres of the floor on which each foot would lie flat, left and right."""
    rest, offsets = rest_soles(body, _whole(body, state))
    lift = np.array([rest[ankle, 1] - (rest[ball, 1] + offsets[side, 1, 1]) for side, (_, _, ankle, ball)
                     in enumerate(LEGS)])
    return np.asarray(pose_clip(skeleton, state).joints[:, _ANKLES] @ _UP - lift)


def floor_height(heights: Sequence[Array], seen: Sequence[NDArray[np.bool_]]) -> float | None:
    """Metres of the floor: the median over time of the lowest foot of all people; None where nobody is seen.

    Args:
        heights: (T,2) of each person, see :func:`ankle_heights`.
        seen: (T,) frames that show each.
    """
    lowest = np.min([np.where(there, high.min(axis=1), np.inf) for high, there in zip(heights, seen, strict=True)],
                    axis=0)
    known = lowest[np.isfinite(lowest)]
    return float(np.median(known)) if len(known) else None


def floor_term(body: BodyModel, state: ClipState, contact: Array, height: float) -> FloorTerm:
    """Heels, balls and toes on the floor, as surely as each foot stands: ``contact`` (T,2)."""
    _, offsets = rest_soles(body, _whole(body, state))
    joints = np.array([(ankle, ball, ball) for _, _, ankle, ball in LEGS], dtype=np.intp).reshape(-1)
    soles = ClipPoints(joints, joints, offsets.reshape(-1, 3), np.zeros(len(state.betas)))
    return FloorTerm(soles, np.repeat(contact, 3, axis=1), _UP, height, _HOVER)


def standing(heights: Array, floor: float) -> Array:
    """(T,2) 0..1 how likely each foot stands flat."""
    return np.asarray(np.exp(-(((heights - floor) / _NEAR) ** 2)))


def _whole(body: BodyModel, state: ClipState) -> tuple[float, ...]:
    betas = np.zeros(body.num_betas, dtype=np.float32)
    count = min(body.num_betas, len(state.betas))
    betas[:count] = state.betas[:count]
    return tuple(betas.tolist())
