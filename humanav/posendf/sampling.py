"""Which frames of a take become training poses, and how they are varied."""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
import torch
from numba import njit
from numpy.typing import NDArray
from torch import Generator, Tensor

from humanav.posendf.poses import INDEX
from humanav.posendf.quaternions import axis_angle_to_quats, canonical, conjugate, half_angle, multiply

_COLLARS, _SHOULDERS = ([INDEX[f"{side}_{joint}"] for side in ("left", "right")] for joint in ("collar", "shoulder"))
# Radians about x (the bone), y (forward and back) and z (up and down): some 9 degrees in all.
_COLLAR_SPREAD = (0.05, 0.10, 0.12)


class Thinned(NamedTuple):
    """The frames of a take that are worth keeping.

    Attributes:
        kept: indices of the frames.
        spare: indices of usable frames that are all but the same as one that is kept.
        like: for each of ``spare`` which of ``kept`` that is (an index into ``kept``).
    """

    kept: NDArray[np.int64]
    spare: NDArray[np.int64]
    like: NDArray[np.int64]


def middle_of(frames: int, share: float) -> NDArray[np.bool_]:
    """(T,) the middle ``share`` of a take, at least one frame: takes often begin and end in a calibration pose."""
    keep = np.zeros(frames, dtype=bool)
    count = max(1, round(frames * share))
    begin = (frames - count) // 2
    keep[begin:begin + count] = True
    return keep


def thin(quats: Tensor, usable: NDArray[np.bool_], degrees: float) -> Thinned:
    """Keep a frame when it differs from the last one kept by more than ``degrees``, the mean angle of its joints.

    Args:
        quats: (T,21,4) one take in order.
        usable: (T,) frames to choose from.
        degrees: of rotation; 0 keeps every usable frame.
    """
    rows = np.flatnonzero(usable)
    poses = np.ascontiguousarray(quats.numpy()[rows].astype(np.float64))
    like = _last_kept(poses, math.radians(degrees) / 2) if len(rows) else np.zeros(0, np.int64)
    first = np.diff(like, prepend=-1) > 0
    return Thinned(rows[first], rows[~first], like[~first])


@njit(cache=True, nogil=True)
def _last_kept(poses: NDArray[np.float64], least: float) -> NDArray[np.int64]:
    """(T,) the running number of the kept pose that each belongs to."""
    number = np.zeros(len(poses), np.int64)
    last = 0
    for t in range(1, len(poses)):
        total = 0.0
        for j in range(poses.shape[1]):
            dot = abs((poses[t, j] * poses[last, j]).sum())
            total += np.arccos(min(dot, 1.0))
        number[t] = number[t - 1]
        if total > least * poses.shape[1] or least == 0:
            number[t] += 1
            last = t
    return number


def collars_at_rest(quats: Tensor) -> bool:
    """Whether no collar moves in any of the poses (N,21,4), as in captures without markers for them."""
    rest = quats.new_tensor([1.0, 0, 0, 0]).expand(len(quats), 2, 4)
    return bool((half_angle(quats[:, _COLLARS], rest) < 1e-3).all())


def vary_collars(quats: Tensor, share: float, generator: Generator) -> Tensor:
    """Let the collars take part of the arms' rotation in a ``share`` of poses whose collars never move.

    A field trained on collars that are always at rest calls a shrug impossible. Noise on the collars alone would move
    the arms to where nobody held them. So the shoulder is turned back by what the collar is turned: the arms keep the
    direction that was captured, only shared out differently between two joints, which is how bodies fitted with moving
    collars describe the same arm. Both sides move partly together. Most poses stay as they were, so that new
    captures without collars get hardly farther (0.122 to 0.123 rad on CMU's validation subjects).
    """
    count = len(quats)
    both, left, right = (torch.randn(count, 3, generator=generator) * torch.tensor(_COLLAR_SPREAD) for _ in range(3))
    mirror = torch.tensor([1.0, -1, -1])
    turn = axis_angle_to_quats(math.sqrt(0.5) * torch.stack([both + left, (both + right) * mirror], dim=1))
    chosen = torch.rand(count, generator=generator) < share
    new = quats.clone()
    new[:, _COLLARS] = canonical(multiply(quats[:, _COLLARS], turn))
    new[:, _SHOULDERS] = canonical(multiply(conjugate(turn), quats[:, _SHOULDERS]))
    return torch.where(chosen[:, None, None], new, quats)
