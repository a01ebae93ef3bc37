"""Detections of several views to people in space, each with one number through the whole capture.

First frame by frame (:mod:`humanav.multiview.match_frames`); then, with everybody's course known, once more over all
frames: lives that belong together are joined, each view's detections are given out again, left and right put back,
single points taken from where they hang on another body, ghosts dropped.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from humanav.errors import InputError, NoPersonError
from humanav.multiview import match_notes
from humanav.multiview.affinity import between_views
from humanav.multiview.looks import told_apart
from humanav.multiview.match_again import course, given_out
from humanav.multiview.match_frames import Frames, Seen
from humanav.multiview.match_settings import MatchSettings
from humanav.multiview.match_settle import joined, real, smoothed, without_broken
from humanav.multiview.match_sources import Sources
from humanav.multiview.rescue import claimed, rescued
from humanav.multiview.sides import find_swaps
from humanav.multiview.triangulate import Triangulated, triangulate
from humanav.multiview.value import Matched, Person3D, Rig, Sightings
from humanav.perception.sides import mirror_index
from humanav.progress import Progress

Array = NDArray[np.float64]
Whole = NDArray[np.int64]
Binary = NDArray[np.bool_]

STAGE = "Matching the views"
_LOOKS = 2  # rounds in which detections are given out again
_SPREAD = 2.5  # times the median distance from the rays: the scale of noisy detections
_MOST_SPREAD = 2.0  # times the scale of the settings
_GHOST = 0.33  # seconds: who is seen for less is a ghost


def match_people(
    sightings: Sightings, rig: Rig, settings: MatchSettings | None = None, *, progress: Progress | None = None
) -> Matched:
    """Everybody in space, those seen most first.

    Args:
        sightings: what all views saw.
        rig: the cameras, of the same names in the same order.
        settings: see :class:`MatchSettings`.
        progress: told of the parts done, and asked whether to stop.

    Raises:
        InputError: one view only, or other cameras than views.
        NoPersonError: nobody is seen, or no detections of two views go together.
        Cancelled: ``progress`` was told to stop.
    """
    settings = settings or MatchSettings()
    checked(sightings, rig)
    if progress is not None and progress.step == 0:
        progress.next(STAGE)
    seen = Seen.of(sightings, rig)
    alike = affinities(seen, sightings, settings)
    lives = Frames(seen, alike, settings).run(progress)
    people = _Matching(seen, sightings, rig, settings).people([life_rows(life.chosen, alike, rig) for life in lives])
    if not people:
        raise NoPersonError(match_notes.nobody(seen, sightings, alike))
    return Matched(tuple(people), rig.names, sightings.fps,
                   tuple(match_notes.notes(people, sightings, rig, settings)))


def affinities(seen: Seen, sightings: Sightings, settings: MatchSettings) -> Array:
    """(T,N,N) how well detections go together, by their rays and, where the settings say so, by their looks."""
    alike = between_views(seen.lenses, seen.rays, seen.confidence, seen.weights, settings.ray_cut)
    wanted = settings.looks == "always" or (settings.looks == "auto" and len(sightings.names) == 2)
    if wanted and sightings.looks.shape[-1]:
        alike = told_apart(alike, sightings)
    return alike


def checked(sightings: Sightings, rig: Rig) -> None:
    """Raise InputError where the sightings cannot be matched at all."""
    if len(rig) < 2:
        raise InputError("One camera alone cannot tell where people are in space: add a second view, or use the tab "
                         "Video tracking.")
    if sightings.names != rig.names:
        raise InputError(f"The views are {', '.join(sightings.names)}, but the cameras {', '.join(rig.names)}: give "
                         "them the same names in the same order.")


def life_rows(chosen: dict[int, Whole], alike: Array, rig: Rig) -> Whole:
    """(T,V) detections of a life."""
    out = np.full((len(alike), len(rig)), -1, np.int64)
    for frame, row in chosen.items():
        out[frame] = row
    return out


@dataclass
class _Body:
    """One person while it is worked on."""

    chosen: Whole
    flips: Binary
    sources: Sources
    solved: Triangulated


class _Matching:
    """The second look."""

    def __init__(self, seen: Seen, sightings: Sightings, rig: Rig, settings: MatchSettings) -> None:
        self.seen, self.sightings, self.rig, self.settings = seen, sightings, rig, settings
        self.names = sightings.landmark_names
        self.sigma, self.noise = settings.sigma, 0.0
        self.mirror = np.array(mirror_index(self.names))
        self.fewest = min(max(1, sightings.frames // 2), max(settings.confirm, round(_GHOST * sightings.fps)))

    def people(self, chosen: Sequence[Whole]) -> list[Person3D]:
        """Everybody from their detections (T,V) as first matched."""
        first = [self._solved(Sources.of(own, len(self.names))) for own in chosen]
        self.sigma = self._scale(first)
        bodies = [self._body(own, None, False) for own in joined(chosen, [own.points for own in first],
                                                                  self.seen.fps)]
        for _ in range(_LOOKS):
            bodies = self._given_out(bodies)
        if self.settings.people is not None:
            bodies = sorted(bodies, key=_presence, reverse=True)[: self.settings.people]
            bodies = self._given_out(bodies)
        if self.settings.rescue:
            self._rescue(bodies)
        bodies.sort(key=_presence, reverse=True)
        return [self._person(str(number), body) for number, body in enumerate(bodies, 1)]

    def _scale(self, solved: Sequence[Triangulated]) -> float:
        """Metres: as set, or wider where the detections are noisier than that is for."""
        off = [match_notes.metres_off(self.rig, own.points, own.residual) for own in solved]
        known = np.concatenate(off) if off else np.zeros(0)
        self.noise = float(np.median(known)) if len(known) else 0.0
        return float(np.clip(_SPREAD * self.noise, self.settings.sigma, _MOST_SPREAD * self.settings.sigma))

    def _given_out(self, bodies: list[_Body]) -> list[_Body]:
        if not bodies:
            return []
        courses = [self._course(body) for body in bodies]
        chosen = given_out(self.seen, courses, self.settings.ray_cut, self.mirror, self.sightings.tracks,
                           [body.chosen for body in bodies])
        again = [self._body(own, expected, self.settings.sides) for own, expected in zip(chosen, courses)]
        return [body for body in again if real(body.chosen, body.solved.points, self.names, self.fewest)]

    def _course(self, body: _Body) -> Array:
        return course(body.solved.points, self.seen.fps, self.settings.patience)

    def _body(self, chosen: Whole, expected: Array | None, sides: bool) -> _Body:
        sources = Sources.of(chosen, len(self.names))
        flips = np.zeros((*chosen.shape, 3), bool)
        if sides:
            flips = find_swaps(self.seen.lenses, sources.taken(self.seen.plane), sources.taken(self.seen.confidence),
                               self.names, self.sigma, expected)
            sources = sources.swapped(self.names, flips)
        return _Body(chosen, flips, sources, self._solved(sources))

    def _solved(self, sources: Sources) -> Triangulated:
        return triangulate(self.rig, sources.taken(self.sightings.keypoints), sigma=self.sigma,
                           plane=sources.taken(self.seen.plane))

    def _rescue(self, bodies: list[_Body]) -> None:
        claims = claimed([body.sources for body in bodies], [body.solved.used for body in bodies],
                         self.seen.confidence.shape)
        for number, body in enumerate(bodies):
            sources = rescued(self.seen, number, body.sources, body.solved.used, body.solved.points[..., :3],
                              self._course(body), claims, self.mirror)
            again = self._solved(sources)
            # kept point by point where as many views agree as before
            fewer = again.used.sum(axis=1) < body.solved.used.sum(axis=1)
            back = np.broadcast_to(fewer[:, None], sources.detection.shape)
            if fewer.any():
                sources = Sources(np.where(back, body.sources.detection, sources.detection),
                                  np.where(back, body.sources.joint, sources.joint))
                again = self._solved(sources)
            body.sources, body.solved = sources, again

    def _person(self, name: str, body: _Body) -> Person3D:
        points, used = without_broken(body.solved.points, body.solved.used, self.names, self.noise)
        if self.settings.smooth != "none":
            points = smoothed(points, self.seen.fps, self.settings.smooth, self.settings.cutoff,
                              self.settings.patience)
        observed = body.sources.taken(self.sightings.keypoints)
        return Person3D(name, points, self.sightings.keypoint_set, body.chosen, body.flips[..., 0], used,
                        body.solved.residual, observed)


def _presence(body: _Body) -> tuple[int, int, float]:
    """How much of somebody was seen, frames and views; of two alike the one seen earlier, then the one at larger x."""
    there = body.chosen >= 0
    place = body.solved.points[..., 0]
    return int(there.sum()), -int(np.argmax(there.any(axis=1))), float(np.median(place[np.isfinite(place)]))
