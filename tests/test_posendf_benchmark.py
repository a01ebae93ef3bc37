"""The benchmark of the pose manifold: its measures, its plain network, and a quick run."""

import json
from types import SimpleNamespace

import pytest
import torch

from humanav import bench
from humanav.posendf import ModelConfig, PoseNDF
from humanav.posendf.nearest import PosePool
from humanav.posendf.quaternions import axis_angle_to_quats


@pytest.fixture(scope="module")
def module():
    return SimpleNamespace(**bench._load("posendf").__globals__)


@pytest.fixture
def poses():
    generator = torch.Generator().manual_seed(0)
    return axis_angle_to_quats(0.4 * torch.randn(40, 21, 3, generator=generator))


@pytest.mark.parametrize("config", [ModelConfig(), ModelConfig(variant="structured", activation="softplus"),
                                    ModelConfig(encoder=False, activation="silu")])
def test_the_plain_network_is_the_same_function(module, poses, config):
    from _posendf_peer import JointByJoint, project

    torch.manual_seed(0)
    field = PoseNDF(config).eval()
    peer = JointByJoint.copy(field)
    assert torch.allclose(peer(poses), field(poses), atol=1e-5)
    value, gradient = field.value_and_gradient(poses)
    step = 0.05
    angle = step * value[:, None, None]
    expected = poses * angle.cos() - gradient / gradient.norm(dim=-1, keepdim=True).clamp_min(1e-12) * angle.sin()
    moved = project(peer, poses, steps=1, step_size=step)
    assert float((moved * expected).sum(-1).abs().min()) > 1 - 1e-5


def test_measures_know_the_simple_cases(module, poses):
    from _posendf_measures import frechet, pair_distance_cm, positions_cm

    low, high = torch.arange(5.0), torch.arange(5.0) + 10
    assert module.auc(low, high) == 1
    assert module.auc(high, low) == 0
    assert module.auc(low, low) == 0.5
    assert module.pearson(low, 3 * low + 1) == pytest.approx(1)
    joints = positions_cm(poses)
    assert joints.shape == (40, 22, 3)
    assert abs(frechet(joints, joints)) < 1e-3
    assert frechet(joints, joints + 1) == pytest.approx(66, abs=1e-3)
    assert pair_distance_cm(joints) > 1
    turned = poses.clone()
    turned[:, 3] = axis_angle_to_quats(torch.tensor([0.0, 0.0, 0.5]))
    chosen = torch.zeros(40, 21, dtype=torch.bool)
    chosen[:, 2] = True
    assert module.joint_error(turned, poses, chosen) < 0.1


def test_neighbours_find_a_pose_again_and_fill_its_hidden_joints(module, poses):
    neighbours = module.Neighbours(PosePool(poses))
    assert float(module.angles_deg(neighbours.repair(poses), poses).max()) < 0.1
    for case in module.completion_cases(poses).values():
        filled = neighbours.complete(case.quats, ~case.damaged)
        assert module.joint_error(filled, case.truth, case.damaged) < 0.1


def test_unseen_damage_marks_what_it_changes(module, poses):
    for case in module.repair_cases(poses, 0).values():
        changed = module.angles_deg(case.quats, case.truth) > 0.5
        assert not bool((changed & ~case.damaged).any())
        assert bool(changed.any())


def test_targets_compare_with_the_best_other_method(module):
    row = module.best_of({"input": 9.0, "mean_pose": 0.5, "nearest": 2.0, "humanav": 1.0})
    assert row["best"] == "humanav"
    from _posendf_measures import ratio_to_best

    assert ratio_to_best(row) == 0.5
    assert ratio_to_best(module.best_of({"input": 1.0, "nearest": 4.0, "humanav": 2.0})) == 2.0


@pytest.mark.slow
def test_a_quick_run_has_all_numbers(shared):
    numbers = json.loads(json.dumps(bench.run("posendf", quick=True)))
    for key in ("distance_pearson", "distance_mae_rad", "auc_noise_0.1", "auc_broken", "clean_move_deg", "repair_deg",
                "complete_deg", "denoise_mpjpe_mm", "amplitude_kept", "gen_nn_ratio", "apd_ratio", "frechet",
                "pose_steps_per_s", "speedup", "targets"):
        assert key in numbers
    assert {"input", "gaussian", "gmm8", "nearest", "denoising_net", "humanav", "best"} <= set(
        numbers["repair_deg"]["limbs swapped"])
    assert {"value", "bar", "reached"} == set(numbers["targets"]["speedup"])
