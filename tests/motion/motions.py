"""Motions that several tests use."""

from __future__ import annotations

import numpy as np

from humanav.motion import Motion


def random_motion(frames: int = 12, fps: float = 30.0, betas: int = 10, expression: int = 0, seed: int = 0) -> Motion:
    """A smooth random motion: upright, walking off, every joint in use."""
    rng = np.random.default_rng(seed)
    t = np.linspace(0, 1, frames)[:, None, None]
    pose = 0.5 * np.sin(2 * np.pi * t * rng.uniform(0.2, 1, (1, 55, 3)) + rng.uniform(0, 6, (1, 55, 3)))
    pose[:, 0] = [0, 1, 0] * t[:, 0] + 0.1 * pose[:, 0]
    transl = np.stack([0.3 * t[:, 0, 0], 1.3 + 0.05 * np.sin(6 * t[:, 0, 0]), t[:, 0, 0]], axis=1)
    face = rng.normal(0, 1, (frames, expression))
    return Motion.from_full_pose(pose, fps, transl, rng.normal(0, 1, betas), face, "random")
