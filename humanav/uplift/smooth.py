"""Smoothing of rotations over time, by quaternions: no seam at pi, and doubtful frames count less."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter1d
from scipy.spatial.transform import Rotation

from humanav.posendf.sequences import continuous, fill_rotations, unit

Array = NDArray[np.float64]

SECONDS = 0.05
"""Standard deviation of the window; chosen on the validation subjects."""
_LEAST = 0.05  # weight of a frame with no confidence


def smooth_rotations(
    rotations: Array, fps: float, confidence: Array | None = None, *, seconds: float = SECONDS
) -> Array:
    """A Gaussian window over the rotations of each joint, weighted by confidence.

    Quaternions of aligned sign are averaged and brought to length 1, which for neighbouring rotations is their mean.

    Args:
        rotations: (T,J,3,3).
        fps: frames per second.
        confidence: (T,J) 0..1, or None to trust all alike.
        seconds: standard deviation of the window; 0 leaves everything as it is.
    """
    if len(rotations) < 2 or seconds <= 0:
        return np.asarray(rotations, dtype=np.float64)
    quats = to_quats(rotations)
    weight = np.ones(quats.shape[:2]) if confidence is None else np.clip(confidence, _LEAST, 1.0)
    signed = continuous(quats, weight) * weight[..., None]
    return from_quats(unit(gaussian_filter1d(signed, seconds * fps, axis=0, mode="nearest")))


def bridge(rotations: Array, missing: NDArray[np.bool_]) -> Array:
    """Rotations (T,J,3,3) of the ``missing`` frames (T,) on the geodesic between their neighbours; held at the ends."""
    if not missing.any() or missing.all():
        return rotations
    mask = np.broadcast_to(missing[:, None], rotations.shape[:2])
    return from_quats(fill_rotations(to_quats(rotations), mask))


def to_quats(rotations: Array) -> Array:
    """Matrices (...,3,3) to unit quaternions (...,4), real part first."""
    quats = Rotation.from_matrix(np.asarray(rotations, dtype=np.float64).reshape(-1, 3, 3)).as_quat()
    return np.asarray(np.roll(quats, 1, axis=-1).reshape(*rotations.shape[:-2], 4))


def from_quats(quats: Array) -> Array:
    """Unit quaternions (...,4), real part first, to matrices (...,3,3)."""
    turned = Rotation.from_quat(np.roll(quats.reshape(-1, 4), -1, axis=-1)).as_matrix()
    return np.asarray(turned.reshape(*quats.shape[:-1], 3, 3))
