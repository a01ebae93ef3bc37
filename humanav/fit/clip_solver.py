"""Levenberg-Marquardt on a whole clip: every frame's pose and place at once, coupled by what holds between frames.

The normal equations are banded: a frame meets itself, the next and the one after that. Shape and the camera's tilt are
shared by all frames; they are solved for only where frames are not coupled (a sample of frames spread over the clip),
by the Schur complement, so that a long clip can then be fitted in windows of one shape.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Protocol

import numpy as np
from numpy.typing import NDArray
from scipy.linalg import solveh_banded

from humanav.body.kinematics import Skeleton, exp_rotation
from humanav.fit.clip_kinematics import ClipState, PosedClip, pose_clip
from humanav.progress import Progress

Array = NDArray[np.float64]


@dataclass
class Equations:
    """The normal equations of T frames of n unknowns and S shared ones.

    Attributes:
        cost: of all terms.
        gradient: (T,n). blocks: (T,n,n) of each frame with itself.
        next, after: (T-1,n,n), (T-2,n,n): rows of frame t, columns of frame t + 1 or t + 2; None where there are none.
        shared_gradient: (S,). shared: (S,S). cross: (T,n,S).
    """

    active: tuple[int, ...]
    frames: int
    num_betas: int
    coupled: bool
    cost: float = 0.0
    gradient: Array = field(init=False)
    blocks: Array = field(init=False)
    next: Array | None = field(init=False, default=None)
    after: Array | None = field(init=False, default=None)
    shared_gradient: Array = field(init=False)
    shared: Array = field(init=False)
    cross: Array = field(init=False)

    def __post_init__(self) -> None:
        n, count, shared = self.size, self.frames, self.num_betas + 2
        self.gradient, self.blocks = np.zeros((count, n)), np.zeros((count, n, n))
        if self.coupled and count > 1:
            self.next, self.after = np.zeros((count - 1, n, n)), np.zeros((max(count - 2, 0), n, n))
        self.shared_gradient, self.shared = np.zeros(shared), np.zeros((shared, shared))
        self.cross = np.zeros((count, n if not self.coupled else 0, shared))

    @property
    def size(self) -> int:
        """Unknowns of a frame: three of each active joint and the pelvis' three."""
        return 3 * len(self.active) + 3

    def columns(self, joint: int) -> slice | None:
        """Of a joint's turn, or None when it is held."""
        if joint not in self.active:
            return None
        start = 3 * self.active.index(joint)
        return slice(start, start + 3)

    def add(self, cost: float, residual: Array, jacobian: Array, shape: Array | None = None,
            tilt: Array | None = None) -> None:
        """Whitened rows of each frame.

        Args:
            cost: of the rows, robust.
            residual: (T,m).
            jacobian: (T,m,n).
            shape, tilt: (T,m,B) and (T,m,2), where the rows depend on them; left out in coupled equations.
        """
        self.cost += cost
        flipped = jacobian.transpose(0, 2, 1)
        self.gradient += (flipped @ residual[..., None])[..., 0]
        self.blocks += flipped @ jacobian
        if self.coupled or (shape is None and tilt is None):
            return
        count, rows = residual.shape
        both = np.zeros((count, rows, self.num_betas + 2))
        if shape is not None:
            both[..., : self.num_betas] = shape
        if tilt is not None:
            both[..., self.num_betas:] = tilt
        self.cross += flipped @ both
        flat = both.reshape(-1, both.shape[2])
        self.shared_gradient += flat.T @ residual.reshape(-1)
        self.shared += flat.T @ flat


class ClipTerm(Protocol):
    """A part of a clip's objective: adds its cost and its rows to the equations."""

    def __call__(self, state: ClipState, posed: PosedClip, equations: Equations) -> None: ...


def solve_clip(
    skeleton: Skeleton, state: ClipState, terms: Sequence[ClipTerm], active: Sequence[int], *, rounds: int = 15,
    tolerance: float = 1e-3, damping: float = 1e-2, longest: float = 0.6, coupled: bool = True,
    hold_shape: bool = False, hold_path: bool = False, held: NDArray[np.bool_] | None = None,
    progress: Progress | None = None,
) -> tuple[ClipState, float]:
    """Minimise the sum of the terms over all frames.

    Args:
        skeleton: the joint tree.
        state: where to start.
        terms: the objective.
        active: joints whose turns may move.
        rounds: most steps.
        tolerance: stop once a step lowers the cost by less than this share.
        damping: first damping, relative to the curvature's diagonal.
        longest: longest turn of a joint in one step, radians.
        coupled: whether terms join neighbouring frames; shape and tilt are then held.
        hold_shape: hold them in any case.
        hold_path: hold the pelvis where it is.
        held: (T,) frames that stay as they are.
        progress: asked whether to stop.

    Returns:
        the best state and its cost.

    Raises:
        Cancelled: ``progress`` was told to stop.
    """
    equations = _evaluate(skeleton, state, terms, tuple(active), coupled)
    refused = 0
    for _ in range(rounds):
        if progress is not None:
            progress.check()
        if hold_path:
            _hold_path(equations)
        frames, shared = _step(equations, damping, coupled, hold_shape, held)
        turns = np.linalg.norm(frames[:, :-3].reshape(len(frames), -1, 3), axis=2)
        frames *= np.minimum(1.0, longest / np.maximum(turns.max(axis=1, initial=0.0), 1e-9))[:, None]
        trial_state = move_clip(state, frames, shared, equations)
        trial = _evaluate(skeleton, trial_state, terms, tuple(active), coupled)
        if np.isfinite(trial.cost) and trial.cost < equations.cost:
            gain, refused = equations.cost - trial.cost, 0
            state, equations = trial_state, trial
            damping = max(damping / 4, 1e-6)
            if gain < tolerance * max(abs(trial.cost), 1.0):
                break
        else:
            damping, refused = damping * 6, refused + 1
            if refused > 4:
                break
    return state, equations.cost


