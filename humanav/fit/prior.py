"""What poses people take: a Gaussian mixture over the body's joint rotations and the direction of gravity.

Features of one pose (66): rotation vectors of body joints 1-21 (63), then the world's up direction in the pelvis frame.
Gravity inside the prior is what makes a fitted person stand, sit or crouch upright instead of leaning with the depth
error of the detector.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from humanav.body.kinematics import cross_matrix, log_derivative, log_rotation
from humanav.errors import InputError
from humanav.paths import checkpoint

Array = NDArray[np.float64]

NUM_FEATURES = 66


@dataclass(frozen=True)
class GaussianMixture:
    """A mixture of M Gaussians over D features.

    Attributes:
        weights: (M,) sum to 1.
        means: (M,D).
        precisions: (M,D,D) inverse covariances.
    """

    weights: Array
    means: Array
    precisions: Array

    def __post_init__(self) -> None:
        logdet = np.linalg.slogdet(self.precisions)[1]
        constant = np.log(self.weights) + 0.5 * logdet - 0.5 * self.means.shape[1] * np.log(2 * np.pi)
        object.__setattr__(self, "_constant", constant)

    def component_log_likelihood(self, features: Array) -> Array:
        """log(weight x density) of each component, (...,M), for features (...,D)."""
        diff = features[..., None, :] - self.means
        mahalanobis = np.einsum("...mi,mij,...mj->...m", diff, self.precisions, diff, optimize=True)
        return self._constant - 0.5 * mahalanobis  # type: ignore[attr-defined]

    def negative_log_likelihood(self, features: Array) -> Array:
        """-log p of features (...,D), in nats."""
        logs = self.component_log_likelihood(features)
        top = logs.max(-1, keepdims=True)
        return -(top[..., 0] + np.log(np.exp(logs - top).sum(-1)))

    def quadratic(self, features: Array) -> tuple[float, Array, Array]:
        """Cost, gradient (D,) and a positive curvature (D,D) at one pose (D,).

        The curvature is that of the mixture's majoriser (components weighted by responsibility), so a full step never
        overshoots by much. The cost is the negative log-likelihood shifted so that the best component's centre is 0.
        """
        logs = self.component_log_likelihood(features)
        share = np.exp(logs - logs.max())
        cost = -(logs.max() + np.log(share.sum())) + float(self._constant.max())  # type: ignore[attr-defined]
        share /= share.sum()
        used = share > 1e-3
        curvature = np.einsum("m,mij->ij", share[used], self.precisions[used])
        pull = np.einsum("mij,mj->mi", self.precisions[used], features - self.means[used])
        return cost, share[used] @ pull, curvature


@dataclass(frozen=True)
class PosePrior(GaussianMixture):
    """A mixture over the 66 features.

    Attributes:
        names: what each component stands for, may be empty.
    """

    names: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        count = len(self.weights)
        if self.means.shape != (count, NUM_FEATURES) or self.precisions.shape != (count, NUM_FEATURES, NUM_FEATURES):
            raise InputError("The pose prior's arrays do not fit together: train it again with train_pose_prior.py.")
        super().__post_init__()

    @classmethod
    def load(cls, folder: Path | None = None) -> PosePrior:
        """Read ``model.safetensors`` and ``config.json``; by default the shipped checkpoint.

        Raises:
            InputError: when the files are missing or are not a pose prior.
        """
        return _load(checkpoint("pose_prior") if folder is None else Path(folder))


@lru_cache(maxsize=4)
def _load(folder: Path) -> PosePrior:
    from safetensors.numpy import load_file

    try:
        arrays = load_file(folder / "model.safetensors")
        config: dict[str, Any] = json.loads((folder / "config.json").read_text())
        weights, means, precisions = (arrays[key].astype(np.float64) for key in ("weights", "means", "precisions"))
        return PosePrior(weights, means, precisions, tuple(config.get("components", ())))
    except (OSError, KeyError, ValueError) as error:
        raise InputError(f"No pose prior could be read from {folder}: restore the folder or train it again.") from error


def pose_features(rotations: Array, up: Array) -> Array:
    """Features (66,) of parent-relative rotations (>=22,3,3) under the world's up direction (3,)."""
    return np.concatenate([log_rotation(rotations[1:22]).reshape(-1), rotations[0].T @ up])


def feature_jacobian(features: Array, rotations: Array, up_dirs: Array) -> tuple[Array, Array]:
    """Derivative of :func:`pose_features`.

    Returns:
        by the rotation vectors of joints 0-21, each in its own frame: (66,66) with columns joint-major; and by the two
        parameters of the up direction, whose derivatives are ``up_dirs`` (3,2): (66,2).
    """
    by_pose, by_up = np.zeros((NUM_FEATURES, 66)), np.zeros((NUM_FEATURES, 2))
    blocks = log_derivative(features[:63].reshape(21, 3))
    for joint in range(21):
        by_pose[3 * joint : 3 * joint + 3, 3 + 3 * joint : 6 + 3 * joint] = blocks[joint]
    by_pose[63:, :3] = cross_matrix(features[63:])
    by_up[63:] = rotations[0].T @ up_dirs
    return by_pose, by_up
