"""One person followed through a clip by the detector."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from humanav.body.landmarks import KEYPOINT_SETS
from humanav.errors import InputError, NoPersonError
from humanav.perception.mediapipe_detector import MediapipeDetector
from humanav.perception.people import (
    inside_frame,
    paint_out,
    same_person,
    skeleton_cover,
    swap_sides,
    visible_area,
)
from humanav.perception.person import Person2D
from humanav.perception.sequence import KeypointSequence
from humanav.perception.sides import mend_sides
from humanav.perception.video import Pixels, Video
from humanav.progress import Progress

STAGE = "Following the person"
LEAST_SHARE = 0.1
"""A person seen in a smaller share of the frames (or in fewer than three) is not worth lifting."""
_MOST_PEOPLE = 4
_TRIES = 3  # looks at one frame: others painted out after each


@dataclass(frozen=True)
class Followed:
    """A person followed through a clip.

    Attributes:
        sequence: the 33 BlazePose landmarks of every frame, in pixels of the video's frames; confidence is the
            landmark's visibility, and 0 in every landmark of a frame where the person was not seen. Landmarks may lie
            outside the picture.
        people: (T,) the detections, None where nobody was seen; they hold the detector's own 3D (``world``).
        notes: sentences on what was found and done.
    """

    sequence: KeypointSequence
    people: tuple[Person2D | None, ...]
    notes: list[str]

    @property
    def seen(self) -> NDArray[np.bool_]:
        """(T,) in which frames the person was seen."""
        return np.array([person is not None for person in self.people])


def follow_person(
    video: Video, *, person: int | None = None, detector: MediapipeDetector | None = None,
    progress: Progress | None = None,
) -> Followed:
    """Follow one person through a video with the detector's tracking mode.

    Where several people are seen at first, the largest is followed, or the one asked for; when the tracker goes over to
    somebody else, that one is painted out and it looks again. Left and right exchanged for a few frames are put back.

    Args:
        video: an open video; its frames are read once.
        person: which of the people in the first frame that shows any, 1 for the largest.
        detector: by default one of its own.
        progress: told of the parts done, and asked whether to stop; the stage is named here when none has begun.

    Raises:
        NoPersonError: nobody is seen, or in too few frames.
        InputError: there is no such person, or a frame cannot be read.
        Cancelled: ``progress`` was told to stop.
    """
    if person is not None and person < 1:
        raise InputError(f"There is no person {person}: 1 is the largest.")
    if progress is not None and progress.step == 0:
        progress.next(STAGE)
    own = detector is None
    finder = detector or MediapipeDetector(looks=0)
    follower = _Follower(finder, video.fps, person)
    people: list[Person2D | None] = []
    try:
        for frame in video:
            if progress is not None:
                progress.update(len(people) / len(video))
            people.append(follower.look(frame))
    finally:
        follower.close()
        if own:
            finder.close()
    return _followed(video, people, follower.notes)


class _Follower:
    """Feeds frames to the tracker, one or more times each, and tells whether what it finds is the person."""

    def __init__(self, detector: MediapipeDetector, fps: float, number: int | None) -> None:
        self.notes: list[str] = []
        self._detector, self._fps, self._number = detector, fps, number
        self._last: Person2D | None = None
        self._since = 0  # frames
        self._fed: list[Pixels] = []
        self._tracker = detector.track(self._feed(), body_only=True)

    def look(self, frame: Pixels) -> Person2D | None:
        view, self._since = frame, self._since + 1
        for _ in range(_TRIES):
            found = self._ask(view)
            if found is None:
                return None
            if self._last is None:
                self._last = self._choose(frame, found)
                if self._last is found:
                    return self._keep(found)
            if self._is_same(found):
                return self._keep(found)
            view = paint_out(view, skeleton_cover(found, view.shape) & ~skeleton_cover(self._last, view.shape))
        return None

    def close(self) -> None:
        self._tracker.close()  # type: ignore[attr-defined]  # a generator

    def _feed(self) -> Iterator[Pixels]:
        while self._fed:
            yield self._fed.pop()

    def _ask(self, view: Pixels) -> Person2D | None:
        self._fed.append(view)
        found = next(self._tracker)
        return found[0] if found else None

    def _keep(self, found: Person2D) -> Person2D:
        self._last, self._since = found, 0
        return found

    def _choose(self, frame: Pixels, found: Person2D) -> Person2D:
        """Whom to follow: the tracker's find, or another of the people in the first frame."""
        people = sorted(self._detector.detect(frame, _MOST_PEOPLE), key=visible_area, reverse=True)
        if self._number is not None and self._number > max(len(people), 1):
            raise InputError(f"There is no person {self._number}: {max(len(people), 1)} can be seen at first.")
        if len(people) < 2:
            return found
        chosen = people[(self._number or 1) - 1]
        if self._number is None:
            self.notes.append(f"There are {len(people)} people in the picture: the largest is followed.")
        return found if same_person(found, chosen) else chosen

    def _is_same(self, found: Person2D) -> bool:
        """Whether the person can have come here, in the time since it was last seen."""
        assert self._last is not None
        if same_person(found, self._last):
            return True
        size = max(float(np.ptp(self._last.box[[1, 3]])), float(np.ptp(self._last.box[[0, 2]])), 1.0)
        way = float(np.linalg.norm(_middle(found) - _middle(self._last))) / size
        grown = float(np.ptp(found.box[[1, 3]])) / max(float(np.ptp(self._last.box[[1, 3]])), 1.0)
        seconds = self._since / self._fps
        return way < 0.25 + 1.5 * seconds and abs(np.log(max(grown, 1e-3))) < 0.5 + 2 * seconds


def _middle(person: Person2D) -> NDArray[np.float32]:
    middle: NDArray[np.float32] = person.keypoints[[11, 12, 23, 24], :2].mean(axis=0)
    return middle


def _followed(video: Video, people: list[Person2D | None], notes: list[str]) -> Followed:
    seen = np.array([person is not None for person in people])
    if not seen.any():
        raise NoPersonError(f"Nobody is seen in {video.path.name}: choose a well lit clip that shows one whole person.")
    if seen.mean() < LEAST_SHARE or seen.sum() < min(3, len(people)):
        raise NoPersonError(f"Somebody is seen in only {seen.sum()} of {len(people)} frames of {video.path.name}: "
                            "cut it to the part with the person.")
    names = KEYPOINT_SETS["blazepose33"]
    keypoints = np.array([np.zeros((len(names), 3), np.float32) if person is None else person.keypoints
                          for person in people], dtype=np.float32)
    keypoints, flipped = mend_sides(keypoints, names, video.fps)
    if flipped.any():
        notes.append(f"Left and right were exchanged in {flipped.sum()} of {len(people)} frames and put back.")
    mended = [person if person is None else replace(swap_sides(person) if flip else person, keypoints=points)
              for person, flip, points in zip(people, flipped, keypoints)]
    if not seen.all():
        notes.append(f"The person is seen in {seen.sum()} of {len(people)} frames; the others have no points.")
    outside = np.array([~inside_frame(points, video.width, video.height)[[27, 28]] for points in keypoints[seen]])
    if outside.all(axis=1).mean() > 0.5:
        notes.append("The feet are outside the picture in most frames, so the legs are guessed.")
    sequence = KeypointSequence(keypoints, "blazepose33", video.fps, video.width, video.height, name=video.name)
    return Followed(sequence, tuple(mended), notes)
