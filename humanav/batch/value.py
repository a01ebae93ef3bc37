"""What passes between a batch and its workers: plain values that can be sent to another process or machine."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Literal

State = Literal["waiting", "running", "done", "failed"]
"""Of an item, as ``batch.json`` says it."""

End = Literal["done", "kept", "failed", "again", "full", "stopped"]
"""How an attempt ended: made now; made before; not possible; might succeed next time; the disk is full; stopped."""


@dataclass(frozen=True)
class Task:
    """One item for a worker.

    Attributes:
        name: of the item, and of its folder in ``out``.
        job: avatar, track, uplift or denoise.
        source: absolute path of the input.
        out: absolute path of the batch's folder.
        options: the job's options, checked.
        attempt: 1 for the first.
        since: when the call began, in seconds since 1970: what was published later is this call's work.
    """

    name: str
    job: str
    source: str
    out: str
    options: Mapping[str, Any] = field(default_factory=dict)
    attempt: int = 1
    since: float = math.inf

    def again(self) -> Task:
        """The next attempt."""
        return replace(self, attempt=self.attempt + 1)


@dataclass(frozen=True)
class Outcome:
    """What came of one attempt.

    Attributes:
        name: of the item.
        end: see :data:`End`.
        sentence: how good the result is, or what went wrong.
        id: content id of the result, "" where there is none.
        seconds: that the job took.
        files: (name, bytes, purpose) of the files to take away.
        notes: the result's warnings.
        worker: machine and process.
    """

    name: str
    end: End
    sentence: str = ""
    id: str = ""
    seconds: float = 0.0
    files: tuple[tuple[str, int, str], ...] = ()
    notes: tuple[str, ...] = ()
    worker: str = ""
