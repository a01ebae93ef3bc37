"""A body on its way through a clip, as the tracker moves it about: rotations, the pelvis' path, one shape."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import torch
from numpy.typing import NDArray

from humanav.body import BodyModel
from humanav.body.kinematics import exp_rotation, log_rotation
from humanav.motion import Motion

Array = NDArray[np.float64]


@dataclass(frozen=True)
class BodyPath:
    """T frames of one body, in the camera's frame (OpenCV axes) or in the world (y up); metres.

    Attributes:
        rotations: (T,55,3,3) parent-relative; the root's is in the frame in which the path is given.
        pelvis: (T,3) the pelvis joint.
        betas: (B,) shape.
        fps: frames per second.
        confidence: (T,22) 0..1 of the body's joints; 0 in frames that do not show the person.
        expression: (T,E), E may be 0.
    """

    rotations: Array
    pelvis: Array
    betas: NDArray[np.float32]
    fps: float
    confidence: Array
    expression: NDArray[np.float32] | None = None

    def __len__(self) -> int:
        return len(self.rotations)

    def __getitem__(self, part: slice) -> BodyPath:
        return replace(self, rotations=self.rotations[part], pelvis=self.pelvis[part],
                       confidence=self.confidence[part],
                       expression=None if self.expression is None else self.expression[part])

    def joints(self, body: BodyModel) -> Array:
        """The joints (T,55,3) in the path's frame."""
        with torch.no_grad():
            out = body(torch.from_numpy(self.rotations).to(body.dtype),
                       torch.from_numpy(self.betas[: body.num_betas]).to(body.dtype), vertices=False)
        joints = out.joints.double().numpy()
        return np.asarray(joints - joints[:, :1] + self.pelvis[:, None])

    def turned(self, R: Array, t: Array) -> BodyPath:
        """The same body in another frame: points become ``R @ p + t``; R (3,3) or (T,3,3), t (3,) or (T,3)."""
        rotations = self.rotations.copy()
        rotations[:, 0] = R @ rotations[:, 0]
        return replace(self, rotations=rotations, pelvis=np.einsum("...ij,...j->...i", R, self.pelvis) + t)

    def to_world(self, R: Array, t: Array) -> BodyPath:
        """From the frame of a camera ``x_cam = R x_world + t`` (fixed, or one a frame) to the world."""
        back = np.swapaxes(R, -1, -2)
        return self.turned(back, -np.einsum("...ij,...j->...i", back, t))

    def motion(self, body: BodyModel, name: str = "", person_id: str = "0") -> Motion:
        """As a :class:`~humanav.motion.Motion`; meaningful for a path in the world."""
        trust = np.zeros((len(self), 55), dtype=np.float32)
        trust[:, :22] = self.confidence
        transl = self.pelvis - rest_pelvis(body, self.betas)
        return Motion.from_full_pose(log_rotation(self.rotations), self.fps, transl, self.betas, self.expression, name,
                                     person_id, trust)


def path_of(motion: Motion, body: BodyModel) -> BodyPath:
    """The inverse of :meth:`BodyPath.motion`."""
    trust = np.ones((len(motion), 22)) if motion.confidence is None else motion.confidence[:, :22].astype(np.float64)
    return BodyPath(exp_rotation(motion.full_pose.astype(np.float64)),
                    motion.transl.astype(np.float64) + rest_pelvis(body, motion.betas), motion.betas, motion.fps, trust,
                    motion.expression)


def rest_pelvis(body: BodyModel, betas: NDArray[np.float32]) -> Array:
    """Where SMPL-X puts the pelvis (3,) of a shape at rest, metres."""
    shape = torch.from_numpy(np.asarray(betas[: body.num_betas], dtype=np.float32)).to(body.dtype)
    return np.asarray((body.J_template[0] + body.J_dirs[0, :, : len(shape)] @ shape).double().numpy())
