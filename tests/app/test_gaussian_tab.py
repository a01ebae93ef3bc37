"""The Gaussian avatar in the page: choice, budget, the training as it goes, the players, and a visitor's whole way."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import gradio as gr
import numpy as np
import pytest

from humanav.app import gaussian_pieces, kept, photo_tab, pieces, shell, visitors
from humanav.app.growth import Growth
from humanav.app.job import Job
from humanav.app.photo_tab import PhotoTab
from humanav.body import BodyModel
from humanav.errors import Cancelled, InputError
from humanav.jobs import GaussianOptions
from humanav.progress import Event
from humanav.results import Result, ResultWriter
from tests.app.visits import CHROMIUM, visit
from tests.jobs.known_person import put_in_photos

PICTURE = np.full((30, 90, 3), 128, np.uint8)


@pytest.fixture(scope="module")
def tab() -> PhotoTab:
    with gr.Blocks():
        return PhotoTab()


@pytest.fixture
def result(tmp_path: Path) -> Result:
    with ResultWriter(tmp_path / "out", "avatar", "0123456789abcdef", {"motion": "walk"}) as writer:
        for name in ("avatar.glb", "avatar.splats", "animation.mp4", "animation_gaussian.mp4", "turntable.mp4",
                     "turntable_gaussian.mp4"):
            writer.add(name, "A file", preview=name.endswith("splats")).write_bytes(b"data")
        writer.report.update({"quality": "Good.", "warnings": [], "seconds": 200.0, "measurements": {}})
    return writer.result


def test_the_budget_of_a_small_machine_is_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(gaussian_pieces.BUDGET, raising=False)
    assert gaussian_pieces.options(2) == GaussianOptions(minutes=2.0)
    monkeypatch.setenv(gaussian_pieces.BUDGET, "900:12")
    small = gaussian_pieces.options(5)
    assert (small.count, small.steps, small.minutes) == (900, 12, 5.0)
    for wrong in ("many", "900", "900:x"):
        monkeypatch.setenv(gaussian_pieces.BUDGET, wrong)
        with pytest.raises(InputError, match="2000:20"):
            gaussian_pieces.options(2)


def test_training_shows_its_picture_step_and_curve() -> None:
    first = gaussian_pieces.growing(PICTURE, 1, [900.0])
    assert "step 1<" in first
    assert "polyline" not in first
    later = gaussian_pieces.growing(PICTURE, 120, [900.0 - k for k in range(100)])
    assert "error 801" in later
    assert later.count(",") >= 24
    assert "NaN" not in gaussian_pieces.growing(PICTURE, 3, [5.0, 5.0])


def test_events_reach_their_places(tab: PhotoTab, tmp_path: Path) -> None:
    growth = Growth(tab, new=True)

    def after(**told: Any) -> dict[Any, Any]:
        return growth.seen(Event("Training the avatar", 10, 11, 0.9, 60.0, **told))

    update = after(image=PICTURE, data={"live": True, "step": 10, "loss": 800.0})
    assert update[tab.growing]["visible"]
    assert (growth.evidence, growth.losses) == ([], {"Training the avatar": [800.0]})
    assert tab.strip in after(image=PICTURE, caption="Seen.", data={"name": "gaussian_match"})
    assert 'class="wide"' in pieces.strip(growth.evidence)
    assert tab.strip not in Growth(tab, new=False).seen(Event("Moving", 1, 3, 0.1, 1.0, image=PICTURE))
    for name, player in (("a.glb", "HumanavPlayer.mount"), ("a.splats", "HumanavSplats.mount")):
        (tmp_path / name).write_bytes(b"x")
        assert player in after(file=tmp_path / name, caption="It moves.")[tab.viewer]


def test_a_stopped_training_says_that_it_goes_on(tab: PhotoTab, monkeypatch: pytest.MonkeyPatch) -> None:
    told = Event("Training the avatar", 10, 11, 0.9, 60.0, image=PICTURE, data={"live": True, "step": 10, "loss": 8.0})
    visitor: Any = type("Request", (), {"session_hash": "visitor"})()

    def stopped_after(*events: Event) -> str:
        def run(*_: Any, **__: Any) -> Iterator[Event]:
            yield from events
            raise Cancelled("Stopped. Your input is still here.")

        monkeypatch.setattr("humanav.app.following.run", run)
        job = Job("avatar-0", lambda out, progress: pytest.fail("it runs"), 11, "An avatar", training=60.0)
        *_, last = tab.produce(visitor, job, {})
        assert not last[tab.growing]["visible"]
        return str(last[tab.status])

    assert "go on with the training" in stopped_after(told)
    assert "input is still here" in stopped_after()
    record, = kept.store().mine(visitors.key_of(visitor))
    assert (record.state, record.title) == ("stopped", "An avatar")


def test_a_finished_result_plays_its_gaussians_and_can_be_compared(tab: PhotoTab, result: Result) -> None:
    update = tab.ready() | tab.finished(result)
    assert "HumanavSplats.mount" in update[tab.viewer]
    assert update[tab.shown]["visible"]
    assert not update[tab.growing]["visible"]
    assert update[tab.animation]["value"].endswith("animation_gaussian.mp4")
    assert update[tab.turntable]["value"].endswith("turntable_gaussian.mp4")
    assert "Gaussian avatar is ready" in update[tab.status]
    assert "compare" in photo_tab._look(str(result.folder), "compare")
    assert "HumanavPlayer.mount" in photo_tab._look(str(result.folder), "mesh")
    assert photo_tab._sort_of(result, "clip") == "gaussian clip"
    assert "gaussian clip" in photo_tab.EXPECTED_SECONDS


@pytest.fixture(scope="module")
def address(body: BodyModel) -> Iterator[str]:
    """The tab on a page of its own, whose photos all show one known person; training is over in a moment."""
    with pytest.MonkeyPatch.context() as patch:
        put_in_photos(patch, body)
        patch.setenv(gaussian_pieces.BUDGET, "900:8")
        with gr.Blocks() as page:
            PhotoTab()
        _, url, _ = page.queue().launch(prevent_thread_lock=True, quiet=True, **shell.launch_options())
        yield str(url).rstrip("/")
        page.close()


@pytest.mark.browser
@pytest.mark.slow
@pytest.mark.timeout(600)
@pytest.mark.skipif(CHROMIUM is None, reason="chromium is not installed")
def test_a_visitor_trains_one_and_compares_it(browser: Any, address: str, sample: Path) -> None:
    with visit(browser, address, "photo", "#make") as page:
        page.locator("#photo input[type=file]").first.set_input_files(str(sample))
        page.locator("#photo img").first.wait_for(timeout=60_000)
        page.locator("#kind").get_by_text("Gaussian avatar").click()
        page.click("#make")
        page.locator("#growing img").wait_for(timeout=300_000)
        assert page.frame_locator("#viewer iframe").locator("canvas").count() <= 1  # the mesh, meanwhile
        assert "step" in page.locator("#growing figcaption").inner_text()
        page.wait_for_selector("#status .done", timeout=300_000)
        assert page.locator("#growing img").count() == 0
        assert page.locator("#evidence figure").count() >= 2
        _sees(page, "HumanavSplats.mount")
        page.locator("#shown").get_by_text("Compare").click()
        _sees(page, '"compare"')
        names = page.locator("#downloads a").evaluate_all("all => all.map(a => a.download)")
        assert names[:3] == ["splats.html", "avatar.ply", "avatar_gaussian.glb"]
        page.click("#animate")
        page.wait_for_function("document.querySelector('#status .done')?.innerText.includes('dance')", timeout=300_000)
        _sees(page, "HumanavSplats.mount")


def _sees(page: Any, words: str) -> None:
    """The viewer's page holds these words, and its player has come up."""
    page.wait_for_function(
        "words => document.querySelector('#viewer iframe')?.srcdoc.includes(words)", arg=words, timeout=60_000)
    page.frame_locator("#viewer iframe").locator("#player[data-state=ready]").wait_for(timeout=120_000)
