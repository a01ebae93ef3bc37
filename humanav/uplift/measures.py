"""How far estimated poses lie from the true ones: positions in millimetres, rotations in degrees, many frames at once.

Everything takes tensors with any leading axes; poses are (...,22,3,3) rotations, the root in the camera's frame and
the other 21 relative to their parents, and (...,J,3) joints in metres. Definitions follow the protocol of Ludwig et al.
(CVsports 2025): positions are root-aligned and averaged over all joints, the pelvis (always 0) included; angles are
geodesic. Scored positions come from the rotations by forward kinematics, never from a head that predicts positions.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import NamedTuple

import torch
from torch import Tensor

from humanav.body.names import JOINT_INDEX, JOINT_NAMES, PARENTS

BODY_JOINTS = 22
HINGES: tuple[tuple[str, int, int, int], ...] = tuple(
    (f"{side}_{middle}", JOINT_INDEX[f"{side}_{upper}"], JOINT_INDEX[f"{side}_{middle}"],
     JOINT_INDEX[f"{side}_{lower}"])
    for upper, middle, lower in (("shoulder", "elbow", "wrist"), ("hip", "knee", "ankle"))
    for side in ("left", "right"))
"""Elbows and knees: name, and the joints above, at and below the bend."""
PCK_MM = 150.0


class Errors(NamedTuple):
    """Errors of N frames; millimetres and degrees.

    Attributes:
        position: (N,J) distances with the pelvis on the pelvis (MPJPE).
        scaled: (N,J) after one scale factor per frame too (N-MPJPE).
        aligned: (N,J) after the best similarity of the frame (PA-MPJPE).
        local: (N,22) angles of the parent-relative rotations, and of the root in the camera's frame (MPJAE-local).
        turned: (N,22) angles of the global rotations in the camera's frame (MPJAE-global).
        bend: (N,4) difference of the angle between the two bones of each elbow and knee, in the order of ``HINGES``.
        acceleration: (M,J) distance of the second differences of positions, millimetres per frame squared.
    """

    position: Tensor
    scaled: Tensor
    aligned: Tensor
    local: Tensor
    turned: Tensor
    bend: Tensor
    acceleration: Tensor

    @property
    def frames(self) -> int:
        """How many."""
        return len(self.position)

    @classmethod
    def join(cls, parts: Sequence[Errors]) -> Errors:
        """All frames of several."""
        return cls._make(torch.cat(column) for column in zip(*parts, strict=True))

    def take(self, frames: Tensor) -> Errors:
        """Some frames (a mask (N,) or indices); accelerations, which belong to no single frame, are left out."""
        return Errors._make([*(column[frames] for column in self[:-1]), self.acceleration[:0]])

    def summary(self) -> dict[str, float]:
        """Means over frames and joints. A number that these frames do not have (acceleration of stills) is left out."""
        numbers = {
            "mpjpe_mm": self.position, "n_mpjpe_mm": self.scaled, "pa_mpjpe_mm": self.aligned,
            "mpjae_deg": self.local, "mpjae_body_deg": self.local[:, 1:], "root_deg": self.local[:, 0],
            "mpjae_global_deg": self.turned, "mpjae_global_body_deg": self.turned[:, 1:],
            "elbow_knee_deg": self.bend, "accel_mm": self.acceleration,
            "pck150": 100 * (self.position <= PCK_MM).float()}
        return {name: float(values.double().mean()) for name, values in numbers.items() if values.numel()}

    def per_joint(self) -> dict[str, dict[str, float]]:
        """A row for each of the 22 joints: distance, distance after alignment, local and global angle."""
        columns = {"position_mm": self.position, "aligned_mm": self.aligned, "local_deg": self.local,
                   "global_deg": self.turned}
        means = {name: values.double().mean(0)[:BODY_JOINTS].tolist() for name, values in columns.items()}
        return {JOINT_NAMES[joint]: {name: values[joint] for name, values in means.items()}
                for joint in range(BODY_JOINTS)}


def compare(rotations: Tensor, joints: Tensor, true_rotations: Tensor, true_joints: Tensor) -> Errors:
    """Errors of estimated clips.

    Args:
        rotations, true_rotations: (B,T,22,3,3), the root in the camera's frame.
        joints, true_joints: (B,T,J,3) metres along the camera's axes, the pelvis first; its place does not matter. The
            first 22 are the body's joints, further points may follow.

    Raises:
        ValueError: shapes differ.
    """
    if rotations.shape != true_rotations.shape or joints.shape != true_joints.shape:
        raise ValueError(f"Estimate and truth differ in shape: {tuple(rotations.shape)}, {tuple(joints.shape)} against "
                         f"{tuple(true_rotations.shape)}, {tuple(true_joints.shape)}.")
    a, b = (1000 * (points - points[..., :1, :]) for points in (joints, true_joints))
    second = [points[:, 2:] - 2 * points[:, 1:-1] + points[:, :-2] for points in (a, b)]
    return Errors(
        (a - b).norm(dim=-1).flatten(0, 1),
        (scaled(a, b) - b).norm(dim=-1).flatten(0, 1),
        (aligned(a, b) - b).norm(dim=-1).flatten(0, 1),
        angle_deg(rotations, true_rotations).flatten(0, 1),
        angle_deg(global_rotations(rotations), global_rotations(true_rotations)).flatten(0, 1),
        (bend_deg(a) - bend_deg(b)).abs().flatten(0, 1),
        (second[0] - second[1]).norm(dim=-1).flatten(0, 1))


def angle_deg(a: Tensor, b: Tensor) -> Tensor:
    """Geodesic angles (...) in degrees between rotations (...,3,3).

    From the chord ``|A - B|_F = 2 sqrt(2) sin(angle / 2)``, which stays exact near 0, where the arc cosine of the trace
    does not, and from the trace beyond a right angle.
    """
    half = ((a - b).flatten(-2).norm(dim=-1) / math.sqrt(8)).clamp(max=1)
    cosine = (((a * b).sum((-2, -1)) + 1) / 4).clamp(0, 1).sqrt()  # of half the angle
    return torch.rad2deg(2 * torch.atan2(half, cosine))


def global_rotations(rotations: Tensor) -> Tensor:
    """(...,22,3,3) rotations in the frame of the root's, from parent-relative ones."""
    turned = [rotations[..., 0, :, :]]
    for joint in range(1, rotations.shape[-3]):
        turned.append(turned[PARENTS[joint]] @ rotations[..., joint, :, :])
    return torch.stack(turned, dim=-3)


