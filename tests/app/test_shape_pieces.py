"""The panel of measurements: what it asks for and shows, and a visitor moving its sliders in headless Chromium."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import gradio as gr
import pytest

from humanav.app import shape_pieces, shell
from humanav.app.shape_pieces import MAIN, SLIDERS, shape_panel, shape_table, spans
from humanav.body.anthropometrics import ANTHROPOMETRICS
from humanav.jobs.shape import find_shape, shape_figure
from tests.app.visits import CHROMIUM


def test_sliders_cover_all_measurements() -> None:
    assert len(MAIN) == 8
    assert {shape_pieces.plain(name) for name in ANTHROPOMETRICS} | {"weight"} == set(SLIDERS)
    for name, (low, high, step, value) in spans().items():
        assert low < value < high, name
        assert (high - low) / step > 12, name


def test_what_is_held_is_asked_in_metres() -> None:
    values = [spans()[name][3] for name in SLIDERS]
    values[SLIDERS.index("height length")] = 180.0
    asked = shape_pieces._asked(["height length", "arm length", "weight"], values)
    assert asked["height length"] == 1.8
    assert set(asked) == {"height length", "left arm length", "right arm length", "weight"}
    assert asked["weight"] > 30


def test_the_table_has_every_measure() -> None:
    assert "Hold a measurement" in shape_table(None)
    shape = find_shape({"height length": 1.8, "left hand length": 0.19, "right hand length": 0.2})
    table = shape_table(shape)
    assert table.count("<tr>") == 1 + len(SLIDERS) + 1  # the hands are asked apart
    assert "180.0 <small>cm" in table
    assert "Hand length, left" in table


def test_the_figure_keeps_its_frame() -> None:
    small, tall = (shape_figure([value]) for value in (-2.0, 2.0))
    assert small.layout.scene.zaxis.range == tall.layout.scene.zaxis.range
    assert min(tall.data[0].z) == pytest.approx(0, abs=1e-6)
    assert max(tall.data[0].z) > max(small.data[0].z) + 0.2


@pytest.fixture(scope="module")
def url() -> Iterator[str]:
    with gr.Blocks(analytics_enabled=False) as page:
        panel = shape_panel()
        page.load(shape_figure, panel.betas, panel.figure)
    _, address, _ = page.queue().launch(prevent_thread_lock=True, quiet=True, **shell.launch_options())
    yield address
    page.close()


@pytest.mark.browser
@pytest.mark.slow
@pytest.mark.timeout(300)
@pytest.mark.skipif(CHROMIUM is None, reason="chromium is not installed")
def test_a_visitor_moves_sliders(url: str) -> None:
    playwright = pytest.importorskip("playwright.sync_api")
    with playwright.sync_playwright() as session:
        chromium = session.chromium.launch(executable_path=CHROMIUM, args=[
            "--no-sandbox", "--use-gl=angle", "--use-angle=swiftshader", "--enable-unsafe-swiftshader"])
        page: Any = chromium.new_page(viewport={"width": 390, "height": 900})
        page.goto(url)
        page.locator("#shape-figure .js-plotly-plot").wait_for(timeout=120_000)
        box = page.locator("#shape-height-length input[type=number]")
        box.fill("190")
        box.blur()
        page.locator("#shape-status .lead").wait_for(timeout=60_000)
        assert "1 measurement held" in page.locator("#shape-status").inner_text()
        assert "Height" in page.locator("#shape-held").inner_text()
        arm = float(page.locator("#shape-arm-length input[type=number]").input_value())
        assert arm > spans()["arm length"][3] + 3
        assert page.evaluate("document.documentElement.scrollWidth") <= 390
        page.locator("#shape-reset").click()
        page.locator("#shape-status .idle").wait_for(timeout=60_000)
        chromium.close()