def _evaluate(skeleton: Skeleton, state: ClipState, terms: Sequence[ClipTerm], active: tuple[int, ...], coupled: bool
              ) -> Equations:
    posed = pose_clip(skeleton, state)
    equations = Equations(active, len(state), len(state.betas), coupled)
    for term in terms:
        term(state, posed, equations)
    return equations


def move_clip(state: ClipState, frames: Array, shared: Array, equations: Equations) -> ClipState:
    """The state after steps of its frames (T,n) and of what they share (B+2,)."""
    rotations, index = state.rotations.copy(), list(equations.active)
    turns = frames[:, :-3].reshape(len(frames), -1, 3)
    rotations[:, index] = rotations[:, index] @ exp_rotation(turns)
    betas = len(state.betas)
    return replace(state, rotations=rotations, pelvis=state.pelvis + frames[:, -3:], betas=state.betas + shared[:betas],
                   tilt=state.tilt + shared[betas:])


def _hold_path(equations: Equations) -> None:
    """Make the pelvis' rows say nothing."""
    equations.gradient[:, -3:] = 0.0
    equations.blocks[:, -3:], equations.blocks[:, :, -3:] = 0.0, 0.0
    equations.blocks[:, -3:, -3:] = np.eye(3)
    for part in (equations.next, equations.after):
        if part is not None:
            part[:, -3:], part[:, :, -3:] = 0.0, 0.0
    if len(equations.cross) and equations.cross.shape[1]:
        equations.cross[:, -3:] = 0.0


def _step(equations: Equations, damping: float, coupled: bool, hold_shape: bool, held: NDArray[np.bool_] | None
          ) -> tuple[Array, Array]:
    n = equations.size
    blocks, gradient = equations.blocks.copy(), equations.gradient
    diagonal = np.arange(n)
    blocks[:, diagonal, diagonal] += damping * blocks[:, diagonal, diagonal] + 1e-6
    none = np.zeros(len(equations.shared_gradient))
    if held is not None and held.any():
        blocks, gradient = blocks.copy(), gradient.copy()
        blocks[held] = np.eye(n)
        gradient[held] = 0.0
    if coupled:
        return -solve_banded(blocks, equations.next, equations.after, gradient, held), none
    if hold_shape:
        return -np.linalg.solve(blocks, gradient[..., None])[..., 0], none
    # arrow: eliminate the frames, solve for what they share, put it back
    both = np.concatenate([gradient[..., None], equations.cross], axis=2)
    solved = np.linalg.solve(blocks, both)
    turned = equations.cross.transpose(0, 2, 1)
    shared = equations.shared.copy()
    place = np.arange(len(shared))
    shared[place, place] += damping * shared[place, place] + 1e-9
    shared -= (turned @ solved[..., 1:]).sum(0)
    right = equations.shared_gradient - (turned @ solved[..., :1]).sum(0)[:, 0]
    moved = -np.linalg.solve(shared + 1e-9 * np.eye(len(shared)), right)
    return -(solved[..., 0] + (solved[..., 1:] @ moved)), moved


def solve_banded(blocks: Array, next_: Array | None, after: Array | None, gradient: Array,
                  held: NDArray[np.bool_] | None) -> Array:
    """The block-pentadiagonal system by banded Cholesky."""
    count, n = gradient.shape
    width = min(3, count) * n
    bands = np.zeros((width, count * n))
    for row in range(n):  # lower form: bands[i - j, j] = A[i, j]
        for column in range(row + 1):
            bands[row - column, column::n] = blocks[:, row, column]
    for distance, part in ((1, next_), (2, after)):
        if part is None or len(part) == 0:
            continue
        if held is not None and held.any():
            part = part.copy()
            part[held[: len(part)] | held[distance:]] = 0.0
        for row in range(n):  # A[(t + d) n + row, t n + column] = part[t, column, row]
            for column in range(n):
                bands[distance * n + row - column, column : len(part) * n : n] = part[:, column, row]
    return np.asarray(solveh_banded(bands, gradient.reshape(-1), lower=True, overwrite_ab=True, check_finite=False)
                      ).reshape(count, n)