def scaled(points: Tensor, target: Tensor) -> Tensor:
    """Root-aligned points (...,J,3) times the factor per frame that brings them closest to ``target``."""
    across = (points * target).sum((-2, -1), keepdim=True)
    return across / points.square().sum((-2, -1), keepdim=True).clamp_min(1e-12) * points


def aligned(points: Tensor, target: Tensor) -> Tensor:
    """Points (...,J,3) moved onto ``target`` by the best similarity per frame, never mirrored (Umeyama 1991)."""
    a, b = points.double(), target.double()
    middle_a, middle_b = a.mean(-2, keepdim=True), b.mean(-2, keepdim=True)
    a, b = a - middle_a, b - middle_b
    u, s, vt = torch.linalg.svd(b.transpose(-1, -2) @ a)
    flip = torch.ones_like(s)
    flip[..., -1] = torch.where(torch.linalg.det(u @ vt) < 0, -1.0, 1.0)
    rotation = (u * flip[..., None, :]) @ vt
    factor = (s * flip).sum(-1) / a.square().sum((-2, -1)).clamp_min(1e-12)
    return (factor[..., None, None] * (a @ rotation.transpose(-1, -2)) + middle_b).to(points.dtype)


def bend_deg(joints: Tensor) -> Tensor:
    """(...,4) angle in degrees by which each elbow and knee is bent; 0 is straight."""
    above, at, below = (joints[..., [hinge[k] for hinge in HINGES], :] for k in (1, 2, 3))
    upper, lower = at - above, below - at
    return torch.rad2deg(torch.atan2(torch.linalg.cross(upper, lower).norm(dim=-1), (upper * lower).sum(-1)))
