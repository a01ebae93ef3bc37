"""Jumps of one frame are taken out, fast motion is not; smoothing keeps what moves."""

from __future__ import annotations

import numpy as np
import pytest

from humanav.perception.follow_smooth import smoothed, without_jumps
from tests.perception.figures import walker


@pytest.mark.parametrize("fps", [24, 30, 60])
def test_fast_motion_is_left_alone(fps):
    time = np.arange(2 * fps) / fps
    points = walker(2 * fps, fps=fps, yaw=6.0, noise=1.0)
    points[:, 15, 0] += 120 * np.sin(2 * np.pi * 2.2 * time)  # a hand shaken as fast as one can
    found, jumps = without_jumps(points, fps)
    assert not jumps.any()
    np.testing.assert_array_equal(found, points)


@pytest.mark.parametrize("frame", [0, 1, 20, 59])
def test_a_jump_is_taken_out(frame):
    truth = walker(60, noise=0.5)
    wrong = truth.copy()
    wrong[frame, [11, 23, 15], 0] += 40
    found, jumps = without_jumps(wrong, 30)
    assert set(np.argwhere(jumps)[:, 0]) == {frame}
    assert set(np.argwhere(jumps)[:, 1]) == {11, 23, 15}
    assert np.abs(found[..., :2] - truth[..., :2]).max() < 8
    assert found[frame, 11, 2] == pytest.approx(0.45)


def test_gaps_slow_clips_and_nobody():
    points = walker(30)
    points[10:14] = 0
    points[20, 5] = 0
    found, jumps = without_jumps(points, 30)
    assert not jumps[[9, 10, 11, 12, 13, 14]].any()
    assert (found[10:14] == 0).all()
    slow = walker(10)
    slow[4, :, 0] += 80
    np.testing.assert_array_equal(without_jumps(slow, 5)[0], slow)
    for count in (1, 2):
        np.testing.assert_array_equal(without_jumps(points[:count], 30)[0], points[:count])
    assert not without_jumps(np.zeros((5, 33, 3), np.float32), 30)[1].any()


@pytest.mark.parametrize("fps", [5, 30, 60])
def test_smoothing_takes_tremble_and_keeps_motion(fps, rng):
    time = np.arange(4 * fps) / fps
    clean = np.zeros((len(time), 2, 3), np.float32)
    clean[..., 0] = 300 + 80 * np.sin(2 * np.pi * 1.5 * time)[:, None]
    clean[..., 2] = 0.9
    noisy = clean.copy()
    noisy[..., :2] += rng.normal(0, 2, noisy[..., :2].shape)
    there = np.ones(noisy.shape[:2], dtype=bool)
    there[20:23] = False
    noisy[20:23] = 0
    found = smoothed(noisy, there, fps, 2)
    np.testing.assert_array_equal(found[20:23], 0)
    np.testing.assert_array_equal(found[..., 2], noisy[..., 2])
    error = [np.sqrt(((points - clean)[there][..., :2] ** 2).mean()) for points in (noisy, found)]
    assert error[1] < error[0] * (0.9 if fps >= 30 else 1.001)
    if fps == 5:
        np.testing.assert_array_equal(found, noisy)  # too few frames per second to average any
