"""The distance to the manifold of poses (Pose-NDF) as a term of a whole clip's fit."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from scipy.spatial.transform import Rotation

from humanav.fit.clip_kinematics import ClipState, PosedClip
from humanav.fit.clip_solver import Equations
from humanav.posendf.model import PoseNDF
from humanav.posendf.quaternions import NUM_JOINTS, tangent

Array = NDArray[np.float64]

_NEAR = 0.05
"""Radians: closer to the manifold than this the pull is taken to be that of a parabola."""


@dataclass(frozen=True)
class ClipManifoldTerm:
    """``weight`` (T,) times each frame's distance to the manifold; see :mod:`humanav.posendf.image_terms`, whose
    parabola that touches the distance is the curvature here too."""

    field: PoseNDF
    weight: Array

    def __call__(self, state: ClipState, posed: PosedClip, equations: Equations) -> None:
        local = state.rotations[:, 1 : NUM_JOINTS + 1].reshape(-1, 3, 3)
        quats = Rotation.from_matrix(local).as_quat(canonical=True)
        poses = torch.from_numpy(np.roll(quats, 1, axis=1).reshape(len(state), NUM_JOINTS, 4)).float()
        value, slope = self.field.value_and_gradient(poses)
        distance = value.numpy().astype(np.float64)
        turn = 0.5 * tangent(poses, slope).numpy().astype(np.float64)  # of whole angles, as the solver steps
        bend = self.weight * 0.25 / (NUM_JOINTS * np.maximum(distance, _NEAR))
        equations.cost += float(self.weight @ distance)
        for joint in range(NUM_JOINTS):
            columns = equations.columns(joint + 1)
            if columns is not None:
                equations.gradient[:, columns] += self.weight[:, None] * turn[:, joint]
                place = np.arange(columns.start, columns.stop)
                equations.blocks[:, place, place] += bend[:, None]
