"""The values that pass between the steps of a capture: cameras, what they see, people in 3D, people as bodies.

World: y up, metres. T frames, V views in the rig's order, at most D detections in a view, K keypoints of a named
layout. Frame ``t`` is the same moment in every view: offsets between cameras are taken out where pictures are read.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from humanav.body.landmarks import KEYPOINT_SETS
from humanav.camera import Camera
from humanav.errors import CameraError, InputError
from humanav.motion import Motion

Array = NDArray[np.float64]
Mask = NDArray[np.float32]


class Pictures(Protocol):
    """The frames of all views, by number."""

    def frame(self, view: int, t: int) -> NDArray[np.uint8]:
        """The picture (h,w,3) RGB of a view at frame ``t``; it may be a smaller copy of what the view's camera sees."""
        ...


@dataclass(frozen=True)
class Rig:
    """Cameras that look at one place.

    Attributes:
        names: of the views, unique, in order.
        cameras: of the same order.
        kind: the format they were read from ("easymocap", "qualisys", ...), or how they were found.
        notes: sentences on what was assumed or converted (units, up axis, image sizes).

    Raises:
        CameraError: no camera, unlike numbers of names and cameras, or a name twice.
    """

    names: tuple[str, ...]
    cameras: tuple[Camera, ...]
    kind: str = ""
    notes: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if not self.names or len(self.names) != len(self.cameras) or len(set(self.names)) != len(self.names):
            raise CameraError("A rig needs at least one camera, and a name of its own for each.")

    def __len__(self) -> int:
        return len(self.names)

    def __getitem__(self, name: str) -> Camera:
        """The camera of that name. Raises CameraError when there is none."""
        if name not in self.names:
            raise CameraError(f"There is no camera {name}; the calibration has {', '.join(self.names)}.")
        return self.cameras[self.names.index(name)]

    def only(self, names: tuple[str, ...] | list[str]) -> Rig:
        """Some of the cameras, in the order given. Raises CameraError for an unknown name."""
        return replace(self, names=tuple(names), cameras=tuple(self[name] for name in names))

    def noted(self, *notes: str) -> Rig:
        """The same rig with more notes."""
        return replace(self, notes=(*self.notes, *notes))


@dataclass(frozen=True)
class Sightings:
    """What was seen in all views.

    Attributes:
        keypoints: (T,V,D,K,3) x, y in pixels of the view's camera, confidence 0..1 (0: not seen, or nobody there).
        keypoint_set: a key of :data:`humanav.body.landmarks.KEYPOINT_SETS`.
        names: of the V views.
        fps: frames per second.
        tracks: (T,V,D) number of the person within its own view over time, -1 where it is not known.
        looks: (T,V,D,L) colours of each detection as histograms that sum to 1; L may be 0.
        masks: encoded masks by (frame, view, detection) as :func:`humanav.perception.takes.encode_mask` makes them.
        notes: sentences on what was found.

    Raises:
        InputError: shapes that do not fit, or numbers that are not finite.
    """

    keypoints: Array
    keypoint_set: str
    names: tuple[str, ...]
    fps: float
    tracks: NDArray[np.int64] = field(default_factory=lambda: np.zeros((0, 0, 0), np.int64))
    looks: Array = field(default_factory=lambda: np.zeros((0, 0, 0, 0)))
    masks: dict[tuple[int, int, int], bytes] = field(default_factory=dict)
    notes: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        points = np.asarray(self.keypoints, dtype=np.float64)
        if self.keypoint_set not in KEYPOINT_SETS:
            raise InputError(f"There is no keypoint set {self.keypoint_set!r}; known: {', '.join(KEYPOINT_SETS)}.")
        wanted = (len(self.names), len(KEYPOINT_SETS[self.keypoint_set]), 3)
        if points.ndim != 5 or (points.shape[1], *points.shape[3:]) != wanted or not len(points):
            raise InputError(f"Keypoints of shape {points.shape} do not fit {wanted[0]} views of {wanted[1]} points: "
                             "frames, views, people, points and x, y, confidence are needed.")
        if not np.isfinite(points).all():
            raise InputError("The keypoints hold NaN or infinite numbers: give those points a confidence of 0.")
        if not (np.isfinite(self.fps) and self.fps > 0):
            raise InputError(f"The frame rate must be a positive number, not {self.fps}.")
        object.__setattr__(self, "keypoints", points)
        head = points.shape[:3]
        tracks = np.asarray(self.tracks, np.int64)
        object.__setattr__(self, "tracks", tracks if tracks.shape == head else np.full(head, -1, np.int64))
        looks = np.asarray(self.looks, np.float64)
        object.__setattr__(self, "looks", looks if looks.shape[:3] == head else np.zeros((*head, 0)))

    @property
    def frames(self) -> int:
        """T."""
        return len(self.keypoints)

    @property
    def landmark_names(self) -> tuple[str, ...]:
        """Names of the K points."""
        return KEYPOINT_SETS[self.keypoint_set]

    @property
    def present(self) -> NDArray[np.bool_]:
        """(T,V,D) where somebody was detected."""
        return np.asarray((self.keypoints[..., 2] > 0).any(axis=-1))

    def mask(self, frame: int, view: int, detection: int) -> Mask | None:
        """The soft mask (h,w) 0..1 over the whole picture, smaller than it; None where there is none."""
        from humanav.perception.takes import decode_mask

        data = self.masks.get((frame, view, detection))
        return None if data is None else decode_mask(data)

    def part(self, frames: slice) -> Sightings:
        """The same for some frames (a slice with a positive step)."""
        index = range(self.frames)[frames]
        place = {old: new for new, old in enumerate(index)}
        masks = {(place[t], v, d): data for (t, v, d), data in self.masks.items() if t in place}
        return replace(self, keypoints=self.keypoints[frames], tracks=self.tracks[frames], looks=self.looks[frames],
                       masks=masks, fps=self.fps / (frames.step or 1))


