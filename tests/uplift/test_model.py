"""Weights are stored and read back whole; predictions are of the camera's frame and average over the mirrored scene."""

import json

import numpy as np
import pytest
import torch

from humanav.errors import InputError
from humanav.uplift import Uplift
from humanav.uplift.config import ModelConfig, UpliftConfig
from humanav.uplift.features import mirror_keypoints, mirror_rotations
from humanav.uplift.model import mean_rotation, predict_rotations
from humanav.uplift.network import build_network
from tests.uplift.test_features import scene

CONFIG = UpliftConfig(model=ModelConfig(width=32, dilations=(1,), lifting=1, refine=(1,), keypoint_set="coco17"))


@pytest.fixture(scope="module")
def uplift():
    torch.manual_seed(0)
    network = build_network(CONFIG)
    with torch.no_grad():
        for value in network.parameters():
            value.add_(0.02 * torch.randn_like(value))
    return Uplift(network, CONFIG, {"steps": 3})


def test_saved_and_loaded(uplift, tmp_path):
    uplift.save(tmp_path)
    again = Uplift.load(folder=tmp_path)
    keypoints, K, _ = scene("coco17")
    one, two = (model.predict(keypoints[0].numpy(), K[0].numpy()) for model in (uplift, again))
    assert np.allclose(one.body, two.body, atol=5e-3)
    assert np.allclose(one.confidence, two.confidence, atol=5e-3)
    assert again.report == {"steps": 3}
    assert again.keypoint_set == "coco17"
    assert Uplift.load(folder=tmp_path) is again


@pytest.mark.parametrize("frames", [1, 5])
def test_prediction(uplift, frames):
    keypoints, K, _ = scene("coco17", frames)
    done = uplift.predict(keypoints[0].numpy(), K[0].numpy(), focal_known=False)
    assert done.root.shape == (frames, 3, 3)
    assert done.body.shape == (frames, 21, 3, 3)
    assert done.confidence.shape == (frames, 22)
    assert (done.confidence > 0).all()
    assert (done.confidence <= 1).all()
    assert np.allclose(np.linalg.det(done.root), 1, atol=1e-4)


def test_flip_makes_mirrored_scenes_give_mirrored_bodies(uplift):
    keypoints, K, _ = scene("coco17")
    known = torch.tensor([True])
    one = predict_rotations(uplift.network, keypoints, K, known, flip=True)[0]
    two = predict_rotations(uplift.network, mirror_keypoints(keypoints, K), K, known, flip=True)[0]
    assert torch.allclose(mirror_rotations(two), one, atol=1e-3)


def test_mean_of_rotations_is_half_way():
    import roma

    a, b = roma.random_rotmat(20), roma.random_rotmat(20)
    middle = mean_rotation(a, b)
    assert torch.allclose(roma.rotmat_geodesic_distance(a, middle), roma.rotmat_geodesic_distance(middle, b), atol=1e-3)
    assert torch.allclose(mean_rotation(a, a), a, atol=1e-5)


def test_what_cannot_be_predicted(uplift):
    keypoints, K, _ = scene("coco17")
    points, camera = keypoints[0].numpy(), K[0].numpy()
    for wrong, intrinsics in ((points[:, :5], camera), (points[:0], camera), (points * np.nan, camera),
                              (points, -camera), (points, camera[:2])):
        with pytest.raises(InputError):
            uplift.predict(wrong, intrinsics)


def test_folders_without_a_network(uplift, tmp_path):
    with pytest.raises(InputError, match="restore"):
        Uplift.load(folder=tmp_path / "none")
    uplift.save(tmp_path)
    settings = json.loads((tmp_path / "config.json").read_text())
    (tmp_path / "config.json").write_text(json.dumps({**settings, "model": {**settings["model"], "width": 48}}))
    with pytest.raises(InputError, match="restore"):
        Uplift.load(folder=tmp_path)
    (tmp_path / "other").mkdir()
    (tmp_path / "other" / "config.json").write_text(json.dumps(settings))
    (tmp_path / "other" / "model.safetensors").write_bytes(b"nonsense")
    with pytest.raises(InputError, match="restore"):
        Uplift.load(folder=tmp_path / "other")
