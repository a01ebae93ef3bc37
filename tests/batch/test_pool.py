"""Real worker processes: their share of the cores, one killed in the middle, the command line, its end by Ctrl-C."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
import time
from concurrent.futures import Future
from concurrent.futures.process import BrokenProcessPool
from pathlib import Path

import pytest

from humanav.batch import BatchOptions, places, run_batch
from humanav.batch.pool import Pool, cores, usual_workers
from humanav.batch.value import Outcome, Task
from humanav.cli import main
from humanav.results import Result
from tests.batch.quick import Here, write_clips


def begun(out: Path, wait: float = 300.0) -> int:
    """The process that is at work on some item, as soon as there is one."""
    end = time.monotonic() + wait
    while time.monotonic() < end:
        for path in places.work(out).glob("*.jsonl"):
            lines = places.read_journal(out, path.stem)
            if lines and lines[-1]["event"] == "begun":
                return int(lines[-1]["worker"].split()[1])
        time.sleep(0.005)
    raise TimeoutError


def counts(out: Path, event: str) -> dict[str, int]:
    """How often it happened to each item."""
    return {path.stem: sum(line["event"] == event for line in places.read_journal(out, path.stem))
            for path in sorted(places.work(out).glob("*.jsonl"))}


def kill_the_first(out: Path, killed: list[int]) -> threading.Thread:
    """Kill the first worker that is at work."""
    def run() -> None:
        killed.append(begun(out))
        os.kill(killed[0], signal.SIGKILL)

    thread = threading.Thread(target=run, daemon=True)
    thread.start()
    return thread


def test_a_worker_killed_in_the_middle_loses_nothing_and_nothing_is_made_twice(tmp_path: Path) -> None:
    """With the real job."""
    folder, out, killed = write_clips(tmp_path / "in", 4), tmp_path / "out", list[int]()
    (folder / "broken.bvh").write_text("HIERARCHY")
    thread = kill_the_first(out, killed)
    book = run_batch(folder, BatchOptions("denoise", workers=2), out=out)
    thread.join(5)
    assert (book.count("done"), book.count("failed")) == (4, 1)
    assert counts(out, "published") == {"broken": 0, "take1": 1, "take2": 1, "take3": 1, "take4": 1}
    assert len(killed) == 1
    assert (out / ".batch" / "take1.webp").is_file()
    assert sum(item.attempts for item in book.items.values()) in (5, 6)  # 5 where it had just finished
    assert max(counts(out, "begun").values()) <= 2
    assert all(Result.load(out / name).id for name in ("take1", "take2", "take3", "take4"))
    assert not [path for path in out.iterdir() if path.name.startswith(".take")]


def test_ctrl_c_stops_the_command_and_the_same_command_goes_on(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """With the real job."""
    folder, out = write_clips(tmp_path / "in", 3), tmp_path / "out"
    words = [sys.executable, "-m", "humanav.cli", "batch", str(folder), "--job", "denoise", "--out", str(out),
             "--workers", "1", "--json"]
    first = subprocess.Popen(
        words, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, start_new_session=True,
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL))  # where the tests run in the background
    worker = begun(out)
    os.killpg(first.pid, signal.SIGINT)  # as a terminal does: to all of them
    error = first.communicate(timeout=300)[1]
    assert first.returncode == 2
    assert "the same command goes on from here" in error
    assert "Traceback" not in error
    with pytest.raises(ProcessLookupError):
        os.kill(worker, 0)
    before = json.loads((out / "batch.json").read_text())["counts"]
    assert before["waiting"] >= 1
    assert before["running"] == before["failed"] == 0
    monkeypatch.setattr("humanav.batch.run._workers", lambda *_: Here())  # which need not be started
    with pytest.raises(SystemExit) as end:
        main(words[3:])
    assert not end.value.code
    told = json.loads(capsys.readouterr().out.splitlines()[-1])
    assert (told["done"], told["kept"], told["failed"]) == (3, before["done"], 0)
    assert told["results"]["take1.npz"]["files"][0] == "denoised.npz"
    assert set(counts(out, "published").values()) == {1}


def asleep(*_: object) -> None:
    time.sleep(60)


def test_a_worker_that_has_not_begun_is_not_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("humanav.batch.pool._begin", asleep)
    pool, start = Pool(1), time.monotonic()
    pool.submit(Task("a", "denoise", "", ""))
    pool.close()
    assert time.monotonic() - start < 10


def test_a_worker_that_ended_while_idle_is_replaced(tmp_path: Path) -> None:
    class Broken:
        def submit(self, *_: object) -> None:
            raise BrokenProcessPool

        def shutdown(self, **_: object) -> None:
            pass

    class Fine(Broken):
        def submit(self, *_: object) -> Future[Outcome]:  # type: ignore[override]
            future: Future[Outcome] = Future()
            future.set_result(Outcome("a", "done"))
            return future

    class Odd(Broken):
        def submit(self, *_: object) -> Future[Outcome]:  # type: ignore[override]
            future: Future[Outcome] = Future()
            future.set_exception(SystemExit(3))
            return future

    def ended(*made: Broken) -> Outcome:
        pool, left = Pool(1), list(made)
        pool._executor = lambda slot: left.pop(0)  # type: ignore[assignment,method-assign,return-value]
        pool.submit(Task("a", "denoise", "", ""))
        assert left == []
        return pool.finished(1)[0][1]

    assert ended(Broken(), Fine()).end == "done"
    assert "ended from outside" in ended(Broken(), Broken()).sentence
    assert "SystemExit: 3" in ended(Odd()).sentence


def test_shares_of_the_cores(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert 1 <= usual_workers() <= cores()
    (tmp_path / "limit").write_text("2100000000\n")
    monkeypatch.setattr("humanav.batch.pool._LIMITS", (str(tmp_path / "limit"), str(tmp_path / "none")))
    assert usual_workers() == 1  # in a container of 2 GB
    assert Pool(2).threads == max(1, cores() // 2)
    assert Pool(1, threads=1).threads == 1
    assert Pool(3).room == 3
