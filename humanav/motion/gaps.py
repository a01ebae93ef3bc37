"""Fill frames that a file does not have: rotations along the geodesic between their neighbours, positions linearly."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.spatial.transform import Rotation

Array = NDArray[np.float64]
Mask = NDArray[np.bool_]


def fill_rotations(rotvecs: Array, missing: Mask) -> Array:
    """``rotvecs`` (T,J,3) axis-angle in radians with the entries ``missing`` (T,J) slerped; held at both ends.

    A joint that is missing in every frame is left at rest (zero).
    """
    filled = np.where(missing[..., None], 0.0, rotvecs)
    for j in np.flatnonzero(missing.any(axis=0)):
        known, gaps = np.flatnonzero(~missing[:, j]), np.flatnonzero(missing[:, j])
        if len(known) == 0:
            continue
        after = np.searchsorted(known, gaps)
        low, high = known[np.maximum(after - 1, 0)], known[np.minimum(after, len(known) - 1)]
        part = np.clip((gaps - low) / np.maximum(high - low, 1), 0, 1)
        start = Rotation.from_rotvec(filled[low, j])
        step = (start.inv() * Rotation.from_rotvec(filled[high, j])).as_rotvec()
        filled[gaps, j] = (start * Rotation.from_rotvec(step * part[:, None])).as_rotvec()
    return filled


def fill_values(values: Array, missing: Mask) -> Array:
    """``values`` (T,...) with the frames ``missing`` (T,) interpolated linearly; held at both ends, zero if all are."""
    filled = np.where(missing.reshape(-1, *[1] * (values.ndim - 1)), 0.0, values)
    known = np.flatnonzero(~missing)
    if len(known) and missing.any():
        flat = filled.reshape(len(values), -1)
        for column in range(flat.shape[1]):
            flat[missing, column] = np.interp(np.flatnonzero(missing), known, flat[known, column])
        filled = flat.reshape(values.shape)
    return filled


def describe(missing: Mask, names: tuple[str, ...], why: str) -> str:
    """A sentence on what was filled: ``missing`` (T,J) with the joints' ``names``; ``why`` as in "are not numbers"."""
    frames, joints = missing.any(axis=1), np.flatnonzero(missing.any(axis=0))
    some = ", ".join(names[j] for j in joints[:4])
    which = "every joint" if len(joints) == len(names) and len(names) > 1 else (
        f"{some} and {len(joints) - 4} more" if len(joints) > 4 else some)
    return (f"{int(frames.sum())} of {len(missing)} frames {why} for {which}; they were interpolated from the frames "
            "around them.")
