"""What a network is told of its rotations: distances of posed joints, angles, and how steady they are."""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor

from humanav.uplift.config import TrainingConfig
from humanav.uplift.network import Output, flip_root
from humanav.uplift.skeleton import UpliftBody

LEAST_ERROR = 5e-3
"""Metres added to an error before it is compared with what the network expected."""


class Target(NamedTuple):
    """The truth of B clips in the networks' frame.

    Attributes:
        rotations: (B,T,22,3,3), root first.
        joints: (B,T,22,3) root-relative, metres, in the root's frame.
        turned: (B,T,22,3,3) global rotations.
        betas: (B,NB).
    """

    rotations: Tensor
    joints: Tensor
    turned: Tensor
    betas: Tensor


def make_target(root: Tensor, body: Tensor, betas: Tensor, ray: Tensor, skeleton: UpliftBody) -> Target:
    """The truth from roots (B,T,3,3) in the camera's frame, body rotations (B,T,21,3,3) and shapes (B,NB)."""
    rotations = torch.cat([flip_root(root, ray)[:, :, None], body], 2)
    joints, turned = skeleton.forward(rotations, betas[:, None])
    return Target(rotations, joints, turned, betas)


def uplift_loss(output: Output, target: Target, plan: TrainingConfig, skeleton: UpliftBody
                ) -> tuple[Tensor, dict[str, float]]:
    """The loss of all stages, and the last one's parts for a log.

    Distances are of joints posed with the true shape, in metres; angles are ``||R - R*||_F``, whose gradient does not
    vanish or burst near zero; the expected error is fitted by the likelihood of a Laplace distribution.
    """
    loss, parts, distance = _stage(output.rotations, target, plan, skeleton)
    if output.first is not None:
        loss = loss + 0.5 * _stage(output.first, target, plan, skeleton)[0]
    if plan.error:
        real = distance.detach()
        real = torch.cat([real[..., 1:].mean(-1, keepdim=True), real[..., 1:]], -1) + LEAST_ERROR
        expected = output.log_error.clamp(-6, 1)
        parts["expected"] = (real * torch.exp(-expected) + expected).mean()
        loss = loss + plan.error * parts["expected"]
    return loss, {name: float(value.detach()) for name, value in parts.items()}


def _stage(rotations: Tensor, target: Target, plan: TrainingConfig, skeleton: UpliftBody
           ) -> tuple[Tensor, dict[str, Tensor], Tensor]:
    joints, turned = skeleton.forward(rotations, target.betas[:, None])
    miss = joints - target.joints
    distance = _length(miss, 1)
    parts = {"joints": distance[..., 1:].mean(), "rotations": _length(rotations - target.rotations, 2).mean(),
             "turned": _length(turned - target.turned, 2).mean()}
    loss = plan.joints * parts["joints"] + plan.rotations * parts["rotations"] + plan.turned * parts["turned"]
    if plan.velocity and miss.shape[1] > 1:
        parts["velocity"] = _length(miss[:, 1:] - miss[:, :-1], 1)[..., 1:].mean()
        loss = loss + plan.velocity * parts["velocity"]
    if plan.image:
        loss = loss + plan.image * _length(miss[..., :2], 1)[..., 1:].mean()
    return loss, parts, distance


def _length(values: Tensor, axes: int) -> Tensor:
    """Norm over the last axes, smooth at zero."""
    return (values.square().flatten(-axes).sum(-1) + 1e-8).sqrt()
