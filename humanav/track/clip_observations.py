"""What a take says of the body: landmarks, mended where they can be, with their expected errors, and their depth."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from humanav.body.landmarks import KEYPOINT_SETS, LANDMARKS
from humanav.fit.clip_kinematics import ClipPoints
from humanav.perception.takes import Take
from humanav.track.lift import NAMES, TORSO
from humanav.track.mend import Mend
from humanav.track.observations import expected_errors

Array = NDArray[np.float64]

_STATURES = 0.37
"""A person's stature in bone sums."""
_LEAST = 0.35  # % of stature: no landmark is known better


@dataclass(frozen=True)
class ClipLandmarks:
    """One group of landmarks in T frames.

    Attributes:
        names: K landmark names.
        points: where each lies on the body.
        pixels: (T,K,2). confidence: (T,K), 0 where not seen. inside: (T,K) in the picture.
        spread: (T,K) expected error in % of stature.
    """

    names: tuple[str, ...]
    points: ClipPoints
    pixels: Array
    confidence: Array
    inside: NDArray[np.bool_]
    spread: Array

    @classmethod
    def of(cls, rows: NDArray[np.float32], names: Sequence[str], size: tuple[int, int], growth: Array,
           group: str = "body") -> ClipLandmarks:
        """From keypoints (T,N,3) of N names; names that are no landmarks of the body are left out."""
        used = [index for index, name in enumerate(names) if name in LANDMARKS]
        kept = tuple(names[index] for index in used)
        points = np.asarray(rows[:, used], dtype=np.float64)
        confidence = np.clip(points[..., 2], 0.0, 1.0)
        inside = ((points[..., :2] >= 0) & (points[..., :2] <= size)).all(-1) & (confidence > 0)
        return cls(kept, ClipPoints.named(kept, growth), points[..., :2], confidence, inside,
                   expected_errors(kept, confidence, inside, group))

    def part(self, frames: NDArray[np.intp] | slice) -> ClipLandmarks:
        """Some frames."""
        return ClipLandmarks(self.names, self.points, self.pixels[frames], self.confidence[frames], self.inside[frames],
                             self.spread[frames])


@dataclass(frozen=True)
class Mended:
    """A take's landmarks after the learned correction (:mod:`humanav.track.mend`).

    Attributes:
        pixels: (T,33,2). spread: (T,33) expected error in % of stature.
        depth: (T,33) from the trunk's middle along the ray, in bone sums. doubt: (T,33) its expected error.
        axes: (T,3,3) rows: right, down and away in the ray frame.
        known: (T,) frames that could be mended; the others hold what was seen.
    """

    pixels: Array
    spread: Array
    depth: Array
    doubt: Array
    axes: Array
    known: NDArray[np.bool_]

    def part(self, frames: NDArray[np.intp] | slice) -> Mended:
        """Some frames."""
        return Mended(self.pixels[frames], self.spread[frames], self.depth[frames], self.doubt[frames],
                      self.axes[frames], self.known[frames])


def mend(take: Take, K: Array) -> Mended | None:
    """Mend a take's landmarks; None for layouts or detectors for which nothing was learned."""
    if take.world is None or take.sequence.keypoint_set != "blazepose33":
        return None
    keypoints = np.asarray(take.sequence.keypoints, dtype=np.float64)
    world = np.asarray(take.world, dtype=np.float64)[..., :3]
    known = np.isfinite(world).all((1, 2)) & (keypoints[:, list(TORSO), 2] > 0).all(1)
    if not known.any():
        return None
    count = len(keypoints)
    pixels, depth, doubt = keypoints[..., :2].copy(), np.zeros((count, len(NAMES))), np.ones((count, len(NAMES)))
    spread, axes = np.full((count, len(NAMES)), 3.0), np.tile(np.eye(3), (count, 1, 1))
    where = np.flatnonzero(known)
    moved, across, along, unsure, frame = Mend.load()(world[where], keypoints[where], K)
    fine = (frame.size > 0) & np.isfinite(moved).all((1, 2))
    known[where[~fine]] = False
    where = where[fine]
    pixels[where], depth[where], doubt[where], axes[where] = moved[fine], along[fine], unsure[fine], frame.axes[fine]
    focal = (K[0, 0] + K[1, 1]) / 2
    spread[where] = np.maximum(across[fine] / focal * frame.size[fine, None] / _STATURES * 100, _LEAST)
    return Mended(pixels, spread, depth, doubt, axes, known)


def mended_take(take: Take, found: Mended | None) -> Take:
    """The take with its keypoints where they are now thought to lie."""
    if found is None:
        return take
    keypoints = take.sequence.keypoints.copy()
    seen = keypoints[..., 2] > 0
    keypoints[..., :2] = np.where((seen & found.known[:, None])[..., None], found.pixels, keypoints[..., :2])
    return replace(take, sequence=replace(take.sequence, keypoints=keypoints))


def observe_body(take: Take, growth: Array, found: Mended | None = None) -> ClipLandmarks:
    """The body's landmarks of a (mended) take."""
    sequence = take.sequence
    marks = ClipLandmarks.of(sequence.keypoints, KEYPOINT_SETS[sequence.keypoint_set],
                             (sequence.width, sequence.height), growth)
    if found is None:
        return marks
    return replace(marks, spread=np.where(found.known[:, None], found.spread, marks.spread))
