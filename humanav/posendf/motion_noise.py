"""Motions made worse on purpose, as sensors and trackers do it; seeded, with the truth of what is missing.

All durations are in seconds, so a clip suffers alike at every frame rate. The kinds are pure: "gaps" has no noise and
"noise" no gaps.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import torch
from numpy.typing import NDArray
from scipy.signal import lfilter

from humanav.body.names import MIRROR
from humanav.errors import InputError
from humanav.motion import Motion
from humanav.posendf.quaternions import axis_angle_to_quats, multiply
from humanav.posendf.sequences import TRACKED, rotations_of, with_rotations

Array = NDArray[np.float64]
Mask = NDArray[np.bool_]

PARTS: dict[str, tuple[int, ...]] = {
    "left arm": (13, 16, 18, 20), "right arm": (14, 17, 19, 21),
    "left leg": (1, 4, 7, 10), "right leg": (2, 5, 8, 11),
    "spine and head": (3, 6, 9, 12, 15), "whole body": tuple(range(TRACKED)),
}
"""Joints (of 22, the root is 0) that get lost together."""

CORRELATION_SECONDS = 0.25
"""Time in which correlated noise forgets itself to 1/e."""


def worsen(motion: Motion, kind: str, amount: float = 1.0, seed: int = 0) -> tuple[Motion, Mask]:
    """A damaged copy of a motion.

    Args:
        motion: T frames; hands and face stay.
        kind: one of :data:`KINDS`:
            "noise": independent in every frame, 0.1 rad per axis of every joint and 1 cm of place.
            "correlated": drifts like a sensor's (first-order autoregressive, a quarter second), 0.12 rad and 1.5 cm.
            "jitter": small trembling of 0.03 rad and 3 mm that swells and fades, each joint in its own time.
            "gaps": limbs, trunk or the whole body lost for 0.2-1 s, one of them 40 % of the time; the last pose is
            held, as trackers do, and the mask says where.
            "outliers": 2 % of all joint frames, and bursts of 0.05-0.2 s on a limb, take wild rotations; not marked.
            "outliers+gaps": both.
            "swapped limbs": arms or legs change sides for 0.1-0.33 s, half of the times as in a mirror.
            "frozen arm": an arm holds one pose for 1-2 s; not marked.
        amount: strength; 1 is as described. It scales the noise, and how often the rest happens. 0 changes nothing.
        seed: the same seed damages alike.

    Returns:
        The motion, and what is known to be missing (T,22), column 0 being the root's rotation and place.

    Raises:
        InputError: an unknown kind, or an amount that is negative or not a number.
    """
    if kind not in KINDS:
        raise InputError(f"There is no damage called {kind!r}; the kinds are {', '.join(KINDS)}.")
    if not (np.isfinite(amount) and amount >= 0):
        raise InputError(f"The amount of damage must be a number that is not negative, not {amount}.")
    quats, path = rotations_of(motion), motion.transl.astype(np.float64)
    missing = np.zeros((len(motion), TRACKED), dtype=bool)
    if amount == 0:
        return motion, missing
    rng = np.random.default_rng(seed)
    quats, path = _MAKERS[kind](quats, path, missing, motion.fps, float(amount), rng)
    return with_rotations(motion, quats, path), missing


def _shaken(quats: Array, path: Array, turn: Array, shift: Array) -> tuple[Array, Array]:
    extra = axis_angle_to_quats(torch.from_numpy(turn))
    return multiply(torch.from_numpy(quats), extra).numpy(), path + shift


def _noise(quats: Array, path: Array, missing: Mask, fps: float, amount: float, rng: np.random.Generator
           ) -> tuple[Array, Array]:
    return _shaken(quats, path, 0.1 * amount * rng.standard_normal((len(quats), TRACKED, 3)),
                   0.01 * amount * rng.standard_normal(path.shape))


def _correlated(quats: Array, path: Array, missing: Mask, fps: float, amount: float, rng: np.random.Generator
                ) -> tuple[Array, Array]:
    keep = np.exp(-1 / (CORRELATION_SECONDS * fps))
    white = rng.standard_normal((len(quats), TRACKED + 1, 3))
    white[1:] *= np.sqrt(1 - keep**2)
    drift = lfilter([1.0], [1.0, -keep], white, axis=0)
    return _shaken(quats, path, 0.12 * amount * drift[:, :TRACKED], 0.015 * amount * drift[:, TRACKED])


def _jitter(quats: Array, path: Array, missing: Mask, fps: float, amount: float, rng: np.random.Generator
            ) -> tuple[Array, Array]:
    seconds = np.arange(len(quats))[:, None, None] / fps
    phase, period = rng.uniform(0, 2 * np.pi, (1, TRACKED + 1, 1)), rng.uniform(1, 4, (1, TRACKED + 1, 1))
    swell = 1 + 0.9 * np.sin(2 * np.pi * seconds / period + phase)
    tremble = swell * rng.standard_normal((len(quats), TRACKED + 1, 3))
    return _shaken(quats, path, 0.03 * amount * tremble[:, :TRACKED], 0.003 * amount * tremble[:, TRACKED])


def _gaps(quats: Array, path: Array, missing: Mask, fps: float, amount: float, rng: np.random.Generator
          ) -> tuple[Array, Array]:
    frames = len(quats)
    names = list(PARTS)
    for begin, length in _stretches(frames, fps, 0.2, 1.0, 0.4 * amount, rng):
        part = PARTS[names[rng.choice(len(names), p=(0.2, 0.2, 0.2, 0.2, 0.1, 0.1))]]
        missing[begin : begin + length, part] = True
    missing[0] = False  # there is a last pose to hold
    out, place = quats.copy(), path.copy()
    for t in range(1, frames):
        out[t, missing[t]] = out[t - 1, missing[t]]
        if missing[t, 0]:
            place[t] = place[t - 1]
    return out, place


def _outliers(quats: Array, path: Array, missing: Mask, fps: float, amount: float, rng: np.random.Generator
              ) -> tuple[Array, Array]:
    wild = rng.random(quats.shape[:2]) < 0.02 * amount
    limbs = list(PARTS)[:4]
    for begin, length in _stretches(len(quats), fps, 0.05, 0.2, 0.06 * amount, rng):
        wild[begin : begin + length, PARTS[limbs[rng.integers(4)]]] = True
    axes = rng.standard_normal((*quats.shape[:2], 3))
    turn = axes / np.linalg.norm(axes, axis=-1, keepdims=True) * rng.uniform(0.5, np.pi, (*quats.shape[:2], 1))
    jump = 0.3 * rng.standard_normal(path.shape) * wild[:, :1]
    return _shaken(quats, path, turn * wild[..., None], jump)


def _outliers_and_gaps(quats: Array, path: Array, missing: Mask, fps: float, amount: float, rng: np.random.Generator
                       ) -> tuple[Array, Array]:
    quats, path = _outliers(quats, path, missing, fps, amount, rng)
    return _gaps(quats, path, missing, fps, amount, rng)


def _swapped(quats: Array, path: Array, missing: Mask, fps: float, amount: float, rng: np.random.Generator
             ) -> tuple[Array, Array]:
    out = quats.copy()
    for begin, length in _stretches(len(quats), fps, 0.1, 0.33, 0.12 * amount, rng):
        side = ("left arm", "left leg")[rng.integers(2)]
        here = list(PARTS[side])
        there = [MIRROR[joint] for joint in here]
        signs = np.array([1, 1, -1, -1]) if rng.random() < 0.5 else np.ones(4)
        part = slice(begin, begin + length)
        out[part, here], out[part, there] = quats[part, there] * signs, quats[part, here] * signs
    return out, path


def _frozen(quats: Array, path: Array, missing: Mask, fps: float, amount: float, rng: np.random.Generator
            ) -> tuple[Array, Array]:
    out = quats.copy()
    for begin, length in _stretches(len(quats), fps, 1.0, 2.0, 0.3 * amount, rng):
        part = list(PARTS[("left arm", "right arm")[rng.integers(2)]])
        out[begin : begin + length, part] = out[begin, part]
    return out, path


def _stretches(frames: int, fps: float, shortest: float, longest: float, share: float, rng: np.random.Generator
               ) -> list[tuple[int, int]]:
    """(first frame, length) of stretches that together last ``share`` of the time; at least one, if there is room."""
    found, total = [], 0
    while frames > 1 and total < share * frames:
        length = max(round(rng.uniform(shortest, longest) * fps), 1)
        length = min(length, max(frames // 2, 1))
        found.append((int(rng.integers(0, frames - length + 1)), length))
        total += length
    return found


_MAKERS: dict[str, Callable[[Array, Array, Mask, float, float, np.random.Generator], tuple[Array, Array]]] = {
    "noise": _noise, "correlated": _correlated, "jitter": _jitter, "gaps": _gaps, "outliers": _outliers,
    "outliers+gaps": _outliers_and_gaps, "swapped limbs": _swapped, "frozen arm": _frozen,
}

KINDS: tuple[str, ...] = tuple(_MAKERS)
"""Names of the damages."""
