"""Cuts: found between scenes and cameras, not in pans, flashes, insets, passers-by and changes of light."""

from __future__ import annotations

from itertools import islice

import cv2
import numpy as np
import pytest

from humanav.perception import open_video
from humanav.perception.follow_shots import AHEAD, change, glance, with_cuts


def scene(seed, width=640, height=240):
    """A detailed picture (H,W,3): blobs of many sizes."""
    rng = np.random.default_rng(seed)
    layers = [cv2.resize(rng.integers(0, 255, (3 * n, 8 * n, 3)).astype(np.float32), (width, height),
                         interpolation=cv2.INTER_CUBIC) / (1 + k) for k, n in enumerate((1, 3, 9))]
    picture = sum(layers)
    return np.clip(255 * (picture - picture.min()) / np.ptp(picture), 0, 255).astype(np.uint8)


def view(seed, x=0.0, zoom=1.0):
    """240 x 240 pixels of a scene from ``x`` on."""
    side = 240 / zoom
    matrix = np.array([[1 / zoom, 0, x], [0, 1 / zoom, (240 - side) / 2]], dtype=np.float32)
    return cv2.warpAffine(scene(seed), matrix, (240, 240), flags=cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP)


def cuts(frames):
    pairs = list(with_cuts(frames))
    assert len(pairs) == len(frames)
    assert all(out is frame for (out, _), frame in zip(pairs, frames))  # in order, none lost
    return [number for number, (_, cut) in enumerate(pairs) if cut]


@pytest.mark.parametrize("at", [1, 4, 7])
def test_a_cut_is_found_wherever_it_is(at):
    assert cuts([view(0, t) for t in range(at)] + [view(1, t) for t in range(8 - at)]) == [at]


def test_several_cuts_and_a_nearer_camera():
    frames = [view(0)] * 6 + [view(1)] * 6 + [view(0)] * 6 + [view(0, 90, zoom=2.2)] * 6
    assert cuts(frames) == [6, 12, 18]


@pytest.mark.parametrize("speed", [4, 20, 60, 90])
def test_a_camera_that_turns_is_no_cut(speed):
    places = np.abs((np.arange(14) * speed) % 800 - 400)
    frames = [cv2.blur(view(2, x), (1 + speed // 4, 1)) for x in places]
    assert cuts(frames) == []


def test_zooming_in_is_no_cut():
    assert cuts([view(3, 100, zoom=1.05**t) for t in range(14)]) == []


def test_flashes_and_light_are_no_cuts():
    frames = [view(4, t) for t in range(20)]
    for t, gain in ((5, 3.0), (6, 2.0), (11, 20.0)):
        frames[t] = np.clip(frames[t] * gain + 60, 0, 255).astype(np.uint8)
    frames[14:] = [(frame * 0.3).astype(np.uint8) for frame in frames[14:]]
    assert cuts(frames) == []


def test_a_short_inset_is_a_flash():
    frames = [view(5)] * 6 + [view(6)] * AHEAD + [view(5)] * 6
    assert cuts(frames) == []


@pytest.mark.parametrize(("wide", "speed"), [(60, 20), (120, 30), (120, 60)])
def test_a_passer_by_is_no_cut(wide, speed):
    frames = []
    for t in range(18):
        frame = view(7)
        x = (t - 4) * speed - wide
        frame[:, max(0, x):max(0, x + wide)] = (180, 40, 40)
        frames.append(frame)
    assert cuts(frames) == []


def test_nothing_to_see_and_one_frame():
    black = np.zeros((120, 160, 3), np.uint8)
    assert cuts([black] * 8) == []
    noise = np.random.default_rng(0)
    assert cuts([black + noise.integers(0, 3, black.shape, dtype=np.uint8) for _ in range(8)]) == []
    assert cuts([black]) == []
    assert cuts([]) == []
    assert change(glance(black), glance(black)) == pytest.approx(0)


def test_the_frame_before_the_first_is_known():
    frames = [view(0)] * 4
    assert [cut for _, cut in with_cuts(frames, view(1))] == [True, False, False, False]
    assert not any(cut for _, cut in with_cuts(frames, view(0, 2)))


def test_real_cameras_and_motion(shared):
    clips = {}
    for name in ("mv_single/cam01", "mv_single/cam03", "mv_multi/cam02", "mono_video/pose_squats_5s"):
        with open_video(shared / f"testset/{name}.mp4", max_side=200) as video:
            clips[name] = [cv2.resize(frame, (112, 200)) for frame in islice(video, 25)]
    for first in clips:
        assert cuts(clips[first][::3]) == []
        for second in clips:
            if first != second:
                assert cuts(clips[first][:7] + clips[second][:7]) == [7]
