"""Random cameras see the person where they say."""

import torch

from humanav.camera import Camera
from humanav.uplift.cameras import SIZES, draw_cameras, place_person, project, smooth_walk, view_rotation


def test_intrinsics_and_sizes_are_within_the_stated_ranges():
    camera = draw_cameras(500, 4, torch.Generator().manual_seed(0))
    focal = camera.K[:, 0, 0] / camera.size.amax(1)
    assert focal.min() > 0.69
    assert focal.max() < 2.21
    assert {tuple(map(int, size)) for size in camera.size} <= set(SIZES)
    off = (camera.K[:, :2, 2] - camera.size / 2).abs() / camera.size.amax(1, keepdim=True)
    assert off.max() < 0.06


def test_rotations_are_rotations_that_change_slowly():
    rotation = draw_cameras(50, 60, torch.Generator().manual_seed(0)).rotation
    eye = torch.eye(3)
    assert (rotation @ rotation.transpose(-1, -2) - eye).abs().max() < 1e-5
    assert torch.linalg.det(rotation).min() > 0.99
    step = (rotation[:, 1:] @ rotation[:, :-1].transpose(-1, -2)).diagonal(dim1=-2, dim2=-1).sum(-1)
    assert torch.arccos(((step - 1) / 2).clamp(-1, 1)).max() < 0.03


def test_yaw_and_pitch_agree_with_an_orbiting_camera():
    angles = [torch.tensor(a).deg2rad() for a in (20.0, -35.0, 0.0)]
    mine = torch.diag(torch.tensor([1.0, -1.0, -1.0])) @ view_rotation(*angles)
    theirs = Camera.orbit([0, 1, 0], 3.0, 35.0, 20.0, 640, 480).R
    assert (mine - torch.from_numpy(theirs)).abs().max() < 1e-5


def test_people_are_in_front_of_the_camera_and_in_the_picture():
    generator = torch.Generator().manual_seed(1)
    camera = draw_cameras(300, 5, generator)
    points = torch.randn(300, 5, 33, 3, generator=generator).clamp(-2, 2) * torch.tensor([0.15, 0.45, 0.15])
    points = points + place_person(points, camera, torch.full((300,), 1.7))[:, None, None]
    assert points[..., 2].min() > 0.4
    xy = project(points, camera.K)
    inside = ((xy > -2) & (xy < camera.size[:, None, None] + 2)).all(-1).float().mean((1, 2))
    whole = camera.share < 0.95
    assert inside[whole].mean() > 0.98
    assert inside[~whole].mean() < 0.98
    height = (xy[..., 1].amax((1, 2)) - xy[..., 1].amin((1, 2))) / camera.size[:, 1]
    assert height[whole].min() > 0.1
    assert height[whole].max() < 1.05


def test_projection_agrees_with_the_camera_class():
    camera = Camera.from_focal(640, 480, 700)
    points = torch.tensor([[[0.1, -0.2, 2.0], [0.5, 0.3, 4.0]]])
    world = points.numpy()[0] * [1, -1, -1]
    mine = project(points, torch.from_numpy(camera.K).float()[None])[0].numpy()
    assert abs(mine - camera.project(world)[0]).max() < 1e-3


def test_walks_have_unit_size():
    walk = smooth_walk(400, 40, 3, torch.Generator().manual_seed(0))
    assert walk.shape == (400, 40, 3)
    assert 0.75 < walk.std() < 1.0
    assert (walk[:, 1:] - walk[:, :-1]).abs().max() < 0.6
