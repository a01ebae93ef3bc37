"""Left and right that a detector exchanged in some view, found by what the other views say.

For each view the points are triangulated from all others; where the view's torso, arms or legs lie much nearer to them
with left and right exchanged, they are exchanged. Bodies seen from the side, where both lie on one ray, are left alone.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from humanav.multiview.rays import NEAREST, Lenses
from humanav.multiview.triangulate import solve
from humanav.perception.sides import GROUPS, mirror_index

Array = NDArray[np.float64]
Binary = NDArray[np.bool_]
Values = TypeVar("Values", NDArray[np.float64], NDArray[np.int64])

_GAIN = 0.7  # the exchanged must be nearer than this share of what is found
_LEAST = 0.03  # metres that it must gain on average
_CAP = 0.3  # metres: one point cannot be farther off than this
_SUSPECT = 0.05  # metres of mean distance from which on a view is looked at
_ROUNDS = 3


def members(names: Sequence[str]) -> list[NDArray[np.int64]]:
    """The points of torso and face, of arms and of legs, as numbers."""
    limbs = [np.array([i for i, name in enumerate(names) if any(part in name for part in GROUPS[group])], np.int64)
             for group in ("arms", "legs")]
    rest = np.setdiff1d(np.arange(len(names)), np.concatenate(limbs))
    return [rest, *limbs]


def exchanged(values: Values, names: Sequence[str], flips: Binary) -> Values:
    """Values (T,V,K,...) with left and right exchanged where ``flips`` (T,V,3) says so of the parts of
    :func:`members`."""
    other, out = np.array(mirror_index(names)), values.copy()
    for group, part in enumerate(members(names)):
        t, v = np.nonzero(flips[..., group])
        out[t[:, None], v[:, None], part] = values[t[:, None], v[:, None], other[part]]
    return out


def find_swaps(
    lenses: Lenses, plane: Array, weight: Array, names: Sequence[str], sigma: float, reference: Array | None = None
) -> Binary:
    """(T,V,3) which parts (:func:`members`) of which view have left and right exchanged.

    Args:
        lenses: V cameras.
        plane: (T,V,K,2) undistorted places of one person.
        weight: (T,V,K) confidences, 0 where not seen.
        names: (K,) landmark names.
        sigma: metres, the scale of triangulation.
        reference: (T,K,3) where the points should be, used where the other views do not say (NaN: unknown).
    """
    frames, views, count = weight.shape
    flips = np.zeros((frames, views, 3), bool)
    parts = members(names)
    other = np.array(mirror_index(names))
    if (other == np.arange(count)).all():
        return flips
    for _ in range(_ROUNDS):
        now, trust = exchanged(plane, names, flips), exchanged(weight, names, flips)
        cost, suspects = _judged(lenses, now, trust, sigma, reference, other)
        if not len(suspects):
            break
        gains = _gains(lenses, now, trust, suspects, parts, other, sigma, reference)
        wanted = gains > 0
        suspects, wanted = suspects[wanted.any(axis=1)], wanted[wanted.any(axis=1)]
        # as found, and the whole body: what is best for all views together is done, one view of a frame at a time
        rows = np.concatenate([suspects, suspects])
        options = np.concatenate([wanted, np.ones_like(wanted)])
        if not len(rows):
            break
        t, v = rows.T
        one = np.zeros((len(rows), views, 3), bool)
        one[np.arange(len(rows)), v] = options
        after, _ = _judged(lenses, exchanged(now[t], names, one), exchanged(trust[t], names, one), sigma,
                           None if reference is None else reference[t], other)
        sided = np.array([(other[part] != part).sum() for part in parts])
        gained = cost[t] - after - _LEAST * (options * sided).sum(axis=1)
        best = np.full(frames, 0.0)
        np.maximum.at(best, t, gained)
        done = np.flatnonzero((gained > 0) & (gained >= best[t]))
        if not len(done):
            break
        _, first = np.unique(t[done], return_index=True)
        for row in done[first]:
            flips[t[row], v[row]] ^= options[row]
    return flips


def _judged(
    lenses: Lenses, plane: Array, weight: Array, sigma: float, reference: Array | None, other: NDArray[np.int64]
) -> tuple[Array, NDArray[np.int64]]:
    """(T,) metres in sum by which what is seen is off, and (S,2) frame and view of what does not fit well."""
    frames, views, count = weight.shape
    solved, _ = solve(lenses, np.moveaxis(plane, 1, 2).reshape(-1, views, 2),
                      np.moveaxis(weight, 1, 2).reshape(-1, views), sigma)
    points = solved[:, :3].reshape(frames, count, 3)
    if reference is not None:
        points = np.where(np.isfinite(points), points, reference)
    apart = np.stack([_apart(lenses, v, points, plane[:, v]) for v in range(views)], axis=1)
    sided = np.where(other != np.arange(count), weight, 0.0)
    capped = np.minimum(np.nan_to_num(apart, nan=_CAP), _CAP)
    return (capped * sided).sum(axis=(1, 2)), np.argwhere(_mean(apart, sided) > _SUSPECT)


def _gains(
    lenses: Lenses, plane: Array, weight: Array, suspects: NDArray[np.int64], parts: Sequence[NDArray[np.int64]],
    other: NDArray[np.int64], sigma: float, reference: Array | None,
) -> Array:
    """(S,3) metres that exchanging each part would gain in sum over its points, 0 where it should not be."""
    t, v = suspects.T
    rest = weight[t].copy()
    rest[np.arange(len(t)), v] = 0
    views, count = rest.shape[1:]
    solved, _ = solve(lenses, np.moveaxis(plane[t], 1, 2).reshape(-1, views, 2),
                      np.moveaxis(rest, 1, 2).reshape(-1, views), sigma)
    points = solved[:, :3].reshape(len(t), count, 3)
    if reference is not None:
        points = np.where(np.isfinite(points), points, reference[t])
    gains = np.zeros((len(t), len(parts)))
    for view in range(views):
        rows = np.flatnonzero(v == view)
        if not len(rows):
            continue
        own, trust = plane[t[rows], view], weight[t[rows], view]
        straight, crossed = _apart(lenses, view, points[rows], own), _apart(lenses, view, points[rows], own[:, other])
        for group, part in enumerate(parts):
            sided = part[other[part] != part]
            both = np.minimum(trust[:, sided], trust[:, other[sided]])
            a, b = _mean(straight[:, sided], both), _mean(crossed[:, sided], both)
            swap = (b < _GAIN * a) & (a - b > _LEAST)
            gains[rows, group] = np.where(swap, (a - b) * (both > 0).sum(axis=1), 0.0)
    return gains


def _apart(lenses: Lenses, view: int, points: Array, plane: Array) -> Array:
    """(N,K) metres from points (N,K,3) to a view's rays in the plane through each point, NaN where unknown."""
    camera = points @ lenses.R[view].T + lenses.t[view]
    depth = camera[..., 2]
    away = np.linalg.norm(camera[..., :2] - plane * depth[..., None], axis=-1)
    return np.where(depth > NEAREST, away, np.nan)


def _mean(apart: Array, weight: Array) -> Array:
    """(N,) weighted mean of capped distances (N,K) over those known; 0 where there are none."""
    weight = np.where(np.isfinite(apart), weight, 0.0)
    total = weight.sum(axis=-1)
    capped = np.minimum(np.nan_to_num(apart, nan=0.0), _CAP)
    return np.asarray((capped * weight).sum(axis=-1) / np.maximum(total, 1e-9) * (total > 0))
