"""Levenberg-Marquardt over the poses of all people at once, each coupled over time by what holds between frames.

The pictures and contacts tie people together; their curvature between people is left out of the equations, which the
damping makes up for, so that each person's banded system is solved by itself and cost grows linearly with people.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from humanav.body.kinematics import Skeleton
from humanav.fit.clip_kinematics import ClipState, PosedClip, pose_clip
from humanav.fit.clip_solver import ClipTerm, Equations, move_clip, solve_banded
from humanav.multiview.scene import BONES
from humanav.progress import Progress

Array = NDArray[np.float64]
SharedTerm = Callable[[Sequence[PosedClip], Sequence[Equations]], float]
"""Adds to everybody's equations; the cost, which it adds to the first one's."""

_EASE, _HARDEN = 4, 6  # by how much damping falls after a step that helps, and rises after one that does not
_LEAST = 1e-5  # damping
_REFUSALS = 5  # steps in a row that may not help


@dataclass(frozen=True)
class Solved:
    """What a solution gives: the states, the cost before and after, the steps that were taken."""

    states: tuple[ClipState, ...]
    before: float
    after: float
    steps: int


def solve_people(
    skeletons: Sequence[Skeleton], states: Sequence[ClipState], own: Sequence[Sequence[ClipTerm]],
    shared: Sequence[SharedTerm], *, rounds: int = 8, damping: float = 1e-2, longest: float = 0.3,
    tolerance: float = 1e-3, held: Sequence[NDArray[np.bool_]] | None = None, progress: Progress | None = None,
) -> Solved:
    """Minimise the sum of everybody's own terms and the shared ones over turns and paths; shapes are held.

    Args:
        skeletons, states: of P people, T frames each.
        own: the terms of each person.
        shared: terms of several people.
        rounds: most steps.
        damping: first damping, relative to the curvature's diagonal.
        longest: longest turn of a joint in one step, radians.
        tolerance: stop once a step lowers the cost by less than this share.
        held: (T,) for each person, frames that stay as they are.
        progress: asked whether to stop.

    Raises:
        Cancelled: ``progress`` was told to stop.
    """
    current = list(states)
    equations, cost = _evaluate(skeletons, current, own, shared)
    before, refused, taken = cost, 0, 0
    for _ in range(rounds):
        if progress is not None:
            progress.check()
        trial = [_stepped(state, part, damping, longest, None if held is None else held[p])
                 for p, (state, part) in enumerate(zip(current, equations, strict=True))]
        found, lower = _evaluate(skeletons, trial, own, shared)
        if np.isfinite(lower) and lower < cost:
            gain, refused, taken = cost - lower, 0, taken + 1
            current, equations, cost = trial, found, lower
            damping = max(damping / _EASE, _LEAST)
            if gain < tolerance * max(abs(cost), 1.0):
                break
        else:
            damping, refused = damping * _HARDEN, refused + 1
            if refused > _REFUSALS:
                break
    return Solved(tuple(current), before, cost, taken)


def _evaluate(
    skeletons: Sequence[Skeleton], states: Sequence[ClipState], own: Sequence[Sequence[ClipTerm]],
    shared: Sequence[SharedTerm],
) -> tuple[list[Equations], float]:
    clips = [pose_clip(skeleton, state) for skeleton, state in zip(skeletons, states, strict=True)]
    equations = [Equations(tuple(range(BONES)), len(state), len(state.betas), True) for state in states]
    for state, clip, terms, part in zip(states, clips, own, equations, strict=True):
        for term in terms:
            term(state, clip, part)
    for together in shared:
        together(clips, equations)
    return equations, sum(part.cost for part in equations)


def _stepped(state: ClipState, equations: Equations, damping: float, longest: float,
             held: NDArray[np.bool_] | None) -> ClipState:
    blocks, gradient = equations.blocks.copy(), equations.gradient.copy()
    diagonal = np.arange(equations.size)
    blocks[:, diagonal, diagonal] += damping * blocks[:, diagonal, diagonal] + 1e-6
    if held is not None and held.any():
        blocks[held], gradient[held] = np.eye(equations.size), 0.0
    step = -solve_banded(blocks, equations.next, equations.after, gradient, held)
    turns = np.linalg.norm(step[:, :-3].reshape(len(step), -1, 3), axis=2)
    step *= np.minimum(1.0, longest / np.maximum(turns.max(axis=1, initial=0.0), 1e-9))[:, None]
    return move_clip(state, step, np.zeros(len(equations.shared_gradient)), equations)
