"""Numba kernels of the mesh rasteriser and shader. Call them through :mod:`humanav.render.mesh` and ``shade``.

Triangles are rasterised in homogeneous coordinates (Olano and Greer 1997): with camera-space corners a, b, c and the
ray d through a pixel centre, the numbers (b x c).d, (c x a).d, (a x b).d are the barycentrics times one factor. They
are right behind and across the near plane too, so nothing is clipped, and the edge two triangles share gives exactly
opposite numbers in both, so a pixel belongs to exactly one of them.
"""

from __future__ import annotations

import threading
from typing import Any

import numpy as np
from numba import njit, prange

Array = np.ndarray[Any, np.dtype[Any]]

KERNEL_LOCK = threading.RLock()
"""Hold it round every parallel numba kernel: numba's fallback threading layer aborts on concurrent calls."""


@njit(cache=True, parallel=True, nogil=True)
def setup_triangles(
    cam: Array, faces: Array, fx: float, fy: float, cx: float, cy: float, skew: float, width: int, height: int,
    near: float, edges: Array, box: Array,
) -> None:
    """Edge planes (F,9) float64, oriented inwards, and pixel boxes (F,4) x0,x1,y0,y1 (empty: x1 < x0)."""
    for f in prange(faces.shape[0]):
        box[f, 0], box[f, 1], box[f, 2], box[f, 3] = 0, -1, 0, -1
        i, j, k = faces[f, 0], faces[f, 1], faces[f, 2]
        z0, z1, z2 = cam[i, 2], cam[j, 2], cam[k, 2]
        if z0 < near and z1 < near and z2 < near:
            continue
        x_low, x_high, y_low, y_high = 1e30, -1e30, 1e30, -1e30
        for corner in range(3):
            p = faces[f, corner]
            q = faces[f, (corner + 1) % 3]
            x, y, z = cam[p, 0], cam[p, 1], cam[p, 2]
            if z >= near:
                u, v = fx * x / z + skew * y / z + cx, fy * y / z + cy
                x_low, x_high = min(x_low, u), max(x_high, u)
                y_low, y_high = min(y_low, v), max(y_high, v)
            if (z < near) != (cam[q, 2] < near):
                s = (near - z) / (cam[q, 2] - z)
                x, y = x + s * (cam[q, 0] - x), y + s * (cam[q, 1] - y)
                u, v = fx * x / near + skew * y / near + cx, fy * y / near + cy
                x_low, x_high = min(x_low, u), max(x_high, u)
                y_low, y_high = min(y_low, v), max(y_high, v)
        # the slack keeps centres that rounding would drop; the edge test decides
        left = max(0.0, np.ceil(x_low - 0.5001))
        right = min(width - 1.0, np.floor(x_high - 0.4999))
        top = max(0.0, np.ceil(y_low - 0.5001))
        bottom = min(height - 1.0, np.floor(y_high - 0.4999))
        if right < left or bottom < top:
            continue
        ax, ay, az = cam[i, 0], cam[i, 1], z0
        bx, by, bz = cam[j, 0], cam[j, 1], z1
        gx, gy, gz = cam[k, 0], cam[k, 1], z2
        e00, e01, e02 = by * gz - bz * gy, bz * gx - bx * gz, bx * gy - by * gx
        e10, e11, e12 = gy * az - gz * ay, gz * ax - gx * az, gx * ay - gy * ax
        e20, e21, e22 = ay * bz - az * by, az * bx - ax * bz, ax * by - ay * bx
        volume = ax * e00 + ay * e01 + az * e02
        if volume == 0.0:
            continue
        s = 1.0 if volume > 0 else -1.0
        edges[f, 0], edges[f, 1], edges[f, 2] = s * e00, s * e01, s * e02
        edges[f, 3], edges[f, 4], edges[f, 5] = s * e10, s * e11, s * e12
        edges[f, 6], edges[f, 7], edges[f, 8] = s * e20, s * e21, s * e22
        edges[f, 9] = s * volume
        box[f, 0], box[f, 1], box[f, 2], box[f, 3] = int(left), int(right), int(top), int(bottom)


@njit(cache=True, inline="always")
def _owns(e: float, nx: float, ny: float, nz: float) -> bool:
    """True inside the edge; on it, for exactly one of the two triangles that share it."""
    if e != 0.0:
        return e > 0.0
    if nx != 0.0:
        return nx > 0.0
    if ny != 0.0:
        return ny > 0.0
    return nz > 0.0


