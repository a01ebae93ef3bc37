"""A visitor's way through the app in headless Chromium: photo, progress, avatar, videos, downloads, errors."""

from __future__ import annotations

import json
import struct
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psutil
import pytest

from tests.app.conftest import RunningApp, running_app
from tests.app.visits import CHROMIUM, calm

playwright = pytest.importorskip("playwright.sync_api")
pytestmark = [pytest.mark.browser, pytest.mark.slow, pytest.mark.timeout(900),
              pytest.mark.skipif(CHROMIUM is None, reason="chromium is not installed")]


class Visit:
    """One visitor's page, with what it asked other machines for."""

    def __init__(self, browser: Any, app: RunningApp, width: int = 1280, dark: bool = False) -> None:
        self.context = calm(browser, width, 900, accept_downloads=True, color_scheme="dark" if dark else "light")
        self.page = self.context.new_page()
        self.foreign: list[str] = []
        self.page.on("request", self._note)
        self.page.goto(app.url)
        self.page.wait_for_selector("#make", timeout=60_000)

    def _note(self, request: Any) -> None:
        if not request.url.startswith(("http://127.0.0.1", "data:", "blob:", "about:")):
            self.foreign.append(request.url)

    def upload(self, path: Path) -> None:
        self.page.locator("#photo input[type=file]").first.set_input_files(str(path))
        self.page.locator("#photo img").first.wait_for(timeout=30_000)

    def sentence(self, timeout: float = 60_000) -> str:
        alert = self.page.locator("#status [role=alert]")
        alert.wait_for(timeout=timeout)
        return str(alert.inner_text())


@pytest.fixture(scope="module")
def app(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningApp]:
    """An app of these tests alone: what it needs of memory is measured."""
    with running_app(tmp_path_factory.mktemp("app")) as app:
        yield app


@pytest.fixture
def visit(browser: Any, app: RunningApp) -> Iterator[Visit]:
    visitor = Visit(browser, app)
    yield visitor
    visitor.context.close()


def glb_json(path: Path) -> dict[str, Any]:
    data = path.read_bytes()
    magic, version, length = struct.unpack("<4sII", data[:12])
    size, kind = struct.unpack("<I4s", data[12:20])
    assert (magic, version, length, kind) == (b"glTF", 2, len(data), b"JSON")
    return json.loads(data[20: 20 + size])


def test_the_app_is_ready_soon(app: RunningApp) -> None:
    assert app.seconds_to_ready < 60  # 15 s on an idle machine of two cores; tests share theirs


def test_a_photo_becomes_an_avatar(visit: Visit, app: RunningApp, sample: Path, tmp_path: Path) -> None:
    page = visit.page
    visit.upload(sample)
    page.click("#make")
    page.locator("#cancel").wait_for(timeout=120_000)  # an app that has just started loads a lot
    player = page.frame_locator("#viewer iframe")
    player.locator("canvas").wait_for(timeout=120_000)  # the fitted body, while the rest is in the making
    page.wait_for_selector("#status .done", timeout=600_000)
    assert psutil.Process(app.pid).memory_info().rss < 3e9

    player.locator("#player[data-state=ready]").wait_for(timeout=60_000)
    box = player.locator("canvas").bounding_box()
    assert box is not None
    assert box["width"] > 400
    assert box["height"] > 300
    assert page.locator("#evidence figure").count() >= 5
    for name in ("animation", "turntable"):
        page.wait_for_function(f"document.querySelector('#{name} video')?.readyState >= 2", timeout=60_000)
        assert page.evaluate(f"document.querySelector('#{name} video').videoWidth") > 100
    assert page.locator("#measures .measures div").count() >= 6

    links = page.locator("#downloads a")
    names = [links.nth(i).get_attribute("download") for i in range(links.count())]
    assert names[:4] == ["avatar.glb", "animation.mp4", "turntable.mp4", "motion.bvh"]
    with page.expect_download() as waiting:
        links.first.click()
    saved = tmp_path / "avatar.glb"
    waiting.value.save_as(saved)
    gltf = glb_json(saved)
    assert saved.stat().st_size < 8e6
    assert {"skins", "animations", "images", "meshes"} <= set(gltf)
    assert len(gltf["animations"]) >= 3

    _animate(visit)
    assert visit.foreign == []


def _animate(visit: Visit) -> None:
    """Another motion, without another fit."""
    page = visit.page
    page.click("#animate")
    page.wait_for_function("document.querySelector('#status .done')?.innerText.includes('dance')", timeout=300_000)
    with page.expect_download() as waiting:
        page.locator("#downloads a[download='motion.bvh']").click()
    assert Path(waiting.value.path()).read_text().startswith("HIERARCHY")


def test_a_job_can_be_cancelled(visit: Visit, sample: Path) -> None:
    visit.page.locator("#options button").first.click()
    visit.page.locator("#options").get_by_label("Swap left and right").check()  # not the result that is known already
    visit.upload(sample)
    visit.page.click("#make")
    visit.page.locator("#cancel").click(timeout=120_000)
    assert "Stopped" in visit.sentence()
    assert visit.page.locator("#make").is_enabled()
    assert visit.page.locator("#photo img").first.is_visible()


def test_a_file_that_is_no_photo_gets_a_sentence(visit: Visit, tmp_path: Path) -> None:
    letter = tmp_path / "letter.jpg"
    letter.write_text("Dear reader, this is no picture.")
    visit.page.locator("#photo input[type=file]").first.set_input_files(str(letter))
    visit.page.wait_for_timeout(1500)
    visit.page.click("#make")
    said = visit.sentence()
    assert "not a picture" in said
    assert "Traceback" not in said
    assert visit.page.locator("#make").is_enabled()


def test_no_photo_gets_a_sentence(visit: Visit) -> None:
    visit.page.click("#make")
    visit.page.get_by_text("There is no photo yet").first.wait_for(timeout=20_000)


@pytest.mark.parametrize("dark", [False, True])
def test_the_page_fits_a_phone(browser: Any, app: RunningApp, dark: bool) -> None:
    visitor = Visit(browser, app, width=390, dark=dark)
    assert visitor.page.evaluate("document.documentElement.scrollWidth") <= 390
    assert visitor.page.locator("#make").is_visible()
    assert visitor.foreign == []
    visitor.context.close()
