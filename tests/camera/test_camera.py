"""The pinhole camera: axes, round trips, cropping and scaling, files, and what it refuses."""

from __future__ import annotations

import json

import numpy as np
import pytest

from humanav.camera import Camera
from humanav.errors import CameraError


def test_default_camera_looks_along_minus_z_with_y_up():
    camera = Camera.from_focal(640, 480)
    (x, y), depth = camera.project([1.0, 0.5, -4.0])
    assert depth == pytest.approx(4)
    assert x == pytest.approx(320 + 768 / 4)  # right in the world is right in the picture
    assert y == pytest.approx(240 - 768 / 8)  # up in the world is up in the picture
    np.testing.assert_allclose(camera.center, 0)


@pytest.mark.parametrize(("yaw", "side"), [(0, [0, 0, 1]), (90, [1, 0, 0]), (180, [0, 0, -1]), (-90, [-1, 0, 0])])
def test_orbit_stands_on_the_named_side(yaw, side):
    camera = Camera.orbit([0, 1, 0], 3.0, yaw, 0, 400, 600)
    np.testing.assert_allclose(camera.center, np.array([0, 1, 0]) + 3 * np.array(side), atol=1e-12)
    pixel, depth = camera.project([0, 1, 0])
    np.testing.assert_allclose(pixel, [200, 300], atol=1e-9)
    assert depth == pytest.approx(3)
    assert camera.project([0, 1.5, 0])[0][1] < 300
    # seen from the front, the person's left hand (+x) is on the right of the picture
    if yaw == 0:
        assert camera.project([0.5, 1, 0])[0][0] > 200


def test_positive_pitch_looks_down_from_above():
    camera = Camera.orbit([0, 1, 0], 3.0, 20, 30, 400, 600)
    assert camera.center[1] == pytest.approx(1 + 3 * np.sin(np.radians(30)))
    assert (camera.R @ [0, -1, 0])[2] > 0


def test_rays_pass_through_projected_points(rng):
    camera = Camera.look_at([2, 1.5, 3], [0, 1, 0], 800, 600, 900)
    points = rng.normal(0, 0.5, (50, 3)) + [0, 1, 0]
    pixels, _ = camera.project(points)
    directions = points - camera.center
    directions /= np.linalg.norm(directions, axis=1, keepdims=True)
    np.testing.assert_allclose(camera.ray(pixels) @ camera.R, directions, atol=1e-12)


def test_viewmat_and_focal(rng):
    camera = Camera.look_at([2, 1.5, 3], [0, 1, 0], 800, 600, 900)
    points = rng.normal(size=(5, 3))
    homogeneous = np.concatenate([points, np.ones((5, 1))], axis=1) @ camera.viewmat.T
    np.testing.assert_allclose(homogeneous[:, :3], camera.to_camera(points))
    assert camera.focal == 900


def test_scaled_and_cropped_project_alike(rng):
    camera = Camera.look_at([0, 1, 4], [0, 1, 0], 800, 600)
    points = rng.normal(0, 0.4, (20, 3)) + [0, 1, 0]
    pixels, _ = camera.project(points)
    half = camera.scaled(0.5)
    assert (half.width, half.height) == (400, 300)
    np.testing.assert_allclose(half.project(points)[0], pixels / 2)
    crop = camera.cropped(100, 50, 300, 200)
    assert (crop.width, crop.height) == (300, 200)
    np.testing.assert_allclose(crop.project(points)[0], pixels - [100, 50])


def test_distortion_agrees_with_opencv(rng):
    cv2 = pytest.importorskip("cv2")
    coefficients = np.array([-0.21, 0.08, 0.003, -0.002, 0.011])
    plain = Camera.look_at([0.5, 1.2, 4], [0, 1, 0], 800, 600, 700)
    camera = Camera(plain.K, plain.R, plain.t, 800, 600, coefficients)
    points = rng.normal(0, 0.5, (30, 3)) + [0, 1, 0]
    expected, _ = cv2.projectPoints(points, cv2.Rodrigues(plain.R)[0], plain.t, plain.K, coefficients)
    np.testing.assert_allclose(camera.project(points)[0], expected[:, 0], atol=1e-6)


def test_points_behind_are_told_by_their_depth():
    pixels, depth = Camera.from_focal(640, 480).project([[0.1, 0, 2.0], [0.1, 0, -2.0]])
    assert depth.tolist() == [-2, 2]
    assert np.isfinite(pixels).all()


def test_file_round_trip(tmp_path):
    K = np.array([[900.0, 0, 400], [0, 905, 310], [0, 0, 1]])
    camera = Camera(K, np.eye(3), [0, 1, 2], 800, 600, [0.1, -0.05, 0, 0])
    camera.save(tmp_path / "camera.json")
    back = Camera.load(tmp_path / "camera.json")
    for name in ("K", "R", "t", "distortion"):
        np.testing.assert_array_equal(getattr(back, name), getattr(camera, name))
    assert (back.width, back.height) == (800, 600)


@pytest.mark.parametrize(("change", "says"), [
    ({"R": np.diag([1, 1, -1])}, "rotation"), ({"R": np.eye(3) * 2}, "rotation"), ({"R": np.eye(2)}, "R must be"),
    ({"K": np.diag([-1.0, 1, 1])}, "focal"), ({"t": [0, np.nan, 0]}, "t must be"), ({"width": 0}, "size"),
    ({"distortion": [0, 0, 0, 0, 0, 0.2]}, "distortion"), ({"distortion": [np.inf]}, "distortion"),
])
def test_impossible_cameras_are_refused(change, says):
    values = {"K": np.diag([500.0, 500, 1]), "R": np.eye(3), "t": np.zeros(3), "width": 640, "height": 480, **change}
    with pytest.raises(CameraError, match=says):
        Camera(**values)


def test_look_at_itself_or_straight_up_is_refused():
    for target in ([0, 1, 3], [0, 5, 3]):
        with pytest.raises(CameraError, match="look"):
            Camera.look_at([0, 1, 3], target, 640, 480)


@pytest.mark.parametrize("text", [
    "", "no json", "[]", "{}", json.dumps({"K": [[1]], "R": 1, "t": 1, "width": "x", "height": 1}), "\x00\xff\xfe",
])
def test_bad_files_get_one_sentence(tmp_path, text):
    path = tmp_path / "camera.json"
    path.write_bytes(text.encode("latin-1"))
    with pytest.raises(CameraError) as caught:
        Camera.load(path)
    assert str(caught.value).endswith(".")
    with pytest.raises(CameraError):
        Camera.load(tmp_path / "absent.json")
