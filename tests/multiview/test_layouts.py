"""Keypoints from layout to layout."""

from __future__ import annotations

import numpy as np
import pytest

from humanav.errors import InputError
from humanav.multiview.layouts import LAYOUTS, to_set


def test_skel19_is_body25_by_the_published_numbers(rng) -> None:
    body25 = rng.uniform(0, 1, (4, 25, 4))
    numbers = [8, 1, 9, 12, 0, 2, 5, 10, 13, 17, 18, 3, 6, 11, 14, 4, 7, 19, 22]
    skel = to_set(body25, "openpose25", "skel19")
    assert np.array_equal(skel, body25[:, numbers])
    back = to_set(skel, "skel19", "openpose25")
    assert np.array_equal(back[:, numbers], skel)
    assert np.isnan(back[:, [15, 16, 20, 21, 23, 24], :3]).all()  # eyes, small toes and heels are unknown
    assert not back[:, [15, 16, 20, 21, 23, 24], 3].any()


def test_shelf_and_panoptic_are_skel19_by_the_published_numbers(rng) -> None:
    skel = rng.uniform(0.5, 1, (3, 19, 4))
    shelf = to_set(skel, "skel19", "shelf15")
    numbers = [13, 7, 2, 3, 8, 14, 15, 11, 5, 6, 12, 16]
    assert np.array_equal(shelf[:, :12], skel[:, numbers])
    assert np.array_equal(shelf[:, 14], skel[:, 0])
    assert np.array_equal(to_set(skel, "skel19", "shelf14"), shelf[:, :14])
    panoptic = [1, 4, 0, 6, 12, 16, 3, 8, 14, 5, 11, 15, 2, 7, 13]
    assert np.array_equal(to_set(skel, "skel19", "panoptic15"), skel[:, panoptic])


def test_the_head_of_shelf_stands_on_the_shoulders() -> None:
    names = LAYOUTS["coco17"]
    points = np.zeros((17, 4))
    points[:, 3] = 0.9
    for name, place in {"nose": (0, 1.6, 0.12), "left_ear": (0.08, 1.6, 0), "right_ear": (-0.08, 1.6, 0),
                        "left_shoulder": (0.2, 1.4, 0), "right_shoulder": (-0.2, 1.4, 0)}.items():
        points[names.index(name), :3] = place
    shelf = to_set(points, "coco17", "shelf14")
    assert np.allclose(shelf[12], [0, 1.5, 0, 0.9])
    assert np.allclose(shelf[13], [0, 1.645, 0.125, 0.9])


@pytest.mark.parametrize("layout", ["coco17", "blazepose33", "openpose18"])
def test_middles_are_made_with_the_least_confidence(rng, layout: str) -> None:
    names = LAYOUTS[layout]
    points = rng.uniform(10, 20, (2, len(names), 3))
    points[..., 2] = rng.uniform(0.2, 1, points.shape[:2])
    points[1, names.index("left_hip")] = 0
    found = to_set(points, layout, "skel19")
    left, right = points[0, names.index("left_hip")], points[0, names.index("right_hip")]
    assert np.allclose(found[0, 0], [*(left[:2] + right[:2]) / 2, min(left[2], right[2])])
    assert np.array_equal(found[1, 0], np.zeros(3))
    assert found[0, 1, 2] > 0


def test_every_layout_keeps_what_it_shares_with_itself_and_halpe(rng) -> None:
    for layout, names in LAYOUTS.items():
        points = rng.uniform(1, 2, (len(names), 3))
        assert np.array_equal(to_set(points, layout, layout), points)
        there = to_set(points, layout, "halpe26")
        for k, name in enumerate(LAYOUTS["halpe26"]):
            if name in names:
                assert np.array_equal(there[k], points[names.index(name)])


def test_toes_are_feet_and_coordinates_alone_are_taken(rng) -> None:
    points = rng.uniform(0, 1, (33, 3))
    found = to_set(points, "blazepose33", "skel19", confidence=False)
    assert np.array_equal(found[17], points[LAYOUTS["blazepose33"].index("left_foot_index")])
    assert np.isfinite(found).all()
    assert np.isnan(to_set(points[:17], "coco17", "skel19", confidence=False)[17]).all()


def test_unknown_layouts_and_wrong_shapes_are_refused() -> None:
    for wrong in ((np.zeros((17, 3)), "coco17", "bones"), (np.zeros((16, 3)), "coco17", "skel19"),
                  (np.zeros((17, 7)), "coco17", "skel19"), (np.zeros(3), "coco17", "skel19")):
        with pytest.raises(InputError):
            to_set(*wrong)
