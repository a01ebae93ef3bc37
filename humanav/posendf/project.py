"""Bring poses onto the manifold: steps along the great circles of each joint's rotation, downhill in the distance.

The step is NRDF's (CVPR 2024, section 3.3): the gradient in each joint's tangent space, brought to length one, times
step size times distance. Because the gradient lies at right angles to the quaternion, moving along the geodesic is
``q cos(a) - g sin(a)`` in the four numbers themselves, the same as ``q exp(-a v)`` with the body-frame tangent ``v``.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import torch
from torch import Tensor

from humanav.errors import InputError
from humanav.posendf.checks import check_mask, check_poses
from humanav.posendf.quaternions import canonical

STEPS = 100
STEP_SIZE = 0.05
_ENOUGH = 1e-4
"""Distance (rad) below which further steps move nothing that could be seen."""


class Field(Protocol):
    """What the tasks need of a distance field."""

    def __call__(self, quats: Tensor) -> Tensor:
        """Distance (B,) in radians of poses (B,21,4)."""

    def value_and_gradient(self, quats: Tensor) -> tuple[Tensor, Tensor]:
        """Distance (B,) and its gradient (B,21,4), at right angles to each quaternion."""


@dataclass(frozen=True)
class Projection:
    """Poses after a descent.

    Attributes:
        quats: (B,21,4); canonical but for fixed joints.
        distance: (B,) radians, the field's value at ``quats``.
        path: (steps+1,B,21,4) from the start to the end when it was asked for, else None.
    """

    quats: Tensor
    distance: Tensor
    path: Tensor | None = None


def project(
    field: Field, quats: Tensor, steps: int = STEPS, step_size: float = STEP_SIZE, *, fixed: Tensor | None = None,
    keep_path: bool = False,
) -> Projection:
    """Descend to the manifold.

    The field falls about as ``(1 - step_size) ** steps``. Of all poses on the way the one with the least distance is
    returned, so the result is never farther than the start; where a step does not help, the next ones are shorter. A
    pose on the manifold stays where it is.

    Args:
        field: a :class:`~humanav.posendf.PoseNDF` or the like.
        quats: (B,21,4) or (21,4) poses.
        steps: at most; fewer when all poses have arrived.
        step_size: share of the distance per step.
        fixed: (B,21) or (21,) bool: joints that keep their rotation to the bit.
        keep_path: return every pose on the way.

    Raises:
        InputError: poses that cannot be poses (see :func:`~humanav.posendf.checks.check_poses`), or a step size outside
            (0, 1].
    """
    if not 0 < step_size <= 1 or steps < 0:
        raise InputError(f"Projection needs a step size in (0, 1] and no negative number of steps, not {step_size} and "
                         f"{steps}.")
    single = quats.ndim == 2
    given = check_poses(quats[None] if single else quats, batch=True)
    start = canonical(given)
    free = None if fixed is None else ~check_mask(fixed, start, "fixed")
    best, distance, path = _descend(field, start, steps, step_size, free, keep_path)
    if free is not None:
        best = torch.where(free[..., None], best, given)
    if single:
        best, distance = best[0], distance[0]
    return Projection(best, distance.to(quats.dtype), path)


@torch.no_grad()
def _descend(field: Field, start: Tensor, steps: int, step_size: float, free: Tensor | None, keep_path: bool
             ) -> tuple[Tensor, Tensor, Tensor | None]:
    """The loop, with as few tensor operations as it can do with: at batch 1 they are what costs."""
    q = start.float()
    moves = None if free is None else free[..., None].to(q)
    path = [start] if keep_path else []
    value, gradient = field.value_and_gradient(q)
    best, least = q, value
    rate = torch.full_like(value, step_size)
    for step in range(steps):
        if step % 5 == 0 and float(least.max() if len(least) else 0) < _ENOUGH:
            break
        angle = (rate * value)[:, None, None]
        if moves is not None:
            angle = angle * moves
        direction = gradient / gradient.norm(dim=-1, keepdim=True).clamp_min(1e-12)
        # the field normalises what it is given, so rounding does not build up here
        q = torch.addcmul(q * angle.cos(), direction, angle.sin(), value=-1)
        value, gradient = field.value_and_gradient(q)
        better = value < least
        best, least = torch.where(better[:, None, None], q, best), torch.where(better, value, least)
        rate = torch.where(better, rate, 0.7 * rate)
        if keep_path:
            path.append(canonical(best).to(start.dtype))
    whole = torch.stack(path) if keep_path else None
    return canonical(best).to(start.dtype), least, whole
