"""The benchmark of the uplift: its rivals, its pieces, and a quick run."""

import json
from types import SimpleNamespace

import pytest
import roma
import torch

from humanav import bench
from humanav.uplift.evaluate import measure, true_rotations
from humanav.uplift.measures import angle_deg
from humanav.uplift.pairs import held_out_pairs
from humanav.uplift.skeleton import UpliftBody


@pytest.fixture(scope="module")
def module():
    return SimpleNamespace(**bench._load("uplift").__globals__)


@pytest.fixture(scope="module")
def body():
    return UpliftBody()


@pytest.fixture(scope="module")
def pairs():
    """A built-in clip before a few cameras, without noise."""
    from humanav.motion import load_clip
    from humanav.posendf.cmu import Clip

    motion = load_clip("walk")[:40]
    clip = Clip(motion, torch.ones(len(motion), dtype=torch.bool).numpy(), "?", "train")
    return held_out_pairs([clip], "blazepose33", frames=20, seed=3, noise=0.0, views=3)


def test_six_numbers_and_back(module, pairs):
    from _uplift_baselines import from_six, one_frame, to_six

    some = pairs[0]
    _, ray = one_frame(some.keypoints, some.K, torch.ones(len(some.K), dtype=torch.bool))
    truth = true_rotations(some).flatten(0, 1)
    assert torch.allclose(from_six(to_six(truth, ray), ray), truth, atol=1e-5)


@pytest.fixture(scope="module")
def pool(module, body):
    """Poses seen from all sides, their rotations, and pictures of them."""
    seen, rotations = module.pool_of_poses(_world_poses(), body, "blazepose33")
    lens = torch.tensor([[800.0, 0, 400], [0, 800, 300], [0, 0, 1]])
    pixels = seen * 800 + torch.tensor([400.0, 300])
    keypoints = torch.cat([pixels, torch.ones_like(pixels[..., :1])], dim=-1)[:, None]
    return seen, rotations, (keypoints, lens.expand(len(seen), 3, 3), torch.ones(len(seen), dtype=torch.bool))


def test_neighbours_find_the_pose_and_the_side_it_is_seen_from(module, pool):
    seen, rotations, pictures = pool
    assert len(seen) == 24 * 20
    found = module.neighbours((seen, rotations), 1)(*pictures)[:, 0]
    assert float(angle_deg(found, rotations).max()) < 0.2
    keypoints = pictures[0].clone()
    keypoints[..., :2] = keypoints[..., :2] * 0.5 + 90
    keypoints[:, :, 25:] = 0  # unseen feet
    found = module.neighbours((seen, rotations), 1)(keypoints, *pictures[1:])[:, 0]
    assert float(angle_deg(found, rotations)[:, 1:].mean()) < 6


def test_the_mean_pose_turns_with_the_person(module, body, pool):
    _, rotations, pictures = pool
    for rigid in (False, True):
        found = module.mean_pose(_world_poses(), body, "blazepose33", rigid)(*pictures)[:, 0]
        assert float(angle_deg(found, rotations)[:, 0].median()) < 25


def test_learners_learn(module, body, pairs):
    frames = module.training_frames(pairs)
    linear = measure(module.ridge(*frames[:2], 1e-4), pairs, body=body).summary()
    assert linear["mpjpe_mm"] < 60
    network, seconds = module.martinez(frames, body, steps=150, batch=64, width=64)
    assert seconds > 0
    assert measure(network, pairs, body=body).summary()["mpjpe_mm"] < 150


def test_mediapipe_is_scored_on_what_it_says(module, body, pairs):
    some = pairs[0]
    joints, turned = body(true_rotations(some), some.betas[:, None])
    world = body.landmarks(joints, turned, some.betas[:, None], "blazepose33")
    turn = roma.rotvec_to_rotmat(torch.tensor([0.0, 0.0, 0.1]))

    def predict(keypoints, intrinsics, known):
        rotations = true_rotations(some)
        return torch.cat([turn @ rotations[:, :, :1], rotations[:, :, 1:]], dim=2)

    found = torch.ones(world.shape[:2], dtype=torch.bool)
    rows = module.own_3d(predict, some, found, world, body)
    assert rows["mediapipe_3d"]["mpjpe12_mm"] < 1e-2
    assert rows["mediapipe_3d"]["mpjpe_mm"] < 50
    assert rows["humanav"]["root_deg"] == pytest.approx(5.73, abs=0.01)
    assert rows["humanav"]["pa_mpjpe12_mm"] < 1e-2 < 10 < rows["humanav"]["mpjpe12_mm"]


def test_targets_name_what_was_reached(module):
    row = {"mpjpe_mm": 40.0, "root_deg": 9.0, "elbow_knee_deg": 8.0}
    worse = {name: 2 * value for name, value in row.items()}
    out = {"mpjpe_mm": 40.0, "root_deg": 9.0, "ratio_vs_paper_network": 30.0,
           "methods": {"humanav": row, **dict.fromkeys(("mean_pose", "nearest", "ridge", "martinez"), worse)},
           "real_detector": {"humanav": row, "mediapipe_3d": worse}}
    found = module.targets(out)
    assert found["mpjpe_mm"]["reached"]
    assert not found["root_deg"]["reached"]
    assert found["root_deg over best baseline"] == {"value": 0.5, "bar": "<= 1", "reached": True}


def _world_poses():
    from humanav.motion import load_clip

    return roma.rotvec_to_rotmat(torch.from_numpy(load_clip("walk")[:40:2].full_pose[:, :22]))


@pytest.mark.slow
def test_a_quick_run_has_all_numbers(shared):
    numbers = json.loads(json.dumps(bench.run("uplift", quick=True)))
    for key in ("mpjpe_mm", "n_mpjpe_mm", "pa_mpjpe_mm", "mpjae_deg", "mpjae_global_deg", "root_deg", "elbow_knee_deg",
                "accel_mm", "pck150", "still_ratio", "noise2_ratio", "noise0_mpjpe_mm", "by_yaw", "by_clip_length",
                "real_detector_mpjpe_mm", "real_detector_ratio", "real_detector", "frames_per_s",
                "ratio_vs_paper_network", "joints", "anthropometrics_mm", "anthropometrics_mlp_mm",
                "partial_over_mean_body", "targets"):
        assert key in numbers
    assert {"humanav", "humanav_coco17", "humanav_no_focal", "mean_pose", "nearest", "ridge", "martinez"} <= set(
        numbers["methods"])
    assert list(numbers["by_clip_length"]) == ["1", "9", "27", "81"]
    assert {"value", "bar", "reached"} == set(numbers["targets"]["mpjpe_mm"])
