"""How networks write rotations: nine numbers, six, three, or a latent pose; and losses on them with safe gradients.

Everything is for tensors of any leading shape. Rotation vectors ("axis-angle") are in radians. The root is written in
the room's convention, turned by 180 degrees about x (``FLIP``), so that an upright person who faces the camera is near
the identity and not at the seam of rotation vectors.
"""

from __future__ import annotations

import math

import roma
import torch
from torch import Tensor

from humanav.body import axis_angle_to_matrix

WIDTHS = {"matrix": 9, "six": 6, "axis_angle": 3}
"""Numbers per joint of each way to write a rotation."""

_EPS = 1e-7


def to_matrix(kind: str, numbers: Tensor) -> Tensor:
    """Rotation matrices (...,3,3) from what a head put out.

    Args:
        kind: "matrix", "six" or "axis_angle".
        numbers: (...,9), (...,6) or (...,3).
    """
    if kind == "matrix":
        return nearest_rotation(numbers.unflatten(-1, (3, 3)))
    return six_to_matrix(numbers) if kind == "six" else axis_angle_to_matrix(numbers)


def nearest_rotation(matrices: Tensor) -> Tensor:
    """The rotations (...,3,3) nearest to any matrices (...,3,3): ``U diag(1, 1, det) V^T`` of their SVD.

    The derivative is taken in closed form, by sums of singular values and never by their differences, so that equal
    ones do no harm; where the rotation is not unique (two singular values that sum to zero) it is bounded.
    """
    return roma.special_procrustes(matrices.float(), gradient_eps=1e-4).to(matrices.dtype)


def six_to_matrix(numbers: Tensor) -> Tensor:
    """Rotations (...,3,3) from six numbers (...,6), the first two columns row by row, by Gram-Schmidt.

    Source: Zhou et al., "On the Continuity of Rotation Representations in Neural Networks", CVPR 2019.
    """
    first, second = numbers.unflatten(-1, (3, 2)).unbind(-1)
    first = first / (first.square().sum(-1, keepdim=True) + _EPS).sqrt()
    second = second - (first * second).sum(-1, keepdim=True) * first
    second = second / (second.square().sum(-1, keepdim=True) + _EPS).sqrt()
    return torch.stack([first, second, torch.linalg.cross(first, second)], -1)


def matrix_to_six(matrices: Tensor) -> Tensor:
    """The six numbers (...,6) of rotations (...,3,3), inverse of :func:`six_to_matrix`."""
    return matrices[..., :2].flatten(-2)


def matrix_to_axis_angle(matrices: Tensor) -> Tensor:
    """Rotation vectors (...,3) of length 0..pi, for targets: at pi they have no derivative."""
    return roma.rotmat_to_rotvec(matrices)


def geodesic(a: Tensor, b: Tensor) -> Tensor:
    """Angles (...) in radians between rotations (...,3,3), with finite derivatives at 0 and at pi.

    ``2 atan2(sin(x/2), cos(x/2))``, the sine from ``|a - b|^2 = 8 sin^2(x/2)``, each square raised by 1e-7; the arc
    cosine of the usual formula has an infinite slope at both ends.
    """
    sine = (a - b).square().sum((-2, -1)) / 8
    return 2 * torch.atan2((sine + _EPS).sqrt(), ((1 - sine).clamp(min=0) + _EPS).sqrt())


def axis_angle_loss(guess: Tensor, target: Tensor, wrapped: bool = True) -> Tensor:
    """Mean squared difference of rotation vectors (...,3), one number.

    A rotation has many vectors, whose lengths differ by 2 pi. The original takes the raw difference; ``wrapped`` takes
    that to the nearest vector of the target's rotation, so that a joint near half a turn is not pulled round the long
    way.
    """
    difference = guess - target
    if wrapped:
        length = target.norm(dim=-1, keepdim=True)
        axis = target / length.clamp(min=1e-6)  # of no turn at all, the axis is none, and only the plain vector is left
        around = torch.stack([guess - (target + turn * axis) for turn in (-2 * math.pi, 0.0, 2 * math.pi)])
        nearest = around.detach().square().sum(-1).argmin(0)
        difference = around.gather(0, nearest[None, ..., None].expand(1, *guess.shape))[0]
    return difference.square().mean()


def distance(a: Tensor, b: Tensor) -> Tensor:
    """Mean Euclidean distance, one number, of points (...,3), with a finite derivative where they meet."""
    return ((a - b).square().sum(-1) + 1e-10).sqrt().mean()
