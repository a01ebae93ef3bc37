"""Unit quaternions of the body's joints, real part first (w,x,y,z) and w >= 0.

``q`` and ``-q`` are one rotation, so every quaternion is brought to w >= 0 before a network sees it (without that the
original Pose-NDF does not work). Angles called *half angles* are those between quaternions, half of the rotation's.
All functions take torch tensors of any leading shape and keep their dtype.
"""

from __future__ import annotations

import torch
from torch import Tensor

NUM_JOINTS = 21
"""Body joints without the pelvis: joints 1 to 21 of the SMPL-X tree."""


def canonical(quats: Tensor) -> Tensor:
    """Normalised, with w >= 0. The zero quaternion becomes the identity."""
    norm = quats.norm(dim=-1, keepdim=True)
    identity = torch.zeros_like(quats)
    identity[..., 0] = 1.0
    unit = torch.where(norm > 1e-12, quats / norm.clamp_min(1e-12), identity)
    return torch.where(unit[..., :1] < 0, -unit, unit)


def axis_angle_to_quats(axis_angle: Tensor) -> Tensor:
    """Rotation vectors (...,3) in radians to quaternions (...,4)."""
    half = 0.5 * axis_angle.norm(dim=-1, keepdim=True)
    # torch.sinc(x) = sin(pi x) / (pi x), smooth at zero
    return canonical(torch.cat([half.cos(), 0.5 * torch.sinc(half / torch.pi) * axis_angle], dim=-1))


def quats_to_axis_angle(quats: Tensor) -> Tensor:
    """Quaternions (...,4) to rotation vectors (...,3) of at most pi."""
    q = canonical(quats)
    sine = q[..., 1:].norm(dim=-1, keepdim=True)
    angle = 2 * torch.atan2(sine, q[..., :1])
    return q[..., 1:] * torch.where(sine > 1e-7, angle / sine.clamp_min(1e-12), torch.full_like(sine, 2.0))


def quats_to_matrix(quats: Tensor) -> Tensor:
    """Unit quaternions (...,4) to rotation matrices (...,3,3)."""
    w, x, y, z = quats.unbind(-1)
    return torch.stack([
        1 - 2 * (y * y + z * z), 2 * (x * y - w * z), 2 * (x * z + w * y),
        2 * (x * y + w * z), 1 - 2 * (x * x + z * z), 2 * (y * z - w * x),
        2 * (x * z - w * y), 2 * (y * z + w * x), 1 - 2 * (x * x + y * y)], dim=-1).unflatten(-1, (3, 3))


def multiply(a: Tensor, b: Tensor) -> Tensor:
    """Hamilton product a b: first rotate by b, then by a. The sign is not changed."""
    aw, ax, ay, az = a.unbind(-1)
    bw, bx, by, bz = b.unbind(-1)
    return torch.stack([
        aw * bw - ax * bx - ay * by - az * bz, aw * bx + ax * bw + ay * bz - az * by,
        aw * by - ax * bz + ay * bw + az * bx, aw * bz + ax * by - ay * bx + az * bw], dim=-1)


def conjugate(quats: Tensor) -> Tensor:
    """The inverse rotation."""
    return torch.cat([quats[..., :1], -quats[..., 1:]], dim=-1)


def exponential(half_angles: Tensor) -> Tensor:
    """Tangent vectors (...,3), whose length is the half angle, to quaternions: ``[cos|v|, sin|v| v/|v|]``."""
    size = half_angles.norm(dim=-1, keepdim=True)
    return torch.cat([size.cos(), torch.sinc(size / torch.pi) * half_angles], dim=-1)


def logarithm(quats: Tensor) -> Tensor:
    """Inverse of :func:`exponential` for canonical quaternions: half of :func:`quats_to_axis_angle`."""
    return 0.5 * quats_to_axis_angle(quats)


def tangent(quats: Tensor, gradient: Tensor) -> Tensor:
    """A Euclidean gradient (...,4) at ``quats`` as a body-frame tangent vector (...,3): Im(conj(q) g).

    Moving along it is ``multiply(q, exponential(step * v))``.
    """
    return multiply(conjugate(quats), gradient)[..., 1:]


def half_angle(a: Tensor, b: Tensor) -> Tensor:
    """arccos|<a,b>| (...) of each pair of quaternions, computed so that it is exact near zero."""
    dot = (a * b).sum(-1)
    chord = (a - torch.where(dot < 0, -1.0, 1.0).to(b.dtype).unsqueeze(-1) * b).norm(dim=-1)
    return 2 * torch.asin((0.5 * chord).clamp(max=1.0))


def pose_distance(a: Tensor, b: Tensor) -> Tensor:
    """Distance (...) between poses (...,21,4): the mean half angle of the joints in radians (NRDF, section 3)."""
    return half_angle(a, b).mean(-1)


def slerp(a: Tensor, b: Tensor, part: Tensor | float) -> Tensor:
    """The rotation at ``part`` (0..1) of the shorter way from ``a`` to ``b``; ``part`` broadcasts against (...,1)."""
    return canonical(multiply(a, exponential(part * logarithm(multiply(conjugate(a), b)))))
