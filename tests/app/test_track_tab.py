"""The tab "Video tracking": what it says of clips and tracks, and a visitor's way through it in headless Chromium."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from humanav.app import samples, shell, theme, track_pieces, track_tab
from humanav.errors import InputError
from humanav.jobs.track_samples import SAMPLE_CLIPS, sample_clip
from humanav.motion import load_motion
from humanav.perception import Person2D
from humanav.perception.video import open_video
from humanav.view.colors import PEOPLE, css, person_color
from tests.app.conftest import RunningApp, ids_of_the_page
from tests.app.test_denoise_tab import download
from tests.app.visits import calm, until, visit

TRACK: dict[str, Any] = {
    "fps": 30.0, "width": 64, "height": 48, "frames": 120, "shots": [[0, 120]], "mode": "fast", "camera": "fixed",
    "takes": [
        {"person_id": person, "part": part, "suffix": suffix, "start": start, "frames": 60, "contacts": [[1, 0]] * 60,
         "confidence": [0.9] * 59 + [None], "seen": [1] * 45 + [0] * 15, "reprojection_px": [2.0] * 59 + [None],
         "stature_m": 1.7}
        for person, part, suffix, start in (("1", 0, "", 0), ("2", 0, "_2", 0), ("2", 1, "_2_b", 60))]}


def person(*box: float) -> Person2D:
    return Person2D(np.zeros((33, 3), np.float32), "blazepose33", np.array(box, np.float32), 1.0)


def test_the_sample_clip_is_whole_and_small() -> None:
    for name in SAMPLE_CLIPS:
        path = sample_clip(name)
        assert path.stat().st_size < 600_000
        with open_video(path) as video:
            assert 4 < video.duration < 8
            assert video.fps == pytest.approx(30)
    with pytest.raises(InputError, match="no sample clip"):
        sample_clip("nothing")


def test_a_clip_is_looked_at_and_its_end_kept() -> None:
    clip = track_pieces.clip_of(sample_clip())
    assert clip.size == (640, 480)
    assert clip.seconds == pytest.approx(163 / 30)
    assert track_tab._end(clip, None) is track_tab._end(clip, 5.4) is track_tab._end(clip, 0) is None
    assert track_tab._end(clip, 3.0) == 3.0
    long = track_pieces.Clip(clip.path, 300.0, 30.0, (640, 480))
    assert track_tab._end(long, None) == track_pieces.MOST_SECONDS
    assert track_tab._end(long, 300.0) is None


def test_the_page_asks_for_what_its_controls_say() -> None:
    clip = track_pieces.clip_of(sample_clip())
    plain = track_tab.options_of(clip, 0.0, 5.4, "fast", "1", "It stands still", "", True, "", "", False)
    assert plain == samples.TRACKED  # so that what was prepared is found
    asked = track_tab.options_of(clip, 1.0, 3.0, "accurate", "all", "It moves", "1.8 m", False, "15", "700", True)
    assert (asked.people, asked.moving, asked.height, asked.fps) == ("all", "moving", 1.8, 15.0)
    assert asked.camera == (700.0, 700.0, 320.0, 240.0)
    assert (asked.start, asked.end, asked.lock_feet, asked.persona) == (1.0, 3.0, False, True)
    assert track_tab.options_of(clip, 0, 0, "fast", "2", "", None, True, None, None, False).people == (2,)
    with pytest.raises(InputError, match="end after it begins"):
        track_tab.options_of(clip, 3.0, 2.0, "fast", "1", "", None, True, None, None, False)


def test_costs_in_words() -> None:
    assert [track_pieces.about(seconds) for seconds in (1, 17, 62, 170, 7300)] == [
        "about 5 s", "about 15 s", "about 60 s", "about 3 min", "about 2 h"]
    assert [label for label, _ in track_pieces.mode_choices()] == ["Fast", "Accurate"]
    fast, accurate = (label for label, _ in track_pieces.mode_choices(300))
    assert re.fullmatch(r"Fast, about \d+ (s|min)", fast)
    assert re.fullmatch(r"Accurate, about \d+ (s|min)", accurate)
    costs = track_pieces.Costs({"fast": (2.0, 1.0), "accurate": (4.0, 2.0)})
    costs.learn("fast", 5, 1, 99.0)
    assert costs.of("fast", 100) == 102.0
    costs.learn("fast", 98, 1, 300.0)
    assert costs.of("fast", 98) == pytest.approx(300.0)
    assert costs.of("accurate", 98) == pytest.approx(600.0)
    assert costs.of("fast", 98) < costs.of("fast", 98, 2) < 2 * costs.of("fast", 98)


def test_numbers_are_read_or_refused() -> None:
    assert track_pieces.parse_number(" 12,5 ", "frame rate") == 12.5
    assert track_pieces.parse_number("", "frame rate") is None
    for wrong in ("many", "-3", "0", "nan", "inf"):
        with pytest.raises(InputError, match="no frame rate"):
            track_pieces.parse_number(wrong, "frame rate")


def test_the_picker_frames_everybody_inside_the_picture() -> None:
    people = [person(-10, 4, 32, 60), person(40, 10, 50, 30)]
    shown = track_pieces.picker(np.zeros((48, 64, 3), np.uint8), people, "2")
    assert re.findall(r'data-who="(\d)" aria-pressed="(\w+)"', shown) == [("1", "false"), ("2", "true")]
    assert "left:0.00%" in shown
    places = [float(value) for value in re.findall(r"(?:left|top|width|height):([\d.]+)%", shown)]
    assert min(places) >= 0
    assert max(places) <= 100
    assert css(person_color(2)) in shown
    assert track_pieces.picker(np.zeros((48, 64, 3), np.uint8), people, "all").count('pressed="true"') == 2
    assert [value for _, value in track_pieces.who_choices(2)] == ["1", "2", "all"]


def test_the_style_sheet_knows_the_peoples_colours() -> None:
    said = re.findall(r'value\^="(\d)"\]\) { --person: ([^;]+);', theme.css_path().read_text())
    assert said == [(str(k), css(color)) for k, color in enumerate(PEOPLE, 1)]


def test_takes_are_named_as_they_can_be_asked_for() -> None:
    assert track_pieces.take_choices(TRACK) == [
        ("Person 1", "1a"), ("Person 2, 0 to 2 s", "2a"), ("Person 2, 2 to 4 s", "2b")]
    assert track_pieces.take_of(TRACK, "2b")["suffix"] == "_2_b"
    assert track_pieces.take_of(TRACK, None)["suffix"] == track_pieces.take_of(TRACK, "9")["suffix"] == ""


def test_numbers_are_said_even_where_some_are_not_known() -> None:
    said = track_pieces.numbers(TRACK, TRACK["takes"][0])
    for words in ("60 of 120", "75%", "90%", "2.0 px", "170 cm", "stood still"):
        assert words in said
    bare = TRACK["takes"][0] | {"confidence": [None] * 60, "reprojection_px": None, "contacts": [], "stature_m": None}
    said = track_pieces.numbers(TRACK, bare)
    assert "not known" in said
    assert "nan" not in said


def test_the_tab_is_on_the_page() -> None:
    assert "track" in [tab.id for tab in shell.TABS]
    ids = ids_of_the_page()
    assert {"track-clip", "track-make", "track-viewer", "track-who", "track-options", "track-to-avatar", "tray"} <= ids


@pytest.fixture
def page(browser: Any, app: RunningApp) -> Iterator[Any]:
    with visit(browser, app.url, "track", "#track-make") as page:
        yield page


def choose(page: Any, number: int = 0) -> None:
    """Take a sample, and wait until its first frame was looked at."""
    page.locator("#track-samples .gallery-item").nth(number).click()
    page.wait_for_selector("#track-viewer .picker img", timeout=120_000)


def sentence(page: Any) -> str:
    alert = page.locator("#track-status [role=alert]")
    alert.wait_for(timeout=60_000)
    return str(alert.inner_text())


@pytest.mark.browser
@pytest.mark.slow
@pytest.mark.timeout(900)
def test_the_sample_is_tracked_and_carried_to_the_avatar(page: Any, tmp_path: Path) -> None:
    choose(page)
    assert page.locator("#track-viewer [data-who]").count() == 1
    assert page.locator("#track-mode").get_by_text(re.compile("Fast, about")).is_visible()
    page.click("#track-make")
    page.locator("#track-viewer .stage.picture img").wait_for(timeout=120_000)  # what it looks at, while it looks
    page.wait_for_selector("#track-status .done", timeout=600_000)
    players, timeline = page.frame_locator("#track-players"), page.frame_locator("#track-timeline iframe")
    players.locator("#synced[data-state=ready]").wait_for(timeout=60_000)
    panel = timeline.locator(".nsewdrag").first
    panel.wait_for(timeout=60_000)
    page.locator("#track-timeline").scroll_into_view_if_needed()
    box = panel.bounding_box()
    panel.click(position={"x": box["width"] / 2, "y": box["height"] / 2})
    inside = page.locator("#track-players").element_handle().content_frame()
    until(page, lambda: abs(inside.evaluate("humanavPlayer.state.time") - 163 / 60) < 0.15)
    motion = load_motion(download(page, "track-downloads", "motion.npz", tmp_path))
    assert len(motion) == 163
    assert download(page, "track-downloads", "motion.bvh", tmp_path).read_text().startswith("HIERARCHY")
    assert download(page, "track-downloads", "body.glb", tmp_path).read_bytes()[:4] == b"glTF"
    assert page.locator("#track-numbers .measures div").count() >= 7
    page.click("#track-to-avatar")
    page.wait_for_selector("#make", state="visible", timeout=30_000)
    page.locator("#carried", has_text="Motion in hand: Walk and squat").wait_for(timeout=20_000)
    page.reload()
    page.click("#tray-clean")  # the browser kept it
    page.wait_for_selector("#clean-status .done", timeout=240_000)


@pytest.mark.browser
@pytest.mark.slow
def test_a_job_can_be_cancelled(page: Any) -> None:
    choose(page)
    page.locator("#track-mode label", has_text="Accurate, about").click()  # before the costs come it may be set back
    page.locator("#track-mode input[value=accurate]:checked").wait_for(timeout=10_000)
    page.click("#track-make")
    page.locator("#track-cancel").wait_for(timeout=240_000)  # other visitors' jobs come first
    page.locator("#track-cancel").dispatch_event("click")
    assert "Stopped" in sentence(page)
    page.locator("#track-make:enabled").wait_for(timeout=20_000)
    assert page.locator("#track-clip video").is_visible()


@pytest.mark.browser
@pytest.mark.slow
def test_a_slider_shows_its_frame_and_changes_the_cost(page: Any) -> None:
    choose(page)
    page.locator("#track-start input[type=number]").fill("3")
    page.locator("#track-start input[type=number]").press("Enter")
    slider = page.locator("#track-start input[type=range]")
    slider.focus()
    slider.press("ArrowRight")
    page.wait_for_function("Math.abs(document.querySelector('#track-clip video').currentTime - 3.1) < 0.06",
                           timeout=20_000)


@pytest.mark.browser
@pytest.mark.slow
def test_one_of_two_people_is_picked_on_the_picture(page: Any) -> None:
    choose(page, list(SAMPLE_CLIPS).index("two_people"))
    assert page.locator("#track-viewer [data-who]").count() == 2
    page.locator("#track-viewer [data-who='2']").click()
    page.wait_for_selector("#track-viewer [data-who='2'][aria-pressed=true]", timeout=10_000)
    assert page.locator("#track-viewer [data-who='1']").get_attribute("aria-pressed") == "false"
    assert page.locator("#track-who input:checked").get_attribute("value") == "2"
    page.locator("#track-who").get_by_text("Everybody").click()
    page.wait_for_function("document.querySelectorAll('#track-viewer [aria-pressed=true]').length === 2",
                           timeout=10_000)


@pytest.mark.browser
@pytest.mark.slow
def test_what_is_no_clip_gets_a_sentence(page: Any, tmp_path: Path) -> None:
    page.click("#track-make")
    assert "There is no clip yet" in sentence(page)
    letter = tmp_path / "letter.mp4"
    letter.write_text("Dear reader, this is no film.")
    page.locator("#track-clip input[type=file]").first.set_input_files(str(letter))
    page.wait_for_function("document.querySelector('#track-status').innerText.includes('letter.mp4')", timeout=60_000)
    page.click("#track-make")
    page.locator("#track-make:enabled").wait_for(timeout=20_000)
    assert "Traceback" not in sentence(page)
    assert page.locator("#track-clip video").count() == 1


@pytest.mark.browser
@pytest.mark.slow
@pytest.mark.parametrize("dark", [False, True])
def test_the_tab_fits_a_phone(browser: Any, app: RunningApp, dark: bool) -> None:
    context = calm(browser, 390, 844, color_scheme="dark" if dark else "light")
    page = context.new_page()
    page.goto(f"{app.url}/?tab=track")
    page.wait_for_selector("#track-make", timeout=60_000)
    choose(page)
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    context.close()
