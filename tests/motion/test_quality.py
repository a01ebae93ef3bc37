"""Which frames can be trusted: jumps and limits are found, at any frame rate, and clean motion is left alone."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.spatial.transform import Rotation

from humanav.body.names import JOINT_INDEX
from humanav.motion import CLIP_NAMES, Motion, frame_quality, load_clip, load_motion, mirror, resample, usable_frames
from humanav.motion.quality import beyond_limits, swing_twist
from tests.motion.captures import captured


def turned(motion: Motion, joint: str, frames: slice | int, axis: str, degrees: float) -> Motion:
    pose = motion.full_pose.copy()
    j = JOINT_INDEX[joint]
    turn = Rotation.from_euler(axis, degrees, degrees=True)
    where = frames if isinstance(frames, slice) else slice(frames, frames + 1)
    pose[where, j] = (Rotation.from_rotvec(pose[where, j]) * turn).as_rotvec()
    return Motion.from_full_pose(pose, motion.fps, motion.transl)


@pytest.mark.parametrize("name", CLIP_NAMES)
def test_authored_clips_are_usable(name):
    assert usable_frames(load_clip(name)).all()


@pytest.mark.parametrize("fps", [30, 60, 120, 240])
def test_a_flipped_arm_is_found_at_any_frame_rate(fps):
    """An arm that flips for a fifth of a second, captured at each frame rate: those frames and no others."""
    walk = resample(load_clip("walk"), fps)
    start, end = round(1.0 * fps), round(1.2 * fps)
    quality = frame_quality(turned(walk, "left_shoulder", slice(start, end), "z", 90))
    assert not quality.usable[start:end].any()
    assert quality.usable[: start - 1].all()
    assert quality.usable[end + 1 :].all()
    assert "left_shoulder jumps" in quality.reasons(start)
    assert "left_shoulder" in quality.summary()


@pytest.mark.parametrize(("joint", "axis", "degrees"), [
    ("left_knee", "x", -40), ("right_knee", "x", -40), ("left_elbow", "y", 40), ("right_elbow", "y", -40),
    ("head", "y", 120), ("spine1", "x", -90), ("left_hip", "x", 80), ("right_shoulder", "x", 175),
    ("left_ankle", "z", 80),
])
def test_joints_beyond_their_limits(joint, axis, degrees):
    motion = Motion.from_full_pose(np.zeros((4, 22, 3)))
    motion = turned(motion, joint, slice(0, 4), axis, degrees)
    quality = frame_quality(motion)
    assert quality.limits[:, JOINT_INDEX[joint]].all()
    assert quality.limits.sum() == 4
    assert quality.reasons(0) == (f"{joint} is beyond its limits",)
    assert (~frame_quality(mirror(motion)).usable).all()


def test_what_a_body_can_do_is_within_limits():
    pose = np.zeros((1, 22, 3))
    for joint, turn in (("left_knee", (2.6, 0, 0)), ("right_elbow", (0, 2.5, 0)), ("left_hip", (-2.2, 0, 0.3)),
                        ("right_shoulder", (0, 0, 1.3)), ("left_shoulder", (0, 0, 1.5)), ("head", (0, 1.1, 0))):
        pose[0, JOINT_INDEX[joint]] = turn
    assert not beyond_limits(pose).any()


@pytest.mark.parametrize("fps", [60, 120, 240])
def test_a_jump_that_resampling_spread_is_still_one(fps):
    walk = turned(load_clip("walk"), "left_shoulder", slice(40, None), "z", 80)
    assert np.flatnonzero(~usable_frames(walk)).tolist() == [39, 40]
    unusable = np.flatnonzero(~usable_frames(resample(walk, fps))) * 30 / fps
    assert unusable.size
    assert unusable.min() > 38.5
    assert unusable.max() < 40.5


def test_swing_and_twist_come_apart(rng):
    twist, swing = rng.uniform(-3, 3, 20), rng.uniform(-1.5, 1.5, (20, 2))
    tilted = Rotation.from_rotvec(np.c_[swing[:, 0], np.zeros(20), swing[:, 1]])
    both = tilted * Rotation.from_euler("y", twist[:, None])
    np.testing.assert_allclose(swing_twist(both.as_rotvec(), 1), np.c_[swing[:, 0], twist, swing[:, 1]], atol=1e-9)


def test_path_jumps_and_missing_joints():
    walk = load_clip("walk")
    path = walk.transl.copy()
    path[40:] += [3, 0, 0]
    missing = np.zeros((len(walk), 22), dtype=bool)
    missing[7, 4] = True
    quality = frame_quality(Motion.from_full_pose(walk.full_pose, 30, path), missing)
    assert np.flatnonzero(~quality.usable).tolist() == [7, 39, 40]
    assert quality.reasons(7) == ("left_knee is missing",)
    assert quality.summary().startswith(f"3 of {len(walk)} frames are not usable (2 with impossible jumps, 1 with")


def test_one_frame_and_two_frames_a_second():
    walk = load_clip("walk")
    assert usable_frames(walk[3]).all()
    assert usable_frames(resample(walk, 2)).all()


def test_captured_motion_agrees_with_an_independent_mask(shared):
    """The mask that came with the captures is a heuristic too: most of what it drops is found, little else."""
    found = wrong = dropped = kept = 0
    with np.load(captured(shared, "cmu_subset.npz")) as data:
        for clip in ("01_08", "01_14", "60_06", "60_13", "07_04", "94_04", "02_05"):
            usable = usable_frames(Motion.from_full_pose(data[f"pose/{clip}"], 30, data[f"trans/{clip}"]))
            ok = data[f"ok/{clip}"]
            found, wrong = found + (~usable & ~ok).sum(), wrong + (~usable & ok).sum()
            dropped, kept = dropped + (~ok).sum(), kept + ok.sum()
    assert found > 0.75 * dropped
    assert wrong < 0.01 * kept


@pytest.mark.parametrize("name", ["02_01.amc", "02_03.amc", "02_06.amc", "135_04.bvh"])
def test_raw_captures_are_usable(shared, name):
    assert usable_frames(load_motion(captured(shared, f"raw/{name}"))).mean() > 0.99
