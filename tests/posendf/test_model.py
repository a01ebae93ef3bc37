"""The distance field's network: the same function however it is evaluated, its gradient, its symmetries, its file."""

from __future__ import annotations

import math
from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import pytest
import torch
from torch import Tensor
from torch.nn.functional import leaky_relu, silu, softplus

from humanav.errors import InputError
from humanav.posendf.config import ModelConfig
from humanav.posendf.model import FEW, PoseNDF
from humanav.posendf.quaternions import canonical

PARENTS = (-1, -1, -1, 0, 1, 2, 3, 4, 5, 6, 7, 8, 8, 8, 11, 12, 13, 15, 16, 17, 18)  # NRDF's table, pelvis removed
CONFIGS = [ModelConfig(widths=(32, 24)), ModelConfig(widths=(32, 24), activation="softplus"),
           ModelConfig(widths=(32, 24), activation="silu"), ModelConfig(widths=(32, 24), encoder=False),
           ModelConfig(widths=(32, 24), members=3)]


def poses(count: int, seed: int = 0) -> Tensor:
    return torch.randn(count, 21, 4, dtype=torch.float64, generator=torch.Generator().manual_seed(seed))


def field(config: ModelConfig) -> PoseNDF:
    torch.manual_seed(0)
    return PoseNDF(config).double().eval()


def alone(net: PoseNDF) -> PoseNDF:
    """The first of a field's networks."""
    one = field(replace(net.config, members=1))
    one.load_state_dict({name: value for name, value in net.state_dict().items() if not name.startswith("others.")})
    return one


def joint_by_joint(net: PoseNDF, quats: Tensor) -> Tensor:
    """The definition, one joint after the other, in each of the networks."""
    if len(net.others):
        return torch.stack([joint_by_joint(one, quats) for one in (alone(net), *net.others)]).mean(0)
    act = {"leaky_relu": leaky_relu, "silu": silu,
           "softplus": lambda x: softplus(x, beta=net.config.sharpness)}[net.config.activation]
    unit = canonical(quats)
    features: list[Tensor] = []
    for joint, parent in enumerate(PARENTS):
        if net.encoder is None:
            features.append(unit[:, joint])
            continue
        hidden = unit[:, joint] @ net.encoder.own[joint] + net.encoder.first_bias[joint]
        if parent >= 0:
            hidden = hidden + features[parent] @ net.encoder.inherited[joint - 3]
        features.append(act(act(hidden) @ net.encoder.second[joint] + net.encoder.second_bias[joint]))
    x = torch.cat(features, dim=1)
    for layer in net.layers[:-1]:
        x = act(layer(x))
    return softplus(net.layers[-1](x), beta=net.config.output_sharpness).squeeze(1)


@pytest.mark.parametrize("config", CONFIGS,
                         ids=lambda c: f"{c.activation}-{'encoder' if c.encoder else 'plain'}-{c.members}")
@pytest.mark.parametrize("count", [FEW, 3 * FEW])
def test_levels_kernel_and_definition_agree(config: ModelConfig, count: int) -> None:
    net, quats = field(config), poses(count).requires_grad_()
    expected = joint_by_joint(net, quats)
    (gradient,) = torch.autograd.grad(expected.sum(), quats)
    value, slope = net.value_and_gradient(quats.detach())
    torch.testing.assert_close(net(quats), expected)
    torch.testing.assert_close(value, expected.detach())
    torch.testing.assert_close(slope, gradient, rtol=1e-7, atol=1e-12)


@pytest.mark.parametrize("count", [1, 2 * FEW])
def test_gradient_is_that_of_finite_differences(count: int) -> None:
    net, quats = field(ModelConfig(widths=(32, 24), activation="softplus")), canonical(poses(count, 1))
    _, gradient = net.value_and_gradient(quats)
    step = 1e-6
    for joint, number in ((0, 1), (8, 0), (20, 3)):
        change = torch.zeros_like(quats)
        change[:, joint, number] = step
        slope = (net(quats + change) - net(quats - change)) / (2 * step)
        torch.testing.assert_close(slope.detach(), gradient[:, joint, number], rtol=1e-5, atol=1e-9)
    assert float((gradient * quats).sum(-1).abs().max()) < 1e-12  # a longer quaternion is the same rotation


def test_sign_and_length_do_not_matter() -> None:
    net, quats = field(ModelConfig(widths=(32, 24))), poses(9)
    torch.testing.assert_close(net(-quats), net(quats))
    torch.testing.assert_close(net(3 * quats), net(quats))
    turned = net.value_and_gradient(-2 * quats)[1]
    torch.testing.assert_close(turned, -net.value_and_gradient(quats)[1] / 2)


def test_distance_is_never_negative_and_its_gradient_never_dead() -> None:
    net, quats = field(ModelConfig(widths=(32, 24))), poses(64)
    with torch.no_grad():
        net.layers[-1].bias.fill_(-0.3)  # where a ReLU would be off everywhere
    value, gradient = net.train().eval().value_and_gradient(quats)
    assert float(value.min()) >= 0
    assert float(gradient.norm(dim=-1).amin(0).max()) > 0


def test_no_pose_and_the_zero_quaternion() -> None:
    net = field(ModelConfig(widths=(32, 24)))
    value, gradient = net.value_and_gradient(poses(0))
    assert value.shape == (0,)
    assert gradient.shape == (0, 21, 4)
    rest = torch.zeros(2, 21, 4, dtype=torch.float64)
    value, gradient = net.value_and_gradient(rest)
    rest[..., 0] = 1
    torch.testing.assert_close(value, net(rest).detach())
    assert bool(torch.isfinite(gradient).all())


def test_levels_hold_every_joint_after_its_parent() -> None:
    from humanav.posendf.model import LEVELS, PARENT_OF

    assert PARENT_OF == PARENTS
    assert [joint for start, stop in LEVELS for joint in range(start, stop)] == list(range(21))
    for (before, end), (start, stop) in pairwise(LEVELS):
        assert all(before <= PARENTS[joint] < end for joint in range(start, stop))


@pytest.mark.parametrize("half", [True, False])
def test_saved_and_loaded(tmp_path: Path, half: bool) -> None:
    net = PoseNDF(ModelConfig(widths=(32, 24), activation="silu")).eval()
    net.save(tmp_path, {"seed": 3}, half=half)
    again = PoseNDF.load(tmp_path)
    assert again.config == net.config
    assert not again.training
    torch.testing.assert_close(again(poses(9).float()), net(poses(9).float()), rtol=0, atol=2e-3 if half else 0)
    assert PoseNDF.load(tmp_path) is again


def test_training_again_is_seen_by_inference() -> None:
    net, quats = field(ModelConfig(widths=(32, 24))), poses(3)
    before = net.value_and_gradient(quats)[0]
    net.train()
    with torch.no_grad():
        net.layers[-1].bias.add_(0.5)
    assert float((net.eval().value_and_gradient(quats)[0] - before).min()) > 0.01


def test_a_damaged_folder_is_one_sentence(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="No pose field"):
        PoseNDF.load(tmp_path / "none")
    PoseNDF(ModelConfig(widths=(8,))).save(tmp_path / "cut")
    (tmp_path / "cut" / "model.safetensors").write_bytes(b"broken")
    with pytest.raises(InputError, match="No pose field"):
        PoseNDF.load(tmp_path / "cut")


def test_paper_dimensions() -> None:
    net = PoseNDF(ModelConfig(variant="structured"))
    assert net.config.widths == (256, 512, 1024, 512, 256, 64)
    assert math.isclose(sum(p.numel() for p in net.parameters()), 1.37e6, rel_tol=0.01)
