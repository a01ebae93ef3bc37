"""Turns a running job into a status line and what it has to show."""

from __future__ import annotations

import shutil
from collections.abc import Generator
from dataclasses import replace
from pathlib import Path

from humanav.app import kept, pieces
from humanav.app.running import Waiting, Work, run
from humanav.progress import Event
from humanav.results import Result

Step = tuple[str | None, Event | Result | None]
"""The status line (None: leave it), and an event, the result, or None."""

_expected: dict[str, float] = {}


def follow(
    session: str, kind: str, work: Work, steps: int, expected: float, *, training: float = 0.0, visitor: str = "",
    part: str = "",
) -> Generator[Step, None, None]:
    """Run a job: its status line and events as they come, the result last. The job's own errors are raised.

    Args:
        session: the page that asked.
        kind: jobs of one kind are expected to last as long as the last one did; at first ``expected`` seconds.
        work: the job.
        steps: how many stages it has.
        expected: seconds, without the ``training`` that it was given seconds for.
        training: see there; one stage is then most of the job, and the bar goes by the clock.
        visitor, part: see :func:`humanav.app.running.run`.
    """
    last: Event | None = None
    waited, whole = 0.0, _expected.get(kind, expected) + training
    yield pieces.working("Starting", 1, steps, 0, whole, 0), None
    for item in run(session, work, steps, visitor=visitor, part=part):
        if isinstance(item, Result):
            if last is not None:
                _expected[kind] = max(last.seconds - training, 1.0)
            yield None, item
            return
        if isinstance(item, Waiting):
            yield pieces.waiting(item.words), None
            continue
        waited = 0.0 if item is not None else waited + 0.5
        if item is not None and item.data.get("live") and last is not None:
            item = replace(item, fraction=last.fraction)  # shown within a stage, not at its end
        last = item or last
        if last is not None:
            seconds = last.seconds + waited
            fraction = min(seconds / whole, 0.98) if training else last.fraction
            yield pieces.working(last.stage, last.step, last.steps, seconds, whole, fraction), item


def keep_preview(path: Path) -> Path | None:
    """A copy of a preview outside the unfinished result; None when the job has already finished and moved it."""
    try:
        return Path(shutil.copyfile(path, kept.store().preview_path(path.suffix)))
    except FileNotFoundError:
        return None
