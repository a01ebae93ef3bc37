"""Results that last, as visitors meet them in Chromium: links, "My results", a restart, a program that was killed."""

from __future__ import annotations

import os
import signal
import socket
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from humanav.app import results_pieces
from humanav.motion import load_clip, save_npz
from humanav.motion.motion import Motion
from humanav.store import Record
from tests.app.conftest import RunningApp, running_app
from tests.app.visits import calm, until

RECORD = Record("a" * 26, "o", "denoise/random", "poses", "<b>Poses</b> & more", 1.8e9, 1.8e9, state="done",
                size=2_000_000)


def test_cards_escape_and_offer_what_can_be_done() -> None:
    said = results_pieces.card(RECORD, None)
    assert "&lt;b&gt;Poses" in said
    assert "<b>Poses" not in said
    assert "Random poses" in said
    assert "2.0 MB" in said
    for do in ("open", "again", "rename", "delete", "pick"):
        assert f'data-do="{do}"' in said
    broken = Record(**{**RECORD.__dict__, "state": "broken", "note": "It ended."})
    said = results_pieces.listing([broken], {})
    assert "Broke off" in said
    assert "It ended." in said
    assert 'data-do="pick"' not in said
    running = results_pieces.card(Record(**{**RECORD.__dict__, "state": "running"}), None)
    assert 'data-do="delete"' not in running
    assert "Nothing here yet" in results_pieces.listing([], {})


@contextmanager
def browsing(browser: Any, width: int = 1360, state: Any = None) -> Iterator[Any]:
    """A page in a browser of its own."""
    context = calm(browser, width, 900, storage_state=state)
    yield context.new_page()
    context.close()


def make_poses(page: Any, app: RunningApp, seed: int) -> str:
    """Four poses; returns the id of the result."""
    page.goto(f"{app.url}/?tab=denoise")
    page.wait_for_selector("#clean", timeout=120_000)
    page.locator("#denoise-parts").get_by_text("Random poses").click()
    page.get_by_label("number input for How many").fill("4")
    page.locator("#pose-seed input").fill(str(seed))
    page.click("#make-poses")
    page.wait_for_selector("#pose-status .done", timeout=240_000)
    until(page, lambda: "result=" in page.url)
    return str(page.url.rpartition("result=")[2])


def cards(page: Any) -> list[str]:
    page.wait_for_selector("#mine-list li, #mine-list .empty", timeout=60_000)
    return page.locator("#mine-list .title").all_inner_texts()


@pytest.mark.browser
@pytest.mark.slow
@pytest.mark.timeout(600)
def test_results_are_listed_compared_renamed_and_deleted(browser: Any, app: RunningApp) -> None:
    with browsing(browser) as page, browsing(browser, 390) as friend:
        for seed in (21, 22):
            id = make_poses(page, app, seed)
        page.locator("#denoise-random-after .copy-link").click()
        page.wait_for_selector(f"#denoise-random-said a[href$='?result={id}']")
        with page.expect_download(timeout=120_000) as waiting:
            page.locator("#denoise-random-after .share-page").click()
        assert waiting.value.suggested_filename == "4 random poses seed 22.html"
        assert Path(waiting.value.path()).read_text()[:15].lower() == "<!doctype html>"
        page.reload()
        page.wait_for_selector("#pose-status .done", timeout=60_000)  # the address knows it
        page.get_by_role("tab", name="Photo to avatar").click()
        until(page, lambda: "result=" not in page.url)
        page.get_by_role("tab", name="Pose denoising").click()
        until(page, lambda: page.url.endswith(f"result={id}"))  # and knows it again

        friend.goto(f"{app.url}/?result={id}")
        friend.wait_for_selector("#pose-status .done", timeout=60_000)
        assert friend.locator("#pose-seed input").input_value() == "22"
        assert not friend.locator("#denoise-random-after .delete").is_visible()
        assert friend.evaluate("document.documentElement.scrollWidth") <= 390
        friend.goto(f"{app.url}/?tab=results")
        assert cards(friend) == []

        page.get_by_role("tab", name="My results").click()
        assert cards(page) == ["4 random poses, seed 22", "4 random poses, seed 21"]
        assert "result=" not in page.url
        page.wait_for_function("[...document.querySelectorAll('.results img')].filter((picture) => "
                               "picture.naturalWidth).length === 2", timeout=60_000)
        for box in page.locator("[data-do=pick]").all():
            box.check()
        page.locator(".pair button").click()
        page.wait_for_selector(".compared iframe >> nth=1", timeout=60_000)
        assert page.locator(".compared tbody tr").first.inner_text().split() == ["Seed", "22", "21"]
        page.locator("[data-do=close]").click()
        page.wait_for_selector(".compared", state="detached")

        first = page.locator("#mine-list li").first
        first.get_by_role("button", name="Rename").press("Enter")  # by keys alone
        first.locator("input[type=text]").fill("My <i>poses</i>")
        first.locator("input[type=text]").press("Enter")
        until(page, lambda: cards(page)[0] == "My <i>poses</i>")
        page.locator("#mine-list li").nth(1).get_by_role("button", name="Delete").click()
        page.locator("#mine-list li").nth(1).get_by_role("button", name="Keep it").click()
        page.locator("#mine-list li").nth(1).get_by_role("button", name="Delete").click()
        page.locator("#mine-list li").nth(1).get_by_role("button", name="Delete it").click()
        until(page, lambda: cards(page) == ["My <i>poses</i>"])
        page.locator("#mine-list li").first.get_by_role("button", name="Run again").click()
        page.wait_for_selector("#pose-status:has-text('Your inputs are back')", timeout=60_000)
        assert page.locator("#pose-seed input").input_value() == "22"
        assert page.locator("#make-poses").is_enabled()


