"""Jobs in a thread: events arrive in order, errors are raised where the page can show them, stopping stops."""

from __future__ import annotations

import threading
import time
from pathlib import Path

import pytest

from humanav.app.running import cancel, run
from humanav.errors import Cancelled, ImageError
from humanav.progress import Event, Progress
from humanav.results import Result, ResultWriter


def finish(folder: Path) -> Result:
    with ResultWriter(folder, "test", "0", {}) as writer:
        writer.add("a.txt", "a").write_text("a")
    return writer.result


def test_events_come_in_order_and_the_result_last(tmp_path: Path) -> None:
    def work(progress: Progress) -> Result:
        for stage in ("one", "two"):
            progress.next(stage)
            progress.show(f"done {stage}")
        return finish(tmp_path / "out")

    items = list(run("visitor", work, 2, tick=0.05))
    assert [(e.stage, e.caption) for e in items if isinstance(e, Event)] == [
        ("one", ""), ("one", "done one"), ("two", ""), ("two", "done two")]
    assert isinstance(items[-1], Result)
    assert not cancel("visitor")


def test_an_error_reaches_the_page() -> None:
    def work(progress: Progress) -> Result:
        raise ImageError("It is too small.")

    with pytest.raises(ImageError, match="too small"):
        list(run("visitor", work, 1, tick=0.05))


def test_cancel_stops_the_job() -> None:
    stopped = threading.Event()

    def work(progress: Progress) -> Result:
        progress.next("long")
        try:
            while True:
                progress.check()
                time.sleep(0.01)
        except Cancelled:
            stopped.set()
            raise

    events = run("visitor", work, 1, tick=0.05)
    assert isinstance(next(events), Event)
    assert cancel("visitor")
    with pytest.raises(Cancelled, match="input is still here"):
        list(events)
    assert stopped.wait(2)


def test_a_closed_page_stops_its_job(tmp_path: Path) -> None:
    stopped = threading.Event()

    def work(progress: Progress) -> Result:
        progress.next("long")
        while True:
            try:
                progress.check()
            except Cancelled:
                stopped.set()
                raise
            time.sleep(0.01)

    events = run("visitor", work, 1, tick=0.05)
    next(events)
    events.close()  # type: ignore[attr-defined]
    assert stopped.wait(2)
