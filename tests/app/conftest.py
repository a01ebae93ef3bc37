"""A running app, and photos to give it."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from humanav.paths import asset

ROOT = Path(__file__).resolve().parents[2]


@dataclass
class RunningApp:
    """The app in a process of its own."""

    url: str
    pid: int
    seconds_to_ready: float


@pytest.fixture(scope="session")
def app(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningApp]:
    """``python app.py``, as a visitor gets it, with its own temporary directory."""
    environment = os.environ | {"TMPDIR": str(tmp_path_factory.mktemp("app")), "HF_HUB_OFFLINE": "1",
                                "PYTHONUNBUFFERED": "1", "HUMANAV_SAMPLES": "off"}
    start = time.perf_counter()
    process = subprocess.Popen([sys.executable, "app.py"], cwd=ROOT, env=environment, text=True,
                               stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    assert process.stdout is not None
    lines: list[str] = []
    url = ""
    for line in process.stdout:
        lines.append(line)
        found = re.search(r"http://127\.0\.0\.1:\d+", line)
        if found:
            url = found.group()
            break
    ready = time.perf_counter() - start
    assert url, "the app did not start:\n" + "".join(lines)
    threading.Thread(target=lambda: [None for _ in process.stdout or ()], daemon=True).start()  # keep its pipe empty
    yield RunningApp(url, process.pid, ready)
    process.terminate()
    process.wait(20)


@pytest.fixture(scope="session")
def sample() -> Path:
    """The first sample photo."""
    return sorted(asset("samples").glob("*.jpg"))[0]
