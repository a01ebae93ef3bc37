"""The way from one pose to another that stays near real poses."""

from __future__ import annotations

import torch
from torch import Tensor

from humanav.errors import InputError
from humanav.posendf.checks import check_poses
from humanav.posendf.project import Field, project
from humanav.posendf.quaternions import canonical, pose_distance, slerp

ROUNDS = 6
"""How often the path is lowered, smoothed and laid out anew."""
STEPS, STEP_SIZE = 6, 0.05
POINTS = 25
"""Least number of poses that the path is worked out with."""


def interpolate(field: Field, start: Tensor, end: Tensor, count: int, *, rounds: int = ROUNDS) -> Tensor:
    """Poses from ``start`` to ``end`` along the manifold, at equal steps.

    The path begins as the geodesic (slerp of every joint). In turns its inner poses go down the field, are smoothed
    with their neighbours, and are laid out again at equal distances, as in the string method for lowest paths. Should
    the result have a farther pose than the geodesic, the geodesic is returned. The two ends stay.

    Args:
        field: a :class:`~humanav.posendf.PoseNDF` or the like.
        start, end: (21,4) poses.
        count: how many poses, both ends among them; 2 or more.
        rounds: 0 gives the geodesic.

    Returns:
        (count,21,4).

    Raises:
        InputError: poses that cannot be poses, or fewer than 2 asked for.
    """
    if count < 2:
        raise InputError(f"An interpolation needs at least 2 poses, not {count}: the start and the end are among them.")
    first, last = (canonical(check_poses(pose, what)) for pose, what in ((start, "The start's quaternions"),
                                                                         (end, "The end's quaternions")))
    if first.ndim != 2 or last.ndim != 2:
        raise InputError("The start and the end of an interpolation are one pose (21, 4) each.")
    points = max(count, POINTS)
    part = torch.linspace(0, 1, points, dtype=first.dtype)[:, None, None]
    straight = path = slerp(first, last, part)
    if rounds and bool(pose_distance(first, last) > 1e-6):
        for _ in range(rounds):
            path = torch.cat([first[None], project(field, path[1:-1], STEPS, STEP_SIZE).quats, last[None]])
            path = _even(_smooth(path), points)
        if bool(field(path.float()).max() > field(straight.float()).max()):
            path = straight
    path = _even(path, count)
    path[0], path[-1] = first, last
    return path


def _smooth(path: Tensor) -> Tensor:
    """Each inner pose halfway to the middle of its neighbours."""
    middle = slerp(path[:-2], path[2:], 0.5)
    return torch.cat([path[:1], slerp(path[1:-1], middle, 0.5), path[-1:]])


def _even(path: Tensor, count: int) -> Tensor:
    """The path at ``count`` places of equal distance along it (three passes, because slerp cuts corners)."""
    for _ in range(3):
        length = torch.cat([path.new_zeros(1), pose_distance(path[:-1], path[1:]).cumsum(0)])
        if float(length[-1]) < 1e-9:
            return path[torch.linspace(0, len(path) - 1, count).round().long()]
        wanted = torch.linspace(0, float(length[-1]), count, dtype=path.dtype)
        left = (torch.searchsorted(length, wanted, right=True) - 1).clamp(0, len(path) - 2)
        part = (wanted - length[left]) / (length[left + 1] - length[left]).clamp_min(1e-12)
        path = slerp(path[left], path[left + 1], part.clamp(0, 1)[:, None, None])
    return path
