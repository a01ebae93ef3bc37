"""Hold standing feet still, by moving the body as a whole."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter1d

from humanav.motion import Motion
from humanav.posendf.measures import CONTACT_HEIGHT, FEET, joint_positions

STANDING_SPEED = 0.6
"""A low foot much faster than this (m/s) steps rather than slides."""
RETURN_SECONDS = 1.0
"""Time in which the body finds back to where it was captured, so that corrections do not add up."""
SMOOTH_SECONDS = 0.03
"""The body is moved no more abruptly than this."""
FARTHEST = 0.12
"""The body is never moved farther than this (m)."""


def keep_feet(motion: Motion) -> Motion:
    """The motion with its horizontal path corrected so that feet on the ground slide less; poses and heights stay.

    In every frame the velocity of the feet that stand is taken from the root's. A foot stands as far as it is low
    (as in :func:`~humanav.posendf.measures.foot_slide`) and slow.
    """
    if len(motion) < 3:
        return motion
    feet = joint_positions(motion)[:, FEET]
    speed = np.diff(feet[..., (0, 2)], axis=0) * motion.fps
    weight = _standing(feet, np.linalg.norm(speed, axis=-1))
    slide = (weight[..., None] * speed).sum(axis=1) / np.maximum(weight.sum(axis=1), 1e-6)[:, None]
    slide = gaussian_filter1d(slide * weight.max(axis=1)[:, None], SMOOTH_SECONDS * motion.fps, axis=0, mode="nearest")
    shift = np.zeros((len(motion), 2))
    keep = np.exp(-1 / (RETURN_SECONDS * motion.fps))
    for t in range(1, len(motion)):
        shift[t] = keep * shift[t - 1] - slide[t - 1] / motion.fps
    far = np.linalg.norm(shift, axis=1, keepdims=True)
    shift *= FARTHEST * np.tanh(far / FARTHEST) / np.maximum(far, 1e-9)
    path = motion.transl.astype(np.float64)
    path[:, [0, 2]] += shift - shift.mean(axis=0)
    return replace(motion, transl=path.astype(np.float32))


def _standing(feet: NDArray[np.float64], speed: NDArray[np.float64]) -> NDArray[np.float64]:
    """(T-1,2) how far, 0..1, each foot stands between one frame and the next."""
    height = feet[..., 1] - np.quantile(feet[..., 1], 0.05, axis=0)
    height = np.maximum(height[1:], height[:-1])
    low = np.clip(2 - 2 ** (np.maximum(height, 0) / CONTACT_HEIGHT), 0, 1)
    return low * np.exp(-((speed / STANDING_SPEED) ** 2))
