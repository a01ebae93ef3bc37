"""What is wrong with an array that should hold poses, in one sentence."""

from __future__ import annotations

import torch
from torch import Tensor

from humanav.errors import InputError
from humanav.posendf.quaternions import NUM_JOINTS

_MISORDERED = 0.75
"""Mean magnitude from which a component must be the real part: body joints turn by far less than 90 degrees on
average, so their w is near 1. Random rotations have 0.42 in every component."""


def check_poses(quats: Tensor, what: str = "The poses", *, batch: bool = False) -> Tensor:
    """``quats`` itself when it can be poses (...,21,4) of unit quaternions, real part first.

    Args:
        quats: what was given.
        what: how the sentence names it; a plural.
        batch: one leading dimension exactly is needed: (B,21,4).

    Raises:
        InputError: not a float tensor, the wrong number of joints, NaN, or the real part elsewhere than first.
    """
    shape = tuple(quats.shape)
    if not quats.is_floating_point():
        raise InputError(f"{what} are of type {quats.dtype}: floating-point quaternions are needed.")
    if len(shape) >= 2 and shape[-1] == 4 and shape[-2] != NUM_JOINTS:
        raise InputError(f"{what} have {shape[-2]} joints: the {NUM_JOINTS} body joints 1 to {NUM_JOINTS} of SMPL-X "
                         "are needed, without the pelvis and the hands.")
    if len(shape) < 2 or shape[-1] != 4:
        hint = " (these look like rotation vectors: see axis_angle_to_quats)" if shape[-1:] in ((3,), (63,)) else ""
        raise InputError(f"{what} have shape {shape}: quaternions of shape (..., {NUM_JOINTS}, 4) are needed{hint}.")
    if batch and len(shape) != 3:
        raise InputError(f"{what} have shape {shape}: one batch of poses (B, {NUM_JOINTS}, 4) is needed.")
    finite = torch.isfinite(quats).all(-1).all(-1).reshape(-1)
    if not bool(finite.all()):
        bad = (~finite).nonzero()[:, 0].tolist()
        raise InputError(f"{what} hold NaN or infinite numbers in {len(bad)} of {len(finite)} frames (first: frame "
                         f"{bad[0]}); mask or cut those frames first.")
    if quats.numel():
        size = quats.abs().reshape(-1, 4).mean(0) / quats.norm(dim=-1).mean().clamp_min(1e-9)
        largest = int(size.argmax())
        if largest and float(size[largest]) > _MISORDERED:
            order = " (x,y,z,w)" if largest == 3 else ""
            raise InputError(f"{what} seem to have their real part at place {largest + 1} of 4{order}: its mean size "
                             f"is {float(size[largest]):.2f}, that of the first is {float(size[0]):.2f}; reorder the "
                             "quaternions to w,x,y,z.")
    return quats


def check_mask(mask: Tensor, quats: Tensor, what: str) -> Tensor:
    """``mask`` as bool (B,21) for poses (B,21,4); a mask (21,) counts for every pose.

    Raises:
        InputError: another shape.
    """
    mask = torch.as_tensor(mask, device=quats.device).bool()
    if mask.shape == quats.shape[1:2]:
        mask = mask.expand(quats.shape[:2])
    if mask.shape != quats.shape[:2]:
        raise InputError(f"{what} has shape {tuple(mask.shape)}: one flag per joint and pose, "
                         f"{tuple(quats.shape[:2])}, is needed.")
    return mask
