"""Turns a running job into a status line and what it has to show."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

from humanav.app import pieces
from humanav.app.errors import sentence
from humanav.app.running import Work, run
from humanav.app.storage import forget_old, preview_path
from humanav.errors import Cancelled
from humanav.progress import Event
from humanav.results import Result

Step = tuple[str | None, Event | Result | None]
"""The status line (None: leave it), and an event, the result, or None."""

_expected: dict[str, float] = {}


def follow(session: str, kind: str, work: Work, steps: int, expected: float) -> Iterator[Step]:
    """Run a job: its status line and events as they come, the result last; a stop ends it without a result.

    The job's own errors are raised, after their sentence has gone to the status line.

    Args:
        session: whose job.
        kind: jobs of one kind are expected to last as long as the last one did; at first ``expected`` seconds.
        work: the job.
        steps: how many stages it has.
    """
    forget_old()
    last: Event | None = None
    waited = 0.0
    yield pieces.working("Starting", 1, steps, 0, _expected.get(kind, expected), 0), None
    try:
        for item in run(session, work, steps):
            if isinstance(item, Result):
                if last is not None:
                    _expected[kind] = max(last.seconds, 1.0)
                yield None, item
                return
            waited = 0.0 if item is not None else waited + 0.5
            if item is not None and item.data.get("live") and last is not None:
                item = replace(item, fraction=last.fraction)  # shown within a stage, not at its end
            last = item or last
            if last is not None:
                yield pieces.working(last.stage, last.step, last.steps, last.seconds + waited,
                                     _expected.get(kind, expected), last.fraction), item
    except Cancelled as error:
        yield pieces.stopped(str(error)), None
    except Exception as error:
        yield pieces.stopped(sentence(error)), None
        raise


def keep_preview(path: Path) -> Path | None:
    """A copy of a preview outside the unfinished result; None when the job has already finished and moved it."""
    try:
        return Path(shutil.copyfile(path, preview_path(path.suffix)))
    except FileNotFoundError:
        return None
