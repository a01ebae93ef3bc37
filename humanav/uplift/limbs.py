"""Arms and legs from two directions: where the upper bone points, and where the lower one does.

Elbows and knees are hinges. The plane of the two bones therefore says how far the shoulder or hip is twisted about its
bone, which nothing else in a picture shows; only where the limb is nearly straight must the twist be guessed.
"""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor
from torch.nn import functional

from humanav.body.names import JOINT_INDEX

GUESS = 0.25
"""Weight of the guessed axis of a hinge against the one seen, which weighs as the sine of the bend."""


class Limb(NamedTuple):
    """Two joints.

    Attributes:
        upper, lower: indices of shoulder and elbow, or of hip and knee.
        bone: the axis of both that runs along their bones, a unit vector.
        hinge: the axis about which the lower one turns, at right angles to ``bone``; positive angles are natural.
    """

    upper: int
    lower: int
    bone: tuple[float, float, float]
    hinge: tuple[float, float, float]


def _limbs() -> tuple[Limb, ...]:
    arms = [Limb(JOINT_INDEX[f"{side}_shoulder"], JOINT_INDEX[f"{side}_elbow"], (1.0, 0.0, 0.0),
                 (0.0, -0.8848 * sign, 0.466 * sign)) for side, sign in (("left", 1), ("right", -1))]
    legs = [Limb(JOINT_INDEX[f"{side}_hip"], JOINT_INDEX[f"{side}_knee"], (0.0, 1.0, 0.0), (1.0, 0.0, 0.0))
            for side in ("left", "right")]
    return (*arms, *legs)


LIMBS = _limbs()
"""Both arms and both legs. The axis of the elbows is the mean of captured motion, whose joints keep to it within some
degrees; that of the knees is the body's x axis."""


def bend(upper: Tensor, lower: Tensor, limb: Limb) -> tuple[Tensor, Tensor]:
    """A limb's rotations from directions, which need not be of unit length.

    Args:
        upper: (...,6) where the upper joint's ``bone`` axis points, and a guess of where its hinge points.
        lower: (...,3) where the lower joint's ``bone`` axis points.
        limb: which.

    Returns:
        The upper joint's rotation (...,3,3) in the frame of the directions, and the lower one's (...,3,3) relative to
        it, a turn about ``limb.hinge``.
    """
    bone, hinge = upper.new_tensor(limb.bone), functional.normalize(upper.new_tensor(limb.hinge), dim=0)
    basis = torch.stack([bone, hinge, torch.linalg.cross(bone, hinge)])  # rows
    first = functional.normalize(upper[..., :3], dim=-1, eps=1e-6)
    second = functional.normalize(lower, dim=-1, eps=1e-6)
    guess = upper[..., 3:] - (upper[..., 3:] * first).sum(-1, keepdim=True) * first
    axis = torch.linalg.cross(first, second) + GUESS * functional.normalize(guess, dim=-1, eps=1e-3)
    axis = functional.normalize(axis - (axis * first).sum(-1, keepdim=True) * first, dim=-1, eps=1e-4)
    across = torch.linalg.cross(first, axis)
    turn = functional.normalize(torch.stack([(first * second).sum(-1), -(across * second).sum(-1)], -1), dim=-1,
                                eps=1e-4)
    cosine, sine = turn[..., 0, None, None], turn[..., 1, None, None]
    plane = torch.eye(3, dtype=upper.dtype, device=upper.device) - basis[1, :, None] * basis[1]
    skew = basis[0, :, None] * basis[2] - basis[2, :, None] * basis[0]
    local = basis[1, :, None] * basis[1] + cosine * plane + sine * skew
    return torch.stack([first, axis, across], -1) @ basis, local
