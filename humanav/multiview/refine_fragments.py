"""Numba: which Gaussians cover which pixels of a crop, nearest first, and the pixels that come of it."""

from __future__ import annotations

from typing import Any

import numpy as np
from numba import njit

Array = np.ndarray[Any, np.dtype[Any]]

_CUTOFF = 1.0 / 255.0  # alpha below which a fragment is none
_OPAQUE = 0.99  # the most that a fragment hides
_DARK = 1e-3  # light that is left below which a pixel is done
_NEAR = 0.1  # metres before the camera from which on Gaussians are drawn
_FLAT = 1e-12  # square pixels of a Gaussian's outline below which it is not drawn


@njit(cache=True, nogil=True, fastmath=True, error_model="numpy")
def fragments(
    means: Array, covars: Array, opacity: Array, camera: Array, left: int, top: int, width: int, height: int,
    eps2d: float,
) -> tuple[Array, Array, Array, Array, Array]:
    """Who covers which pixel of a crop, nearest first.

    Args:
        means: (G,3) world. covars: (G,6) xx, xy, xz, yy, yz, zz. opacity: (G,).
        camera: (16,) R row by row, t, fx, fy, cx, cy of the whole picture.
        left, top, width, height: of the crop in pixels.

    Returns:
        starts (W*H+1,), then by fragment the Gaussian (n,), alpha (n,) and d alpha / d mean in the picture (n,2), and
        the derivative of every mean in the picture by the world (G,2,3).
    """
    count = means.shape[0]
    flat = np.zeros((count, 2))
    depth = np.empty(count)
    conic = np.zeros((count, 3))
    slope = np.zeros((count, 2, 3))
    box = np.zeros((count, 4), np.int64)
    reach = np.zeros(count)
    fx, fy, cx, cy = camera[12], camera[13], camera[14] - left, camera[15] - top
    for g in range(count):
        x = camera[0] * means[g, 0] + camera[1] * means[g, 1] + camera[2] * means[g, 2] + camera[9]
        y = camera[3] * means[g, 0] + camera[4] * means[g, 1] + camera[5] * means[g, 2] + camera[10]
        z = camera[6] * means[g, 0] + camera[7] * means[g, 1] + camera[8] * means[g, 2] + camera[11]
        depth[g] = z
        box[g, 1] = -1
        if z < _NEAR:
            continue
        flat[g, 0], flat[g, 1] = fx * x / z + cx, fy * y / z + cy
        for a in range(3):
            slope[g, 0, a] = fx / z * (camera[a] - x / z * camera[6 + a])
            slope[g, 1, a] = fy / z * (camera[3 + a] - y / z * camera[6 + a])
        s, c = slope[g], covars[g]
        p0 = s[0, 0] * c[0] + s[0, 1] * c[1] + s[0, 2] * c[2]
        p1 = s[0, 0] * c[1] + s[0, 1] * c[3] + s[0, 2] * c[4]
        p2 = s[0, 0] * c[2] + s[0, 1] * c[4] + s[0, 2] * c[5]
        q0 = s[1, 0] * c[0] + s[1, 1] * c[1] + s[1, 2] * c[2]
        q1 = s[1, 0] * c[1] + s[1, 1] * c[3] + s[1, 2] * c[4]
        q2 = s[1, 0] * c[2] + s[1, 1] * c[4] + s[1, 2] * c[5]
        xx = p0 * s[0, 0] + p1 * s[0, 1] + p2 * s[0, 2] + eps2d
        xy = p0 * s[1, 0] + p1 * s[1, 1] + p2 * s[1, 2]
        yy = q0 * s[1, 0] + q1 * s[1, 1] + q2 * s[1, 2] + eps2d
        area = xx * yy - xy * xy
        if area <= _FLAT or opacity[g] <= _CUTOFF:
            continue
        conic[g, 0], conic[g, 1], conic[g, 2] = yy / area, -xy / area, xx / area
        reach[g] = 2.0 * np.log(opacity[g] / _CUTOFF)
        half_x, half_y = np.sqrt(reach[g] * xx), np.sqrt(reach[g] * yy)
        box[g, 0] = max(0, int(np.ceil(flat[g, 0] - half_x - 0.5)))
        box[g, 1] = min(width - 1, int(np.floor(flat[g, 0] + half_x - 0.5)))
        box[g, 2] = max(0, int(np.ceil(flat[g, 1] - half_y - 0.5)))
        box[g, 3] = min(height - 1, int(np.floor(flat[g, 1] + half_y - 0.5)))
    order = np.argsort(depth, kind="mergesort")
    starts = np.zeros(width * height + 1, np.int64)
    for g in range(count):
        for row in range(box[g, 2], box[g, 3] + 1 if box[g, 1] >= box[g, 0] else box[g, 2]):
            dy = row + 0.5 - flat[g, 1]
            for column in range(box[g, 0], box[g, 1] + 1):
                dx = column + 0.5 - flat[g, 0]
                if conic[g, 0] * dx * dx + 2 * conic[g, 1] * dx * dy + conic[g, 2] * dy * dy < reach[g]:
                    starts[row * width + column + 1] += 1
    for pixel in range(width * height):
        starts[pixel + 1] += starts[pixel]
    total = starts[width * height]
    who = np.empty(total, np.int32)
    alpha = np.empty(total, np.float32)
    push = np.empty((total, 2), np.float32)
    place = starts[:-1].copy()
    for k in range(count):
        g = order[k]
        for row in range(box[g, 2], box[g, 3] + 1 if box[g, 1] >= box[g, 0] else box[g, 2]):
            dy = row + 0.5 - flat[g, 1]
            for column in range(box[g, 0], box[g, 1] + 1):
                dx = column + 0.5 - flat[g, 0]
                far = conic[g, 0] * dx * dx + 2 * conic[g, 1] * dx * dy + conic[g, 2] * dy * dy
                if far < reach[g]:
                    at = place[row * width + column]
                    place[row * width + column] = at + 1
                    value = min(opacity[g] * np.exp(-0.5 * far), _OPAQUE)
                    who[at], alpha[at] = g, value
                    push[at, 0] = value * (conic[g, 0] * dx + conic[g, 1] * dy)
                    push[at, 1] = value * (conic[g, 1] * dx + conic[g, 2] * dy)
    return starts, who, alpha, push, slope


@njit(cache=True, nogil=True, fastmath=True, error_model="numpy")
def composite(
    first: int, last: int, who: Array, alpha: Array, color: Array, owner: Array, rgb: Array, light: Array, value: Array
) -> int:
    """Fill ``light`` (before each fragment) and ``value`` (C,) of a pixel; the fragment after the last that counts."""
    value[:] = 0.0
    through = 1.0
    for k in range(first, last):
        light[k - first] = through
        g = who[k]
        w = through * alpha[k]
        for c in range(3):
            value[c] += w * (color[g, c] - rgb[c])
        value[3] += w
        value[4 + owner[g]] += w
        through *= 1.0 - alpha[k]
        if through < _DARK:
            return k + 1
    return last