@dataclass(frozen=True)
class Person3D:
    """One person's keypoints in the world through the whole capture.

    Attributes:
        person_id: "1", "2", ...
        keypoints: (T,K,4) x, y, z in metres and confidence 0..1; NaN with confidence 0 where unknown.
        keypoint_set: as in :class:`Sightings`.
        chosen: (T,V) which detection of the view is this person, -1 for none.
        swapped: (T,V) whether left and right of that detection were exchanged.
        used: (T,V,K) whether the point agrees with the others.
        residual: (T,V,K) pixels from the detected point to the projected one, NaN where there is none.
        observed: (T,V,K,3) the keypoints as they were used: left and right of single limbs put back too, points taken
            from another detection of the view where they belong here; confidence 0 where there is none. Empty (0 long)
            when it was not kept: then ``chosen`` and ``swapped`` say all.
    """

    person_id: str
    keypoints: Array
    keypoint_set: str
    chosen: NDArray[np.int64]
    swapped: NDArray[np.bool_]
    used: NDArray[np.bool_]
    residual: Array
    observed: Array = field(default_factory=lambda: np.zeros((0, 0, 0, 3)))

    @property
    def seen(self) -> NDArray[np.bool_]:
        """(T,) whether any point is known."""
        return np.asarray((self.keypoints[..., 3] > 0).any(axis=1))


@dataclass(frozen=True)
class Matched:
    """Everybody in 3D: people in order, ``names`` of the views, fps, and sentences on what was found."""

    people: tuple[Person3D, ...]
    names: tuple[str, ...]
    fps: float
    notes: tuple[str, ...] = ()

    @property
    def frames(self) -> int:
        """T, 0 when there is nobody."""
        return len(self.people[0].keypoints) if self.people else 0


@dataclass(frozen=True)
class FittedPerson:
    """One person as a body.

    Attributes:
        person_id: as in :class:`Person3D`.
        motion: T - frames of the capture, world y up; where the person is away it is held or interpolated.
        seen: (T,) frames in which the person is there.
        reprojection: (T,V) mean pixels from the detected points to the body's, NaN where the view does not see it.
    """

    person_id: str
    motion: Motion
    seen: NDArray[np.bool_]
    reprojection: Array


@dataclass(frozen=True)
class Fitted:
    """Everybody as bodies: people in the same order as in :class:`Matched`, ``names`` of the views, numbers on the fit
    (plain JSON values) and sentences."""

    people: tuple[FittedPerson, ...]
    names: tuple[str, ...]
    report: dict[str, Any] = field(default_factory=dict)
    notes: tuple[str, ...] = ()

    @property
    def frames(self) -> int:
        """T, 0 when there is nobody."""
        return len(self.people[0].motion) if self.people else 0

    @property
    def fps(self) -> float:
        """Frames per second."""
        return self.people[0].motion.fps if self.people else 30.0
