"""Left and right that a detector exchanged for a few frames."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float32]

_LEGS = ("knee", "ankle", "heel", "foot_index", "big_toe", "small_toe")
_JUMP = {"body": 0.05, "legs": 0.08}  # of the person's size: so much nearer the exchanged points must be
_SLOWEST = {"body": 12.0, "legs": 20.0}  # frames per second; at lower rates limbs do change places
_LONGEST = {"body": 1.0, "legs": 0.3}  # seconds


def mirror_index(names: Sequence[str]) -> list[int]:
    """For each landmark the number of the one on the other side (itself for those in the middle)."""
    place = {name: number for number, name in enumerate(names)}
    other = [name.replace("left_", "right_") if name.startswith("left_") else name.replace("right_", "left_")
             for name in names]
    return [place.get(name, number) for number, name in enumerate(other)]


def mend_sides(keypoints: Array, names: Sequence[str], fps: float) -> tuple[Array, NDArray[np.bool_]]:
    """Exchange left and right back in runs of frames that match their neighbours much better so: all points in runs of
    up to 1 s and less than half the clip, then those of the legs alone in runs of up to 0.3 s.

    Which frames are exchanged is the labelling of the clip with the smallest sum of moves between frames, a change of
    label costing 5 % of the person's size (8 % for the legs). Below 12 frames per second (20 for the legs) limbs do
    change places between frames, and nothing is done.

    Args:
        keypoints: (T,K,3) x, y, confidence.
        names: (K,) landmark names.
        fps: frames per second.

    Returns:
        the keypoints (T,K,3), and (T,) which frames were changed as a whole (the legs are not told).
    """
    other = np.array(mirror_index(names))
    paired = np.array([name.startswith(("left_", "right_")) for name in names]) & (other != np.arange(len(names)))
    body = paired & np.array([not any(part in name for part in ("eye", "ear", "mouth")) for name in names])
    legs = body & np.array([name.partition("_")[2] in _LEGS for name in names])
    mended = np.array(keypoints, dtype=np.float32)
    flipped = np.zeros((2, len(mended)), dtype=bool)
    for turn, (group, swapped, kind) in enumerate(((body, paired, "body"), (legs, legs, "legs"))):
        if fps < _SLOWEST[kind] or group.sum() < 4:
            continue
        flipped[turn] = _flipped_frames(mended, group, other, _JUMP[kind], max(1, round(_LONGEST[kind] * fps)))
        source = np.where(swapped, other, np.arange(len(names)))
        mended[flipped[turn]] = mended[flipped[turn]][:, source]
    return mended, flipped[0]


def _flipped_frames(
    keypoints: Array, group: NDArray[np.bool_], other: NDArray[np.int64], jump: float, longest: int
) -> NDArray[np.bool_]:
    flipped = np.zeros(len(keypoints), dtype=bool)
    seen = np.flatnonzero((keypoints[:, group, 2] > 0.2).mean(axis=1) >= 0.6)
    if len(seen) < 3:
        return flipped
    points, weights = keypoints[seen][..., :2], keypoints[seen][..., 2] * (keypoints[seen][..., 2] > 0.2)
    trusted = np.where(weights[..., None] > 0, points, np.nan)
    size = np.hypot(*np.moveaxis(np.nanmax(trusted, axis=1) - np.nanmin(trusted, axis=1), -1, 0))

    def apart(now: Array, confidence: Array) -> NDArray[np.float64]:
        weight = np.minimum(confidence, weights[:-1])[:, group] + 1e-6
        distance = np.linalg.norm(now - points[:-1], axis=-1)[:, group]
        return np.asarray((distance * weight).sum(axis=1) / weight.sum(axis=1), dtype=np.float64)

    same = apart(points[1:], weights[1:]) / size[1:]
    exchanged = apart(points[1:, other], weights[1:, other]) / size[1:] + jump
    for begin, end in _minority_runs(_labels(same, exchanged)):
        first, last = seen[begin], seen[end - 1]
        if last - first < longest:
            flipped[first:last + 1] = True
    return flipped


def _labels(same: NDArray[np.float64], exchanged: NDArray[np.float64]) -> NDArray[np.bool_]:
    """(T,) the labelling with the least cost: ``same[t]`` where frames t and t + 1 agree, else ``exchanged[t]``."""
    labels = np.concatenate([[False], exchanged < same])
    return np.asarray(np.logical_xor.accumulate(labels))


def _minority_runs(labels: NDArray[np.bool_]) -> list[tuple[int, int]]:
    """Begin and end of each run of the rarer label."""
    rare = labels if labels.mean() < 0.5 else ~labels
    edges = np.flatnonzero(np.diff(np.concatenate([[0], rare.astype(np.int8), [0]])))
    return [(int(begin), int(end)) for begin, end in zip(edges[::2], edges[1::2])]
