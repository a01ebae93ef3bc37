"""The app as a visitor meets it: ``python app.py`` in a process of its own, headless Chromium with a software GPU on
the same cores, the sample photos uploaded one after the other, nothing kept from before. Medians over the photos; the
first upload comes as soon as the page is there.

``ready_seconds``: from the command to a page that answers. ``fitted_picture_seconds``: from the click to the picture of
the fitted body over the photo; ``fitted_body_seconds``: to the player with the fitted body in it. ``avatar_seconds``:
from the click to the finished result. ``memory_gb``: the largest resident memory of the app. ``glb_mb``: the largest
GLB. ``foreign_requests``: what the page asked of other machines.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path
from typing import Any

import numpy as np

FLAGS = ["--no-sandbox", "--use-gl=angle", "--use-angle=swiftshader", "--enable-unsafe-swiftshader"]


def run(quick: bool = False) -> dict[str, Any]:
    """Measure.

    Args:
        quick: one photo instead of three.
    """
    from humanav.errors import MissingExtraError
    from humanav.paths import asset, home

    browsers = ("chromium", "chromium-browser", "google-chrome")
    chromium = next((path for name in browsers if (path := shutil.which(name))), None)
    if chromium is None:
        raise MissingExtraError("The app's benchmark needs a browser: apt-get install chromium.")
    photos = sorted(asset("samples").glob("*.jpg"))[: 1 if quick else 3]
    with tempfile.TemporaryDirectory() as folder:
        environment = os.environ | {"TMPDIR": folder, "HF_HUB_OFFLINE": "1", "PYTHONUNBUFFERED": "1",
                                    "HUMANAV_SAMPLES": "off"}
        started = time.perf_counter()
        process = subprocess.Popen([sys.executable, "app.py"], cwd=home(), env=environment, text=True,
                                   stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        try:
            url = _address(process)
            peak = _watch(process)
            return {"photos": len(photos), **_visit(url, chromium, photos, started), "memory_gb": round(max(peak), 2)}
        finally:
            process.terminate()
            process.wait(20)


def _address(process: subprocess.Popen[str]) -> str:
    assert process.stdout is not None
    for line in process.stdout:
        found = re.search(r"http://127\.0\.0\.1:\d+", line)
        if found:
            threading.Thread(target=lambda: [None for _ in process.stdout or ()], daemon=True).start()
            return found.group()
    raise RuntimeError("The app ended before it printed its address.")


def _watch(process: subprocess.Popen[str]) -> list[float]:
    import psutil

    seen = [0.0]

    def look() -> None:
        while process.poll() is None:
            try:
                seen.append(max(seen.pop(), psutil.Process(process.pid).memory_info().rss / 1e9))
            except psutil.Error:
                return
            time.sleep(0.2)

    threading.Thread(target=look, daemon=True).start()
    return seen


def _visit(url: str, chromium: str, photos: list[Path], started: float) -> dict[str, Any]:
    from playwright.sync_api import sync_playwright

    pictures, bodies, wholes, sizes, foreign = [], [], [], [], []
    with sync_playwright() as session:
        browser = session.chromium.launch(executable_path=chromium, args=FLAGS)
        ready = 0.0
        for photo in photos:
            page = browser.new_page(viewport={"width": 1280, "height": 900})
            page.on("request", lambda request: foreign.append(request.url) if not request.url.startswith(
                (url, "data:", "blob:", "about:")) else None)
            page.goto(url)
            page.wait_for_selector("#make", timeout=120_000)
            ready = ready or time.perf_counter() - started
            page.locator("#photo input[type=file]").first.set_input_files(str(photo))
            page.locator("#photo img").first.wait_for(timeout=30_000)
            clicked = time.perf_counter()
            page.click("#make")
            page.locator("#evidence").get_by_text("Body over the photo").wait_for(timeout=300_000)
            pictures.append(time.perf_counter() - clicked)
            player = page.frame_locator("#viewer iframe")
            player.locator("#player[data-state=ready]").wait_for(timeout=300_000)
            bodies.append(time.perf_counter() - clicked)
            page.wait_for_selector("#status .done", timeout=600_000)
            wholes.append(time.perf_counter() - clicked)
            with page.expect_download() as waiting:
                page.locator("#downloads a[download='avatar.glb']").click()
            sizes.append(Path(waiting.value.path()).stat().st_size / 1e6)
            page.close()
        browser.close()
    return {"ready_seconds": round(ready, 2), "fitted_picture_seconds": round(float(np.median(pictures)), 2),
            "fitted_picture_seconds_first": round(pictures[0], 2),
            "fitted_body_seconds": round(float(np.median(bodies)), 2),
            "fitted_body_seconds_first": round(bodies[0], 2), "avatar_seconds": round(float(np.median(wholes)), 2),
            "glb_mb": round(max(sizes), 2), "foreign_requests": len(foreign)}
