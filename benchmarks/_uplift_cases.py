"""Clips of held-out people that the uplift is measured on, and what its rivals learn from."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import roma
import torch
from _posendf_cases import mocap
from torch import Tensor

from humanav.uplift.pairs import Pairs, PairSource, held_out_pairs

FRAMES = 81
"""Longest clip: 2.7 seconds."""
EVERY = 8
"""Of the training frames, so many go by between poses of the pool that neighbours are searched in."""


class Takes(NamedTuple):
    """Captured takes by split."""

    train: list[Any]
    validation: list[Any]
    test: list[Any]


def load_takes(quick: bool) -> Takes:
    """All takes, or some.

    Raises:
        InputError: they are not on this machine.
    """
    from humanav.posendf.cmu import cmu_clips

    splits = {"train": list(cmu_clips(mocap(), "train")), "validation": list(cmu_clips(mocap(), "validation")),
              "test": list(cmu_clips(mocap(), "test"))}
    if quick:
        splits = {"train": splits["train"][::24], "validation": splits["validation"][::6], "test": splits["test"][::5]}
    return Takes(**splits)


def held_out(takes: Sequence[Any], keypoint_set: str, seed: int, *, noise: float = 1.0, views: int = 1) -> list[Pairs]:
    """Every usable frame of the takes before new random cameras; cameras and bodies depend on the seed alone."""
    return held_out_pairs(takes, keypoint_set, frames=FRAMES, seed=1000 + seed, noise=noise, views=views)


def training_pairs(takes: Sequence[Any], keypoint_set: str, seed: int, batches: int) -> list[Pairs]:
    """What networks of the uplift train on: batches of 16 clips of 64 frames."""
    source = PairSource(takes, keypoint_set, frames=64, seed=seed)
    return [source.batch(16) for _ in range(batches)]


def training_poses(takes: Sequence[Any]) -> Tensor:
    """(N,22,3,3) world rotations of every eighth usable frame."""
    poses = [torch.from_numpy(take.motion.full_pose[:, :22][take.ok][::EVERY]) for take in takes]
    return roma.rotvec_to_rotmat(torch.cat(poses))


def first(pairs: Sequence[Pairs], clips: int) -> list[Pairs]:
    """A few of the clips, evenly spread."""
    from dataclasses import fields, replace

    whole = pairs[0]
    chosen = torch.linspace(0, len(whole.K) - 1, min(clips, len(whole.K))).long()
    return [replace(whole, **{field.name: getattr(whole, field.name)[chosen] for field in fields(whole)})]
