"""Which way is up before a camera that nobody has measured, told by the way people hold themselves.

The pose prior of the photo fit knows poses together with the direction of gravity. Under a still camera one direction
must suit every frame: the one that makes the whole clip likeliest, with a prior on how cameras are held.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from humanav.body.kinematics import log_rotation
from humanav.fit import PosePrior

Array = NDArray[np.float64]

_FRAMES = 40  # looked at, spread evenly
_PITCH, _ROLL = np.radians([12.0, 4.0])  # spread of how cameras are held
_TRUST = 0.2  # weight of that, against the mean over the frames
_COARSE, _FINE = np.radians([5.0, 1.0])
_MOST_PITCH, _MOST_ROLL = np.radians([50.0, 20.0])


def gravity(rotations: Array, prior: PosePrior | None = None) -> Array:
    """The world's up direction (3,) in the camera's frame (x right, y down), a unit vector.

    Within 4 degrees (median) of the truth for motions of the validation subjects, where taking the camera to be level
    is 8 degrees off.

    Args:
        rotations: (T,22,3,3) parent-relative, the root in the camera's frame.
        prior: by default the shipped one.
    """
    prior = PosePrior.load() if prior is None else prior
    chosen = np.unique(np.linspace(0, len(rotations) - 1, min(_FRAMES, len(rotations))).round().astype(int))
    part = np.asarray(rotations[chosen], dtype=np.float64)
    pose = log_rotation(part[:, 1:22]).reshape(len(part), 63)
    centre = np.zeros(2)
    for step, reach in ((_COARSE, np.array([_MOST_PITCH, _MOST_ROLL])), (_FINE, np.array([_COARSE, _COARSE]))):
        pitch, roll = np.meshgrid(*(c + np.arange(-r, r + 1e-6, step) for c, r in zip(centre, reach, strict=True)),
                                  indexing="ij")
        angles = np.stack([pitch.ravel(), roll.ravel()], axis=1)
        cost = _unlikeliness(prior, pose, part[:, 0], _up(angles))
        cost += _TRUST * 0.5 * ((angles / [_PITCH, _ROLL]) ** 2).sum(1)
        centre = angles[int(np.argmin(cost))]
    return np.asarray(_up(centre[None])[0])


def level_camera(up: Array) -> Array:
    """The world-to-camera rotation (3,3) of a camera that sees ``up`` (3,) and looks along -z but for its tilt."""
    right = np.cross([0.0, 0.0, 1.0], up)
    right = np.array([1.0, 0.0, 0.0]) if np.linalg.norm(right) < 1e-6 else right / np.linalg.norm(right)
    return np.stack([right, up, np.cross(right, up)], axis=1)


def _up(angles: Array) -> Array:
    """Directions (N,3) in the camera's frame for pitch (looking down is positive) and roll (N,2)."""
    raw = np.stack([np.tan(angles[:, 1]), -np.ones(len(angles)), -np.tan(angles[:, 0])], axis=1)
    return np.asarray(raw / np.linalg.norm(raw, axis=1, keepdims=True))


def _unlikeliness(prior: PosePrior, pose: Array, root: Array, ups: Array) -> Array:
    """Mean negative log-likelihood (N,) of the frames' poses (T,63) and roots (T,3,3) under each direction (N,3)."""
    seen = np.einsum("tji,nj->nti", root, ups)
    away = pose[:, None] - prior.means[None, :, :63]
    own = np.einsum("tmi,mij,tmj->tm", away, prior.precisions[:, :63, :63], away, optimize=True)
    lean = np.einsum("tmi,mij->tmj", away, prior.precisions[:, :63, 63:], optimize=True)
    off = seen[:, :, None] - prior.means[:, 63:]
    square = own + 2 * (lean * off).sum(-1) + np.einsum("ntmi,mij,ntmj->ntm", off, prior.precisions[:, 63:, 63:], off,
                                                        optimize=True)
    logs = np.log(prior.weights) + 0.5 * np.linalg.slogdet(prior.precisions)[1] - 0.5 * square
    top = logs.max(-1, keepdims=True)
    return np.asarray(-(top[..., 0] + np.log(np.exp(logs - top).sum(-1))).mean(axis=1))
