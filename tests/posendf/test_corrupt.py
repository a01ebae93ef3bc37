"""Damage is what it says it is, and touches what it says it touches."""

from __future__ import annotations

import importlib
import math
from collections.abc import Callable

import pytest
import torch
from torch import Generator, Tensor

from humanav.errors import InputError
from humanav.posendf.poses import INDEX, mirror_quats
from humanav.posendf.quaternions import (
    axis_angle_to_quats,
    half_angle,
    pose_distance,
    quats_to_axis_angle,
)

c = importlib.import_module("humanav.posendf.corrupt")  # the room shows the function of that name


def poses(count: int = 400, seed: int = 0) -> Tensor:
    return axis_angle_to_quats(0.4 * torch.randn(count, 21, 3, generator=Generator().manual_seed(seed)).double())


def seeded(seed: int = 0) -> Generator:
    return Generator().manual_seed(seed)


WAYS: dict[str, Callable[[Tensor, Generator], tuple[Tensor, Tensor]]] = {
    "nrdf": lambda q, g: c.nrdf_noise(q, 0.3, g), "noise": lambda q, g: c.axis_angle_noise(q, 0.2, g),
    "swap": c.swap_limbs, "twist": c.twist, "hyperextend": c.hyperextend, "missing": c.missing_limb,
    "freeze": lambda q, g: c.freeze(q, poses(90, 7), g), "out_of_range": c.out_of_range, "random": c.random_pose}


@pytest.mark.parametrize("way", WAYS)
def test_the_mask_is_exactly_what_changed(way: str) -> None:
    clean = poses()
    spoilt, damaged = WAYS[way](clean, seeded())
    assert spoilt.dtype == clean.dtype
    assert (spoilt[..., 0] >= 0).all()
    torch.testing.assert_close(spoilt.norm(dim=-1), torch.ones(400, 21, dtype=torch.float64))
    assert torch.equal(damaged, half_angle(clean, spoilt) > c.CHANGED)
    assert torch.equal(spoilt[~damaged], clean[~damaged])
    assert damaged.any(dim=1).all()


@pytest.mark.parametrize("way", WAYS)
def test_the_same_seed_spoils_alike_in_both_precisions(way: str) -> None:
    one, _ = WAYS[way](poses(), seeded(3))
    again, _ = WAYS[way](poses(), seeded(3))
    single, _ = WAYS[way](poses().float(), seeded(3))
    assert torch.equal(one, again)
    assert single.dtype == torch.float32
    assert half_angle(one, single.double()).max() < 1e-5


def test_nrdf_noise_has_the_mean_angles_that_were_asked_for() -> None:
    """Half-normal: quantiles of the mean rotation angle of poses, which is twice the distance moved."""
    sigma = 0.25
    rest = poses(20000)
    moved, _ = c.nrdf_noise(rest, sigma, seeded())
    angle = 2 * pose_distance(rest, moved)
    wanted = sigma * torch.tensor([0.1257, 0.3186, 0.6745, 1.1503, 1.6449], dtype=torch.float64)
    found = angle.quantile(torch.tensor([0.1, 0.25, 0.5, 0.75, 0.9], dtype=torch.float64))
    torch.testing.assert_close(found, wanted, atol=0.006, rtol=0)
    spread = half_angle(rest, moved)
    assert (spread.max(dim=1).values > 1.3 * spread.mean(dim=1)).double().mean() > 0.98  # shared out unevenly


def test_axis_angle_noise_has_its_spread_on_every_axis() -> None:
    rest = axis_angle_to_quats(torch.zeros(4000, 21, 3).double())
    sigma = torch.linspace(0.05, 0.3, 4000)
    moved, _ = c.axis_angle_noise(rest, sigma, seeded())
    scaled = quats_to_axis_angle(moved) / sigma.double()[:, None, None]
    assert (scaled.mean(dim=(0, 1)).abs() < 0.02).all()
    assert (scaled.std(dim=(0, 1)) - 1).abs().max() < 0.02


def test_limbs_cover_the_body_once() -> None:
    assert sorted(joint for limb in c.LIMBS.values() for joint in limb) == list(range(21))
    assert c.LIMBS["left_leg"] == tuple(INDEX[f"left_{part}"] for part in ("hip", "knee", "ankle", "foot"))


