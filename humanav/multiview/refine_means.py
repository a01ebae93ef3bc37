"""Means of what is known, and over neighbouring frames."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]


def known_mean(values: Array, axis: int | tuple[int, ...]) -> Array:
    """The mean of the finite values along some axes, NaN where there is none."""
    known = np.isfinite(values)
    count = known.sum(axis=axis)
    return np.asarray(np.where(count > 0, np.where(known, values, 0.0).sum(axis=axis) / np.maximum(count, 1), np.nan))


def over_neighbours(values: Array) -> Array:
    """Values (T,...) each mixed with those of the frames before and after, a quarter of each."""
    padded = np.concatenate([values[:1], values, values[-1:]])
    return np.asarray(0.25 * padded[:-2] + 0.5 * padded[1:-1] + 0.25 * padded[2:])
