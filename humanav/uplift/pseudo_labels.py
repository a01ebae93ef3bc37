"""Inverse kinematics of many frames at once: rotations for joint positions, for training without true rotations.

Joint positions say nothing of how a limb is twisted about itself and little of how the spine shares its bend; the pose
prior's mean and covariance of captured poses say the rest. Bones start along the joints, in closed form; a few steps of
Levenberg-Marquardt on the rotations' own tangent space then trade the joints against the prior.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache

import numpy as np
import roma
import torch
from torch import Tensor

from humanav.body.names import JOINT_NAMES, PARENTS
from humanav.errors import InputError
from humanav.uplift.skeleton import NUM_JOINTS, UpliftBody

BODY = JOINT_NAMES[:NUM_JOINTS]

SIGMA = 0.003
"""Metres by which joints may miss for one standard deviation of the prior."""

STEPS = 8
_CHILDREN = tuple(tuple(j for j in range(1, NUM_JOINTS) if PARENTS[j] == joint) for joint in range(NUM_JOINTS))
_CHUNK = 2048


@torch.no_grad()
def joints_to_rotations(
    joints: Tensor, betas: Tensor, skeleton: UpliftBody | None = None, *, names: Sequence[str] = BODY,
    sigma: float = SIGMA, steps: int = STEPS,
) -> Tensor:
    """Rotations whose posed joints lie where they are wanted, twisted as people mostly are.

    Args:
        joints: (...,J,3) metres, in any upright or tilted frame; only differences between them count.
        betas: (...,B) shape, broadcast against the leading axes of ``joints``; :func:`bone_betas` estimates it.
        skeleton: the body.
        names: of the J joints: all 22, or some of them (hips, knees, ankles, shoulders, elbows and wrists at least).
        sigma: metres; larger values trust the joints less.
        steps: of the solver.

    Returns:
        (...,22,3,3) parent-relative rotations, the root first, in the joints' frame.

    Raises:
        InputError: unknown or missing names, a wrong shape, or joints that are not finite.
    """
    wanted = _find(names)
    if joints.shape[-2:] != (len(wanted), 3):
        raise InputError(f"Joints of shape {tuple(joints.shape)} do not fit {len(wanted)} names.")
    if not torch.isfinite(joints).all():
        raise InputError("The joints hold NaN or infinite numbers: leave those frames out first.")
    skeleton = UpliftBody() if skeleton is None else skeleton
    lead = joints.shape[:-2]
    flat = joints.reshape(-1, len(wanted), 3).float()
    shape = betas.float().expand(*lead, betas.shape[-1]).reshape(-1, betas.shape[-1])
    done = [_solve(some, skeleton.rest(which), wanted, sigma, steps)
            for some, which in zip(flat.split(_CHUNK), shape.split(_CHUNK), strict=True)]
    return torch.cat(done).reshape(*lead, NUM_JOINTS, 3, 3)


@torch.no_grad()
def bone_betas(joints: Tensor, skeleton: UpliftBody | None = None, *, names: Sequence[str] = BODY,
               num_betas: int = 10) -> Tensor:
    """The shape (B,) whose bones are as long as those of a person's joints (T,J,3), by ridge regression.

    Bones between joints that are both named count, by the median of their lengths over the frames.
    """
    skeleton = UpliftBody() if skeleton is None else skeleton
    wanted = _find(names)
    place = {joint: at for at, joint in enumerate(wanted)}
    bones = [(joint, PARENTS[joint]) for joint in wanted if PARENTS[joint] in place and PARENTS[joint] > 0]
    child, up = [c for c, _ in bones], [p for _, p in bones]
    lengths = (joints[:, [place[c] for c in child]] - joints[:, [place[p] for p in up]]).norm(dim=-1).median(0).values
    betas = torch.zeros(num_betas)
    for _ in range(4):
        def measured(values: Tensor) -> Tensor:
            rest = skeleton.rest(values)
            return (rest[child] - rest[up]).norm(dim=-1)

        slope = torch.func.jacfwd(measured)(betas)
        precision = slope.T @ slope / 0.005**2 + torch.eye(num_betas)
        betas = betas + torch.linalg.solve(precision, slope.T @ (lengths - measured(betas)) / 0.005**2 - betas)
    return betas


def _solve(target: Tensor, rest: Tensor, wanted: list[int], sigma: float, steps: int) -> Tensor:
    """Rotations (N,22,3,3) for joints (N,J,3) and rest joints (N,22,3)."""
    rotations = _along_bones(target, rest, wanted)
    mean, precision = _prior()
    target = target - target.mean(1, keepdim=True)  # where the body stands is free
    damping = torch.full((len(target), 1), 1e-2)
    cost, gradient, curvature = _normal_equations(rotations, target, rest, wanted, sigma, mean, precision)
    for _ in range(steps):
        lifted = curvature + torch.diag_embed(damping * curvature.diagonal(dim1=-2, dim2=-1))
        step = torch.linalg.solve(lifted, -gradient).unflatten(-1, (NUM_JOINTS, 3))
        step = step * (0.7 / step.norm(dim=-1, keepdim=True).clamp(min=0.7)).amin(1, keepdim=True)
        trial = rotations @ roma.rotvec_to_rotmat(step)
        new = _normal_equations(trial, target, rest, wanted, sigma, mean, precision)
        better = new[0] < cost
        rotations = torch.where(better[:, None, None, None], trial, rotations)
        cost = torch.where(better, new[0], cost)
        gradient = torch.where(better[:, None], new[1], gradient)
        curvature = torch.where(better[:, None, None], new[2], curvature)
        damping = torch.where(better[:, None], damping / 4, damping * 6).clamp(1e-6, 1e4)
    return rotations


def _normal_equations(
    rotations: Tensor, target: Tensor, rest: Tensor, wanted: list[int], sigma: float, mean: Tensor, precision: Tensor
) -> tuple[Tensor, Tensor, Tensor]:
    """Cost (N), gradient (N,66) and curvature (N,66,66) by a turn of each joint in its own frame."""
    turned, places = _pose(rotations, rest)
    points = places[:, wanted]
    miss = points - points.mean(1, keepdim=True) - target
    lever = (points[:, None] - places[:, :, None]) * _below()[:, wanted, None]  # (N, joint, point, 3)
    # d p = (G e_a) x lever, for each axis a of the joint's frame
    columns = torch.linalg.cross(turned.mT[:, :, None].expand(-1, -1, len(wanted), -1, -1),
                                 lever[:, :, :, None].expand(-1, -1, -1, 3, -1), dim=-1)
    columns = columns - columns.mean(2, keepdim=True)
    rows = columns.permute(0, 2, 4, 1, 3).flatten(3).flatten(1, 2) / sigma  # (N, 3J, 66)
    residual = miss.flatten(1) / sigma
    vectors = roma.rotmat_to_rotvec(rotations[:, 1:])
    blocks = _log_derivative(vectors)
    away = vectors.flatten(1) - mean
    pull = away @ precision
    cost = 0.5 * residual.square().sum(-1) + 0.5 * (away * pull).sum(-1)
    gradient = (rows.mT @ residual.unsqueeze(-1)).squeeze(-1)
    curvature = rows.mT @ rows
    gradient[:, 3:] += (blocks.mT @ pull.unflatten(-1, (-1, 3, 1))).flatten(1)
    bent = torch.einsum("nika,ikjl,njlb->niajb", blocks, precision.unflatten(0, (-1, 3)).unflatten(2, (-1, 3)), blocks)
    curvature[:, 3:, 3:] += bent.flatten(3).flatten(1, 2)
    return cost, gradient, curvature


def _pose(rotations: Tensor, rest: Tensor) -> tuple[Tensor, Tensor]:
    """Global rotations (N,22,3,3) and joints (N,22,3), the pelvis at the origin."""
    turned, places = [rotations[:, 0]], [torch.zeros_like(rest[:, 0])]
    for joint in range(1, NUM_JOINTS):
        up = PARENTS[joint]
        turned.append(turned[up] @ rotations[:, joint])
        bone = rest[:, joint] - rest[:, up]
        places.append(places[up] + (turned[up] @ bone.unsqueeze(-1)).squeeze(-1))
    return torch.stack(turned, 1), torch.stack(places, 1)


def _along_bones(target: Tensor, rest: Tensor, wanted: list[int]) -> Tensor:
    """A start: each joint turned so that what hangs on it points where it should, with the least turn on the way."""
    place = {joint: at for at, joint in enumerate(wanted)}
    trunk = [place[j] for j in (1, 2, 16, 17)]  # hips and shoulders
    shape = rest[:, [1, 2, 16, 17]]
    turned = {0: _align(shape - shape.mean(1, keepdim=True), target[:, trunk] - target[:, trunk].mean(1, keepdim=True))}
    rotations = [turned[0]]
    eye = torch.eye(3).expand(len(target), 3, 3)
    for joint in range(1, NUM_JOINTS):
        local, up = eye, turned[PARENTS[joint]]
        next_ones = [c for c in _CHILDREN[joint] if c in place]
        if joint in place and len(next_ones) == 1:
            bone = rest[:, next_ones[0]] - rest[:, joint]
            seen = target[:, place[next_ones[0]]] - target[:, place[joint]]
            local = _least_turn(bone, (up.mT @ seen.unsqueeze(-1)).squeeze(-1))
        rotations.append(local)
        turned[joint] = up @ local
    return torch.stack(rotations, 1)


def _align(a: Tensor, b: Tensor) -> Tensor:
    """The rotation (N,3,3) that best takes points (N,P,3) to others."""
    return roma.special_procrustes(b.mT @ a)


def _least_turn(a: Tensor, b: Tensor) -> Tensor:
    """The smallest rotation (N,3,3) that takes directions (N,3) to others."""
    a = a / a.norm(dim=-1, keepdim=True).clamp(min=1e-9)
    b = b / b.norm(dim=-1, keepdim=True).clamp(min=1e-9)
    axis, cosine = torch.linalg.cross(a, b), (a * b).sum(-1, keepdim=True)
    sine = axis.norm(dim=-1, keepdim=True)
    return roma.rotvec_to_rotmat(axis / sine.clamp(min=1e-9) * torch.atan2(sine, cosine))


def _log_derivative(vectors: Tensor) -> Tensor:
    """d log(R exp(d)) / dd at d = 0 for R = exp(vectors) (...,3): (...,3,3)."""
    angle = vectors.norm(dim=-1)[..., None, None]
    small = angle < 1e-2
    safe = torch.where(small, torch.ones_like(angle), angle)
    cross = _cross(vectors)
    factor = torch.where(small, torch.full_like(angle, 1 / 12), 1 / safe**2 - 1 / (2 * safe * torch.tan(safe / 2)))
    return torch.eye(3) + 0.5 * cross + factor * (cross @ cross)


def _cross(v: Tensor) -> Tensor:
    x, y, z = v.unbind(-1)
    zero = torch.zeros_like(x)
    return torch.stack([zero, -z, y, z, zero, -x, -y, x, zero], -1).unflatten(-1, (3, 3))


@lru_cache(maxsize=1)
def _below() -> Tensor:
    """(22,22), 1 where the column's joint hangs on the row's, not on itself."""
    below = torch.zeros(NUM_JOINTS, NUM_JOINTS)
    for joint in range(1, NUM_JOINTS):
        up = PARENTS[joint]
        while up >= 0:
            below[up, joint] = 1
            up = PARENTS[up]
    return below


@lru_cache(maxsize=1)
def _prior() -> tuple[Tensor, Tensor]:
    """Mean (63,) and precision (63,63) of the rotation vectors of captured poses: the mixture's overall moments."""
    from humanav.fit.prior import PosePrior

    prior = PosePrior.load()
    means, spread = prior.means[:, :63], np.linalg.inv(prior.precisions)[:, :63, :63]
    mean = prior.weights @ means
    away = means - mean
    total = np.einsum("m,mij->ij", prior.weights, spread + away[:, :, None] * away[:, None])
    return torch.tensor(mean, dtype=torch.float32), torch.tensor(np.linalg.inv(total), dtype=torch.float32)


def _find(names: Sequence[str]) -> list[int]:
    unknown = [name for name in names if name not in BODY]
    needed = [f"{side}_{part}" for part in ("hip", "knee", "ankle", "shoulder", "elbow", "wrist")
              for side in ("left", "right")]
    missing = [name for name in needed if name not in names]
    if unknown or missing or len(set(names)) != len(names):
        what = f"there is no body joint {unknown[0]!r}" if unknown else (
            f"{missing[0]} is missing" if missing else "a name comes twice")
        raise InputError(f"Rotations cannot be found for these joints: {what}. Give SMPL-X joint names.")
    return [BODY.index(name) for name in names]
