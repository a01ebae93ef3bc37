"""A run learns, stores what it needs, goes on as if it had not stopped, and starts from another layout's weights."""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from humanav.errors import InputError
from humanav.uplift import Uplift
from humanav.uplift.config import DataConfig, ExperimentConfig, ModelConfig, TrainingConfig, UpliftConfig
from humanav.uplift.network import build_network
from humanav.uplift.start import warm_start
from humanav.uplift.supply import Supply
from humanav.uplift.training import train
from humanav.uplift.validation import Validation

MODEL = ModelConfig(width=24, dilations=(1,), lifting=1, refine=(1,), keypoint_set="coco17")
PLAN = TrainingConfig(steps=6, batch=4, warmup=2, threads=1, workers=0, precision="float32", log_every=2,
                      validate_every=100, save_every=100)


@pytest.fixture(scope="module")
def cmu(tmp_path_factory) -> Path:
    """A collection of clips as large as the tests need: one subject trains, one validates."""
    rng, values = np.random.default_rng(0), {}
    names = ["01_01", "07_01"]
    for name in names:
        values[f"pose/{name}"] = (0.2 * rng.normal(size=(1, 66)) + 0.02 * rng.normal(size=(40, 66)).cumsum(0)
                                  ).astype(np.float16)
        values[f"trans/{name}"] = np.zeros((40, 3), np.float32)
        values[f"ok/{name}"] = np.ones(40, bool)
    path = tmp_path_factory.mktemp("cmu") / "clips.npz"
    np.savez(path, clip_names=names, subjects=["01", "07"], duplicate_of_asf=[False, False], fps=30.0, **values)
    return path


def config(folder: Path, **training) -> UpliftConfig:
    return UpliftConfig(ExperimentConfig("test", str(folder)), MODEL, replace(PLAN, **training), DataConfig(frames=16))


def weights(folder: Path) -> dict[str, torch.Tensor]:
    return Uplift.load(folder=folder).network.state_dict()


def test_a_run_and_what_it_leaves(cmu, tmp_path):
    done = train(config(tmp_path), cmu=cmu)
    assert done.report["steps"] == 6
    assert done.report["data"]["file"] == "clips.npz"
    assert {"mpjpe_mm", "pa_mpjpe_mm", "mpjae_deg", "root_deg", "still_ratio"} <= done.report["validation"].keys()
    assert json.loads((tmp_path / "config.json").read_text())["training"]["steps"] == 6
    assert json.loads((tmp_path / "metrics.json").read_text())[-1]["step"] == 6
    assert not list(tmp_path.glob("*.tmp"))
    assert not list(tmp_path.glob("*.part"))


@pytest.mark.parametrize("optimizer", ["adamw", "muon"])
def test_resumed_is_the_same(cmu, tmp_path, optimizer, monkeypatch):
    whole = config(tmp_path / "whole", optimizer=optimizer)
    train(whole, cmu=cmu)
    from humanav.uplift import training

    class Stop(Exception):
        pass

    def stop(run) -> None:
        advance(run)
        if run.step == 3:
            raise Stop

    advance = training._Run.advance
    monkeypatch.setattr(training._Run, "advance", stop)
    halved = config(tmp_path / "halved", optimizer=optimizer)
    with pytest.raises(Stop):
        train(halved, cmu=cmu)
    monkeypatch.setattr(training._Run, "advance", advance)
    train(halved, cmu=cmu, resume=True)
    one, two = weights(tmp_path / "whole"), weights(tmp_path / "halved")
    assert all(torch.allclose(one[name], two[name], atol=1e-6) for name in one)


def test_pairs_are_the_same_from_a_process(cmu, tmp_path):
    here, there = (Supply(config(tmp_path, workers=count), cmu) for count in (0, 1))
    try:
        for step in (2, 3):
            assert torch.equal(here.take(step).keypoints, there.take(step).keypoints)
    finally:
        there.close()


def test_warm_start_from_another_layout(tmp_path):
    theirs = replace(config(tmp_path), model=replace(MODEL, keypoint_set="blazepose33"))
    torch.manual_seed(0)
    Uplift(build_network(theirs), theirs).save(tmp_path)
    source = Uplift.load(folder=tmp_path).network
    network = build_network(config(tmp_path))
    warm_start(network, tmp_path, "coco17")
    assert torch.equal(network.head.weight, source.head.weight)
    assert torch.equal(network.stem.weight[:, :3], source.stem.weight[:, :3])  # the nose
    assert torch.equal(network.stem.weight[:, 27:30], source.stem.weight[:, 45:48])  # left wrist
    assert torch.equal(network.stem.weight[:, -4:], source.stem.weight[:, -4:])
    assert torch.equal(network.look.weight[:, 34 + 18:34 + 20], source.look.weight[:, 66 + 30:66 + 32])
    assert torch.equal(network.look.weight[:, -1], source.look.weight[:, -1])


def test_nothing_to_train_on_or_resume(cmu, tmp_path):
    with pytest.raises(InputError, match="--data"):
        train(config(tmp_path), cmu=tmp_path / "none.npz")
    with pytest.raises(InputError, match="--resume"):
        train(config(tmp_path), cmu=cmu, resume=True)
    train(config(tmp_path), cmu=cmu)
    with pytest.raises(InputError, match="another network"):
        train(replace(config(tmp_path), model=replace(MODEL, width=32)), cmu=cmu, resume=True)


def test_validation_is_always_the_same(cmu, tmp_path):
    one, two = (Validation(cmu, config(tmp_path)) for _ in range(2))
    assert torch.equal(one.pairs[0].keypoints, two.pairs[0].keypoints)
