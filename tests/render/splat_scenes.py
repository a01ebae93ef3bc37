"""Small scenes of Gaussians for the tests of the rasterisers, and their gradients."""

from __future__ import annotations

import numpy as np
import torch

from humanav.render import rasterize
from humanav.render.splat_torch import quaternion_to_matrix

WIDTH, HEIGHT = 50, 41


def scene(seed=0, count=120, *, covars=False, channels=3, detached=2, spread=0.5, size=0.15, distance=3.0,
          opaque=False):
    """Tensors for :func:`rasterize` in float64: a cloud before a turned camera with a skewed K."""
    rng = np.random.default_rng(seed)
    axis = np.array([[0, -1, 1], [1, 0, -1], [-1, 1, 0]]) * rng.normal(0, 0.2, 3)
    viewmat = np.eye(4)
    viewmat[:3, :3] = torch.matrix_exp(torch.tensor(axis - axis.T)).numpy()
    viewmat[2, 3] = distance
    inputs = {
        "means": rng.normal(0, spread, (count, 3)), "quats": rng.normal(size=(count, 4)),
        "scales": rng.uniform(0.02, size, (count, 3)),
        "opacities": np.full(count, 1.0) if opaque else rng.uniform(0.08, 0.98, count),
        "colors": rng.uniform(size=(count, channels)), "detached_colors": rng.uniform(size=(count, detached)),
        "background": rng.uniform(size=channels), "viewmat": viewmat,
        "K": np.array([[52.0, 2, WIDTH / 2 - 1], [0, 48, HEIGHT / 2 + 0.5], [0, 0, 1]])}
    tensors = {name: torch.tensor(value) for name, value in inputs.items()}
    if covars:
        half = quaternion_to_matrix(tensors.pop("quats")) * tensors.pop("scales")[:, None]
        tensors = {**tensors, "quats": None, "scales": None, "covars": half @ half.mT}
    return tensors


def draw(inputs, backend="numba", width=WIDTH, height=HEIGHT, **options):
    return rasterize(**inputs, width=width, height=height, backend=backend, **options)


def gradients(inputs, backend="numba", dtype=torch.float64, seed=5, **options):
    """The picture's channels with alpha and the detached ones, and the gradient of a random weighting of them all."""
    leaves = {name: None if value is None else value.detach().to(dtype, copy=True).requires_grad_()
              for name, value in inputs.items()}
    image, alpha, meta = draw(leaves, backend, **options)
    whole = torch.cat([image, alpha.unsqueeze(-1), *([meta["detached"]] if "detached" in meta else [])], -1)
    weights = torch.randn(whole.shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)
    (whole * weights.to(dtype)).sum().backward()
    return whole.detach(), {name: value.grad for name, value in leaves.items() if value is not None}


def relative(found, true):
    """Norm of the difference over the norm of the truth."""
    return float((found.double() - true.double()).norm() / true.double().norm())
