"""Cameras corrected by the people they see."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from scipy.spatial.transform import Rotation

from humanav.errors import InputError
from humanav.multiview import Matched
from humanav.multiview.adjust import refine_cameras
from humanav.multiview.adjust_bundle import Freedom, bundle
from humanav.multiview.match import match_people
from tests.multiview.moving_people import filmed, person, ring
from tests.multiview.treadmill import treadmill


def knocked(rig, degrees, metres, seed=0):
    """The rig with every camera turned and moved a little."""
    rng = np.random.default_rng(seed)
    cameras = []
    for camera in rig.cameras:
        R = Rotation.from_rotvec(np.radians(degrees) * rng.normal(size=3) / np.sqrt(3)).as_matrix() @ camera.R
        centre = camera.center + metres * rng.normal(size=3) / np.sqrt(3)
        cameras.append(replace(camera, R=R, t=-R @ centre))
    return replace(rig, cameras=tuple(cameras))


def apart(a, b):
    """Mean angle between the relative rotations of all pairs of cameras of two rigs, degrees."""
    out = []
    for i in range(len(a)):
        for j in range(i):
            R = a.cameras[i].R @ a.cameras[j].R.T @ (b.cameras[i].R @ b.cameras[j].R.T).T
            out.append(np.degrees(np.linalg.norm(Rotation.from_matrix(R).as_rotvec())))
    return np.mean(out)


@pytest.mark.parametrize(("degrees", "metres", "seed"), [(0.3, 0.01, 3), (0.8, 0.02, 1)])
def test_a_knocked_rig_is_mended(degrees, metres, seed):
    true = ring(seed=seed)
    seen = filmed(true, frames=50, people=1 + seed // 3, noise=5, dropout=0.1, swaps=0.03, seed=seed)
    rig = knocked(true, degrees, metres, seed)
    found = refine_cameras(rig, seen, match_people(seen, rig))
    assert found.kept
    assert apart(found.rig, true) < 0.5 * apart(rig, true)
    assert found.after_px < found.before_px
    assert found.held_after_px < found.held_before_px
    assert found.moved_deg.max() > 0.05
    assert "corrected by the people" in found.rig.notes[-1]


@pytest.mark.parametrize("seed", [0, 1])
def test_a_right_rig_is_left_alone(seed):
    true = ring(seed=seed)
    seen = filmed(true, frames=50, people=1 + seed % 2, noise=5, dropout=0.1, swaps=0.03, seed=seed)
    found = refine_cameras(true, seen, match_people(seen, true))
    assert not found.kept
    assert found.rig is true
    assert found.moved_deg.max() == 0
    assert "left as it is" in found.notes[0]


def test_without_noise_cameras_and_points_come_back_exactly():
    true = ring(3, seed=1)
    points = person(np.arange(12) / 10, 1).reshape(-1, 3)
    pixels = np.stack([camera.project(points)[0] for camera in true.cameras], axis=1)
    start = knocked(true, 2, 0.05, 1)
    rng = np.random.default_rng(1)
    found = bundle(start.cameras, pixels, np.ones(pixels.shape[:2]), points + rng.normal(0, 0.05, points.shape),
                   Freedom(held=(0,)), scale=5.0, steps=60)
    assert found.before_px > 10
    assert found.after_px < 0.01
    assert apart(replace(true, cameras=found.cameras), true) < 0.01
    assert pytest.approx(start.cameras[0].R) == found.cameras[0].R  # held


def test_focal_lengths_are_found_too():
    true = ring(4, seed=2)
    points = person(np.arange(15) / 10, 2).reshape(-1, 3)
    pixels = np.stack([camera.project(points)[0] for camera in true.cameras], axis=1)
    wrong = [replace(camera, K=camera.K * [[1.1, 1, 1], [1, 1.1, 1], [1, 1, 1]]) for camera in true.cameras]
    found = bundle(wrong, pixels, np.ones(pixels.shape[:2]), points, Freedom(held=(0,), focal=0.3, one_focal=True),
                   scale=5.0, steps=60)
    focals = [camera.focal for camera in found.cameras]
    assert focals == pytest.approx([1000.0] * 4, rel=0.01)
    assert found.after_px < 0.1


def test_too_little_to_go_on_is_said():
    rig = ring()
    seen = filmed(rig, frames=3)
    with pytest.raises(InputError, match="Too few points"):
        refine_cameras(rig, seen, Matched((), rig.names, 25.0))
    with pytest.raises(InputError, match="at least two views"):
        refine_cameras(ring(1), filmed(ring(1), frames=3), Matched((), ("cam01",), 25.0))


def test_one_moment_is_too_little_to_try_a_correction_on():
    rig = ring(seed=5)
    seen = filmed(rig, frames=1, people=5, noise=2, seed=5)
    found = refine_cameras(rig, seen, match_people(seen, rig))
    assert not found.kept
    assert "too few" in found.notes[0]


def test_the_treadmill_cameras_fit_better_on_frames_not_fitted_to(shared):
    rig, seen = treadmill(shared)
    found = refine_cameras(rig, seen, match_people(seen, rig))
    assert found.kept
    assert found.after_px < 0.8 * found.before_px
    assert found.held_after_px < 0.85 * found.held_before_px
    assert found.moved_deg.max() < 2
    assert found.moved_m.max() < 0.05
