"""What a capture says of one person's landmarks: their places in 3D, and their pixels in every view."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from humanav.body.landmarks import KEYPOINT_SETS, LANDMARKS
from humanav.fit.clip_kinematics import ClipPoints
from humanav.multiview.fit_terms import LEVEL
from humanav.multiview.rays import undistorted
from humanav.multiview.value import Person3D, Rig, Sightings
from humanav.perception.sides import mirror_index
from humanav.track.observations import expected_errors

Array = NDArray[np.float64]


@dataclass(frozen=True)
class Targets:
    """One person's landmarks in T frames and V views.

    Attributes:
        names: K landmark names.
        points: where each lies on the body.
        space: (T,K,3) metres in the level frame, 0 where not known. trust: (T,K) their confidence, 0 where not known.
        pixels: (T,V,K,2) distortion taken out. confidence: (T,V,K) 0..1, 0 where not seen.
        used: (T,V,K) whether the point agrees with the other views.
        spread: (T,V,K) expected error in % of stature.
    """

    names: tuple[str, ...]
    points: ClipPoints
    space: Array
    trust: Array
    pixels: Array
    confidence: Array
    used: NDArray[np.bool_]
    spread: Array

    def part(self, frames: NDArray[np.intp] | slice) -> Targets:
        """Some frames."""
        return replace(self, space=self.space[frames], trust=self.trust[frames], pixels=self.pixels[frames],
                       confidence=self.confidence[frames], used=self.used[frames], spread=self.spread[frames])


def space_targets(keypoints: Array, keypoint_set: str, growth: Array) -> Targets:
    """Of 3D keypoints (T,K,4) alone; what is not finite counts as unknown. ``growth`` as in :class:`ClipPoints`."""
    rows, names = _rows(keypoint_set)
    given = np.asarray(keypoints, dtype=np.float64)[:, rows]
    known = np.isfinite(given).all(-1) & (given[..., 3] > 0)
    space = np.where(known[..., None], given[..., :3], 0.0) @ LEVEL
    none = np.zeros((len(given), 0, len(names)))
    return Targets(names, ClipPoints.named(names, growth), space, np.where(known, np.clip(given[..., 3], 0, 1), 0.0),
                   np.zeros((*none.shape, 2)), none, none > 0, none)


def view_targets(person: Person3D, sightings: Sightings, rig: Rig, growth: Array) -> Targets:
    """Of a matched person: the 3D keypoints, and the points in the pictures that were put together to them."""
    rows, names = _rows(person.keypoint_set)
    base = space_targets(person.keypoints, person.keypoint_set, growth)
    seen = observed_points(person, sightings)[:, :, rows]
    confidence = np.where(np.isfinite(seen).all(-1), np.clip(seen[..., 2], 0.0, 1.0), 0.0)
    pixels = np.where(confidence[..., None] > 0, seen[..., :2], 0.0)
    size = np.array([(camera.width, camera.height) for camera in rig.cameras])[:, None]
    inside = ((pixels >= 0) & (pixels <= size)).all(-1)
    plain = np.stack([undistorted(camera, pixels[:, view]) * camera.K[[0, 1], [0, 1]] + camera.K[:2, 2]
                      for view, camera in enumerate(rig.cameras)], axis=1)
    return replace(base, pixels=plain, confidence=confidence, used=person.used[:, :, rows] & (confidence > 0),
                   spread=expected_errors(names, confidence, inside))


def observed_points(person: Person3D, sightings: Sightings) -> Array:
    """(T,V,K,3) the points in the pictures that are this person's: those that the matching kept, or else all of the
    chosen detections, left and right exchanged where they were wrong."""
    if len(person.observed):
        return person.observed
    frames, views = person.chosen.shape
    points = sightings.keypoints[np.arange(frames)[:, None], np.arange(views)[None], np.maximum(person.chosen, 0)]
    other = mirror_index(KEYPOINT_SETS[person.keypoint_set])
    points = np.where(person.swapped[..., None, None], points[:, :, other], points)
    return np.where((person.chosen >= 0)[..., None, None], points, 0.0)


def _rows(keypoint_set: str) -> tuple[list[int], tuple[str, ...]]:
    """Rows and names of the layout's points that the body has."""
    names = KEYPOINT_SETS[keypoint_set]
    rows = [row for row, name in enumerate(names) if name in LANDMARKS]
    return rows, tuple(names[row] for row in rows)
