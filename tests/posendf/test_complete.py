import pytest
import torch

from humanav.errors import InputError
from humanav.posendf import PoseNDF, complete
from humanav.posendf.complete import joints_of
from humanav.posendf.corrupt import LIMBS
from humanav.posendf.quaternions import half_angle


@pytest.fixture
def known() -> torch.Tensor:
    return ~joints_of(["left_arm", "right_knee"])


def test_hidden_joints_come_from_the_known_ones(poses: torch.Tensor, known: torch.Tensor) -> None:
    field = PoseNDF.load()
    filled = complete(field, torch.where(known[:, None], poses, torch.nan), known)
    assert torch.equal(filled[:, known], poses[:, known])
    assert torch.isfinite(filled).all()
    rest = torch.zeros_like(poses)
    rest[..., 0] = 1
    error, resting = (half_angle(quats, poses)[:, ~known].mean() for quats in (filled, rest))
    assert error < 0.8 * resting
    one = complete(field, poses[:1], known)
    torch.testing.assert_close(one, filled[:1], atol=1e-5, rtol=0)


def test_a_descent_moves_hidden_joints_only(poses: torch.Tensor, known: torch.Tensor) -> None:
    field = PoseNDF.load()
    plain, down = (complete(field, poses, known, steps=steps) for steps in (0, 10))
    assert torch.equal(down[:, known], poses[:, known])
    assert (field(down) <= field(plain) + 1e-6).all()


def test_samples_differ_where_nothing_is_known(poses: torch.Tensor, known: torch.Tensor) -> None:
    field = PoseNDF.load()
    drawn = complete(field, poses[:4], known, samples=6, seed=1)
    assert drawn.shape == (6, 4, 21, 4)
    assert torch.equal(drawn[:, :, known], poses[:4, known].expand(6, -1, -1, -1))
    assert half_angle(drawn[0], drawn[1])[:, ~known].mean() > 0.02
    assert torch.equal(drawn, complete(field, poses[:4], known, samples=6, seed=1))


def test_nothing_hidden_and_everything_hidden(poses: torch.Tensor) -> None:
    field = PoseNDF.load()
    assert torch.equal(complete(field, poses, torch.ones(21, dtype=torch.bool)), poses)
    blind = complete(field, poses[:2], torch.zeros(21, dtype=torch.bool))
    torch.testing.assert_close(blind[0], blind[1])
    assert field(blind).max() < 0.2


def test_names_of_limbs_and_joints(known: torch.Tensor) -> None:
    assert set((~known).nonzero()[:, 0].tolist()) == {*LIMBS["left_arm"], 4}
    with pytest.raises(InputError, match="no limb or joint 'left_wing'"):
        joints_of(["left_wing"])
    with pytest.raises(InputError, match="what is hidden"):
        joints_of([])


def test_bad_input_is_said(poses: torch.Tensor, known: torch.Tensor) -> None:
    field = PoseNDF.load()
    with pytest.raises(InputError, match="known has shape"):
        complete(field, poses, torch.ones(22, dtype=torch.bool))
    spoilt = poses.clone()
    spoilt[3, 0] = torch.nan  # a joint that is said to be known
    with pytest.raises(InputError, match="first: frame 3"):
        complete(field, spoilt, known)
    with pytest.raises(InputError, match="one batch"):
        complete(field, poses[0], known)
