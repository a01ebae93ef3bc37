"""Whoever stands has their weight over their feet."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from humanav.track.balance import balance_up
from humanav.track.soles import pose_feet
from tests.track.walks import camera_of, true_contacts, world_path


def test_standing_people_tell_up_and_walking_ones_less(body) -> None:
    R, t = camera_of(pitch=15.0, roll=5.0)
    spreads = {}
    for clip, within in (("squat", 2.0), ("idle", 2.0), ("walk", 6.0)):
        path = world_path(body, clip)
        found = balance_up(path.turned(R, t), pose_feet(path.turned(R, t), body), true_contacts(path, body) * 1.0)
        assert found is not None
        up, spreads[clip] = found
        assert np.degrees(np.arccos(up @ R[:, 1])) < within
    assert spreads["walk"] > 1.5 * spreads["squat"]


def test_who_does_not_stand_tells_nothing(body) -> None:
    path = world_path(body, "run")
    feet = pose_feet(path, body)
    assert balance_up(path, feet, np.zeros((len(path), 2))) is None
    hidden = replace(path, confidence=np.zeros_like(path.confidence))
    assert balance_up(hidden, feet, np.ones((len(path), 2))) is None
    one = world_path(body, "idle")[:1]
    assert balance_up(one, pose_feet(one, body), np.ones((1, 2))) is not None
