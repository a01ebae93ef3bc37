"""What is known of human motion in closed form: how joints accelerate together, and which poses are likely.

Everything is Gaussian or a mixture of Gaussians over the 63 numbers of a pose (rotation vectors of 21 joints, radians)
and, for accelerations, the 3 of the root's turn before them, so that the likeliest motion given noisy data is the
solution of a banded linear system (:mod:`humanav.posendf.temporal`). Accelerations are second differences per frame at
:data:`FPS`; white acceleration in continuous time scales them to other frame rates by (FPS / fps)^(3/2).
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
from humanav.posendf.cmu import cmu_clips
from humanav.posendf.mixture import PoseMixture
from humanav.posendf.sequences import continuous, develop, rotations_of, to_vectors

Array = NDArray[np.float64]

FPS = 30.0
FILE = "motion_prior.safetensors"
FEATURES = 66
"""Numbers of a frame: the root's turn, rolled out (:func:`~humanav.posendf.sequences.develop`), and the 21 joints."""
COLLARS = slice(39, 45)
"""Those of the two collar bones, which captures without markers on them leave at rest."""


@dataclass(frozen=True)
class MotionPrior:
    """Statistics of captured motion.

    Attributes:
        acceleration: (66,66) covariance of the second differences at 30 fps, rad^2.
        step: (66,66) covariance of the first differences at 30 fps, rad^2.
        path: standard deviation per axis of the root's second differences of place at 30 fps, metres.
        weights, means, covariances: (M,), (M,63), (M,63,63) of the mixture of likely poses.
    """

    acceleration: Array
    step: Array
    path: float
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
        vectors = [flat(q, q[:, 0])[0] for q in quats]
        second = np.concatenate([np.diff(v, 2, axis=0) for v in vectors])
        path = np.concatenate([np.diff(m.transl.astype(np.float64), 2, axis=0) for m in motions])
        acceleration = second.T @ second / len(second)
        acceleration[COLLARS], acceleration[:, COLLARS] = 0, 0
        acceleration[COLLARS, COLLARS] = 0.02**2 * np.eye(6)
        poses = torch.from_numpy(np.concatenate([q[:, 1:] for q in quats])).float()
        mixture = PoseMixture.fit(poses, components, seed, shrink=100.0)
        covariances = mixture.covariances.numpy().copy()
        covariances[:, 36:42, 36:42] += 0.15**2 * np.eye(6)
        first = np.concatenate([np.diff(v, axis=0) for v in vectors])
        step = first.T @ first / len(first)
        step[COLLARS], step[:, COLLARS] = 0, 0
        step[COLLARS, COLLARS] = 0.02**2 * np.eye(6)
        return cls(acceleration + 0.003**2 * np.eye(FEATURES), step + 0.003**2 * np.eye(FEATURES),
                   float(np.sqrt((path**2).mean())), mixture.weights.numpy(), mixture.means.numpy(),
                   covariances + 0.02**2 * np.eye(63))

    @classmethod
    def fit_cmu(cls, path: str | Path, seed: int = 0) -> MotionPrior:
        """From the longest undamaged stretch, of a second or more, of each training clip (see :mod:`.cmu`).

        Raises:
            MotionFileError: the file is not such a collection of clips.
            InputError: no clip of it trains.
        """
        motions = []
        for clip in cmu_clips(path, "train"):
            edges = np.flatnonzero(np.diff(np.concatenate([[False], clip.ok, [False]]).astype(int)))
            if len(edges):
                start, stop = max(edges.reshape(-1, 2).tolist(), key=lambda pair: pair[1] - pair[0])
                if stop - start >= FPS:
                    motions.append(clip.motion[start:stop])
        return cls.fit(motions, seed=seed)

    def save(self, folder: str | Path) -> None:
        """Write ``motion_prior.safetensors`` (float32) into ``folder``."""
        from safetensors.numpy import save_file

        folder = Path(folder)
        folder.mkdir(parents=True, exist_ok=True)
        arrays = {name: getattr(self, name).astype(np.float32)
                  for name in ("acceleration", "step", "weights", "means", "covariances")}
        save_file(arrays, folder / FILE, metadata={"root": json.dumps({"path": self.path})})

    @classmethod
    def load(cls, folder: str | Path | None = None) -> MotionPrior:
        """The prior stored in ``folder``, by default the shipped one.

        Raises:
            InputError: the folder holds none that can be read.
        """
        return _load(checkpoint("motion_prior") if folder is None else Path(folder).resolve())


def flat(quats: Array, reference: Array) -> tuple[Array, Array]:
    """Rotations (T,22,4) of continuous sign as numbers (T,66), and the path (T,3) of the root's ``reference`` (T,4)."""
    path, root = develop(reference, quats[:, 0])
    return np.concatenate([root, to_vectors(quats[:, 1:]).reshape(len(quats), -1)], axis=1), path


@lru_cache(maxsize=2)
def _load(folder: Path) -> MotionPrior:
    from safetensors import SafetensorError, safe_open

    try:
        with safe_open(folder / FILE, framework="np") as file:
            arrays = {name: file.get_tensor(name).astype(np.float64) for name in file.keys()}  # noqa: SIM118
            root = json.loads(file.metadata()["root"])
        return MotionPrior(**arrays, path=float(root["path"]))
    except (OSError, KeyError, TypeError, ValueError, SafetensorError) as error:
        raise InputError(f"No motion prior could be read from {folder}: restore the folder.") from error
