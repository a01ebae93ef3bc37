"""Sheets, overlays and moving pictures: right size, right place, right colours."""

import numpy as np
import pytest

from humanav.body.landmarks import KEYPOINT_SETS
from humanav.camera import Camera
from humanav.motion import Motion
from humanav.perception import Person2D
from humanav.render import DARK
from humanav.view import (
    animation_frames,
    contact_sheet,
    draw_keypoints,
    draw_matte,
    draw_overlay,
    draw_side_view,
    poster,
    relaxed_pose,
    turntable,
)
from humanav.view.colors import LEFT, RIGHT
from humanav.view.overlay import bones
from tests.view.people import figure

PERSON = figure()


def walk(frames=6, step=0.05):
    transl = np.zeros((frames, 3))
    transl[:, 2] = np.arange(frames) * step
    return Motion.from_full_pose(np.zeros((frames, 55, 3)), 30, transl=transl)


def differs(image, color=None):
    """Where a picture is not grey (or is near a colour)."""
    image = image.astype(int)
    if color is None:
        return np.ptp(image, axis=-1) > 40
    return np.abs(image - color).sum(-1) < 60


def test_contact_sheet_holds_every_picture():
    pictures = [np.full((40, 30, 3), k * 60, np.uint8) for k in range(3)] + [np.ones((20, 60)) > 0, np.zeros((9, 9))]
    sheet = contact_sheet(pictures, ["a", "b"], columns=2, height=50)
    assert sheet.dtype == np.uint8
    assert sheet.shape[0] == 3 * (50 + 24 + 8) + 8
    assert contact_sheet(pictures, max_width=100).shape[1] == 100
    assert contact_sheet([]).ndim == 3


def test_turntable_frames_the_person():
    frames = list(turntable(PERSON, (120, 160), seconds=1, fps=8))
    assert len(frames) == 8
    assert all(f.shape == (160, 120, 3) and f.dtype == np.uint8 for f in frames)
    for frame in frames:
        rows, columns = np.nonzero(differs(frame))
        assert 0.6 * 160 < np.ptp(rows) < 0.97 * 160  # the whole person, large
        assert rows.min() > 2
        assert rows.max() < 157
        assert abs(columns.mean() - 60) < 15
    again = list(turntable(PERSON, (120, 160), seconds=1, fps=8))
    assert all((a == b).all() for a, b in zip(frames, again))


def test_turntable_starts_in_front_and_shows_the_left_side():
    front, left = [f for k, f in enumerate(turntable(PERSON, (120, 160), seconds=1, fps=4)) if k < 2]
    assert np.ptp(np.nonzero(differs(left))[1]) > np.ptp(np.nonzero(differs(front))[1]) + 3  # the nose sticks out
    columns = np.nonzero(differs(left))[1]
    assert columns.min() - 60 < -(columns.max() - 60) - 2  # seen from her left, she looks to the picture's left


def test_camera_follows_a_walk_and_feet_keep_the_floor():
    frames = list(animation_frames(PERSON, walk(12), (96, 128)))
    assert len(frames) == 12
    centers = [np.nonzero(differs(f))[1].mean() for f in frames]
    assert np.ptp(centers) < 30
    assert np.ptp([np.nonzero(differs(f))[0].max() for f in frames]) < 12


def test_shadow_and_floor_are_drawn():
    light, dark = poster(PERSON, (96, 128), yaw=0), poster(PERSON, (96, 128), yaw=0, colors=DARK)
    assert light[5, 5].mean() > 200
    assert dark[5, 5].mean() < 60
    rows = np.nonzero(differs(light))[0]
    under = light[rows.max() + 1: rows.max() + 4, 40:56].mean()
    assert under < light[rows.max() + 1: rows.max() + 4, :6].mean() - 8


def test_relaxed_pose_hangs_the_arms():
    pose = relaxed_pose()
    assert len(pose) == 1
    left, right = pose.body_pose[0, 15], pose.body_pose[0, 16]
    np.testing.assert_allclose(left * (1, -1, -1), right)
    assert left[2] < -0.9


def person2d(keypoint_set="blazepose33", size=(200, 100)):
    rng = np.random.default_rng(0)
    count = len(KEYPOINT_SETS[keypoint_set])
    keypoints = np.concatenate([rng.random((count, 2)) * (size[1], size[0]), np.ones((count, 1))], 1)
    return Person2D(keypoints.astype(np.float32), keypoint_set, np.array([0, 0, size[1], size[0]]), 0.9,
                    left_hand=np.full((21, 3), 20, np.float32), right_hand=np.full((21, 3), 60, np.float32),
                    face=np.full((478, 3), 30, np.float32))


