"""Pictures of a capture: bodies over views, contacts in colour, detections in their people's colours, players."""

from __future__ import annotations

import html
import re
from dataclasses import replace
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from humanav.body import BodyModel
from humanav.camera import Camera
from humanav.errors import InputError
from humanav.motion import Motion, load_clip
from humanav.multiview.value import Fitted, FittedPerson, Rig
from humanav.view.colors import person_color
from humanav.view.multiview import (
    INSIDE,
    TOUCH,
    close_window,
    contact_row,
    identity_picture,
    posed,
    touching,
    view_frames,
)
from humanav.view.people3d import capture_players_html, write_people_scene, yaw_of
from humanav.view.player import save_player

SIZE = (160, 120)


class Grey:
    """Pictures of nothing."""

    def frame(self, view: int, t: int) -> np.ndarray:
        return np.full((SIZE[1], SIZE[0], 3), 120, np.uint8)


def standing(x: float, turn: float = 0.0) -> Motion:
    motion = load_clip("idle")[:2]
    place = motion.transl - motion.transl[:1] + np.array([x, motion.transl[0, 1], 0.0])
    return replace(motion, transl=place, global_orient=motion.global_orient + [0, turn, 0])


def together(apart: float) -> Fitted:
    away = np.array([True, False])
    people = [FittedPerson(str(k + 1), standing(x), np.array([True, True]) if k < 2 else away, np.zeros((2, 2)))
              for k, x in enumerate((-apart / 2, apart / 2))]
    return Fitted(tuple(people), ("a", "b"))


@pytest.fixture(scope="module")
def cameras() -> Rig:
    return Rig(("a", "b"), tuple(Camera.orbit((0, 0.9, 0), 3.5, yaw, 5, *SIZE, 1.1 * SIZE[0]) for yaw in (0, 80)))


def near(picture: np.ndarray, color: tuple[int, int, int]) -> int:
    """Pixels of about this colour."""
    return int((np.abs(picture.astype(int) - color).max(axis=-1) < 60).sum())


def test_people_who_stand_apart_touch_nobody(body: BodyModel, cameras: Rig) -> None:
    fitted = together(1.2)
    present = posed(fitted, 0, body)
    met = touching(present, np.asarray(body.faces), 0)
    assert met.depth_mm == 0
    assert not any(flags.any() for flags in (*met.near, *met.inside))
    row, _, _ = contact_row(Grey(), fitted, cameras, 0, body, height=120)
    assert near(row, INSIDE) == 0


def test_people_in_each_other_are_shown_in_colour(body: BodyModel, cameras: Rig) -> None:
    fitted = together(0.25)
    row, met, windows = contact_row(Grey(), fitted, cameras, 0, body, height=120)
    assert met.depth_mm > 5
    assert near(row, INSIDE) > 30
    assert near(row, TOUCH) > 10
    again, _, same = contact_row(Grey(), together(1.2), cameras, 0, body, windows=windows, height=120)
    assert again.shape == row.shape
    assert same == windows


def test_who_is_not_there_is_left_out(body: BodyModel) -> None:
    fitted = together(0.5)
    gone = replace(fitted.people[0], seen=np.array([True, False]))
    fitted = replace(fitted, people=(gone, fitted.people[1]))
    assert [len(posed(fitted, frame, body)) for frame in (0, 1)] == [2, 1]


def test_a_close_look_keeps_within_the_picture(body: BodyModel, cameras: Rig) -> None:
    present = posed(together(0.5), 0, body)
    for camera in cameras.cameras:
        left, top, right, bottom = close_window(present, camera) or (0, 0, 0, 0)
        assert 0 <= left < right <= SIZE[0]
        assert 0 <= top < bottom <= SIZE[1]
    behind = Camera.look_at((0, 1, 3), (0, 1, 6), *SIZE)
    assert close_window(present, behind) is None
    assert close_window([], behind) is None


