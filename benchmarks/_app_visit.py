"""A running app for a benchmark, and a visitor in headless Chromium who makes avatars of the sample photos."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import threading
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from _app_page import FLAGS

_IDLE_SECONDS = 20.0
"""After the warm-up, before the memory of an idle app is read."""


@dataclass
class App:
    """``python app.py`` in a process of its own.

    Attributes:
        url: its address.
        process: the process; :meth:`memory` reads its memory and that of its children.
        cold_start: seconds from the command to an answer to the first request.
        peak: GB, the most that was seen so far.
    """

    url: str
    process: subprocess.Popen[str]
    cold_start: float
    peak: float = 0.0
    stopped: threading.Event = field(default_factory=threading.Event)

    def memory(self) -> float:
        """Resident memory in GB of the app and its children."""
        import psutil

        total = 0
        parent = psutil.Process(self.process.pid)
        for process in [parent, *parent.children(recursive=True)]:
            try:
                total += process.memory_info().rss
            except psutil.Error:
                continue
        return total / 1e9

    def wait_until_warm(self, timeout: float = 180.0) -> None:
        """Wait until the app says at ``/health`` that it has loaded what jobs need. Raises TimeoutError."""
        import json

        end = time.monotonic() + timeout
        while time.monotonic() < end:
            with urllib.request.urlopen(f"{self.url}/health", timeout=30) as answer:
                if json.loads(answer.read()).get("warm"):
                    return
            time.sleep(0.5)
        raise TimeoutError("The app did not get warm.")

    def idle_memory(self) -> float:
        """Resident memory in GB once the app is warm and has had nothing to do for a while."""
        self.wait_until_warm()
        time.sleep(_IDLE_SECONDS)
        return self.memory()


@contextmanager
def running_app(folder: str | Path, **environment: str) -> Iterator[App]:
    """Start the app with everything it keeps below ``folder``, and no samples made beforehand."""
    from humanav.paths import home

    surroundings = os.environ | {"TMPDIR": str(folder), "HUMANAV_STORAGE": str(Path(folder) / "store"),
                                 "HF_HUB_OFFLINE": "1", "PYTHONUNBUFFERED": "1", "HUMANAV_SAMPLES": "off"} | environment
    begun = time.perf_counter()
    process = subprocess.Popen([sys.executable, "app.py"], cwd=home(), env=surroundings, text=True,
                               stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    try:
        url = _address(process)
        with urllib.request.urlopen(url, timeout=60) as answer:
            answer.read()
        app = App(url, process, time.perf_counter() - begun)
        threading.Thread(target=_watch, args=(app,), daemon=True).start()
        yield app
        app.stopped.set()
    finally:
        process.terminate()
        process.wait(30)


def visit(app: App, chromium: str, photos: list[Path]) -> dict[str, Any]:
    """Make an avatar of each photo in a page of its own; the first one meets an app that has just started.

    Returns:
        ``first_result_s``: click to finished result, of the first photo. ``page_weight_mb``: what the first page loads.
        ``fitted_picture_s``, ``fitted_body_s``, ``avatar_s``: medians over the photos from the click to the picture of
        the fitted body, to the body in the player, and to the finished result. ``glb_mb``: the largest GLB.
        ``foreign_requests``: what the pages asked of other machines.
    """
    from playwright.sync_api import sync_playwright

    pictures, bodies, wholes, sizes, foreign = [], [], [], [], []
    weight = 0.0
    with sync_playwright() as session:
        browser = session.chromium.launch(executable_path=chromium, args=FLAGS)
        for photo in photos:
            page = browser.new_context(viewport={"width": 1280, "height": 900}).new_page()
            page.on("request", lambda request: foreign.append(request.url) if not request.url.startswith(
                (app.url, "data:", "blob:", "about:")) else None)
            loaded = _weigh(page)
            page.goto(app.url)
            page.wait_for_selector("#make", timeout=120_000)
            weight = weight or _settled(page, loaded)
            page.locator("#photo input[type=file]").first.set_input_files(str(photo))
            page.locator("#photo img").first.wait_for(timeout=30_000)
            clicked = time.perf_counter()
            page.click("#make")
            page.locator("#evidence").get_by_text("Body over the photo").wait_for(timeout=300_000)
            pictures.append(time.perf_counter() - clicked)
            page.frame_locator("#viewer iframe").locator("#player[data-state=ready]").wait_for(timeout=300_000)
            bodies.append(time.perf_counter() - clicked)
            page.wait_for_selector("#status .done", timeout=600_000)
            wholes.append(time.perf_counter() - clicked)
            with page.expect_download() as waiting:
                page.locator("#downloads a[download='avatar.glb']").click()
            sizes.append(Path(waiting.value.path()).stat().st_size / 1e6)
            page.context.close()
        browser.close()
    return {"first_result_s": round(wholes[0], 1), "page_weight_mb": round(weight, 2),
            "fitted_picture_s": round(float(np.median(pictures)), 1),
            "fitted_body_s": round(float(np.median(bodies)), 1), "avatar_s": round(float(np.median(wholes)), 1),
            "glb_mb": round(max(sizes), 2), "foreign_requests": len(foreign)}


def _weigh(page: Any) -> list[float]:
    """Bytes over the wire of everything that the page loads, as they come."""
    loaded: list[float] = []
    session = page.context.new_cdp_session(page)
    session.send("Network.enable")
    session.on("Network.loadingFinished", lambda event: loaded.append(event["encodedDataLength"]))
    return loaded


def _settled(page: Any, loaded: list[float]) -> float:
    """MB once nothing more has come for two seconds."""
    count = -1
    while count != len(loaded):
        count = len(loaded)
        page.wait_for_timeout(2000)
    return sum(loaded) / 1e6


def _address(process: subprocess.Popen[str]) -> str:
    assert process.stdout is not None
    lines = []
    for line in process.stdout:
        lines.append(line)
        found = re.search(r"http://127\.0\.0\.1:\d+", line)
        if found:
            threading.Thread(target=lambda: [None for _ in process.stdout or ()], daemon=True).start()
            return found.group()
    raise RuntimeError("The app ended before it printed its address:\n" + "".join(lines[-20:]))


def _watch(app: App) -> None:
    import psutil

    while not app.stopped.wait(0.3) and app.process.poll() is None:
        try:
            app.peak = max(app.peak, app.memory())
        except psutil.Error:
            return
