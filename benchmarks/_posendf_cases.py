"""The poses that the benchmark of the manifold is run on, and the pool that distances are measured to."""

from __future__ import annotations

from itertools import islice
from pathlib import Path
from typing import NamedTuple

import torch
from torch import Tensor

from humanav.errors import InputError
from humanav.paths import home
from humanav.posendf.cmu import cmu_clips, load_cmu
from humanav.posendf.corrupt import LIMBS, corrupt
from humanav.posendf.nearest import PosePool
from humanav.posendf.poses import INDEX, mirror_quats, motion_to_quats
from humanav.posendf.prepare import PrepareOptions
from humanav.posendf.quaternions import conjugate
from humanav.posendf.sampling import thin

TRAINED_KINDS = {"limbs swapped": ("swap",), "limb twisted": ("twist",), "limb frozen": ("freeze",),
                 "arm missing": ("missing",)}
HIDDEN = {"left arm": ("left_arm",), "right leg": ("right_leg",), "both legs": ("left_leg", "right_leg")}


class Case(NamedTuple):
    """Clean poses (B,21,4), the same damaged, and which joints are damaged or hidden (B,21)."""

    truth: Tensor
    quats: Tensor
    damaged: Tensor


class Poses(NamedTuple):
    """Clean poses (N,21,4) by split. ``pool``, ``tree``: the training poses thinned and mirrored, and to search in."""

    pool: Tensor
    tree: PosePool
    validation: Tensor
    held_out: Tensor


def mocap() -> Path:
    """The captured clips.

    Raises:
        InputError: they are not on this machine.
    """
    path = home().parent / "shared" / "mocap" / "cmu_subset.npz"
    if not path.is_file():
        raise InputError("The motion-capture frames are not here: put cmu_subset.npz in ../shared/mocap.")
    return path


def draw(quats: Tensor, count: int, generator: torch.Generator) -> Tensor:
    """So many different poses at random; all of them when there are no more."""
    return quats[torch.randperm(len(quats), generator=generator)[:count]]


def exchanged(quats: Tensor, generator: torch.Generator) -> tuple[Tensor, Tensor]:
    """Two neighbouring joints of one limb take each other's rotation: shoulder and elbow, or hip and knee.

    This damage is in no training set.
    """
    out, damaged = quats.clone(), torch.zeros(quats.shape[:2], dtype=torch.bool)
    pairs = torch.tensor([[INDEX[f"{side}_{a}"], INDEX[f"{side}_{b}"]] for side in ("left", "right")
                          for a, b in (("shoulder", "elbow"), ("hip", "knee"))])
    a, b = pairs[torch.randint(len(pairs), (len(quats),), generator=generator)].unbind(1)
    row = torch.arange(len(quats))
    out[row, a], out[row, b] = quats[row, b], quats[row, a]
    damaged[row, a] = damaged[row, b] = True
    return out, damaged


def inverted(quats: Tensor, generator: torch.Generator) -> tuple[Tensor, Tensor]:
    """All rotations of one limb turned the other way, as a wrong convention does; in no training set."""
    limbs = torch.zeros(4, quats.shape[1], dtype=torch.bool)
    for row, name in enumerate(("left_arm", "right_arm", "left_leg", "right_leg")):
        limbs[row, list(LIMBS[name])] = True
    damaged = limbs[torch.randint(4, (len(quats),), generator=generator)]
    return torch.where(damaged[..., None], conjugate(quats), quats), damaged


def repair_cases(poses: Tensor, seed: int) -> dict[str, Case]:
    """Each kind of damage done to all of the poses."""
    cases = {}
    for number, (name, kinds) in enumerate(TRAINED_KINDS.items()):
        made = corrupt(poses, torch.Generator().manual_seed(seed + number), kinds=kinds, others=poses)
        cases[name] = Case(poses, made.quats, made.damaged)
    for name, damage in (("unseen: neighbours exchanged", exchanged), ("unseen: limb inverted", inverted)):
        cases[name] = Case(poses, *damage(poses, torch.Generator().manual_seed(seed + 10)))
    return cases


def completion_cases(poses: Tensor) -> dict[str, Case]:
    """Each limb hidden from all of the poses."""
    cases = {}
    for name, limbs in HIDDEN.items():
        hidden = torch.zeros(poses.shape[:2], dtype=torch.bool)
        hidden[:, [joint for limb in limbs for joint in LIMBS[limb]]] = True
        cases[name] = Case(poses, torch.where(hidden[..., None], poses.new_tensor([1.0, 0, 0, 0]), poses), hidden)
    return cases


def load_poses(every: int = 1) -> Poses:
    """The captured poses by split; those that trained are thinned and mirrored as in preparation.

    Args:
        every: take only each so many-th training clip.
    """
    takes = []
    for clip in islice(cmu_clips(mocap(), "train"), 0, None, every):
        quats = motion_to_quats(clip.motion)
        takes.append(quats[thin(quats, clip.ok, PrepareOptions().thin).kept])
    pool = torch.cat([*takes, *map(mirror_quats, takes)])
    return Poses(pool, PosePool(pool), load_cmu(mocap(), "validation"), load_cmu(mocap(), "test"))
