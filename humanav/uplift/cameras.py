"""Random cameras for training: the picture's size, focal length, view, distance, place in the picture, hand-held drift.

The person is seen from every side; pitch is mostly within 12 degrees of level, with a tenth of high and low views; roll
is a few degrees, the focal length log-uniform in 0.7 to 2.2 of the picture's longer side, and the person's box 25 to
95 % of the picture and anywhere in it; some views crop it.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import roma
import torch
from torch import Tensor

SIZES = ((1920, 1080), (1280, 720), (640, 480), (1080, 1920), (720, 1280), (480, 640), (768, 768), (1024, 768))
_SIZE_ODDS = (0.24, 0.16, 0.1, 0.16, 0.1, 0.08, 0.08, 0.08)
_FLIP = torch.diag(torch.tensor([1.0, -1.0, -1.0]))


@dataclass(frozen=True)
class CameraDraw:
    """Cameras of B clips of T frames, apart from where they stand.

    Attributes:
        K: (B,3,3) intrinsics, pixels.
        size: (B,2) width and height, pixels.
        rotation: (B,T,3,3) world (y up) to camera axes.
        sway: (B,T,3) metres, along the camera's axes, by which the hand that holds the camera moves.
        share: (B,) how much of the picture the person's box fills.
        place: (B,2) where in the room that is left, 0..1 to the right and down.
        follow: (B,) part of the person's wandering that the camera follows, 0 a tripod, 1 always beside.
    """

    K: Tensor
    size: Tensor
    rotation: Tensor
    sway: Tensor
    share: Tensor
    place: Tensor
    follow: Tensor


def draw_cameras(count: int, frames: int, generator: torch.Generator, cropped: float = 0.15) -> CameraDraw:
    """Random cameras; see the module's description. ``cropped`` is the share of those too near to show everything."""
    def uniform(low: float, high: float, *shape: int) -> Tensor:
        return low + (high - low) * torch.rand(count, *shape, generator=generator)

    def normal(scale: float, *shape: int) -> Tensor:
        return scale * torch.randn(count, *shape, generator=generator)

    odds = torch.tensor(_SIZE_ODDS)
    size = torch.tensor(SIZES, dtype=torch.float32)[torch.multinomial(odds, count, True, generator=generator)]
    longer = size.amax(1)
    focal = longer * uniform(math.log(0.7), math.log(2.2)).exp()
    K = torch.zeros(count, 3, 3)
    K[:, 0, 0] = K[:, 1, 1] = focal
    K[:, :2, 2] = size / 2 + longer[:, None] * normal(0.01, 2)
    K[:, 2, 2] = 1
    steep = uniform(0, 1) < 0.1
    pitch = torch.where(steep, uniform(-40, 60), normal(12))
    shaky = (uniform(0, 1) < 0.4).float() * uniform(0.2, 1.0)
    drift = smooth_walk(count, frames, 6, generator) * shaky[:, None, None]
    angles = torch.stack([pitch, uniform(0, 360), normal(4)], 1)[:, None] + drift[..., :3] * 2.5
    rotation = _FLIP @ view_rotation(*angles.deg2rad().unbind(-1))
    share = torch.where(uniform(0, 1) < cropped, uniform(0.95, 1.8), uniform(0.25, 0.95))
    follow = torch.where(uniform(0, 1) < 0.5, torch.zeros(count), uniform(0.7, 1.0))
    return CameraDraw(K, size, rotation, drift[..., 3:] * 0.04, share, uniform(0, 1, 2), follow)


def view_rotation(pitch: Tensor, yaw: Tensor, roll: Tensor) -> Tensor:
    """(...,3,3) from angles in radians, still y up: turn by yaw, then tilt (positive looks down), then roll."""
    def turn(axis: int, angle: Tensor) -> Tensor:
        vector = torch.zeros(*angle.shape, 3)
        vector[..., axis] = angle
        return roma.rotvec_to_rotmat(vector)

    return turn(2, roll) @ turn(0, pitch) @ turn(1, yaw)


def smooth_walk(count: int, frames: int, channels: int, generator: torch.Generator, every: int = 16) -> Tensor:
    """(count, frames, channels) smooth random curves of unit size: normals every ``every`` frames, eased between."""
    knots = frames // every + 2
    values = torch.randn(count, knots, channels, generator=generator)
    time = torch.arange(frames) / every
    start = time.long()
    blend = (time - start)[None, :, None]
    blend = blend * blend * (3 - 2 * blend)
    return values[:, start] * (1 - blend) + values[:, start + 1] * blend


def place_person(points: Tensor, camera: CameraDraw, stature: Tensor) -> Tensor:
    """Where the world's origin goes so that the person is seen as the camera's draw says.

    Args:
        points: (B,T,N,3) landmarks of the person about the world's origin, along the camera's axes, metres.
        camera: of B clips.
        stature: (B,) metres.

    Returns:
        (B,3) metres in the camera's frame, to be added to the points: they are all at least half a metre in front.
    """
    low, high = points.amin((1, 2)), points.amax((1, 2))
    extent = torch.maximum((high - low)[:, :2], 0.45 * stature[:, None])
    focal = camera.K[:, 0, 0]
    # a perspective picture of a deep box is taller than that of a flat one at the middle's distance
    depth = (focal[:, None] * extent / (camera.share[:, None] * camera.size)).amax(1) + 0.25 * (high - low)[:, 2]
    middle = (low + high) / 2
    depth = torch.maximum(depth, 0.5 + (middle - low)[:, 2])
    half = focal[:, None] * extent / depth[:, None] / 2
    room = (camera.size - 2 * half).clamp_min(0)
    # who does not fit is cut at the feet or at a side: detectors lose people without a head
    beyond = (2 * half - camera.size).clamp_min(0)
    shift = torch.stack([camera.place[:, 0] - 0.5, 0.5 * camera.place[:, 1] + 0.1], 1)
    spot = torch.where(room > 0, half + room * camera.place, camera.size / 2 + shift * beyond)
    ray = (spot - camera.K[:, :2, 2]) / focal[:, None]
    return torch.cat([ray * depth[:, None], depth[:, None]], 1) - middle


def project(points: Tensor, K: Tensor) -> Tensor:
    """Camera-frame points (B,...,3) to pixels (B,...,2) by intrinsics (B,3,3); depths below 0.1 m count as that."""
    flat = points[..., :2] / points[..., 2:].clamp_min(0.1)
    K = K.view(len(K), *(1,) * (points.dim() - 2), 3, 3)
    return flat * K[..., [0, 1], [0, 1]] + K[..., :2, 2]
