"""How far poses are from real ones, and which joints are to blame."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from humanav.posendf.checks import check_poses
from humanav.posendf.poses import NAMES
from humanav.posendf.project import Field
from humanav.posendf.quaternions import NUM_JOINTS, canonical, half_angle
from humanav.posendf.restorer import Restorer

CHUNK = 2048


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

    A joint is to blame as far as the restorer would turn it, weighted with the probability that it is damaged. (The
    field's gradient is no guide: in a mean of angles every joint that is off has the same slope, be it much or little.)

    Args:
        field: a :class:`~humanav.posendf.PoseNDF` or the like.
        quats: (T,21,4).
        names: how many joints to name per frame.
        restorer: by default the shipped one.

    Raises:
        InputError: poses that cannot be poses.
    """
    poses = canonical(check_poses(quats, batch=True)).float()
    network = restorer or Restorer.load()
    distance, blame = [], []
    with torch.no_grad():
        for some in poses.split(CHUNK):
            restored = network.restore(some)
            wrong = half_angle(some, restored.quats) * restored.damage + 1e-6
            distance.append(field(some))
            blame.append(wrong / wrong.sum(1, keepdim=True))
    shares = torch.cat(blame)
    worst = tuple(tuple(NAMES[j] for j in row) for row in shares.topk(min(names, NUM_JOINTS), dim=1).indices.tolist())
    return Score(torch.cat(distance).to(quats.dtype), shares.to(quats.dtype), worst)
