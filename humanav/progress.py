"""How a long job tells what it is doing, shows what it has, and learns that it should stop."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from humanav.errors import Cancelled


@dataclass(frozen=True)
class Event:
    """One step of a job.

    Attributes:
        stage: the stage's name in words, such as ``"Fitting the body"``.
        step, steps: this is step ``step`` (1-based) of ``steps``.
        fraction: 0..1 of the whole job.
        seconds: since the job began.
        caption: a short sentence about the evidence, or "".
        image: evidence as uint8 RGB (H,W,3), or None.
        file: a file worth showing (a preview GLB, say), or None.
        data: values other code may use (a fit report, say).
    """

    stage: str
    step: int
    steps: int
    fraction: float
    seconds: float
    caption: str = ""
    image: Any = None
    file: Path | None = None
    data: dict[str, Any] = field(default_factory=dict)


Listener = Callable[[Event], None]


class Progress:
    """Hands events to a listener and raises :class:`~humanav.errors.Cancelled` once ``cancelled()`` is true.

    Args:
        steps: how many stages the job has.
        listener: called with each :class:`Event`; None for silence.
        cancelled: asked at every event and every :meth:`check`.
    """

    def __init__(
        self, steps: int, listener: Listener | None = None, cancelled: Callable[[], bool] | None = None
    ) -> None:
        self.steps, self.step, self.stage = steps, 0, ""
        self._fraction = 0.0
        self._begun: list[tuple[str, float]] = []
        self._listener, self._cancelled, self._start = listener, cancelled, time.perf_counter()

    @property
    def seconds(self) -> float:
        """Seconds since the job began."""
        return time.perf_counter() - self._start

    @property
    def timings(self) -> tuple[tuple[str, float], ...]:
        """(stage, seconds) of each stage so far, the present one up to now."""
        ends = [*(start for _, start in self._begun[1:]), self.seconds]
        return tuple((stage, end - start) for (stage, start), end in zip(self._begun, ends))

    def check(self) -> None:
        """Raise Cancelled if the user asked to stop; call it inside long loops."""
        if self._cancelled is not None and self._cancelled():
            raise Cancelled("Stopped. Your input is still here: press the button to start again.")

    def next(self, stage: str) -> None:
        """Begin the next stage."""
        self.step, self.stage = self.step + 1, stage
        self._begun.append((stage, self.seconds))
        self._emit((self.step - 1) / self.steps)

    def update(self, part: float) -> None:
        """Say that ``part`` (0..1) of the present stage is done."""
        self._emit((self.step - 1 + min(max(part, 0.0), 1.0)) / self.steps)

    def show(self, caption: str, image: Any = None, file: Path | None = None, live: bool = False, **data: Any) -> None:
        """Show evidence for the stage that has just ended, or, ``live``, for one that goes on."""
        self._emit(self._fraction if live else min(self.step / self.steps, 1.0), caption, image, file,
                   data | {"live": True} if live else data)

    def relay(self, event: Event) -> None:
        """Hand on an event of the same job that another process told, for the time is counted there."""
        self.check()
        self.step, self.stage, self._fraction = event.step, event.stage, event.fraction
        if self._listener is not None:
            self._listener(event)

    def _emit(
        self, fraction: float, caption: str = "", image: Any = None, file: Path | None = None,
        data: dict[str, Any] | None = None,
    ) -> None:
        self.check()
        self._fraction = fraction
        if self._listener is not None:
            self._listener(Event(self.stage, self.step, self.steps, fraction, self.seconds, caption, image, file,
                                 data or {}))
