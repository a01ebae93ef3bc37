"""Pixels to rays and the distances of rays."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from humanav.multiview.rays import Lenses, between_rays, directions, normalised, to_rays, undistorted
from tests.multiview.moving_people import ring


def test_undistorting_undoes_the_projection_of_a_strong_lens(rng) -> None:
    camera = replace(ring().cameras[0], distortion=np.array([-0.3, 0.12, 0.002, -0.001, -0.02]))
    points = rng.uniform(-1, 1, (200, 3)) + [0, 0.9, 0]
    pixels, depth = camera.project(points)
    inside = (depth > 0) & (pixels > 0).all(axis=1) & (pixels < 1000).all(axis=1)
    straight = camera.to_camera(points)
    assert inside.sum() > 100
    assert np.allclose(undistorted(camera, pixels[inside]), (straight[:, :2] / straight[:, 2:])[inside], atol=1e-6)


def test_unseen_points_at_the_corner_stay_finite() -> None:
    camera = replace(ring().cameras[0], distortion=np.array([-2.0, 3.0, 0.1, 0.1, -4.0]))
    assert np.isfinite(undistorted(camera, np.array([[0.0, 0.0], [-1e9, 1e9]]))).all()


def test_ray_distances_agree_with_a_search_along_both(rng) -> None:
    a, b = rng.normal(0, 1, 3), rng.normal(0, 1, 3)
    rays = rng.normal(0, 1, (2, 2, 1, 3))
    rays /= np.linalg.norm(rays, axis=-1, keepdims=True)
    found = between_rays(a, rays[0], b, rays[1])
    steps = np.linspace(0, 12, 500)
    for i in range(2):
        for j in range(2):
            first, second = a + steps[:, None] * rays[0, i, 0], b + steps[:, None] * rays[1, j, 0]
            apart = np.linalg.norm(first[:, None] - second[None], axis=-1)
            s, t = np.unravel_index(apart.argmin(), apart.shape)
            if 8 < s < 490 and 8 < t < 490:
                assert abs(found[i, j, 0] - apart.min()) < 0.03
            elif min(s, t) == 0 and max(s, t) < 490:
                assert np.isinf(found[i, j, 0])  # the lines pass behind a camera


def test_rays_through_one_point_meet_and_parallel_ones_do_not(rng) -> None:
    rig = ring(3)
    lenses = Lenses.of(rig)
    point = np.array([0.2, 1.1, -0.3])
    pixels = np.stack([camera.project(point)[0] for camera in rig.cameras])[None, :, None, None]
    rays = directions(lenses, normalised(rig, pixels))
    met = between_rays(lenses.centres[0], rays[0, 0], lenses.centres[1], rays[0, 1])
    assert met.shape == (1, 1, 1)
    assert met[0, 0, 0] < 1e-9
    assert to_rays(point[None, None], lenses.centres[2], rays[0, 2])[0, 0, 0] < 1e-6
    same = np.array([[[0.0, 0.0, 1.0]]])
    assert np.isclose(between_rays(np.zeros(3), same, np.array([0.5, 0, 0]), same)[0, 0, 0], 0.5)
    assert np.isinf(to_rays(np.array([[[0.0, 0.0, -1.0]]]), np.zeros(3), same)[0, 0, 0])
