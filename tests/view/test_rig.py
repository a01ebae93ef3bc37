"""Cameras, people and residuals as figures."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from humanav.multiview.doctor import examine
from humanav.multiview.doctor_value import Finding
from humanav.multiview.match import match_people
from humanav.view.colors import LEFT, RIGHT, css
from humanav.view.rig import AGREES, UNKNOWN, WRONG, residual_figure, rig_figure
from tests.multiview.moving_people import filmed, ring


@pytest.fixture(scope="module")
def scene():
    rig = ring(4, seed=1)
    seen = filmed(rig, frames=20, people=2, noise=3, seed=1)
    return rig, seen, match_people(seen, rig)


def traces(figure, name):
    return [trace for trace in figure.data if trace.name == name]


def test_cameras_stand_where_they_are(scene):
    rig, seen, matched = scene
    figure = rig_figure(rig, matched, frame=3, diagnosis=examine(rig, seen, matched), title="Cameras")
    for name, camera in zip(rig.names, rig.cameras):
        mark = next(trace for trace in traces(figure, name) if "text" in trace.mode)
        x, y, z = camera.center
        assert (mark.x[0], mark.y[0], mark.z[0]) == pytest.approx((x, -z, y))
        assert mark.text == (name,)
        assert mark.marker.color == css(AGREES)
        assert "%" in mark.hovertext[0]


def test_left_is_blue_and_right_orange(scene):
    rig, _, matched = scene
    figure = rig_figure(rig, matched, frame=3)
    for person in matched.people:
        colors = {trace.line.color for trace in traces(figure, f"person {person.person_id}") if trace.mode == "lines"}
        assert {css(LEFT), css(RIGHT)} <= colors


def test_lines_of_sight_reach_the_points(scene):
    rig, _, matched = scene
    figure = rig_figure(rig, matched, frame=3)
    lines = traces(figure, "lines of sight")
    assert len(lines) == 4
    points = matched.people[0].keypoints[3, :, :3]
    ends = np.array([lines[0].x, lines[0].z]).T[1::3].astype(float)
    apart = np.abs(ends[:, None] - points[None, :, :2]).sum(-1)
    assert np.nanmin(apart, axis=1).max() < 0.1
    assert not traces(rig_figure(rig, matched, rays=False), "lines of sight")


def test_a_rig_alone_and_frames_beyond_the_end(scene):
    rig, _, matched = scene
    alone = rig_figure(rig)
    assert traces(alone, "cam01")[0].line.color == css(UNKNOWN)
    assert traces(alone, "floor")
    assert rig_figure(rig, matched, frame=999, person=7).data


def test_a_camera_that_does_not_fit_is_red(scene):
    rig, seen, matched = scene
    found = replace(examine(rig, seen, matched), findings=(Finding("residual", "stops", "It moved.", "", ("cam03",)),))
    figure = rig_figure(rig, matched, diagnosis=found)
    colors = {name: traces(figure, name)[0].line.color for name in rig.names}
    assert colors == {name: css(WRONG if name == "cam03" else AGREES) for name in rig.names}


def test_the_table_of_residuals(scene):
    rig, seen, matched = scene
    figure = residual_figure(examine(rig, seen, matched), title="Residuals")
    heat = figure.data[0]
    assert heat.text[0][1].endswith(" px")
    assert heat.text[0][0] == ""
    assert np.isnan(heat.z[2][2])
    assert heat.z[0][1] == heat.z[1][0]
