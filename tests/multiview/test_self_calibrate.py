"""Cameras found from nothing but the people they see."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.spatial.transform import Rotation

from humanav.errors import InputError
from humanav.multiview import Sightings
from humanav.multiview.self_calibrate import calibrate_from_people
from tests.multiview.moving_people import filmed, ring
from tests.multiview.treadmill import treadmill


def against(found, true):
    """Degrees and centimetres (V,) between two rigs after the similarity that fits best, and its scale."""
    turn = Rotation.from_matrix([t.R.T @ f.R for f, t in zip(found.cameras, true.cameras)]).mean().as_matrix()
    a, b = (np.array([camera.center for camera in rig.cameras]) for rig in (found, true))
    a, b = (a - a.mean(0)) @ turn.T, b - b.mean(0)
    scale = (a * b).sum() / (a * a).sum()
    degrees = [np.degrees(np.linalg.norm(Rotation.from_matrix(f.R @ turn.T @ t.R.T).as_rotvec()))
               for f, t in zip(found.cameras, true.cameras)]
    return np.array(degrees), 100 * np.linalg.norm(scale * a - b, axis=1), scale


@pytest.mark.parametrize(("views", "people", "seed", "focal"), [(4, 1, 0, 1000.0), (3, 2, 3, 1000.0), (3, 1, 2, None)])
def test_synthetic_rigs_come_back(views, people, seed, focal):
    true = ring(views, seed=seed)
    seen = filmed(true, frames=50, people=people, noise=5, dropout=0.15, swaps=0.05, seed=seed)
    found = calibrate_from_people(seen, [(1000, 1000)] * views, height=1.7, focal=focal)
    degrees, cm, scale = against(found, true)
    assert degrees.max() < (0.5 if focal else 1.5)
    assert cm.max() < (3 if focal else 6)
    assert 0.9 < scale < 1.1  # a person's proportions are not everybody's
    assert [camera.focal for camera in found.cameras] == pytest.approx(
        [1000] * views, rel=1e-6 if focal else 0.05)
    lift = np.mean([camera.center[1] for camera in true.cameras]) - np.mean(
        [camera.center[1] for camera in found.cameras])
    assert abs(lift) < 0.15  # up and floor
    assert found.names == true.names
    assert found.kind == "people"
    assert "median residual" in found.notes[0]


def test_inner_values_from_boards_are_kept():
    true = ring(3, seed=2)
    seen = filmed(true, frames=40, noise=3, seed=2)
    found = calibrate_from_people(seen, [(500, 500)] * 3, intrinsics=true)  # scaled to pictures of half the size
    assert found.cameras[0].focal == pytest.approx(500)


@pytest.mark.parametrize(("change", "words"), [
    ({"liveliness": 0}, "move too little"), ({"frames": 5}, "shares only")])
def test_too_little_is_said(change, words):
    seen = filmed(ring(), **{"frames": 40, "noise": 3, **change})
    with pytest.raises(InputError, match=words):
        calibrate_from_people(seen, [(1000, 1000)] * 4, focal=1000)


def test_views_of_other_people_are_told_apart():
    one, two = filmed(ring(), frames=40, seed=1), filmed(ring(), frames=40, seed=7)
    mixed = one.keypoints.copy()
    mixed[:, 2] = two.keypoints[:, 2]
    with pytest.raises(InputError, match=r"cam03|no arrangement|related"):
        calibrate_from_people(Sightings(mixed, "coco17", one.names, 25.0), [(1000, 1000)] * 4, focal=1000)


def test_bad_arguments_are_said():
    seen = filmed(ring(2), frames=30)
    with pytest.raises(InputError, match="at least two views"):
        calibrate_from_people(filmed(ring(1), frames=30), [(1000, 1000)])
    with pytest.raises(InputError, match="2 views, 1 sizes"):
        calibrate_from_people(seen, [(1000, 1000)])
    with pytest.raises(InputError, match="positive number"):
        calibrate_from_people(seen, [(1000, 1000)] * 2, focal=-5)
    with pytest.raises(InputError, match="not 3"):
        calibrate_from_people(seen, [(1000, 1000)] * 2, focal=[900, 1000, 1100])
    with pytest.raises(InputError, match="no person's"):
        calibrate_from_people(seen, [(1000, 1000)] * 2, focal=1000, height=170)


def test_the_treadmill_rig_comes_back(shared):
    """Against the manufacturer's calibration, made with a wand."""
    true, seen = treadmill(shared)
    found = calibrate_from_people(seen, [(c.width, c.height) for c in true.cameras], intrinsics=true, height=1.75)
    degrees, cm, scale = against(found, true)
    assert degrees.max() < 2.5
    assert cm.max() < 8
    assert 0.95 < scale < 1.08
