"""Each view's people through time, without knowing who they are in the other views."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from humanav.multiview.value import Sightings

Array = NDArray[np.float64]

_GAP, _JUMP = 12, 0.45  # frames a person may be away within a track; sizes of the person it may move between frames
_SURE = 0.3  # confidence from which a point counts


def by_track(sightings: Sightings, most: int = 6, least: float = 0.1, unflip: bool = True) -> Array:
    """Keypoints (T,V,P,K,3) with one place for each track of a view: the ``most`` longest, of ``least`` of the frames.

    Tracks that the sightings do not know are linked here by nearness from frame to frame. Which place of one view is
    which of another is not known. Missing frames have confidence 0. ``unflip`` exchanges left and right where the
    detector lost them (:func:`unflipped`).
    """
    partner = sides(sightings.landmark_names)
    points, present = sightings.keypoints, sightings.present
    frames, views = points.shape[:2]
    found: list[list[Array]] = []
    for v in range(views):
        numbers = sightings.tracks[:, v]
        if (numbers[present[:, v]] < 0).any():
            numbers = _linked(points[:, v], present[:, v])
        numbers = np.where(present[:, v], numbers, -1)
        kept: list[Array] = []
        for number, count in sorted(zip(*np.unique(numbers[numbers >= 0], return_counts=True)), key=lambda x: -x[1]):
            if count >= max(2, least * frames) and len(kept) < most:
                track = np.zeros((frames, *points.shape[3:]))
                t, d = np.nonzero(numbers == number)
                track[t] = points[t, v, d]
                kept.append(unflipped(track, partner) if unflip else track)
        found.append(kept)
    out = np.zeros((frames, views, max(1, *(len(kept) for kept in found)), *points.shape[3:]))
    for v, kept in enumerate(found):
        for p, track in enumerate(kept):
            out[:, v, p] = track
    return out


def person_size(points: Array) -> Array:
    """Size in pixels (...,) of people (...,K,3): the root of the summed variance of their sure points, times 3.3 (which
    is about a standing person's height); NaN with fewer than four."""
    sure = points[..., 2] > _SURE
    count = sure.sum(-1)
    n = np.maximum(count, 1)[..., None]
    xy = np.where(sure[..., None], points[..., :2], 0)
    mean = xy.sum(-2) / n
    spread = (np.where(sure[..., None], xy - mean[..., None, :], 0) ** 2).sum((-1, -2)) / n[..., 0]
    return np.where(count >= 4, 3.3 * np.sqrt(spread), np.nan)


def usual_size(points: Array) -> float:
    """Median size in pixels of people (...,K,3), at least a pixel; NaN where nobody's can be told."""
    sizes = person_size(points)
    sizes = sizes[np.isfinite(sizes)]
    return max(1.0, float(np.median(sizes))) if len(sizes) else float("nan")


def sides(names: tuple[str, ...]) -> NDArray[np.int64]:
    """(K,) index of each point's partner on the other side of the body (itself on the midline)."""
    def other(name: str) -> str:
        return name.replace("left_", "right_") if name.startswith("left_") else name.replace("right_", "left_")

    return np.array([names.index(other(name)) if other(name) in names else k for k, name in enumerate(names)])


def _linked(points: Array, present: NDArray[np.bool_]) -> NDArray[np.int64]:
    """Track numbers (T,D) of one view's detections (T,D,K,3) by the nearest one of the frames before."""
    from scipy.optimize import linear_sum_assignment

    numbers = np.full(present.shape, -1, np.int64)
    last: list[tuple[int, Array]] = []  # frame and points at which each track was last seen
    sizes = person_size(points)
    for t in range(len(points)):
        now = np.flatnonzero(present[t])
        open_ = [n for n, (seen, _) in enumerate(last) if t - seen <= _GAP]
        cost = np.full((len(now), len(open_)), 1e3)
        for i, d in enumerate(now):
            for j, n in enumerate(open_):
                both = (points[t, d, :, 2] > 0) & (last[n][1][:, 2] > 0)
                if both.any():
                    apart = np.median(np.linalg.norm(points[t, d, both, :2] - last[n][1][both, :2], axis=-1))
                    size = sizes[t, d] if np.isfinite(sizes[t, d]) else np.nanmedian(np.append(sizes[t], 100.0))
                    cost[i, j] = apart / max(float(size), 1.0) / (1 + 0.2 * (t - last[n][0] - 1))
        for i, j in zip(*linear_sum_assignment(cost)):
            if cost[i, j] < _JUMP:
                numbers[t, now[i]] = open_[j]
        for d in now:
            if numbers[t, d] < 0:
                numbers[t, d] = len(last)
                last.append((t, points[t, d]))
            last[numbers[t, d]] = (t, points[t, d])
    return numbers


def unflipped(track: Array, partner: NDArray[np.int64]) -> Array:
    """A person (T,K,3) of a view with left and right exchanged in the frames where a detector lost them: the exchanges
    that make the points move least (Viterbi over two states a frame). All of it may still be the wrong way round."""
    seen = np.flatnonzero((track[..., 2] > _SURE).sum(1) >= 4)
    paired = np.flatnonzero(partner != np.arange(len(partner)))
    if len(seen) < 2 or not len(paired):
        return track
    now = track[seen][:, paired]
    turned = track[seen][:, partner[paired]]

    def step(a: Array, b: Array) -> Array:
        both = np.minimum(a[..., 2], b[..., 2])
        far = np.minimum(np.linalg.norm(a[..., :2] - b[..., :2], axis=-1), 1e4)
        return np.asarray((both * far).sum(1) / np.maximum(both.sum(1), 1e-6))

    same, other = step(now[1:], now[:-1]), step(now[1:], turned[:-1])
    cost, back = np.zeros(2), np.zeros((len(seen), 2), np.int64)
    for t in range(len(same)):
        stay, change = cost + same[t], cost[::-1] + other[t]
        back[t + 1] = np.where(change < stay, (1, 0), (0, 1))
        cost = np.minimum(stay, change)
    state = int(cost[1] < cost[0])
    flips = np.zeros(len(seen), bool)
    for t in range(len(seen) - 1, -1, -1):
        flips[t] = bool(state)
        state = int(back[t, state])
    if flips.mean() > 0.5:
        flips = ~flips
    out = track.copy()
    out[seen[flips]] = track[seen[flips]][:, partner]
    return out
