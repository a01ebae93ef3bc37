"""A lent GPU: a job works in a forked process as on ZeroGPU; its events, result, errors and stops come through."""

from __future__ import annotations

import multiprocessing
import os
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from humanav.app import gpu
from humanav.errors import Cancelled, ImageError
from humanav.progress import Event, Progress
from humanav.results import Result, ResultWriter


def job(out: Path, trouble: str, progress: Progress) -> Result:
    """A job of two stages."""
    progress.next("one")
    progress.show("seen", image=np.full((4, 4, 3), 7, np.uint8), pid=os.getpid())
    if trouble == "error":
        raise ImageError("It is too small.")
    while trouble == "endless":
        progress.check()
        time.sleep(0.01)
    progress.next("two")
    with ResultWriter(out, "test", "0", {}) as writer:
        writer.add("a.txt", "a").write_text(str(os.getpid()))
    return writer.result


def forking(task: Callable[[gpu.Lent], Iterator[Any]]) -> Callable[[gpu.Lent], Iterator[Any]]:
    """What ``spaces.GPU`` does with a generator: a forked process, pickled both ways, waited for to its end."""
    context = multiprocessing.get_context("fork")

    def work(asked: Any, said: Any) -> None:
        for item in task(asked.get()):
            said.put(("item", item))
        said.put(("end", None))

    def wrapped(lent: gpu.Lent) -> Iterator[Any]:
        asked, said = context.SimpleQueue(), context.SimpleQueue()
        process = context.Process(target=work, args=(asked, said), daemon=True)
        process.start()
        asked.put(lent)
        try:
            while (word := said.get())[0] != "end":
                yield word[1]
        finally:
            process.join(10)
            process.terminate()

    return wrapped


@pytest.fixture(autouse=True)
def lent(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(gpu, "_lent", [])
    monkeypatch.setattr(gpu, "can_fork", lambda: True)  # other tests of this process may have used numba
    monkeypatch.setenv("HUMANAV_GPU_JOBS", "gaussian, other")
    gpu.lend(forking(gpu.body))


def ask(out: Path, trouble: str = "", kind: str = "gaussian", progress: Progress | None = None) -> Result:
    return gpu.run(kind, job, {"out": out, "trouble": trouble}, steps=2, expected=5.0,
                   progress=progress or Progress(2))


def test_it_works_in_another_process_and_all_it_says_comes_through(tmp_path: Path) -> None:
    seen: list[Event] = []
    result = ask(tmp_path / "out", progress=Progress(2, seen.append))
    assert result.path("a.txt").read_text() != str(os.getpid())
    assert [event.stage for event in seen] == ["one", "one", "two"]
    assert seen[1].image.shape == (4, 4, 3)
    assert seen[1].data["pid"] != os.getpid()


def test_other_kinds_stay_here_and_so_does_everything_without_a_gpu(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert ask(tmp_path / "out", kind="avatar").path("a.txt").read_text() == str(os.getpid())
    monkeypatch.setattr(gpu, "can_fork", lambda: False)
    assert ask(tmp_path / "out").path("a.txt").read_text() == str(os.getpid())
    monkeypatch.setattr(gpu, "can_fork", lambda: True)
    monkeypatch.setenv("HUMANAV_GPU_JOBS", "")
    assert ask(tmp_path / "out").path("a.txt").read_text() == str(os.getpid())


def test_kernels_that_would_not_survive_the_fork_stay_here(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.undo()
    for layer, safe in (("tbb", True), ("omp", False), ("workqueue", False)):
        monkeypatch.setattr("numba.threading_layer", lambda layer=layer: layer)
        assert gpu.can_fork() is safe


def test_its_error_is_raised_here(tmp_path: Path) -> None:
    with pytest.raises(ImageError, match="too small"):
        ask(tmp_path / "out", "error")
    assert not (tmp_path / "out").exists()


def test_a_stop_reaches_it(tmp_path: Path) -> None:
    stop = threading.Event()
    threading.Timer(0.3, stop.set).start()
    with pytest.raises(Cancelled):
        ask(tmp_path / "out", "endless", progress=Progress(2, None, stop.is_set))


def test_how_long_it_is_lent_for() -> None:
    assert [gpu.seconds(gpu.Lent(job, {}, 1, expected)) for expected in (1, 100, 5000)] == [20, 140, 600]
