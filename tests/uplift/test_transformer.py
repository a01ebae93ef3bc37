"""The paper's network: its size, that attention and time matter, and clips of any length."""

from __future__ import annotations

import pytest
import torch

from humanav.errors import InputError
from humanav.uplift.config import ModelConfig, UpliftConfig
from humanav.uplift.features import num_features
from humanav.uplift.network import build_network
from humanav.uplift.transformer import UpliftTransformer


def small(variant: str = "N-RM-2", frames: int = 9, **sizes: int) -> UpliftTransformer:
    torch.manual_seed(0)
    return UpliftTransformer(ModelConfig(kind="transformer", variant=variant, keypoint_set="coco17", frames=frames, **{
        "width": 32, "spatial": 8, "depth": 2, "heads": 4, **sizes})).eval()


def features(frames: int, batch: int = 2) -> torch.Tensor:
    return torch.randn(batch, frames, num_features("coco17"), generator=torch.Generator().manual_seed(1))


@pytest.mark.parametrize(("variant", "millions"), [("N-RM-2", 10.65), ("S-AA-3", 10.52)])
def test_the_papers_size(variant: str, millions: float) -> None:
    network = build_network(UpliftConfig(model=ModelConfig(kind="transformer", variant=variant, width=384,
                                                           keypoint_set="halpe26")))  # 26 points, as the paper's
    assert sum(value.numel() for value in network.parameters()) / 1e6 == pytest.approx(millions, abs=0.1)


@torch.no_grad()
@pytest.mark.parametrize("frames", [1, 2, 30])
def test_one_estimate_for_every_frame(frames: int) -> None:
    out = small()(features(frames))
    assert out.rotations.shape == (2, frames, 22, 3, 3)
    assert out.log_error.shape == (2, frames, 22)
    assert out.joints is not None
    assert out.joints.shape == (2, frames, 22, 3)
    torch.testing.assert_close(torch.linalg.det(out.rotations), torch.ones(2, frames, 22), atol=1e-3, rtol=0)


@torch.no_grad()
def test_a_frame_sees_its_window_and_no_further() -> None:
    network, clip = small(), features(30, 1)
    before = network(clip).rotations
    other = clip.clone()
    other[:, 20] += 1
    moved = (network(other).rotations - before).abs().amax((0, 2, 3, 4)) > 1e-6
    assert moved.nonzero()[:, 0].tolist() == list(range(16, 25))


@torch.no_grad()
def test_the_last_frame_is_seen_as_itself() -> None:
    network, clip = small(), features(12, 1)
    other = clip.clone()
    other[:, -1] += 1
    changed = (network(other).rotations - network(clip).rotations)[:, -1]
    assert float(changed.abs().max()) > 1e-4


@torch.no_grad()
def test_long_clips_are_predicted_as_short_ones() -> None:
    network, clip = small(), features(300, 1)
    whole, part = network(clip).rotations, network(clip[:, 100:140]).rotations
    torch.testing.assert_close(whole[:, 110:130], part[:, 10:30], atol=1e-5, rtol=1e-4)


def test_attention_is_part_of_what_is_computed() -> None:
    network = small().train()
    network(features(9)).rotations[..., 0, 1].sum().backward()
    for name, value in network.named_parameters():
        if "attention.qkv.weight" in name:
            assert value.grad is not None
            assert float(value.grad.abs().max()) > 0, name


@torch.no_grad()
def test_the_camera_matters() -> None:
    network, clip = small(), features(9)
    other = clip.clone()
    other[..., -3] += 1
    assert float((network(other).rotations - network(clip).rotations).abs().max()) > 1e-4


@pytest.mark.parametrize(("sizes", "what"), [({"frames": 28}, "power of 3"), ({"frames": 1}, "power of 3"),
                                             ({"width": 30}, "model.heads")])
def test_sizes_that_do_not_fit(sizes: dict[str, int], what: str) -> None:
    with pytest.raises(InputError, match=what):
        small(**sizes)


@torch.no_grad()
@pytest.mark.parametrize("frames", [3, 81])
def test_other_windows(frames: int) -> None:
    assert small(frames=frames)(features(5)).rotations.shape == (2, 5, 22, 3, 3)
