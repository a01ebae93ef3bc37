"""What is shown while people are looked for in the views: the frame, with everybody's keypoints, about twice a
second."""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from humanav.jobs.track_preview import seen_in

if TYPE_CHECKING:
    from humanav.progress import Progress

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
        picture, words = seen_in(frame, people)
        self._progress.show(f"{self._names[view]}, frame {number + 1}: {words}.", picture, title="Finding people",
                            name="finding", live=True)
