"""Evaluation over pairs: what is handed to a predictor, where errors end up, and from where a person is seen."""

import pytest
import roma
import torch

from humanav.uplift.evaluate import by_yaw, cut, evaluate, measure, true_rotations, yaw_deg
from humanav.uplift.pairs import Pairs
from humanav.uplift.skeleton import UpliftBody

FLIP = torch.diag(torch.tensor([1.0, -1.0, -1.0]))


@pytest.fixture(scope="module")
def body():
    return UpliftBody()


@pytest.fixture(scope="module")
def pairs():
    """Two lists' worth of clips whose people stand upright and turn once round before the camera."""
    return [_clips(3, 8, 0), _clips(1, 5, 1)]


def _clips(count, frames, seed):
    generator = torch.Generator().manual_seed(seed)
    turn = torch.zeros(count, frames, 3)
    turn[..., 1] = torch.linspace(0, 6.0, frames)
    pelvis = torch.tensor([0.0, 0.0, 4.0]).expand(count, frames, 3)
    return Pairs(
        keypoints=torch.rand(count, frames, 33, 3, generator=generator),
        clean=torch.rand(count, frames, 33, 2, generator=generator),
        K=torch.tensor([[700.0, 0, 320], [0, 700, 240], [0, 0, 1]]).expand(count, 3, 3),
        size=torch.tensor([640.0, 480.0]).expand(count, 2), root=FLIP @ roma.rotvec_to_rotmat(turn),
        body=roma.rotvec_to_rotmat(0.4 * torch.randn(count, frames, 21, 3, generator=generator)),
        pelvis=pelvis, betas=torch.randn(count, 10, generator=generator), fps=torch.full((count,), 30.0),
        joints=torch.zeros(count, frames, 22, 3))


def _oracle(pairs, change=lambda rotations: rotations):
    """Predicts the truth of the clips, in their order, after a change."""
    left = [change(true_rotations(some)) for some in pairs]
    return lambda keypoints, K, known: left.pop(0)


def test_the_truth_has_no_error_and_all_frames_count(pairs, body):
    errors = measure(_oracle(pairs), pairs, body=body)
    assert errors.frames == 29
    numbers = errors.summary()
    assert numbers.pop("pck150") == 100
    assert max(numbers.values()) < 0.05


def test_a_turned_root_is_a_turned_root(pairs, body):
    turn = roma.rotvec_to_rotmat(torch.tensor([0.0, 0.2, 0.0]))

    def change(rotations):
        return torch.cat([turn @ rotations[:, :, :1], rotations[:, :, 1:]], dim=2)

    numbers = evaluate(_oracle(pairs, change), pairs, body=body)
    degrees = float(torch.rad2deg(torch.tensor(0.2)))
    assert numbers["root_deg"] == pytest.approx(degrees, rel=1e-3)
    assert numbers["mpjae_deg"] == pytest.approx(degrees / 22, rel=1e-2)
    assert numbers["mpjae_global_deg"] == pytest.approx(degrees, rel=1e-3)
    assert numbers["mpjae_body_deg"] < 0.05
    assert numbers["pa_mpjpe_mm"] < 0.05 < 20 < numbers["mpjpe_mm"]
    assert numbers["elbow_knee_deg"] < 0.05


@pytest.mark.parametrize(("points", "count"), [(None, 22), ("fit3d26", 26), ("evaluation37", 37)])
def test_points_that_are_scored(pairs, body, points, count):
    errors = measure(_oracle(pairs), pairs, body=body, points=points)
    assert errors.position.shape == (29, count)
    assert float(errors.position.max()) < 0.1
    assert len(errors.per_joint()) == 22


def test_a_predictor_is_told_the_camera_or_not(pairs, body):
    seen = []

    def predict(keypoints, K, known):
        seen.append((float(keypoints[0, 0, 0, 2]), float(K[0, 0, 0]), bool(known.all()), len(keypoints)))
        return torch.eye(3).expand(*keypoints.shape[:2], 22, 3, 3)

    measure(predict, pairs[:1], body=body, focal_known=False, clean=True, batch=2)
    assert seen == [(1.0, 768.0, False, 2), (1.0, 768.0, False, 1)]
    seen.clear()
    measure(predict, pairs[:1], body=body)
    assert seen[0][1:] == (700.0, True, 3)


def test_sides_a_person_is_seen_from(pairs, body):
    yaw = yaw_deg(pairs)
    assert float(yaw[0]) == pytest.approx(0, abs=1e-3)
    assert float(yaw[1]) == pytest.approx(float(torch.rad2deg(torch.tensor(6 / 7))), rel=1e-4)
    rows = by_yaw(measure(_oracle(pairs), pairs, body=body), yaw)
    assert list(rows) == ["front", "front 3/4", "side", "back 3/4", "back"]
    assert sum(row["frames"] for row in rows.values()) == 29
    assert "accel_mm" not in rows["front"]


def test_clips_are_cut_and_no_frame_is_lost(pairs):
    short = cut(pairs, 3)
    assert [tuple(some.keypoints.shape[:2]) for some in short] == [(6, 3), (3, 2), (1, 3), (1, 2)]
    assert torch.equal(short[0].root[1], pairs[0].root[0, 3:6])
    assert torch.equal(short[1].pelvis[2], pairs[0].pelvis[2, 6:])
    assert torch.equal(short[0].betas[5], pairs[0].betas[2])
    assert [len(some.K) for some in cut(pairs, 1)] == [24, 5]
    assert [some.keypoints.shape[1] for some in cut(pairs, 100)] == [8, 5]
