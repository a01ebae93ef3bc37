"""Measures of motion on motions whose values are known."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from humanav.errors import InputError
from humanav.motion import Motion, load_clip
from humanav.posendf.measures import amplitude_kept, foot_slide, jitter, joint_positions, motion_mpjpe
from humanav.posendf.motion_noise import worsen


def _still(frames: int = 30) -> Motion:
    return Motion(fps=30.0, global_orient=np.zeros((frames, 3)), body_pose=np.zeros((frames, 21, 3)))


def test_joints_are_where_the_body_model_says(body) -> None:
    clip = load_clip("dance")[:4]
    ours = joint_positions(clip)
    assert np.allclose(ours, body.from_motion(clip, vertices=False).joints[:, :22].numpy(), atol=1e-5)
    inside = joint_positions(clip, in_pelvis=True)
    bones = np.linalg.norm(ours[:, 4] - ours[:, 1], axis=-1)
    assert np.allclose(inside[:, 0], 0)
    assert np.allclose(np.linalg.norm(inside[:, 4] - inside[:, 1], axis=-1), bones)


def test_error_is_blind_to_the_path_and_zero_on_itself() -> None:
    clip = load_clip("walk")[:20]
    assert motion_mpjpe(clip, replace(clip, transl=clip.transl + 1)) < 1e-3
    assert motion_mpjpe(worsen(clip, "noise")[0], clip) > 20


def test_jitter_is_the_third_derivative() -> None:
    still = _still()
    seconds = np.arange(30) / 30
    moved = replace(still, transl=np.stack([seconds**3, 0 * seconds, 0 * seconds], 1).astype(np.float32))
    assert jitter(moved) == pytest.approx(6.0, rel=0.02)
    assert jitter(still) == 0
    assert jitter(still[:3]) == 0


def test_feet_that_glide_are_told() -> None:
    still = _still()
    glide = np.zeros((30, 3), np.float32)
    glide[:, 0] = 0.5 * np.arange(30) / 30
    assert foot_slide(replace(still, transl=glide)) == pytest.approx(0.5, rel=1e-3)
    assert foot_slide(still) == 0
    assert foot_slide(still[:1]) == 0


def test_amplitude_follows_the_size_of_a_movement() -> None:
    clip = load_clip("wave")
    middle = clip.body_pose.mean(axis=0)
    small = replace(clip, body_pose=middle + 0.5 * (clip.body_pose - middle))
    assert amplitude_kept(small, clip) == pytest.approx(0.5, abs=0.08)
    assert amplitude_kept(clip, clip) == 1
    assert amplitude_kept(_still(), _still()) == 1


def test_lengths_must_agree() -> None:
    with pytest.raises(InputError, match="30 and 20 frames"):
        motion_mpjpe(_still(30), _still(20))
