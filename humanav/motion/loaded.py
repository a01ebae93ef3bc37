"""What reading a motion file gives: the motion, and what had to be assumed or mended to read it."""

from __future__ import annotations

from dataclasses import dataclass

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
