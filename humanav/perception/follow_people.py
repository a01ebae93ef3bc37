"""People followed through a clip, in one reading that can be stopped and taken up again, to takes."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from itertools import pairwise
from pathlib import Path
from typing import Any, Literal

import numpy as np

from humanav.body.landmarks import FACE_POINTS, face_points
from humanav.errors import InputError, NoPersonError
from humanav.perception.detector import make_detector
from humanav.perception.follow_crowd import Crowd
from humanav.perception.follow_flock import Flock
from humanav.perception.follow_identity import Identities, Track
from humanav.perception.follow_seeker import Seeker
from humanav.perception.follow_shots import with_cuts
from humanav.perception.follow_store import CHUNK, Sighting, Store, key_of
from humanav.perception.follow_takes import assemble
from humanav.perception.people import enlarged, side_evidence
from humanav.perception.person import Person2D
from humanav.perception.takes import People, encode_mask
from humanav.perception.video import Pixels, Video
from humanav.progress import Progress

STAGE = "Following the people"

Watcher = Callable[[int, Pixels, list[Person2D]], None]


def follow_people(
    video: Video, *, people: int | Literal["all"] = 1, chosen: Sequence[int] = (), full: bool = False,
    masks: bool = True, detector: str = "mediapipe", work: Path | None = None, watch: Watcher | None = None,
    progress: Progress | None = None, key: str | None = None,
) -> People:
    """Follow people through a video.

    Everybody has a number, from the largest in the first frame that shows anybody on, and keeps it through crossings,
    absences and cuts as long as looks tell that it is the same person. Left and right exchanged are put back.

    Args:
        video: an open video; its frames are read once and not kept.
        people: how many are wanted at a time, the largest of each shot first, or all (six at the most).
        chosen: instead, the numbers of those wanted.
        full: with hands and face, at about twice the time.
        masks: with masks.
        detector: ``mediapipe``, or ``rtmlib`` (no masks, no 3D; hands and face where its network has them).
        work: folder in which results are kept, so that a second call goes on where the first was stopped; chunks of
            another video or other options in it are removed.
        watch: called with each frame's number, the frame, and the wanted people found in it: in its pixels, without
            masks, their number as ``track_id``.
        progress: told of the parts done, and asked whether to stop; the stage is named here when none has begun.
        key: what the video is known by in ``work``; by default its file's contents tell.

    Raises:
        NoPersonError: nobody is seen, or in too few frames.
        InputError: there is no such person, or a frame cannot be read.
        MissingExtraError: the detector is not installed.
        StorageError: ``work`` cannot be written.
        Cancelled: ``progress`` was told to stop.
    """
    if min(chosen, default=1) < 1 or (people != "all" and people < 1):
        raise InputError("People are counted from 1, the largest.")
    if progress is not None and progress.step == 0:
        progress.next(STAGE)
    options = {"people": people, "chosen": list(chosen), "full": full, "masks": masks, "detector": detector}
    store = Store(work, repr((key, options)) if key or work is None else key_of(video, options))
    run = _Run(video, people, tuple(chosen), full, masks, detector)
    try:
        if store.state is not None:
            run.restore(store.state)
        while not run.finished:
            store.add(run.chunk(watch, progress), run.state())
    finally:
        run.close()
    return _people(video, run, store)


def first_people(video: Video, detector: str = "mediapipe") -> tuple[int, Pixels, list[Person2D]]:
    """The first frame in which anybody is seen: its number, the frame, and the people in it, the largest first, counted
    as :func:`follow_people` counts them.

    Raises:
        NoPersonError: nobody is seen in the whole video.
        InputError: a frame cannot be read.
    """
    run = _Run(video, "all", (), False, True, detector)
    try:
        for number, frame in enumerate(video):
            if people := run.crowd.first_people(number, frame):
                factor = run.crowd.factor
                return number, frame, [enlarged(person, factor) for person in people]
    finally:
        run.close()
    raise _nobody(video)


class _Run:
    """One reading of a clip."""

    def __init__(self, video: Video, people: int | Literal["all"], chosen: tuple[int, ...], full: bool, masks: bool,
                 detector: str) -> None:
        self.identities = Identities(video.fps)
        self.identities.only_one = people == 1 and not chosen
        self.crowd: Seeker
        if detector == "mediapipe":
            self.crowd = Crowd(video, self.identities, people, chosen, full)
        else:
            self.crowd = Flock(video, self.identities, make_detector(detector), people, chosen)
        self.finished = False
        self.cuts: list[int] = []
        self.frames = 0
        self._video, self._masks = video, masks
        self._frames: Iterator[tuple[Pixels, bool]] | None = None

    def chunk(self, watch: Watcher | None, progress: Progress | None) -> list[Sighting]:
        """Look at the next frames."""
        if self._frames is None:
            self._frames = self._from(self.frames)
        sightings: list[Sighting] = []
        for _ in range(CHUNK):
            following = next(self._frames, None)
            if following is None:
                self.finished = True
                break
            if progress is not None:
                progress.update(self.frames / len(self._video))
            sightings += self._look(*following, watch)
            self.frames += 1
        return sightings

    def close(self) -> None:
        self.crowd.close()
        self._video.close()

    def state(self) -> dict[str, Any]:
        return {"frames": self.frames, "finished": self.finished, "cuts": self.cuts,
                "crowd": self.crowd.state(), "identities": self.identities.state()}

    def restore(self, state: dict[str, Any]) -> None:
        self.frames, self.finished, self.cuts = state["frames"], state["finished"], list(state["cuts"])
        self.identities.restore(state["identities"])
        self.crowd.restore(state["crowd"])

    def _from(self, number: int) -> Iterator[tuple[Pixels, bool]]:
        frames = self._video.read(max(0, number - 1))
        return with_cuts(frames, next(frames, None) if number else None)

    def _look(self, frame: Pixels, cut: bool, watch: Watcher | None) -> list[Sighting]:
        if cut:
            self.cuts.append(self.frames)
            self.crowd.cut(self.frames)
        finds = self.crowd.look(self.frames, frame)
        sightings = [self._sighting(track, person) for track, person in finds]
        if watch is not None:
            watch(self.frames, frame, [
                replace(sighting.person, track_id=track.identity) for (track, _), sighting in zip(finds, sightings)
                if track.identity in self.crowd.wanted])
        return sightings

    def _sighting(self, track: Track, person: Person2D) -> Sighting:
        mask = encode_mask(person.mask) if self._masks and person.mask is not None else None
        evidence = side_evidence(person) if person.keypoint_set == "blazepose33" else 0.0
        if person.face is not None:
            places = face_points(len(person.face))
            person = replace(person, face=person.face[[places[name] for name in FACE_POINTS]])
        return Sighting(self.frames, track.number, enlarged(person, self.crowd.factor), mask, evidence)


def _people(video: Video, run: _Run, store: Store) -> People:
    names, wanted = run.identities.names, run.crowd.wanted
    sightings = []
    for sighting in store.sightings():
        track = sighting.track
        for exchange in run.identities.exchanges:
            if exchange.begin <= sighting.frame < exchange.end and track in (exchange.first, exchange.second):
                track = exchange.second if track == exchange.first else exchange.first
        if names.get(track) in wanted:
            sightings.append(replace(sighting, track=names[track]))
    if not sightings:
        raise _nobody(video)
    edges = [0, *run.cuts, run.frames]
    shots = tuple(pairwise(edges))
    notes = [*run.crowd.notes]
    if run.cuts:
        times = ", ".join(f"{cut / video.fps:.1f}" for cut in run.cuts[:5]) + (" ..." if len(run.cuts) > 5 else "")
        notes.append(f"The clip is cut at {times} s: its {len(shots)} shots are tracked apart.")
    if run.frames < len(video):
        notes.append(f"The last {len(video) - run.frames} frames of {video.path.name} cannot be decoded.")
    takes = assemble(sightings, shots, video, notes)
    if not takes:
        seen = len(np.unique([sighting.frame for sighting in sightings]))
        raise NoPersonError(f"Somebody is seen in only {seen} of {run.frames} frames of {video.path.name}: "
                            "cut it to the part with the person.")
    return People(tuple(takes), shots, video.fps, video.width, video.height, run.frames, tuple(notes))


def _nobody(video: Video) -> NoPersonError:
    return NoPersonError(f"Nobody is seen in {video.path.name}: choose a well lit clip that shows one whole person.")
