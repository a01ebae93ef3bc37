"""Directions of two bones give back the rotations they came from, and mirror images mirror."""

import pytest
import roma
import torch

from humanav.uplift.features import mirror_rotations
from humanav.uplift.limbs import LIMBS, bend


def directions(limb, upper, angle):
    hinge, bone = torch.tensor(limb.hinge), torch.tensor(limb.bone)
    lower = roma.rotvec_to_rotmat(angle[:, None] * hinge)
    return torch.cat([2 * upper @ bone, upper @ hinge], -1), upper @ lower @ bone, lower


@pytest.mark.parametrize("limb", LIMBS)
def test_bent_limbs_are_recovered(limb):
    upper = roma.random_rotmat(50)
    seen, below, lower = directions(limb, upper, 0.3 + 2.3 * torch.rand(50))
    found = bend(seen, below, limb)
    assert torch.allclose(found[0], upper, atol=1e-3)
    assert torch.allclose(found[1], lower, atol=1e-3)


@pytest.mark.parametrize("limb", LIMBS)
def test_the_plane_counts_where_bent_and_the_guess_where_straight(limb):
    upper = roma.random_rotmat(50)
    bone = torch.tensor(limb.bone)
    for angle, least in ((1.5, 0.0), (0.01, 40.0)):
        seen, below, _ = directions(limb, upper, torch.full((50,), angle))
        wrong = upper @ roma.rotvec_to_rotmat(1.0 * bone)
        seen = torch.cat([seen[:, :3], wrong @ torch.tensor(limb.hinge)], -1)
        off = torch.rad2deg(roma.rotmat_geodesic_distance(bend(seen, below, limb)[0], upper)).mean()
        assert least <= off < 57.4
        assert angle < 1 or off < 15


def test_nothing_breaks_where_there_is_no_plane():
    values = torch.zeros(3, 6, requires_grad=True)
    rotations, lower = bend(values, torch.zeros(3, 3), LIMBS[0])
    (rotations.sum() + lower.sum()).backward()
    assert torch.isfinite(rotations).all()
    assert torch.isfinite(values.grad).all()


def test_left_mirrors_right():
    for left, right in ((LIMBS[0], LIMBS[1]), (LIMBS[2], LIMBS[3])):
        angle = 0.5 + torch.rand(8)
        rotations = torch.eye(3).repeat(8, 22, 1, 1)
        rotations[:, left.lower] = roma.rotvec_to_rotmat(angle[:, None] * torch.tensor(left.hinge))
        other = mirror_rotations(rotations)[:, right.lower]
        assert torch.allclose(other, roma.rotvec_to_rotmat(angle[:, None] * torch.tensor(right.hinge)), atol=1e-5)
