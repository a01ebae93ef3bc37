"""Where each keypoint of a person comes from: a detection of the view, and one of that detection's points."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from humanav.multiview.sides import exchanged

Array = NDArray[np.float64]
Whole = NDArray[np.int64]
Binary = NDArray[np.bool_]


@dataclass(frozen=True)
class Sources:
    """One person's keypoints by their origin.

    Attributes:
        detection: (T,V,K) which detection of the view, -1 for none.
        joint: (T,V,K) which point of it.
    """

    detection: Whole
    joint: Whole

    @classmethod
    def of(cls, chosen: Whole, count: int) -> Sources:
        """All ``count`` points from the detections chosen (T,V), each its own."""
        shape = (*chosen.shape, count)
        return cls(np.broadcast_to(chosen[..., None], shape).copy(), np.broadcast_to(np.arange(count), shape).copy())

    def swapped(self, names: Sequence[str], flips: Binary) -> Sources:
        """Left and right exchanged where ``flips`` (T,V,3) says so (:func:`humanav.multiview.sides.exchanged`)."""
        return Sources(exchanged(self.detection, names, flips), exchanged(self.joint, names, flips))

    def taken(self, values: Array) -> Array:
        """Of values (T,V,D,K,...) those of this person (T,V,K,...), zeros where there is none."""
        frames, views, _ = self.detection.shape
        t, v = np.arange(frames)[:, None, None], np.arange(views)[None, :, None]
        out = values[t, v, self.detection, self.joint]
        there = self.detection >= 0
        return np.where(there.reshape(there.shape + (1,) * (out.ndim - 3)), out, 0.0)
