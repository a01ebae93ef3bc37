from pathlib import Path

import pytest
import torch

from humanav.errors import InputError
from humanav.posendf import PoseMixture, PoseNDF, load_cmu, repair
from humanav.posendf.corrupt import corrupt
from humanav.posendf.quaternions import half_angle


@pytest.fixture(scope="module")
def held_out(shared: Path) -> torch.Tensor:
    return load_cmu(shared / "mocap" / "cmu_subset.npz", "validation")[::25]


def degrees(a: torch.Tensor, b: torch.Tensor) -> torch.Tensor:
    return torch.rad2deg(2 * half_angle(a, b))


def test_damage_is_mended_and_the_rest_left_alone(held_out: torch.Tensor) -> None:
    """Better than a Gaussian's answer on people who are in no training set."""
    field = PoseNDF.load()
    gaussian = PoseMixture.fit(held_out, 1)  # a Gaussian that even knows these people
    for kind in ("swap", "twist", "missing"):
        made = corrupt(held_out, torch.Generator().manual_seed(0), kinds=(kind,), others=held_out)
        done = repair(field, made.quats)
        assert torch.equal(done.quats[~done.damaged], made.quats[~done.damaged])
        mean = gaussian.restore(made.quats, 0.45)
        ours, theirs, before = (degrees(q, held_out)[made.damaged].mean() for q in (done.quats, mean, made.quats))
        assert ours < before
        assert degrees(done.quats, held_out).mean() < degrees(mean, held_out).mean()
        if kind == "twist":
            assert ours < theirs
        torch.testing.assert_close(done.distance, field(done.quats), atol=1e-6, rtol=0)


def test_whole_poses_hardly_move(held_out: torch.Tensor) -> None:
    field = PoseNDF.load()
    assert degrees(repair(field, held_out).quats, held_out).mean() < 2.5
    nothing = repair(field, held_out, alarm=1.0)
    assert torch.equal(nothing.quats, held_out)
    assert not nothing.damaged.any()


def test_a_batch_is_as_one_by_one(poses: torch.Tensor) -> None:
    field = PoseNDF.load()
    spoilt = corrupt(poses, torch.Generator().manual_seed(1)).quats
    together = repair(field, spoilt)
    for row in range(0, len(spoilt), 6):
        alone = repair(field, spoilt[row:row + 1])
        torch.testing.assert_close(alone.quats[0], together.quats[row], atol=1e-4, rtol=0)
    assert repair(field, spoilt.double()).quats.dtype == torch.float64


def test_a_descent_moves_mended_joints_only(poses: torch.Tensor) -> None:
    spoilt = corrupt(poses, torch.Generator().manual_seed(1), kinds=("twist",)).quats
    done = repair(PoseNDF.load(), spoilt, steps=5)
    assert torch.equal(done.quats[~done.damaged], spoilt[~done.damaged])


def test_what_cannot_be_poses_is_said() -> None:
    with pytest.raises(InputError, match="real part at place 4"):
        repair(PoseNDF.load(), torch.tensor([0.1, 0.1, 0.1, 0.98]).expand(5, 21, 4))
