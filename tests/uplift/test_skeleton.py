"""The fast skeleton is the body model's."""

import pytest
import roma
import torch

from humanav.body import BodyModel
from humanav.body.landmarks import KEYPOINT_SETS, landmark_positions
from humanav.errors import InputError
from humanav.uplift import UpliftBody
from humanav.uplift.skeleton import relaxed_hands


@pytest.fixture(scope="module")
def posed():
    """The body model's joints and rotations, and the skeleton's, of the same five poses and shapes."""
    torch.manual_seed(0)
    model = BodyModel.load(dtype=torch.float64)
    body = UpliftBody(model, torch.float64)
    rotations = roma.random_rotmat(5 * 22, dtype=torch.float64).reshape(5, 22, 3, 3)
    betas = torch.randn(5, 10, dtype=torch.float64)
    full = torch.eye(3, dtype=torch.float64).repeat(5, 55, 1, 1)
    full[:, :22], full[:, 25:] = rotations, roma.rotvec_to_rotmat(relaxed_hands().double())
    out = model(full, betas, vertices=False)
    return body, betas, out.joints - out.joints[:, :1], out.rotations, body(rotations, betas)


def test_joints_and_rotations_agree_with_the_body_model(posed):
    _, _, joints, rotations, (mine, world) = posed
    assert (joints[:, :22] - mine).abs().max() < 1e-9
    assert (rotations[:, :22] - world).abs().max() < 1e-9


@pytest.mark.parametrize("keypoint_set", KEYPOINT_SETS)
def test_landmarks_of_every_layout_agree_with_the_body_model(posed, keypoint_set):
    body, betas, joints, rotations, (mine, world) = posed
    scale = body.stature(betas) / body.template_stature
    expected = landmark_positions(joints, rotations, keypoint_set, scale)
    assert (expected - body.landmarks(mine, world, betas, keypoint_set)).abs().max() < 1e-9


def test_one_shape_serves_a_clip():
    body, rotations = UpliftBody(), roma.random_rotmat(2 * 7 * 22).reshape(2, 7, 22, 3, 3)
    betas = torch.randn(2, 1, 10)
    joints, world = body(rotations, betas)
    one, _ = body(rotations[1, 3], betas[1, 0])
    assert joints.shape == (2, 7, 22, 3)
    assert torch.allclose(joints[1, 3], one, atol=1e-5)
    assert body.landmarks(joints, world, betas, "coco17").shape == (2, 7, 17, 3)


def test_gradients_flow_to_the_rotations():
    body = UpliftBody()
    rotations = roma.random_rotmat(22).reshape(1, 22, 3, 3).requires_grad_()
    body(rotations, torch.zeros(1, 10))[0].square().sum().backward()
    assert rotations.grad is not None
    assert rotations.grad.isfinite().all()


def test_unknown_landmarks_and_too_many_betas_are_named():
    body = UpliftBody()
    joints, world = body(torch.eye(3).repeat(22, 1, 1), torch.zeros(10))
    with pytest.raises(InputError, match="layout"):
        body.landmarks(joints, world, torch.zeros(10), "no_such_set")
    with pytest.raises(InputError, match="betas"):
        body.rest(torch.zeros(500))
