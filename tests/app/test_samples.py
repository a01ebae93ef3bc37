"""The samples are made in the background, and stand still while visitors' jobs work."""

from __future__ import annotations

import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from humanav.app import kept
from humanav.app.samples import attend


@pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="the system does not tell the state of a process")
def test_it_stands_still_while_visitors_jobs_work() -> None:
    process = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"])

    def state() -> str:
        return Path(f"/proc/{process.pid}/stat").read_text().rpartition(")")[2].split()[0]

    def becomes(wanted: str) -> None:
        start = time.perf_counter()
        while (state() == "T") != (wanted == "T"):
            assert time.perf_counter() - start < 10
            time.sleep(0.01)

    busy = [True]
    watcher = threading.Thread(target=attend, args=(process, lambda: busy[0], 0.02))
    try:
        with kept.store().locked():  # a process that stands still would keep it locked
            watcher.start()
            time.sleep(0.1)
            assert state() != "T"
        becomes("T")
        busy[0] = False
        becomes("S")
    finally:
        process.kill()
        watcher.join(10)
    assert not watcher.is_alive()
