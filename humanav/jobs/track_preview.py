"""What is shown while people are followed: the frame, with everybody's keypoints, about twice a second."""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from humanav.perception.person import Person2D
    from humanav.perception.video import Pixels
    from humanav.progress import Progress

_HEIGHT = 480


def seen_in(frame: Pixels, people: Sequence[Person2D]) -> tuple[Pixels, str]:
    """A frame (h,w,3) with everybody's keypoints, shrunk where anybody is seen, and how many there are, in words."""
    from humanav.view import draw_keypoints

    picture = frame
    for person in people:
        picture = draw_keypoints(picture, person, max_height=_HEIGHT if person is people[-1] else len(picture),
                                 crop=False, dim=0.0)
    count = len(people)
    return picture, "nobody is seen" if count == 0 else "one person" if count == 1 else f"{count} people"


class Preview:
    """Called with every frame; shows one now and then.

    Args:
        progress: what it is shown to.
        seconds: between two pictures.
    """

    def __init__(self, progress: Progress, seconds: float) -> None:
        self._progress, self._seconds, self._last = progress, seconds, -np.inf

    def __call__(self, number: int, frame: Pixels, people: list[Person2D]) -> None:
        now = time.monotonic()
        if now - self._last < self._seconds:
            return
        self._last = now
        picture, words = seen_in(frame, people)
        self._progress.show(f"Frame {number + 1}: {words}.", picture, title="Following", name="following", live=True)
