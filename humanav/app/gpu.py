"""Jobs on a GPU that is lent for the time of a call (Hugging Face's ZeroGPU); without one they run as they always do.

The lender's package is known to ``app.py`` alone, which hands its wrapper of :func:`body` to :func:`lend`. A wrapped
call works in a forked process: what goes in and comes out is pickled, and a file tells it to stop.

What is worth the visitor's GPU time is a setting, ``HUMANAV_GPU_JOBS``: kinds of jobs between commas. By default it is
empty. Fitting, drawing and cleaning are NumPy and numba; a Gaussian avatar ("gaussian") is trained with numba's
rasteriser too, so that a lent GPU would wait while a processor works. Numba's kernels work in a forked process only on
threads of TBB (the package ``tbb``): without it, nothing is sent there.
"""

from __future__ import annotations

import logging
import os
import queue
import tempfile
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from humanav.progress import Event, Progress
from humanav.results import Result


@dataclass(frozen=True)
class Lent:
    """A job on its way to a lent GPU; all of it can be pickled.

    Attributes:
        function: a job, called with ``options`` and ``progress``.
        options: its keyword arguments.
        steps: how many stages it has.
        expected: seconds that it will take, by which the lender plans.
        stop: a file that is there once the job is to stop.
    """

    function: Callable[..., Result]
    options: dict[str, Any]
    steps: int
    expected: float
    stop: Path = field(default_factory=lambda: Path(tempfile.mkdtemp(prefix="humanav-gpu-")) / "stop")


@dataclass(frozen=True)
class _Failed:
    error: BaseException


_log = logging.getLogger(__name__)
_lent: list[Callable[[Lent], Iterator[Any]]] = []


def lend(wrapped: Callable[[Lent], Iterator[Any]]) -> None:
    """Use a GPU that is lent: ``wrapped`` is :func:`body` in its lender's wrapper."""
    _lent[:] = [wrapped]


def can_fork() -> bool:
    """Whether numba's parallel kernels, once they were used here, work in a forked process: GNU's OpenMP ends it."""
    import numba

    try:
        safe = bool(numba.threading_layer() == "tbb")
    except ValueError:  # none was used yet
        return True
    if not safe:
        _log.warning("no job is sent to the lent GPU: install the package tbb, on whose threads numba's kernels "
                     "survive a fork")
    return safe


def seconds(job: Lent) -> int:
    """How long to lend it for: the lender ends what takes longer, and lends sooner what takes less."""
    return round(min(max(1.3 * job.expected + 10, 20), 600))


def run(
    kind: str, function: Callable[..., Result], options: dict[str, Any], *, steps: int, expected: float,
    progress: Progress,
) -> Result:
    """Do a job, on a lent GPU where there is one and the setting names its kind.

    Args:
        kind: such as "gaussian".
        function, options: the job and its keyword arguments, without ``progress``.
        steps, expected: see :class:`Lent`.
        progress: told what the job says; where it is stopped, the job is.
    """
    wanted = {name.strip() for name in os.environ.get("HUMANAV_GPU_JOBS", "").split(",")}
    if not _lent or kind not in wanted or not can_fork():
        return function(**options, progress=progress)
    job = Lent(function, options, steps, expected)
    stopped: BaseException | None = None
    try:
        for item in _lent[0](job):  # to its end even when stopped: the lender waits for its process
            if isinstance(item, Result):
                return item
            if isinstance(item, _Failed):
                raise stopped or item.error
            try:
                progress.relay(item) if isinstance(item, Event) else progress.check()
            except BaseException as error:
                stopped = stopped or error
                job.stop.touch()
    finally:
        job.stop.unlink(missing_ok=True)
        job.stop.parent.rmdir()
    raise stopped or RuntimeError("the lent GPU gave no result")


def body(job: Lent) -> Iterator[Any]:
    """The work of a call: the job's events as they come, None every second, and its result or its error last."""
    said: queue.Queue[Any] = queue.Queue()

    def work() -> None:
        try:
            said.put(job.function(**job.options, progress=Progress(job.steps, said.put, job.stop.exists)))
        except BaseException as error:  # it crosses to another process: without what holds it here
            said.put(_Failed(error.with_traceback(None)))

    threading.Thread(target=work, name="lent-job", daemon=True).start()
    while True:
        try:
            item = said.get(timeout=1.0)
        except queue.Empty:
            yield None
            continue
        yield item
        if isinstance(item, Result | _Failed):
            return
