"""What the hidden joints of a pose are likely to be, given those that are seen."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from humanav.errors import InputError
from humanav.posendf.checks import check_mask, check_poses
from humanav.posendf.corrupt import LIMBS
from humanav.posendf.mixture import PoseMixture
from humanav.posendf.poses import INDEX
from humanav.posendf.project import STEP_SIZE, Field, project
from humanav.posendf.quaternions import NUM_JOINTS
from humanav.posendf.restorer import Restorer

STEPS = 0
SAMPLE_STEPS = 40


def complete(
    field: Field, quats: Tensor, known: Tensor, *, steps: int = STEPS, restorer: Restorer | None = None,
    samples: int = 0, seed: int = 0, mixture: PoseMixture | None = None,
) -> Tensor:
    """Fill the joints that are not known; the known ones keep their numbers.

    The restorer's estimate is the middle of the plausible poses and the best single answer. A descent of the hidden
    joints in the field (``steps`` above 0) makes it a sharper pose that is nearer to real ones, at the cost of a larger
    mean error, so the default leaves it out. With ``samples``, hidden joints are drawn from a mixture of Gaussians
    given the known ones and then descend, so that each sample is another plausible pose.

    Args:
        field: a :class:`~humanav.posendf.PoseNDF` or the like.
        quats: (B,21,4); what stands at hidden joints is not read and may be NaN.
        known: (B,21) or (21,) bool.
        steps: of the descent of the hidden joints.
        restorer, mixture: by default the shipped ones.
        samples: 0 for the one best answer, else how many plausible ones for each pose.
        seed: of the samples.

    Returns:
        (B,21,4), or (samples,B,21,4).

    Raises:
        InputError: known joints that cannot be poses, or a mask of another shape.
    """
    if quats.ndim != 3:
        check_poses(quats.nan_to_num(), batch=True)
    known = check_mask(known, quats, "known")
    seen = torch.where(known[..., None], quats, quats.new_tensor([1.0, 0, 0, 0]))
    check_poses(seen, batch=True)
    if samples < 0:
        raise InputError(f"{samples} samples cannot be drawn: give a number from 0 on.")
    if samples:
        generator = torch.Generator().manual_seed(seed)
        drawn = (mixture or PoseMixture.load()).conditional_samples(seen, known, samples, generator)
        flat, held = drawn.flatten(0, 1), known.repeat(samples, 1)
        return project(field, flat, steps or SAMPLE_STEPS, STEP_SIZE, fixed=held).quats.view_as(drawn)
    filled = torch.where(known[..., None], seen, (restorer or Restorer.load()).restore(seen, known).quats)
    if steps:
        filled = project(field, filled, steps, STEP_SIZE, fixed=known).quats
    return filled


def joints_of(names: Sequence[str]) -> Tensor:
    """(21,) bool: the joints of limbs ("left_arm", "spine") and joints ("left_elbow") with these names.

    Raises:
        InputError: an unknown name, or none.
    """
    chosen = torch.zeros(NUM_JOINTS, dtype=torch.bool)
    for name in names:
        if name not in LIMBS and name not in INDEX:
            raise InputError(f"There is no limb or joint {name!r}: use {', '.join(LIMBS)}, or a joint of "
                             f"{', '.join(INDEX)}.")
        chosen[list(LIMBS[name]) if name in LIMBS else [INDEX[name]]] = True
    if not names:
        raise InputError(f"Say what is hidden: one or more of {', '.join(LIMBS)}, or a joint's name.")
    return chosen