def long_motion(folder: Path) -> Path:
    walk = load_clip("walk")
    frames = [*range(len(walk))] * 14
    return save_npz(Motion.from_full_pose(walk.full_pose[frames][:1700], 30.0), folder / "long.npz")


@pytest.mark.browser
@pytest.mark.slow
@pytest.mark.timeout(600)
def test_links_outlive_the_program_and_a_killed_job_is_told(browser: Any, tmp_path: Path) -> None:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = str(probe.getsockname()[1])
    with running_app(tmp_path, PORT=port) as app, browsing(browser) as page:
        id = make_poses(page, app, 1)
        page.locator("#denoise-parts").get_by_text("Clean a motion").click()
        page.locator("#clean-files input[type=file]").first.set_input_files(str(long_motion(tmp_path)))
        page.wait_for_function("document.querySelector('#damage input').value.startsWith('Leave')", timeout=60_000)
        page.click("#clean")
        page.wait_for_selector("#clean-status .bar", timeout=60_000)
        until(page, lambda: '"running"' in "".join(
            path.read_text() for path in (tmp_path / "store" / "records").glob("*.json")))
        os.kill(app.pid, signal.SIGKILL)
        state = page.context.storage_state()
        time.sleep(0.5)  # until the port is free
    with running_app(tmp_path, PORT=port) as app:
        with browsing(browser) as fresh:
            fresh.goto(f"{app.url}/?result={id}")
            fresh.wait_for_selector("#pose-status .done", timeout=60_000)
            fresh.frame_locator("#pose-viewer iframe").locator("#player[data-state=ready]").wait_for(timeout=60_000)
        with browsing(browser, state=state) as page:
            page.goto(f"{app.url}/?tab=results")
            assert cards(page) == ["Long, cleaned", "4 random poses, seed 1"]
            assert "The program ended" in page.locator("#mine-list li").first.inner_text()
            broken = page.locator("#mine-list li").first.get_attribute("data-id")
            page.locator("#mine-list li").first.get_by_role("button", name="Run again").click()
            page.wait_for_selector("#clean-status:has-text('Your inputs are back')", timeout=60_000)
            page.wait_for_selector("#clean-files .file-preview", timeout=30_000)
            assert "long" in page.locator("#clean-files").inner_text()
            page.goto(f"{app.url}/?result={broken}")
            page.wait_for_selector("#clean-status [role=alert]:has-text('Your inputs are back')", timeout=60_000)
            page.click("#clean")
            page.wait_for_selector("#clean-status .bar", timeout=60_000)  # the same question, asked again
