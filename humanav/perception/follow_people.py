"""People followed through a clip, whole and in one reading, to takes."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Literal

import cv2
import numpy as np

from humanav.body.landmarks import FACE_POINTS
from humanav.errors import NoPersonError
from humanav.perception.follow_takes import Sighting, assemble
from humanav.perception.mediapipe_detector import MediapipeDetector
from humanav.perception.people import enlarged, side_evidence
from humanav.perception.person import Person2D
from humanav.perception.takes import People, encode_mask
from humanav.perception.video import Pixels, Video
from humanav.progress import Progress

STAGE = "Following the people"
WORK_SIDE = 640

Watcher = Callable[[int, Pixels, list[Person2D]], None]


def follow_people(
    video: Video, *, people: int | Literal["all"] = 1, chosen: Sequence[int] = (), full: bool = False,
    masks: bool = True, detector: str = "mediapipe", work: Path | None = None, watch: Watcher | None = None,
    progress: Progress | None = None,
) -> People:
    """Follow people through a video.

    Args:
        video: an open video; its frames are read once and not kept.
        people: how many are wanted, the largest first, or all.
        chosen: instead, which of the people counted from the largest (1) in the first frame that shows any.
        full: with hands and face.
        masks: with masks.
        detector: ``mediapipe`` or ``rtmlib``.
        work: folder in which results are kept, so that a second call goes on where the first was stopped.
        watch: called with each frame's number, the frame, and the people found in it (without masks).
        progress: told of the parts done, and asked whether to stop; the stage is named here when none has begun.

    Raises:
        NoPersonError: nobody is seen, or in too few frames.
        InputError: there is no such person, or a frame cannot be read.
        Cancelled: ``progress`` was told to stop.
    """
    if progress is not None and progress.step == 0:
        progress.next(STAGE)
    sightings: list[Sighting] = []
    notes: list[str] = []
    factor = min(1.0, WORK_SIDE / max(video.width, video.height))
    size = max(1, round(video.width * factor)), max(1, round(video.height * factor))
    frames = 0
    with MediapipeDetector(looks=0) as finder:
        session = finder.session(full, masks)
        try:
            for frame in video:
                if progress is not None:
                    progress.update(frames / len(video))
                small = frame if factor == 1 else np.asarray(cv2.resize(frame, size, interpolation=cv2.INTER_AREA),
                                                             dtype=np.uint8)
                person = session.look(small)
                found = [] if person is None else [sighted(frames, 1, person, video.width / size[0], masks)]
                sightings += found
                if watch is not None:
                    watch(frames, frame, [replace(sighting.person, track_id=sighting.track) for sighting in found])
                frames += 1
        finally:
            session.close()
    shots = ((0, frames),)
    takes = assemble(sightings, shots, video, notes)
    if not sightings:
        raise NoPersonError(f"Nobody is seen in {video.path.name}: choose a well lit clip that shows one whole person.")
    if not takes:
        raise NoPersonError(f"Somebody is seen in only {len(sightings)} of {frames} frames of {video.path.name}: "
                            "cut it to the part with the person.")
    return People(tuple(takes), shots, video.fps, video.width, video.height, frames, tuple(notes))


def sighted(frame: int, track: int, person: Person2D, factor: float, masks: bool) -> Sighting:
    """The sighting of a person seen in a picture ``factor`` times smaller than the clip's frames."""
    mask = encode_mask(person.mask) if masks and person.mask is not None else None
    evidence = side_evidence(person)
    if person.face is not None:
        person = replace(person, face=person.face[list(FACE_POINTS.values())])
    return Sighting(frame, track, enlarged(person, factor), mask, evidence)
