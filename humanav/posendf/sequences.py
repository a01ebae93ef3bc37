"""Rotations over time: a motion's 22 joints as quaternions of continuous sign, and the frames that are missing filled.

``q`` and ``-q`` are one rotation, so a filter that adds quaternions of neighbouring frames needs signs that do not
jump. Joint 0 is the root here (``global_orient``), joints 1-21 are the body's.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import torch
from numpy.typing import ArrayLike, NDArray
from scipy.ndimage import uniform_filter1d

from humanav.errors import InputError
from humanav.motion import Motion
from humanav.posendf.quaternions import axis_angle_to_quats, conjugate, multiply, quats_to_axis_angle

Array = NDArray[np.float64]
Mask = NDArray[np.bool_]

TRACKED = 22
"""The root and the 21 body joints."""


def rotations_of(motion: Motion) -> Array:
    """Quaternions (T,22,4), real part first and not negative: the root and the 21 body joints."""
    turns = np.concatenate([motion.global_orient[:, None], motion.body_pose], axis=1).astype(np.float64)
    return axis_angle_to_quats(torch.from_numpy(turns)).numpy()


def with_rotations(motion: Motion, quats: Array, transl: Array | None = None) -> Motion:
    """``motion`` with other rotations (T,22,4) of any sign and, if given, another path (T,3)."""
    turns = quats_to_axis_angle(torch.from_numpy(np.ascontiguousarray(quats))).numpy().astype(np.float32)
    path = motion.transl if transl is None else transl.astype(np.float32)
    return replace(motion, global_orient=turns[:, 0], body_pose=turns[:, 1:], transl=path)


def missing_mask(missing: ArrayLike | None, frames: int) -> Mask:
    """``missing`` as a (T,22) mask, all false when None.

    Raises:
        InputError: it has another shape, or marks every frame of the motion.
    """
    if missing is None:
        return np.zeros((frames, TRACKED), dtype=bool)
    mask = np.asarray(missing)
    if mask.shape != (frames, TRACKED):
        raise InputError(f"The mask of what is missing has shape {mask.shape}; ({frames}, {TRACKED}) is needed: one "
                         "row per frame, the root first and then the 21 body joints.")
    mask = mask.astype(bool)
    if mask.all():
        raise InputError("The mask says that every joint is missing in every frame; give at least one known pose.")
    return mask


def continuous(quats: Array, weights: Array | None = None, reach: int = 4) -> Array:
    """``quats`` (T,J,4) with signs that follow the motion, not its wild frames.

    The rotation that most frames nearby agree on (the chief eigenvector of the sum of q q^T, Markley et al. 2007) gets
    a continuous sign; each frame takes the sign nearer to it.

    Args:
        quats: rotations over time.
        weights: (T,J) how much each frame counts; None counts all alike.
        reach: frames on either side that have a say.
    """
    outer = quats[..., :, None] * quats[..., None, :]
    if weights is not None:
        outer = outer * weights[..., None, None]
    agreed = np.linalg.eigh(uniform_filter1d(outer, 2 * reach + 1, axis=0, mode="nearest"))[1][..., -1]
    turn = np.where((agreed[1:] * agreed[:-1]).sum(-1, keepdims=True) < 0, -1.0, 1.0)
    first = np.where(agreed[:1, :, :1] < 0, -1.0, 1.0)
    agreed = agreed * np.concatenate([first, turn]).cumprod(axis=0)
    return quats * np.where((quats * agreed).sum(-1, keepdims=True) < 0, -1.0, 1.0)


def unit(quats: Array) -> Array:
    """``quats`` (...,4) at length 1."""
    return np.asarray(quats / np.maximum(np.linalg.norm(quats, axis=-1, keepdims=True), 1e-12))


def angle_between(a: Array, b: Array) -> Array:
    """Angle (...) in radians between rotations (...,4), exact near zero."""
    dot = (a * b).sum(-1, keepdims=True)
    chord = np.linalg.norm(a - np.where(dot < 0, -1.0, 1.0) * b, axis=-1)
    return 4 * np.arcsin(np.minimum(0.5 * chord, 1.0))


def slerp(a: Array, b: Array, part: Array) -> Array:
    """The rotations (...,4) at ``part`` (...,1) of the shorter way from ``a`` to ``b``."""
    dot = (a * b).sum(-1, keepdims=True)
    b = np.where(dot < 0, -b, b)
    half = 2 * np.arcsin(np.minimum(0.5 * np.linalg.norm(a - b, axis=-1, keepdims=True), 1.0))
    sine = np.sin(half)
    near = sine < 1e-6
    safe = np.where(near, 1.0, sine)
    return unit(np.where(near, 1 - part, np.sin((1 - part) * half) / safe) * a
                + np.where(near, part, np.sin(part * half) / safe) * b)


def fill_rotations(quats: Array, missing: Mask) -> Array:
    """Missing rotations (T,J) of ``quats`` (T,J,4) along the geodesic between the known ones; held at the ends.

    A joint that is never known keeps what it has.
    """
    filled = quats.copy()
    for joint in np.flatnonzero(missing.any(axis=0) & ~missing.all(axis=0)):
        before, after, part = _neighbours(missing[:, joint])
        filled[:, joint] = slerp(quats[before, joint], quats[after, joint], part[:, None])
    return filled


def fill_path(path: Array, missing: NDArray[np.bool_]) -> Array:
    """Missing positions (T,) of a path (T,3) on straight lines between the known ones; held at the ends."""
    if missing.all() or not missing.any():
        return path
    before, after, part = _neighbours(missing)
    return np.asarray(path[before] * (1 - part[:, None]) + path[after] * part[:, None])


def _neighbours(missing: NDArray[np.bool_]) -> tuple[NDArray[np.intp], NDArray[np.intp], Array]:
    """The last known frame, the next known one and how far (0..1) each frame lies between them."""
    frames = np.arange(len(missing))
    known = np.flatnonzero(~missing)
    after = np.searchsorted(known, frames).clip(max=len(known) - 1)
    before = (np.searchsorted(known, frames, side="right") - 1).clip(min=0)
    low, high = known[before], known[after]
    return low, high, np.clip((frames - low) / np.maximum(high - low, 1), 0.0, 1.0)


def to_vectors(quats: Array) -> Array:
    """Rotation vectors (T,J,3) of quaternions (T,J,4) with continuous sign: they go on beyond pi instead of jumping."""
    upright = np.where(np.median(quats[..., 0], axis=0) < 0, -1.0, 1.0)[None, :, None] * quats
    sine = np.linalg.norm(upright[..., 1:], axis=-1, keepdims=True)
    angle = 2 * np.arctan2(sine, upright[..., :1])
    return np.asarray(upright[..., 1:] * np.where(sine > 1e-7, angle / np.maximum(sine, 1e-12), 2.0))


def from_vectors(vectors: Array) -> Array:
    """Unit quaternions (...,4) of rotation vectors (...,3) of any length; the sign goes with the vector."""
    half = 0.5 * np.linalg.norm(vectors, axis=-1, keepdims=True)
    return np.concatenate([np.cos(half), 0.5 * np.sinc(half / np.pi) * vectors], axis=-1)


def develop(reference: Array, quats: Array) -> tuple[Array, Array]:
    """A turning frame rolled out into flat space, where turns about changing axes can be averaged like numbers.

    The rotations from each frame of ``reference`` (T,4) to the next, seen from the body, add up to a path.

    Returns:
        the path (T,3) in radians, and ``quats`` (T,4) beside it: the path plus the rotation from the reference.
    """
    path = np.zeros((len(reference), 3))
    path[1:] = np.cumsum(_from_to(reference[:-1], reference[1:]), axis=0)
    return path, path + _from_to(reference, quats)


def turned(quats: Array, vectors: Array) -> Array:
    """``quats`` (...,4) turned on by rotation vectors (...,3) in their own axes."""
    return np.asarray(multiply(torch.from_numpy(quats), torch.from_numpy(from_vectors(vectors))).numpy())


def _from_to(a: Array, b: Array) -> Array:
    """The rotation vectors (T,3) from ``a`` to ``b`` in the axes of ``a``."""
    return np.asarray(quats_to_axis_angle(multiply(conjugate(torch.from_numpy(a)), torch.from_numpy(b))).numpy())
