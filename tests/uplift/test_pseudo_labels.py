"""Rotations found for joints put the joints where they were, and turn as people do."""

from __future__ import annotations

import math
import time

import pytest
import torch

from humanav.body import JOINT_NAMES, axis_angle_to_matrix
from humanav.errors import InputError
from humanav.uplift.heads import geodesic
from humanav.uplift.pseudo_labels import BODY, bone_betas, joints_to_rotations
from humanav.uplift.skeleton import UpliftBody


@pytest.fixture(scope="module")
def skeleton() -> UpliftBody:
    return UpliftBody()


def misses(skeleton: UpliftBody, rotations: torch.Tensor, joints: torch.Tensor, betas: torch.Tensor) -> torch.Tensor:
    found, _ = skeleton(rotations, betas)
    return (found - found.mean(-2, keepdim=True) - joints + joints.mean(-2, keepdim=True)).norm(dim=-1)


def test_captured_poses_are_found_again(shared, skeleton) -> None:
    from humanav.posendf.cmu import cmu_clips

    poses = torch.cat([torch.from_numpy(clip.motion.full_pose[clip.ok][::11, :22])
                       for clip in cmu_clips(shared / "mocap" / "cmu_subset.npz", "validation")])
    truth = axis_angle_to_matrix(poses)
    betas = 0.8 * torch.randn(len(truth), 10, generator=torch.Generator().manual_seed(0))
    joints, _ = skeleton(truth, betas)
    begin = time.process_time()
    rotations = joints_to_rotations(joints, betas, skeleton)
    assert len(truth) / (time.process_time() - begin) > 100
    miss = misses(skeleton, rotations, joints, betas)
    assert float(miss.mean()) < 0.001
    assert float(miss.flatten().quantile(0.99)) < 0.01
    angles = geodesic(rotations, truth) * 180 / math.pi
    assert float(angles[:, 0].mean()) < 1.5
    assert float(angles[:, 1:].mean()) < 10  # twists about limbs, which joints do not tell
    hinges = [JOINT_NAMES.index(name) for name in ("left_knee", "right_knee", "left_hip", "right_hip")]
    assert float(angles[:, hinges].mean()) < 6


def test_the_frame_of_the_joints_does_not_matter(skeleton) -> None:
    torch.manual_seed(0)
    pose = 0.3 * torch.randn(2, 3, 22, 3)
    betas = torch.randn(2, 1, 10)
    joints, _ = skeleton(axis_angle_to_matrix(pose), betas)
    turn = axis_angle_to_matrix(torch.tensor([2.5, 0.4, -0.3]))
    one = joints_to_rotations(joints, betas, skeleton)
    other = joints_to_rotations(joints @ turn.T + 3, betas, skeleton)
    assert one.shape == (2, 3, 22, 3, 3)
    assert float(geodesic(turn @ one[..., 0, :, :], other[..., 0, :, :]).max()) < 0.02
    assert float(geodesic(one[..., 1:, :, :], other[..., 1:, :, :]).max()) < 0.05


def test_some_of_the_joints_are_enough(skeleton) -> None:
    torch.manual_seed(0)
    names = [name for name in BODY if name not in ("spine1", "spine2", "left_foot", "left_collar", "right_collar")]
    truth, betas = axis_angle_to_matrix(0.2 * torch.randn(5, 22, 3)), torch.zeros(5, 10)
    joints = skeleton(truth, betas)[0][:, [BODY.index(name) for name in names]]
    rotations = joints_to_rotations(joints, betas, skeleton, names=names)
    found = skeleton(rotations, betas)[0][:, [BODY.index(name) for name in names]]
    off = found - found.mean(1, keepdim=True) - joints + joints.mean(1, keepdim=True)
    assert float(off.norm(dim=-1).max()) < 0.01


def test_the_shape_is_found_from_bones(skeleton) -> None:
    torch.manual_seed(0)
    betas = torch.randn(10)
    joints, _ = skeleton(axis_angle_to_matrix(0.3 * torch.randn(6, 22, 3)), betas)
    found = bone_betas(joints, skeleton)
    assert float((skeleton.rest(found) - skeleton.rest(betas)).norm(dim=-1).max()) < 0.02


@pytest.mark.parametrize(("joints", "names", "what"), [
    (torch.zeros(3, 22, 3), (*BODY[:21], "hip"), "hip"), (torch.zeros(3, 21, 3), BODY[:21], "right_wrist"),
    (torch.zeros(3, 17, 3), BODY, "shape"), (torch.full((3, 22, 3), math.nan), BODY, "NaN"),
    (torch.zeros(3, 22, 3), (*BODY[:21], *BODY[20:]), "twice")])
def test_what_cannot_be_solved_is_said(joints, names, what, skeleton) -> None:
    with pytest.raises(InputError, match=what):
        joints_to_rotations(joints, torch.zeros(1, 10), skeleton, names=names)
