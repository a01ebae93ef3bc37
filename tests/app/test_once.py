"""The same question in two windows, or two processes, is answered once; who stops or dies holds up nobody."""

from __future__ import annotations

import multiprocessing
import os
import signal
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import gradio as gr
import pytest

from humanav.app import kept, running, visitors
from humanav.app.job import Job
from humanav.app.once import Asked
from humanav.app.part import Part
from humanav.app.poses_tab import RandomPart
from humanav.errors import Cancelled, InputError
from humanav.progress import Progress
from humanav.results import Result
from humanav.store import Record, new_key
from tests.store.made import write

WORDS: dict[str, Any] = {"tab": "denoise/random", "kind": "poses", "title": "Poses"}


@pytest.fixture(scope="module")
def part() -> Iterator[Part]:
    with gr.Blocks(), pytest.MonkeyPatch.context() as patch:
        part = RandomPart()
        patch.setattr(part, "finished", lambda result: {})
        yield part


class Works:
    """Work that waits until it may end; counts how often it is asked for."""

    def __init__(self) -> None:
        self.times, self.begun, self.may_end = 0, threading.Event(), threading.Event()

    def __call__(self, folder: Path, progress: Progress) -> Result:
        self.times += 1
        self.begun.set()
        while not self.may_end.wait(0.01):
            progress.check()
        return write(folder)


def until(condition: Callable[[], bool]) -> None:
    end = time.monotonic() + 20
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.01)


class Window(threading.Thread):
    """A window of a visitor in which the button was pressed."""

    def __init__(self, part: Part, session: str, key: str, job: Job) -> None:
        super().__init__(daemon=True)
        self.request: Any = type("Request", (), {"session_hash": session})()
        visitors.remember(key, self.request)
        self.part, self.job, self.shown = part, job, dict[Any, Any]()
        self.start()

    def run(self) -> None:
        for update in self.part.produce(self.request, self.job, {}):
            self.shown |= update


def two_windows(part: Part, word: str, works: Works) -> tuple[Window, Window, str]:
    key = new_key()
    job = Job(word, works, 1, "Poses")
    first = Window(part, f"{word} one", key, job)
    assert works.begun.wait(20)
    second = Window(part, f"{word} two", key, job)
    until(lambda: "before yours" in second.shown.get(part.status, ""))
    return first, second, key


def test_a_second_window_is_given_what_the_first_makes(part: Part) -> None:
    works = Works()
    first, second, key = two_windows(part, "both", works)
    works.may_end.set()
    for window in (first, second):
        window.join(20)
        assert window.shown[part.made] is not None
    assert works.times == 1
    assert [record.state for record in kept.store().mine(key)] == ["done"]


def test_a_window_that_is_stopped_leaves_the_other_at_work(part: Part) -> None:
    works = Works()
    first, second, key = two_windows(part, "stopped", works)
    works.begun.clear()
    running.cancel("stopped one", part.name)
    first.join(20)
    assert "Stopped" in first.shown[part.status]
    assert works.begun.wait(20)
    assert [record.state for record in kept.store().mine(key)] == ["running"]
    works.may_end.set()
    second.join(20)
    assert [record.state for record in kept.store().mine(key)] == ["done"]
    assert works.times == 2


def begin(key: str) -> Record:
    return kept.store().begin(key, "a question", **WORDS)


