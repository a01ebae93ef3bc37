"""New poses: drawn broadly, then brought onto the manifold."""

from __future__ import annotations

from typing import Literal

import torch
from torch import Tensor

from humanav.errors import InputError
from humanav.posendf.corrupt import nrdf_noise
from humanav.posendf.mixture import PoseMixture
from humanav.posendf.project import STEP_SIZE, Field, project
from humanav.posendf.quaternions import NUM_JOINTS

STEPS = 30
CHUNK = 512


def generate(
    field: Field, count: int, *, seed: int = 0, mixture: PoseMixture | None = None,
    start: Literal["mixture", "noise"] = "mixture", steps: int = STEPS, step_size: float = STEP_SIZE,
) -> Tensor:
    """Draw poses and project them.

    Noise round the rest pose, the start of NRDF (section 4.4), ends in fewer kinds of poses than people take: what the
    descent reaches depends on where it begins. So the default draws from a broad mixture of Gaussians, evenly (a Sobol
    sequence), so that few poses already show the whole variety. Many steps more draw the crowd together.

    Args:
        field: a :class:`~humanav.posendf.PoseNDF` or the like.
        count: how many.
        seed: the same seed gives the same poses.
        mixture: where to start; by default the one shipped with the field.
        start: "mixture", or "noise" for NRDF's noise of 1 radian.
        steps, step_size: of the projection.

    Returns:
        quats (count,21,4) float32.

    Raises:
        InputError: a negative count, or no mixture is there.
    """
    if count < 0:
        raise InputError(f"{count} poses cannot be generated: give a number from 0 on.")
    generator = torch.Generator().manual_seed(seed)
    if start == "noise":
        rest = torch.zeros(count, NUM_JOINTS, 4)
        rest[..., 0] = 1
        quats, _ = nrdf_noise(rest, 1.0, generator)
    else:
        quats = (mixture or PoseMixture.load()).sample(count, generator, even=True)
    return torch.cat([project(field, chunk, steps, step_size).quats for chunk in quats.split(CHUNK)])
