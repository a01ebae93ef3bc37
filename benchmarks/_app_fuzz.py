"""Hostile and broken uploads, one by one, through what a visitor's upload reaches. ``fuzz_cases``: how many;
``fuzz_failures``: those that did not end as they must: in a :class:`humanav.errors.HumanavError` of one clear sentence,
or read, where the file is right.

A case fails by any other error, by ten seconds of time, by a gigabyte and a half of memory, by a file outside its own
folder or left in the temporary one, by opening what lies outside, by starting a program or a connection, by code of a
file that ran, and by a sentence that is long, says nothing to do, or shows a path of the machine. The cases are those
of ``_app_fuzz_cases.py``; they run in a process of their own, which is started anew when it hangs or dies.

``python benchmarks/_app_fuzz.py [--seed N] [--only REGEX]`` runs it alone.
"""

from __future__ import annotations

import json
import os
import queue
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

SECONDS = 10.0
"""A case that takes longer has hung."""
_START = 120.0  # seconds that the process may take until its first case
_BUSY = 20.0  # times as long a case may take on the clock as of the processor


def fuzz(
    seed: int = 0, progress: Callable[[int, int, str], None] | None = None, only: str = ""
) -> dict[str, Any]:
    """Run all cases.

    Args:
        seed: of the random damage.
        progress: told how many of how many cases are done, and what was wrong with the last one ("" for nothing).
        only: run only the cases in whose names this regular expression is found.

    Returns:
        ``fuzz_cases``, ``fuzz_failures``, ``failures`` (a list of "case: what was wrong") and ``seconds``.
    """
    failures: list[str] = []
    names: list[str] = []
    begun, done = time.perf_counter(), 0
    with tempfile.TemporaryDirectory(prefix="humanav-fuzz-") as place:
        while not names or done < len(names):
            worker = _Worker(Path(place), seed, only, done)
            try:
                names = worker.answer(_START)
                first = done
                for number in range(first, len(names)):
                    answer = worker.answer(_START if number == first else SECONDS)
                    if answer:
                        failures.append(f"{names[number]}: {answer}")
                    done = number + 1
                    if progress is not None:
                        progress(done, len(names), answer)
            except _DiedError as error:
                if not names:
                    raise RuntimeError(f"The cases could not be made: {error}.") from error
                failures.append(f"{names[done]}: {error}")
                done += 1
                if progress is not None:
                    progress(done, len(names), str(error))
            finally:
                worker.stop()
    return {"fuzz_cases": len(names), "fuzz_failures": len(failures), "failures": failures,
            "seconds": round(time.perf_counter() - begun, 1)}


class _DiedError(Exception):
    """The process of the cases hung or ended; the text says which."""


class _Worker:
    """A process that runs the cases from a number on."""

    def __init__(self, place: Path, seed: int, only: str, first: int) -> None:
        root = Path(tempfile.mkdtemp(dir=place))
        (root / "tmp").mkdir()
        here = Path(__file__).parent
        environment = os.environ | {
            "TMPDIR": str(root / "tmp"), "HOME": str(root / "home"), "MPLCONFIGDIR": str(root / "config"),
            "XDG_CACHE_HOME": str(root / "config"), "OMP_NUM_THREADS": "1", "HF_HUB_OFFLINE": "1",
            "GLOG_minloglevel": "3", "TF_CPP_MIN_LOG_LEVEL": "3", "OPENCV_LOG_LEVEL": "SILENT",
            "PYTHONPATH": os.pathsep.join([str(here.parent), str(here), os.environ.get("PYTHONPATH", "")])}
        self._process = subprocess.Popen(
            [sys.executable, str(here / "_app_fuzz_watch.py"), str(root), str(seed), str(first), only],
            stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, env=environment, text=True)
        self._lines: queue.Queue[str] = queue.Queue()
        threading.Thread(target=self._listen, daemon=True).start()

    def _listen(self) -> None:
        assert self._process.stdout is not None
        for line in self._process.stdout:
            self._lines.put(line)
        self._lines.put("")

    def answer(self, seconds: float) -> Any:
        """The next line that it writes: at first the names of all cases, then what was wrong with each, "" for
        nothing. Raises _DiedError.
        """
        begun, spent = time.monotonic(), self._spent()
        while True:
            try:
                line = self._lines.get(timeout=1)
                break
            except queue.Empty:
                if self._spent() - spent > seconds or time.monotonic() - begun > _BUSY * seconds:
                    raise _DiedError(f"it did not end within {seconds:g} seconds") from None
        if not line:
            raise _DiedError(f"the process ended with {self._process.wait()}")
        return json.loads(line)

    def _spent(self) -> float:
        """Seconds of processor that it has taken: other programs may share the machine."""
        import psutil

        try:
            times = psutil.Process(self._process.pid).cpu_times()
        except psutil.Error:
            return 0.0
        return float(times.user + times.system)

    def stop(self) -> None:
        self._process.kill()
        self._process.wait()


def _tell(done: int, of: int, wrong: str) -> None:
    if wrong or done % 100 == 0:
        print(f"{done} of {of}", wrong[:400], file=sys.stderr, flush=True)


def main() -> None:
    """Run and print."""
    import argparse

    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--only", default="")
    chosen = parser.parse_args()
    found = fuzz(chosen.seed, _tell, chosen.only)
    print(*found.pop("failures"), json.dumps(found), sep="\n")


if __name__ == "__main__":
    main()
