"""Measures of the uplift against plain loops, other libraries and what they may not depend on."""

import pytest
import roma
import torch

from humanav import metrics
from humanav.uplift.measures import HINGES, Errors, aligned, angle_deg, bend_deg, compare, global_rotations


@pytest.fixture
def clips():
    """Rotations (2,6,22,3,3) and joints (2,6,22,3) of an estimate and of the truth."""
    generator = torch.Generator().manual_seed(0)

    def turns(size):
        return roma.rotvec_to_rotmat(size * torch.randn(2, 6, 22, 3, generator=generator))

    truth = turns(0.6)
    joints = torch.randn(2, 6, 22, 3, generator=generator)
    return truth @ turns(0.2), joints + 0.1 * torch.randn(2, 6, 22, 3, generator=generator), truth, joints


def test_frames_agree_with_the_measures_of_one_pose(clips):
    rotations, joints, truth, true_joints = clips
    errors = compare(*clips)
    assert errors.frames == 12
    frame = 7  # the second clip's second frame
    a, b = joints[1, 1].numpy(), true_joints[1, 1].numpy()
    assert float(errors.position[frame].mean()) == pytest.approx(1000 * metrics.mpjpe(a, b), rel=1e-5)
    assert float(errors.aligned[frame].mean()) == pytest.approx(1000 * metrics.pa_mpjpe(a, b), rel=1e-5)
    assert float(errors.local[frame].mean()) == pytest.approx(metrics.mpjae(rotations[1, 1], truth[1, 1]), rel=1e-4)
    turned = metrics.mpjae(*(global_rotations(x[1, 1]) for x in (rotations, truth)))
    assert float(errors.turned[frame].mean()) == pytest.approx(turned, rel=1e-4)
    assert torch.equal(errors.local[:, 0], errors.turned[:, 0])


def test_angles_are_those_of_roma_and_exact_at_both_ends():
    generator = torch.Generator().manual_seed(1)
    a, b = (roma.random_rotmat(200, generator=generator) for _ in range(2))
    expected = torch.rad2deg(roma.rotmat_geodesic_distance(a.double(), b.double()))
    assert torch.allclose(angle_deg(a, b).double(), expected, atol=1e-3)
    for degrees in (0.0, 0.01, 90.0, 179.99, 180.0):
        turn = roma.rotvec_to_rotmat(torch.tensor([[0.0, torch.deg2rad(torch.tensor(degrees)), 0.0]]))
        assert float(angle_deg(a[:1], a[:1] @ turn)) == pytest.approx(degrees, abs=2e-2 if degrees > 100 else 1e-3)


def test_summaries_do_not_depend_on_what_they_should_not(clips):
    rotations, joints, truth, true_joints = clips
    plain = compare(*clips).summary()
    shifted = compare(rotations, joints + 3, truth, true_joints - 1).summary()
    assert shifted == pytest.approx(plain, rel=1e-3)
    turn = roma.random_rotmat(generator=torch.Generator().manual_seed(2))
    similar = compare(rotations, 1.3 * joints @ turn.T, truth, true_joints).summary()
    assert similar["pa_mpjpe_mm"] == pytest.approx(plain["pa_mpjpe_mm"], rel=1e-4)
    assert similar["elbow_knee_deg"] == pytest.approx(plain["elbow_knee_deg"], rel=1e-4)
    assert similar["mpjpe_mm"] > 2 * plain["mpjpe_mm"]
    larger = compare(rotations, 1.3 * joints, truth, true_joints).summary()
    assert larger["n_mpjpe_mm"] == pytest.approx(plain["n_mpjpe_mm"], rel=1e-4)
    assert plain["pa_mpjpe_mm"] <= plain["n_mpjpe_mm"] <= plain["mpjpe_mm"]


def test_alignment_never_mirrors(clips):
    joints = clips[3]
    assert float((aligned(2 * joints + 1, joints) - joints).abs().max()) < 1e-5
    mirrored = joints * torch.tensor([-1.0, 1.0, 1.0])
    assert float((aligned(mirrored, joints) - joints).norm(dim=-1).mean()) > 0.1


def test_acceleration_ignores_constant_velocity_and_needs_three_frames(clips):
    rotations, _, truth, true_joints = clips
    time = torch.arange(6.0)[None, :, None, None]
    drift = torch.randn(1, 1, 22, 3, generator=torch.Generator().manual_seed(3))
    moving = compare(rotations, true_joints + time * drift, truth, true_joints)
    assert float(moving.acceleration.max()) < 1
    assert moving.acceleration.shape == (8, 22)
    still = compare(*(x[:, :1] for x in clips))
    assert still.frames == 2
    assert "accel_mm" not in still.summary()


def test_a_bent_knee_is_a_bent_knee():
    joints = torch.zeros(22, 3)
    name, hip, knee, ankle = HINGES[2]
    assert name == "left_knee"
    joints[hip], joints[knee], joints[ankle] = torch.tensor([[0.0, 1, 0], [0, 0, 0], [0, 0, -1]])
    assert float(bend_deg(joints)[2]) == pytest.approx(90)


def test_pck_counts_joints_and_rows_name_them(clips):
    rotations, _, truth, true_joints = clips
    moved = true_joints.clone()
    moved[..., 5:9, 0] += 0.2
    errors = compare(rotations, moved, truth, true_joints)
    assert errors.summary()["pck150"] == pytest.approx(100 * 18 / 22)
    rows = errors.per_joint()
    assert len(rows) == 22
    assert rows["left_ankle"]["position_mm"] == pytest.approx(200, rel=1e-4)
    assert rows["pelvis"]["position_mm"] == 0
    both = Errors.join([errors, errors])
    assert both.summary() == pytest.approx(errors.summary())
    assert both.take(torch.arange(24) < 5).frames == 5


def test_shapes_must_agree(clips):
    rotations, joints, truth, true_joints = clips
    with pytest.raises(ValueError, match="differ in shape"):
        compare(rotations, joints[:, :3], truth, true_joints)