def test_swapped_legs_are_the_other_ones_and_twice_is_nothing() -> None:
    clean = poses()
    left, right = list(c.LIMBS["left_leg"]), list(c.LIMBS["right_leg"])
    raw, damaged = c.swap_limbs(clean, seeded(), limbs="legs", mirrored=False)
    torch.testing.assert_close(raw[:, left], clean[:, right])
    assert not damaged[:, [joint for joint in range(21) if joint not in left + right]].any()
    reflected, _ = c.swap_limbs(clean, seeded(), limbs="legs", mirrored=True)
    torch.testing.assert_close(reflected[:, left + right], mirror_quats(clean)[:, left + right])
    for mirrored in (True, False):
        once, _ = c.swap_limbs(clean, seeded(), limbs="arms", mirrored=mirrored)
        twice, _ = c.swap_limbs(once, seeded(), limbs="arms", mirrored=mirrored)
        torch.testing.assert_close(twice, clean, atol=1e-12, rtol=0)


def test_legs_that_are_alike_are_not_damaged_by_a_swap() -> None:
    _, damaged = c.swap_limbs(axis_angle_to_quats(torch.zeros(5, 21, 3)), seeded())
    assert not damaged.any()


def test_a_twist_turns_one_joint_about_its_bone() -> None:
    clean = poses()
    spoilt, damaged = c.twist(clean, seeded(), joints=[INDEX["left_knee"], INDEX["right_elbow"]])
    assert (damaged.sum(dim=1) == 1).all()
    angle = torch.rad2deg(2 * half_angle(clean, spoilt)[damaged])
    assert angle.min() >= 90
    assert angle.max() <= 180
    assert angle.std() > 20
    rest = axis_angle_to_quats(torch.zeros(50, 21, 3).double())
    turned = quats_to_axis_angle(c.twist(rest, seeded(), joints=[INDEX["left_knee"]])[0])[:, INDEX["left_knee"]]
    assert turned[:, [0, 2]].abs().max() < 1e-9


def test_hyperextension_bends_hinges_the_wrong_way_from_any_pose() -> None:
    bent = torch.zeros(200, 21, 3).double()
    bent[:, INDEX["left_knee"], 0] = torch.linspace(0, 2.3, 200)
    spoilt, damaged = c.hyperextend(axis_angle_to_quats(bent), seeded(), joints=[INDEX["left_knee"]])
    angle = torch.rad2deg(quats_to_axis_angle(spoilt)[:, INDEX["left_knee"], 0])
    assert damaged[:, INDEX["left_knee"]].all()
    assert angle.max() <= -30 + 1e-6
    assert angle.min() >= -100 - 1e-6


def test_frozen_and_missing_limbs() -> None:
    clean, others = poses(), poses(90, 7)
    spoilt, damaged = c.freeze(clean, others, seeded())
    for pose, mask in zip(spoilt, damaged):
        limb = mask.nonzero()[:, 0].tolist()
        assert tuple(limb) in [c.LIMBS[name] for name in c.ARMS_AND_LEGS]
        assert (half_angle(others[:, limb], pose[limb]).max(dim=1).values < 1e-6).any()
    gone, damaged = c.missing_limb(clean, seeded(), fill="identity")
    assert (gone[damaged] == torch.tensor([1.0, 0, 0, 0]).double()).all()
    lost, damaged = c.missing_limb(clean, seeded(), limbs=["left_arm"], fill="random")
    assert damaged[:, list(c.LIMBS["left_arm"])].all()
    assert 2 * half_angle(clean, lost)[damaged].mean() > math.pi / 3


def test_random_rotations_are_uniform() -> None:
    half, _ = c.random_pose(axis_angle_to_quats(torch.zeros(8000, 21, 3)), seeded())
    distance = pose_distance(half, axis_angle_to_quats(torch.zeros(8000, 21, 3)))
    uniform = distance[distance > 0.9]  # a uniformly random rotation has a mean half angle of 1.104
    assert 0.42 < len(uniform) / 8000 < 0.56
    assert abs(float(uniform.median()) - 1.104) < 0.03


def test_kinds_are_drawn_by_weight() -> None:
    clean = poses(6000).float()
    mixed = c.corrupt(clean, seeded(), c.MIX)
    share = torch.bincount(mixed.kind, minlength=len(c.KINDS)) / 6000
    for name, part in zip(c.KINDS, share):
        assert abs(float(part) - c.MIX[name] / sum(c.MIX.values())) < 0.02
    untouched = mixed.kind == c.KINDS.index("clean")
    assert torch.equal(mixed.quats[untouched], clean[untouched])
    assert not mixed.damaged[untouched].any()
    only = c.corrupt(clean, seeded(), ["twist"])
    assert (only.kind == c.KINDS.index("twist")).all()
    assert set(c.MIX) == set(c.KINDS)


def test_bad_input() -> None:
    with pytest.raises(InputError, match="named melt; choose"):
        c.corrupt(poses(2), seeded(), ["melt"])
    with pytest.raises(InputError, match=r"not \(2, 20, 4\)"):
        c.corrupt(poses(2)[:, :20], seeded())
    assert c.corrupt(poses(2)[:0], seeded()).quats.shape == (0, 21, 4)
