"""Filters on rotations: quaternion-correct, fair with gaps, and tuned by trying."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from humanav.errors import InputError
from humanav.motion import load_clip
from humanav.posendf.filters import FILTERS, filter_motion, tune
from humanav.posendf.measures import jitter, motion_mpjpe
from humanav.posendf.motion_noise import worsen
from humanav.posendf.sequences import angle_between, continuous, from_vectors, rotations_of, to_vectors


@pytest.mark.parametrize("name", sorted(FILTERS))
def test_a_filter_takes_noise_away(name: str) -> None:
    clip = load_clip("walk")[:60]
    noisy, _ = worsen(clip, "noise", 1.0, 0)
    done = filter_motion(noisy, name)
    assert jitter(done) < 0.6 * jitter(noisy)
    assert motion_mpjpe(done, clip) < motion_mpjpe(noisy, clip)


@pytest.mark.parametrize("name", sorted(FILTERS))
def test_a_body_that_turns_round_and_round_is_not_torn_at_half_a_turn(name: str) -> None:
    """Quaternions change their sign and rotation vectors jump there; angles must not."""
    clip = load_clip("idle")[:60]
    turn = np.zeros((60, 3), np.float32)
    turn[:, 1] = np.linspace(0, 4 * np.pi, 60)
    done = filter_motion(replace(clip, global_orient=turn), name)
    step = angle_between(rotations_of(done)[1:, 0], rotations_of(done)[:-1, 0])
    assert step.max() < 1.2 * 4 * np.pi / 59


def test_missing_frames_are_interpolated_before_a_filter_looks() -> None:
    clip = load_clip("wave")[:60]
    missing = np.zeros((60, 22), bool)
    missing[20:30, 17] = True
    broken = clip.body_pose.copy()
    broken[20:30, 16] = (2.5, 0, 0)
    done = filter_motion(replace(clip, body_pose=broken), "gaussian", missing, seconds=0.01)
    assert motion_mpjpe(done, clip) < 0.3 * motion_mpjpe(replace(clip, body_pose=broken), clip)


def test_a_half_or_whole_turn_survives_the_numbers() -> None:
    angles = np.linspace(0, 2.5 * np.pi, 50)[:, None, None] * np.array([0.0, 0.6, 0.8])
    quats = continuous(from_vectors(angles))
    assert np.allclose(angle_between(quats, from_vectors(angles)), 0, atol=1e-6)
    assert np.abs(np.diff(to_vectors(quats[:30]), axis=0)).max() < 0.3


def test_tuning_finds_more_smoothing_for_more_noise() -> None:
    clip = load_clip("walk")[:45]
    grid = {"seconds": (0.01, 0.03, 0.06, 0.1)}
    little, much = (tune([(worsen(clip, "noise", amount, 1)[0], None, clip)], "gaussian", grid)[0]["seconds"]
                    for amount in (0.1, 1.5))
    assert little < much


def test_what_cannot_be_done_is_said() -> None:
    clip = load_clip("idle")[:5]
    with pytest.raises(InputError, match="no filter called 'median'"):
        filter_motion(clip, "median")
    with pytest.raises(InputError, match=r"\(5, 22\) is needed"):
        filter_motion(clip, "gaussian", np.zeros((5, 21), bool))
    with pytest.raises(InputError, match="every joint is missing"):
        filter_motion(clip, "gaussian", np.ones((5, 22), bool))
