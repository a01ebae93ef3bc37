"""Each of the paper's variants learns through the common targets, and what it learnt predicts clips and photos."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import pytest
import torch

from humanav.errors import InputError
from humanav.motion import load_clip
from humanav.posendf.cmu import Clip
from humanav.uplift.config import ModelConfig, TrainingConfig, UpliftConfig
from humanav.uplift.features import mirror_keypoints, to_features
from humanav.uplift.losses import Target, make_target
from humanav.uplift.model import Uplift
from humanav.uplift.pairs import PairSource
from humanav.uplift.pose_autoencoder import MODEL, PoseAutoencoder
from humanav.uplift.skeleton import UpliftBody
from humanav.uplift.transformer import UpliftTransformer
from humanav.uplift.variants import VARIANTS, _with_mirrored, find_variant, paper_loss


@pytest.fixture(scope="module")
def skeleton() -> UpliftBody:
    return UpliftBody()


@pytest.fixture(scope="module")
def batch():
    motion = load_clip("walk")
    clip = Clip(motion, np.ones(len(motion), dtype=bool), "01", "train")
    return PairSource([clip], "coco17", frames=9, noise=0.5, augment=False).batch(6)


@pytest.fixture(scope="module")
def decoder(tmp_path_factory) -> Path:
    from safetensors.torch import save_file

    torch.manual_seed(0)
    folder = tmp_path_factory.mktemp("decoder")
    save_file(PoseAutoencoder().state_dict(), folder / MODEL)
    return folder


def told(batch, skeleton: UpliftBody) -> tuple[torch.Tensor, Target]:
    features, ray = to_features(batch.keypoints, batch.K, torch.ones(len(batch.K), dtype=torch.bool))
    return features, make_target(batch.root, batch.body, batch.betas, ray, skeleton)


@pytest.mark.parametrize("name", VARIANTS)
def test_each_variant_learns_and_predicts(name: str, batch, skeleton, decoder, tmp_path) -> None:
    torch.manual_seed(0)
    config = UpliftConfig(model=ModelConfig(
        kind="transformer", variant=name, keypoint_set="coco17", frames=9, width=32, spatial=8, depth=1, heads=4,
        pose_decoder=str(decoder)), training=TrainingConfig())
    network = UpliftTransformer(config.model)
    network.begin()
    features, target = told(batch, skeleton)
    optimizer = torch.optim.Adam([value for value in network.parameters() if value.requires_grad], 3e-3)
    losses = []
    for _ in range(15):
        loss, parts = paper_loss(network, features, target, config.training, skeleton)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        losses.append(float(loss.detach()))
        assert all(math.isfinite(value) for value in parts.values())
    assert losses[-1] < 0.85 * losses[0]
    Uplift(network, config).save(tmp_path)
    uplift = Uplift.load(folder=tmp_path)
    for frames in (1, 30):
        keypoints = batch.keypoints[0, [t % 9 for t in range(frames)]].numpy()
        found = uplift.predict(keypoints, batch.K[0].numpy())
        assert (found.root.shape, found.body.shape) == ((frames, 3, 3), (frames, 21, 3, 3))
        assert np.isfinite(found.body).all()
        assert np.isfinite(found.confidence).all()


def test_without_true_rotations_none_are_used(batch, skeleton, decoder) -> None:
    features, target = told(batch, skeleton)
    blind = target._replace(rotations=torch.full_like(target.rotations, math.nan),
                            turned=torch.full_like(target.turned, math.nan))
    for name, uses in (("N-RM-2", True), ("S-AA-3", True), ("V-2", False), ("PS-AA-3", False)):
        torch.manual_seed(0)
        network = UpliftTransformer(ModelConfig(kind="transformer", variant=name, keypoint_set="coco17", frames=9,
                                                width=16, spatial=8, depth=1, heads=4, pose_decoder=str(decoder)))
        loss, _ = paper_loss(network.eval(), features, blind, TrainingConfig(), skeleton)
        assert math.isfinite(float(loss.detach())) != uses, name


def test_the_mirror_image_of_features_is_that_of_the_keypoints(batch, skeleton) -> None:
    features, target = told(batch, skeleton)
    both, targets = _with_mirrored(features, target)
    known = torch.ones(len(batch.K), dtype=torch.bool)
    expected, _ = to_features(mirror_keypoints(batch.keypoints, batch.K), batch.K, known)
    torch.testing.assert_close(both[len(features):], expected, atol=1e-4, rtol=0)
    joints, _ = skeleton(targets.rotations, targets.betas[:, None])
    # a mirrored body has mirrored bones only as far as the body is symmetric
    assert float((joints - targets.joints).norm(dim=-1).max()) < 0.01


def test_the_decoder_stays_as_it_is(batch, skeleton, decoder) -> None:
    network = UpliftTransformer(ModelConfig(kind="transformer", variant="v-2", keypoint_set="coco17", frames=9,
                                            width=16, spatial=8, depth=1, heads=4, pose_decoder=str(decoder)))
    network.begin()
    features, target = told(batch, skeleton)
    paper_loss(network, features, target, TrainingConfig(), skeleton)[0].backward()
    assert network.decoder is not None
    assert all(value.grad is None for value in network.decoder.parameters())
    assert network.centre.latent is not None
    assert network.centre.latent.weight.grad is not None


@pytest.mark.parametrize("name", ["n-rm-2", "s-aa-3", "v-2", "ps-aa-3"])
def test_the_shipped_configurations(name: str) -> None:
    config = UpliftConfig.load(name)
    assert find_variant(config.model.variant).name == name.upper()
    assert (config.model.kind, config.data.frames) == ("transformer", config.model.frames)


def test_an_unknown_variant() -> None:
    with pytest.raises(InputError, match="PS-AA-3"):
        find_variant("N-RM-9")


@pytest.mark.parametrize("name", ["V-2"])
def test_the_common_training_runs_a_variant(name: str, decoder, tmp_path) -> None:
    """From a prepared folder to weights that load; V-2 needs the most of it."""
    from humanav.motion import save_npz
    from humanav.uplift.config import DataConfig, ExperimentConfig
    from humanav.uplift.prepare import prepare_amass
    from humanav.uplift.training import train

    for data_set in ("CMU", "HumanEva", "SSM"):
        place = tmp_path / "amass" / data_set / "someone" / "walk_poses.npz"
        place.parent.mkdir(parents=True)
        save_npz(load_clip("walk")[:30], place)
    prepare_amass(tmp_path / "amass", tmp_path / "takes")
    config = UpliftConfig(
        ExperimentConfig("test", str(tmp_path / "run")),
        ModelConfig(kind="transformer", variant=name, keypoint_set="coco17", frames=9, width=16, spatial=8, depth=1,
                    heads=4, pose_decoder=str(decoder)),
        TrainingConfig(steps=3, batch=2, warmup=1, threads=1, workers=0, precision="bfloat16", single=0.5, log_every=1,
                       validate_every=100, save_every=100),
        DataConfig(folder=str(tmp_path / "takes"), frames=9))
    done = train(config)
    assert done.report["data"]["file"] == "takes"
    assert math.isfinite(done.report["validation"]["mpjpe_mm"])
    again = train(config, resume=True)
    assert again.report["steps"] == 3
    assert Uplift.load(folder=tmp_path / "run").config.model.variant == name
