"""Pose-driven offsets of Gaussians as a few shared shapes and their amounts over time, small enough for a browser.

A network's offsets in the frames of a file's motions lie close to a space of few dimensions. Its orthonormal basis
comes from the eigenvectors of the frames' Gram matrix (principal components without their mean: the T-pose has no
offset).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray

from humanav.errors import InputError
from humanav.motion import Motion

Deform = Callable[[NDArray[np.float32]], NDArray[np.float32]]
"""A pose (55,3) axis-angle to offsets (N,3) of the rest centres, metres."""

MOST = 8
_FRAMES = 64  # from which the basis is made
_NOTHING = 1e-5  # metres


def basis_of(
    deform: Deform, motions: Sequence[Motion], count: int, terms: int = MOST
) -> tuple[NDArray[np.int8], list[NDArray[np.float32]]]:
    """Shapes (N,R,3) int8 and for each motion amounts (T,R): the offsets are about ``sum_r amounts[t,r] shapes[:,r]``.

    Args:
        deform: the offsets in a pose.
        motions: those to be covered; an equal number of frames a second of each is looked at.
        count: N.
        terms: R at most, 0..8; fewer when fewer matter.

    Raises:
        InputError: offsets of a wrong shape, or not finite.
    """
    if not 0 <= terms <= MOST:
        raise InputError(f"The file holds 0 to {MOST} shapes of the clothes' movement, not {terms}.")
    frames = [pose for motion in motions for pose in motion.full_pose]
    chosen = np.unique(np.linspace(0, len(frames) - 1, min(len(frames), _FRAMES)).astype(int)) if frames else []
    sample = np.stack([_offsets(deform, frames[k], count) for k in chosen]) if len(chosen) else np.zeros((1, 3 * count))
    values, vectors = np.linalg.eigh((sample @ sample.T).astype(np.float64))
    if np.abs(sample).max() < _NOTHING:
        terms = 0
    keep = [k for k in np.argsort(-values)[:terms] if values[k] > 1e-6 * values.max()]
    shapes = (vectors[:, keep].T @ sample / np.sqrt(values[keep])[:, None]).astype(np.float32)
    steps = np.abs(shapes).max(axis=1, initial=1e-12) / 127
    small = np.rint(shapes / steps[:, None]).astype(np.int8)
    amounts = []
    for motion in motions:
        rows = [steps * (shapes @ _offsets(deform, pose, count)) for pose in motion.full_pose] if keep else []
        amounts.append(np.array(rows, dtype=np.float32).reshape(len(motion), len(keep)))
    return small.reshape(len(keep), count, 3).transpose(1, 0, 2), amounts


def _offsets(deform: Deform, pose: NDArray[np.float32], count: int) -> NDArray[np.float32]:
    value = np.asarray(deform(pose), dtype=np.float32)
    if value.shape != (count, 3) or not np.isfinite(value).all():
        raise InputError(f"The pose-driven offsets must be finite and ({count}, 3), not {value.shape}.")
    return value.ravel()
