"""The tab "Multi-view capture": what it says of captures and results, and a visitor's way through it in Chromium."""

from __future__ import annotations

import html
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import gradio as gr
import numpy as np
import pytest
from PIL import Image

from humanav.app import multiview_pieces, multiview_tab, samples, shell
from humanav.app.multiview_tab import MultiviewTab
from humanav.errors import InputError
from humanav.jobs.multiview_options import MultiviewOptions
from humanav.jobs.multiview_samples import sample_files
from humanav.progress import Event
from humanav.results import Result, ResultWriter
from tests.app.conftest import RunningApp, ids_of_the_page
from tests.app.visits import calm, visit
from tests.jobs.captures import rig, write_capture

FINDINGS = [{"severity": "warning", "text": "cam01 is 1080 wide & not 1088."},
            {"severity": "good", "text": "All meet."}]


@pytest.fixture(scope="module")
def tab() -> MultiviewTab:
    with gr.Blocks():
        return MultiviewTab()


@pytest.fixture
def result(tmp_path: Path) -> Result:
    person = {"frames": 8, "views": 3.5, "residual_px": 1.0, "bone_variation": 0.04}
    fit = {"reprojection_px": 2.5, "stature_m": 1.72}
    with ResultWriter(tmp_path / "out", "capture", "0123456789abcdef", {"refine": "quick"}) as writer:
        for name in ("people.glb", "before_after.glb", "overlay_cam1.mp4", "overlay_cam2.mp4", "motion_1.npz",
                     "motion_1_amass.npz", "motion_2.npz", "points_2.trc", "cameras.json", "rig.html"):
            writer.add(name, "A file").write_bytes(b"glTF")
        for name in ("avatar_1.splats", "avatar_2.splats"):
            writer.add(name, "A file", preview=True).write_bytes(b"data")
        for name in ("contact_before.png", "contact_after.png"):
            Image.fromarray(np.zeros((4, 4, 3), np.uint8)).save(writer.add(name, "A picture", preview=True))
        writer.report.update({
            "names": ["cam1", "cam2"], "sizes": [[64, 48], [64, 48]], "fps": 10.0, "frames": 8, "views": 2,
            "people": ["1", "2"], "findings": FINDINGS, "quality": "Good.", "warnings": ["A note."], "seconds": 9.0,
            "matching": {"people": [{"person": "1", **person}, {"person": "2", **person}], "residual_px": {}},
            "fitting": {"people": [{"person": "1", **fit}], "views": {"cam1": 2.0, "cam2": None}},
            "fitting_before": {"people": [{"person": "1", "reprojection_px": 4.0}]},
            "contact": {"frame": 3, "depth_mm": 31.0, "depth_after_mm": 6.0}})
    return writer.result


def asked(**said: Any) -> MultiviewOptions:
    plain: dict[str, Any] = {"way": "quick", "start": "", "end": "", "fps": "", "unit": "As the file says",
                             "axis": "As the cameras are held", "sync": True, "mend": True, "people": "", "height": "",
                             "masks": None}
    return multiview_tab.options_of(**(plain | said))


def test_a_capture_is_called_after_its_zip_or_the_sample(tmp_path: Path) -> None:
    sample, own = [str(file) for file in sample_files()], []
    for name in map(Path, sample):
        own.append(str(tmp_path / name.name))
        Path(own[-1]).write_bytes(b"another film")
    assert multiview_tab.name_of(sample) == "Two people hug"
    assert multiview_tab.name_of(own) == "Capture"
    assert multiview_tab.name_of([str(tmp_path / "pair_3.zip")]) == "Pair 3"


