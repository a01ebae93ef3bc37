"""Which way is up, told by balance: whoever stands in one place has their weight over their feet."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from humanav.fit.terms import CENTRE_OF_MASS
from humanav.track.path import BodyPath
from humanav.track.soles import BALL, HEEL, PosedFeet

Array = NDArray[np.float64]

_SPREAD = np.radians(4.5)  # error about each axis for somebody who stays in place
_SPEED = 0.6  # metres per second of the pelvis at which it is larger by half: who walks leans
_FOOT, _APART = 0.05, 0.3  # metres of support under one foot; share of the feet's distance under both
_LEAST = 0.3  # seconds of standing that tell anything


def balance_up(path: BodyPath, feet: PosedFeet, contacts: Array) -> tuple[Array, float] | None:
    """The up direction (3,) in the path's frame, and its expected error about each axis in radians.

    The mean of the directions from the middle of the standing feet to the centre of mass. None for somebody who hardly
    stands.

    Args:
        path: in any frame that is at rest.
        feet: of it.
        contacts: (T,2) 0..1.
    """
    stands = contacts * (path.confidence.max(axis=1) > 0)[:, None]
    if (stands.max(axis=1).sum() < _LEAST * path.fps and len(path) > 1) or stands.max() < 0.5:
        return None
    mass = np.einsum("tjc,j->tc", feet.joints, CENTRE_OF_MASS)
    middles = feet.soles[:, :, [HEEL, BALL]].mean(axis=2)
    support = (stands[..., None] * middles).sum(axis=1) / np.maximum(stands.sum(axis=1), 1e-9)[:, None]
    apart = np.linalg.norm(middles[:, 0] - middles[:, 1], axis=1) * stands.min(axis=1)
    weight = stands.max(axis=1) / (_FOOT**2 + (_APART * apart) ** 2)
    up = weight @ (mass - support)
    length = float(np.linalg.norm(up))
    if length < 1e-6:
        return None
    speed = 0.0
    if len(path) > 1:
        speed = float(np.linalg.norm(np.diff(path.pelvis, axis=0), axis=1).mean() * path.fps)
    return up / length, float(_SPREAD * np.hypot(1.0, speed / _SPEED))
