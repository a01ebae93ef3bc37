"""What is known of human motion in closed form: how joints accelerate together, and which poses are likely.

Everything is Gaussian or a mixture of Gaussians over the 63 numbers of a pose (rotation vectors of 21 joints, radians),
so that the likeliest motion given noisy data is the solution of a banded linear system
(:mod:`humanav.posendf.temporal`). Accelerations are second differences per frame at :data:`FPS`; white acceleration in
continuous time scales them to other frame rates by (FPS / fps)^(3/2), whatever the rate.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from humanav.errors import InputError
from humanav.motion import Motion
from humanav.paths import checkpoint
from humanav.posendf.mixture import PoseMixture
from humanav.posendf.sequences import continuous, rotations_of, to_vectors

Array = NDArray[np.float64]

FPS = 30.0
FILE = "motion_prior.safetensors"
FEATURES = 63
_COLLARS = slice(36, 42)
"""Features of the two collar bones, which captures without markers on them leave at rest."""


@dataclass(frozen=True)
class MotionPrior:
    """Statistics of captured motion.

    Attributes:
        acceleration: (63,63) covariance of the joints' second differences at 30 fps, rad^2.
        turn, path: standard deviation per axis of the root's second differences at 30 fps, radians and metres.
        speed: (22,) the joints' angular speed that 1 frame in 20 exceeds, rad/s.
        weights, means, covariances: (M,), (M,63), (M,63,63) of the mixture of likely poses.
    """

    acceleration: Array
    turn: float
    path: float
    speed: Array
    weights: Array
    means: Array
    covariances: Array

    @classmethod
    def fit(cls, motions: Sequence[Motion], components: int = 8, seed: int = 0) -> MotionPrior:
        """From undamaged motions at 30 fps.

        Collars, which the captures leave at rest, are widened so that motions which use them are not called wrong.

        Raises:
            InputError: no motions, or one at another frame rate.
        """
        if not motions or any(abs(m.fps - FPS) > 0.1 for m in motions):
            raise InputError("The motion prior is learned from motions at 30 frames a second; resample them first.")
        quats = [continuous(rotations_of(m)) for m in motions]
        vectors = [to_vectors(q) for q in quats]
        second = np.concatenate([np.diff(v[:, 1:].reshape(len(v), -1), 2, axis=0) for v in vectors])
        turn = np.concatenate([2 * np.diff(q[:, 0], 2, axis=0) for q in quats])
        path = np.concatenate([np.diff(m.transl.astype(np.float64), 2, axis=0) for m in motions])
        speed = np.concatenate([np.linalg.norm(np.diff(v, axis=0), axis=-1) for v in vectors])
        acceleration = second.T @ second / len(second)
        acceleration[_COLLARS], acceleration[:, _COLLARS] = 0, 0
        acceleration[_COLLARS, _COLLARS] = 0.02**2 * np.eye(6)
        poses = torch.from_numpy(np.concatenate([q[:, 1:] for q in quats])).float()
        mixture = PoseMixture.fit(poses, components, seed, shrink=100.0)
        covariances = mixture.covariances.numpy().copy()
        covariances[:, _COLLARS, _COLLARS] += 0.15**2 * np.eye(6)
        return cls(acceleration + 0.003**2 * np.eye(FEATURES), float(np.sqrt((turn**2).sum(-1).mean() / 3)),
                   float(np.sqrt((path**2).mean())), np.quantile(speed, 0.95, axis=0) * FPS, mixture.weights.numpy(),
                   mixture.means.numpy(), covariances + 0.02**2 * np.eye(FEATURES))

    def save(self, folder: str | Path) -> None:
        """Write ``motion_prior.safetensors`` (float32) into ``folder``."""
        from safetensors.numpy import save_file

        folder = Path(folder)
        folder.mkdir(parents=True, exist_ok=True)
        arrays = {name: getattr(self, name).astype(np.float32)
                  for name in ("acceleration", "speed", "weights", "means", "covariances")}
        save_file(arrays, folder / FILE, metadata={"root": json.dumps({"turn": self.turn, "path": self.path})})

    @classmethod
    def load(cls, folder: str | Path | None = None) -> MotionPrior:
        """The prior stored in ``folder``, by default the shipped one.

        Raises:
            InputError: the folder holds none that can be read.
        """
        return _load(checkpoint("motion_prior") if folder is None else Path(folder).resolve())


@lru_cache(maxsize=2)
def _load(folder: Path) -> MotionPrior:
    from safetensors import SafetensorError, safe_open

    try:
        with safe_open(folder / FILE, framework="np") as file:
            arrays = {name: file.get_tensor(name).astype(np.float64) for name in file.keys()}  # noqa: SIM118
            root = json.loads(file.metadata()["root"])
        return MotionPrior(**arrays, turn=float(root["turn"]), path=float(root["path"]))
    except (OSError, KeyError, TypeError, ValueError, SafetensorError) as error:
        raise InputError(f"No motion prior could be read from {folder}: restore the folder.") from error
