"""The second look of matching: with everybody's course known, each view's detections are given out once more."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import linear_sum_assignment

from humanav.multiview.affinity import score
from humanav.multiview.match_frames import Seen
from humanav.multiview.rays import to_rays

Array = NDArray[np.float64]
Whole = NDArray[np.int64]

LEAST = 0.15
"""Affinity from which a detection can be somebody."""
_FLIPPED = 0.1  # what left and right exchanged cost
_USUAL = 0.1  # what it is worth that the view's own tracker always said so
_ENOUGH = 5  # joints
_WINDOW = 0.05  # seconds to each side over which a course is a median
_HELD = 0.15  # seconds beyond both ends that somebody is expected to be still there
_CHUNK = 2_000_000  # numbers worked on at a time


def course(points: Array, fps: float, patience: float) -> Array:
    """(T,K,3) where somebody is expected: running medians of points (T,K,>=3), short gaps bridged, NaN elsewhere."""
    half = max(1, round(_WINDOW * fps))
    frames = len(points)
    padded = np.full((frames + 2 * half, *points.shape[1:-1], 3), np.nan)
    padded[half:half + frames] = points[..., :3]
    windows = np.lib.stride_tricks.sliding_window_view(padded, 2 * half + 1, axis=0)
    known = np.isfinite(windows[..., 0, :]).sum(axis=-1)
    ordered = np.sort(windows, axis=-1)  # NaN last
    low, high = np.maximum(known - 1, 0) // 2, known // 2
    middle = (np.take_along_axis(ordered, low[..., None, None], -1)
              + np.take_along_axis(ordered, np.minimum(high, 2 * half)[..., None, None], -1))[..., 0] / 2
    middle[known == 0] = np.nan
    return bridged(middle, max(1, round(patience * fps)), max(1, round(_HELD * fps)))


def bridged(points: Array, longest: int, held: int) -> Array:
    """Points (T,K,3) with gaps of at most ``longest`` frames filled by straight lines, and both ends of each stretch
    held for ``held`` frames."""
    frames, count = points.shape[:2]
    known = np.isfinite(points[..., 0])
    index = np.arange(frames)[:, None]
    before = np.maximum.accumulate(np.where(known, index, -1), axis=0)
    after = np.minimum.accumulate(np.where(known, index, frames)[::-1], axis=0)[::-1]
    row = np.arange(count)[None]
    first, last = points[np.maximum(before, 0), row], points[np.minimum(after, frames - 1), row]
    share = ((index - before) / np.maximum(after - before, 1))[..., None]
    inside = (before >= 0) & (after < frames) & (after - before <= longest + 1)
    out = np.where(inside[..., None], first + share * (last - first), np.nan)
    from_left = ~inside & (before >= 0) & (index - before <= held)
    from_right = ~inside & ~from_left & (after < frames) & (after - index <= held)
    out = np.where(from_left[..., None], first, np.where(from_right[..., None], last, out))
    return np.where(known[..., None], points, out)


def given_out(
    seen: Seen, courses: Sequence[Array], cut: float, mirror: Whole, tracks: Whole, before: Sequence[Whole]
) -> list[Whole]:
    """For each person (T,V) the detections that are it, at most one of a view and each for one person.

    Args:
        seen: the sightings.
        courses: (T,K,3) of each person, NaN where unknown.
        cut: metres.
        mirror: (K,) the point of the other side.
        tracks: (T,V,D) numbers within the views, -1 unknown.
        before: (T,V) of each person as they were given out before.
    """
    frames, views, most, count = seen.confidence.shape
    out = [np.full((frames, views), -1) for _ in courses]
    step = max(1, _CHUNK // max(1, len(courses) * most * count))
    for begin in range(0, frames, step):
        part = slice(begin, min(frames, begin + step))
        for view in range(views):
            near = np.stack([_near(seen, part, view, own[part], cut, mirror) for own in courses], axis=1)  # (t,P,D)
            usual = _usual(tracks[:, view], [chosen[:, view] for chosen in before])
            near += np.where(near > 0, _USUAL * usual[:, part].swapaxes(0, 1), 0.0)
            for t in range(part.start, part.stop):
                table = near[t - begin]
                good = table > LEAST
                for p, d in zip(*linear_sum_assignment(-np.where(good, table, 0.0))) if good.any() else ():
                    if good[p, d]:
                        out[p][t, view] = d
                _left_over(seen, courses, t, view, cut, mirror, out)
    return out


def _left_over(
    seen: Seen, courses: Sequence[Array], t: int, view: int, cut: float, mirror: Whole, out: list[Whole]
) -> None:
    """A second chance for detections of which up to half the points are wrong: to somebody whom the view has not found,
    when the median point is nearer than the cut."""
    there = (seen.confidence[t, view] > 0).any(axis=-1)
    there[[own[t, view] for own in out if own[t, view] >= 0]] = False
    wanting = [p for p, own in enumerate(out) if own[t, view] < 0 and np.isfinite(courses[p][t, :, 0]).any()]
    pairs = []
    for d in np.flatnonzero(there):
        for p in wanting:
            off = _median_off(seen, courses[p][t], t, view, int(d), mirror)
            if off < cut:
                pairs.append((off, p, int(d)))
    for _, p, d in sorted(pairs):
        if out[p][t, view] < 0 and there[d]:
            out[p][t, view], there[d] = d, False


def _median_off(seen: Seen, points: Array, t: int, view: int, detection: int, mirror: Whole) -> float:
    """Metres from somebody's points (K,3) to a detection's rays, in the median over the limbs' joints; left and right
    as they are, or all of them exchanged."""
    best = np.inf
    for order in (np.arange(len(mirror)), mirror):
        rays, confidence = seen.rays[t, view, detection, order], seen.confidence[t, view, detection, order]
        both = np.isfinite(points[:, 0]) & (confidence > 0) & (seen.weights >= 1)
        if both.sum() >= _ENOUGH:
            off = to_rays(points[None, both], seen.lenses.centres[view], rays[None, both])
            best = min(best, float(np.median(off)))
    return best


def _near(seen: Seen, part: slice, view: int, points: Array, cut: float, mirror: Whole) -> Array:
    """(t,D) affinities of a view's detections with one person."""
    rays, confidence = seen.rays[part, view], seen.confidence[part, view]
    frames, most, count = confidence.shape
    known = np.isfinite(points[..., 0])
    safe = np.where(known[..., None], points, 0.0)
    weight = known[:, None] * seen.weights
    # every frame's person against that frame's detections
    apart = [to_rays(safe.reshape(1, -1, 3), seen.lenses.centres[view],
                     sides.swapaxes(0, 1).reshape(most, -1, 3))[:, 0].reshape(most, frames, count).swapaxes(0, 1)
             for sides in (rays, rays[:, :, mirror])]
    straight = score(apart[0], weight * np.sqrt(confidence), cut)
    crossed = score(apart[1], weight * np.sqrt(confidence[:, :, mirror]), cut)
    return np.maximum(straight, crossed - _FLIPPED)


def _usual(tracks: Whole, chosen: Sequence[Whole]) -> Array:
    """(P,T,D) share of the frames with a view's track number in which it was that person; 0 where unknown."""
    frames, most = tracks.shape
    out = np.zeros((len(chosen), frames, most))
    counts: dict[int, Array] = {}
    for number, own in enumerate(chosen):
        t = np.flatnonzero(own >= 0)
        for track in tracks[t, own[t]]:
            if track >= 0:
                counts.setdefault(int(track), np.zeros(len(chosen)))[number] += 1
    for track, count in counts.items():
        out[:, tracks == track] = (count / max(count.sum(), 1))[:, None]
    return out
