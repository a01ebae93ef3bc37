"""Real worker processes: their share of the cores, one killed in the middle, the command line, its end by Ctrl-C."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from humanav.batch import BatchOptions, places, run_batch
from humanav.batch.pool import Pool, cores, usual_workers
from humanav.results import Result
from tests.batch.quick import write_clips


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
    folder, out, killed = write_clips(tmp_path / "in", 4), tmp_path / "out", list[int]()
    (folder / "broken.bvh").write_text("HIERARCHY")
    thread = kill_the_first(out, killed)
    book = run_batch(folder, BatchOptions("denoise", workers=2), out=out)
    thread.join(5)
    assert (book.count("done"), book.count("failed")) == (4, 1)
    assert counts(out, "published") == {"broken": 0, "take1": 1, "take2": 1, "take3": 1, "take4": 1}
    assert sum(counts(out, "begun").values()) in (5, 6)  # the killed one's twice (broken.bvh once)
    assert sum(item.attempts for item in book.items.values()) == 6
    lost = next(name for name in book.items if book.items[name].attempts == 2)
    assert killed[0] != int(book.items[lost].worker.split()[1])
    assert all(Result.load(out / name).id for name in ("take1", "take2", "take3", "take4"))
    assert not [path for path in out.iterdir() if path.name.startswith(".take")]
    assert (out / ".batch" / "take1.webp").is_file()


def test_ctrl_c_stops_the_command_and_the_same_command_goes_on(tmp_path: Path) -> None:
    folder, out = write_clips(tmp_path / "in", 3), tmp_path / "out"
    words = [sys.executable, "-m", "humanav.cli", "batch", str(folder), "--job", "denoise", "--out", str(out),
             "--workers", "1", "--json"]
    first = subprocess.Popen(words, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, start_new_session=True)
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
    second = subprocess.run(words, capture_output=True, text=True, check=True)
    told = json.loads(second.stdout.splitlines()[-1])
    assert (told["done"], told["kept"], told["failed"]) == (3, before["done"], 0)
    assert set(counts(out, "published").values()) == {1}


def test_shares_of_the_cores() -> None:
    assert 1 <= usual_workers() <= cores()
    assert Pool(2).threads == max(1, cores() // 2)
    assert Pool(1, threads=1).threads == 1
    assert Pool(3).room == 3
