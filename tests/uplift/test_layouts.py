"""From one keypoint layout to another."""

import numpy as np
import pytest

from humanav.body.landmarks import KEYPOINT_SETS
from humanav.errors import InputError
from humanav.perception import KeypointSequence
from humanav.uplift.layouts import guess_set, network_set, to_layout


def sequence(keypoint_set, rng, frames=4):
    points = rng.uniform(10, 400, (frames, len(KEYPOINT_SETS[keypoint_set]), 3)).astype(np.float32)
    points[..., 2] = rng.uniform(0.3, 1, points.shape[:2])
    return KeypointSequence(points, keypoint_set, 30, 640, 480, name="x", person_id="7")


@pytest.mark.parametrize("source", ["blazepose33", "halpe26", "openpose25", "openpose18", "openpose14"])
def test_every_body_layout_becomes_coco_by_name(source, rng):
    before = sequence(source, rng)
    after = to_layout(before, network_set(source) if source != "blazepose33" else "coco17")
    assert (after.keypoint_set, after.name, after.person_id) == ("coco17", "x", "7")
    for number, name in enumerate(after.names):
        if name in before.names:
            np.testing.assert_array_equal(after.keypoints[:, number], before.keypoints[:, before.names.index(name)])
        else:
            assert (after.keypoints[:, number] == 0).all()
    assert set(KEYPOINT_SETS["coco17"][5:]) <= set(before.names)


def test_middles_stand_for_what_a_layout_lacks(rng):
    before = sequence("blazepose33", rng)
    before.keypoints[2, before.names.index("left_hip")] = 0
    after = to_layout(before, "halpe26")
    own = dict(zip(before.names, before.keypoints.swapaxes(0, 1)))
    there = dict(zip(after.names, after.keypoints.swapaxes(0, 1)))
    neck = (own["left_shoulder"] + own["right_shoulder"]) / 2
    np.testing.assert_allclose(there["neck"][:, :2], neck[:, :2])
    np.testing.assert_allclose(there["neck"][:, 2], np.minimum(own["left_shoulder"], own["right_shoulder"])[:, 2])
    assert (there["pelvis"][2] == 0).all()
    assert (there["pelvis"][[0, 1, 3], 2] > 0).all()
    np.testing.assert_array_equal(there["left_big_toe"], own["left_foot_index"])
    assert (there["head_top"] == 0).all()


def test_there_and_back_keeps_the_common_points(rng):
    before = sequence("coco17", rng)
    assert to_layout(before, "coco17") is before
    again = to_layout(to_layout(before, "openpose25"), "coco17")
    np.testing.assert_array_equal(again.keypoints, before.keypoints)


def test_networks_and_counts():
    assert [network_set(name) for name in ("blazepose33", "coco17")] == ["blazepose33", "coco17"]
    assert [guess_set(count) for count in (17, 18, 25, 26, 33)] == ["coco17", "openpose18", "openpose25", "halpe26",
                                                                   "blazepose33"]
    with pytest.raises(InputError, match=r"21 points .* mapping"):
        guess_set(21)
    with pytest.raises(InputError, match="no body layout 'face'"):
        network_set("face")


def test_layouts_that_share_nothing(rng):
    with pytest.raises(InputError, match="no landmark in common"):
        to_layout(sequence("coco17", rng), "face")
    with pytest.raises(InputError, match="no keypoint layout"):
        to_layout(sequence("coco17", rng), "kinect")
