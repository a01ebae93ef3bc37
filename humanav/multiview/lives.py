"""People through the frames: where they are expected, how they are born, lost and found again."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]

DAMPED = 0.5
"""Share of the last step that the next one is expected to be."""
REACH = 0.3
"""Metres within which somebody is looked for after one frame at 30 frames per second."""
_LEAST_REACH, _MOST_REACH = 0.2, 0.6  # metres
_FORGET = 0.5  # per frame: trust in a point that is not seen any more


@dataclass(eq=False)
class Life:
    """One person as far as it is known at some frame.

    Attributes:
        last: the last frame in which it was seen.
        points: (K,3) where its keypoints were last, metres.
        trust: (K,) 0..1 how well they are known.
        step: (K,3) metres per frame.
        chosen: frame to the detection of each view (V,), -1 for none.
        hits: frames in which it was seen.
    """

    last: int
    points: Array
    trust: Array
    step: Array
    chosen: dict[int, NDArray[np.int64]] = field(default_factory=dict)
    hits: int = 0

    def expected(self, frame: int) -> Array:
        """(K,3) where it should be: the last step goes on, damped."""
        ahead = frame - self.last
        return self.points + self.step * DAMPED * (1 - DAMPED**ahead) / (1 - DAMPED)

    def saw(self, frame: int, points: Array, trust: Array, chosen: NDArray[np.int64]) -> None:
        """Take in what was seen: points (K,3) NaN where unknown, trust (K,)."""
        known = np.isfinite(points[:, 0])
        fresh = np.where(known[:, None], points, self.expected(frame))
        moved = (fresh - self.points) / max(frame - self.last, 1)
        both = known & np.isfinite(self.points[:, 0])
        usual = np.median(moved[both], axis=0) if both.any() else np.zeros(3)
        # a point that has just come into view moves as the body does
        self.step = np.where(both[:, None], moved, usual) if self.hits else np.zeros_like(fresh)
        self.points = fresh
        self.trust = np.where(known, trust, _FORGET * self.trust)
        self.last, self.hits = frame, self.hits + 1
        self.chosen[frame] = chosen


def reach(fps: float, missed: int) -> float:
    """Metres within which somebody is looked for after ``missed`` frames without (0: seen in the frame before)."""
    return float(np.clip(REACH * np.sqrt(30.0 / fps * (missed + 1)), _LEAST_REACH, _MOST_REACH))


def mean_distance(a: Array, b: Array) -> float:
    """Metres between two people (K,3) over the keypoints that both have, infinite where they share fewer than 3."""
    apart = np.linalg.norm(a - b, axis=-1)
    known = np.isfinite(apart)
    return float(apart[known].mean()) if known.sum() >= 3 else np.inf
