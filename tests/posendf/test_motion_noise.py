"""Damage on purpose: seeded, as described, with a true mask."""

from __future__ import annotations

import numpy as np
import pytest

from humanav.errors import InputError
from humanav.motion import load_clip, resample
from humanav.posendf.measures import motion_mpjpe
from humanav.posendf.motion_noise import KINDS, PARTS, worsen
from humanav.posendf.sequences import angle_between, rotations_of


@pytest.mark.parametrize("kind", KINDS)
def test_damage_is_seeded_and_hurts_and_nothing_is_damaged_by_zero(kind: str) -> None:
    clip = load_clip("dance")[:90]
    one, mask = worsen(clip, kind, 1.0, 3)
    again, same = worsen(clip, kind, 1.0, 3)
    assert np.array_equal(one.body_pose, again.body_pose)
    assert np.array_equal(mask, same)
    assert motion_mpjpe(one, clip) > 0.1
    assert mask.any() == ("gaps" in kind)
    none, empty = worsen(clip, kind, 0.0, 3)
    assert np.array_equal(none.body_pose, clip.body_pose)
    assert not empty.any()
    assert np.array_equal(one.left_hand_pose, clip.left_hand_pose)


def test_gaps_hold_the_last_pose_and_leave_the_rest_alone() -> None:
    clip = load_clip("walk")
    done, mask = worsen(clip, "gaps", 1.0, 5)
    before, after = rotations_of(clip), rotations_of(done)
    assert angle_between(before, after)[~mask].max() < 1e-4
    held = mask[1:] & mask[:-1]
    assert angle_between(after[1:], after[:-1])[held].max() < 1e-4
    assert not mask[0].any()


def test_noise_has_the_size_it_says_and_drift_is_slow() -> None:
    clip = load_clip("idle")
    angles = angle_between(rotations_of(worsen(clip, "noise", 1.0, 0)[0]), rotations_of(clip))
    assert angles.mean() == pytest.approx(0.1 * np.sqrt(8 / np.pi), rel=0.05)
    drifted = rotations_of(worsen(clip, "correlated", 1.0, 0)[0])
    white = rotations_of(worsen(clip, "noise", 1.2, 0)[0])
    steps = [angle_between(q[1:], q[:-1]).mean() for q in (drifted, white)]
    assert steps[0] < 0.6 * steps[1]


def test_a_frozen_arm_stands_still_for_seconds_at_any_frame_rate() -> None:
    for fps in (30, 120):
        clip = resample(load_clip("dance"), fps)
        quats = rotations_of(worsen(clip, "frozen arm", 1.0, 2)[0])
        arms = [list(PARTS[side]) for side in ("left arm", "right arm")]
        still = max(int((angle_between(quats[1:, arm], quats[:-1, arm]).max(axis=1) < 1e-6).sum()) for arm in arms)
        assert still / fps > 0.9


def test_one_frame_and_bad_words() -> None:
    one = load_clip("idle")[:1]
    for kind in KINDS:
        assert len(worsen(one, kind, 1.0, 0)[0]) == 1
    with pytest.raises(InputError, match="no damage called 'rust'"):
        worsen(one, "rust")
    with pytest.raises(InputError, match="not negative"):
        worsen(one, "noise", -1.0)
