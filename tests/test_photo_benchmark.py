"""The photo benchmark's own geometry: a perfect fit must score perfectly."""

from types import SimpleNamespace

import numpy as np
import pytest

from humanav import bench
from humanav.camera import Camera
from humanav.synth import photograph, sample_person


@pytest.fixture(scope="module")
def module():
    return SimpleNamespace(**bench._load("photo").__globals__)


@pytest.fixture(scope="module")
def photo():
    return photograph(sample_person(6, pose="relaxed", yaw=30), size=(150, 200), supersample=1)


@pytest.mark.parametrize("angle", [45, -45])
@pytest.mark.parametrize("scale", [1.0, 0.8])
def test_a_perfect_fit_meets_the_truth_in_the_novel_view(module, photo, angle, scale):
    pelvis = photo.camera.to_camera(photo.joints[0])
    turn, novel = module._novel_view(photo, pelvis, angle)
    assert np.linalg.norm(novel.center) > 0
    assert np.abs(novel.to_camera(photo.joints[0]) - pelvis).max() < 1e-6
    # the same person, fitted at another size and distance by a camera at the origin, looks the same
    fit_camera = Camera(photo.camera.K, np.eye(3), np.zeros(3), photo.camera.width, photo.camera.height)
    points = photo.camera.to_camera(photo.vertices) * scale
    joints = photo.camera.to_camera(photo.joints[:22]) * scale
    case = module._Case(photo, SimpleNamespace(camera=fit_camera), joints / scale, joints, turn, novel)
    moved, camera = module._turned(case, points)
    assert np.abs(camera.project(moved)[0] - novel.project(photo.vertices)[0]).max() < 1e-3
    case = case._replace(true_joints=photo.camera.to_camera(photo.joints[:22]))
    again = module._as_truly_posed(case, (photo.vertices - photo.joints[0]) * scale)
    assert np.abs(again - photo.vertices).max() < 1e-5


def test_equal_pictures_score_perfectly(module, photo):
    overlap, ratio, likeness = module._compare(photo.image, photo.mask, photo.image, photo.mask)
    assert overlap == 1.0
    assert ratio == float("inf")
    assert likeness == pytest.approx(1)


def test_people_differ_by_seed_and_repeat_for_the_same(module):
    first, again, other = (next(iter(module._people(1, seed, "authored"))).seed for seed in (7, 7, 8))
    assert first == again
    assert first != other
