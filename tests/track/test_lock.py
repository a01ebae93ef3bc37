"""Standing feet are held, and what swings keeps its swing."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from humanav.posendf.measures import amplitude_kept
from humanav.track.contacts import foot_contacts, standing
from humanav.track.lock import lock_feet
from humanav.track.path import BodyPath
from humanav.track.soles import pose_feet
from tests.track.walks import camera_of, tracked, true_contacts, world_path


def slide_mm(path: BodyPath, body, stands: np.ndarray) -> float:
    """How far the ball of a standing foot moves over the floor from frame to frame, millimetres."""
    balls = pose_feet(path, body).joints[:, [10, 11]][..., [0, 2]]
    return float(1000 * np.linalg.norm(np.diff(balls, axis=0), axis=-1)[stands[1:] & stands[:-1]].mean())


def knee_jerks(path: BodyPath) -> float:
    """Mean second difference of the knees' angles, degrees."""
    cosine = (np.trace(path.rotations[:, [4, 5]], axis1=2, axis2=3) - 1) / 2
    return float(np.abs(np.diff(np.degrees(np.arccos(np.clip(cosine, -1, 1))), 2, axis=0)).mean())


@pytest.mark.parametrize("clip", ["walk", "run", "dance", "squat"])
def test_feet_stay_put_and_the_swing_stays_large(body, rng, clip: str) -> None:
    truth = world_path(body, clip)
    R, t = camera_of()
    noisy = tracked(truth.turned(R, t), rng).to_world(R, t)
    eye = -R.T @ t
    contacts = foot_contacts(noisy, body, floor=0.0, eye=eye)
    locked = lock_feet(noisy, contacts, body, eye=eye)
    stands = true_contacts(truth, body)
    before, after = slide_mm(noisy, body, stands), slide_mm(locked, body, stands)
    assert before > 4
    assert after < 0.3 * before
    assert after < 3.5
    assert slide_mm(locked, body, standing(contacts, truth.fps)) < 2.0
    assert 0.95 < amplitude_kept(locked.motion(body), noisy.motion(body)) < 1.1
    assert knee_jerks(locked) < max(1.5 * knee_jerks(noisy), 1.1 * knee_jerks(truth))
    soles = pose_feet(locked, body).soles[..., 1]
    assert soles.min() > -0.01
    assert np.abs(soles.min(axis=2)[standing(contacts, truth.fps)]).mean() < 0.006
    np.testing.assert_array_equal(locked.rotations[:, 12:], noisy.rotations[:, 12:])  # above the legs nothing changes


def test_a_slow_drift_is_taken_out_of_the_whole_body(body) -> None:
    path = world_path(body, "idle")
    drift = np.linspace(0.0, 0.3, len(path))[:, None] * np.array([0.4, 0.0, 1.0])
    away = replace(path, pelvis=path.pelvis + drift)
    locked = lock_feet(away, np.ones((len(path), 2)), body)
    assert slide_mm(locked, body, np.ones((len(path), 2), dtype=bool)) < 0.3
    assert np.ptp(locked.pelvis - path.pelvis, axis=0).max() < 0.12


def test_a_clean_clip_is_hardly_touched(body) -> None:
    path = world_path(body, "walk")
    locked = lock_feet(path, true_contacts(path, body), body)
    assert np.linalg.norm(locked.joints(body)[:, :22] - path.joints(body)[:, :22], axis=-1).mean() < 0.012
    flying = lock_feet(replace(path, pelvis=path.pelvis + [0.0, 0.5, 0.0]), np.zeros((len(path), 2)), body)
    assert np.linalg.norm(flying.joints(body) - path.joints(body) - [0.0, 0.5, 0.0], axis=-1).max() < 0.008


def test_hovering_and_sunken_feet_come_to_the_floor(body) -> None:
    path = world_path(body, "squat")
    for height in (0.04, -0.04):
        off = replace(path, pelvis=path.pelvis + [0.0, height, 0.0])
        soles = pose_feet(lock_feet(off, np.ones((len(path), 2)), body), body).soles[..., 1].min(axis=2)
        assert np.abs(soles).max() < 0.012
    sunken = replace(path, pelvis=path.pelvis - [0.0, 0.04, 0.0])
    assert pose_feet(lock_feet(sunken, np.zeros((len(path), 2)), body), body).soles[..., 1].min() > -0.01


def test_strength_and_few_frames(body, rng) -> None:
    path = world_path(body, "walk")
    contacts = true_contacts(path, body)
    noisy = replace(path, pelvis=path.pelvis + 0.02 * rng.standard_normal((len(path), 3)))
    assert lock_feet(noisy, contacts, body, strength=0.0) is noisy
    slides = [slide_mm(lock_feet(noisy, contacts, body, strength=s), body, contacts) for s in (0.5, 1.0)]
    assert slides[1] < slides[0] < slide_mm(noisy, body, contacts)
    for count in (1, 2, 3):
        part = lock_feet(noisy[:count], contacts[:count], body, eye=np.array([0.0, 1.0, 5.0]))
        assert len(part) == count
        assert np.isfinite(part.rotations).all()
        assert np.isfinite(part.pelvis).all()


def test_rotations_stay_rotations(body, rng) -> None:
    path = world_path(body, "dance")
    wild = replace(path, pelvis=path.pelvis + 0.3 * rng.standard_normal((len(path), 3)))
    locked = lock_feet(wild, np.ones((len(path), 2)), body)
    product = locked.rotations @ np.swapaxes(locked.rotations, -1, -2)
    assert np.abs(product - np.eye(3)).max() < 1e-5
    assert np.isfinite(locked.pelvis).all()
