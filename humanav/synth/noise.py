"""Seeded gradient noise in three dimensions: the only source of texture in synthetic photographs."""

from __future__ import annotations

import numba
import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float32]


@numba.njit(cache=True, nogil=True)
def _corner(ix: int, iy: int, iz: int, seed: int, x: float, y: float, z: float) -> float:
    """Dot product of (x, y, z) with one of 12 gradients, picked by an integer hash of the lattice corner."""
    h = (ix * 73856093 ^ iy * 19349663 ^ iz * 83492791 ^ seed * 2654435761) & 0xFFFFFFFF
    h = ((h ^ (h >> 15)) * 2246822519) & 0xFFFFFFFF
    h = ((h ^ (h >> 13)) * 3266489917) & 0xFFFFFFFF
    h = (h ^ (h >> 16)) % 12
    a = x if h < 8 else y
    b = y if h < 4 else z
    return (a if h & 1 == 0 else -a) + (b if h & 2 == 0 else -b)


@numba.njit(cache=True, nogil=True)
def _perlin(x: float, y: float, z: float, seed: int) -> float:
    fx, fy, fz = np.floor(x), np.floor(y), np.floor(z)
    ix, iy, iz = int(fx), int(fy), int(fz)
    x, y, z = x - fx, y - fy, z - fz
    u = x * x * x * (x * (x * 6 - 15) + 10)
    v = y * y * y * (y * (y * 6 - 15) + 10)
    w = z * z * z * (z * (z * 6 - 15) + 10)
    total = 0.0
    for dx in range(2):
        for dy in range(2):
            for dz in range(2):
                weight = (u if dx else 1 - u) * (v if dy else 1 - v) * (w if dz else 1 - w)
                total += weight * _corner(ix + dx, iy + dy, iz + dz, seed, x - dx, y - dy, z - dz)
    return total


@numba.njit(cache=True, nogil=True)
def _fbm(points: np.ndarray, octaves: int, gain: float, seed: int, out: np.ndarray) -> None:
    for i in range(points.shape[0]):
        x, y, z = points[i, 0], points[i, 1], points[i, 2]
        amplitude, total, norm = 1.0, 0.0, 0.0
        for octave in range(octaves):
            total += amplitude * _perlin(x, y, z, seed + octave)
            norm += amplitude
            amplitude *= gain
            # an irrational factor keeps the lattices of the octaves from lining up
            x, y, z = x * 2.03 + 7.1, y * 2.03 + 3.7, z * 2.03 + 5.3
        out[i] = total / norm


def fbm(
    points: Array,
    frequency: float | tuple[float, float, float] = 1.0,
    octaves: int = 4,
    gain: float = 0.5,
    seed: int = 0,
) -> Array:
    """Fractal noise (N,), about -0.7..0.7, at (N,3) points; ``frequency`` in cycles per metre or per axis."""
    scaled = np.ascontiguousarray(np.asarray(points, np.float64) * np.asarray(frequency, np.float64))
    out = np.empty(len(scaled), np.float64)
    _fbm(scaled, octaves, gain, int(seed) & 0xFFFF, out)
    return out.astype(np.float32)


def fbm_gradient(
    points: Array,
    frequency: float | tuple[float, float, float] = 1.0,
    octaves: int = 3,
    gain: float = 0.5,
    seed: int = 0,
) -> Array:
    """Gradient of :func:`fbm` with respect to the SCALED point (N,3): use it to tilt normals by a bump."""
    scaled = np.asarray(points, np.float64) * np.asarray(frequency, np.float64)
    step, base = 0.05, None
    base = fbm(scaled, 1.0, octaves, gain, seed)
    out = np.empty((len(scaled), 3), np.float32)
    for axis in range(3):
        shifted = scaled.copy()
        shifted[:, axis] += step
        out[:, axis] = (fbm(shifted, 1.0, octaves, gain, seed) - base) / step
    return out


def smoothstep(low: float, high: float, value: Array) -> Array:
    """0 below ``low``, 1 above ``high``, smooth between; ``low`` > ``high`` turns it round."""
    t = np.clip((np.asarray(value, np.float32) - low) / (high - low), 0, 1)
    return (t * t * (3 - 2 * t)).astype(np.float32)
