import pytest
import torch

from humanav.errors import InputError
from humanav.posendf import PoseNDF, interpolate
from humanav.posendf.quaternions import pose_distance, slerp


def test_the_way_is_even_low_and_meets_its_ends(poses: torch.Tensor) -> None:
    field = PoseNDF.load()
    for start, end in ((poses[0], poses[9]), (poses[12], poses[20])):
        path = interpolate(field, start, end, 15)
        assert path.shape == (15, 21, 4)
        torch.testing.assert_close(path[[0, -1]], torch.stack([start, end]), atol=1e-6, rtol=0)
        torch.testing.assert_close(path.norm(dim=-1), torch.ones(15, 21), atol=1e-5, rtol=0)
        steps = pose_distance(path[:-1], path[1:])
        assert steps.max() < 1.02 * steps.mean()
        assert steps.sum() < 1.5 * pose_distance(start, end)
        straight = slerp(start, end, torch.linspace(0, 1, 15)[:, None, None])
        assert field(path).max() <= field(straight).max() + 1e-3
        assert field(path).mean() <= field(straight).mean() + 1e-4
        assert (pose_distance(path, start).diff() > 0).all()


def test_without_rounds_it_is_slerp(poses: torch.Tensor) -> None:
    path = interpolate(PoseNDF.load(), poses[0], poses[9], 5, rounds=0)
    straight = slerp(poses[0], poses[9], torch.linspace(0, 1, 5)[:, None, None])
    assert pose_distance(path, straight).max() < 1e-3


def test_two_poses_and_equal_ends(poses: torch.Tensor) -> None:
    field = PoseNDF.load()
    assert interpolate(field, poses[0], poses[9], 2).shape == (2, 21, 4)
    still = interpolate(field, poses[0], poses[0], 6)
    assert pose_distance(still, poses[0]).max() < 1e-3
    assert interpolate(field, poses[0].double(), poses[9].double(), 4).dtype == torch.float64


def test_what_cannot_be_done_is_said(poses: torch.Tensor) -> None:
    field = PoseNDF.load()
    with pytest.raises(InputError, match="at least 2"):
        interpolate(field, poses[0], poses[9], 1)
    with pytest.raises(InputError, match="one pose"):
        interpolate(field, poses[:2], poses[9], 5)
    with pytest.raises(InputError, match="The end's quaternions have 20 joints"):
        interpolate(field, poses[0], poses[9][:20], 5)
