"""A person in a clip: nothing else of the picture changes, edges are smooth, and the shadow lies under the feet."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest

from humanav.body import BodyModel
from humanav.camera import Camera
from humanav.errors import InputError
from humanav.motion import Motion, ground, load_clip
from humanav.render import contact_shadow, silhouette, vertex_areas
from humanav.view import BodyFigure
from humanav.view.composite import (
    beside,
    cast_shadow,
    composite_frames,
    cropped_to,
    fitting_size,
    for_size,
    plain_backgrounds,
    resized,
    scene_light,
    standing_camera,
)


@pytest.fixture(scope="module")
def body() -> BodyModel:
    return BodyModel.load()


@pytest.fixture(scope="module")
def squat(body: BodyModel) -> Motion:
    return ground(load_clip("squat"), body)[20:23]


@pytest.fixture
def camera() -> Camera:
    return Camera.look_at((0.5, 1.4, 3.6), (0, 0.8, 0), 200, 160, 210)


@pytest.fixture
def wall() -> Any:
    return np.random.default_rng(3).integers(90, 190, (160, 200, 3), dtype=np.uint8)


def over(body: BodyModel, motion: Motion, camera: Camera, picture: Any, **options: Any) -> Any:
    return next(composite_frames(BodyFigure(body, motion.betas, (200, 40, 40)), motion, [camera], [picture], **options))


def outline(body: BodyModel, motion: Motion, camera: Camera) -> Any:
    vertices = body.from_motion(motion[:1]).vertices
    assert vertices is not None
    return silhouette(vertices[0].numpy(), body.faces, camera)


def test_only_the_person_is_painted(body: BodyModel, squat: Motion, camera: Camera, wall: Any) -> None:
    frame = over(body, squat, camera, wall, shadow=0.0)
    changed, covered = (frame != wall).any(axis=2), outline(body, squat, camera)
    assert covered.sum() > 1000
    assert changed[covered].mean() > 0.99
    grown = np.pad(covered, 1)
    near = np.any([grown[1 + dy: 161 + dy, 1 + dx: 201 + dx] for dy in (-1, 0, 1) for dx in (-1, 0, 1)], axis=0)
    assert not (changed & ~near).any()


def test_edges_are_smooth(body: BodyModel, squat: Motion, camera: Camera) -> None:
    white = np.full((160, 200, 3), 255, np.uint8)
    blue = over(body, squat, camera, white, shadow=0.0)[..., 2].astype(int)
    inside = np.quantile(blue[outline(body, squat, camera)], 0.8)
    assert ((blue > inside + 20) & (blue < 235)).sum() > 100


def test_the_shadow_lies_on_the_floor_under_the_feet(
    body: BodyModel, squat: Motion, camera: Camera, wall: Any
) -> None:
    vertices = body.from_motion(squat[:1]).vertices
    assert vertices is not None
    v = vertices[0].double().numpy()
    shade = contact_shadow(v, vertex_areas(v, body.faces), v.mean(axis=0))
    dark = wall.astype(int).sum(axis=2) - cast_shadow(wall, shade, camera, v.mean(axis=0)).astype(int).sum(axis=2)
    assert (dark >= 0).all()
    weight = dark * (dark > 0.7 * dark.max())
    rows, columns = np.mgrid[:160, :200] + 0.5
    middle = np.array([(weight * columns).sum(), (weight * rows).sum()]) / weight.sum()
    soles = v[v[:, 1] < 0.03] * (1, 0, 1)
    feet, _ = camera.project(soles)
    assert np.abs(middle - (feet.min(axis=0) + feet.max(axis=0)) / 2).max() < 8
    away = v.mean(axis=0) * (1, 0, 1) - [0, 0, 1.5]
    assert (dark[: int(camera.project(away)[0][1])] == 0).all()


def test_a_camera_under_the_floor_or_beside_the_person_sees_no_shadow(wall: Any) -> None:
    shade = np.full((128, 128), 0.5, np.float32)
    under = Camera.look_at((0, -1, 3), (0, 0.5, 0), 200, 160, 200)
    aside = Camera.look_at((0, 1, 3), (9, 1, 4), 200, 160, 200)
    for camera in (under, aside):
        assert (cast_shadow(wall, shade, camera, (0, 0, 0)) == wall).all()
    close = Camera.look_at((0, 1.5, 0.2), (0, 1.4, 5), 200, 160, 200)  # the shadow lies beneath and behind it, too
    assert (cast_shadow(wall, shade, close, (0, 0, 0))[:80] == wall[:80]).all()


def test_whoever_is_out_of_the_picture_leaves_it_alone(body: BodyModel, squat: Motion, wall: Any) -> None:
    behind = Camera.look_at((0, 1, 3), (0, 1, 6), 200, 160, 200)
    aside = Camera.look_at((0, 1, 3), (9, 1.5, 3), 200, 160, 200)
    for camera in (behind, aside):
        assert (over(body, squat, camera, wall) == wall).all()
    inside = Camera.look_at((0, 1.0, 0.05), (0, 1.0, 4), 200, 160, 200)  # parts of the body before and behind it
    assert over(body, squat, inside, wall).shape == wall.shape


def test_frames_are_made_one_at_a_time(body: BodyModel, squat: Motion, camera: Camera, wall: Any) -> None:
    asked = []

    def backgrounds() -> Iterator[Any]:
        for k in range(3):
            asked.append(k)
            yield wall

    frames = composite_frames(BodyFigure(body, squat.betas), squat, [camera] * 3, backgrounds())
    assert next(frames).shape == wall.shape
    assert asked == [0]
    assert len(list(frames)) == 2


def test_what_does_not_fit_is_said(body: BodyModel, squat: Motion, camera: Camera, wall: Any) -> None:
    figure = BodyFigure(body, squat.betas)
    with pytest.raises(InputError, match="does not fit a camera"):
        next(composite_frames(figure, squat, [camera], [wall[:100]]))
    with pytest.raises(InputError, match="3 frames, but its background only 2"):
        list(composite_frames(figure, squat, [camera] * 3, [wall] * 2))


def test_the_scene_lights_the_person() -> None:
    def light(*color: int) -> Any:
        return scene_light(np.full((64, 64, 3), color, np.uint8))

    dark, usual, warm = light(30, 30, 30), light(125, 125, 125), light(150, 120, 80)
    assert np.allclose(usual, 1, atol=0.05)
    assert (dark < 0.9).all()
    assert warm[0] > warm[1] > warm[2] > 0.8


def test_a_plain_stage_has_floor_and_no_grid(camera: Camera) -> None:
    frames = list(plain_backgrounds([camera, camera], (0, 0.9, 0)))
    assert frames[0] is frames[1]
    assert frames[0].shape == (160, 200, 3)
    assert np.abs(np.diff(frames[0][:, 100].astype(int), axis=0)).max() < 6


def test_sizes() -> None:
    assert fitting_size(3840, 2160) == (1280, 720)
    assert fitting_size(721, 1281) == (720, 1280)
    picture = np.zeros((100, 300, 3), np.uint8)
    picture[:, 100:200] = 255
    assert cropped_to(picture, (50, 50)).min() > 200
    assert resized(picture, (60, 40)).shape == (40, 60, 3)
    camera = Camera.from_focal(640, 480, 500)
    half = for_size(camera, (320, 242))
    assert np.allclose(half.project((0.2, 0.1, -3))[0], camera.project((0.2, 0.1, -3))[0] * (320 / 640, 242 / 480))


def test_a_standing_camera_sees_everything() -> None:
    points = np.random.default_rng(0).uniform((-2, 0, -3), (1, 2, 4), (60, 3))
    for size in ((320, 240), (240, 320)):
        xy, depth = standing_camera(points, size).project(points)
        assert depth.min() > 0.1
        assert (xy > 0).all()
        assert (xy < size).all()
        assert (np.ptp(xy, axis=0) / size).max() > 0.6


def test_two_clips_side_by_side() -> None:
    left, right = np.full((100, 50, 3), 9, np.uint8), np.full((200, 300, 3), 7, np.uint8)
    pairs = list(beside([left] * 2, [right] * 3))
    assert [pair.shape for pair in pairs] == [(200, 400, 3)] * 2
    assert (pairs[0][:, :100] == 9).all()
    assert (pairs[0][:, 100:] == 7).all()
