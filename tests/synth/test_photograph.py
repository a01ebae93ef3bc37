import numpy as np
import pytest

from humanav.body import BodyModel
from humanav.camera import Camera
from humanav.metrics import iou
from humanav.synth import GROUPS, POSES, make_pose, photograph, sample_person
from humanav.synth.clothes import Garment
from humanav.synth.template import template


@pytest.fixture(scope="module")
def photo():
    return photograph(sample_person(3, pose="a_pose", yaw=20), size=256)


def test_same_seed_same_picture(photo):
    again = photograph(sample_person(3, pose="a_pose", yaw=20), size=256)
    assert np.array_equal(photo.image, again.image)
    other = photograph(sample_person(4, pose="a_pose", yaw=20), size=256)
    assert np.abs(other.image.astype(int) - photo.image).mean() > 5


def test_the_truth_is_the_body_in_the_picture(photo):
    out = BodyModel.load().from_motion(photo.motion)
    assert np.abs(out.joints[0].numpy() - photo.joints).max() < 1e-4
    assert np.abs(out.vertices[0].numpy() - photo.vertices).max() < 1e-4
    assert np.abs(photo.joints[0, [0, 2]]).max() < 1e-5
    assert -0.01 < photo.vertices[:, 1].min() < 0.05  # soles are a few centimetres thick
    xy, _ = photo.camera.project(photo.vertices)
    column, row = np.clip(xy.astype(int).T, 0, 255)
    assert (photo.mask[row, column] > 0).mean() > 0.98
    xy, depth = photo.camera.project(photo.joints[[0, 9]])
    assert np.abs(xy - photo.joints2d[[0, 9]]).max() < 1e-3
    seen = photo.depth[xy[:, 1].astype(int), xy[:, 0].astype(int)]
    assert (np.abs(seen - depth) < 0.25).all()


def test_another_view_shows_the_same_person(photo):
    picture, alpha = photo.person.render(photo.camera, (10, 200, 30))
    assert iou(alpha, photo.mask) > 0.99
    assert (picture[alpha == 0] == [10, 200, 30]).all()
    side = Camera.orbit(photo.joints[0], 4, 110, 0, 200, 256, 400)
    _, alpha = photo.person.render(side)
    assert 0.03 < (alpha > 0.5).mean() < 0.5


@pytest.mark.parametrize("pose", ["sitting", "crouching", "jump", "walk"])
def test_every_kind_of_pose_fills_the_picture(pose):
    shot = photograph(sample_person(11, pose=pose), size=(120, 160), supersample=1)
    assert shot.image.shape == (160, 120, 3)
    assert 0.05 < (shot.mask > 0.5).mean() < 0.6
    assert shot.person.pose_name == pose


def test_groups_name_poses_and_unknown_ones_are_refused():
    assert all(set(names) <= set(POSES) for names in GROUPS.values())
    with pytest.raises(ValueError, match="no pose"):
        sample_person(0, pose="headstand")


@pytest.mark.parametrize("pose", POSES)
def test_poses_keep_the_limbs_and_stay_in_range(pose):
    joints = template().joints
    full = make_pose(pose, joints, np.random.default_rng(2))
    assert full.shape == (55, 3)
    assert np.isfinite(full).all()
    elbow = np.linalg.norm(full[[18, 19]], axis=1)
    assert (elbow < 2.7).all()
    assert (full[[4, 5], 0] > -0.05).all()  # knees bend one way


def test_a_given_pose_is_turned_to_the_front():
    pose = np.zeros((22, 3), np.float32)
    pose[0] = [0, 2.0, 0]
    person = sample_person(5, full_pose=pose)
    assert np.abs(person.pose[0]).max() < 1e-4
    assert np.abs(person.pose[25:]).max() > 0.05


def test_sleeves_and_hems_lie_where_they_were_asked():
    t = template()
    shirt = Garment("top", -0.4, 0.3)
    inside = t.points[shirt.keep(t.points) > 0]
    assert inside[:, 1].min() > -0.41
    assert np.abs(inside[:, 0]).max() < 0.31
    assert inside[:, 1].max() < 0.16


@pytest.mark.slow
def test_the_detector_finds_ordinary_people():
    from humanav.perception import MediapipeDetector

    overlaps = []
    with MediapipeDetector() as detector:
        for seed in range(900, 908):
            shot = photograph(sample_person(seed, pose="ordinary"), size=384)
            found = detector.detect(shot.image)
            if found and found[0].mask is not None:
                overlaps.append(iou(found[0].mask, shot.mask))
    assert len(overlaps) >= 7
    assert np.median(overlaps) > 0.9
