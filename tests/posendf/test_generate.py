import pytest
import torch

from humanav.errors import InputError
from humanav.posendf import PoseMixture, PoseNDF, generate
from humanav.posendf.quaternions import pose_distance


def test_generated_poses_are_varied_and_near_the_manifold() -> None:
    field = PoseNDF.load()
    quats = generate(field, 40, seed=1)
    assert quats.shape == (40, 21, 4)
    assert quats.dtype == torch.float32
    torch.testing.assert_close(quats.norm(dim=-1), torch.ones(40, 21), atol=1e-5, rtol=0)
    assert (quats[..., 0] >= 0).all()
    start = PoseMixture.load().sample(40, torch.Generator().manual_seed(1), even=True)
    assert field(quats).mean() < 0.5 * field(start).mean()
    apart = pose_distance(quats[:, None], quats[None])[~torch.eye(40, dtype=torch.bool)]
    assert apart.min() > 0.02
    assert apart.mean() > 0.1


def test_a_seed_is_a_crowd() -> None:
    field = PoseNDF.load()
    first, again, other = (generate(field, 5, seed=seed, steps=3) for seed in (1, 1, 2))
    assert torch.equal(first, again)
    assert not torch.allclose(first, other)


def test_noise_is_another_start_and_none_is_a_number() -> None:
    field = PoseNDF.load()
    assert generate(field, 3, start="noise", steps=5).shape == (3, 21, 4)
    assert generate(field, 0).shape == (0, 21, 4)
    with pytest.raises(InputError, match="from 0 on"):
        generate(field, -1)
