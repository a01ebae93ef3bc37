"""Left and right that a detector exchanged for a few frames."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float32]

_LEGS = ("knee", "ankle", "heel", "foot_index", "big_toe", "small_toe")
_MUCH = 0.5  # of the distance to the frame before: so much nearer the exchanged points must be
_LEAST = 0.06  # of the person's size: smaller moves decide nothing
_SLOWEST = {"body": 12.0, "legs": 20.0}  # frames per second; at lower rates limbs do change places
_LONGEST = 0.4  # seconds


def mirror_index(names: Sequence[str]) -> list[int]:
    """For each landmark the number of the one on the other side (itself for those in the middle)."""
    place = {name: number for number, name in enumerate(names)}
    other = [name.replace("left_", "right_") if name.startswith("left_") else name.replace("right_", "left_")
             for name in names]
    return [place.get(name, number) for number, name in enumerate(other)]


def mend_sides(keypoints: Array, names: Sequence[str], fps: float) -> tuple[Array, NDArray[np.bool_]]:
    """Exchange left and right back in runs of frames, at most 0.4 s long, that match their neighbours much better so:
    all points, then those of the legs alone.

    Runs begin and end with a jump that the exchange undoes. Below 12 frames per second (20 for the legs) limbs do
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
        flipped[turn] = _flipped_frames(mended, group, other, max(1, round(_LONGEST * fps)))
        source = np.where(swapped, other, np.arange(len(names)))
        mended[flipped[turn]] = mended[flipped[turn]][:, source]
    return mended, flipped[0]


def _flipped_frames(
    keypoints: Array, group: NDArray[np.bool_], other: NDArray[np.int64], longest: int
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

    same, exchanged = apart(points[1:], weights[1:]), apart(points[1:, other], weights[1:, other])
    changes = np.flatnonzero((exchanged < _MUCH * same) & (same > _LEAST * size[1:])) + 1
    place = 0
    while place + 1 < len(changes):
        begin, end = seen[changes[place]], seen[changes[place + 1]]
        if end - begin <= longest:
            flipped[begin:end] = True
            place += 1
        place += 1
    return flipped
