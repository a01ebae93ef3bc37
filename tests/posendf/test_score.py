from pathlib import Path

import pytest
import torch

from humanav.errors import InputError
from humanav.posendf import NAMES, PoseNDF, load_cmu, score
from humanav.posendf.corrupt import corrupt
from humanav.posendf.quaternions import half_angle


def test_every_frame_gets_a_distance_and_shares(poses: torch.Tensor) -> None:
    field = PoseNDF.load()
    done = score(field, poses, names=2)
    torch.testing.assert_close(done.distance, field(poses))
    torch.testing.assert_close(done.joints.sum(1), torch.ones(len(poses)), atol=1e-5, rtol=0)
    for shares, worst in zip(done.joints, done.worst, strict=True):
        assert worst == tuple(NAMES[j] for j in shares.topk(2).indices)
    assert score(field, poses.double()).distance.dtype == torch.float64


def test_the_damaged_joint_is_named(shared: Path) -> None:
    held_out = load_cmu(shared / "mocap" / "cmu_subset.npz", "test")[::30]
    field = PoseNDF.load()
    for kind, share in (("twist", 0.9), ("hyperextend", 0.9), ("out_of_range", 0.9), ("missing", 0.85)):
        made = corrupt(held_out, torch.Generator().manual_seed(0), kinds=(kind,), others=held_out)
        visible = half_angle(made.quats, held_out) > 0.1
        rows = visible.any(1)
        done = score(field, made.quats)
        named = visible.gather(1, done.joints.argmax(1, keepdim=True))[rows, 0]
        assert named.float().mean() > share, kind
        assert done.distance[rows].mean() > score(field, held_out).distance.mean()


def test_what_cannot_be_poses_is_said() -> None:
    with pytest.raises(InputError, match="have 22 joints"):
        score(PoseNDF.load(), torch.rand(3, 22, 4))
