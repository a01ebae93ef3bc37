"""The usual smoothing filters, made right for rotations: One-Euro, Gaussian and Savitzky-Golay.

They are what :func:`humanav.posendf.denoise.denoise` has to beat. Each takes rotations (T,J,4) and a frame rate; time
is in seconds and hertz, so that one setting means the same at every frame rate. :func:`filter_motion` applies one to a
whole motion, with missing frames interpolated first, and :func:`tune` finds the best settings on motions given to it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from itertools import product
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.ndimage import gaussian_filter1d
from scipy.signal import savgol_filter

from humanav.errors import InputError
from humanav.motion import Motion
from humanav.posendf.sequences import (
    angle_between,
    continuous,
    fill_path,
    fill_rotations,
    missing_mask,
    rotations_of,
    slerp,
    unit,
    with_rotations,
)

Array = NDArray[np.float64]

GRIDS: dict[str, dict[str, tuple[float, ...]]] = {
    "one_euro": {"cutoff": (0.15, 0.3, 0.6, 1.0, 1.7, 3.0, 6.0, 30.0), "beta": (0.0, 0.1, 0.3, 0.8, 2.0, 5.0)},
    "gaussian": {"seconds": (0.005, 0.015, 0.025, 0.035, 0.045, 0.06, 0.08, 0.11, 0.15, 0.2, 0.27)},
    "savitzky_golay": {"seconds": (0.02, 0.1, 0.17, 0.24, 0.3, 0.37, 0.5, 0.64, 0.84), "order": (1, 2, 3, 4)},
}
"""Settings that :func:`tune` tries; the narrowest leave a motion as it is."""

TUNED: dict[str, dict[str, dict[str, float]]] = {
    "noise": {"one_euro": {"cutoff": 0.6, "beta": 0.3}, "gaussian": {"seconds": 0.08},
              "savitzky_golay": {"seconds": 0.3, "order": 1}},
    "correlated": {"one_euro": {"cutoff": 0.3, "beta": 0.8}, "gaussian": {"seconds": 0.15},
                   "savitzky_golay": {"seconds": 0.37, "order": 1}},
    "jitter": {"one_euro": {"cutoff": 3.0, "beta": 2.0}, "gaussian": {"seconds": 0.045},
               "savitzky_golay": {"seconds": 0.37, "order": 2}},
}
"""Best settings by kind of damage (:mod:`~humanav.posendf.motion_noise`, amount 1, 30 fps): :func:`tune` on 14 training
clips of 150 frames. For gaps, wild frames, swapped and frozen limbs the best filter is none."""


def one_euro(quats: Array, fps: float, *, cutoff: float = 1.7, beta: float = 0.8, speed_cutoff: float = 1.0) -> Array:
    """The One-Euro filter (Casiez, Roussel and Vogel 2012) on rotations: a low pass that opens with angular speed.

    It looks at the past only, as trackers must: slow movement is smoothed, fast movement lags little.

    Args:
        quats: (T,J,4).
        fps: frames per second.
        cutoff: hertz at rest.
        beta: hertz added per rad/s of speed.
        speed_cutoff: hertz of the low pass on the speed.
    """
    out = quats.copy()
    speed = np.zeros((*quats.shape[1:2], 1))
    for t in range(1, len(quats)):
        rate = angle_between(quats[t], quats[t - 1])[:, None] * fps
        speed += _share(speed_cutoff, fps) * (rate - speed)
        out[t] = slerp(out[t - 1], quats[t], _share(cutoff + beta * speed, fps))
    return out


def gaussian(quats: Array, fps: float, *, seconds: float = 0.045) -> Array:
    """A Gaussian window of standard deviation ``seconds`` over sign-aligned quaternions (T,J,4), renormalised."""
    return unit(gaussian_filter1d(continuous(quats), seconds * fps, axis=0, mode="nearest"))


def savitzky_golay(quats: Array, fps: float, *, seconds: float = 0.3, order: float = 2) -> Array:
    """Savitzky-Golay: a polynomial of ``order`` fitted to ``seconds`` around each frame of (T,J,4), renormalised.

    A window that holds no more frames than the polynomial has coefficients leaves the motion as it is.
    """
    window = _window(seconds, fps, len(quats))
    if window <= order + 1:
        return quats.copy()
    return unit(savgol_filter(continuous(quats), window, int(order), axis=0, mode="interp"))


FILTERS: dict[str, Callable[..., Array]] = {"one_euro": one_euro, "gaussian": gaussian,
                                            "savitzky_golay": savitzky_golay}
"""The filters by name."""


def filter_motion(motion: Motion, name: str, missing: ArrayLike | None = None, **settings: float) -> Motion:
    """A motion after one of the filters; root, 21 body joints and path, with hands and face left alone.

    Args:
        motion: T frames.
        name: "one_euro", "gaussian" or "savitzky_golay".
        missing: (T,22) what is not known, interpolated before filtering (column 0: root rotation and path).
        settings: the filter's own.

    Raises:
        InputError: an unknown filter, or a mask of the wrong shape.
    """
    if name not in FILTERS:
        raise InputError(f"There is no filter called {name!r}; the filters are {', '.join(FILTERS)}.")
    mask = missing_mask(missing, len(motion))
    quats = FILTERS[name](fill_rotations(rotations_of(motion), mask), motion.fps, **settings)
    path = fill_path(motion.transl.astype(np.float64), mask[:, 0])
    return with_rotations(motion, quats, _PATHS[name](path, motion.fps, **settings))


def tune(cases: Iterable[tuple[Motion, Any, Motion]], name: str,
         grid: Mapping[str, Iterable[float]] | None = None) -> tuple[dict[str, float], float]:
    """The settings of a filter with the least mean joint error, by trying all of a grid.

    Args:
        cases: (damaged motion, mask of what is missing or None, truth), of training subjects.
        name: which filter.
        grid: values to try per setting; by default :data:`GRIDS`.

    Returns:
        The settings, and their :func:`~humanav.posendf.measures.motion_mpjpe` in millimetres.
    """
    from humanav.posendf.measures import motion_mpjpe

    axes = dict(GRIDS[name] if grid is None else grid)
    trials = list(cases)
    best: tuple[dict[str, float], float] = ({}, float("inf"))
    for values in product(*axes.values()):
        settings = dict(zip(axes, values, strict=True))
        if settings.get("order", 0) + 1 >= _window(settings.get("seconds", 0), trials[0][0].fps, 10**6) > 1:
            continue
        error = float(np.mean([motion_mpjpe(filter_motion(bad, name, mask, **settings), truth)
                               for bad, mask, truth in trials]))
        if error < best[1]:
            best = settings, error
    return best


def _share(cutoff: Array | float, fps: float) -> Array:
    """How much of a new sample a first-order low pass of ``cutoff`` hertz takes."""
    return np.asarray(1 / (1 + fps / (2 * np.pi * np.asarray(cutoff))))


def _window(seconds: float, fps: float, frames: int) -> int:
    """An odd number of frames."""
    window = 2 * round(seconds * fps / 2 - 0.5 + 1e-9) + 1
    return max(min(window, frames - 1 + frames % 2), 1)


def _smooth_path(path: Array, fps: float, *, seconds: float = 0.045) -> Array:
    return np.asarray(gaussian_filter1d(path, seconds * fps, axis=0, mode="nearest"))


def _fit_path(path: Array, fps: float, *, seconds: float = 0.3, order: float = 2) -> Array:
    window = _window(seconds, fps, len(path))
    return path if window <= order + 1 else np.asarray(savgol_filter(path, window, int(order), axis=0, mode="interp"))


def _follow_path(path: Array, fps: float, *, cutoff: float = 1.7, beta: float = 0.8,
                 speed_cutoff: float = 1.0) -> Array:
    out, speed = path.copy(), 0.0
    for t in range(1, len(path)):
        rate = float(np.linalg.norm(path[t] - path[t - 1])) * fps
        speed += float(_share(speed_cutoff, fps)) * (rate - speed)
        out[t] = out[t - 1] + _share(cutoff + beta * speed, fps) * (path[t] - out[t - 1])
    return out


_PATHS: dict[str, Callable[..., Array]] = {"one_euro": _follow_path, "gaussian": _smooth_path,
                                           "savitzky_golay": _fit_path}