def test_the_page_asks_for_what_its_controls_say(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(multiview_pieces.BUDGET, raising=False)
    assert asked() == samples.CAPTURED  # so that what was prepared is found
    said = asked(way="off", start="2", end="5", fps="20", unit="Millimetres", axis="z", sync=False, mend=False,
                 people="2", height="1.8 m")
    assert said == MultiviewOptions(refine="off", start=2.0, end=5.0, fps=20.0, unit="mm", up="z", sync="off",
                                    refine_cameras=False, people=2, height=1.8)
    assert asked(start="3").end == 3 + multiview_pieces.MOST_SECONDS
    for wrong, says in (({"people": "many"}, "number of people"), ({"people": "1.5"}, "whole number"),
                        ({"fps": "fast"}, "frame rate"), ({"end": "-1"}, "no end"), ({"height": "tall"}, "height")):
        with pytest.raises(InputError, match=says):
            asked(**wrong)


def test_the_budget_of_a_small_machine_is_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(multiview_pieces.BUDGET, "8:1")
    assert asked().budget == (8, 1)
    for wrong in ("many", "8"):
        monkeypatch.setenv(multiview_pieces.BUDGET, wrong)
        with pytest.raises(InputError, match="8:1"):
            multiview_pieces.budget()


def test_costs_grow_with_views_frames_and_care() -> None:
    costs = multiview_pieces.Costs()
    assert costs.of("off", 4, 25) < costs.of("quick", 4, 25) < costs.of("full", 4, 25)
    assert costs.of("off", 4, 25) < costs.of("off", 8, 25) < costs.of("off", 8, 100)
    costs.learn("off", 4, 100, 2, 10 * costs.of("off", 4, 100))
    assert costs.slowness == pytest.approx(10)
    assert [way for _, way in multiview_pieces.ways(4, 25)] == ["off", "quick", "full"]
    assert [words for words, _ in multiview_pieces.ways()] == ["Bodies only", "With avatars", "With fine avatars"]


def test_the_doctors_report_is_told() -> None:
    import plotly.graph_objects as go

    said = multiview_pieces.doctor(FINDINGS, go.Figure().to_json())
    assert said.count("<li") == 2
    assert 'data-severity="warning"' in said
    assert "&amp; not 1088" in said
    assert "rig-figure" in said
    assert multiview_pieces.doctor([]) == ""


def test_a_result_fills_the_page(tab: MultiviewTab, result: Result) -> None:
    shown = tab.finished(result)
    players = html.unescape(shown[tab.viewer])
    assert players.count("<video") == 2
    assert "people.glb" in html.unescape(players)
    assert "9 seconds" in shown[tab.status]
    assert "A note." in shown[tab.status]
    compared = shown[tab.compared]
    assert "31 mm into each other before refinement, 6 mm after it" in compared
    assert compared.count("<img") == 2
    assert 'type="range"' in compared
    assert shown[tab.whose]["choices"] == [("Person 1", "1"), ("Person 2", "2")]
    numbers = shown[tab.numbers]
    for words in ("8 of 8", "4.0 to 2.5 px", "4.0%", "172 cm", "cam2"):
        assert words in numbers
    assert "None" not in numbers
    files = shown[tab.downloads]
    first, second, data = (files.index(words) for words in ("Person 1", "Person 2", "Cameras and data"))
    assert first < files.index("motion_1_amass.npz") < second < files.index("points_2.trc") < data
    assert files.index("overlay_cam1.mp4") < first
    assert files.index("cameras.json") > data


def test_what_was_not_refined_or_alone_has_no_before_and_after(tmp_path: Path, result: Result) -> None:
    with ResultWriter(tmp_path / "plain", "capture", "0" * 16, {}) as writer:
        Image.fromarray(np.zeros((4, 4, 3), np.uint8)).save(writer.add("contact_after.png", "A picture"))
        writer.report.update({"contact": {"depth_mm": 12.0}, "people": ["1", "2"]})
    said = multiview_pieces.compared(writer.result)
    assert "12 mm into each other." in said
    assert "range" not in said
    assert multiview_pieces.avatar_choices(writer.result) == []
    with ResultWriter(tmp_path / "alone", "capture", "0" * 16, {}) as writer:
        writer.add("people.glb", "A file").write_bytes(b"glTF")
    assert multiview_pieces.compared(writer.result) == ""


def test_events_show_the_best_so_far(tab: MultiviewTab, tmp_path: Path) -> None:
    picture = np.full((20, 40, 3), 99, np.uint8)
    seen = tab.seen(Event("Finding people", 2, 8, 0.2, 1.0, "cam1", picture, None, {"name": "finding", "live": True}))
    assert "data:image/jpeg" in seen[tab.viewer]
    scene = tmp_path / "people.glb"
    scene.write_bytes(b"glTF")
    seen = tab.seen(Event("Exporting", 7, 8, 0.9, 9.0, "Everybody moves.", None, scene, {"name": "people"}))
    assert "iframe" in seen[tab.viewer]
    seen = tab.seen(Event("Matching the views", 4, 8, 0.4, 5.0, "Fine.", None, tmp_path / "gone.json",
                          {"findings": FINDINGS}))
    assert "cam01" in seen[tab.doctor]["value"]
    assert tab.seen(Event("Fitting", 5, 8, 0.5, 6.0)) == {}


def test_a_capture_is_looked_at(tmp_path: Path) -> None:
    files = [str(file) for file in write_capture(tmp_path / "wave", rig()).iterdir()]
    picture, words, views, frames = multiview_tab.looked_at(files)
    assert picture.ndim == 3
    assert (views, frames) == (3, 8)
    assert "3 views of 0.8 seconds" in words
    assert "EasyMocap's calibration" in words
    _, words, _, _ = multiview_tab.looked_at([file for file in files if file.endswith(".mp4")])
    assert "found from the people" in words
    with pytest.raises(InputError, match="Video tracking"):
        multiview_tab.looked_at([file for file in files if file.endswith("cam1.mp4")])


def test_the_tab_is_on_the_page() -> None:
    assert "capture" in [tab.id for tab in shell.TABS]
    ids = ids_of_the_page()
    assert {"capture-files", "capture-make", "capture-viewer", "capture-way", "capture-options"} <= ids


@pytest.fixture
def page(browser: Any, app: RunningApp) -> Iterator[Any]:
    with visit(browser, app.url, "capture", "#capture-make") as page:
        yield page


def sentence(page: Any, words: str) -> None:
    page.wait_for_function("words => document.querySelector('#capture-status').innerText.includes(words)", arg=words,
                           timeout=120_000)
    assert "Traceback" not in page.locator("#capture-status").inner_text()


@pytest.mark.browser
@pytest.mark.slow
def test_a_visitor_is_told_what_is_wrong(page: Any, tmp_path: Path) -> None:
    page.click("#capture-make")
    sentence(page, "There is no capture yet")
    files = sorted(write_capture(tmp_path / "wave", rig()).iterdir())
    box = page.locator("#capture-files input[type=file]").first
    box.set_input_files(str(files[0]))  # one camera
    sentence(page, "Video tracking")
    page.locator("#capture-files button[aria-label='Clear']").first.click()
    page.locator("#capture-viewer .stage.empty").wait_for(timeout=30_000)
    page.locator("#capture-files input[type=file]").first.set_input_files([str(file) for file in files])
    page.locator("#capture-viewer .stage.picture img").wait_for(timeout=60_000)
    sentence(page, "3 views of 0.8 seconds")
    page.click("#capture-make")
    sentence(page, "No view shows anybody")
    page.locator("#capture-make:enabled").wait_for(timeout=20_000)


@pytest.mark.browser
@pytest.mark.slow
@pytest.mark.parametrize("dark", [False, True])
def test_the_tab_fits_a_phone(browser: Any, app: RunningApp, dark: bool) -> None:
    context = calm(browser, 390, 844, color_scheme="dark" if dark else "light")
    page = context.new_page()
    page.goto(f"{app.url}/?tab=capture")
    page.wait_for_selector("#capture-make", timeout=60_000)
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    context.close()
