"""What matching saw in one frame: the affinities, the groups made of them, and how far points lie from the epipolar
lines of another view's."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from humanav.camera import Camera
from humanav.errors import InputError
from humanav.multiview.looks import settled
from humanav.multiview.match import affinities, checked
from humanav.multiview.match_frames import Seen
from humanav.multiview.match_groups import grouped, low_rank
from humanav.multiview.match_settings import MatchSettings
from humanav.multiview.rays import NEAREST, Lenses, between_rays, directions, normalised
from humanav.multiview.value import Matched, Rig, Sightings

Array = NDArray[np.float64]
Whole = NDArray[np.int64]

_SAMPLES = 160  # points of a line
_REACH = (0.3, 30.0)  # metres along a ray that its line shows


@dataclass(frozen=True)
class EpipolarLine:
    """The ray of one detection's keypoint as another view sees it.

    Attributes:
        source: the member whose ray it is.
        view: in which it is drawn.
        pixels: (S,2) along it.
        distances: pixels from the line for each member of that view, by its number.
        metres: the distance of the rays, likewise.
    """

    source: int
    view: int
    pixels: Array
    distances: dict[int, float]
    metres: dict[int, float]


@dataclass(frozen=True)
class FrameEvidence:
    """One frame as matching sees it; its n members are the detections of all views.

    Attributes:
        frame: its number.
        names: of the V views.
        labels: "cam01 #0" for each member: the view and the number of the detection.
        views, detections: (n,) of each member.
        affinity: (n,n) 0..1.
        groups: (n,) number of the group that this frame alone gives, -1 where nobody goes with it.
        people: (n,) id of the person that the whole capture gives, "" for nobody; all "" without a match.
        keypoints: (n,K,3) in pixels.
        landmark_names: of the K points.
        rig: the cameras.
    """

    frame: int
    names: tuple[str, ...]
    labels: tuple[str, ...]
    views: Whole
    detections: Whole
    affinity: Array
    groups: Whole
    people: tuple[str, ...]
    keypoints: Array
    landmark_names: tuple[str, ...]
    rig: Rig

    @property
    def order(self) -> Whole:
        """The members person by person, and view by view within each; those who are nobody last."""
        keys = [(not self._known(i), self.people[i] or f"{self.groups[i]:04d}", int(self.views[i])) for i in
                range(len(self.labels))]
        return np.array(sorted(range(len(keys)), key=lambda i: keys[i]), dtype=np.int64)

    def lines(self, keypoint: str) -> list[EpipolarLine]:
        """The lines of one keypoint of every member in every other view. Raises InputError for an unknown keypoint."""
        if keypoint not in self.landmark_names:
            raise InputError(f"There is no keypoint {keypoint!r}; there are {', '.join(self.landmark_names)}.")
        k = self.landmark_names.index(keypoint)
        lenses = Lenses.of(self.rig)
        points = np.zeros((1, len(self.names), len(self.labels), 3))
        points[0, self.views, np.arange(len(self.labels))] = self.keypoints[:, k]
        rays = directions(lenses, normalised(self.rig, points))[0, self.views, np.arange(len(self.labels))]
        out = []
        for i in np.flatnonzero(self.keypoints[:, k, 2] > 0):
            for view, camera in enumerate(self.rig.cameras):
                if view == self.views[i]:
                    continue
                pixels = _line(lenses.centres[self.views[i]], rays[i], camera)
                there = [int(j) for j in np.flatnonzero(self.views == view) if self.keypoints[j, k, 2] > 0]
                apart = {j: _to_line(pixels, self.keypoints[j, k, :2]) for j in there}
                metres = {j: float(between_rays(lenses.centres[self.views[i]], rays[i][None, None],
                                                lenses.centres[view], rays[j][None, None])[0, 0, 0]) for j in there}
                out.append(EpipolarLine(int(i), view, pixels, apart, metres))
        return out

    def _known(self, i: int) -> bool:
        return bool(self.people[i]) or (not any(self.people) and self.groups[i] >= 0)


def explain(
    sightings: Sightings, rig: Rig, frame: int, *, matched: Matched | None = None, settings: MatchSettings | None = None
) -> FrameEvidence:
    """The evidence of one frame.

    Args:
        sightings: of all views.
        rig: the cameras of the same views.
        frame: its number.
        matched: what the whole capture gave, to name people by.
        settings: with which it was matched.

    Raises:
        InputError: there is no such frame, or the rig is of other views.
    """
    settings = settings or MatchSettings()
    checked(sightings, rig)
    if not 0 <= frame < sightings.frames:
        raise InputError(f"There is no frame {frame}: there are {sightings.frames}, counted from 0.")
    # looks are told from the whole capture, as in matching
    one = replace(sightings, looks=settled(sightings)).part(slice(frame, frame + 1))
    seen = Seen.of(one, rig)
    most = one.keypoints.shape[2]
    members = np.flatnonzero(one.present[0].ravel())
    views, detections = members // most, members % most
    alike = affinities(seen, one, settings)[0][np.ix_(members, members)]
    links = low_rank(alike, views) if settings.matcher == "lowrank" and len(members) else alike
    groups = np.full(len(members), -1)
    number = 0
    for group in grouped(links, views):
        if len(group) > 1:
            groups[group] = number
            number += 1
    people = [""] * len(members)
    for person in matched.people if matched is not None else ():
        for i, (view, detection) in enumerate(zip(views, detections)):
            if person.chosen[frame, view] == detection:
                people[i] = person.person_id
    labels = tuple(f"{rig.names[view]} #{detection}" for view, detection in zip(views, detections))
    return FrameEvidence(frame, rig.names, labels, views, detections, alike, groups, tuple(people),
                         one.keypoints[0, views, detections], one.landmark_names, rig)


def _line(centre: Array, ray: Array, camera: Camera) -> Array:
    """(S,2) pixels of a ray in a camera, the part before it and not far outside its picture."""
    along = np.geomspace(*_REACH, 4 * _SAMPLES)
    pixels, depth = camera.project(centre + along[:, None] * ray)
    margin = 0.5 * max(camera.width, camera.height)
    inside = (depth > NEAREST) & (pixels > -margin).all(axis=1) & (
        pixels < np.array([camera.width, camera.height]) + margin).all(axis=1)
    kept = np.flatnonzero(inside)
    if not len(kept):
        return np.zeros((0, 2))
    fine = np.geomspace(along[kept[0]], along[kept[-1]], _SAMPLES)
    return np.asarray(camera.project(centre + fine[:, None] * ray)[0])


def _to_line(pixels: Array, point: Array) -> float:
    """Pixels from a point (2,) to a line of points (S,2), infinite where there is none."""
    if len(pixels) < 2:
        return float("inf")
    start, way = pixels[:-1], np.diff(pixels, axis=0)
    along = ((point - start) * way).sum(axis=1) / np.maximum((way**2).sum(axis=1), 1e-12)
    return float(np.linalg.norm(start + np.clip(along, 0, 1)[:, None] * way - point, axis=1).min())
