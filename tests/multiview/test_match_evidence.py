"""What matching saw in one frame, as numbers and as pictures."""

from __future__ import annotations

import numpy as np
import pytest

from humanav.errors import InputError
from humanav.multiview.match import match_people
from humanav.multiview.match_evidence import explain
from humanav.view.matching import affinity_figure, epipolar_picture
from tests.multiview.moving_people import filmed, ring


@pytest.fixture(scope="module")
def evidence():
    rig = ring(3, width=320, height=320, focal=320)
    sightings = filmed(rig, 12, people=2, noise=0.3, seed=2)
    return explain(sightings, rig, 6, matched=match_people(sightings, rig)), sightings


def test_members_of_one_person_go_together(evidence) -> None:
    found, _ = evidence
    assert len(found.labels) == 6
    people = np.array(found.people)
    assert sorted(set(people)) == ["1", "2"]
    same = people[:, None] == people[None]
    other = found.views[:, None] != found.views[None]
    assert found.affinity[same & other].min() > 0.7 > found.affinity[~same & other].max()
    for name in "12":
        assert len(set(found.groups[people == name])) == 1
    assert [found.people[i] for i in found.order] == ["1"] * 3 + ["2"] * 3


def test_lines_pass_the_right_point_and_miss_the_wrong_one(evidence) -> None:
    found, _ = evidence
    lines = found.lines("left_shoulder")
    assert len(lines) == 12
    people = found.people
    right = [line.distances[j] for line in lines for j in line.distances if people[j] == people[line.source]]
    wrong = [line.metres[j] for line in lines for j in line.metres if people[j] != people[line.source]]
    assert max(right) < 3
    assert np.median(wrong) > 0.05
    with pytest.raises(InputError, match="keypoint"):
        found.lines("tail")


def test_frames_that_do_not_exist_are_refused(evidence) -> None:
    _, sightings = evidence
    with pytest.raises(InputError, match="no frame 12"):
        explain(sightings, ring(3), 12)


def test_the_figure_shows_everybody_and_the_picture_all_views(evidence) -> None:
    found, _ = evidence
    figure = affinity_figure(found)
    assert len(figure.data[0].x) == 6
    assert len(figure.layout.shapes) == 2
    images = [np.full((320, 320, 3), 90, np.uint8)] * 3
    plain = epipolar_picture(images, found, keypoint="nose", view=0, height=240)
    one = epipolar_picture(images, found, keypoint="nose", view=0, detection=0, height=240)
    assert plain.shape == (240, 3 * 240 + 12, 3)
    assert (plain != one).any()


def test_a_frame_without_anybody_can_be_shown() -> None:
    rig = ring(3)
    sightings = filmed(rig, 4)
    keypoints = sightings.keypoints.copy()
    keypoints[2] = 0
    found = explain(type(sightings)(keypoints, "coco17", rig.names, 25.0), rig, 2)
    assert found.labels == ()
    assert affinity_figure(found).data
    assert epipolar_picture([np.zeros((50, 40, 3), np.uint8)] * 3, found, height=100).shape[0] == 100
