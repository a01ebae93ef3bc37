"""Whether a person stands upright, and what that says of the body: straight legs, balance, feet on one floor.

Depth errors of the detector make standing people lean and bend their knees in space although the picture fits. So the
upright explanation is fitted too and taken when the picture agrees about as well and the legs look straight in it.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from humanav.body.kinematics import Array, exp_rotation
from humanav.body.names import JOINT_INDEX
from humanav.fit.solver import Term
from humanav.fit.terms import BalanceTerm, JointTerm
from humanav.track.observations import Observations

_STRAIGHT = ("left_hip", "right_hip", "left_knee", "right_knee", "spine1", "spine2", "spine3")
_LEGS = (("hip", -0.03, (0.12, 0.15, 0.12)), ("knee", 0.06, (0.10, 0.04, 0.04)), ("ankle", -0.03, (0.15, 0.20, 0.15)))
"""Mean flexion about x and spread about each axis in radians: nobody locks the knees for a photo."""
_GAIN = 10.5  # nats that the narrower explanation earns: it has far fewer ways to be right
_PICTURE_BEND, _PICTURE_SCALE = 8.0, 2.0  # degrees of knee bend in the picture that mean nothing, and per nat beyond
_SPACE_BEND, _SPACE_SCALE = 30.0, 4.0  # the same for the detector's 3D, which bends knees and hips on its own


def straighten(rotations: Array, up: Array) -> Array:
    """The pose (55,3,3) with straight legs and spine and the trunk along ``up``, heading and arms kept."""
    rotations = rotations.copy()
    rotations[[JOINT_INDEX[name] for name in _STRAIGHT]] = np.eye(3)
    trunk = rotations[0] @ np.array([0.0, 1.0, 0.0])
    axis = np.cross(trunk, up)
    sine = float(np.linalg.norm(axis))
    turn = exp_rotation(axis / max(sine, 1e-9) * np.arctan2(sine, float(trunk @ up)))
    rotations[0] = turn @ rotations[0]
    return rotations


def standing_terms() -> list[Term]:
    """The objective of a person who stands."""
    rows = [(f"{side}_{name}", flexion, sigma) for side in ("left", "right") for name, flexion, sigma in _LEGS]
    rows += [(name, 0.0, (0.06, 0.07, 0.07)) for name in ("spine1", "spine2", "spine3")]
    joints = [JOINT_INDEX[name] for name, _, _ in rows]
    mean = np.array([(flexion, 0.0, 0.0) for _, flexion, _ in rows])
    return [JointTerm(joints, mean, np.array([sigma for _, _, sigma in rows])), BalanceTerm()]


def standing_odds(observed: Observations, free: float, upright: float) -> float:
    """Nats in favour of standing.

    Args:
        observed: the landmarks.
        free: cost of the landmarks in the picture under the free explanation.
        upright: under the upright one.
    """
    odds = _GAIN - (upright - free)
    for places, chain, meaningless, scale in (
        (observed.pixels, ("hip", "knee", "ankle"), _PICTURE_BEND, _PICTURE_SCALE),
        (observed.world, ("hip", "knee", "ankle"), _SPACE_BEND, _SPACE_SCALE),
        (observed.world, ("shoulder", "hip", "knee"), _SPACE_BEND, _SPACE_SCALE),
    ):
        angles = [bend(observed, places, [f"{side}_{name}" for name in chain]) for side in ("left", "right")]
        known = [angle for angle in angles if np.isfinite(angle)]
        odds -= max(0.0, (max(known) - meaningless) / scale) if known else 0.0
    return odds


def bend(observed: Observations, places: Array, chain: Sequence[str]) -> float:
    """Bend in degrees (0 straight) at the middle of three landmarks in given places (K,2) or (K,3); NaN if unseen."""
    rows = [observed.index(name) for name in chain]
    if min(rows) < 0 or not observed.inside[rows].all():
        return float("nan")
    above, below = places[rows[0]] - places[rows[1]], places[rows[2]] - places[rows[1]]
    cosine = above @ below / max(np.linalg.norm(above) * np.linalg.norm(below), 1e-9)
    return 180.0 - float(np.degrees(np.arccos(np.clip(cosine, -1.0, 1.0))))
