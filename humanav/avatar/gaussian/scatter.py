"""Points spread evenly over a surface: the places of an avatar's Gaussians."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from humanav.avatar.avatar import Floats

_CANDIDATES, _ROUNDS = 5, 6
_APART = 0.004
"""Metres that points with opposite normals are counted as farther apart than they are: the two sides of a thin piece
are spread each by itself."""


def scatter(
    vertices: Floats, faces: NDArray[np.int64], density: Floats, count: int
) -> tuple[NDArray[np.int64], Floats, Floats]:
    """Spread points over a surface, evenly for their density.

    A few times as many candidates are walked out, and the points are moved to the middle of the candidates nearest to
    them some times (Lloyd's relaxation): gaps close and clumps part. Nothing is random.

    Args:
        density: (F,) relative number of points per area.

    Returns:
        face (N,), barycentric (N,3) and the mean distance (N,) in metres to neighbours at that density.
    """
    from scipy.spatial import cKDTree

    face, barycentric = _candidates(vertices, faces, density, _CANDIDATES * count)
    corner = vertices[faces].astype(np.float64)
    normal = np.cross(corner[:, 1] - corner[:, 0], corner[:, 2] - corner[:, 0])
    area = np.linalg.norm(normal, axis=1)
    normal /= np.maximum(area, 1e-20)[:, None]
    place = np.concatenate([np.einsum("nk,nkc->nc", barycentric, corner[face]), 0.5 * _APART * normal[face]], axis=1)
    centre = place[_CANDIDATES // 2 :: _CANDIDATES][:count].copy()
    for _ in range(_ROUNDS):
        owner = cKDTree(centre).query(place)[1]
        size = np.bincount(owner, minlength=count)
        moved = np.stack([np.bincount(owner, column, count) for column in place.T], axis=1)
        centre = np.where(size[:, None] > 0, moved / np.maximum(size, 1)[:, None], centre)
    chosen = _nearest_unused(place, centre)
    face, barycentric = face[chosen], barycentric[chosen]
    total = float((0.5 * area * density).sum())
    spacing = np.sqrt(total / (count * density[face]))
    return face, barycentric.astype(np.float32), spacing.astype(np.float32)


def _nearest_unused(place: NDArray[Any], centre: NDArray[Any]) -> NDArray[np.int64]:
    """(N,) the candidate nearest to each centre that no centre before it took."""
    from scipy.spatial import cKDTree

    near = cKDTree(place).query(centre, k=min(2 * _CANDIDATES, len(place)))[1]
    used = np.zeros(len(place), dtype=bool)
    chosen = np.full(len(centre), -1, dtype=np.int64)
    for column in near.T:
        free = np.flatnonzero((chosen < 0) & ~used[column])
        _, first = np.unique(column[free], return_index=True)
        chosen[free[first]] = column[free[first]]
        used[column[free[first]]] = True
    left = chosen < 0
    chosen[left] = np.flatnonzero(~used)[: left.sum()]
    return np.sort(chosen)


def _candidates(
    vertices: Floats, faces: NDArray[np.int64], density: Floats, count: int
) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """Faces (N,) and barycentric places (N,3).

    Faces are walked along a space-filling curve and get their points at equal steps of (area x density), placed inside
    by a low-discrepancy sequence.
    """
    corner = vertices[faces].astype(np.float64)
    area = 0.5 * np.linalg.norm(np.cross(corner[:, 1] - corner[:, 0], corner[:, 2] - corner[:, 0]), axis=1)
    order = np.argsort(_along_curve(corner.mean(axis=1)), kind="stable")
    total = np.cumsum((area * density)[order])
    face = order[np.minimum(np.searchsorted(total, (np.arange(count) + 0.5) * total[-1] / count), len(order) - 1)]
    k = np.arange(1, count + 1)
    u, v = (0.5 + 0.7548776662466927 * k) % 1, (0.5 + 0.5698402909980532 * k) % 1  # Roberts' R2 sequence
    u, v = np.where(u + v > 1, 1 - u, u), np.where(u + v > 1, 1 - v, v)
    return face, np.stack([1 - u - v, u, v], axis=1)


def _along_curve(points: NDArray[Any]) -> NDArray[np.int64]:
    """Place of each point along a Morton curve through their bounding box."""
    low, size = points.min(axis=0), float(np.ptp(points, axis=0).max())
    cell = np.clip((points - low) / max(size, 1e-9) * 1023, 0, 1023).astype(np.int64)
    code = np.zeros(len(points), dtype=np.int64)
    for bit in range(10):
        for axis in range(3):
            code |= ((cell[:, axis] >> bit) & 1) << (3 * bit + axis)
    return code
