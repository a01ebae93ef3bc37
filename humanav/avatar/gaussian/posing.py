"""Gaussians in a pose, differentiable: the joints' transforms, blended for every Gaussian, and their covariances."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from torch import Tensor


def frames_of(quats: NDArray[Any]) -> NDArray[np.float32]:
    """(N,4) unit quaternions, w first, to the matrices (N,3,3) whose columns are the axes."""
    w, x, y, z = (quats[:, k] for k in range(4))
    rows = [1 - 2 * (y * y + z * z), 2 * (x * y - w * z), 2 * (x * z + w * y),
            2 * (x * y + w * z), 1 - 2 * (x * x + z * z), 2 * (y * z - w * x),
            2 * (x * z - w * y), 2 * (y * z + w * x), 1 - 2 * (x * x + y * y)]
    return np.stack(rows, axis=1).reshape(-1, 3, 3).astype(np.float32)


def levels_of(parents: tuple[int, ...]) -> list[list[int]]:
    """Joints by their distance from the root, so that a level can be turned at once."""
    depth = [0] * len(parents)
    for joint, parent in enumerate(parents):
        depth[joint] = 0 if parent < 0 else depth[parent] + 1
    return [[j for j, d in enumerate(depth) if d == level] for level in range(max(depth) + 1)]


def joint_matrices(local: Tensor, joints: Tensor, parents: tuple[int, ...]) -> Tensor:
    """(J,3,4) transforms from the rest pose: x takes R x + t of joint j.

    Args:
        local: (J,3,3) parent-relative rotations. joints: (J,3) at rest.
    """
    import torch

    rotation: list[Any] = [None] * len(parents)
    position: list[Any] = [None] * len(parents)
    for level in levels_of(parents):
        if parents[level[0]] < 0:
            for j in level:
                rotation[j], position[j] = local[j], joints[j]
            continue
        above = [parents[j] for j in level]
        turn = torch.stack([rotation[p] for p in above])
        bone = (joints[level] - joints[above]).unsqueeze(-1)
        place = (turn @ bone).squeeze(-1) + torch.stack([position[p] for p in above])
        own = turn @ local[level]
        for k, j in enumerate(level):
            rotation[j], position[j] = own[k], place[k]
    turns, places = torch.stack(rotation), torch.stack(position)
    shift = places - (turns @ joints.unsqueeze(-1)).squeeze(-1)
    return torch.cat([turns, shift.unsqueeze(-1)], -1)


def blend(weights: Tensor, matrices: Tensor) -> Tensor:
    """(N,J) weights and (J,3,4) transforms to each Gaussian's own (N,3,4)."""
    return (weights @ matrices.reshape(len(matrices), 12)).reshape(-1, 3, 4)


def transform(blended: Tensor, points: Tensor) -> Tensor:
    """Rest points (N,3) through (N,3,4)."""
    return (blended[..., :3] * points.unsqueeze(-2)).sum(-1) + blended[..., 3]


def covariances(axes: Tensor, scales: Tensor) -> Tensor:
    """(N,3,3) from posed axes (N,3,3), as columns, and standard deviations (N,3)."""
    products = axes.unsqueeze(2) * axes.unsqueeze(1)  # (N,i,j,axis)
    return (products * scales.square()[:, None, None]).sum(-1)
