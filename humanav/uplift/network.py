"""What every network of this room gives, and how one is made from a configuration."""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional

from humanav.uplift.config import UpliftConfig


class Output(NamedTuple):
    """What a network says of T frames.

    Attributes:
        rotations: (B,T,22,3,3) parent-relative; index 0 is the root as ``FLIP @ ray.T @ root``.
        log_error: (B,T,22) logarithm of the error in metres that the network expects of each joint; of the root, the
            mean over the joints.
        joints: (B,T,22,3) root-relative joints of networks that have heads for them, metres, in the root's frame.
        first: rotations of an earlier stage, for its own loss.
    """

    rotations: Tensor
    log_error: Tensor
    joints: Tensor | None = None
    first: Tensor | None = None


def build_network(config: UpliftConfig) -> nn.Module:
    """The untrained network of a configuration; ``forward(features (B,T,F)) -> Output``."""
    if config.model.kind == "transformer":
        from humanav.uplift.transformer import UpliftTransformer

        return UpliftTransformer(config.model)
    from humanav.uplift.tcn import Tcn

    return Tcn(config.model)


def rotations_from_6d(values: Tensor) -> Tensor:
    """The first two columns (...,6) of a matrix to the rotation (...,3,3) (Zhou et al., CVPR 2019)."""
    first = functional.normalize(values[..., :3], dim=-1, eps=1e-6)
    second = values[..., 3:] - (first * values[..., 3:]).sum(-1, keepdim=True) * first
    second = functional.normalize(second, dim=-1, eps=1e-6)
    return torch.stack([first, second, torch.linalg.cross(first, second)], -1)


def flip_root(root: Tensor, ray: Tensor) -> Tensor:
    """Root (...,3,3) in the camera's frame to the networks' frame: ``FLIP @ ray.T @ root``."""
    return _flip(root) @ (ray.transpose(-1, -2) @ root)


def unflip_root(root: Tensor, ray: Tensor) -> Tensor:
    """Inverse of :func:`flip_root`."""
    return ray @ (_flip(root) @ root)


def _flip(like: Tensor) -> Tensor:
    return torch.diag(torch.tensor([1.0, -1.0, -1.0], dtype=like.dtype, device=like.device))
