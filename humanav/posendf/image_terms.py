"""What is known of poses, as terms of a least-squares fit: the distance to the manifold, or a Gaussian mixture."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import torch
from scipy.spatial.transform import Rotation

from humanav.body.kinematics import Array, PosedSkeleton, log_derivative, log_rotation
from humanav.fit.prior import GaussianMixture
from humanav.fit.solver import BodyState, Layout
from humanav.posendf.mixture import PoseMixture
from humanav.posendf.model import PoseNDF
from humanav.posendf.quaternions import NUM_JOINTS, tangent

_NEAR = 0.05
"""Radians: closer to the manifold than this the pull is taken to be that of a parabola."""


@dataclass(frozen=True)
class ManifoldTerm:
    """``weight`` times the distance f of the pose to the manifold (Pose-NDF, section 4.3; f itself, not its square,
    which would hardly pull where it matters).

    f is about a mean over joints of half angles to some nearest pose, so it is met like a norm: the curvature is that
    of the parabola that touches it, which a solver of squares follows without overshooting.
    """

    field: PoseNDF
    weight: float

    def __call__(self, state: BodyState, posed: PosedSkeleton, layout: Layout) -> tuple[float, Array, Array]:
        quats = rotations_to_quats(state.rotations)
        value, slope = self.field.value_and_gradient(quats)
        distance = float(value[0])
        # the tangent's length is the half angle, the solver's step the whole one
        turn = 0.5 * tangent(quats, slope)[0].numpy().astype(np.float64)
        bend = 0.25 / (NUM_JOINTS * max(distance, _NEAR))
        gradient, curvature = np.zeros(layout.size), np.zeros((layout.size, layout.size))
        for joint in range(NUM_JOINTS):
            columns = layout.joint(joint + 1)
            if columns is not None:
                gradient[columns] = self.weight * turn[joint]
                curvature[columns, columns] = self.weight * bend * np.eye(3)
        return self.weight * distance, gradient, curvature


@dataclass(frozen=True)
class MixtureTerm:
    """``weight`` times the negative log-likelihood of the pose under a mixture over its 63 rotation-vector numbers."""

    mixture: GaussianMixture
    weight: float

    def __call__(self, state: BodyState, posed: PosedSkeleton, layout: Layout) -> tuple[float, Array, Array]:
        vectors = log_rotation(state.rotations[1 : NUM_JOINTS + 1])
        cost, slope, bend = self.mixture.quadratic(vectors.ravel())
        jacobian = np.zeros((3 * NUM_JOINTS, layout.size))
        for joint, block in enumerate(log_derivative(vectors)):
            columns = layout.joint(joint + 1)
            if columns is not None:
                jacobian[3 * joint : 3 * joint + 3, columns] = block
        return self.weight * cost, self.weight * (jacobian.T @ slope), self.weight * (jacobian.T @ bend @ jacobian)


@lru_cache(maxsize=4)
def mixture_of(mixture: PoseMixture) -> GaussianMixture:
    """A mixture fitted to poses, as the terms of a fit take it."""
    precisions = torch.linalg.inv(mixture.covariances)
    return GaussianMixture(mixture.weights.numpy(), mixture.means.numpy(), precisions.numpy())


def rotations_to_quats(rotations: Array) -> torch.Tensor:
    """The pose (1,21,4) of parent-relative rotation matrices (>=22,3,3)."""
    quats = Rotation.from_matrix(rotations[1 : NUM_JOINTS + 1]).as_quat(canonical=True)
    return torch.from_numpy(np.roll(quats, 1, axis=1)[None]).float()
