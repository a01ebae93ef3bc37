"""What the networks see of a keypoint sequence: points in the ray frame, in units of the person's size.

The person's middle and size are means over a second or so, weighted by confidence, so that one lost shoulder does not
shake every number; they depend on the keypoints alone, and a sequence of one frame is its own neighbourhood.
"""

from __future__ import annotations

from functools import lru_cache

import torch
from torch import Tensor
from torch.nn import functional

from humanav.body.landmarks import KEYPOINT_SETS
from humanav.body.names import MIRROR
from humanav.errors import InputError

NUM_JOINTS = 22
SCALARS = 4
"""Features of a frame besides its points: log angular size, whether the focal length is known, and the ray's slopes."""

CENTRE_SIGMA = 3.0
SIZE_SIGMA = 6.0
"""Standard deviations in frames over which middle and size of the person are averaged."""

_TORSO = ("left_shoulder", "right_shoulder", "left_hip", "right_hip")
_REST_WEIGHT = 0.02
"""Weight of points off the trunk in the person's middle: they count where the trunk is not seen."""
_REACH = 6.0
"""No point lies further from the middle than so many sizes: wilder ones are cut off there."""


def num_features(keypoint_set: str) -> int:
    """Length of a frame's features for a layout."""
    return 3 * len(KEYPOINT_SETS[keypoint_set]) + SCALARS


def assumed_intrinsics(size: Tensor) -> Tensor:
    """Intrinsics (B,3,3) for pictures of ``size`` (B,2) width, height whose camera is not known: focal length 1.2 times
    the longer side, principal point in the middle."""
    K = torch.zeros(len(size), 3, 3, dtype=size.dtype, device=size.device)
    K[:, 0, 0] = K[:, 1, 1] = 1.2 * size.max(1).values
    K[:, :2, 2] = size / 2
    K[:, 2, 2] = 1.0
    return K


def to_features(keypoints: Tensor, K: Tensor, focal_known: Tensor) -> tuple[Tensor, Tensor]:
    """Features of a frame and its ray frame.

    Args:
        keypoints: (B,T,N,3) pixels and confidence in a layout of N points; what is not seen has confidence 0.
        K: (B,3,3) intrinsics, pixels; those of :func:`assumed_intrinsics` where the camera is not known.
        focal_known: (B,) bool.

    Returns:
        features (B,T,3*N+4): for each point x, y on the plane z = 1 of the ray frame in units of the person's size, and
        confidence (all 0 where not seen); then the scalars. And ray (B,T,3,3), from ray frame to camera.

    Raises:
        InputError: no layout has N points.
    """
    weight = keypoints[..., 2].clamp(0, 1)
    plane = _on_plane(keypoints[..., :2], K)
    trunk = weight * _trunk(keypoints.shape[2]).to(weight)
    total = trunk.sum(2)
    middle = (plane * trunk[..., None]).sum(2) / total.clamp(min=1e-6)[..., None]
    middle = _average(middle, total, CENTRE_SIGMA)
    ray = _ray(middle)
    points = torch.cat([plane, torch.ones_like(plane[..., :1])], -1) @ ray
    flat = points[..., :2] / points[..., 2:].clamp(min=0.1)
    seen = weight.sum(2)
    spread = (flat.square().sum(-1) * weight).sum(2) / seen.clamp(min=1e-6)
    size = _average(spread[..., None], seen, SIZE_SIGMA)[..., 0].clamp(min=1e-6).sqrt()
    flat = (flat / size[..., None, None]).clamp(-_REACH, _REACH)
    there = (weight > 0).to(flat)[..., None]
    points = torch.cat([flat * there, weight[..., None]], -1).flatten(2)
    known = focal_known.to(size)[:, None].expand_as(size)
    return torch.cat([points, torch.stack([size.log() + 1.5, known], -1), middle], -1), ray


def mirror_keypoints(keypoints: Tensor, K: Tensor) -> Tensor:
    """Keypoints (B,T,N,3) of the mirrored scene seen by the same camera: left and right change places."""
    swapped = keypoints[:, :, list(mirror_order(keypoints.shape[2]))]
    x = 2 * K[:, None, None, 0, 2] - swapped[..., 0]
    return torch.cat([torch.where(swapped[..., 2] > 0, x, swapped[..., 0])[..., None], swapped[..., 1:]], -1)


def mirror_rotations(rotations: Tensor) -> Tensor:
    """Rotations (...,22,3,3), root first in ray or camera axes, of the mirrored body."""
    sign = torch.tensor([-1.0, 1.0, 1.0], dtype=rotations.dtype, device=rotations.device)
    return rotations[..., list(MIRROR[:NUM_JOINTS]), :, :] * sign[:, None] * sign


def _on_plane(pixels: Tensor, K: Tensor) -> Tensor:
    """Pixels (B,T,N,2) on the camera's plane z = 1."""
    y = (pixels[..., 1] - K[:, None, None, 1, 2]) / K[:, None, None, 1, 1]
    x = (pixels[..., 0] - K[:, None, None, 0, 2] - K[:, None, None, 0, 1] * y) / K[:, None, None, 0, 0]
    return torch.stack([x, y], -1)


def _average(values: Tensor, weight: Tensor, sigma: float) -> Tensor:
    """Running mean (B,T,C) of values with weights (B,T); over the whole sequence where nothing near has any."""
    batch, frames, count = values.shape
    overall = (values * weight[..., None]).sum(1, keepdim=True) / weight.sum(1).clamp(min=1e-6)[:, None, None]
    if frames == 1:
        return overall
    reach = int(3 * sigma)
    kernel = torch.exp(-0.5 * (torch.arange(-reach, reach + 1, device=values.device) / sigma) ** 2)
    kernel = (kernel / kernel.sum()).to(values)[None, None]
    stacked = torch.cat([values * weight[..., None], weight[..., None]], -1).transpose(1, 2).reshape(-1, 1, frames)
    padded = functional.pad(stacked, (reach, reach), mode="replicate")
    smooth = functional.conv1d(padded, kernel).view(batch, count + 1, frames).transpose(1, 2)
    near = smooth[..., -1:]
    return (smooth[..., :-1] + 1e-4 * overall) / (near + 1e-4)


def _ray(middle: Tensor) -> Tensor:
    """The shortest turn (...,3,3) of the optical axis onto the ray through (x, y, 1)."""
    x, y = middle.unbind(-1)
    norm = (1 + x * x + y * y).sqrt()
    x, y, z = x / norm, y / norm, 1 / norm
    part = 1 / (1 + z)
    rows = [1 - x * x * part, -x * y * part, x, -x * y * part, 1 - y * y * part, y, -x, -y, z]
    return torch.stack(rows, -1).unflatten(-1, (3, 3))


@lru_cache(maxsize=8)
def _names(count: int) -> tuple[str, ...]:
    for names in KEYPOINT_SETS.values():
        if len(names) == count and set(_TORSO) <= set(names):
            return names
    raise InputError(f"No layout of a whole body has {count} keypoints: convert them to blazepose33 or coco17 first.")


@lru_cache(maxsize=8)
def _trunk(count: int) -> Tensor:
    return torch.tensor([1.0 if name in _TORSO else _REST_WEIGHT for name in _names(count)])


@lru_cache(maxsize=8)
def mirror_order(count: int) -> tuple[int, ...]:
    """For each point of a layout of ``count`` points, the index of its mirror image."""
    names = _names(count)
    other = [name.replace("left_", "right_") if "left_" in name else name.replace("right_", "left_") for name in names]
    return tuple(names.index(name) for name in other)
