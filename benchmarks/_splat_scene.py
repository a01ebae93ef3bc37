"""Gaussians on the built-in body, and cameras that see it large, for the benchmark of the Gaussian rasteriser."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from humanav.body import BodyModel
from humanav.body.skinning import SkinWeights
from humanav.camera import Camera

FILLED = 0.9
"""Share of the picture's height that the body fills."""
NAMES = ("means", "quats", "scales", "opacities", "colors", "viewmat", "K", "background")


@dataclass(frozen=True)
class SplatBody:
    """Gaussians on the skin of the body in its T-pose: points at random by area, flat along the surface.

    Attributes:
        means, quats, scales, opacities, colors: as :func:`humanav.render.rasterize` takes them; metres.
        weights: skinning weights of the points.
        height: of the body in metres; it stands on ``floor``.
    """

    means: Tensor
    quats: Tensor
    scales: Tensor
    opacities: Tensor
    colors: Tensor
    weights: SkinWeights
    height: float
    floor: float

    def camera(self, size: int, yaw: float = 20.0) -> Camera:
        """A square picture that the body fills from head to foot, but for a margin."""
        focal = 1.2 * size
        middle = [0.0, self.floor + self.height / 2, 0.0]
        distance = focal * self.height / (FILLED * size) + 0.1  # head and feet are nearer than the middle
        return Camera.orbit(middle, distance, yaw, 0.0, size, size, focal)

    def inputs(self, camera: Camera) -> dict[str, Tensor]:
        """Everything a gradient is taken by, in float32."""
        values = (self.means, self.quats, self.scales, self.opacities, self.colors,
                  torch.tensor(camera.viewmat), torch.tensor(camera.K), torch.tensor([1.0, 0.9, 0.8]))
        return {name: value.float() for name, value in zip(NAMES, values)}


def sample_body(count: int, seed: int = 0) -> SplatBody:
    """``count`` Gaussians about as wide as they lie apart, a third as thick, with opacities of 0.6 to 0.99."""
    rng, body = np.random.default_rng(seed), BodyModel.load()
    vertices = body.v_template.numpy().astype(np.float64)
    corners = vertices[body.faces]
    normals = np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0])
    area = np.linalg.norm(normals, axis=1) / 2
    face = rng.choice(len(area), count, p=area / area.sum())
    share = rng.dirichlet((1, 1, 1), count)
    axis = normals[face] / np.linalg.norm(normals[face], axis=1, keepdims=True)
    # the turn from z to the normal; beside the half-way vector nothing needs to be unit
    quats = np.concatenate([1 + axis[:, 2:] + 1e-9, np.stack([-axis[:, 1], axis[:, 0], 0 * axis[:, 0]], 1)], 1)
    scales = 0.9 * np.sqrt(area.sum() / count) * np.exp(rng.normal(0, 0.3, (count, 3))) * (1, 1, 0.3)
    index, weight = body.skin_index.numpy(), body.skin_weight.numpy()
    joints = index[body.faces[face]].reshape(count, -1)
    shares = (weight[body.faces[face]] * share[..., None]).reshape(count, -1)
    tensors = ((corners[face] * share[..., None]).sum(1), quats, scales, rng.uniform(0.6, 0.99, count),
               rng.uniform(size=(count, 3)))
    return SplatBody(*(torch.tensor(value, dtype=torch.float32) for value in tensors),
                     SkinWeights(joints, shares, torch.float32), float(np.ptp(vertices[:, 1])),
                     float(vertices[:, 1].min()))
