"""The terms of the training loss: pictures, masks, depths, smoothness. Maps (H,W) are averaged by the caller."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
import torch
from torch import Tensor

_SIGMA = 1.5
_C1, _C2 = 0.01**2, 0.03**2


@dataclass(frozen=True)
class LossWeights:
    """Weights of the terms: PERSONA's (Sim and Moon, ICCV 2025), without those that need networks of others.

    Attributes:
        seam: of a photo's pixels on seams (1 elsewhere).
        refined_generated: of a generated picture's colours on the refined branch (geometry-weighted optimisation).
        refined_captured: of a photo's; higher than PERSONA's 0.1, since a real picture's pixels can be trusted.
        captured_geometry: of depth and normals in captured frames, where they are known, against generated ones.
        mask, depth, normal: of those maps; depth per metre.
        aux: of the auxiliary colours. handoff: of seams handed to them.
        smooth_offset, hold_offset: per squared metre of roughness, and of distance to the start where nothing was seen.
        smooth_color: per squared unit of the colour corrections' roughness.
        smooth_scale, hold_scale, hold_opacity: the same per squared unit of log scale and of logit.
        smooth_deformation, hold_deformation: per squared metre of the deformation's roughness, and of the deformation
            in the pose of a photo (several photos: a tenth): what that shows is the shape itself.
        hold_pose: per squared radian or metre of corrections to the captured frames' poses.
    """

    seam: float = 0.1
    refined_generated: float = 0.1
    refined_captured: float = 1.0
    captured_geometry: float = 0.1
    mask: float = 1.0
    depth: float = 1.0
    normal: float = 0.05
    aux: float = 1.0
    handoff: float = 1.0
    smooth_offset: float = 3e4
    hold_offset: float = 2e3
    smooth_color: float = 0.5
    smooth_scale: float = 0.1
    hold_scale: float = 0.1
    hold_opacity: float = 0.1
    smooth_deformation: float = 2e3
    hold_deformation: float = 1e3
    hold_pose: float = 50.0


def picture_loss(picture: Tensor, target: Tensor) -> Tensor:
    """(H,W) map 0.8 |a - b| + 0.2 (1 - SSIM) of two pictures (H,W,3)."""
    likeness = structural_similarity(picture.mean(-1), target.mean(-1))
    return 0.8 * (picture - target).abs().mean(-1) + 0.2 * (1 - likeness)


def structural_similarity(a: Tensor, b: Tensor) -> Tensor:
    """(H,W) map of SSIM (Wang et al. 2004; window of 11, sigma 1.5) of two grey pictures 0..1."""
    ma, mb, aa, bb, ab = _Blur.apply(torch.stack([a, b, a * a, b * b, a * b], -1)).unbind(-1)
    va, vb, cov = aa - ma * ma, bb - mb * mb, ab - ma * mb
    return ((2 * ma * mb + _C1) * (2 * cov + _C2)) / ((ma * ma + mb * mb + _C1) * (va + vb + _C2))


class _Blur(torch.autograd.Function):
    """Gaussian blur of (H,W,C) with nothing beyond the border: a symmetric map, so that it is its own derivative."""

    @staticmethod
    def forward(ctx: Any, stack: Tensor) -> Tensor:
        return _blurred(stack)

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> Tensor:
        return _blurred(grad)


def _blurred(stack: Tensor) -> Tensor:
    source = np.ascontiguousarray(stack.detach().numpy())
    return torch.from_numpy(cv2.GaussianBlur(source, (11, 11), _SIGMA, borderType=cv2.BORDER_CONSTANT))


def depth_error(depth: Tensor, alpha: Tensor, target: Tensor) -> Tensor:
    """(H,W) metres between the composited depth (H,W) and the target's (inf where nothing is)."""
    there = torch.isfinite(target) & (alpha.detach() > 0.8)
    wanted = torch.where(there, target, torch.zeros_like(target)) * alpha.detach()
    return (depth - wanted).abs().clamp(max=0.3) * there


def normal_error(normal: Tensor, alpha: Tensor, target: Tensor) -> Tensor:
    """(H,W) map |a - b| + 1 - cos of the composited normals and the target's (H,W,3; zero where nothing is)."""
    there = (target.square().sum(-1) > 0.5) & (alpha.detach() > 0.8)
    own = normal / alpha.detach().clamp(min=0.1).unsqueeze(-1)
    cosine = torch.nn.functional.cosine_similarity(own, target, dim=-1, eps=1e-4)
    return ((own - target).abs().mean(-1) + 1 - cosine) * there


def partly(value: Tensor, share: Tensor | float) -> Tensor:
    """The same value, of whose gradient only a share goes on."""
    return value.detach() + share * (value - value.detach())
