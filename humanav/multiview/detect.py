"""People in every view: each view is followed through the capture by itself, one after the other."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, Protocol

import numpy as np
from numpy.typing import NDArray

from humanav.errors import InputError, NoPersonError
from humanav.multiview.detect_stack import Followed, plain_follow, stacked
from humanav.multiview.looks import looks_in_view
from humanav.multiview.value import Pictures, Sightings
from humanav.perception.detector import make_detector
from humanav.perception.person import Person2D
from humanav.perception.video import Video
from humanav.progress import Progress

Pixels = NDArray[np.uint8]
Watcher = Callable[[int, int, Pixels, list[Person2D]], None]

STAGE = "Finding people in every view"
MOST_AT_ONCE = 6
"""People that are followed in one view."""
_FEWEST = 5  # frames: shorter captures are looked at frame by frame
_SLOWEST = 4.0  # frames per second: of slower ones the last frame says nothing of the next


class Clips(Pictures, Protocol):
    """What is detected in: pictures with the names, rate, number and sizes of :class:`humanav.multiview.Footage`."""

    names: tuple[str, ...]
    fps: float
    sizes: Any

    @property
    def frames(self) -> int:
        """T."""
        ...


def detect(
    footage: Clips, *, people: int | Literal["all"] = "all", detector: str = "mediapipe", masks: bool = True,
    work: str | Path | None = None, watch: Watcher | None = None, progress: Progress | None = None,
    sizes: Sequence[tuple[int, int]] | None = None, looks: bool = True,
) -> Sightings:
    """Find and follow people in all views.

    Args:
        footage: the views' pictures.
        people: how many are wanted at a time in a view, the largest first, or all (six at the most). People much
            smaller than the largest of a view are bystanders and left out (not in captures of a few frames).
        detector: "mediapipe", or "rtmlib" (no masks).
        masks: with masks.
        work: folder in which results are kept view by view, so that a second call goes on where one was stopped.
        watch: called with the view, the frame's number, the frame, and the people found in it.
        progress: told of the parts done, and asked whether to stop; the stage is named here when none has begun.
        sizes: (width, height) of each view's camera, where the pictures are smaller copies: the keypoints are put into
            the camera's pixels.
        looks: with the colours of everybody.

    Raises:
        NoPersonError: no view shows anybody.
        InputError: a frame cannot be read, or ``people`` is no number from 1.
        MissingExtraError: the detector is not installed.
        StorageError: ``work`` cannot be written.
        Cancelled: ``progress`` was told to stop.
    """
    if people != "all" and people < 1:
        raise InputError(f"At least one person must be wanted, not {people}.")
    if progress is not None and progress.step == 0:
        progress.next(STAGE)
    views = len(footage.names)
    notes: list[str] = []
    found: list[list[Followed]] = []
    colours = []
    for view, name in enumerate(footage.names):
        part = None if progress is None else _Part(progress, view, views)
        folder = None if work is None else Path(work) / f"view_{view:02d}"
        own, said = _in_view(footage, view, people, detector, masks, folder, watch, part)
        notes += [f"{name}: {sentence}" for sentence in said]
        found.append(own)
        colours.append(looks_in_view(footage, view, own) if looks else [None] * len(own))
    if not any(found):
        raise NoPersonError("No view shows anybody: choose a well lit capture in which whole people can be seen.")
    factors = [np.ones(2)] * views if sizes is None else [
        np.asarray(wanted, float) / np.asarray(size, float) for wanted, size in zip(sizes, footage.sizes)]
    return stacked(found, colours, footage, factors, notes)


def _in_view(
    footage: Clips, view: int, people: int | Literal["all"], detector: str, masks: bool, work: Path | None,
    watch: Watcher | None, progress: Progress | None,
) -> tuple[list[Followed], list[str]]:
    """Everybody in one view, and sentences."""
    from humanav.perception.follow_people import follow_people

    most = MOST_AT_ONCE if people == "all" else people
    if footage.frames < _FEWEST or footage.fps < _SLOWEST:
        with make_detector(detector) as own:
            return plain_follow(footage, view, own, most, masks, watch, progress), []
    clip = _view(footage, view)
    told = None if watch is None else (
        lambda number, frame, seen: watch(view, number, frame, seen))
    try:
        followed = follow_people(clip, people=people, masks=masks, detector=detector, work=work, watch=told,
                                 progress=progress, key=None if work is None else _key(footage, view))
    except NoPersonError:
        return [], ["Nobody is seen."]
    return [Followed.of(take) for take in followed.takes], list(followed.notes)


@dataclass(frozen=True)
class _View(Video):
    """One view as a clip."""

    footage: Clips | None = None
    view: int = 0

    def read(self, first: int = 0) -> Any:
        assert self.footage is not None
        return (self.footage.frame(self.view, t) for t in range(first, self.footage.frames))

    def close(self) -> None:
        """The footage belongs to the caller."""


def _view(footage: Clips, view: int) -> _View:
    width, height = footage.sizes[view]
    return _View(Path(footage.names[view]), footage.fps, width, height, (width, height), (),
                 np.arange(footage.frames) / footage.fps, footage=footage, view=view)


def _key(footage: Clips, view: int) -> str:
    """A text that differs for other pictures, told from three of them."""
    last = footage.frames - 1
    prints = [hashlib.sha256(footage.frame(view, t).tobytes()).hexdigest() for t in (0, last // 2, last)]
    return repr((footage.names[view], footage.fps, footage.frames, tuple(footage.sizes[view]), prints))


class _Part(Progress):
    """The progress of one view among several."""

    def __init__(self, whole: Progress, view: int, views: int) -> None:
        super().__init__(1)
        self.step = 1
        self._whole, self._view, self._views = whole, view, views

    def check(self) -> None:
        self._whole.check()

    def update(self, part: float) -> None:
        self._whole.update((self._view + part) / self._views)

    def next(self, stage: str) -> None:
        """A view is no stage of its own."""

    def show(self, caption: str, image: Any = None, file: Path | None = None, live: bool = False, **data: Any) -> None:
        self._whole.show(caption, image, file, live, **data)
