"""A running app, and photos to give it."""

from __future__ import annotations

import functools
import os
import re
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import gradio as gr
import pytest

from humanav.app import kept, shell
from humanav.paths import asset

ROOT = Path(__file__).resolve().parents[2]


@dataclass
class RunningApp:
    """The app in a process of its own."""

    url: str
    pid: int
    seconds_to_ready: float


@functools.cache
def whole_page() -> gr.Blocks:
    """The page, which takes a while to build."""
    return shell.build()


def ids_of_the_page() -> frozenset[str]:
    """The ids of everything on the page."""
    return frozenset(block.elem_id for block in whole_page().blocks.values() if block.elem_id)


def free_port() -> int:
    """A port that nobody listens on: two workers that start at once would both try the first one."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@contextmanager
def running_app(temporary: Path, **settings: str) -> Iterator[RunningApp]:
    """``python app.py``, as a visitor gets it, with its own temporary directory, and other settings."""
    environment = os.environ | {"TMPDIR": str(temporary), "HF_HUB_OFFLINE": "1", "PYTHONUNBUFFERED": "1",
                                "HUMANAV_SAMPLES": "off", "HUMANAV_STORAGE": str(temporary / "store"),
                                "PORT": str(free_port())} | settings
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
    try:
        yield RunningApp(url, process.pid, ready)
    finally:
        process.terminate()
        process.wait(20)


@pytest.fixture(scope="module", autouse=True)
def own_store(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Results of these tests lie in a folder of their own, not in the user's."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("HUMANAV_STORAGE", str(tmp_path_factory.mktemp("store")))
        patch.setenv("HUMANAV_LEAST_FREE_GB", "0")
        kept.store.cache_clear()
        yield
    kept.store.cache_clear()


@pytest.fixture(scope="session")
def app(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningApp]:
    """One running app for all files of tests."""
    with running_app(tmp_path_factory.mktemp("app")) as app:
        yield app


@pytest.fixture(scope="session")
def sample() -> Path:
    """The first sample photo."""
    return sorted(asset("samples").glob("*.jpg"))[0]
