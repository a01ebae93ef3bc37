"""Whose pixels are whose, and who is hidden."""

from __future__ import annotations

from dataclasses import replace

import cv2
import numpy as np
import pytest

from humanav.perception.follow_looks import looks_of
from humanav.perception.follow_masks import carried, dilated, parted
from humanav.perception.people import enlarged, person_box, skeleton_cover
from humanav.perception.person import Person2D
from tests.perception.figures import walker

SHAPE = (480, 640)


def person_at(x):
    points = walker(1)[0]
    points[:, 0] += x - 320
    person = Person2D(points, "blazepose33", np.concatenate([points[:, :2].min(0), points[:, :2].max(0)]), 0.9)
    mask = skeleton_cover(person, SHAPE).astype(np.float32)
    return replace(person, mask=mask, box=person_box(points, mask, SHAPE[1], SHAPE[0]))


def scene(*people):
    """A grey picture with each (person, colour) drawn over those before."""
    picture = np.full((*SHAPE, 3), 235, np.uint8)
    for person, colour in people:
        picture[person.mask > 0.5] = colour
    return picture


def test_people_apart_keep_their_masks_and_points():
    left, right = person_at(150), person_at(480)
    picture = scene((left, (200, 30, 30)), (right, (30, 120, 30)))
    for person, found in zip((left, right), parted([left, right], picture, [looks_of(picture, left)] * 2)):
        np.testing.assert_array_equal(found.mask, person.mask)
        np.testing.assert_array_equal(found.keypoints, person.keypoints)


@pytest.mark.parametrize("front", [0, 1])
def test_a_pixel_goes_to_the_one_who_has_its_colour(front):
    people = [person_at(320), person_at(365)]
    colours = [(200, 30, 30), (30, 120, 30)]
    looks = [looks_of(scene((person, colour)), person) for person, colour in zip(people, colours)]
    picture = scene(*[(people[i], colours[i]) for i in (1 - front, front)])
    found = parted(people, picture, looks)
    both = (people[0].mask > 0.5) & (people[1].mask > 0.5)
    assert both.sum() > 2000
    assert (found[front].mask[both] > 0.5).mean() > 0.9
    assert not ((found[0].mask > 0.5) & (found[1].mask > 0.5)).any()
    hidden = found[1 - front].keypoints[:, 2] < people[1 - front].keypoints[:, 2] - 0.1
    assert 2 < hidden.sum() < 25
    np.testing.assert_array_equal(found[front].keypoints, people[front].keypoints)


def test_one_who_is_all_hidden_is_not_seen():
    front = person_at(320)
    behind = replace(person_at(322), mask=np.zeros(SHAPE, np.float32))
    wide = replace(front, mask=dilated(dilated(front.mask > 0.5)).astype(np.float32))
    picture = scene((wide, (200, 30, 30)))
    seen, unseen = parted([wide, behind], picture, [None, None])
    assert seen is not None
    assert unseen is None


def test_masks_move_along_and_people_grow():
    person = person_at(300)
    moved = carried(person, np.array([40.0, -10.0], np.float32), SHAPE)
    np.testing.assert_allclose(moved[:460, 60:], np.roll(person.mask, (-10, 40), (0, 1))[:460, 60:], atol=1e-3)
    assert not carried(person, np.zeros(2, np.float32), (240, 320)).any()  # a mask of another picture
    larger = enlarged(person, 2.0)
    np.testing.assert_allclose(larger.keypoints[:, :2], 2 * person.keypoints[:, :2])
    np.testing.assert_array_equal(larger.keypoints[:, 2], person.keypoints[:, 2])
    np.testing.assert_allclose(larger.box, 2 * person.box)
    assert larger.mask is None
    assert cv2.countNonZero(dilated(person.mask > 0.5).view(np.uint8)) > (person.mask > 0.5).sum()
