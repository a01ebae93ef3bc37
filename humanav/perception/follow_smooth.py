"""Keypoints over time: single frames in which a point jumps away, and the tremble of trackers."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter1d

Array = NDArray[np.float32]
Binary = NDArray[np.bool_]

_WIDTH = 0.02  # seconds
_TREMBLE, _FORCE = 0.025, 15.0  # of a person's size: leeway of a point, and per squared second what it may be thrown
_SLOWEST = 20.0  # frames per second; at lower rates a point that is back in the next frame may have moved


def without_jumps(keypoints: Array, fps: float) -> tuple[Array, Binary]:
    """Points that are elsewhere in one frame only put where their neighbours in time say, with half the confidence.

    Detectors that exchange left and right give points half-way between the two in the frame of the change.

    Args:
        keypoints: (T,K,3) x, y, confidence, 0 where not seen.

    Returns:
        the keypoints, and (T,K) which were moved.
    """
    jumps = np.zeros(keypoints.shape[:2], dtype=bool)
    if len(keypoints) < 3 or fps < _SLOWEST:
        return keypoints, jumps
    there = keypoints[..., 2] > 0
    points = np.where(there[..., None], keypoints[..., :2], np.nan).astype(np.float64)
    seen = there.any(axis=1)
    size = np.ones(len(points))
    size[seen] = np.linalg.norm(np.nanmax(points[seen], axis=1) - np.nanmin(points[seen], axis=1), axis=-1)
    most = (size * (_TREMBLE + _FORCE / fps**2))[:, None]
    step = np.linalg.norm(np.diff(points, axis=0), axis=-1)  # NaN, and so no jump, beside a gap
    across = np.linalg.norm(points[2:] - points[:-2], axis=-1)
    jumps[1:-1] = (step[:-1] > most[1:-1]) & (step[1:] > most[1:-1]) & (across < most[1:-1])
    where = np.empty_like(points)
    where[1:-1] = (points[2:] + points[:-2]) / 2
    for end, one, two in ((0, 1, 2), (-1, -2, -3)):  # an end jumps where the course before or after is calm
        where[end] = points[one]
        off = np.linalg.norm(points[end] - (2 * points[one] - points[two]), axis=-1)
        calm = np.linalg.norm(points[one] - points[two], axis=-1) < most[end] / 2
        jumps[end] = calm & (np.linalg.norm(points[end] - points[one], axis=-1) > most[end]) & (off > most[end])
    out = keypoints.copy()
    out[jumps, :2] = where[jumps]
    out[jumps, 2] *= 0.5
    return out, jumps


def smoothed(points: Array, there: Binary, fps: float, axes: int) -> Array:
    """Points averaged over about 20 ms around each frame; trackers' own filters lag behind and blur exchanged sides.

    Args:
        points: (T,K,C); the first ``axes`` columns are averaged.
        there: (T,K) which points count; the others stay as they are.
    """
    width = min(_WIDTH * fps, 1.0)  # frames
    if width < 0.25:
        return points
    weight = there.astype(np.float64)[..., None]
    total = gaussian_filter1d(np.where(there[..., None], points, 0) * weight, width, axis=0, mode="constant")
    mean = total / np.maximum(gaussian_filter1d(weight, width, axis=0, mode="constant"), 1e-9)
    out = points.copy()
    out[..., :axes] = np.where(there[..., None], mean, points)[..., :axes]
    return out
