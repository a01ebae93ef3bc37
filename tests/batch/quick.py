"""A job that takes no time and does what its input says, and workers that are this process."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from humanav.batch.kinds import KINDS, Kind
from humanav.batch.value import Outcome, Task
from humanav.batch.work import do
from humanav.errors import InputError, StorageError
from humanav.progress import Progress
from humanav.results import Result, ResultWriter, content_id


@dataclass(frozen=True)
class QuickOptions:
    """Options of the quick job."""

    height: float | None = None
    parts: tuple[str, ...] = ()
    sure: bool = True
    people: int = 1


def identity(source: Path, options: Mapping[str, Any]) -> str:
    return content_id("quick", source.read_bytes(), dict(options))


def run(source: Path, out: Path, options: Mapping[str, Any], progress: Progress) -> Result:
    """Do what the first word of the input says."""
    word, *rest = source.read_text().split() or [""]
    tried = source.with_suffix(".tried")
    count = len(tried.read_text()) if tried.is_file() else 0
    tried.write_text("x" * (count + 1))
    with ResultWriter(out, "quick", identity(source, options), {}) as writer:
        progress.check()
        writer.add("note.txt", "What it said", "any program").write_text(word)
        writer.report.update(quality=f"It said {word}.", warnings=["All <b> is well."], seconds=0.1)
        if word == "bad":
            raise InputError("This input is bad: give another one.")
        if word == "memory" and count < int(rest[0]):
            raise MemoryError
        if word == "crash":
            raise ZeroDivisionError("by nothing")
        if word == "full":
            raise StorageError("The disk is full: free some space.")
        if word == "stop":
            raise KeyboardInterrupt
    return writer.result


KIND = Kind("denoise", "texts", (".txt",), lambda: QuickOptions, identity, run, beside=(".tried",),
            also=(("tall", "height"),))


class Here:
    """Workers that are this process: each item is done when it is asked for."""

    words = "this process"

    def __init__(self, room: int = 2) -> None:
        self.size, self.tasks, self.closed = room, list[Task](), False

    @property
    def room(self) -> int:
        return self.size - len(self.tasks)

    def submit(self, task: Task) -> None:
        self.tasks.append(task)

    def finished(self, seconds: float) -> list[tuple[Task, Outcome]]:
        return [(task, do(task)) for task in [self.tasks.pop(0)]] if self.tasks else []

    def close(self) -> None:
        self.closed = True


def use_quick(monkeypatch: Any) -> None:
    """Let ``denoise`` be the quick job."""
    monkeypatch.setitem(KINDS, "denoise", KIND)


def write_texts(folder: Path, **texts: str) -> Path:
    """``name.txt`` files."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, text in texts.items():
        (folder / f"{name}.txt").write_text(text)
    return folder


def write_clips(folder: Path, count: int, frames: int = 8) -> Path:
    """Motions of a third of a second, all different."""
    from humanav.motion import load_clip, save_npz

    folder.mkdir(parents=True)
    clip = load_clip("wave")
    for number in range(count):
        save_npz(clip[number: number + frames], folder / f"take{number + 1}.npz")
    return folder