@njit(cache=True, parallel=True, nogil=True)
def fill_triangles(
    edges: Array, box: Array, fx: float, fy: float, cx: float, cy: float, skew: float, near: float, threads: int,
    triangle: Array, barycentric: Array, depth: Array,
) -> None:
    """Z-buffer fill. Each thread owns every ``threads``-th row, so no two write the same pixel; ties: lowest face."""
    for thread in prange(threads):
        for f in range(edges.shape[0]):
            x0, x1, y0, y1 = box[f, 0], box[f, 1], box[f, 2], box[f, 3]
            if x1 < x0:
                continue
            first = y0 + (thread - y0) % threads
            if first > y1:
                continue
            a0, a1, a2 = edges[f, 0], edges[f, 1], edges[f, 2]
            b0, b1, b2 = edges[f, 3], edges[f, 4], edges[f, 5]
            g0, g1, g2 = edges[f, 6], edges[f, 7], edges[f, 8]
            volume = edges[f, 9]
            for row in range(first, y1 + 1, threads):
                yn = (row + 0.5 - cy) / fy
                a_row, b_row, g_row = a1 * yn + a2, b1 * yn + b2, g1 * yn + g2
                shift = cx - 0.5 + skew * yn
                for col in range(x0, x1 + 1):
                    xn = (col - shift) / fx
                    ea, eb, eg = a0 * xn + a_row, b0 * xn + b_row, g0 * xn + g_row
                    if ea < 0.0 or eb < 0.0 or eg < 0.0:
                        continue
                    total = ea + eb + eg
                    if total <= 0.0:
                        continue
                    z = np.float32(volume / total)
                    if z >= depth[row, col] or z < near:
                        continue
                    if ea == 0.0 and not _owns(ea, a0, a1, a2):
                        continue
                    if eb == 0.0 and not _owns(eb, b0, b1, b2):
                        continue
                    if eg == 0.0 and not _owns(eg, g0, g1, g2):
                        continue
                    depth[row, col] = z
                    triangle[row, col] = f
                    barycentric[row, col, 0] = ea / total
                    barycentric[row, col, 1] = eb / total
                    barycentric[row, col, 2] = eg / total


@njit(cache=True, parallel=True, nogil=True)
def cover_triangles(
    edges: Array, box: Array, fx: float, fy: float, cx: float, cy: float, skew: float, near: float, threads: int,
    covered: Array,
) -> None:
    """As :func:`fill_triangles`, but only marks the pixels some triangle covers."""
    for thread in prange(threads):
        for f in range(edges.shape[0]):
            x0, x1, y0, y1 = box[f, 0], box[f, 1], box[f, 2], box[f, 3]
            if x1 < x0:
                continue
            first = y0 + (thread - y0) % threads
            for row in range(first, y1 + 1, threads):
                yn = (row + 0.5 - cy) / fy
                a_row = edges[f, 1] * yn + edges[f, 2]
                b_row = edges[f, 4] * yn + edges[f, 5]
                g_row = edges[f, 7] * yn + edges[f, 8]
                shift = cx - 0.5 + skew * yn
                for col in range(x0, x1 + 1):
                    if covered[row, col]:
                        continue
                    xn = (col - shift) / fx
                    ea, eb, eg = edges[f, 0] * xn + a_row, edges[f, 3] * xn + b_row, edges[f, 6] * xn + g_row
                    total = ea + eb + eg
                    if ea < 0.0 or eb < 0.0 or eg < 0.0 or total <= 0.0 or edges[f, 9] < near * total:
                        continue
                    if (_owns(ea, edges[f, 0], edges[f, 1], edges[f, 2])
                            and _owns(eb, edges[f, 3], edges[f, 4], edges[f, 5])
                            and _owns(eg, edges[f, 6], edges[f, 7], edges[f, 8])):
                        covered[row, col] = True


@njit(cache=True, parallel=True, nogil=True)
def interpolate_attributes(triangle: Array, barycentric: Array, faces: Array, attributes: Array, out: Array) -> None:
    """out (H,W,C) = barycentric mean of the corners' attributes (N,C); pixels without a triangle stay as they are."""
    for row in prange(triangle.shape[0]):
        for col in range(triangle.shape[1]):
            f = triangle[row, col]
            if f < 0:
                continue
            i, j, k = faces[f, 0], faces[f, 1], faces[f, 2]
            p, q, r = barycentric[row, col, 0], barycentric[row, col, 1], barycentric[row, col, 2]
            for c in range(attributes.shape[1]):
                out[row, col, c] = p * attributes[i, c] + q * attributes[j, c] + r * attributes[k, c]


@njit(cache=True, nogil=True)
def area_weighted_normals(vertices: Array, faces: Array, out: Array) -> None:
    """Sum of the faces' area vectors at each vertex, normalised; (0,0,1) where that sum vanishes."""
    for f in range(faces.shape[0]):
        i, j, k = faces[f, 0], faces[f, 1], faces[f, 2]
        ux, uy, uz = vertices[j, 0] - vertices[i, 0], vertices[j, 1] - vertices[i, 1], vertices[j, 2] - vertices[i, 2]
        vx, vy, vz = vertices[k, 0] - vertices[i, 0], vertices[k, 1] - vertices[i, 1], vertices[k, 2] - vertices[i, 2]
        nx, ny, nz = uy * vz - uz * vy, uz * vx - ux * vz, ux * vy - uy * vx
        for p in (i, j, k):
            out[p, 0] += nx
            out[p, 1] += ny
            out[p, 2] += nz
    for p in range(out.shape[0]):
        length = np.sqrt(out[p, 0] ** 2 + out[p, 1] ** 2 + out[p, 2] ** 2)
        if length > 0:
            out[p, 0] /= length
            out[p, 1] /= length
            out[p, 2] /= length
        else:
            out[p, 2] = 1.0
