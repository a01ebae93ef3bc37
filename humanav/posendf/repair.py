"""Mend poses with unknown damage: find the joints, restore those, leave the rest alone."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from humanav.posendf.checks import check_poses
from humanav.posendf.poses import MIRROR_OF
from humanav.posendf.project import STEP_SIZE, Field, project
from humanav.posendf.quaternions import canonical, slerp
from humanav.posendf.restorer import Restorer

ALARM = 0.8
"""Probability of damage that one joint of a pose must reach before anything in the pose is mended."""
THRESHOLD = 0.1
"""Probability of damage from which a joint of such a pose is mended."""
UNSEEN = 0.6
"""Share, in the answer, of the estimate made without looking at the damaged joints."""
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
    field: Field, quats: Tensor, *, alarm: float = ALARM, threshold: float = THRESHOLD, steps: int = STEPS,
    restorer: Restorer | None = None,
) -> Repair:
    """Mend swapped, twisted, frozen or missing limbs without being told which.

    A descent of the whole pose spreads the damage of one limb over all joints (each moves as far as the others), and
    a descent of the damaged joints alone stops at the first pose that looks real. The restorer, which has learned what
    such damage looks like, says which joints are damaged and what they were. Its answer is blended with the one that it
    gives when the damaged joints are hidden from it, except where a joint and its mirror image are both damaged: limbs
    that changed places still hold the truth. ``steps`` of descent of the mended joints bring them nearer to real poses,
    which leaves the error as it is or raises it a little, and is left out by default.

    Args:
        field: a :class:`~humanav.posendf.PoseNDF` or the like.
        quats: (B,21,4).
        alarm: probability of damage that the worst joint of a pose must reach for the pose to be mended; whole poses
            move less with a higher one.
        threshold: probability of damage from which a joint of such a pose is mended.
        steps: of the descent of the mended joints.
        restorer: by default the shipped one.

    Raises:
        InputError: poses that cannot be poses.
    """
    start = canonical(check_poses(quats, batch=True))
    network = restorer or Restorer.load()
    first = network.restore(start)
    damaged = (first.damage > threshold) & (first.damage.amax(1, keepdim=True) > alarm)
    blind = network.restore(start, ~damaged).quats
    mirror = torch.tensor(MIRROR_OF)
    both_sides = damaged & damaged[:, mirror] & (mirror != torch.arange(len(mirror)))
    share = torch.where(both_sides, 0.0, UNSEEN).to(start)[..., None]
    mended = torch.where(damaged[..., None], slerp(first.quats, blind, share), quats)
    if steps:
        mended = project(field, mended, steps, STEP_SIZE, fixed=~damaged).quats
    with torch.no_grad():
        return Repair(mended, damaged, field(mended.float()).to(start.dtype))