@pytest.mark.parametrize("killed", [False, True])
def test_another_process_is_waited_for_while_it_lives(killed: bool) -> None:
    key, context = new_key(), multiprocessing.get_context("fork")
    begun, may_end = context.Event(), context.Event()

    def elsewhere() -> None:
        def work(folder: Path, progress: Progress) -> Result:
            begun.set()
            may_end.wait(20)
            return write(folder, "elsewhere")

        asked = Asked(begin(key))
        asked.once(work)(Progress(1))
        kept.store().finish(asked.record.id)
        asked.leave()

    process = context.Process(target=elsewhere)
    process.start()
    assert begun.wait(20)
    hasty = Asked(begin(key))
    assert hasty.record.worker.split(":")[1] == str(process.pid)
    hasty.leave("Stopped here.")
    assert kept.store().find(hasty.record.id).record.state == "running"

    asked, found = Asked(begin(key)), list[Result]()
    waits = threading.Thread(target=lambda: found.append(
        asked.once(lambda folder, progress: write(folder, "here"))(Progress(1))))
    waits.start()
    waits.join(0.05)
    assert not found
    os.kill(process.pid or 0, signal.SIGKILL) if killed else may_end.set()
    waits.join(20)
    process.join(20)
    assert found[0].path("note.txt").read_text() == ("here" if killed else "elsewhere")
    assert kept.store().finish(asked.record.id).state == "done"
    asked.leave()


def test_a_result_that_could_not_be_shown_is_made_anew() -> None:
    record = begin(new_key())
    write(kept.store().folder(record.id), "old")
    asked = Asked(record)
    made = asked.once(lambda folder, progress: write(folder, "new"))(Progress(1))
    asked.leave()
    assert made.path("note.txt").read_text() == "new"


def test_who_left_before_the_turn_came_is_not_called_running() -> None:
    asked = Asked(begin(new_key()))
    asked.leave("Stopped.")
    with pytest.raises(Cancelled):
        asked.once(lambda folder, progress: pytest.fail("it works"))(Progress(1))
    assert kept.store().find(asked.record.id).record.note == "Stopped."


def test_an_entry_that_was_deleted_before_its_turn_frees_the_page(part: Part, monkeypatch: pytest.MonkeyPatch) -> None:
    key, shown = new_key(), dict[Any, Any]()
    request: Any = type("Request", (), {"session_hash": "deleted"})()
    visitors.remember(key, request)
    resume = kept.store().resume

    def late(id: str) -> Record:
        kept.store().delete(key, id)
        return resume(id)

    monkeypatch.setattr(kept.store(), "resume", late)
    with suppress(InputError):
        for update in part.produce(request, Job("deleted", Works(), 1, "Poses"), {}):
            shown |= update
    assert "deleted" in shown[part.status]
    assert shown[part.stop]["visible"] is False
    assert kept.store().mine(key) == []


@pytest.mark.parametrize("undo", [False, True])
def test_who_leaves_does_not_speak_for_who_asked_just_then(undo: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    key = new_key()
    first, later, locked = Asked(begin(key)), list[Asked](), kept.store().locked

    def just_before() -> Any:
        if not later:
            later.append(first)
            later.append(Asked(begin(key)))
            kept.store().resume(first.record.id)
        return locked()

    monkeypatch.setattr(kept.store(), "locked", just_before)
    if undo:
        assert not first.undo()
    first.leave("Stopped.")
    assert kept.store().find(first.record.id).record.state == "running"
    assert later[1].undo()
    later[1].leave()
    assert kept.store().mine(key) == []


def test_what_another_window_deletes_meanwhile_is_made_anew(monkeypatch: pytest.MonkeyPatch) -> None:
    key, store = new_key(), kept.store()
    record = begin(key)
    write(store.folder(record.id))  # finished just as its page was closed
    finish = store.finish

    def late(id: str) -> Record:
        store.delete(key, id)
        return finish(id)

    monkeypatch.setattr(store, "finish", late)
    assert kept.known(key, "a question", **WORDS) is None
    assert store.mine(key) == []


def test_work_whose_entry_is_deleted_meanwhile_says_so() -> None:
    key = new_key()
    asked = Asked(begin(key))

    def work(folder: Path, progress: Progress) -> Result:
        kept.store().delete(key, asked.record.id)
        raise FileNotFoundError

    with pytest.raises(InputError, match="deleted"):
        asked.once(work)(Progress(1))
    asked.leave("Stopped.")
    assert kept.store().mine(key) == []
