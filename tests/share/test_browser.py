"""The real thing: a page opened from the disk in Chromium, without a network, on a phone."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from humanav.share import write_share_page
from tests.app import visits
from tests.share import made

pytestmark = pytest.mark.browser
until = partial(visits.until, seconds=60.0)
HOSTILE = '"><script>window.hit = 1</script><img src=x onerror="window.hit = 1">'


@contextmanager
def opened(browser: Any, path: Path, width: int = 390, dark: bool = False) -> Iterator[Any]:
    """A page from the disk with the network cut; nothing may be asked for, nothing complained about."""
    context = browser.new_context(viewport={"width": width, "height": 844}, offline=True, has_touch=width < 700,
                                  is_mobile=width < 700, color_scheme="dark" if dark else "light")
    page = context.new_page()
    problems: list[str] = []
    page.on("pageerror", lambda error: problems.append(str(error)))
    page.on("console", lambda said: problems.append(said.text) if said.type in ("error", "warning") else None)
    page.on("request", lambda request: None if request.url.startswith(("file:", "data:", "blob:", "about:"))
            else problems.append(request.url))
    page.goto(path.as_uri())
    yield page
    assert problems == []
    context.close()


def ready(page: Any, view: int) -> None:
    until(page, lambda: page.evaluate("document.body.dataset.ready") == str(view))


def time_of(page: Any) -> float:
    return float(page.evaluate("document.querySelector('#stage iframe').contentWindow.humanavPlayer.state.time"))


def test_an_avatar_plays_scrubs_and_changes_its_motion(browser: Any, tmp_path: Path) -> None:
    result = made.avatar(tmp_path / "out", gaussian=True, frames=40)
    with opened(browser, write_share_page(result, tmp_path / "share.html", title=HOSTILE)) as page:
        ready(page, 0)
        assert page.locator("h1").inner_text() == HOSTILE
        first = time_of(page)
        until(page, lambda: abs(time_of(page) - first) > 0.05)
        frame = page.frame_locator("#stage iframe")
        frame.get_by_role("button", name="Pause").tap()
        frame.get_by_label("Position in the animation").fill("500")
        until(page, lambda: abs(time_of(page) - 39 / 10 / 2) < 0.2)
        frame.get_by_label("Animation", exact=True).select_option(label="Turn around")
        until(page, lambda: page.evaluate(
            "document.querySelector('#stage iframe').contentWindow.humanavPlayer.state.clip") == 1)
        page.get_by_role("tab", name="Before and after").tap()  # mesh and Gaussians
        ready(page, 1)
        assert page.frame_locator("#stage iframe").get_by_role("slider", name="Textured mesh or Gaussians").count() == 1
        page.get_by_role("tab", name="Before and after").press("ArrowRight")
        ready(page, 2)
        assert page.get_by_role("tab", name="Mesh").get_attribute("aria-selected") == "true"
        page.get_by_label("Between before and after").fill("20")
        assert "20%" in str(page.locator(".wipe").get_attribute("style"))
        assert page.evaluate("document.documentElement.scrollWidth") == 390
        assert page.evaluate("window.hit") is None


def test_a_track_plays_in_step_and_its_curves_take_touches(browser: Any, tmp_path: Path) -> None:
    path = write_share_page(made.track(tmp_path / "out"), tmp_path / "share.html")
    with opened(browser, path, dark=True) as page:
        ready(page, 0)
        assert page.evaluate("document.body.classList.contains('dark')")
        first = time_of(page)
        until(page, lambda: abs(time_of(page) - first) > 0.05)
        curve = page.get_by_role("slider", name="Moment, in the curve Person 1").first
        curve.press("End")
        until(page, lambda: abs(float(curve.get_attribute("aria-valuenow") or 0) - 1.1) < 0.15)
        state = page.evaluate("""() => { const outer = document.querySelector('#stage iframe').contentWindow;
          const world = outer.document.getElementById('world').contentWindow.humanavPlayer;
          return [outer.humanavPlayer.state.playing, outer.humanavPlayer.state.time - world.state.time]; }""")
        assert state[0] is False
        assert abs(state[1]) < 0.11
        page.get_by_role("tab", name="In their world").tap()
        ready(page, 1)
        page.get_by_role("button", name="Dark page").tap()
        player = page.frame_locator("#stage iframe").locator("#player")
        until(page, lambda: player.get_attribute("data-theme") == "light")
        assert page.evaluate("document.documentElement.scrollWidth") == 390


def test_poses_are_chosen_from_their_pictures(browser: Any, tmp_path: Path) -> None:
    path = write_share_page(made.poses(tmp_path / "out"), tmp_path / "share.html")
    with opened(browser, path, width=1280) as page:
        ready(page, 0)
        card = page.get_by_role("button", name="Pose 2")
        card.click()
        assert card.get_attribute("aria-pressed") == "true"
        until(page, lambda: page.evaluate(
            "document.querySelector('#stage iframe').contentWindow.humanavPlayer.state.clip") == 1)
        assert page.evaluate("[...document.images].every((image) => !image.complete || image.naturalWidth > 0)")
        unnamed = page.evaluate("[...document.querySelectorAll('button, input, iframe, [role=slider]')].filter((e) => "
                                "!(e.ariaLabel || e.title || e.textContent.trim())).length")
        assert unnamed == 0


def test_without_scripts_there_is_a_picture(browser: Any, tmp_path: Path) -> None:
    path = write_share_page(made.avatar(tmp_path / "out"), tmp_path / "share.html")
    context = browser.new_context(java_script_enabled=False, offline=True)
    page = context.new_page()
    page.goto(path.as_uri())
    assert page.locator("noscript img").bounding_box()["width"] > 40
    assert "open this file in a browser" in page.locator("noscript").inner_html()
    assert not page.locator(".waiting").is_visible()
    context.close()
