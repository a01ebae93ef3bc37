"""What is shown while people are looked for in the views: the frame, with everybody's keypoints, about twice a
second."""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from humanav.progress import Progress

_HEIGHT = 480
_SECONDS = 0.6


class Preview:
    """Called with every frame of every view that was looked at; shows one now and then.

    Args:
        progress: what it is shown to.
        names: of the views.
    """

    def __init__(self, progress: Progress, names: Sequence[str]) -> None:
        self._progress, self._names, self._last = progress, tuple(names), -np.inf

    def __call__(self, view: int, number: int, frame: Any, people: Sequence[Any]) -> None:
        now = time.monotonic()
        if now - self._last < _SECONDS:
            return
        self._last = now
        from humanav.view import draw_keypoints

        picture = frame
        for person in people:
            picture = draw_keypoints(picture, person, max_height=_HEIGHT if person is people[-1] else len(picture),
                                     crop=False, dim=0.0)
        count = len(people)
        words = "nobody is seen" if count == 0 else "one person" if count == 1 else f"{count} people"
        self._progress.show(f"{self._names[view]}, frame {number + 1}: {words}.", picture, title="Finding people",
                            name="finding", live=True)
