"""Which landmarks are hidden by the person's own body: rays against capsules about the bones."""

from __future__ import annotations

import torch
from torch import Tensor

from humanav.body.names import JOINT_INDEX

_CAPSULES = (
    ("pelvis", "spine2", 0.11), ("spine2", "neck", 0.11), ("left_hip", "left_shoulder", 0.075),
    ("right_hip", "right_shoulder", 0.075), ("neck", "head", 0.055), ("left_shoulder", "left_elbow", 0.045),
    ("right_shoulder", "right_elbow", 0.045), ("left_elbow", "left_wrist", 0.035),
    ("right_elbow", "right_wrist", 0.035), ("left_hip", "left_knee", 0.07), ("right_hip", "right_knee", 0.07),
    ("left_knee", "left_ankle", 0.048), ("right_knee", "right_ankle", 0.048),
)
_START = [JOINT_INDEX[a] for a, _, _ in _CAPSULES]
_END = [JOINT_INDEX[b] for _, b, _ in _CAPSULES]
_RADII = [radius for *_, radius in _CAPSULES]
_SKULL = 0.085  # metres, about a point this far beyond the head's joint along the neck
_SKULL_UP = 0.65


def hidden(points: Tensor, joints: Tensor, flesh: Tensor) -> Tensor:
    """(B,T,K) bool: whether the body's surface is nearer to the camera than a landmark by more than its flesh.

    Args:
        points: (B,T,K,3) landmarks in the camera's frame, metres, in front of it.
        joints: (B,T,22,3) the body's joints in the same frame.
        flesh: (K,) metres of the body's own surface to expect in front of each landmark.
    """
    head, neck = joints[:, :, JOINT_INDEX["head"]], joints[:, :, JOINT_INDEX["neck"]]
    skull = (head + _SKULL_UP * (head - neck)).unsqueeze(2)
    start, end = torch.cat([joints[:, :, _START], skull], 2), torch.cat([joints[:, :, _END], skull], 2)
    radius = start.new_tensor([*_RADII, _SKULL])
    # everything on the plane at depth 1: the ray is a point, a bone a segment
    a, b = (x[..., :2] / x[..., 2:].clamp_min(0.1) for x in (start, end))
    along = b - a
    p = points[..., :2] / points[..., 2:].clamp_min(0.1)
    px, py = p[..., :1] - a[:, :, None, :, 0], p[..., 1:] - a[:, :, None, :, 1]
    ax, ay = along[:, :, None, :, 0], along[:, :, None, :, 1]
    share = ((px * ax + py * ay) / (ax * ax + ay * ay + 1e-9)).clamp(0, 1)
    depth = start[..., 2][:, :, None] + share * (end - start)[..., 2][:, :, None]
    off = (px - share * ax).square_().add_((py - share * ay).square_()) * depth.square()
    bulge = (radius * radius - off).clamp_min_(0)
    front = depth - bulge.sqrt()
    return ((bulge > 0) & (front < (points[..., 2] - flesh)[..., None])).any(-1)
