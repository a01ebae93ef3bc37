"""Feet in a whole clip's objective: they rest where they stand, and stand on one floor. Camera frame, metres.

Both are for poses under a shape that is held: they say nothing of the betas.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from humanav.fit.clip_kinematics import ClipPoints, ClipState, PosedClip, place_clip_points
from humanav.fit.clip_solver import Equations
from humanav.fit.clip_terms import flat_rows
from humanav.fit.terms import geman_mcclure

Array = NDArray[np.float64]


@dataclass(frozen=True)
class StandTerm:
    """Feet that stand stay where they are.

    Attributes:
        points: F points of the soles.
        contact: (T,F) 0..1 how surely each stands.
        slide: metres per frame by which a standing point may move.
    """

    points: ClipPoints
    contact: Array
    slide: float

    def __call__(self, state: ClipState, posed: PosedClip, equations: Equations) -> None:
        if equations.next is None or len(state) < 2:
            return
        places, jacobian, _ = place_clip_points(self.points, posed, state.betas, equations.active, False)
        assert jacobian is not None
        both = np.minimum(self.contact[:-1], self.contact[1:])
        residual = (places[1:] - places[:-1]) / self.slide
        costs, robust = geman_mcclure((residual**2).sum(-1), 6.0)
        equations.cost += float((both * costs).sum())
        root = np.sqrt(both * robust)[..., None]
        here, there = (flat_rows(-jacobian[:-1] * (root / self.slide)[..., None]),
                       flat_rows(jacobian[1:] * (root / self.slide)[..., None]))
        rest = flat_rows(residual * root)[..., None]
        equations.gradient[:-1] += (np.swapaxes(here, 1, 2) @ rest)[..., 0]
        equations.gradient[1:] += (np.swapaxes(there, 1, 2) @ rest)[..., 0]
        equations.blocks[:-1] += np.swapaxes(here, 1, 2) @ here
        equations.blocks[1:] += np.swapaxes(there, 1, 2) @ there
        equations.next += np.swapaxes(here, 1, 2) @ there


@dataclass(frozen=True)
class FloorTerm:
    """Soles that stand lie on the floor, which tells how deep in the picture a foot is.

    Attributes:
        points: F points of the soles.
        contact: (T,F) 0..1 how surely each stands.
        up: (3,) the floor's normal.
        height: metres of the floor along ``up``.
        sigma: metres by which a standing point may hover or sink.
    """

    points: ClipPoints
    contact: Array
    up: Array
    height: float
    sigma: float

    def __call__(self, state: ClipState, posed: PosedClip, equations: Equations) -> None:
        places, jacobian, _ = place_clip_points(self.points, posed, state.betas, equations.active, False)
        assert jacobian is not None
        residual = (places @ self.up - self.height) / self.sigma
        costs, robust = geman_mcclure(residual**2, 3.0)
        root = np.sqrt(self.contact * robust)
        equations.add(float((self.contact * costs).sum()), residual * root,
                      np.einsum("tkcn,c->tkn", jacobian, self.up) * (root / self.sigma)[..., None])
