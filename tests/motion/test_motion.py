"""The Motion value and what can be done with it."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import replace

import numpy as np
import pytest
import torch
from scipy.spatial.transform import Rotation

from humanav.errors import InputError
from humanav.motion import Motion, fit_to_shape, floor_heights, ground, in_place, load_clip, mirror, resample
from tests.motion.motions import random_motion


def joints_of(body, motion):
    with torch.no_grad():
        return body.from_motion(motion, vertices=False).joints.numpy()


def test_importing_loads_no_torch():
    code = "import sys, humanav.motion; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_full_pose_and_slices():
    motion = random_motion(frames=8, expression=2)
    again = Motion.from_full_pose(motion.full_pose, motion.fps, motion.transl, motion.betas, motion.expression)
    np.testing.assert_array_equal(again.full_pose, motion.full_pose)
    assert len(motion[2:5]) == 3
    np.testing.assert_array_equal(motion[-1].full_pose[0], motion.full_pose[-1])
    assert motion.duration == pytest.approx(8 / 30)
    assert len(Motion.from_full_pose(np.zeros((3, 66)))) == 3


@pytest.mark.parametrize(("values", "says"), [
    ({"global_orient": np.zeros((0, 3))}, "no frames"), ({"fps": 0}, "frame rate"), ({"fps": np.nan}, "frame rate"),
    ({"body_pose": np.zeros((3, 21, 3))}, "body_pose"), ({"transl": np.full((2, 3), np.inf)}, "transl"),
    ({"confidence": np.zeros((2, 22))}, "confidence"),
])
def test_impossible_motions_are_refused(values, says):
    with pytest.raises(InputError, match=says):
        Motion(**{"fps": 30, "global_orient": np.zeros((2, 3)), "body_pose": np.zeros((2, 21, 3)), **values})


def test_resampling_there_and_back():
    motion = random_motion(frames=31, fps=30, expression=2)
    up = resample(motion, 120)
    assert len(up) == 121
    assert up.duration == pytest.approx(121 / 120)
    np.testing.assert_allclose(up.full_pose[::4], motion.full_pose, atol=1e-5)
    np.testing.assert_allclose(resample(up, 30).full_pose, motion.full_pose, atol=1e-5)
    assert len(resample(motion, 29.97)) == 30
    assert len(resample(motion[:1], 60)) == 1
    with pytest.raises(InputError, match="positive"):
        resample(motion, 0)
    with pytest.raises(InputError, match="too many frames"):
        resample(motion, 1e9)


@pytest.mark.parametrize("fps", [2, 7.5, 30, 120, 240])
def test_resampling_between_2_and_240_frames_a_second(fps):
    """A turn of even speed stays one at any frame rate, and lasts as long."""
    pose = np.zeros((61, 22, 3))
    pose[:, 5, 0] = np.linspace(0, 2, 61)
    motion = Motion.from_full_pose(pose, 30, np.linspace(0, 1, 61)[:, None] * [0, 0, 3])
    for out in (resample(motion, fps), resample(resample(motion, 240), fps)):
        times = np.arange(len(out)) / fps
        assert 2 - 1 / fps < times[-1] <= 2 + 1e-6
        np.testing.assert_allclose(out.full_pose[:, 5, 0], times, atol=1e-5)
        np.testing.assert_allclose(out.transl[:, 2], 1.5 * times, atol=1e-5)


def test_resampling_takes_the_short_way_round():
    """170 degrees to -170 degrees is a turn of 20 degrees, not of 340."""
    pose = np.zeros((2, 22, 3))
    pose[:, 0, 1] = np.radians([170, -170])
    middle = Rotation.from_rotvec(resample(Motion.from_full_pose(pose, 1), 2).global_orient[1])
    assert np.degrees((middle * Rotation.from_euler("y", -180, degrees=True)).magnitude()) < 1e-3


def test_mirror_swaps_left_and_right(body):
    motion = random_motion(frames=3, betas=0)
    joints, seen = joints_of(body, motion), joints_of(body, mirror(motion))
    index = [body.joint_names.index(name.replace("left_", "@").replace("right_", "left_").replace("@", "right_"))
             for name in body.joint_names]
    np.testing.assert_allclose(seen, joints[:, index] * [-1, 1, 1], atol=2e-3)  # joints are not quite symmetric
    np.testing.assert_allclose(mirror(mirror(motion)).full_pose, motion.full_pose)


def test_ground_puts_the_lowest_point_on_the_floor(body):
    motion = random_motion(frames=1)
    grounded = ground(motion, body)
    with torch.no_grad():
        lowest = body.from_motion(grounded).vertices[..., 1].min().item()
    assert abs(lowest) < 2e-3
    assert abs(floor_heights(grounded, body).min()) < 1e-6
    walk = load_clip("walk")
    raised = replace(walk, transl=walk.transl + np.array([0, 0.3, 0], dtype=np.float32))
    np.testing.assert_allclose(ground(raised, body).transl, walk.transl, atol=1e-3)


@pytest.mark.parametrize("name", ["walk", "run"])
def test_ground_levels_a_leaning_floor_and_leaves_a_ramp(body, name):
    clip = load_clip(name)

    def leaning(slope):
        up = slope * clip.transl[:, 2:] * np.array([[0, 1, 0]])
        return replace(clip, transl=(clip.transl + up).astype(np.float32))

    np.testing.assert_allclose(ground(leaning(0.02), body).transl, clip.transl, atol=0.006)
    ramp = ground(leaning(0.1), body).transl[:, 1]
    assert ramp[-1] - ramp[0] > 0.2
    np.testing.assert_allclose(ground(clip, body).transl, clip.transl, atol=1e-4)


def test_ground_lets_wavering_soles_sink_a_little_and_no_more(body):
    heights = floor_heights(ground(random_motion(frames=12), body), body)
    assert -0.0201 < heights.min() < 0


@pytest.mark.parametrize("name", ["walk", "squat", "jumping_jack"])
@pytest.mark.parametrize("first", [-2.0, 2.0])
def test_fit_to_shape_keeps_the_feet_on_the_floor(body, name, first):
    clip, betas = load_clip(name), np.r_[first, np.random.default_rng(1).normal(0, 1, 9)]
    fitted = fit_to_shape(clip, body, betas)
    np.testing.assert_array_equal(fitted.betas, betas.astype(np.float32))
    before, after = floor_heights(clip, body), floor_heights(fitted, body)
    assert after.min() > -0.01
    assert after[before < 0.002].max() < 0.01
    toes, new_toes = (joints_of(body, m)[:, [10, 11]] for m in (clip, fitted))
    steps, new_steps = (np.linalg.norm(np.diff(t[..., [0, 2]], axis=0), axis=-1) for t in (toes, new_toes))
    assert new_steps[steps < 0.0005].max() < 0.003  # a planted foot stays planted
    knees = fitted.body_pose[:, [3, 4], 0]
    assert knees.min() > 0
    np.testing.assert_allclose(fitted.body_pose[:, 11:], clip.body_pose[:, 11:], atol=1e-6)


def test_fit_to_the_same_shape_changes_nothing(body):
    clip = load_clip("walk")
    fitted = fit_to_shape(clip, body, np.zeros(10))
    np.testing.assert_allclose(fitted.full_pose, clip.full_pose, atol=0.02)
    np.testing.assert_allclose(joints_of(body, fitted), joints_of(body, clip), atol=0.002)


def test_in_place_keeps_the_gait_before_the_camera():
    walk = load_clip("walk")
    still = in_place(walk)
    assert np.abs(still.transl[:, [0, 2]] - still.transl[0, [0, 2]]).max() < 0.06
    np.testing.assert_array_equal(still.transl[:, 1], walk.transl[:, 1])
    np.testing.assert_array_equal(in_place(walk[:1]).transl, walk[:1].transl)
    np.testing.assert_allclose(still.transl[0], still.transl[-1], atol=1e-5)