def test_every_view_shows_the_bodies(body: BodyModel, cameras: Rig) -> None:
    fitted = together(0.8)
    for view, camera in enumerate(cameras.cameras):
        (picture,) = view_frames([Grey().frame(view, 0)], fitted, None, None, camera, view, body)
        assert picture.shape == (SIZE[1], SIZE[0], 3)
        for person in ("1", "2"):
            red, _, blue = person_color(person)
            tint = picture[..., 0].astype(int) - picture[..., 2]
            assert ((tint > 30) if red > blue else (tint < -30)).sum() > 50


def test_detections_take_their_peoples_colours() -> None:
    points = np.zeros((2, 17, 3))
    points[0, :, :2] = np.random.default_rng(0).uniform((30, 20), (60, 100), (17, 2))
    points[1] = points[0] + [60, 0, 0]
    points[..., 2] = 0.9
    picture = identity_picture(Grey().frame(0, 0), list(points), "coco17", ["2", None], height=240)
    assert len(picture) == 240
    half = picture.shape[1] // 2
    assert near(picture[:, :half], person_color("2")) > 40
    assert near(picture[:, half + 20:], (150, 154, 160)) > 40
    assert len(identity_picture(Grey().frame(0, 0), [], "coco17", [])) == 480


def test_the_players_hold_every_view_and_the_scene(tmp_path: Path, body: BodyModel, cameras: Rig) -> None:
    scene = write_people_scene(together(0.8), tmp_path / "people.glb", rig=cameras, body=body)
    page = html.unescape(capture_players_html(
        {"a": "a.mp4", "b<": "b.mp4"}, scene, fps=10, frames=2, size=(90, 160), script="player.js", element="players"))
    assert re.findall(r'<video src="([^"]+)"', page) == ["a.mp4", "b.mp4"]
    assert "--columns: 2" in page
    assert 'id="pane-world"' in page
    assert "b&lt;" in page
    with pytest.raises(InputError):
        capture_players_html({}, scene, fps=0, frames=2, size=(90, 160))
    both = write_people_scene(together(0.8), tmp_path / "both.glb", before=together(0.3), body=body)
    assert b'"person":"Before"' in both.read_bytes()


def test_the_player_looks_from_the_cameras_side() -> None:
    assert yaw_of(standing(0.0), Camera.orbit((0, 1, 0), 3, 40, 0, *SIZE)) == pytest.approx(40, abs=12)
    turned = yaw_of(standing(0.0, np.pi / 2), Camera.orbit((0, 1, 0), 3, 90, 0, *SIZE))
    assert turned == pytest.approx(0, abs=12)


@pytest.mark.browser
def test_the_player_shows_everybody_and_steps_back_to_the_cameras(
    browser: Any, tmp_path: Path, body: BodyModel, cameras: Rig
) -> None:
    scene = write_people_scene(together(0.8), tmp_path / "people.glb", rig=cameras, body=body)
    page = browser.new_page(viewport={"width": 500, "height": 400})
    page.goto(save_player(scene, tmp_path / "page.html").as_uri())
    page.wait_for_selector("#player[data-state=ready]", timeout=60_000)
    page.wait_for_timeout(500)
    colors = [np.array(person_color(person)) for person in ("1", "2")]

    def shown() -> list[int]:
        image = np.asarray(Image.open(BytesIO(page.locator("#humanav-canvas").screenshot())).convert("RGB")).astype(int)
        tint = image[..., 0] - image[..., 2]
        return [int((tint > 60).sum() if color[0] > color[2] else (tint < -60).sum()) for color in colors]

    near = shown()
    assert min(near) > 300
    page.get_by_role("button", name="Cameras").click()
    page.wait_for_timeout(500)
    assert all(0 < after < before for after, before in zip(shown(), near))
    assert page.locator("[data-view=cameras]").get_attribute("aria-pressed") == "true"
    alone = write_people_scene(together(0.8), tmp_path / "plain.glb", body=body)
    page.goto(save_player(alone, tmp_path / "plain.html").as_uri())
    page.wait_for_selector("#player[data-state=ready]", timeout=60_000)
    assert page.locator("[data-view=cameras]").is_hidden()
    page.close()