@pytest.mark.parametrize("keypoint_set", ["blazepose33", "coco17", "halpe26", "openpose25"])
def test_keypoints_have_the_sides_colours(keypoint_set):
    photo = np.full((200, 100, 3), 120, np.uint8)
    person = person2d(keypoint_set)
    picture = draw_keypoints(photo, person)
    assert picture.shape == photo.shape
    names = KEYPOINT_SETS[keypoint_set]
    assert len(bones(names)) >= 12
    for side, color in (("left_hip", LEFT), ("right_hip", RIGHT)):
        x, y, _ = person.keypoints[names.index(side)]
        near = picture[max(0, int(y) - 2): int(y) + 3, max(0, int(x) - 2): int(x) + 3]
        assert differs(near, color).any() or not differs(near).all()
    assert differs(picture, LEFT).sum() > 20
    assert differs(picture, RIGHT).sum() > 20


def test_unsure_keypoints_are_left_out_and_large_photos_shrink():
    person = person2d(size=(3000, 1500))
    faint = Person2D(person.keypoints * (1, 1, 0.1), "blazepose33", person.box, 0.2)
    picture = draw_keypoints(np.full((3000, 1500, 3), 90, np.uint8), faint)
    assert picture.shape == (1024, 512, 3)
    assert not differs(picture).any()


def test_matte_keeps_the_person_and_hides_the_rest():
    photo = np.full((64, 48, 3), (200, 30, 30), np.uint8)
    alpha = np.zeros((64, 48), np.float32)
    alpha[10:50, 10:30] = 1
    picture = draw_matte(photo, alpha, crop=False)
    np.testing.assert_array_equal(picture[30, 20], (200, 30, 30))
    assert not differs(picture)[55:].any()
    assert len(np.unique(picture[55:, :, 0])) >= 2  # a checkerboard


def test_a_small_person_is_shown_large():
    photo = np.full((400, 600, 3), 128, np.uint8)
    photo[250:260, 310:320] = (250, 20, 20)
    alpha = np.zeros((400, 600), np.float32)
    alpha[200:300, 300:340] = 1
    assert draw_matte(photo, alpha).shape == (135, 75, 3)
    assert differs(draw_matte(photo, alpha), (250, 20, 20)).sum() == 100
    camera = Camera.orbit([0, 0.9, 0], 12, 0, 0, 600, 400, 400)
    body = draw_overlay(photo, PERSON.vertices, PERSON.faces, camera, side_view=False)
    assert body.shape[0] < 150
    columns = np.nonzero(differs(body))[1]
    assert abs(columns.mean() - body.shape[1] / 2) < 6
    person = Person2D(np.array([[310, 255, 1.0]] * 33, np.float32), "blazepose33", np.array([300, 200, 340, 300]), 1.0)
    assert draw_keypoints(photo, person).shape == (136, 76, 3)


def test_overlay_sits_on_the_photo_with_a_side_view():
    camera = Camera.orbit([0, 0.9, 0], 3, 0, 0, 150, 200, 240)
    photo = np.full((200, 150, 3), 128, np.uint8)
    picture = draw_overlay(photo, PERSON.vertices, PERSON.faces, camera, crop=False)
    assert picture.shape[0] == 200
    assert picture.shape[1] > 150 + 60
    pixels, _ = camera.project(PERSON.vertices)
    rows, columns = np.nonzero(differs(picture[:, :150]))
    np.testing.assert_allclose([columns.min(), columns.max()], [pixels[:, 0].min(), pixels[:, 0].max()], atol=3)
    np.testing.assert_allclose([rows.min(), rows.max()], [pixels[:, 1].min(), pixels[:, 1].max()], atol=3)
    alone = draw_overlay(photo, PERSON.vertices, PERSON.faces, camera, (10, 200, 10), side_view=False, crop=False)
    assert alone.shape == photo.shape


def test_side_view_shows_a_lean_towards_the_camera_on_the_left():
    from scipy.spatial.transform import Rotation

    camera = Camera.orbit([0, 0.9, 0], 3, 0, 0, 150, 200, 240)
    tilt = Rotation.from_euler("x", 20, degrees=True).as_matrix()  # the head comes towards the camera
    leaning = PERSON.vertices @ tilt.T

    def head_minus_foot(picture):
        rows, columns = np.nonzero(differs(picture))
        top, bottom = rows < rows.min() + 8, rows > rows.max() - 8
        return columns[top].mean() - columns[bottom].mean()

    assert head_minus_foot(draw_side_view(leaning, PERSON.faces, camera, height=200)) < -20
    upright = draw_side_view(leaning, PERSON.faces, camera, up=tilt @ (0, 1.0, 0), height=200)
    assert abs(head_minus_foot(upright)) < 8
    assert draw_side_view(np.zeros((0, 3)), np.zeros((0, 3), int), camera).ndim == 3
