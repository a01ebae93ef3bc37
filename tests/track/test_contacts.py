"""Feet that stand are told from feet that swing, whatever the frame and however noisy the depth."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from humanav.track.contacts import foot_contacts, runs, standing
from humanav.track.path import BodyPath
from tests.track.walks import agreement, camera_of, tracked, true_contacts, world_path


@pytest.mark.parametrize(("clip", "least"), [("walk", 0.95), ("run", 0.9), ("squat", 0.99), ("dance", 0.93)])
def test_contacts_of_clean_and_of_noisy_paths(body, rng, clip: str, least: float) -> None:
    path = world_path(body, clip)
    truth = true_contacts(path, body)
    assert agreement(standing(foot_contacts(path, body), path.fps), truth) > least
    R, t = camera_of()
    seen = tracked(path.turned(R, t), rng)
    found = standing(foot_contacts(seen, body, up=R[:, 1], eye=np.zeros(3)), path.fps)
    assert agreement(found, truth) > least - 0.08


def test_a_runner_flies(body) -> None:
    path = world_path(body, "run")
    found = standing(foot_contacts(path, body, floor=0.0), path.fps)
    assert 0.1 < (~found.any(axis=1)).mean() < 0.6


def test_a_jump_is_no_floor(body) -> None:
    path = world_path(body, "idle")[:90]
    time = np.arange(90) / path.fps
    height = np.maximum(0.0, 3.0 * (time - 1.2) - 4.9 * (time - 1.2) ** 2) * (time > 1.2)
    jumping = replace(path, pelvis=path.pelvis + np.outer(height, [0.0, 1.0, 0.0]))
    found = standing(foot_contacts(jumping, body), path.fps)
    assert not found[height > 0.2].any()
    assert found[height == 0].mean() > 0.9


def test_a_lifted_foot_held_still_does_not_stand(body) -> None:
    path = world_path(body, "idle")[:120]
    rotations = path.rotations.copy()
    bend = np.clip(np.arange(120) - 20, 0, 15) / 15 * 1.2
    for joint, sign in ((1, -1.0), (4, 1.0)):  # left hip and knee
        turn = np.tile(np.eye(3), (120, 1, 1))
        turn[:, 1, 1] = turn[:, 2, 2] = np.cos(sign * bend)
        turn[:, 2, 1], turn[:, 1, 2] = np.sin(sign * bend), -np.sin(sign * bend)
        rotations[:, joint] = rotations[:, joint] @ turn
    R, t = camera_of()
    lifted = replace(path, rotations=rotations).turned(R, t)
    found = standing(foot_contacts(lifted, body, up=R[:, 1], eye=np.zeros(3)), path.fps)
    assert found[:20, 0].all()
    assert not found[40:, 0].any()
    assert found[:, 1].all()


def test_unseen_frames_follow_their_neighbours(body, rng) -> None:
    path = world_path(body, "idle")[:60]
    confidence, pelvis = path.confidence.copy(), path.pelvis.copy()
    confidence[20:30] = 0.0
    pelvis[20:30] += rng.standard_normal((10, 3))
    found = foot_contacts(replace(path, confidence=confidence, pelvis=pelvis), body)
    assert (found[22:28] > 0.6).all()


def test_nobody_seen_and_few_frames(body) -> None:
    path = world_path(body, "walk")
    hidden = foot_contacts(replace(path, confidence=np.zeros_like(path.confidence)), body)
    assert np.isfinite(hidden).all()
    assert hidden.shape == (len(path), 2)
    for count in (1, 2, 3):
        part: BodyPath = world_path(body, "idle")[:count]
        found = foot_contacts(part, body, eye=np.array([0.0, 1.0, 4.0]))
        assert found.shape == (count, 2)
        assert (found > 0.5).all()


def test_the_frame_rate_matters_little(body) -> None:
    path = world_path(body, "walk")
    half = replace(path[::2], fps=path.fps / 2)
    slow, fast = (standing(foot_contacts(p, body), p.fps) for p in (half, path))
    assert agreement(slow, fast[::2]) > 0.9


def test_hysteresis_leaves_flickers_out() -> None:
    level = np.array([0.1, 0.5, 0.7, 0.5, 0.5, 0.3, 0.5, 0.2])
    assert standing(level[:, None], 5.0)[:, 0].tolist() == [False, False, True, True, True, False, False, False]
    flicker = np.zeros((60, 1))
    flicker[10:40], flicker[20], flicker[50] = 1.0, 0.0, 1.0
    assert runs(standing(flicker, 60.0)[:, 0]) == [(10, 40)]
    assert runs(np.zeros(0, dtype=bool)) == []
