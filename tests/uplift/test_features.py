"""What networks see must not depend on where the person is in the picture, and must mirror as the scene does."""

import pytest
import roma
import torch

from humanav.errors import InputError
from humanav.uplift.features import (
    assumed_intrinsics,
    mirror_keypoints,
    mirror_rotations,
    num_features,
    to_features,
)
from humanav.uplift.network import flip_root, unflip_root
from humanav.uplift.skeleton import UpliftBody

KNOWN = torch.tensor([True])


def scene(keypoint_set="blazepose33", frames=8, seed=0):
    """A slowly turning random pose before a camera: keypoints (1,T,N,3), K (1,3,3), rotations (1,T,22,3,3)."""
    g = torch.Generator().manual_seed(seed)
    vectors = 0.2 * torch.randn(1, 1, 22, 3, generator=g) + 0.05 * torch.randn(1, frames, 22, 3, generator=g)
    rotations = roma.rotvec_to_rotmat(vectors)
    rotations[:, :, 0] = torch.diag(torch.tensor([1.0, -1, -1])) @ rotations[:, :, 0]
    body = UpliftBody()
    joints, world = body.forward(rotations, torch.zeros(1, 1, 4))
    points = body.landmarks(joints, world, torch.zeros(1, 1, 4), keypoint_set) + torch.tensor([0.4, 0.1, 4.0])
    K = torch.tensor([[[1000.0, 0, 500], [0, 1000, 400], [0, 0, 1]]])
    pixels = points @ K.transpose(1, 2)[:, None]
    pixels = pixels[..., :2] / pixels[..., 2:]
    return torch.cat([pixels, torch.ones_like(pixels[..., :1])], -1), K, rotations


@pytest.mark.parametrize("keypoint_set", ["blazepose33", "coco17"])
def test_shapes_and_ray(keypoint_set):
    keypoints, K, _ = scene(keypoint_set)
    features, ray = to_features(keypoints, K, KNOWN)
    assert features.shape == (1, 8, num_features(keypoint_set))
    assert ray.shape == (1, 8, 3, 3)
    assert torch.allclose(ray @ ray.transpose(-1, -2), torch.eye(3).expand_as(ray), atol=1e-5)
    middle = keypoints[0, :, :, :2].mean(1).mean(0)
    direction = torch.tensor([(middle[0] - 500) / 1000, (middle[1] - 400) / 1000, 1.0])
    assert (ray[0, 4, :, 2] * direction).sum() / direction.norm() > 0.99


def test_turning_the_camera_changes_nothing_but_the_ray():
    """Points on rays that are turned together give the same picture of the person."""
    keypoints, K, _ = scene()
    rays = (keypoints[..., :2] - K[0, :2, 2]) / 1000
    turn = roma.rotvec_to_rotmat(torch.tensor([0.1, -0.15, 0]))
    rays = torch.cat([rays, torch.ones_like(rays[..., :1])], -1) @ turn.T
    turned = keypoints.clone()
    turned[..., :2] = 1000 * rays[..., :2] / rays[..., 2:] + K[0, :2, 2]
    one, two = to_features(keypoints, K, KNOWN)[0], to_features(turned, K, KNOWN)[0]
    points = one[..., :99].unflatten(-1, (33, 3))[..., :2], two[..., :99].unflatten(-1, (33, 3))[..., :2]
    lengths = [p.norm(dim=-1) for p in points]
    assert (lengths[0] - lengths[1]).abs().max() < 0.05  # up to the roll between the two shortest turns
    assert (one[..., 99] - two[..., 99]).abs().max() < 0.03


def test_scale_of_the_picture_does_not_matter():
    keypoints, K, _ = scene()
    half, K_half = keypoints * torch.tensor([0.5, 0.5, 1]), K.clone()
    K_half[:, :2] *= 0.5
    assert torch.allclose(to_features(keypoints, K, KNOWN)[0], to_features(half, K_half, KNOWN)[0], atol=1e-3)


def test_mirror_twice_and_mirrored_scene():
    keypoints, K, rotations = scene()
    twice = mirror_keypoints(mirror_keypoints(keypoints, K), K)
    assert torch.allclose(twice, keypoints, atol=1e-3)
    assert torch.allclose(mirror_rotations(mirror_rotations(rotations)), rotations)
    body = UpliftBody()
    joints = body.forward(rotations, torch.zeros(1, 1, 4))[0]
    mirrored = body.forward(mirror_rotations(rotations), torch.zeros(1, 1, 4))[0]
    assert torch.allclose(mirrored[..., 4, :], joints[..., 5, :] * torch.tensor([-1.0, 1, 1]), atol=2e-3)
    flip = torch.diag(torch.tensor([-1.0, 1, 1]))
    ray, other = (to_features(points, K, KNOWN)[1] for points in (keypoints, mirror_keypoints(keypoints, K)))
    assert torch.allclose(other, flip @ ray @ flip, atol=1e-5)


def test_missing_points_are_zero_and_no_points_are_finite():
    keypoints, K, _ = scene()
    keypoints[:, 3, 15] = 0
    features = to_features(keypoints, K, KNOWN)[0]
    assert (features[0, 3, 45:48] == 0).all()
    assert torch.isfinite(to_features(torch.zeros_like(keypoints), K, KNOWN)[0]).all()
    keypoints[:, 2:6] = 0
    features, ray = to_features(keypoints, K, KNOWN)
    assert torch.isfinite(features).all()
    assert (ray[0, 3] - ray[0, 1]).abs().max() < 0.02


def test_root_goes_there_and_back():
    keypoints, K, rotations = scene()
    ray = to_features(keypoints, K, KNOWN)[1]
    seen = flip_root(rotations[:, :, 0], ray)
    assert torch.allclose(unflip_root(seen, ray), rotations[:, :, 0], atol=1e-5)
    assert torch.rad2deg(roma.rotmat_geodesic_distance(seen[0, 0], torch.eye(3))) < 60  # frontal is near identity


def test_unknown_camera_and_layout():
    K = assumed_intrinsics(torch.tensor([[640.0, 480.0]]))
    assert K[0, 0, 0] == 768
    assert K[0, 0, 2] == 320
    assert K[0, 1, 2] == 240
    with pytest.raises(InputError, match="5 keypoints"):
        to_features(torch.zeros(1, 1, 5, 3), K, KNOWN)
