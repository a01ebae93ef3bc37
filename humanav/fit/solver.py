"""Levenberg-Marquardt on rotations: the body's state, and the solver that moves it to the least cost.

Each term of the objective gives its cost, its gradient and a positive curvature (Gauss-Newton, or a majoriser). Joint
rotations are moved in their own tangent space (``R @ exp(d)``), so there is no gimbal and no seam at pi.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from humanav.body.kinematics import PosedSkeleton, Skeleton, exp_rotation, pose_skeleton

Array = NDArray[np.float64]


@dataclass(frozen=True)
class BodyState:
    """What is being fitted.

    Attributes:
        rotations: parent-relative rotations (55,3,3).
        transl: (3,) metres.
        betas: (B,).
        tilt: (2,) x and z of the world's up direction for y = 1: how the camera was held.
    """

    rotations: Array
    transl: Array
    betas: Array
    tilt: Array

    @property
    def up(self) -> Array:
        """The world's up direction (3,), a unit vector."""
        vector = np.array([self.tilt[0], 1.0, self.tilt[1]])
        return vector / np.linalg.norm(vector)

    @property
    def up_dirs(self) -> Array:
        """Derivative of :attr:`up` by ``tilt`` (3,2)."""
        vector = np.array([self.tilt[0], 1.0, self.tilt[1]])
        length, up = np.linalg.norm(vector), self.up
        return ((np.eye(3) - np.outer(up, up)) / length)[:, [0, 2]]


@dataclass(frozen=True)
class Layout:
    """Where each unknown sits in the step vector: rotations of the active joints, transl, betas, tilt."""

    active: tuple[int, ...]
    num_betas: int

    @property
    def size(self) -> int:
        return 3 * len(self.active) + 3 + self.num_betas + 2

    @property
    def transl(self) -> slice:
        return slice(3 * len(self.active), 3 * len(self.active) + 3)

    @property
    def betas(self) -> slice:
        return slice(self.transl.stop, self.transl.stop + self.num_betas)

    @property
    def tilt(self) -> slice:
        return slice(self.size - 2, self.size)

    def joint(self, joint: int) -> slice | None:
        """Columns of a joint's rotation, or None when it is held."""
        if joint not in self.active:
            return None
        start = 3 * self.active.index(joint)
        return slice(start, start + 3)

    def move(self, state: BodyState, step: Array) -> BodyState:
        """The state after a step."""
        rotations = state.rotations.copy()
        index = list(self.active)
        rotations[index] = rotations[index] @ exp_rotation(step[: 3 * len(index)].reshape(-1, 3))
        return replace(state, rotations=rotations, transl=state.transl + step[self.transl],
                       betas=state.betas + step[self.betas], tilt=state.tilt + step[self.tilt])


class Term(Protocol):
    """A part of the objective."""

    def __call__(self, state: BodyState, posed: PosedSkeleton, layout: Layout) -> tuple[float, Array, Array]:
        """Cost, gradient (n,) and curvature (n,n) by the layout's unknowns."""
        ...


def solve(skeleton: Skeleton, state: BodyState, terms: Sequence[Term], active: Sequence[int], *, rounds: int = 15,
          tolerance: float = 1e-3, damping: float = 1e-2, longest: float = 0.8, fixed: Collection[str] = ()
          ) -> tuple[BodyState, float]:
    """Minimise the sum of the terms.

    Args:
        skeleton: the joint tree.
        state: where to start.
        terms: the objective.
        active: joints whose rotations may move.
        rounds: most accepted or refused steps.
        tolerance: stop once a step lowers the cost by less than this share.
        damping: first damping, relative to the curvature's diagonal.
        longest: longest turn of a joint in one step, radians.
        fixed: unknowns to hold: "transl", "betas", "tilt".

    Returns:
        the best state and its cost.
    """
    layout = Layout(tuple(active), skeleton.num_betas)
    free = np.ones(layout.size, dtype=bool)
    for name in fixed:
        free[getattr(layout, name)] = False
    chosen = np.flatnonzero(free)
    cost, gradient, curvature = evaluate(skeleton, state, terms, layout)
    refused = 0
    for _ in range(rounds):
        part = curvature[np.ix_(chosen, chosen)]
        lifted = part + damping * np.diag(np.diag(part) + 1e-6)
        step = np.zeros(layout.size)
        step[chosen] = -np.linalg.solve(lifted, gradient[chosen])
        turn = np.linalg.norm(step[: 3 * len(layout.active)].reshape(-1, 3), axis=1).max(initial=0.0)
        step *= min(1.0, longest / max(turn, 1e-9))
        trial = layout.move(state, step)
        trial_cost, trial_gradient, trial_curvature = evaluate(skeleton, trial, terms, layout)
        if np.isfinite(trial_cost) and trial_cost < cost:
            gain, refused = cost - trial_cost, 0
            state, cost, gradient, curvature = trial, trial_cost, trial_gradient, trial_curvature
            damping = max(damping / 4, 1e-6)
            if gain < tolerance * max(abs(cost), 1.0):
                break
        else:
            damping, refused = damping * 6, refused + 1
            if refused > 4:
                break
    return state, cost


def evaluate(skeleton: Skeleton, state: BodyState, terms: Sequence[Term], layout: Layout
             ) -> tuple[float, Array, Array]:
    """Cost, gradient and curvature of all terms together."""
    posed = pose_skeleton(skeleton, state.rotations, state.betas, state.transl)
    total, gradient, curvature = 0.0, np.zeros(layout.size), np.zeros((layout.size, layout.size))
    for term in terms:
        cost, slope, bend = term(state, posed, layout)
        total += cost
        gradient += slope
        curvature += bend
    return total, gradient, curvature
