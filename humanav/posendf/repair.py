"""Mend poses with unknown damage: find the joints, restore those, leave the rest alone."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from humanav.posendf.checks import check_poses
from humanav.posendf.project import STEP_SIZE, Field, project
from humanav.posendf.quaternions import canonical
from humanav.posendf.restorer import Restorer

THRESHOLD = 0.3
"""Probability of damage from which a joint is mended."""
STEPS = 0


@dataclass(frozen=True)
class Repair:
    """Mended poses.

    Attributes:
        quats: (B,21,4).
        damaged: (B,21) bool, the joints that were taken for damaged and mended; the others kept their numbers.
        distance: (B,) radians, the field's value after the repair.
    """

    quats: Tensor
    damaged: Tensor
    distance: Tensor


def repair(
    field: Field, quats: Tensor, *, threshold: float = THRESHOLD, steps: int = STEPS, restorer: Restorer | None = None
) -> Repair:
    """Mend swapped, twisted, frozen or missing limbs without being told which.

    A descent of the whole pose spreads the damage of one limb over all joints (each moves as far as the others), and
    a descent of the damaged joints alone stops at the first pose that looks real. The restorer, which has learned what
    such damage looks like, says which joints are damaged and what they were; ``steps`` of descent of those joints
    bring them nearer to real poses afterwards, which measures no better and is left out by default.

    Args:
        field: a :class:`~humanav.posendf.PoseNDF` or the like.
        quats: (B,21,4).
        threshold: probability of damage from which a joint is mended; lower mends more and moves whole joints more.
        steps: of the descent of the mended joints.
        restorer: by default the shipped one.

    Raises:
        InputError: poses that cannot be poses.
    """
    start = canonical(check_poses(quats, batch=True))
    restored = (restorer or Restorer.load()).restore(start)
    damaged = restored.damage > threshold
    mended = torch.where(damaged[..., None], restored.quats, quats)
    if steps:
        mended = project(field, mended, steps, STEP_SIZE, fixed=~damaged).quats
    with torch.no_grad():
        return Repair(mended, damaged, field(mended.float()).to(start.dtype))
