"""Keypoints of one person over time: what the uplift and the tracker take in."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from humanav.body.landmarks import KEYPOINT_SETS
from humanav.errors import InputError

Array = NDArray[np.float32]


@dataclass(frozen=True)
class KeypointSequence:
    """One person's keypoints in T frames of one camera.

    Attributes:
        keypoints: (T,K,3) float32 x, y in pixels (origin: top-left corner, x right, y down) and confidence 0..1; a
            point that was not seen is (0, 0, 0).
        keypoint_set: name of the layout, a key of :data:`humanav.body.landmarks.KEYPOINT_SETS`.
        fps: frames per second.
        width, height: the picture's size in pixels.
        person_id: whose.
        name: a short label.

    Raises:
        InputError: an unknown layout, a wrong shape, no frames, numbers that are not finite, or no size.
    """

    keypoints: Array
    keypoint_set: str
    fps: float
    width: int
    height: int
    person_id: str = "0"
    name: str = ""

    def __post_init__(self) -> None:
        if self.keypoint_set not in KEYPOINT_SETS:
            raise InputError(f"There is no keypoint layout {self.keypoint_set!r}; known: {', '.join(KEYPOINT_SETS)}.")
        points = np.asarray(self.keypoints, dtype=np.float32)
        wanted = len(KEYPOINT_SETS[self.keypoint_set])
        if points.ndim != 3 or points.shape[0] == 0 or points.shape[1:] != (wanted, 3):
            raise InputError(f"Keypoints of shape {points.shape} are not {self.keypoint_set}: (frames, {wanted}, 3) "
                             "with x, y and confidence are needed.")
        if not np.isfinite(points).all():
            raise InputError("The keypoints hold NaN or infinite numbers: mark missing points with confidence 0.")
        if self.width <= 0 or self.height <= 0 or not (np.isfinite(self.fps) and self.fps > 0):
            raise InputError("A keypoint sequence needs a positive picture size and frame rate.")
        object.__setattr__(self, "keypoints", points)
        object.__setattr__(self, "fps", float(self.fps))

    def __len__(self) -> int:
        return int(self.keypoints.shape[0])

    @property
    def names(self) -> tuple[str, ...]:
        """The landmark names, in order."""
        return KEYPOINT_SETS[self.keypoint_set]

    @property
    def seen(self) -> NDArray[np.bool_]:
        """(T,K) which points have a confidence above 0."""
        return self.keypoints[..., 2] > 0

    def __getitem__(self, index: slice | int) -> KeypointSequence:
        """A part of the sequence: ``sequence[10:40]``, or one frame as a sequence of length 1."""
        part = slice(index, index + 1 or None) if isinstance(index, int) else index
        return replace(self, keypoints=self.keypoints[part])
