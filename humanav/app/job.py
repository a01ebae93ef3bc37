"""What one press of a button asks for."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from humanav.progress import Progress
from humanav.results import Result


@dataclass(frozen=True)
class Job:
    """What one press of a button asks for.

    Attributes:
        identity: content id of the question, with a word before it that tells kinds of jobs apart.
        work: does it, writing the result to the folder that it is given.
        steps: how many stages it has.
        title: what the result is called until its owner says otherwise.
        kind: the kind of its result; by default the part's.
        values: what its record keeps instead of what the inputs hold.
        expected: seconds, until this process has timed a job of this sort; by default the part's.
        training: seconds that it was told to train, on top of those.
        sort: jobs of one sort take about as long; by default the kind.
    """

    identity: str
    work: Callable[[Path, Progress], Result]
    steps: int
    title: str
    kind: str = ""
    values: dict[str, Any] | None = None
    expected: float | None = None
    training: float = 0.0
    sort: str = ""
