"""Jobs in threads: events arrive in order, errors are raised where the page can show them, stopping stops, and who
comes later waits for its turn."""

from __future__ import annotations

import queue
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from humanav.app import memory, running
from humanav.app.limits import Limits
from humanav.app.running import Waiting, cancel, coming, counts, run
from humanav.errors import Cancelled, ImageError, InputError
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


def test_memory_is_given_back_at_the_end_and_once_more_when_the_thread_is_gone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    threads: queue.Queue[str] = queue.Queue()
    monkeypatch.setattr(memory, "_PAUSE", 0.05)
    monkeypatch.setattr(memory, "give_back", lambda: threads.put(threading.current_thread().name))
    for number in range(2):
        list(run(f"page {number}", lambda progress: finish(tmp_path / "out"), 1, tick=0.05))
        for thread in (f"job-page {number}", "memory"):
            while threads.get(timeout=10) != thread:  # a job of another test may have ended just before
                pass


def test_memory_of_a_job_that_ends_in_the_pause_of_another_is_given_back_too(monkeypatch: pytest.MonkeyPatch) -> None:
    given: queue.Queue[str] = queue.Queue()
    ends = [memory._due.set]
    monkeypatch.setattr(memory, "time", SimpleNamespace(sleep=lambda seconds: ends.pop()() if ends else None))
    monkeypatch.setattr(memory, "give_back", lambda: given.put(threading.current_thread().name))
    memory.job_ended()
    assert [given.get(timeout=5) for _ in range(3)].count("memory") == 2


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


def until_idle(seconds: float = 3.0) -> None:
    for _ in range(round(seconds / 0.01)):
        if counts() == (0, 0):
            return
        time.sleep(0.01)
    raise AssertionError(f"jobs are left over: {counts()}")


class Gate:
    """Jobs that go on until they are let go, and the order in which they began."""

    def __init__(self) -> None:
        self.open = threading.Event()
        self.began: list[str] = []

    def job(self, name: str, session: str, visitor: str = "", part: str = "") -> Iterator[Any]:
        def work(progress: Progress) -> str:
            self.began.append(name)
            progress.next(name)
            while not self.open.wait(0.01):
                progress.check()
            return name

        return run(session, work, 1, tick=0.02, visitor=visitor, part=part)


def waits(events: Iterator[Any]) -> Waiting:
    found = next(events)
    assert isinstance(found, Waiting)
    return found


@pytest.fixture
def gate() -> Iterator[Gate]:
    until_idle()
    gate = Gate()
    yield gate
    gate.open.set()


def test_later_jobs_wait_for_their_turn_and_are_told_how_many_come_first(gate: Gate) -> None:
    first, second, third = (gate.job(name, name) for name in "abc")
    assert isinstance(next(first), Event)
    assert waits(second).words == "Waiting for its turn: 1 job before yours"
    assert waits(third).words == "Waiting for its turn: 2 jobs before yours"
    assert counts() == (1, 2)
    second.close()  # type: ignore[attr-defined]
    assert waits(third).before == 1
    gate.open.set()
    assert [list(first)[-1], list(third)[-1]] == ["a", "c"]
    assert gate.began == ["a", "c"]
    until_idle()


def test_one_job_of_a_visitor_works_at_a_time(gate: Gate, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(running, "limits", lambda: Limits(at_once=2))
    mine, also_mine = gate.job("a", "a", "I"), gate.job("b", "b", "I")
    others = gate.job("c", "c", "you")
    next(mine)
    waits(also_mine)
    assert isinstance(next(others), Event)  # came later, but I am being served
    gate.open.set()
    assert list(also_mine)[-1] == "b"
    for events in (mine, others):
        list(events)


def test_what_is_too_much_is_refused_in_a_sentence(gate: Gate, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(running, "limits", lambda: Limits(waiting=2, per_visitor=2))
    mine = [gate.job(name, name, "I") for name in "ab"]
    next(mine[0])
    waits(mine[1])
    with pytest.raises(InputError, match="You have 2 running or waiting here already, perhaps in another window"):
        next(gate.job("c", "c", "I"))
    yours = gate.job("d", "d", "you")
    waits(yours)
    with pytest.raises(InputError, match="2 jobs wait here already"):
        next(gate.job("e", "e", "they"))
    for events in (*mine, yours):
        events.close()  # type: ignore[attr-defined]
    until_idle()


def test_cancel_stops_the_jobs_of_one_part_of_a_page(gate: Gate) -> None:
    poses, clip = gate.job("a", "page", part="poses"), gate.job("b", "page", part="clip")
    next(poses)
    waits(clip)
    assert cancel("page", "clip")
    with pytest.raises(Cancelled):
        list(clip)
    assert counts()[0] == 1
    assert cancel("page")  # all of it
    with pytest.raises(Cancelled):
        list(poses)
    until_idle()


def test_a_cancel_that_comes_before_its_job_stops_it() -> None:
    with coming("page", "poses"):
        assert not cancel("another", "poses")
        assert not cancel("page", "clip")
        assert cancel("page", "poses")
        with pytest.raises(Cancelled, match="input is still here"):
            list(run("page", lambda progress: pytest.fail("it works"), 1, part="poses"))
    assert not cancel("page", "poses")
    with coming("page", "poses"):
        assert list(run("page", lambda progress: "done", 1, part="poses")) == ["done"]
    until_idle()


def test_a_second_press_takes_the_place_of_the_first(gate: Gate) -> None:
    first = gate.job("a", "page", part="poses")
    next(first)
    second = gate.job("b", "page", part="poses")
    next(second)
    with pytest.raises(Cancelled):
        list(first)
    gate.open.set()
    assert list(second)[-1] == "b"


def test_a_job_that_takes_too_long_is_ended(gate: Gate, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(running, "limits", lambda: Limits(job_minutes=0.05 / 60))
    with pytest.raises(InputError, match="took longer than"):
        list(gate.job("a", "a"))
    until_idle()


def test_a_job_that_never_pauses_is_ended_too(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(running, "limits", lambda: Limits(job_minutes=0.05 / 60))

    def work(progress: Progress) -> str:
        while True:
            progress.show("more")

    with pytest.raises(InputError, match="took longer than"):
        list(run("a", work, 1, tick=10))
    until_idle()


def test_where_no_thread_is_left_the_queue_goes_on(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(thread: threading.Thread) -> None:
        raise RuntimeError("can't start new thread")

    with monkeypatch.context() as patch:
        patch.setattr(threading.Thread, "start", refuse)
        with pytest.raises(RuntimeError, match="new thread"):
            list(run("a", lambda progress: "never", 1, tick=0.02))
    assert list(run("b", lambda progress: "done", 1, tick=0.02)) == ["done"]
    until_idle()
