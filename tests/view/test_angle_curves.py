"""Curves of joint angles: what is drawn, and the frame round it."""

from __future__ import annotations

import html

import numpy as np
import pytest

from humanav.errors import InputError
from humanav.motion import joint_angles, load_clip
from humanav.view.angles import PANELS, angles_html, figure_angles
from humanav.view.colors import LEFT, RIGHT, css


def test_left_and_right_share_a_panel() -> None:
    motion = load_clip("squat")
    figure = figure_angles(joint_angles(motion), motion.fps)
    assert [note.text for note in figure.layout.annotations] == [words for _, words in PANELS]
    assert len(figure.data) == 2 * len(PANELS)
    knees = figure.data[:2]
    assert [line.line.color for line in knees] == [css(LEFT), css(RIGHT)]
    assert [line.xaxis for line in knees] == ["x", "x"]
    assert max(knees[0].y) > 80
    assert knees[0].x[-1] == pytest.approx((len(motion) - 1) / motion.fps, abs=1e-3)
    assert sum(line.showlegend is not False for line in figure.data) == 2


def test_only_what_is_there_is_drawn() -> None:
    figure = figure_angles({"left_knee_flexion": [0.0, np.nan, 20.0]}, 30.0)
    assert len(figure.data) == 1
    assert np.isnan(figure.data[0].y[1])
    with pytest.raises(InputError, match="no angle to draw"):
        figure_angles({"left_ear_wiggle": [1.0]}, 30.0)


def test_the_frame_knows_its_player_and_escapes_it() -> None:
    figure = figure_angles({"left_knee_flexion": [0.0, 20.0], "right_knee_flexion": [0.0, 10.0]}, 30.0)
    frame = angles_html(figure, 0.5, player="#a</script>b iframe", script="plotly.js")
    page = html.unescape(frame)
    assert frame.startswith("<iframe")
    assert '"seconds": 0.5' in page
    assert "a</script>b" not in page
    assert 'src="plotly.js"' in page
