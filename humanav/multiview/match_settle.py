"""After matching: broken lives joined, ghosts dropped, points that break bones taken out, courses smoothed."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import combinations

import numpy as np
from numpy.typing import NDArray

from humanav.multiview.match_again import bridged

Array = NDArray[np.float64]
Whole = NDArray[np.int64]
Binary = NDArray[np.bool_]

_NEAR = 0.4  # metres between the end of one life and the beginning of the next
_SPEED = 1.5  # metres per second gone in between
_LONGEST = 3.0  # seconds in between
_SAME = 0.15  # metres: two lives this near on average at the same time are one
_OVERLAP = 0.1  # share of the shorter life that may lie in the other when they are joined end to end
_TORSO = (0.15, 1.0)  # metres from shoulders to hips of a body
_BROKEN = 0.2  # share of its usual length that a bone may be off
_NOISES = 4.0  # times the usual error of a detection: so far a bone may be off without anything being wrong
_SUREST = 0.4  # share of the frames that tell how long a bone is
_LESS = 0.7  # times the outer end's confidence: the inner end is the wrong one
BONES = (("shoulder", "hip"), ("shoulder", "elbow"), ("elbow", "wrist"), ("hip", "knee"), ("knee", "ankle"))
"""Bones whose length does not change, on both sides, from the body outwards."""
_HANGING = {"elbow": ("wrist", "pinky", "index", "thumb"), "wrist": ("pinky", "index", "thumb"),
            "knee": ("ankle", "heel", "foot_index", "big_toe", "small_toe"),
            "ankle": ("heel", "foot_index", "big_toe", "small_toe")}


def joined(chosen: Sequence[Whole], points: Sequence[Array], fps: float) -> list[Whole]:
    """The detections (T,V) of people, lives that belong to one person put together.

    Args:
        chosen: of each life.
        points: (T,K,4) of each.
        fps: frames per second.
    """
    lives = [(own, place[..., :3]) for own, place in zip(chosen, points)]
    costs = np.full((len(lives),) * 2, np.inf)
    for a, b in combinations(range(len(lives)), 2):
        costs[a, b] = _joining(lives[a], lives[b], fps)
    while np.isfinite(costs).any():
        a, b = divmod(int(costs.argmin()), len(lives))
        (first, one), (second, two) = lives[a], lives.pop(b)
        lives[a] = (np.where(first >= 0, first, second), np.where(np.isfinite(one), one, two))
        costs = np.delete(np.delete(costs, b, axis=0), b, axis=1)
        for c in range(len(lives)):
            if c != a:
                costs[min(a, c), max(a, c)] = _joining(lives[min(a, c)], lives[max(a, c)], fps)
    return [own for own, _ in lives]


def _joining(a: tuple[Whole, Array], b: tuple[Whole, Array], fps: float) -> float:
    """Metres by which two lives do not fit together, infinite when they are two people."""
    seen_a, seen_b = (np.isfinite(life[1][..., 0]).any(axis=1) for life in (a, b))
    both = seen_a & seen_b
    if not seen_a.any() or not seen_b.any():
        return np.inf
    if both.sum() > _OVERLAP * min(seen_a.sum(), seen_b.sum()):
        apart = np.linalg.norm(a[1][both] - b[1][both], axis=-1)
        known = np.isfinite(apart)
        clash = ((a[0][both] >= 0) & (b[0][both] >= 0)).sum(axis=1).mean()
        near = float(np.median(apart[known])) if known.sum() >= 3 else np.inf
        return near if near < _SAME and clash < 1 else np.inf
    (end, before), (begin, after) = _ordered(seen_a, a[1], seen_b, b[1])
    gap = max(0, begin - end) / fps
    apart = np.linalg.norm(before[end] - after[begin], axis=-1)
    known = np.isfinite(apart)
    if known.sum() < 3 or gap > _LONGEST:
        return np.inf
    off = float(np.median(apart[known])) - _SPEED * gap
    return off + _SAME if off < _NEAR else np.inf


def _ordered(seen_a: Binary, a: Array, seen_b: Binary, b: Array) -> tuple[tuple[int, Array], tuple[int, Array]]:
    """The last frame of the earlier life and the first of the later one, each with its points."""
    frames_a, frames_b = np.flatnonzero(seen_a), np.flatnonzero(seen_b)
    if frames_a.mean() <= frames_b.mean():
        return (int(frames_a[-1]), a), (int(frames_b[0]), b)
    return (int(frames_b[-1]), b), (int(frames_a[0]), a)


def real(chosen: Whole, points: Array, names: Sequence[str], least: int) -> bool:
    """Whether a life is somebody: seen in ``least`` frames by two views, with a torso of a body's length.

    Args:
        chosen: (T,V).
        points: (T,K,4).
        names: (K,).
        least: frames.
    """
    seen = ((chosen >= 0).sum(axis=1) >= 2) & (np.isfinite(points[..., 0]).sum(axis=1) >= 3)
    if seen.sum() < least:
        return False
    length = torso(points, names)
    return bool(not np.isfinite(length) or _TORSO[0] <= length <= _TORSO[1])


def torso(points: Array, names: Sequence[str]) -> float:
    """Median metres from shoulders to hips on the same side; NaN when they are never seen."""
    place = {name: i for i, name in enumerate(names)}
    lengths = [np.linalg.norm(points[:, place[f"{side}_shoulder"], :3] - points[:, place[f"{side}_hip"], :3], axis=-1)
               for side in ("left", "right")]
    known = np.concatenate(lengths)
    known = known[np.isfinite(known)]
    return float(np.median(known)) if len(known) else float("nan")


def without_broken(
    points: Array, used: Binary, names: Sequence[str], noise: float
) -> tuple[Array, Binary]:
    """Points (T,K,4) and agreement (T,V,K) without the points that make a bone much longer or shorter than it is.

    A bone's length is the median of the frames in which its ends are surest, left and right together. Of its two ends
    the less sure one goes, the outer one when they are equal; what hangs on it keeps half its confidence.

    Args:
        points: of one person.
        used: which views agree.
        names: (K,).
        noise: metres by which detections usually are off: bones may vary by a few times as much.
    """
    place = {name: i for i, name in enumerate(names)}
    out, agrees = points.copy(), used.copy()
    for inner, outer in BONES:
        if f"left_{inner}" not in place or f"left_{outer}" not in place:
            continue
        ends = [(place[f"{side}_{inner}"], place[f"{side}_{outer}"]) for side in ("left", "right")]
        # of the points as they came: what was taken out further in says nothing of the outer bone's length
        length = np.stack([np.linalg.norm(points[:, a, :3] - points[:, b, :3], axis=-1) for a, b in ends])
        sure = np.stack([np.minimum(points[:, a, 3], points[:, b, 3]) for a, b in ends])
        known = np.isfinite(length)
        if known.sum() < 5:
            continue
        surest = known & (sure >= np.quantile(sure[known], 1 - _SUREST))
        usual = float(np.median(length[surest]))
        for (a, b), own in zip(ends, length):
            bad = np.isfinite(own) & (np.abs(own - usual) > max(_BROKEN * usual, _NOISES * noise))
            first = bad & (points[:, a, 3] < _LESS * points[:, b, 3])
            for gone, frames in ((a, first), (b, bad & ~first)):
                out[frames, gone, :3], out[frames, gone, 3] = np.nan, 0.0
                agrees[frames, :, gone] = False
            for name in _HANGING.get(outer, ()):
                k = place.get(names[b].split("_")[0] + "_" + name)
                if k is not None:
                    out[bad & ~first, k, 3] *= 0.5
    return out, agrees


def smoothed(points: Array, fps: float, kind: str, cutoff: float, patience: float) -> Array:
    """Points (T,K,4) with gaps up to ``patience`` seconds bridged, filtered over each stretch without gaps.

    Args:
        kind: "savgol" (second order) or "butterworth" (fourth order in all, forwards and back).
        cutoff: Hz.
    """
    from scipy.signal import butter, savgol_filter, sosfiltfilt

    out = points.copy()
    out[..., :3] = bridged(points[..., :3], max(1, round(patience * fps)), 0)
    fresh = np.isfinite(out[..., 0]) & ~np.isfinite(points[..., 0])
    out[fresh, 3] = 0.1  # where it should be, not where it was seen
    window = max(5, 2 * round(fps / cutoff / 2) + 1)
    low = butter(2, min(cutoff / (fps / 2), 0.99), output="sos") if kind == "butterworth" else None
    runs: dict[tuple[int, int], list[int]] = {}
    for k in range(out.shape[1]):
        known = np.isfinite(out[:, k, 0])
        edges = np.flatnonzero(np.diff(np.concatenate([[0], known.astype(int), [0]])))
        for begin, end in zip(edges[::2], edges[1::2]):
            runs.setdefault((int(begin), int(end)), []).append(k)
    for (begin, end), joints in runs.items():
        run = out[begin:end, joints, :3]
        if low is not None and len(run) > 12:
            out[begin:end, joints, :3] = sosfiltfilt(low, run, axis=0, padlen=min(12, len(run) - 1))
        elif low is None and len(run) >= window:
            out[begin:end, joints, :3] = savgol_filter(run, window, 2, axis=0)
    return out
