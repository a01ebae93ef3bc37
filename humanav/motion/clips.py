"""The clips that come with humanav, authored by the project for its own body (see ``assets/clips/README.md``)."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from scipy.ndimage import uniform_filter1d

from humanav.errors import InputError
from humanav.motion.motion import Motion
from humanav.motion.npz import load_npz
from humanav.paths import asset

CLIP_NAMES: tuple[str, ...] = ("idle", "wave", "walk", "run", "squat", "jumping_jack", "turn_around", "stretch",
                               "dance", "bow", "celebrate")
"""Names of the built-in clips."""

LOOPS: frozenset[str] = frozenset({"idle", "walk", "run", "jumping_jack", "dance"})
"""Clips whose last frame leads back to the first (the walk and the run but for the way they have gone)."""


def load_clip(name: str) -> Motion:
    """A built-in clip at 30 frames per second, for the shipped body's mean shape.

    ``walk`` and ``run`` travel along +z with planted feet; :func:`in_place` keeps them before a still camera, and
    :func:`humanav.motion.fit_to_shape` makes any clip fit another body shape.

    Raises:
        InputError: there is no clip of that name.
    """
    if name not in CLIP_NAMES:
        raise InputError(f"There is no clip called {name!r}; the clips are {', '.join(CLIP_NAMES)}.")
    return replace(load_npz(asset("clips", f"{name}.npz")), name=name)


def in_place(motion: Motion) -> Motion:
    """The motion without its travel over the floor, as on a treadmill, for a camera that frames the person.

    A path of even speed loses exactly that speed, so that steps keep their rhythm; a longer wandering path is followed
    by its one-second mean.
    """
    ground = motion.transl[:, [0, 2]].astype(np.float64)
    frames = len(motion)
    if frames < 2:
        return motion
    line = np.linspace(0.0, 1.0, frames)[:, None] * (ground[-1] - ground[0])
    wander = ground - ground[0] - line
    window = max(int(motion.fps), 1)
    if np.abs(wander).max() > 0.3:
        line = line + uniform_filter1d(wander, window, axis=0, mode="nearest")
    transl = motion.transl.copy()
    transl[:, [0, 2]] = ground - line
    return replace(motion, transl=transl)
