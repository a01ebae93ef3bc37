"""Exchanged sides: long and short runs, legs and arms alone, turns that are none, evidence, and the frontal camera."""

from __future__ import annotations

import numpy as np
import pytest

from humanav.body.landmarks import KEYPOINT_SETS
from humanav.perception import open_video
from humanav.perception.follow_people import follow_people
from humanav.perception.sides import GROUPS, exchange, find_flips, mend_sides, mirror_index
from tests.perception.figures import walker

NAMES = KEYPOINT_SETS["blazepose33"]
PARTS = list(GROUPS)


def flips_in(count, **frames):
    """(count,3) the labels with True in these frames of each group."""
    flips = np.zeros((count, 3), dtype=bool)
    for part, where in frames.items():
        for group in range(3) if part == "all" else [PARTS.index(part)]:
            flips[where, group] = True
    return flips


@pytest.mark.parametrize("where", [
    flips_in(90, all=np.r_[10:52]), flips_in(90, all=[3, 20, 22, 24, *range(40, 60)]),
    flips_in(90, legs=[30, 31, 32, 33]), flips_in(90, arms=np.r_[50:60]),
    flips_in(90, all=np.r_[20:50], legs=np.r_[47:53])])
@pytest.mark.parametrize("layout", ["blazepose33", "coco17", "halpe26", "openpose25"])
def test_what_was_exchanged_is_put_back(where, layout):
    names = KEYPOINT_SETS[layout]
    truth = walker(90, names=names)
    wrong = exchange(truth, names, where)
    assert not np.array_equal(wrong, truth)
    found = find_flips(wrong, names, 30)
    np.testing.assert_array_equal(found, where)
    np.testing.assert_array_equal(exchange(wrong, names, found), truth)


@pytest.mark.parametrize("fps", [15, 30, 60, 120])
@pytest.mark.parametrize("yaw", [0.0, 2.0, 5.0])
def test_turning_walkers_are_left_alone(fps, yaw):
    truth = walker(3 * fps, fps=fps, yaw=yaw)
    truth[fps:fps + 3] = 0  # not seen
    assert not find_flips(truth, NAMES, fps).any()


def test_one_bad_frame_between_does_not_break_the_chain():
    truth = walker(60)
    where = flips_in(60, all=np.r_[20:35])
    wrong = exchange(truth, NAMES, where)
    middle = (truth[20] + truth[20][mirror_index(NAMES)]) / 2  # half-way from one side to the other
    wrong[20] = middle
    found = find_flips(wrong, NAMES, 30)
    np.testing.assert_array_equal(np.delete(found, 20, axis=0), np.delete(where, 20, axis=0))


def test_evidence_decides_between_labellings_that_fit_alike():
    """Exchanged for more than half of the clip: only the faces tell which half is right."""
    where = flips_in(90, all=np.r_[0:60])
    wrong = exchange(walker(90), NAMES, where)
    np.testing.assert_array_equal(find_flips(wrong, NAMES, 30), ~where)
    faces = np.where(where[:, 0], -1.0, 1.0) * (np.arange(90) % 3 == 0)
    np.testing.assert_array_equal(find_flips(wrong, NAMES, 30, faces), where)


def test_feet_tell_which_half_is_right():
    truth = walker(90)
    toes, heels = [[NAMES.index(f"{side}_{part}") for side in ("left", "right")] for part in ("foot_index", "heel")]
    truth[:, toes, 1] = truth[:, heels, 1] + 30  # seen from the front and a little above
    where = flips_in(90, all=np.r_[0:50])
    np.testing.assert_array_equal(find_flips(exchange(truth, NAMES, where), NAMES, 30), where)


def test_little_to_go_by():
    truth = walker(40)
    wrong = exchange(truth, NAMES, flips_in(40, all=[7]))
    assert not find_flips(wrong, NAMES, 5).any()  # too few frames per second to tell
    assert not find_flips(wrong[:2], NAMES, 30).any()
    assert not find_flips(np.zeros_like(wrong), NAMES, 30).any()
    assert not find_flips(wrong[:, :7], NAMES[:7], 30).any()  # a face alone
    mended, torso = mend_sides(wrong, NAMES, 30)
    np.testing.assert_array_equal(mended, truth)
    np.testing.assert_array_equal(np.flatnonzero(torso), [7])


def test_world_points_are_exchanged_along():
    world = np.random.default_rng(0).normal(size=(4, 33, 3)).astype(np.float32)
    out = exchange(world, NAMES, flips_in(4, legs=[1], torso=[2]))
    left, right = NAMES.index("left_knee"), NAMES.index("right_knee")
    np.testing.assert_array_equal(out[1, [left, right]], world[1, [right, left]])
    np.testing.assert_array_equal(out[1, 11:17], world[1, 11:17])
    ear = NAMES.index("left_ear")
    np.testing.assert_array_equal(out[2, ear], world[2, ear + 1])
    np.testing.assert_array_equal(out[2, [left, right]], world[2, [left, right]])
    np.testing.assert_array_equal(out[[0, 3]], world[[0, 3]])


@pytest.mark.slow
@pytest.mark.parametrize(("camera", "fps"), [(2, None), (2, 30), (4, 30)])
def test_four_cameras_agree_with_the_sides(shared, camera, fps):
    """Camera 2 sees the man from the front, his face blurred: the detector exchanges his sides in a third of the
    frames. Camera 4 sees his back, and nothing is to be mended."""
    reference = np.load(shared / "testset/reference/mv_single_mediapipe.npz")
    points = np.concatenate([reference["xyz_refined_calib"], np.ones((100, 33, 1))], axis=-1)
    true = points @ reference["P_refined"][camera - 1].T
    with open_video(shared / f"testset/mv_single/cam0{camera}.mp4", max_side=960, fps=fps) as video:
        (take,) = follow_people(video, masks=False).takes
        scale = video.width / video.original_size[0]
    assert take.seen.all()
    true = (true[..., :2] / true[..., 2:] * scale)[:: 2 if fps else 1]
    other, found = np.array(mirror_index(NAMES)), take.sequence.keypoints[..., :2]
    wrong = np.zeros(len(true), dtype=bool)
    for joints in ([11, 12, 23, 24], [13, 14, 15, 16], [25, 26, 27, 28, 29, 30, 31, 32]):
        near, far = (np.linalg.norm(found[:, index] - true[:, joints], axis=-1).mean(axis=1)
                     for index in (joints, other[joints]))
        wrong |= far < near
    assert wrong.sum() <= 0.03 * len(true)
    assert (found[:, 11, 0] - found[:, 12, 0]).mean() * (1 if camera == 2 else -1) > 20
