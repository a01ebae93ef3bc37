"""Pictures of poses, the curve under the player, and several people side by side in it."""

import json
import shutil

import numpy as np
import pytest

from humanav.export import Companion, write_people_glb
from humanav.motion import load_clip
from humanav.view import AFTER, BEFORE, clay, curve, pose_pictures, save_player
from humanav.view.colors import css


def test_a_curve_is_plain_json_with_gaps():
    made = curve({"Before": ([1.0, np.nan, 3.0], "red")}, 2.0, title="Distance", unit="°", marks=[(1.0, "left knee")],
                 spans=[(0.5, 1.5)], spans_label="repaired")
    assert json.loads(json.dumps(made, allow_nan=False)) == made
    assert made["lines"][0]["values"] == [1.0, None, 3.0]
    assert made["marks"] == [{"time": 1.0, "label": "left knee"}]
    assert curve({"a": (4.0, "red")}, 0.0, title="one frame")["seconds"] > 0
    assert curve({"a": ([1, 2], "red")}, 1.0, title="", axis=("first", "last"))["axis"] == ["first", "last"]


def test_clay_lies_between_grey_and_the_colour():
    assert clay((0, 0, 0), 1.0) == (0.0, 0.0, 0.0)
    np.testing.assert_allclose(clay((255, 255, 255), 1.0), 1.0)
    red, green, _ = clay(BEFORE)
    assert red > green > 0


def test_pose_pictures_are_whole_and_transparent_outside(body):
    motion = load_clip("celebrate")[::40]
    pictures = list(pose_pictures(body, motion, (110, 135)))
    assert len(pictures) == len(motion)
    for picture in pictures:
        assert picture.shape == (135, 110, 4)
        assert picture.dtype == np.uint8
        alpha = picture[..., 3]
        assert not np.concatenate([alpha[0], alpha[-1], alpha[:, 0], alpha[:, -1]]).any()
        assert 0.08 < (alpha > 128).mean() < 0.6


@pytest.mark.browser
def test_people_stand_side_by_side_over_a_curve(body, tmp_path):
    api = pytest.importorskip("playwright.sync_api")
    chromium = shutil.which("chromium") or shutil.which("chromium-browser")
    if chromium is None:
        pytest.skip("needs Debian's chromium")
    clip = load_clip("wave")
    colors = {"Before": css(BEFORE), "After": css(AFTER), "Truth": "grey"}
    glb = write_people_glb(body, None, {name: Companion(clip, clay(BEFORE)) for name in colors}, tmp_path / "a.glb")
    seconds = (len(clip) - 1) / clip.fps
    drawn = curve({"Before": (np.sin(np.arange(len(clip))), css(BEFORE))}, seconds, title="Distance",
                  marks=[(1.0, "left elbow")])
    page_file = save_player(glb, tmp_path / "page.html", colors=colors, curve=drawn, optional="Truth")
    with api.sync_playwright() as session:
        browser = session.chromium.launch(executable_path=chromium, args=[
            "--no-sandbox", "--use-gl=angle", "--use-angle=swiftshader", "--enable-unsafe-swiftshader"])
        page = browser.new_context(viewport={"width": 800, "height": 700}, offline=True).new_page()
        problems = []
        page.on("pageerror", lambda error: problems.append(str(error)))
        page.goto(page_file.as_uri())
        page.wait_for_selector("#player[data-state=ready]", timeout=60_000)
        assert page.locator(".hp-names span").all_inner_texts() == ["Before", "After"]
        page.get_by_role("button", name="left elbow").click()
        assert page.evaluate("humanavPlayer.state.time") == pytest.approx(1.0, abs=1e-3)
        assert page.evaluate("humanavPlayer.state.playing") is False
        box = page.locator(".hp-chart svg").bounding_box()
        page.mouse.click(box["x"] + box["width"] * 0.9, box["y"] + 30)
        assert page.evaluate("humanavPlayer.state.time") > 0.8 * seconds
        page.get_by_role("button", name="Truth").click()
        assert page.locator(".hp-names span").count() == 3
        picture = page.locator("#humanav-canvas").screenshot(path=tmp_path / "three.png")
        assert picture
        assert problems == []
        browser.close()
