"""Runs jobs in threads of their own, a few at a time and in turn, so that a page can show how it goes, and stop them.

Pages and callers of the API share one queue. Whoever stops iterating :func:`run`, or whose page is closed, stops the
job; its turn ends when its thread does.
"""

from __future__ import annotations

import contextvars
import queue
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, TypeVar

from humanav.app import memory
from humanav.app.limits import limits
from humanav.errors import Cancelled, InputError
from humanav.progress import Event, Progress
from humanav.results import Result

T = TypeVar("T")
Work = Callable[[Progress], Result]

STOPPED = "Stopped. Your input is still here: press the button to start again."
CLOSED = "The page was closed before this was ready. Run it again: what was finished of it is used where possible."


@dataclass(frozen=True)
class Waiting:
    """A job waits for its turn: ``before`` others come first, those at work included."""

    before: int

    @property
    def words(self) -> str:
        """A line for the visitor."""
        return f"Waiting for its turn: {self.before} job{'s' * (self.before != 1)} before yours"


@dataclass(eq=False)
class _Job:
    session: str
    visitor: str
    part: str
    work: Callable[[Progress], Any]
    steps: int
    stop: threading.Event = field(default_factory=threading.Event)
    events: queue.Queue[Any] = field(default_factory=queue.Queue)
    began: float | None = None
    context: contextvars.Context = field(default_factory=contextvars.copy_context)
    """Of the page's event: a GPU that is lent (ZeroGPU) asks there who the visitor is."""

    def begin(self) -> None:
        self.began = time.monotonic()
        try:
            threading.Thread(target=self.context.run, args=(self._body,), name=f"job-{self.session[:8]}",
                             daemon=True).start()
        except RuntimeError as error:  # the system has no thread left: the next one may have its turn
            _working.remove(self)
            self.events.put(error)

    def _body(self) -> None:
        try:
            self.events.put(_End(self.work(Progress(self.steps, self.events.put, self.stop.is_set))))
        except BaseException as error:  # handed to the page's thread, which raises it
            self.events.put(error)
        finally:
            with _lock:
                _working.remove(self)
                _next_turns()
            memory.job_ended()


@dataclass(frozen=True)
class _End:
    value: Any


_working: list[_Job] = []
_waiting: list[_Job] = []
_coming: dict[tuple[str, str], threading.Event] = {}
_lock = threading.RLock()


def counts() -> tuple[int, int]:
    """How many jobs work, and how many wait."""
    with _lock:
        return len(_working), len(_waiting)


@contextmanager
def coming(session: str, part: str) -> Iterator[None]:
    """A page shows that it is busy, while its job is still prepared: :func:`cancel` stops what :func:`run` is then
    asked for."""
    stop = threading.Event()
    with _lock:
        _coming[session, part] = stop
    try:
        yield
    finally:
        with _lock:
            if _coming.get((session, part)) is stop:
                del _coming[session, part]


def cancel(session: str, part: str | None = None) -> bool:
    """Ask a session's jobs to stop, or only those of one part of the page; whether there were any."""
    with _lock:
        jobs = [job for job in [*_working, *_waiting]
                if job.session == session and part in (None, job.part) and not job.stop.is_set()]
        stops = [stop for (whose, name), stop in _coming.items()
                 if whose == session and part in (None, name) and not stop.is_set()]
        for stop in (*stops, *(job.stop for job in jobs)):
            stop.set()
        for job in jobs:
            _forget(job)
    return bool(jobs or stops)


def require_room(visitor: str) -> None:
    """Raise InputError when the queue is full, or the visitor has too many jobs in it: before anything is noted."""
    with _lock:
        own = sum(job.visitor == visitor and not job.stop.is_set() for job in [*_working, *_waiting])
        limits().check_room(len(_waiting), own)


def run(
    session: str, work: Callable[[Progress], T], steps: int, tick: float = 0.5, *, visitor: str = "", part: str = ""
) -> Iterator[Event | Waiting | T | None]:
    """The job's events as they come, its place in the queue or None every ``tick`` seconds without one, and what
    ``work`` returned last.

    Whoever stops iterating stops the job. The job's own errors are raised here.

    Args:
        session: the page or the API session that asked; see :func:`cancel`.
        work: the job.
        steps: how many stages it has.
        tick: seconds.
        visitor: who asked: one job of each works at a time. By default the session.
        part: which part of the page asked; a second job of the same part and session takes the place of the first.

    Raises:
        InputError: the queue is full, or the visitor has too many jobs in it.
        Cancelled: the job was stopped.
    """
    job = _Job(session, visitor or session, part, work, steps)
    with _lock:
        job.stop = _coming.pop((session, part), job.stop)
    if job.stop.is_set():
        raise Cancelled(STOPPED)
    if part:
        cancel(session, part)
    with _lock:
        require_room(job.visitor)
        _waiting.append(job)
        _next_turns()
    try:
        yield from _followed(job, tick)
    finally:
        job.stop.set()
        _forget(job)


def _followed(job: _Job, tick: float) -> Iterator[Any]:
    while True:
        try:
            item = job.events.get(timeout=tick)
        except queue.Empty:
            if job.stop.is_set():
                raise Cancelled(STOPPED) from None
            item = _place(job)
        if isinstance(item, BaseException):
            raise item
        if isinstance(item, _End):
            yield item.value
            return
        if job.began is not None and time.monotonic() - job.began > 60 * limits().job_minutes:
            raise InputError(limits().too_long)
        yield item


def _place(job: _Job) -> Waiting | None:
    with _lock:
        return Waiting(len(_working) + _waiting.index(job)) if job in _waiting else None


def _next_turns() -> None:
    """Begin the jobs whose turn it is: in the order in which they came, but one at a time of each visitor."""
    with _lock:
        for job in list(_waiting):
            if len(_working) >= limits().at_once:
                return
            if all(other.visitor != job.visitor for other in _working):
                _waiting.remove(job)
                _working.append(job)
                job.begin()


def _forget(job: _Job) -> None:
    """Take a job out of the queue if it has not begun."""
    with _lock:
        if job in _waiting:
            _waiting.remove(job)
