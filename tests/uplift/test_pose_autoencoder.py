"""The pose decoder: trained in small, resumed, read from VPoser's layout, and what is shipped."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import roma
import torch

from humanav.errors import InputError
from humanav.paths import checkpoint
from humanav.uplift.pose_autoencoder import (
    CONFIG,
    MODEL,
    STATE,
    PoseAutoencoder,
    PoseDecoder,
    pca_error,
    reconstruction_error,
    train_autoencoder,
)

SHIPPED = checkpoint("uplift", "autoencoder", MODEL)


def poses(count: int, seed: int) -> torch.Tensor:
    """Poses on a line: one number bends all joints."""
    generator = torch.Generator().manual_seed(seed)
    bend = torch.rand(count, 1, 1, generator=generator)
    axes = torch.randn(21, 3, generator=torch.Generator().manual_seed(5))
    return roma.rotvec_to_rotmat(bend * axes * 0.5)


def test_it_learns_and_says_how_well(tmp_path) -> None:
    report = train_autoencoder(poses(300, 0), poses(50, 1), tmp_path, steps=100, batch=32)
    assert json.loads((tmp_path / CONFIG).read_text()) == report
    assert not (tmp_path / STATE).exists()
    assert (tmp_path / MODEL).stat().st_size < 2_000_000
    loaded = PoseAutoencoder.load(tmp_path)
    error = reconstruction_error(loaded, poses(50, 1))
    assert error == pytest.approx(report["held_out_deg"], abs=0.2)
    assert error < 8
    decoder = PoseDecoder().load(tmp_path)
    torch.testing.assert_close(decoder(torch.zeros(2, 32)), loaded.decoder(torch.zeros(2, 32)))
    assert not any(value.requires_grad for value in decoder.parameters())


def test_principal_components_of_a_line_need_but_one() -> None:
    vectors = roma.rotmat_to_rotvec(poses(100, 0))
    assert pca_error(vectors, poses(20, 1), 1) < 0.1


def test_a_stopped_run_goes_on(tmp_path) -> None:
    from humanav.errors import Cancelled
    from humanav.progress import Progress

    asked = [0]

    def cancelled() -> bool:
        asked[0] += 1
        return asked[0] > 2  # at the second state that is kept

    with pytest.raises(Cancelled):
        train_autoencoder(poses(50, 0), poses(5, 1), tmp_path / "a", steps=21, batch=2, save_every=10,
                          progress=Progress(1, None, cancelled))
    assert (tmp_path / "a" / STATE).is_file()
    resumed = train_autoencoder(poses(50, 0), poses(5, 1), tmp_path / "a", steps=21, batch=2, resume=True)
    whole = train_autoencoder(poses(50, 0), poses(5, 1), tmp_path / "b", steps=21, batch=2)
    assert resumed["held_out_deg"] == pytest.approx(whole["held_out_deg"], abs=1e-3)
    assert resumed["steps"] == 21
    with pytest.raises(InputError, match="--resume"):
        train_autoencoder(poses(50, 0), poses(5, 1), tmp_path / "c", steps=10, resume=True)


def vposer(folder: Path, prefix: str = "vp_model.", hidden: int = 512) -> tuple[Path, dict[str, torch.Tensor]]:
    """A snapshot in the layout of VPoser 2: decoder_net.0, .3 and .5 among an encoder and training's leavings."""
    torch.manual_seed(3)
    weights = {"0.weight": torch.randn(hidden, 32), "0.bias": torch.randn(hidden),
               "3.weight": torch.randn(hidden, hidden) / 20, "3.bias": torch.randn(hidden),
               "5.weight": torch.randn(126, hidden) / 20, "5.bias": torch.randn(126)}
    state = {f"{prefix}decoder_net.{name}": value for name, value in weights.items()}
    state |= {f"{prefix}encoder_net.2.weight": torch.randn(hidden, 63)}
    path = folder / "V02_05" / "snapshots" / "V02_05_epoch=08_val_loss=0.03.ckpt"
    path.parent.mkdir(parents=True)
    torch.save({"state_dict": state, "epoch": 8}, path)
    return path, weights


@pytest.mark.parametrize("prefix", ["vp_model.", ""])
def test_vposers_weights_decode_as_there(prefix: str, tmp_path) -> None:
    path, w = vposer(tmp_path, prefix)
    latents = torch.randn(4, 32)
    leaky = torch.nn.functional.leaky_relu
    hidden = leaky(leaky(latents @ w["0.weight"].T + w["0.bias"]) @ w["3.weight"].T + w["3.bias"])
    numbers = (hidden @ w["5.weight"].T + w["5.bias"]).view(4, 21, 3, 2)  # columns interleaved
    first = torch.nn.functional.normalize(numbers[..., 0], dim=-1)
    for place in (path, path.parent.parent):
        found = PoseDecoder().load(place)(latents)
        torch.testing.assert_close(found[..., 0], first, atol=1e-4, rtol=0)
        torch.testing.assert_close(torch.linalg.det(found), torch.ones(4, 21), atol=1e-3, rtol=0)


def test_what_is_no_decoder_is_said(tmp_path) -> None:
    with pytest.raises(InputError, match="no pose decoder"):
        PoseDecoder().load(tmp_path)
    small, _ = vposer(tmp_path / "small", hidden=64)
    with pytest.raises(InputError, match="two layers of 512"):
        PoseDecoder().load(small)
    torch.save({"state_dict": {}, "model": PoseDecoder()}, tmp_path / "whole.pt")
    with pytest.raises(InputError, match="state_dict"):
        PoseDecoder().load(tmp_path / "whole.pt")
    torch.save([1, 2], tmp_path / "list.pt")
    with pytest.raises(InputError, match="no pose decoder"):
        PoseDecoder().load(tmp_path / "list.pt")


@pytest.mark.skipif(not SHIPPED.is_file(), reason="no pose decoder is shipped")
def test_the_shipped_decoder(shared) -> None:
    from humanav.uplift.pose_autoencoder import cmu_poses

    model = PoseAutoencoder.load()
    _, held_out = cmu_poses(shared / "mocap" / "cmu_subset.npz")
    report = json.loads(SHIPPED.with_name(CONFIG).read_text())
    assert reconstruction_error(model, held_out[::10]) == pytest.approx(report["held_out_deg"], abs=0.3)
    assert SHIPPED.stat().st_size < 2_000_000
