"""The floor and gravity are found from the feet that stand."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from humanav.errors import InputError
from humanav.track.ground import find_ground, scale_to_floor
from humanav.track.path import BodyPath
from humanav.track.soles import pose_feet
from tests.track.walks import camera_of, tracked, true_contacts, world_path


def off_by(found: np.ndarray, truth: np.ndarray) -> float:
    return float(np.degrees(np.arccos(np.clip(found @ truth, -1, 1))))


@pytest.mark.parametrize("yaw", [0.0, 60.0])
def test_a_walker_tells_the_floor(body, rng, yaw: float) -> None:
    path = world_path(body, "walk")
    R, t = camera_of(yaw=yaw, height=1.4)
    exact = find_ground([path.turned(R, t)], body)
    noisy = find_ground([tracked(path.turned(R, t), rng)], body)
    assert off_by(exact.up, R[:, 1]) < 2.5
    assert off_by(noisy.up, R[:, 1]) < 4.0
    assert noisy.sure > 0.5
    assert abs(noisy.camera_height - 1.4) < 0.35
    world = path.turned(R, t).to_world(exact.R, exact.t)
    soles = pose_feet(world, body).soles[..., 1].min(axis=2)
    assert np.abs(soles[true_contacts(path, body)]).max() < 0.04


def test_a_given_tilt_is_taken(body) -> None:
    path = world_path(body, "walk")
    R, t = camera_of(pitch=15.0, roll=4.0, height=1.6)
    found = find_ground([path.turned(R, t)], body, tilt=(15.0, 4.0))
    assert off_by(found.up, R[:, 1]) < 0.2
    assert np.allclose(found.tilt, (15.0, 4.0), atol=0.1)
    assert abs(found.camera_height - 1.6) < 0.01
    assert found.sure > 0.9
    world = path.turned(R, t).to_world(found.R, found.t)
    assert np.abs(np.median(world.pelvis[:, [0, 2]], axis=0)).max() < 1e-6
    assert np.linalg.det(found.R) == pytest.approx(1.0)
    assert "15 degrees" in found.how
    assert "1.6 m" in found.how


def test_a_given_height_scales_people(body) -> None:
    path = world_path(body, "walk")
    R, t = camera_of(height=1.5)
    seen = path.turned(R, t)
    low = replace(seen, pelvis=seen.pelvis - 0.15 * R[:, 1])
    found = find_ground([low], body, tilt=(12.0, 3.0), camera_height=1.5)
    assert found.camera_height == pytest.approx(1.5)
    assert scale_to_floor(low, found, body) == pytest.approx(1.5 / 1.65, abs=0.01)


def test_a_jump_does_not_lift_the_floor(body) -> None:
    path = world_path(body, "idle")[:90]
    time = np.arange(90) / path.fps
    height = np.maximum(0.0, 3.0 * (time - 1.2) - 4.9 * (time - 1.2) ** 2) * (time > 1.2)
    jumping = replace(path, pelvis=path.pelvis + np.outer(height, [0.0, 1.0, 0.0]))
    R, t = camera_of(height=1.3)
    found = find_ground([jumping.turned(R, t)], body, tilt=(12.0, 3.0))
    assert abs(found.camera_height - 1.3) < 0.02


def test_several_people_share_the_floor(body) -> None:
    R, t = camera_of(height=1.4)
    first, second = (world_path(body, name).turned(R, t) for name in ("walk", "dance"))
    far = replace(second, pelvis=second.pelvis - 0.1 * R[:, 1])
    found = find_ground([first, far], body, tilt=(12.0, 3.0))
    assert abs(found.camera_height - 1.4) < 0.02
    assert scale_to_floor(far, found, body) == pytest.approx(1.4 / 1.5, abs=0.02)
    assert scale_to_floor(first, found, body) == pytest.approx(1.0, abs=0.02)
    on_a_stage = replace(second, pelvis=second.pelvis + 0.7 * R[:, 1])
    assert scale_to_floor(on_a_stage, found, body) is None


def test_a_camera_held_upside_down_and_given(body) -> None:
    path = world_path(body, "walk")
    R, t = camera_of(pitch=5.0, roll=180.0, height=1.4)
    found = find_ground([path.turned(R, t)], body, tilt=(5.0, 180.0))
    assert off_by(found.up, R[:, 1]) < 0.5
    assert abs(found.camera_height - 1.4) < 0.02


def test_little_to_go_by(body) -> None:
    R, t = camera_of()
    for path in (world_path(body, "idle")[:1], world_path(body, "walk")[:2]):
        found = find_ground([path.turned(R, t)], body)
        assert np.isfinite([*found.R, found.t]).all()
        assert found.sure < 0.6
    path = world_path(body, "walk").turned(R, t)
    hidden: BodyPath = replace(path, confidence=np.zeros_like(path.confidence))
    unsure = find_ground([hidden], body)
    assert np.isfinite(unsure.t).all()
    assert unsure.sure < 0.3
    assert "no foot" in unsure.how
    assert scale_to_floor(hidden, unsure, body) is None


def test_what_cannot_be_used_is_refused(body) -> None:
    path = world_path(body, "idle")[:5]
    with pytest.raises(InputError):
        find_ground([], body)
    with pytest.raises(InputError):
        find_ground([path], body, tilt=(89.0, 0.0))
    with pytest.raises(InputError):
        find_ground([path], body, camera_height=float("nan"))
