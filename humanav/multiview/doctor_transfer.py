"""Whether each view agrees with points that two other views place.

Rays of two views can meet at a wrong place: a camera that was turned along the lines of sight of another (cameras at
one height that look level, turned sideways) still meets it. A third view tells.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import combinations

import numpy as np
from numpy.typing import NDArray

from humanav.camera import Camera
from humanav.multiview.self_calibrate_pairs import SURE, start_points
from humanav.multiview.sync_tracks import usual_size

Array = NDArray[np.float64]

_MOST_PAIRS = 10
_FEWEST = 12


def transferred(people: Array, cameras: Sequence[Camera], who: Sequence[dict[int, int]]) -> Array:
    """(V,V,V) median distance from where views a and b place people's points to where view v sees them, at [v, a, b] as
    a share of the person's size; NaN where three views share nobody, or the pair was left out (there are many).

    Args:
        people: (T,V,P,K,3) keypoints.
        who: each person's track in the views that see them.
    """
    views = len(cameras)
    out = np.full((views, views, views), np.nan)
    pairs = list(combinations(range(views), 2))
    if len(pairs) > _MOST_PAIRS:
        pairs = [pairs[i] for i in np.linspace(0, len(pairs) - 1, _MOST_PAIRS + views).astype(int)]
    for a, b in pairs:
        found: dict[int, list[float]] = {}
        for person in who:
            if a not in person or b not in person:
                continue
            two = np.stack([people[:, v, person[v]] for v in (a, b)], axis=2).reshape(-1, 2, 3)
            both = (two[..., 2] > SURE).all(1)
            points = start_points([cameras[a], cameras[b]], two[..., :2], both[:, None] * np.ones(2))
            for v in set(person) - {a, b}:
                seen = people[:, v, person[v]].reshape(-1, 3)
                good = both & (seen[:, 2] > SURE) & np.isfinite(points).all(1)
                size = usual_size(people[:, v, person[v]])
                if good.sum() >= _FEWEST and np.isfinite(size):
                    pixels, depth = cameras[v].project(points[good])
                    far = np.where(depth > 0, np.linalg.norm(pixels - seen[good, :2], axis=-1), np.inf)
                    found.setdefault(v, []).append(min(float(np.median(far)) / size, 1.0))
        for v, values in found.items():
            out[v, a, b] = out[v, b, a] = float(np.median(values))
    return out


def strangers(table: Array, limit: float) -> tuple[tuple[int, ...], float]:
    """The fewest views without which three or more others agree, and the share by which these do.

    Args:
        table: of :func:`transferred`.
        limit: share up to which a view agrees with two others.

    Returns:
        Views left out (empty when all agree, or when no three do), and the worst best share of the views kept; NaN when
        nothing can be said.
    """
    views = len(table)
    if views < 3 or not np.isfinite(table).any():
        return (), float("nan")

    def agreement(kept: tuple[int, ...]) -> float:
        inner = table[np.ix_(kept, kept, kept)].reshape(len(kept), -1)
        best = [np.min(row[np.isfinite(row)]) for row in inner if np.isfinite(row).any()]
        return float(max(best)) if best else float("inf")

    whole = agreement(tuple(range(views)))
    if whole <= limit:
        return (), whole
    for count in range(1, min(views - 3, 3) + 1):
        options = [tuple(v for v in range(views) if v not in out) for out in combinations(range(views), count)]
        kept = min(options, key=agreement)
        if agreement(kept) <= limit:
            return tuple(v for v in range(views) if v not in kept), agreement(kept)
    return (), whole
