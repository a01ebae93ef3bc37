"""The likeliest motion given noisy, partly missing data: one banded linear system in closed form.

Unknowns are x_t (D numbers per frame). The energy, twice the negative log posterior, is

    sum (y - x)' N (y - x)  +  sum (x_t - m_t)' P_t (x_t - m_t)  +  sum a_t' Q a_t,    a_t = x_{t-1} - 2 x_t + x_{t+1}

with N the precision of the noise (first-order autoregressive, so tridiagonal in time; white noise is a special case),
P_t and m_t the pose prior of each frame and Q the precision of accelerations; steps x_{t+1} - x_t may have one too.
Blocks reach two frames away, and a Cholesky factor costs T D^3.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.linalg import cho_solve_banded, cholesky_banded

Array = NDArray[np.float64]


@dataclass(frozen=True)
class Noise:
    """Stationary noise of ``sigma`` (radians or metres) per axis; a frame keeps ``keep`` (0..1) of the last one's."""

    sigma: float
    keep: float = 0.0


@dataclass(frozen=True)
class PoseTerm:
    """Per frame: precision ``matrix`` (T,D,D), and ``target`` (T,D), the matrix times the pose it pulls to."""

    matrix: Array
    target: Array


class Chain:
    """T frames of D numbers whose accelerations, and steps if given, have these precisions (D,D).

    Without the latter a gap is bridged by the curve of least acceleration, which swings out where the gap is long.
    """

    def __init__(self, frames: int, acceleration: Array, step: Array | None = None) -> None:
        self.frames, self.size = frames, len(acceleration)
        self.reach = min(2, frames - 1)
        self._band = self.size * (self.reach + 1) - 1
        self._prior = np.zeros((self._band + 1, frames, self.size))
        steps = (1.0, -2.0, 1.0)
        for offset in range(self.reach + 1):
            factor = np.zeros(frames - offset)
            for first in range(3 - offset):
                if frames > 2:
                    factor[first : first + frames - 2] += steps[first] * steps[first + offset]
            self._add(self._prior, offset, factor[:, None, None] * acceleration)
            if step is not None and offset < 2 and frames > 1:
                times = np.full(frames - offset, -1.0 if offset else 2.0)
                if offset == 0:
                    times[[0, -1]] = 1.0
                self._add(self._prior, offset, times[:, None, None] * step)

    def solve(self, data: Array, weights: Array, noise: Noise, pose: PoseTerm | None = None) -> tuple[Array, float]:
        """The likeliest x (T,D), and the log evidence of the data up to a constant that is the same for every noise.

        Args:
            data: (T,D).
            weights: (T,D) 0..1, how far each number is trusted; 0 is missing.
            noise: of the data.
            pose: the prior of each frame.
        """
        scale = 1 / (noise.sigma**2 * (1 - noise.keep**2))
        inner = np.full((self.frames, 1), 1 + noise.keep**2)
        inner[0] -= noise.keep**2
        inner[-1] -= noise.keep**2 if self.frames > 1 else 0
        if self.frames == 1:
            inner[:] = 1 - noise.keep**2
        diagonal = scale * inner * weights
        beside = -scale * noise.keep * np.sqrt(weights[1:] * weights[:-1])
        pull = diagonal * data
        pull[1:] += beside * data[:-1]
        pull[:-1] += beside * data[1:]
        quadratic = float((data * pull).sum())
        matrix = self._prior.copy()
        matrix[self._band] += diagonal + 1e-9
        if self.frames > 1:
            matrix[self._band - self.size, 1:] += beside
        if pose is not None:
            self._add(matrix, 0, pose.matrix)
            pull = pull + pose.target
        factor = cholesky_banded(matrix.reshape(self._band + 1, -1), overwrite_ab=True, check_finite=False)
        x = cho_solve_banded((factor, False), pull.reshape(-1), check_finite=False)
        known = weights.sum()
        evidence = known * np.log(scale) - 2 * np.log(factor[-1]).sum() - quadratic + float(x @ pull.reshape(-1))
        return x.reshape(self.frames, self.size), 0.5 * float(evidence)

    def _add(self, matrix: Array, offset: int, blocks: Array) -> None:
        """Add blocks (T-offset,D,D) at rows t and columns t+offset to the upper band."""
        row, column = np.mgrid[: self.size, : self.size]
        place = self._band - offset * self.size + row - column
        inside = (place >= 0) & (place <= self._band) & ((offset > 0) | (row <= column))
        matrix[place[inside], offset:, column[inside]] += blocks[:, row[inside], column[inside]].T
