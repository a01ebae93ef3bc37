"""What the manifold is compared with: Gaussian mixtures, nearest neighbours, and a denoising network."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence

import torch
from torch import Tensor, nn

from humanav.posendf.quaternions import axis_angle_to_quats, canonical, half_angle, quats_to_axis_angle

SIGMAS = (0.05, 0.1, 0.2, 0.3, 0.45, 0.6, 0.8)
"""Noise levels (radians) that the mixtures' restoration may assume; the best on validation subjects is used."""


class Neighbours:
    """The nearest poses of a pool, also where only some joints are known."""

    def __init__(self, pool: Tensor, k: int = 1) -> None:
        self.pool, self.k = pool, k

    def distances(self, quats: Tensor, known: Tensor | None = None, k: int = 1,
                  shortlist: int = 64) -> tuple[Tensor, Tensor]:
        """Distance (B,k), radians of mean half angle over the known joints (B,21), and index (B,k) in the pool."""
        mask = torch.ones(quats.shape[:2], dtype=torch.bool) if known is None else known
        found, flat = [], self.pool.flatten(1)
        for some, seen in zip(quats.split(256), mask.split(256)):
            index = ((some * seen[..., None]).flatten(1) @ flat.T).topk(min(shortlist, len(flat)), dim=1).indices
            exact = (half_angle(some[:, None], self.pool[index]) * seen[:, None]).sum(-1) / seen.sum(-1, keepdim=True)
            best = exact.topk(k, dim=1, largest=False)
            found.append((best.values, index.gather(1, best.indices)))
        return torch.cat([pair[0] for pair in found]), torch.cat([pair[1] for pair in found])

    def repair(self, quats: Tensor) -> Tensor:
        """The mean of the ``k`` nearest poses."""
        return self._mean(self.distances(quats, k=self.k)[1])

    def complete(self, quats: Tensor, known: Tensor) -> Tensor:
        """Unknown joints from the mean of the ``k`` poses that are nearest in the known ones."""
        fill = self._mean(self.distances(quats, known, self.k)[1])
        return torch.where(known[..., None], quats, fill)

    def _mean(self, index: Tensor) -> Tensor:
        poses = self.pool[index]  # (B,k,21,4)
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
