from pathlib import Path

import pytest
import torch

from humanav.errors import InputError
from humanav.posendf.corrupt import LIMBS
from humanav.posendf.mixture import Conditional, PoseMixture
from humanav.posendf.poses import mirror_quats
from humanav.posendf.quaternions import axis_angle_to_quats, half_angle, quats_to_axis_angle
from humanav.posendf.restorer import (
    Restorer,
    RestorerConfig,
    fit_extras,
    hidden_joints,
    loss_of,
    train_restorer,
    training_batch,
)

SMALL = RestorerConfig(width=64, blocks=1, batch=64, components=2)


@pytest.fixture(scope="module")
def poses() -> torch.Tensor:
    """Poses whose joints all follow three hidden numbers."""
    generator = torch.Generator().manual_seed(0)
    vectors = 0.25 * torch.randn(500, 3, generator=generator) @ torch.randn(3, 63, generator=generator)
    return axis_angle_to_quats(vectors.view(-1, 21, 3))


@pytest.fixture(scope="module")
def trained(poses: torch.Tensor) -> Restorer:
    return train_restorer(poses, seed=0, steps=150, config=SMALL)


def test_batches_hide_and_damage_what_they_say(poses: torch.Tensor) -> None:
    generator = torch.Generator().manual_seed(0)
    hidden = hidden_joints(30, generator)
    assert hidden.any(1).all()
    assert not hidden.all(1).any()
    mixture = PoseMixture.fit(poses, 2)
    fillers = [Conditional.of(mixture, ~mask, torch.float32) for mask in hidden]
    batch = training_batch(poses, SMALL, fillers, generator)
    apart = half_angle(batch.clean, batch.quats)
    assert (apart[batch.damaged] > 0.05).all()
    assert not (batch.damaged & ~batch.known).any()
    assert (apart[batch.known & ~batch.damaged] <= 0.05).all()
    assert 0.3 < (~batch.known).any(1).float().mean() < 0.5
    # what stands at hidden joints is the mixture's answer to the known ones
    row = int((~batch.known).any(1).nonzero()[0])
    expected = mixture.conditional(batch.quats[row:row + 1].double(), batch.known[row])
    torch.testing.assert_close(batch.quats[row], expected[0].float(), atol=1e-4, rtol=0)


def test_training_helps_and_is_repeatable(poses: torch.Tensor, trained: Restorer) -> None:
    generator = torch.Generator().manual_seed(1)
    fillers = [Conditional.of(trained.filler, ~mask, torch.float32) for mask in hidden_joints(10, generator)]
    batch = training_batch(poses, SMALL, fillers, generator)
    torch.manual_seed(0)
    fresh = Restorer(trained.filler, SMALL)
    assert loss_of(trained, batch) < 0.85 * loss_of(fresh, batch)
    again, other = (train_restorer(poses, seed=seed, steps=3, config=SMALL).leave[1].weight for seed in (3, 3))
    assert torch.equal(again, other)


def test_what_stands_at_hidden_joints_is_not_read(poses: torch.Tensor, trained: Restorer) -> None:
    known = torch.ones(4, 21, dtype=torch.bool)
    known[:, list(LIMBS["left_arm"])] = False
    spoilt = torch.where(known[..., None], poses[:4], torch.nan)
    a, b = trained.restore(poses[:4], known), trained.restore(spoilt, known)
    assert torch.equal(a.quats, b.quats)
    assert torch.isfinite(b.quats).all()
    assert (b.damage[~known] == 1).all()
    assert ((b.damage >= 0) & (b.damage <= 1)).all()
    torch.testing.assert_close(a.quats.norm(dim=-1), torch.ones(4, 21), atol=1e-5, rtol=0)


def test_a_mirrored_pose_has_the_mirrored_answer(poses: torch.Tensor, trained: Restorer) -> None:
    there = trained.restore(mirror_quats(poses[:20])).quats
    torch.testing.assert_close(there, mirror_quats(trained.restore(poses[:20]).quats), atol=1e-5, rtol=0)


def test_the_file_keeps_it(poses: torch.Tensor, trained: Restorer, tmp_path: Path) -> None:
    trained.save(tmp_path)
    read = Restorer.load(tmp_path)
    assert read.config == SMALL
    known = torch.rand(20, 21, generator=torch.Generator().manual_seed(0)) < 0.7
    a, b = trained.restore(poses[:20], known), read.restore(poses[:20], known)
    assert half_angle(a.quats, b.quats).max() < 0.01
    (tmp_path / "restorer.safetensors").write_bytes(b"nothing")
    Restorer.load.__func__.__globals__["_load"].cache_clear()
    with pytest.raises(InputError, match="humanav posendf train"):
        Restorer.load(tmp_path)


def test_both_files_are_made_for_the_field(poses: torch.Tensor, tmp_path: Path) -> None:
    fit_extras(poses, tmp_path, seed=0, steps=2, components=3)
    assert len(PoseMixture.load(tmp_path)) == 3
    assert Restorer.load(tmp_path).restore(poses[:2]).quats.shape == (2, 21, 4)


def test_bad_poses_are_refused() -> None:
    with pytest.raises(InputError, match="The training poses have 22 joints"):
        train_restorer(torch.rand(5, 22, 4), steps=1)


def test_the_shipped_one_finds_and_mends_a_twisted_joint() -> None:
    from humanav.motion import load_clip
    from humanav.posendf import motion_to_quats
    from humanav.posendf.corrupt import twist

    clean = motion_to_quats(load_clip("walk"))[::4]
    spoilt, damaged = twist(clean, torch.Generator().manual_seed(0))
    restored = Restorer.load().restore(spoilt)
    assert (restored.damage.argmax(1) == damaged.int().argmax(1)).float().mean() > 0.8
    before, after = (half_angle(quats, clean)[damaged].mean() for quats in (spoilt, restored.quats))
    assert after < 0.35 * before
    assert quats_to_axis_angle(restored.quats).isfinite().all()
