"""What reading a motion file gives: the motion, and what had to be assumed or mended to read it."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from humanav.motion.motion import Motion

BODY_JOINTS = 22


@dataclass(frozen=True)
class Loaded:
    """A motion as read from a file.

    Attributes:
        motion: the motion; T frames.
        notes: one plain sentence for each thing that was assumed, detected or mended; empty when nothing was.
        missing: (T,22) bool, joints 0-21 of the SMPL-X body (0 is the root) whose value the file does not have in that
            frame, so that ``motion`` holds an interpolated one. Joints which the format never has (collars of some
            skeletons, hands) are not counted.
    """

    motion: Motion
    notes: tuple[str, ...]
    missing: NDArray[np.bool_]

    @classmethod
    def whole(cls, motion: Motion, *notes: str) -> Loaded:
        """A motion of which nothing is missing."""
        return cls(motion, notes, np.zeros((len(motion), BODY_JOINTS), dtype=np.bool_))

    def at(self, fps: float) -> Loaded:
        """The same at another frame rate, with a note that says what was done; unchanged where it already has it.

        A new frame is missing where either of the old ones beside it is. Raises InputError for a bad frame rate.
        """
        if fps == self.motion.fps:
            return self
        from humanav.motion.operations import resample  # needs scipy, which importing this room does not

        motion, old = resample(self.motion, fps), len(self.motion)
        place = np.minimum(np.arange(len(motion)) * self.motion.fps / fps, old - 1)
        low, high = np.floor(place + 1e-6).astype(int), np.minimum(np.ceil(place - 1e-6).astype(int), old - 1)
        note = (f"Resampled from {self.motion.fps:g} to {fps:g} frames per second ({old} to {len(motion)} frames"
                + (", those between interpolated)." if fps > self.motion.fps else ")."))
        return replace(self, motion=motion, notes=(*self.notes, note), missing=self.missing[low] | self.missing[high])
