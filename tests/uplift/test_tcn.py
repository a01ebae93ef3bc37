"""The dilated network: any length of clip, a field as configured, rotations, and a loss that falls."""

import pytest
import roma
import torch

from humanav.errors import InputError
from humanav.uplift.config import ModelConfig, TrainingConfig, UpliftConfig
from humanav.uplift.features import num_features
from humanav.uplift.losses import make_target, uplift_loss
from humanav.uplift.network import build_network, rotations_from_6d
from humanav.uplift.skeleton import UpliftBody

SMALL = ModelConfig(width=32, dilations=(1, 3), lifting=1, refine=(1,), keypoint_set="coco17")


def network(model=SMALL):
    torch.manual_seed(0)
    return build_network(UpliftConfig(model=model)).eval()


@pytest.mark.parametrize("frames", [1, 2, 40])
def test_any_length(frames):
    out = network()(torch.randn(2, frames, num_features("coco17")))
    assert out.rotations.shape == (2, frames, 22, 3, 3)
    assert out.log_error.shape == (2, frames, 22)
    across = out.rotations @ out.rotations.transpose(-1, -2)
    assert torch.allclose(across, torch.eye(3).expand_as(across), atol=1e-5)
    assert torch.allclose(torch.linalg.det(out.rotations), torch.ones(2, frames, 22), atol=1e-5)


def test_a_still_is_a_clip_of_equal_frames():
    net, features = network(), torch.randn(1, 1, num_features("coco17"))
    assert torch.allclose(net(features).rotations[:, 0], net(features.expand(1, 30, -1)).rotations[:, 15], atol=1e-5)


def test_field_is_as_configured():
    net, features = network(), torch.randn(1, 41, num_features("coco17"))
    before = net(features).rotations
    features[:, 20] += 1
    moved = (net(features).rotations - before).abs().flatten(2).amax(-1)[0] > 1e-7
    assert moved[20 - 5:20 + 6].any()
    assert not moved[:20 - 5].any()
    assert not moved[20 + 6:].any()


def test_rotations_from_6d_are_their_own_columns():
    rotations = roma.random_rotmat(10)
    assert torch.allclose(rotations_from_6d(rotations[..., :2].transpose(-1, -2).flatten(-2)), rotations, atol=1e-5)


def test_loss_is_zero_at_the_truth_and_learning_lowers_it():
    body, plan = UpliftBody(), TrainingConfig(error=0.0)
    rotations = roma.rotvec_to_rotmat(0.2 * torch.randn(2, 6, 22, 3, generator=torch.Generator().manual_seed(1)))
    ray = torch.eye(3).expand(2, 6, 3, 3)
    target = make_target(rotations[:, :, 0], rotations[:, :, 1:], torch.zeros(2, 10), ray, body)
    net = network().train()
    features = torch.randn(2, 6, num_features("coco17"))
    out = net(features)
    exact = uplift_loss(out._replace(rotations=target.rotations, first=target.rotations), target, plan, body)[0]
    assert float(exact) < 1e-3
    optimizer = torch.optim.Adam(net.parameters(), 3e-3)
    losses = []
    for _ in range(30):
        loss, parts = uplift_loss(net(features), target, plan, body)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        losses.append(float(loss.detach()))
    assert losses[-1] < 0.5 * losses[0]
    assert set(parts) == {"joints", "rotations", "turned", "velocity"}


def test_gradients_are_finite_where_nothing_is_seen():
    net = network().train()
    out = net(torch.zeros(1, 3, num_features("coco17")))
    (out.rotations.sum() + out.log_error.sum()).backward()
    assert all(torch.isfinite(value.grad).all() for value in net.parameters() if value.grad is not None)


@pytest.mark.parametrize("wrong", [{"kind": "rnn"}, {"keypoint_set": "foo"}, {"dilations": (0,)}, {"dropout": 1.0}])
def test_wrong_settings(wrong):
    with pytest.raises(InputError, match="model"):
        ModelConfig(**wrong)


def test_wrong_configurations(tmp_path):
    for text, said in (("model: {widht: 3}", "model.widht"), ("training: {steps: many}", "whole number"),
                       ("sizes: {}", "no section"), ("model: [", "not valid YAML")):
        (tmp_path / "a.yaml").write_text(text)
        with pytest.raises(InputError, match=said):
            UpliftConfig.load(tmp_path / "a.yaml")
    with pytest.raises(InputError, match="tcn"):
        UpliftConfig.load("no-such")
    assert UpliftConfig.load("tcn").model.kind == "tcn"
