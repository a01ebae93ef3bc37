"""The tab "Pose denoising": what it makes of files and choices, and a visitor's way through it in headless Chromium."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from humanav.app import motion_pieces, shell
from humanav.app.denoise_tab import DAMAGES, sort_files
from humanav.app.poses_tab import CLEANED, GALLERY, RANDOM, SOURCES, choice_of
from humanav.errors import InputError
from humanav.motion import load_clip, load_motion, save_npz
from humanav.posendf.motion_noise import KINDS
from tests.app.conftest import RunningApp, ids_of_the_page
from tests.app.visits import calm, until, visit


def test_uploaded_files_find_their_places() -> None:
    assert sort_files(["/a/02.asf", "/a/02_01.AMC"]) == ("/a/02_01.AMC", "/a/02.asf", None)
    assert sort_files(["/a/x.bvh", "/a/names.yaml"]) == ("/a/x.bvh", None, "/a/names.yaml")
    with pytest.raises(InputError, match="no motion among"):
        sort_files(["/a/02.asf"])
    with pytest.raises(InputError, match="2 motions"):
        sort_files(["/a/x.bvh", "/a/y.npz"])


def test_every_damage_of_the_page_exists() -> None:
    assert set(DAMAGES.values()) - {None} == set(KINDS)


def test_choices_of_poses(tmp_path: Path) -> None:
    assert choice_of(RANDOM, 30, 4, None, None).seed == 4
    assert choice_of("Turn around", 50, 0, None, None).source == "turn_around"
    assert choice_of("Squat", 25, 0, None, None).moment == 0.25
    for source in (GALLERY, CLEANED):
        with pytest.raises(InputError, match="yet"):
            choice_of(source, 0, 0, None, None)
    assert {GALLERY, CLEANED, RANDOM} < set(SOURCES)


def test_the_table_shows_what_is_there_and_escapes_the_rest() -> None:
    rows = [{"name": "Jitter <b>", "unit": "m/s³", "before": 8359.0, "after": 138.4},
            {"name": "Feet sliding", "unit": "cm/s", "before": 31.23, "after": 4.0}]
    said = motion_pieces.measures_table(rows)
    assert "8,359 " in said
    assert "31.2 " in said
    assert "&lt;b&gt;" in said
    assert "Truth" not in said
    assert "Truth" in motion_pieces.measures_table([rows[0] | {"truth": 3.0}])


def test_both_tabs_are_on_the_page() -> None:
    assert [tab.id for tab in shell.TABS][:2] == ["photo", "denoise"]
    ids = ids_of_the_page()
    assert {"tabs", "clean", "clean-files", "clean-viewer", "make-poses", "between"} <= ids


@pytest.fixture
def page(browser: Any, app: RunningApp) -> Iterator[Any]:
    with visit(browser, app.url, "denoise", "#clean", 900) as page:
        yield page


def people(page: Any, viewer: str) -> Any:
    player = page.frame_locator(f"#{viewer} iframe")
    player.locator("#player[data-state=ready]").wait_for(timeout=60_000)
    return player


def download(page: Any, where: str, name: str, folder: Path) -> Path:
    with page.expect_download() as waiting:
        page.locator(f"#{where} a[download='{name}']").click()
    waiting.value.save_as(folder / name)
    return folder / name


@pytest.mark.browser
@pytest.mark.slow
def test_one_click_cleans_the_sample(page: Any, tmp_path: Path) -> None:
    page.click("#clean")
    page.wait_for_selector("#clean-status .done", timeout=180_000)
    player = people(page, "clean-viewer")
    assert player.locator(".hp-names span").all_inner_texts() == ["Before", "After"]
    player.get_by_role("button", name="Truth").click()
    assert player.locator(".hp-names span").all_inner_texts() == ["Before", "After", "Truth"]
    mark = player.locator(".hp-marks button").last
    seconds = float(mark.locator("b").inner_text().split()[0])
    mark.click()
    until(page, lambda: abs(float(player.locator("#player").get_attribute("data-time")) - seconds) < 0.1)
    assert page.locator("#clean-numbers tbody tr").count() == 5
    clean = load_motion(download(page, "clean-downloads", "denoised.npz", tmp_path))
    assert len(clean) == len(load_clip("dance"))
    assert download(page, "clean-downloads", "denoised.bvh", tmp_path).read_text().startswith("HIERARCHY")


@pytest.mark.browser
@pytest.mark.slow
def test_an_uploaded_motion_is_cleaned_as_it_is(page: Any, shared: Path) -> None:
    page.locator("#clean-files input[type=file]").first.set_input_files(
        str(shared / "mocap" / "raw" / "135_04.bvh"))
    page.wait_for_function("document.querySelector('#damage input').value.startsWith('Leave')", timeout=30_000)
    page.click("#clean")
    page.wait_for_selector("#clean-status .done", timeout=300_000)
    player = people(page, "clean-viewer")
    assert player.locator(".hp-names span").all_inner_texts() == ["Before", "After"]
    assert page.locator("#clean-numbers tbody tr").count() == 4
    assert page.evaluate("document.querySelector('#clean-numbers').innerText.includes('Truth')") is False


@pytest.mark.browser
@pytest.mark.slow
def test_a_file_that_is_no_motion_gets_a_sentence(page: Any, tmp_path: Path) -> None:
    letter = tmp_path / "letter.bvh"
    letter.write_text("Dear reader, this is no motion.")
    page.locator("#clean-files input[type=file]").first.set_input_files(str(letter))
    page.get_by_text("letter.bvh").first.wait_for(timeout=30_000)
    page.click("#clean")
    alert = page.locator("#clean-status [role=alert]")
    alert.wait_for(timeout=60_000)
    assert "Traceback" not in alert.inner_text()
    page.locator("#clean:enabled").wait_for(timeout=10_000)  # the page changes its pieces one after another
    assert page.get_by_text("letter.bvh").first.is_visible()


@pytest.mark.browser
@pytest.mark.slow
def test_a_job_can_be_cancelled(page: Any, tmp_path: Path) -> None:
    long = load_clip("walk")
    frames = [*range(len(long))] * 14
    path = save_npz(type(long).from_full_pose(long.full_pose[frames][:1700], 30.0), tmp_path / "long.npz")
    page.locator("#clean-files input[type=file]").first.set_input_files(str(path))
    page.get_by_text("long.npz").first.wait_for(timeout=30_000)
    page.click("#clean")
    page.locator("#clean-cancel").wait_for(timeout=60_000)
    page.locator("#clean-cancel").dispatch_event("click")  # at once: a quick job may end while a pointer gets there
    alert = page.locator("#clean-status [role=alert]")
    alert.wait_for(timeout=60_000)
    assert "Stopped" in alert.inner_text()
    assert page.locator("#clean").is_enabled()


@pytest.mark.browser
@pytest.mark.slow
def test_random_poses_and_the_way_between(page: Any, tmp_path: Path) -> None:
    page.locator("#denoise-parts").get_by_text("Random poses").click()
    page.click("#make-poses")
    page.wait_for_selector("#pose-status .done", timeout=180_000)
    assert page.locator("[data-pose] img").count() == 12
    page.wait_for_function("[...document.querySelectorAll('[data-pose] img')].slice(0, 4).every(i => i.naturalWidth)")
    player = people(page, "pose-viewer")
    page.locator("[data-pose='Pose 3']").click()
    until(page, lambda: player.get_by_label("Animation", exact=True).input_value() == "2")
    assert len(load_motion(download(page, "pose-downloads", "poses.npz", tmp_path))) == 12

    page.locator("#denoise-parts").get_by_text("Between poses").click()
    page.wait_for_function("document.querySelectorAll('.chosen img').length === 2", timeout=60_000)
    page.click("#between")
    page.wait_for_selector("#between-status .done", timeout=180_000)
    player = people(page, "between-viewer")
    assert player.locator(".hp-names span").all_inner_texts() == ["Straight", "Along the manifold"]
    assert player.locator(".hp-chart svg path").count() == 2


@pytest.mark.browser
@pytest.mark.slow
@pytest.mark.parametrize("dark", [False, True])
def test_the_tab_fits_a_phone(browser: Any, app: RunningApp, dark: bool) -> None:
    context = calm(browser, 390, 844, color_scheme="dark" if dark else "light")
    page = context.new_page()
    page.goto(f"{app.url}/?tab=denoise")
    page.wait_for_selector("#clean", timeout=60_000)
    for part in ("Random poses", "Between poses", "Clean a motion"):
        page.locator("#denoise-parts").get_by_text(part).click()
        page.wait_for_timeout(300)
        assert page.evaluate("document.documentElement.scrollWidth") <= 390
    assert page.locator("#clean").is_visible()
    context.close()
