"""What pictures say of whole poses without derivatives: the cost of many candidates, each view's in its parts."""

from __future__ import annotations

from typing import Any

import numpy as np
from numba import njit, prange

from humanav.multiview.refine_fragments import composite, fragments

Array = np.ndarray[Any, np.dtype[Any]]


@njit(cache=True, nogil=True, parallel=True, fastmath=True, error_model="numpy")
def cost_pass(
    means: Array, covars: Array, opacity: Array, color: Array, owner: Array, cameras: Array, table: Array,
    scale: Array, target: Array, trust: Array, soft: Array, eps2d: float, costs: Array,
) -> None:
    """Unweighted costs of F scenes: ``costs`` (F,3) of colour, of anybody's cover and of each person's are added to.

    Args as :func:`humanav.multiview.refine_kernels.pose_pass`; ``table`` and ``scale`` have F rows, which may point at
    the same pixels.
    """
    people = target.shape[1] - 4
    for f in prange(means.shape[0]):
        value = np.zeros(4 + people)
        light = np.zeros(means.shape[1])
        for v in range(cameras.shape[0]):
            first_pixel, left, top, width, height = table[f, v]
            if width <= 0 or scale[f, v] <= 0:
                continue
            starts, who, alpha, _, _ = fragments(
                means[f], covars[f], opacity, cameras[v], left, top, width, height, eps2d)
            for pixel in range(width * height):
                at = first_pixel + pixel
                composite(starts[pixel], starts[pixel + 1], who, alpha, color, owner, target[at, :3], light, value)
                square = value[0] * value[0] + value[1] * value[1] + value[2] * value[2]
                bend = np.sqrt(1.0 + square / (soft[0] * soft[0])) - 1.0
                costs[f, 0] += scale[f, v] * trust[at, 0] * soft[0] * soft[0] * bend
                for c in range(3, 4 + people):
                    off = (value[c] - target[at, c]) / soft[1]
                    bend = soft[1] * soft[1] * (np.sqrt(1.0 + off * off) - 1.0)
                    costs[f, 1 if c == 3 else 2] += scale[f, v] * trust[at, c - 2] * bend
