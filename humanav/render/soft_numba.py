"""The CPU backend of :func:`humanav.render.soft_silhouette`: numba kernels in an autograd function."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import torch
from numba import get_num_threads, njit, prange
from torch import Tensor
from torch.autograd.function import once_differentiable

from humanav.render.kernels import KERNEL_LOCK
from humanav.render.soft_mesh import LEAST

Array = np.ndarray[Any, np.dtype[Any]]
_REACH = math.log(1 / LEAST - 1)  # in units of blur^2: where D falls to LEAST


def cover(pixels: Tensor, depth: Tensor, faces: Tensor, width: int, height: int, blur: float) -> Tensor:
    """Coverage (H,W) from pixel positions (V,2) and faces (F,3) in front of the camera; the same bits in every run."""
    return _Cover.apply(pixels, faces, width, height, blur)


class _Cover(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, pixels: Tensor, faces: Tensor, width: int, height: int, blur: float) -> Tensor:
        corners = faces.cpu().numpy()
        triangles = pixels.detach().cpu().numpy().astype(np.float64)[corners]
        free = np.zeros((height, width))
        with KERNEL_LOCK:
            _log_free(triangles, blur, get_num_threads(), free)
        ctx.triangles, ctx.corners, ctx.free, ctx.blur, ctx.like = triangles, corners, np.exp(free), blur, pixels
        return torch.from_numpy(1 - ctx.free).to(pixels)

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, *by: Tensor) -> tuple[Tensor | None, ...]:
        weight = by[0].detach().cpu().numpy().astype(np.float64) * ctx.free
        by_triangles = np.zeros_like(ctx.triangles)
        with KERNEL_LOCK:
            _by_corners(ctx.triangles, ctx.blur, weight, by_triangles)
        by_pixels = np.zeros(tuple(ctx.like.shape))
        np.add.at(by_pixels, ctx.corners, by_triangles)
        return torch.from_numpy(by_pixels).to(ctx.like), None, None, None, None


@njit(cache=True, nogil=True, error_model="numpy")
def _nearest(t: Array, x: float, y: float) -> tuple[float, int, float, bool]:
    """Squared distance of a pixel to the boundary of triangle t (3,2), on which edge, where on it, and if inside."""
    best, edge, where, crossings = np.inf, 0, 0.0, 0
    for k in range(3):
        ax, ay = t[k, 0], t[k, 1]
        ex, ey = t[(k + 1) % 3, 0] - ax, t[(k + 1) % 3, 1] - ay
        px, py = x - ax, y - ay
        length = ex * ex + ey * ey
        s = min(max((px * ex + py * ey) / length, 0.0), 1.0) if length > 0 else 0.0
        square = (px - s * ex) ** 2 + (py - s * ey) ** 2
        if square < best:
            best, edge, where = square, k, s
        if (py >= 0) != (py >= ey) and (px < py / ey * ex):
            crossings += 1
    return best, edge, where, crossings == 1


@njit(cache=True, nogil=True)
def _box(t: Array, margin: float, width: int, height: int) -> tuple[int, int, int, int]:
    """First and last column and row of the pixels within ``margin`` of a triangle; empty where it has no area."""
    area = (t[1, 0] - t[0, 0]) * (t[2, 1] - t[0, 1]) - (t[1, 1] - t[0, 1]) * (t[2, 0] - t[0, 0])
    if area == 0:
        return 0, -1, 0, -1
    left, right = max(t[:, 0].min() - margin - 0.5, 0.0), min(t[:, 0].max() + margin - 0.5, width - 1.0)
    top, bottom = max(t[:, 1].min() - margin - 0.5, 0.0), min(t[:, 1].max() + margin - 0.5, height - 1.0)
    if left > right or top > bottom:
        return 0, -1, 0, -1
    return int(np.ceil(left)), int(np.floor(right)), int(np.ceil(top)), int(np.floor(bottom))


@njit(cache=True, parallel=True, nogil=True)
def _log_free(triangles: Array, blur: float, threads: int, free: Array) -> None:
    """Add the logarithm of what each triangle leaves free; each thread owns every ``threads``-th row."""
    square = blur * blur
    for thread in prange(threads):
        for f in range(triangles.shape[0]):
            left, right, top, bottom = _box(triangles[f], blur * np.sqrt(_REACH), free.shape[1], free.shape[0])
            for row in range(top + (thread - top) % threads, bottom + 1, threads):
                for column in range(left, right + 1):
                    distance, _, _, inside = _nearest(triangles[f], column + 0.5, row + 0.5)
                    x = distance / square if inside else -distance / square
                    if x > -_REACH:
                        free[row, column] -= max(x, 0.0) + np.log1p(np.exp(-abs(x)))


@njit(cache=True, parallel=True, nogil=True)
def _by_corners(triangles: Array, blur: float, weight: Array, out: Array) -> None:
    """Derivatives (F,3,2) by the corners; ``weight``: those by the coverage times what is left free."""
    square = blur * blur
    for f in prange(triangles.shape[0]):
        t = triangles[f]
        left, right, top, bottom = _box(t, blur * np.sqrt(_REACH), weight.shape[1], weight.shape[0])
        for row in range(top, bottom + 1):
            for column in range(left, right + 1):
                distance, k, s, inside = _nearest(t, column + 0.5, row + 0.5)
                x = distance / square if inside else -distance / square
                if x <= -_REACH:
                    continue
                j = (k + 1) % 3
                slope = weight[row, column] / (1 + np.exp(-x)) * (2 / square if inside else -2 / square)
                gx = slope * (column + 0.5 - t[k, 0] - s * (t[j, 0] - t[k, 0]))
                gy = slope * (row + 0.5 - t[k, 1] - s * (t[j, 1] - t[k, 1]))
                out[f, k, 0] -= (1 - s) * gx
                out[f, k, 1] -= (1 - s) * gy
                out[f, j, 0] -= s * gx
                out[f, j, 1] -= s * gy
