"""Any frame rate through a network that was trained at some: slow clips are filled in, fast ones taken in turns."""

from __future__ import annotations

from dataclasses import fields, replace
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from humanav.uplift.model import Prediction

Array = NDArray[np.float32]

SLOWEST, FASTEST, USUAL = 14.0, 62.0, 30.0
"""Frames per second that networks are trained for, and the rate that others are brought to."""


def at_network_rate(model: Any, keypoints: Array, K: Any, focal_known: bool, fps: float) -> Prediction:
    """``model.predict`` at a rate it knows; one prediction for every frame given.

    Below :data:`SLOWEST`, frames are put in between and their predictions dropped again. Above :data:`FASTEST`, every
    n-th frame is predicted n times over, each time from another start, so that every frame is seen as it is.

    Args:
        model: see :class:`humanav.uplift.lift.Predictor`.
        keypoints: (T,K,3).
        K: (3,3) intrinsics.
        focal_known: whether they are.
        fps: frames per second.
    """
    if len(keypoints) > 1 and fps < SLOWEST:
        times = max(2, round(USUAL / fps))
        return _each(model.predict(denser(keypoints, times), K, focal_known=focal_known), slice(None, None, times))
    every = round(fps / USUAL) if fps > FASTEST else 1
    parts = [model.predict(keypoints[start::every], K, focal_known=focal_known)
             for start in range(min(every, len(keypoints)))]
    if len(parts) == 1:
        return parts[0]
    joined = {}
    for field in fields(parts[0]):
        values = [getattr(part, field.name) for part in parts]
        if isinstance(values[0], np.ndarray):
            whole = np.empty((len(keypoints), *values[0].shape[1:]), dtype=values[0].dtype)
            for start, value in enumerate(values):
                whole[start::every] = value
            joined[field.name] = whole
    return replace(parts[0], **joined)


def denser(keypoints: Array, times: int) -> Array:
    """Keypoints (T,K,3) with ``times - 1`` frames between neighbours: ((T-1) * times + 1, K, 3).

    A point goes along a monotone cubic (PCHIP) through the frames that show it; between frames of which one does not,
    it is not seen.
    """
    from scipy.interpolate import PchipInterpolator

    frames = np.arange(len(keypoints))
    at = np.arange((len(keypoints) - 1) * times + 1) / times
    low = np.minimum(at.astype(int), len(keypoints) - 1)
    high = np.minimum(low + (at > low), len(keypoints) - 1)
    both = (keypoints[low, :, 2] > 0) & (keypoints[high, :, 2] > 0)
    dense = np.zeros((len(at), *keypoints.shape[1:]), dtype=np.float32)
    for point in range(keypoints.shape[1]):
        there = np.flatnonzero(keypoints[:, point, 2] > 0)
        if len(there) > 1:
            dense[:, point] = PchipInterpolator(frames[there], keypoints[there, point], extrapolate=True)(at)
        elif len(there):
            dense[:, point] = keypoints[there[0], point]
    return np.where(both[..., None], dense, np.float32(0))


def _each(prediction: Prediction, index: slice) -> Prediction:
    """The chosen frames of every array of a prediction."""
    return replace(prediction, **{field.name: value[index] for field in fields(prediction)
                                  if isinstance(value := getattr(prediction, field.name), np.ndarray)})
