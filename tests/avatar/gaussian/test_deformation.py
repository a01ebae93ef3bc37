"""What the pose does to clothes: both networks."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from humanav.avatar.gaussian.deformation import (
    Kind,
    joint_distance,
    make_deformation,
    pose_features,
    reach_mask,
    to_data,
)
from humanav.avatar.gaussian.networks import DeformationNetwork
from humanav.avatar.gaussian.value import GaussianAvatar, dense_weights, local_rotations
from humanav.body.names import JOINT_INDEX
from humanav.errors import InputError
from tests.avatar.gaussian.conftest import bent

SIZES: dict[str, dict[str, int]] = {"lite": {"nodes": 120, "rank": 4, "hidden": 16},
                                    "full": {"channels": 4, "resolution": 16, "hidden": 16, "layers": 2}}


def stirred(gaussians: GaussianAvatar, kind: Kind) -> DeformationNetwork:
    """A network with random weights everywhere."""
    network = make_deformation(gaussians, kind, **SIZES[kind])
    torch.manual_seed(1)
    for parameter in network.parameters():
        torch.nn.init.normal_(parameter, 0, 0.5)
    return network.eval()


def run(network: DeformationNetwork, pose: np.ndarray) -> np.ndarray:
    with torch.no_grad():
        return network(torch.from_numpy(pose_features(local_rotations(pose)))).numpy()


def test_distances_in_the_skeleton() -> None:
    away = joint_distance()
    assert away[JOINT_INDEX["left_ankle"], JOINT_INDEX["pelvis"]] == 3
    assert away[JOINT_INDEX["left_ankle"], JOINT_INDEX["right_shoulder"]] == 8
    np.testing.assert_array_equal(away, away.T)


@pytest.mark.parametrize("kind", ["lite", "full"])
def test_a_new_network_moves_nothing(gaussians: GaussianAvatar, kind: Kind) -> None:
    assert np.abs(run(make_deformation(gaussians, kind, **SIZES[kind]), bent(left_knee=(1, 0, 0)))).max() == 0


@pytest.mark.parametrize("kind", ["lite", "full"])
def test_far_joints_do_not_reach(gaussians: GaussianAvatar, kind: Kind) -> None:
    network = stirred(gaussians, kind)
    changed = np.abs(run(network, bent(left_ankle=(0.7, 0.2, 0))) - run(network, bent())).max(axis=1) > 0
    weight = dense_weights(gaussians.skin_index, gaussians.skin_weight, 55)
    allowed = reach_mask(weight)[:, JOINT_INDEX["left_ankle"] - 1]
    assert not changed[~allowed].any()
    assert changed[allowed & ~gaussians.rigid].any()
    shoulder = weight.argmax(axis=1) == JOINT_INDEX["right_shoulder"]
    assert shoulder.any()
    assert not changed[shoulder].any()


@pytest.mark.parametrize("kind", ["lite", "full"])
def test_rigid_parts_keep_their_shape(gaussians: GaussianAvatar, kind: Kind) -> None:
    moved = np.abs(run(stirred(gaussians, kind), bent(left_elbow=(0, -1, 0), neck=(0.3, 0, 0))))
    assert gaussians.rigid.sum() > 50
    assert moved[gaussians.rigid].max() == 0
    assert moved[~gaussians.rigid].max() > 1e-3


@pytest.mark.parametrize("kind", ["lite", "full"])
def test_as_arrays_and_back(gaussians: GaussianAvatar, kind: Kind) -> None:
    network = stirred(gaussians, kind)
    pose = bent(right_hip=(0.4, 0.1, 0))
    np.testing.assert_allclose(to_data(network).offsets(local_rotations(pose)), run(network, pose), atol=1e-7)


@pytest.mark.parametrize("kind", ["lite", "full"])
def test_it_can_be_traced_for_export(gaussians: GaussianAvatar, kind: Kind) -> None:
    network = stirred(gaussians, kind)
    pose = torch.from_numpy(pose_features(local_rotations(bent(right_hip=(0.4, 0.1, 0)))))
    traced = torch.jit.trace(network, (torch.zeros(21, 6),))
    torch.testing.assert_close(traced(pose), network(pose))


def test_unknown_kinds_and_sizes_are_refused(gaussians: GaussianAvatar) -> None:
    with pytest.raises(InputError, match="use lite or full"):
        make_deformation(gaussians, "medium")  # type: ignore[arg-type]
    with pytest.raises(InputError, match="no size 'depth'"):
        make_deformation(gaussians, "lite", depth=3)
