"""How far poses are from real ones, and which joints are to blame."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from humanav.posendf.checks import check_poses
from humanav.posendf.poses import NAMES
from humanav.posendf.project import Field
from humanav.posendf.quaternions import NUM_JOINTS, canonical
from humanav.posendf.restorer import Restorer

CHUNK = 128


@dataclass(frozen=True)
class Score:
    """Plausibility of poses.

    Attributes:
        distance: (T,) radians of mean half angle to the nearest real pose, as the field estimates it.
        joints: (T,21) share 0..1 of each joint in what is wrong; sums to 1 in each frame.
        worst: for each frame the names of the joints to blame, the worst first.
    """

    distance: Tensor
    joints: Tensor
    worst: tuple[tuple[str, ...], ...]


def score(field: Field, quats: Tensor, *, names: int = 3, restorer: Restorer | None = None) -> Score:
    """Distance of every frame, and its blame by joint.

    A joint is to blame for what the distance loses when that joint alone is put where the restorer would have it,
    weighted with the probability that it is damaged.

    Args:
        field: a :class:`~humanav.posendf.PoseNDF` or the like.
        quats: (T,21,4).
        names: how many joints to name per frame.
        restorer: by default the shipped one.

    Raises:
        InputError: poses that cannot be poses.
    """
    poses = canonical(check_poses(quats, batch=True)).float()
    restored = (restorer or Restorer.load()).restore(poses)
    distance, gain = [], []
    with torch.no_grad():
        for some, better in zip(poses.split(CHUNK), restored.quats.split(CHUNK)):
            here = field(some)
            one = torch.eye(NUM_JOINTS, dtype=torch.bool)[None, :, :, None]  # (1, which joint is changed, joint, 1)
            tried = torch.where(one, better[:, None], some[:, None])
            distance.append(here)
            gain.append(here[:, None] - field(tried.flatten(0, 1)).view(len(some), NUM_JOINTS))
    value = torch.cat(distance) if distance else poses.new_zeros(0)
    gains = torch.cat(gain) if gain else poses.new_zeros(0, NUM_JOINTS)
    blame = (gains.clamp_min(0) + 1e-4) * (restored.damage + 1e-3)
    blame = blame / blame.sum(1, keepdim=True)
    worst = tuple(tuple(NAMES[j] for j in row) for row in blame.topk(min(names, NUM_JOINTS), dim=1).indices.tolist())
    return Score(value.to(quats.dtype), blame.to(quats.dtype), worst)
