"""Numba kernels of the texture bake: per texel work over millions of texels. Call them while holding KERNEL_LOCK."""

from __future__ import annotations

from typing import Any

import numpy as np
from numba import njit, prange

Array = np.ndarray[Any, np.dtype[Any]]


@njit(cache=True, inline="always")
def _ramp(low: float, high: float, x: float) -> float:
    t = min(max((x - low) / (high - low), 0.0), 1.0)
    return t * t * (3 - 2 * t)


@njit(cache=True, inline="always")
def _bilinear(image: Array, x: float, y: float, out: Array) -> None:
    h, w = image.shape[0], image.shape[1]
    x, y = min(max(x - 0.5, 0.0), w - 1.001), min(max(y - 0.5, 0.0), h - 1.001)
    i, j = int(y), int(x)
    a, b = y - i, x - j
    i1, j1 = min(i + 1, h - 1), min(j + 1, w - 1)
    for c in range(3):
        top = (1 - b) * image[i, j, c] + b * image[i, j1, c]
        low = (1 - b) * image[i1, j, c] + b * image[i1, j1, c]
        out[c] = (1 - a) * top + a * low


@njit(cache=True, parallel=True, nogil=True)
def see_texels(
    face: Array, barycentric: Array, faces: Array, face_part: Array, pixel: Array, depth: Array, facing: Array,
    image: Array, scale: float, nearest: Array, occluder: Array, ramp: Array, banned: Array, colour: Array,
    weight: Array, cosine: Array,
) -> None:
    """Photo colour (T,3), trust (T,) 0..1 and cosine to the camera (T,) of every texel.

    ``pixel`` (V,2) is in the full image; ``nearest``, ``occluder``, ``ramp`` and ``banned`` are at the working size.
    """
    h, w = nearest.shape
    for t in prange(face.shape[0]):
        f = face[t]
        x, y, z, c = 0.0, 0.0, 0.0, 0.0
        for k in range(3):
            b, v = barycentric[t, k], faces[f, k]
            x += b * pixel[v, 0]
            y += b * pixel[v, 1]
            z += b * depth[v]
            c += b * facing[v]
        cosine[t] = c
        weight[t] = 0.0
        _bilinear(image, x, y, colour[t])
        j, i = int(np.floor(x * scale)), int(np.floor(y * scale))
        if c <= 0.05 or i < 0 or j < 0 or i >= h or j >= w or z <= 0.05:
            continue
        if (banned[i, j] >> face_part[f]) & 1:
            continue
        if z > nearest[i, j] + 0.012 + 0.010 / max(c, 0.1) or z > occluder[i, j] + 0.06 + 0.01 / max(c, 0.1):
            continue
        weight[t] = _ramp(0.12, 0.45, c) * ramp[i, j]


@njit(cache=True, parallel=True, nogil=True)
def sample_layers(
    face: Array, barycentric: Array, faces: Array, membership: Array, found: Array, source: Array, layers: Array,
    colour: Array, certain: Array,
) -> None:
    """Colour (T,3) of every texel from the layers (L,h,w,3) of its two strongest parts, at its ``source`` pixel (V,2).

    Parts without a layer (``found`` (L,) False) are passed over; ``certain`` (T,) is the share that had one.
    """
    parts = membership.shape[1]
    for t in prange(face.shape[0]):
        f = face[t]
        x, y = 0.0, 0.0
        for k in range(3):
            b, v = barycentric[t, k], faces[f, k]
            x += b * source[v, 0]
            y += b * source[v, 1]
        first, second, strong, weak, missing = -1, -1, -1.0, -1.0, 0.0
        for p in range(parts):
            m = 0.0
            for k in range(3):
                m += barycentric[t, k] * membership[faces[f, k], p]
            if not found[p]:
                missing = max(missing, m)
            elif m > strong:
                second, weak = first, strong
                first, strong = p, m
            elif m > weak:
                second, weak = p, m
        certain[t] = 0.0
        if first < 0:
            continue
        certain[t] = _ramp(-0.1, 0.1, strong - missing)
        _bilinear(layers[first], x, y, colour[t])
        if second >= 0 and weak > 0.0:
            share = 0.5 * (1.0 - _ramp(0.0, 0.16, strong - weak))
            if share > 0.0:
                other = np.empty(3, np.float32)
                _bilinear(layers[second], x, y, other)
                for c in range(3):
                    colour[t, c] += share * (other[c] - colour[t, c])


@njit(cache=True, parallel=True, nogil=True)
def mirror_texels(
    face: Array, barycentric: Array, uv: Array, uv_faces: Array, mirror_face: Array, mirror_corner: Array,
    texture: Array, trust: Array, colour: Array, weight: Array,
) -> None:
    """Colour (T,3) and trust (T,) of each texel's mirror image, read from the (S,S,3) texture and (S,S) trust."""
    size = texture.shape[0]
    for t in prange(face.shape[0]):
        f = face[t]
        m = mirror_face[f]
        weight[t] = 0.0
        if m < 0:
            continue
        u, v = 0.0, 0.0
        for k in range(3):
            corner = uv_faces[m, mirror_corner[f, k]]
            u += barycentric[t, k] * uv[corner, 0]
            v += barycentric[t, k] * uv[corner, 1]
        x, y = u * size, (1 - v) * size
        _bilinear(texture, x, y, colour[t])
        i, j = min(max(int(y), 0), size - 1), min(max(int(x), 0), size - 1)
        weight[t] = trust[i, j]


@njit(cache=True, parallel=True, nogil=True)
def spread_vertices(face: Array, barycentric: Array, faces: Array, values: Array, out: Array) -> None:
    """Per-vertex values (V,C) at every texel (T,C)."""
    for t in prange(face.shape[0]):
        f = face[t]
        for c in range(values.shape[1]):
            s = 0.0
            for k in range(3):
                s += barycentric[t, k] * values[faces[f, k], c]
            out[t, c] = s


@njit(cache=True, nogil=True)
def gather_vertices(face: Array, barycentric: Array, faces: Array, values: Array, weight: Array, total: Array,
                    sums: Array) -> None:
    """Weighted sums of per-texel values (T,C) at the vertices: ``sums`` (V,C) and ``total`` (V,)."""
    for t in range(face.shape[0]):
        if weight[t] <= 0:
            continue
        for k in range(3):
            v = faces[face[t], k]
            b = barycentric[t, k] * weight[t]
            total[v] += b
            for c in range(values.shape[1]):
                sums[v, c] += b * values[t, c]
