"""Pairs are consistent, reproducible, and made of usable frames only."""

import numpy as np
import pytest
import roma
import torch

from humanav.body.names import MIRROR
from humanav.errors import InputError
from humanav.motion import Motion
from humanav.posendf.cmu import Clip
from humanav.uplift import PairSource, UpliftBody, held_out_pairs
from humanav.uplift.cameras import project
from humanav.uplift.motions import join, usable_runs
from humanav.uplift.pairs import mirror_quats


def make_clip(frames: int = 100, bad: slice = slice(0, 0), seed: int = 0, mark: float = 0.0) -> Clip:
    """A slow random motion; bad frames carry a knee bent by ``mark``."""
    rng = np.random.default_rng(seed)
    pose = np.cumsum(rng.normal(0, 0.01, (frames, 22, 3)), 0) + rng.normal(0, 0.15, (1, 22, 3))
    ok = np.ones(frames, bool)
    ok[bad] = False
    pose[bad, 4] = [mark, 0, 0]
    transl = np.cumsum(rng.normal(0, 0.01, (frames, 3)), 0)
    return Clip(Motion.from_full_pose(pose, 30.0, transl, name=f"clip{seed}"), ok, "x", "train")


@pytest.fixture(scope="module")
def source():
    return PairSource([make_clip(seed=k) for k in range(4)], "blazepose33", frames=32, seed=1)


def test_shapes_and_finite_numbers(source):
    pairs = source.batch(6)
    assert pairs.keypoints.shape == (6, 32, 33, 3)
    assert pairs.body.shape == (6, 32, 21, 3, 3)
    assert pairs.betas.shape == (6, 10)
    assert all(value.isfinite().all() for value in vars(pairs).values())
    missing = pairs.keypoints[..., 2] == 0
    assert (pairs.keypoints[missing] == 0).all()
    assert pairs.keypoints[..., 2].max() <= 1


@pytest.mark.parametrize("keypoint_set", ["blazepose33", "coco17"])
def test_labels_explain_the_points(keypoint_set):
    pairs = PairSource([make_clip()], keypoint_set, frames=16, seed=2).batch(8)
    body, rotations = UpliftBody(), torch.cat([pairs.root[:, :, None], pairs.body], 2)
    assert (rotations @ rotations.transpose(-1, -2) - torch.eye(3)).abs().max() < 1e-4
    joints, world = body(rotations, pairs.betas[:, None])
    assert (joints - pairs.joints).abs().max() < 1e-5
    points = body.landmarks(joints, world, pairs.betas[:, None], keypoint_set) + pairs.pelvis[:, :, None]
    assert points[..., 2].min() > 0.3
    assert (project(points, pairs.K) - pairs.clean).abs().max() < 0.1


def test_the_same_seed_gives_the_same_batch():
    one, two = (PairSource([make_clip()], "coco17", frames=8, seed=3).batch(5) for _ in range(2))
    other = PairSource([make_clip()], "coco17", frames=8, seed=4).batch(5)
    assert all(torch.equal(a, b) for a, b in zip(vars(one).values(), vars(two).values()))
    assert not torch.equal(one.clean, other.clean)


def test_without_noise_the_points_are_true():
    pairs = PairSource([make_clip()], "blazepose33", frames=8, noise=0.0).batch(4)
    assert torch.equal(pairs.keypoints[..., :2], pairs.clean)
    assert (pairs.keypoints[..., 2] == 1).all()


def test_bad_frames_are_never_shown():
    clip = make_clip(120, slice(50, 70), mark=2.5)
    for pairs in [PairSource([clip], "coco17", frames=64, augment=False).batch(30),
                  *held_out_pairs([clip], "coco17", frames=64)]:
        assert roma.rotmat_geodesic_distance(pairs.body[:, :, 3], torch.eye(3)).max() < 2.0


def test_held_out_pairs_cover_every_usable_frame_once_and_repeat_exactly():
    clips = [make_clip(150, slice(70, 75)), make_clip(64, seed=1), make_clip(1, seed=2)]
    pairs = held_out_pairs(clips, "coco17", frames=32, views=2)
    assert sum(p.clean.shape[0] * p.clean.shape[1] for p in pairs) == 2 * sum(int(c.ok.sum()) for c in clips)
    expected = torch.cat([roma.unitquat_to_rotmat(q) for q, _ in usable_runs(clips)])[:, 1:]
    shown = torch.cat([p.body.flatten(0, 1) for p in pairs])
    assert abs(float(shown.sum()) - 2 * float(expected.sum())) < 0.5
    again = held_out_pairs(clips, "coco17", frames=32, views=2)
    assert all(torch.equal(a.keypoints, b.keypoints) for a, b in zip(pairs, again))


def test_still_clips_hold_one_frame_and_one_draw(source):
    pairs = source.batch(60)
    same = (pairs.root[:, :1] == pairs.root).flatten(1).all(1) & (pairs.clean[:, :1] == pairs.clean).flatten(1).all(1)
    assert 3 < int(same.sum()) < 30
    assert torch.equal(pairs.keypoints[same], pairs.keypoints[same][:, :1].expand_as(pairs.keypoints[same]))


def test_mirrored_rotations_mirror_the_body():
    torch.manual_seed(0)
    quats, body = roma.random_unitquat(22).reshape(1, 22, 4), UpliftBody()
    joints, _ = body(roma.unitquat_to_rotmat(quats), torch.zeros(1, 10))
    mirrored, _ = body(roma.unitquat_to_rotmat(mirror_quats(quats)), torch.zeros(1, 10))
    assert (mirrored - joints[:, list(MIRROR[:22])] * torch.tensor([-1.0, 1, 1])).abs().max() < 2e-3


def test_short_runs_are_played_back_and_forth():
    runs = join(usable_runs([make_clip(5)]))
    quats, _ = runs.at(torch.zeros(1, dtype=torch.long), torch.arange(12.0)[None])
    order = [0, 1, 2, 3, 4, 3, 2, 1, 0, 1, 2, 3]
    assert torch.allclose(quats[0], runs.quats[order], atol=1e-6)


def test_sitting_and_lying_people_are_among_them():
    pairs = PairSource([make_clip()], "blazepose33", frames=16, seed=5).batch(200)
    hips = roma.rotmat_to_rotvec(pairs.body[:, :, 0]).norm(dim=-1)
    assert ((hips > 1.2).any(1)).float().mean() > 0.03
    up = pairs.joints[:, :, 12, 1]
    assert ((up.abs() < 0.2).any(1)).float().mean() > 0.01


def test_no_usable_frames_is_an_error():
    with pytest.raises(InputError, match="usable"):
        PairSource([make_clip(5, slice(0, 5))], "coco17", augment=False)
    with pytest.raises(InputError, match="usable"):
        held_out_pairs([], "coco17")
    with pytest.raises(InputError, match="noise model"):
        PairSource([make_clip()], "openpose25", augment=False)


def test_real_takes_of_the_training_subjects(shared):
    from humanav.posendf.cmu import cmu_clips

    clips = [clip for _, clip in zip(range(6), cmu_clips(shared / "mocap" / "cmu_subset.npz", "train"))]
    pairs = PairSource(clips, "blazepose33", seed=0).batch(8)
    error = (pairs.keypoints[..., :2] - pairs.clean).norm(dim=-1)[pairs.keypoints[..., 2] > 0.5]
    height = (pairs.clean[..., 1].amax(-1) - pairs.clean[..., 1].amin(-1)).median()
    assert 0.004 < error.median() / height < 0.04
