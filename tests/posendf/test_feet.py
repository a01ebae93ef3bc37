"""Standing feet are held still without changing a pose."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from humanav.motion import load_clip
from humanav.posendf.feet import FARTHEST, keep_feet
from humanav.posendf.measures import foot_slide, jitter


def test_a_wavering_body_stands_better() -> None:
    clip = load_clip("squat")
    seconds = np.arange(len(clip)) / clip.fps
    sway = np.stack([0.03 * np.sin(4 * seconds), np.zeros_like(seconds), 0.02 * np.cos(5 * seconds)], axis=1)
    swaying = replace(clip, transl=clip.transl + sway.astype(np.float32))
    held = keep_feet(swaying)
    assert foot_slide(held, clip) < 0.5 * foot_slide(swaying, clip)
    np.testing.assert_array_equal(held.full_pose, swaying.full_pose)
    np.testing.assert_array_equal(held.transl[:, 1], swaying.transl[:, 1])


def test_a_good_walk_is_hardly_moved() -> None:
    clip = load_clip("walk")
    held = keep_feet(clip)
    assert np.abs(held.transl - clip.transl).max() < 0.05
    assert jitter(held) < 1.15 * jitter(clip)


def test_it_is_never_moved_far() -> None:
    clip = load_clip("idle")
    slow = np.linspace(0, 1.0, len(clip))[:, None] * np.array([1.0, 0, 0])  # slides all the time
    held = keep_feet(replace(clip, transl=clip.transl + slow.astype(np.float32)))
    shift = held.transl - clip.transl - slow
    assert np.linalg.norm(shift - shift.mean(axis=0), axis=1).max() <= 2 * FARTHEST
    assert len(keep_feet(clip[:2])) == 2
