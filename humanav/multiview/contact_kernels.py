"""Numba kernels of :mod:`humanav.multiview.contact`: winding numbers, nearest points on a mesh, shared volume.

A ray along +z that leaves a closed mesh through a face looking up (and enters through one looking down) counts +1 (-1);
the sum is the winding number of its start: 0 outside, 1 inside, 2 where a limb lies in its own trunk, so folds of a
posed body do no harm. The caller turns the mesh by a general rotation first: rays then meet no edge exactly.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numba import njit

Array = np.ndarray[Any, np.dtype[Any]]


@njit(cache=True, nogil=True)
def bin_triangles(
    vertices: Array, faces: Array, low: Array, cell: float, shape: Array,
) -> tuple[Array, Array]:
    """Which triangles touch each cell of a grid, by their boxes: starts (cells+1,) and triangle numbers.

    ``low`` (3,) is the grid's corner and ``shape`` (3,) its cells along x, y, z; z counts for nothing where it has one
    cell. Triangles that lie outside are left out.
    """
    nx, ny, nz = shape[0], shape[1], shape[2]
    box = np.empty((len(faces), 6), np.int32)
    starts = np.zeros(nx * ny * nz + 1, np.int64)
    for f in range(len(faces)):
        for axis in range(3):
            n = shape[axis]
            a, b, c = vertices[faces[f, 0], axis], vertices[faces[f, 1], axis], vertices[faces[f, 2], axis]
            first = math.floor((min(a, b, c) - low[axis]) / cell)
            last = math.floor((max(a, b, c) - low[axis]) / cell)
            if axis == 2 and n == 1:
                first, last = 0, 0
            if last < 0 or first >= n:
                box[f, 0], box[f, 1] = 1, 0
                break
            box[f, 2 * axis], box[f, 2 * axis + 1] = max(first, 0), min(last, n - 1)
        if box[f, 0] > box[f, 1]:
            continue
        for x in range(box[f, 0], box[f, 1] + 1):
            for y in range(box[f, 2], box[f, 3] + 1):
                for z in range(box[f, 4], box[f, 5] + 1):
                    starts[(x * ny + y) * nz + z + 1] += 1
    for k in range(len(starts) - 1):
        starts[k + 1] += starts[k]
    place = starts[:-1].copy()
    items = np.empty(starts[-1], np.int32)
    for f in range(len(faces)):
        if box[f, 0] > box[f, 1]:
            continue
        for x in range(box[f, 0], box[f, 1] + 1):
            for y in range(box[f, 2], box[f, 3] + 1):
                for z in range(box[f, 4], box[f, 5] + 1):
                    k = (x * ny + y) * nz + z
                    items[place[k]] = f
                    place[k] += 1
    return starts, items


@njit(cache=True, nogil=True, inline="always")
def _crossing(px: float, py: float, a: Array, b: Array, c: Array) -> tuple[int, float]:
    """Which way (+1 up, -1 down, 0 none) a triangle is passed by the upright line through x, y, and at which z."""
    u = (b[0] - px) * (c[1] - py) - (c[0] - px) * (b[1] - py)
    v = (c[0] - px) * (a[1] - py) - (a[0] - px) * (c[1] - py)
    w = (a[0] - px) * (b[1] - py) - (b[0] - px) * (a[1] - py)
    if not ((u >= 0 and v >= 0 and w >= 0) or (u <= 0 and v <= 0 and w <= 0)) or u + v + w == 0:
        return 0, 0.0
    return (1 if u + v + w > 0 else -1), (u * a[2] + v * b[2] + w * c[2]) / (u + v + w)


@njit(cache=True, nogil=True)
def winding(
    points: Array, vertices: Array, faces: Array, low: Array, cell: float, shape: Array, starts: Array, items: Array,
) -> Array:
    """Winding number (N,) of each point about the mesh, whose triangles are binned by x and y."""
    out = np.zeros(len(points), np.int32)
    for n in range(len(points)):
        x = math.floor((points[n, 0] - low[0]) / cell)
        y = math.floor((points[n, 1] - low[1]) / cell)
        if x < 0 or y < 0 or x >= shape[0] or y >= shape[1]:
            continue
        k = x * shape[1] + y
        for f in items[starts[k]:starts[k + 1]]:
            way, z = _crossing(points[n, 0], points[n, 1], vertices[faces[f, 0]], vertices[faces[f, 1]],
                               vertices[faces[f, 2]])
            if z > points[n, 2]:
                out[n] += way
    return out


@njit(cache=True, nogil=True)
def _square_distance(p: Array, a: Array, b: Array, c: Array) -> float:
    """From a point to the closest point of a triangle (Ericson, Real-Time Collision Detection, 5.1.5)."""
    abx, aby, abz = b[0] - a[0], b[1] - a[1], b[2] - a[2]
    acx, acy, acz = c[0] - a[0], c[1] - a[1], c[2] - a[2]
    x, y, z = p[0] - a[0], p[1] - a[1], p[2] - a[2]
    d1, d2 = abx * x + aby * y + abz * z, acx * x + acy * y + acz * z
    ab, ac = abx * abx + aby * aby + abz * abz, acx * acx + acy * acy + acz * acz
    cross = abx * acx + aby * acy + abz * acz
    d3, d4 = d1 - ab, d2 - cross
    d5, d6 = d1 - cross, d2 - ac
    va, vb, vc = d3 * d6 - d5 * d4, d5 * d2 - d1 * d6, d1 * d4 - d3 * d2
    if d1 <= 0 and d2 <= 0:
        s, t = 0.0, 0.0
    elif d3 >= 0 and d4 <= d3:
        s, t = 1.0, 0.0
    elif d6 >= 0 and d5 <= d6:
        s, t = 0.0, 1.0
    elif vc <= 0 and d1 >= 0 and d3 <= 0:
        s, t = d1 / (d1 - d3), 0.0
    elif vb <= 0 and d2 >= 0 and d6 <= 0:
        s, t = 0.0, d2 / (d2 - d6)
    elif va <= 0 and d4 - d3 >= 0 and d5 - d6 >= 0:
        t = (d4 - d3) / ((d4 - d3) + (d5 - d6))
        s = 1 - t
    else:
        total = va + vb + vc
        s, t = (vb / total, vc / total) if total > 0 else (0.0, 0.0)
    x, y, z = x - s * abx - t * acx, y - s * aby - t * acy, z - s * abz - t * acz
    return x * x + y * y + z * z


@njit(cache=True, nogil=True, inline="always")
def _gap(value: float, start: float, length: float) -> float:
    """From a number to the nearest end of an interval, 0 inside it."""
    return max(start - value, value - start - length, 0.0)


@njit(cache=True, nogil=True)
def nearest(
    points: Array, limits: Array, vertices: Array, faces: Array, low: Array, cell: float, shape: Array, starts: Array,
    items: Array,
) -> Array:
    """Distance (N,) from each point to the mesh, exact where it is below the point's limit, else inf.

    Cells are visited in growing cubes round the point's own; after the cube of radius r all that is left lies at least
    r cells away. A cell, and a triangle whose circle round its middle lies too far, are passed over.
    """
    out = np.full(len(points), np.inf)
    middle, radius = np.empty((len(faces), 3)), np.empty(len(faces))
    for f in range(len(faces)):
        a, b, c = vertices[faces[f, 0]], vertices[faces[f, 1]], vertices[faces[f, 2]]
        far = 0.0
        for k in range(3):
            middle[f, k] = (a[k] + b[k] + c[k]) / 3
        for corner in (a, b, c):
            x, y, z = corner[0] - middle[f, 0], corner[1] - middle[f, 1], corner[2] - middle[f, 2]
            far = max(far, x * x + y * y + z * z)
        radius[f] = math.sqrt(far)
    nx, ny, nz = shape[0], shape[1], shape[2]
    for n in range(len(points)):
        p = points[n]
        cx = min(max(math.floor((p[0] - low[0]) / cell), 0), nx - 1)
        cy = min(max(math.floor((p[1] - low[1]) / cell), 0), ny - 1)
        cz = min(max(math.floor((p[2] - low[2]) / cell), 0), nz - 1)
        reach, found = limits[n], False
        for r in range(max(nx, ny, nz)):
            if (r - 1) * cell >= reach:
                break
            for x in range(max(cx - r, 0), min(cx + r, nx - 1) + 1):
                gx = _gap(p[0], low[0] + x * cell, cell)
                for y in range(max(cy - r, 0), min(cy + r, ny - 1) + 1):
                    gy = _gap(p[1], low[1] + y * cell, cell)
                    step = 1 if r == 0 or abs(x - cx) == r or abs(y - cy) == r else 2 * r
                    for z in range(cz - r, cz + r + 1, step):
                        if z < 0 or z >= nz:
                            continue
                        k = (x * ny + y) * nz + z
                        gz = _gap(p[2], low[2] + z * cell, cell)
                        if starts[k] == starts[k + 1] or gx * gx + gy * gy + gz * gz >= reach * reach:
                            continue
                        for f in items[starts[k]:starts[k + 1]]:
                            dx, dy, dz = p[0] - middle[f, 0], p[1] - middle[f, 1], p[2] - middle[f, 2]
                            far = reach + radius[f]
                            if dx * dx + dy * dy + dz * dz >= far * far:
                                continue
                            d = _square_distance(p, vertices[faces[f, 0]], vertices[faces[f, 1]], vertices[faces[f, 2]])
                            if d < reach * reach:
                                reach, found = math.sqrt(d), True
        if found:
            out[n] = reach
    return out


@njit(cache=True, nogil=True)
def _mark(
    vertices: Array, faces: Array, low: Array, step: float, nx: int, ny: int, place: Array, heights: Array,
    ways: Array,
) -> None:
    """Count the crossings of every column in ``place``, or store them there when ``heights`` has room."""
    store = len(heights) > 0
    for f in range(len(faces)):
        a, b, c = vertices[faces[f, 0]], vertices[faces[f, 1]], vertices[faces[f, 2]]
        x0 = max(math.ceil((min(a[0], b[0], c[0]) - low[0]) / step), 0)
        x1 = min(math.floor((max(a[0], b[0], c[0]) - low[0]) / step), nx - 1)
        y0 = max(math.ceil((min(a[1], b[1], c[1]) - low[1]) / step), 0)
        y1 = min(math.floor((max(a[1], b[1], c[1]) - low[1]) / step), ny - 1)
        for x in range(x0, x1 + 1):
            for y in range(y0, y1 + 1):
                way, z = _crossing(low[0] + x * step, low[1] + y * step, a, b, c)
                if way == 0:
                    continue
                k = x * ny + y
                if store:
                    heights[place[k]], ways[place[k]] = z, way
                place[k] += 1


@njit(cache=True, nogil=True)
def shared_volume(
    a: Array, faces_a: Array, b: Array, faces_b: Array, low: Array, step: float, nx: int, ny: int,
) -> float:
    """Volume inside both meshes: columns ``step`` apart in x and y, exact in z."""
    count_a, count_b = np.zeros(nx * ny + 1, np.int64), np.zeros(nx * ny + 1, np.int64)
    nothing, none = np.zeros(0), np.zeros(0, np.int64)
    _mark(a, faces_a, low, step, nx, ny, count_a, nothing, none)
    _mark(b, faces_b, low, step, nx, ny, count_b, nothing, none)
    starts = np.zeros(nx * ny + 1, np.int64)
    for k in range(nx * ny):
        starts[k + 1] = starts[k] + count_a[k] + count_b[k]
    heights, ways = np.empty(starts[-1]), np.empty(starts[-1], np.int64)
    place = starts[:-1].copy()
    _mark(a, faces_a, low, step, nx, ny, place, heights, ways)
    middle = place.copy()
    _mark(b, faces_b, low, step, nx, ny, place, heights, ways)
    total = 0.0
    for k in range(nx * ny):
        if count_a[k] == 0 or count_b[k] == 0:
            continue
        order = np.argsort(heights[starts[k]:starts[k + 1]])
        in_a, in_b, before = 0, 0, 0.0
        for n in order:
            at = starts[k] + n
            if in_a > 0 and in_b > 0:
                total += heights[at] - before
            before = heights[at]
            if at < middle[k]:
                in_a -= ways[at]  # from below: a face that looks down is the way in
            else:
                in_b -= ways[at]
    return total * step * step
