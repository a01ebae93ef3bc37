"""Points in space from several views."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from humanav.errors import InputError
from humanav.multiview.triangulate import triangulate
from humanav.multiview.value import Rig
from tests.multiview.moving_people import person, ring


def seen(rig: Rig, points: np.ndarray, noise: float = 0.0, seed: int = 0) -> np.ndarray:
    rng = np.random.default_rng(seed)
    pixels = np.stack([camera.project(points)[0] for camera in rig.cameras], axis=1)
    pixels = pixels + rng.normal(0, noise, pixels.shape)
    return np.concatenate([pixels, np.ones((*pixels.shape[:-1], 1))], axis=-1)


POINTS = person(np.arange(12) / 10, seed=3)


@pytest.mark.parametrize("views", [2, 3, 5, 12])
def test_exact_points_are_found_with_lenses_that_distort(views: int) -> None:
    rig = ring(max(views, 5))  # of two that face each other the rays are parallel
    rig = rig.only(rig.names[:views])
    rig = replace(rig, cameras=tuple(replace(c, distortion=np.array([-0.1, 0.02, 1e-3, -1e-3])) for c in rig.cameras))
    found = triangulate(rig, seen(rig, POINTS))
    assert np.abs(found.points[..., :3] - POINTS).max() < 1e-4
    assert found.used.all()
    assert np.nanmax(found.residual) < 0.05
    assert np.allclose(found.points[..., 3], min(1, views / 3))


def test_it_agrees_with_the_singular_vector_of_the_plain_equations() -> None:
    rig = ring(4)
    keypoints = seen(rig, POINTS[:2], 4.0)
    found = triangulate(rig, keypoints, robust=False).points[..., :3]
    for t in range(2):
        for k in range(17):
            rows = []
            for view, camera in enumerate(rig.cameras):
                x, y = (np.linalg.inv(camera.K) @ [*keypoints[t, view, k, :2], 1])[:2]
                P = np.concatenate([camera.R, camera.t[:, None]], axis=1)
                rows += [x * P[2] - P[0], y * P[2] - P[1]]
            vector = np.linalg.svd(np.array(rows))[2][-1]
            assert np.linalg.norm(vector[:3] / vector[3] - found[t, k]) < 0.01


def test_a_wrong_view_is_left_out_and_named() -> None:
    rig = ring(4)
    keypoints = seen(rig, POINTS, 2.0)
    keypoints[:, 1, 9, :2] += 150
    found, plain = triangulate(rig, keypoints), triangulate(rig, keypoints, robust=False)
    off = np.linalg.norm(found.points[..., :3] - POINTS, axis=-1)
    assert off[:, 9].max() < 0.04 < np.linalg.norm(plain.points[:, 9, :3] - POINTS[:, 9], axis=-1).min()
    assert not found.used[:, 1, 9].any()
    assert found.used[:, [0, 2, 3], 9].all()
    assert np.nanmin(found.residual[:, 1, 9]) > 100


def test_two_wrong_views_of_six_are_left_out() -> None:
    rig = ring(6)
    keypoints = seen(rig, POINTS, 2.0)
    keypoints[:, 1, 5, :2] += 200
    keypoints[:, 4, 5, 1] -= 260
    found = triangulate(rig, keypoints)
    assert np.linalg.norm(found.points[:, 5, :3] - POINTS[:, 5], axis=-1).max() < 0.04


def test_points_that_fewer_than_two_views_see_are_unknown() -> None:
    rig = ring(3)
    keypoints = seen(rig, POINTS)
    keypoints[:, 1:, 4, 2] = 0
    keypoints[:, :, 5] = np.nan
    found = triangulate(rig, keypoints)
    assert np.isnan(found.points[:, 4:6, :3]).all()
    assert not found.points[:, 4:6, 3].any()
    assert np.isnan(found.residual[:, :, 4:6]).all()
    assert np.isfinite(found.points[:, 6:]).all()


def test_rays_almost_parallel_give_no_point() -> None:
    rig = ring(2)
    near = replace(rig.cameras[0], t=rig.cameras[0].t + [0.01, 0, 0])
    rig = replace(rig, cameras=(rig.cameras[0], near))
    found = triangulate(rig, seen(rig, POINTS, 3.0))
    assert np.isnan(found.points[..., 0]).mean() > 0.9


def test_the_order_of_cameras_does_not_matter() -> None:
    rig = ring(5)
    keypoints = seen(rig, POINTS, 5.0)
    keypoints[:, 0, ::3, :2] += 60
    order = [3, 0, 4, 2, 1]
    other = Rig(tuple(rig.names[i] for i in order), tuple(rig.cameras[i] for i in order))
    assert np.allclose(triangulate(rig, keypoints).points, triangulate(other, keypoints[:, order]).points, atol=1e-6)


def test_keypoints_of_other_views_are_refused() -> None:
    with pytest.raises(InputError, match="3 cameras"):
        triangulate(ring(3), np.zeros((5, 4, 17, 3)))


def test_nobody_at_all_gives_no_points_and_no_warning() -> None:
    found = triangulate(ring(3), np.zeros((2, 3, 17, 3)))
    assert np.isnan(found.points[..., :3]).all()
    assert not found.used.any()
