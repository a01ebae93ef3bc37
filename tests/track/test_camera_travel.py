"""Standing feet tell how a camera travels."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from scipy.ndimage import gaussian_filter1d
from scipy.spatial.transform import Rotation

from humanav.errors import InputError
from humanav.track.camera_motion import CameraPath
from humanav.track.camera_travel import eye_of, world_from_moving_camera
from humanav.track.contacts import standing
from humanav.track.ground import find_ground
from tests.track.walks import agreement, camera_of, tracked, true_contacts, world_path


def turning(R: np.ndarray) -> CameraPath:
    frames = len(R)
    return CameraPath(R @ R[0].T, None, np.ones(frames), np.zeros(frames), np.zeros(frames, dtype=int))


def filmed(path, way: str):
    """R (T,3,3), t (T,3) and places (T,3) of a hand-held camera that turns after the person or goes along."""
    R0, t0 = camera_of(pitch=8.0, roll=2.0, yaw=80.0)
    time = np.arange(len(path)) / path.fps
    gone = path.pelvis[:, [0, 2]] - path.pelvis[0, [0, 2]]
    places = np.tile(-R0.T @ t0, (len(path), 1))
    if way == "along":
        places[:, [0, 2]] += gaussian_filter1d(gone, 15, axis=0, mode="nearest")
        places += 0.03 * np.stack([np.sin(1.3 * time), np.sin(2.1 * time), np.cos(1.7 * time)], axis=1)
    angles = 0.01 * np.stack([np.sin(3 * time), np.cos(2.3 * time), np.sin(1.9 * time)], axis=1)
    if way == "turn":
        angles[:, 1] -= 0.8 * np.arctan2(gone[:, 1], 5.0)
    R = R0 @ Rotation.from_rotvec(angles).as_matrix()
    return R, -np.einsum("tij,tj->ti", R, places), places


@pytest.mark.parametrize(("clip", "way"), [("walk", "turn"), ("walk", "along"), ("run", "along"), ("squat", "turn")])
def test_a_camera_that_turns_or_goes_along(body, rng, clip: str, way: str) -> None:
    path = world_path(body, clip)
    R, t, places = filmed(path, way)
    truth = (places - places[0]) @ R[0].T
    exact = world_from_moving_camera(path.turned(R, t), turning(R), body)
    length = np.linalg.norm(np.diff(truth, axis=0), axis=1).sum()
    assert np.linalg.norm(exact.eye - truth, axis=1).max() < 0.03 + 0.03 * length
    noisy = world_from_moving_camera(tracked(path.turned(R, t), rng), turning(R), body)
    assert np.linalg.norm(noisy.eye - truth, axis=1).mean() < 0.02 + 0.06 * length
    assert agreement(standing(noisy.contacts, path.fps), true_contacts(path, body)) > 0.85
    assert noisy.sure > 0.3
    assert exact.sure > 0.7
    assert ("only turns" if way == "turn" else "travels") in noisy.how


def test_the_world_of_a_moving_camera(body) -> None:
    """Floor, cameras and person agree: the cameras see the person where they saw them."""
    path = world_path(body, "walk")
    R, t, _ = filmed(path, "along")
    seen = path.turned(R, t)
    found = world_from_moving_camera(seen, turning(R), body)
    ground = find_ground([found.path], body, eyes=[found.eye])
    cameras, world = found.camera.in_world(ground), found.path.to_world(ground.R, ground.t)
    again = world.turned(cameras.R, cameras.t)
    np.testing.assert_allclose(again.pelvis, seen.pelvis, atol=1e-8)
    np.testing.assert_allclose(again.rotations, seen.rotations, atol=1e-8)
    heights = eye_of(cameras)[:, 1]
    assert np.abs(heights - 1.4).max() < 0.3
    walked = np.linalg.norm(world.pelvis[-1] - world.pelvis[0])
    assert walked == pytest.approx(np.linalg.norm(path.pelvis[-1] - path.pelvis[0]), rel=0.03)


def test_known_contacts_and_little_to_go_by(body) -> None:
    path = world_path(body, "walk")
    R, t, places = filmed(path, "along")
    seen, contacts = path.turned(R, t), true_contacts(path, body).astype(float)
    known = world_from_moving_camera(seen, turning(R), body, contacts)
    assert np.linalg.norm(known.eye - (places - places[0]) @ R[0].T, axis=1).max() < 0.15
    np.testing.assert_array_equal(known.contacts, contacts)
    hidden = replace(seen, confidence=np.zeros_like(seen.confidence))
    nobody = world_from_moving_camera(hidden, turning(R), body)
    assert nobody.sure == 0.0
    assert np.isfinite(nobody.path.pelvis).all()
    assert len(world_from_moving_camera(seen[:1], turning(R[:1]), body).path) == 1
    flying = world_from_moving_camera(seen, turning(R), body, np.zeros((len(seen), 2)))
    assert np.isfinite(flying.path.pelvis).all()
    with pytest.raises(InputError):
        world_from_moving_camera(seen, turning(R[:5]), body)
    np.testing.assert_array_equal(eye_of(turning(R)), np.zeros((len(R), 3)))
