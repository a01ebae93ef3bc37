"""Runs a job in a thread of its own, so that a page can show its events while it works, and stop it."""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable, Iterator

from humanav.errors import Cancelled
from humanav.progress import Event, Progress
from humanav.results import Result

Work = Callable[[Progress], Result]

_running: dict[str, threading.Event] = {}
_lock = threading.Lock()


def cancel(session: str) -> bool:
    """Ask the session's job to stop; whether one was running."""
    with _lock:
        stop = _running.get(session)
    if stop is None:
        return False
    stop.set()
    return True


def run(session: str, work: Work, steps: int, tick: float = 0.5) -> Iterator[Event | Result | None]:
    """The job's events as they come, None every ``tick`` seconds without one, and the result last.

    Whoever stops iterating stops the job. The job's own errors are raised here.
    """
    stop = threading.Event()
    with _lock:
        earlier = _running.get(session)
        if earlier is not None:
            earlier.set()
        _running[session] = stop
    events: queue.Queue[Event | Result | BaseException] = queue.Queue()

    def body() -> None:
        try:
            events.put(work(Progress(steps, events.put, stop.is_set)))
        except BaseException as error:  # handed to the page's thread, which raises it
            events.put(error)

    threading.Thread(target=body, name=f"job-{session[:8]}", daemon=True).start()
    try:
        while True:
            try:
                item = events.get(timeout=tick)
            except queue.Empty:
                if stop.is_set():
                    raise Cancelled("Stopped. Your input is still here: press the button to start again.") from None
                yield None
                continue
            if isinstance(item, BaseException):
                raise item
            yield item
            if isinstance(item, Result):
                return
    finally:
        stop.set()
        with _lock:
            if _running.get(session) is stop:
                del _running[session]
