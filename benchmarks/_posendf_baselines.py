"""What the manifold is compared with: Gaussian mixtures, nearest neighbours, and a denoising network."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence

import torch
from torch import Tensor, nn

from humanav.posendf.nearest import PosePool
from humanav.posendf.quaternions import axis_angle_to_quats, canonical, half_angle, quats_to_axis_angle

SIGMAS = (0.05, 0.1, 0.2, 0.3, 0.45, 0.6, 0.8)
"""Noise levels (radians) that the mixtures' restoration may assume; the best on validation subjects is used."""


class Neighbours:
    """The nearest poses of a pool, also where only some joints are known."""

    def __init__(self, pool: PosePool, k: int = 1) -> None:
        self.pool, self.k = pool, k

    def repair(self, quats: Tensor) -> Tensor:
        """The mean of the ``k`` nearest poses."""
        return self._mean(self.pool.nearest(quats, self.k)[1])

    def complete(self, quats: Tensor, known: Tensor) -> Tensor:
        """Unknown joints from the mean of the ``k`` poses that are nearest in the known ones."""
        return torch.where(known[..., None], quats, self._mean(self._nearest_in(known, quats)))

    def _nearest_in(self, known: Tensor, quats: Tensor, shortlist: int = 512) -> Tensor:
        """Index (B,k) by the known joints (B,21): the exact order of those with the largest dot product."""
        flat, found = self.pool.quats.flatten(1), []
        for some, seen in zip(quats.split(64), known.split(64)):
            index = ((some * seen[..., None]).flatten(1) @ flat.T).topk(min(shortlist, len(flat)), dim=1).indices
            apart = (half_angle(some[:, None], self.pool.quats[index]) * seen[:, None]).sum(-1)
            found.append(index.gather(1, apart.topk(self.k, dim=1, largest=False).indices))
        return torch.cat(found)

    def _mean(self, index: Tensor) -> Tensor:
        poses = self.pool.quats[index]  # (B,k,21,4)
        sign = torch.where((poses * poses[:, :1]).sum(-1, keepdim=True) < 0, -1.0, 1.0)
        return canonical((poses * sign).mean(1))


class DenoisingNetwork(nn.Module):
    """A residual network from a damaged pose to a clean one: 84 numbers, three hidden layers, 84 numbers."""

    def __init__(self, width: int = 768) -> None:
        super().__init__()
        self.net = nn.Sequential(nn.Linear(84, width), nn.SiLU(), nn.Linear(width, width), nn.SiLU(),
                                 nn.Linear(width, width), nn.SiLU(), nn.Linear(width, 84))

    def forward(self, quats: Tensor) -> Tensor:
        """Poses (B,21,4) to poses (B,21,4)."""
        return canonical(quats + self.net(quats.flatten(1)).view(quats.shape))


def train_denoiser(poses: Tensor, damage: Callable[[Tensor, torch.Generator], Tensor], *, seconds: float,
                   seed: int = 0, batch: int = 512) -> DenoisingNetwork:
    """Train for so many seconds of processor time on damage drawn anew for every batch.

    Args:
        poses: (N,21,4) clean training poses.
        damage: makes a damaged batch from a clean one.
    """
    generator = torch.Generator().manual_seed(seed)
    torch.manual_seed(seed)
    network = DenoisingNetwork()
    optimizer = torch.optim.Adam(network.parameters(), lr=1e-3)
    started, now = time.process_time(), 0.0
    while now < seconds:
        for group in optimizer.param_groups:
            group["lr"] = 1e-3 * max(1 - now / seconds, 0.02)
        clean = poses[torch.randint(len(poses), (batch,), generator=generator)]
        out = network(damage(clean, generator))
        dot = (out * clean).sum(-1, keepdim=True)
        chord = (out - torch.where(dot < 0, -clean, clean)).square().sum(-1)
        loss = (chord + 1e-8).sqrt().mean()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        now = time.process_time() - started
    return network.eval().requires_grad_(False)


def mean_fill(poses: Tensor) -> Callable[[Tensor, Tensor], Tensor]:
    """Completion by the mean pose (of rotation vectors) of these poses."""
    mean = axis_angle_to_quats(quats_to_axis_angle(poses).mean(0))
    return lambda quats, known: torch.where(known[..., None], quats, mean)


def pick(values: Sequence[float], error: Callable[[float], float]) -> float:
    """The value whose error is least."""
    return min(values, key=error)
