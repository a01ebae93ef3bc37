import numpy as np
import pytest

from humanav.synth.surface import Surface, clip, normals, smooth, subdivide, tube


def _square(keep):
    points = np.array([[0, 0, 0], [1, 0, 0], [1, 1, 0], [0, 1, 0]], np.float32)
    weights = np.zeros((4, 55), np.float32)
    weights[:, 0] = 1
    return Surface(points, points, weights, np.array([[0, 1, 2], [0, 2, 3]]), np.asarray(keep(points), np.float32), 0)


def _area(surface):
    a, b, c = (surface.points[surface.faces[:, k]] for k in range(3))
    return np.linalg.norm(np.cross(b - a, c - a), axis=1).sum() / 2


@pytest.mark.parametrize("edge", [0.25, 0.5, 0.9])
def test_clipping_cuts_along_the_hem(edge):
    cut = clip(_square(lambda p: edge - p[:, 0]))
    assert _area(cut) == pytest.approx(edge, abs=1e-6)
    assert cut.points[:, 0].max() == pytest.approx(edge, abs=1e-6)
    assert cut.weights.sum(axis=1) == pytest.approx(1)
    assert (normals(cut.points, cut.faces)[:, 2] > 0.99).all()


def test_clipping_keeps_all_or_nothing():
    assert len(clip(_square(lambda p: np.ones(4))).faces) == 2
    assert len(clip(_square(lambda p: -np.ones(4))).faces) == 0


def test_subdividing_keeps_the_area():
    fine = subdivide(_square(lambda p: np.ones(4)))
    assert len(fine.faces) == 8
    assert len(fine.points) == 9
    assert _area(fine) == pytest.approx(1)


def test_tube_faces_outwards_and_follows_its_joint():
    angle = np.linspace(0, 2 * np.pi, 16, endpoint=False)
    ring = np.stack([np.cos(angle), np.zeros(16), np.sin(angle)], axis=1)
    rings = np.stack([ring + [0, 1 - k, 0] for k in range(3)])
    weights = np.zeros((3, 16, 55), np.float32)
    weights[..., 3] = 1
    surface = tube(rings, weights, 0)
    outward = surface.points * [1, 0, 1]
    assert ((normals(surface.points, surface.faces) * outward).sum(axis=1) > 0.9).all()
    transforms = np.tile(np.eye(3, 4, dtype=np.float32), (55, 1, 1))
    transforms[3, :, 3] = [1, 2, 3]
    assert np.abs(surface.pose(transforms) - surface.points - [1, 2, 3]).max() < 1e-5


def test_smoothing_keeps_a_constant():
    square = _square(lambda p: np.ones(4))
    assert np.abs(smooth(np.full((4, 2), 3.0), square.faces, 5) - 3).max() < 1e-6
