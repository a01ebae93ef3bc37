"""Forward kinematics of many frames of one body at once, with the exact derivative of landmarks by pose and shape.

The whole-clip counterpart of :mod:`humanav.body.kinematics`. A landmark is ``X[joint] + G[frame] @ offset`` with the
posed joints X and their global rotations G. Turning joint j by a small rotation vector d in its own frame moves it by
``(G[j] @ d) x lever``.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from humanav.body.kinematics import Skeleton
from humanav.body.landmarks import LANDMARKS
from humanav.body.names import JOINT_INDEX

Array = NDArray[np.float64]


@dataclass(frozen=True)
class ClipState:
    """What is fitted: T frames of one body before one camera, OpenCV axes, metres.

    Attributes:
        rotations: (T,55,3,3) parent-relative, the root's in the camera's frame.
        pelvis: (T,3) the pelvis joint in the camera's frame.
        betas: (B,) shape.
        tilt: (2,) x and z of the world's up direction for y = -1, in the camera's frame.
    """

    rotations: Array
    pelvis: Array
    betas: Array
    tilt: Array

    def __len__(self) -> int:
        return len(self.rotations)

    @property
    def up(self) -> Array:
        """The world's up direction (3,) in the camera's frame, a unit vector."""
        vector = np.array([self.tilt[0], -1.0, self.tilt[1]])
        return vector / np.linalg.norm(vector)

    @property
    def up_dirs(self) -> Array:
        """Derivative of :attr:`up` by ``tilt`` (3,2)."""
        vector = np.array([self.tilt[0], -1.0, self.tilt[1]])
        length, up = np.linalg.norm(vector), self.up
        return np.asarray(((np.eye(3) - np.outer(up, up)) / length)[:, [0, 2]])


@dataclass(frozen=True)
class PosedClip:
    """A skeleton in T poses.

    Attributes:
        skeleton: whose.
        joints: (T,J,3) in the state's frame.
        rotations: (T,J,3,3) global.
        joint_dirs: (T,J,3,B) derivative of the joints by the betas, the pelvis held.
    """

    skeleton: Skeleton
    joints: Array
    rotations: Array
    joint_dirs: Array


def pose_clip(skeleton: Skeleton, state: ClipState) -> PosedClip:
    """Forward kinematics of every frame."""
    rest = skeleton.template + skeleton.dirs @ state.betas
    count = len(state)
    joints = np.empty((count, len(rest), 3))
    turned = np.empty((count, len(rest), 3, 3))
    dirs = np.zeros((count, *skeleton.dirs.shape))
    for joint, parent in enumerate(skeleton.parents):
        if parent < 0:
            turned[:, joint], joints[:, joint] = state.rotations[:, joint], state.pelvis
        else:
            up = turned[:, parent]
            turned[:, joint] = up @ state.rotations[:, joint]
            joints[:, joint] = joints[:, parent] + up @ (rest[joint] - rest[parent])
            dirs[:, joint] = dirs[:, parent] + up @ (skeleton.dirs[joint] - skeleton.dirs[parent])
    return PosedClip(skeleton, joints, turned, dirs)


@dataclass(frozen=True)
class ClipPoints:
    """K landmarks that follow the skeleton.

    Attributes:
        joint, frame: (K,) indices.
        offset: (K,3) metres in the frame's axes at zero betas.
        growth: (B,) how the offsets grow with the betas: ``offset * (1 + growth @ betas)``.
    """

    joint: NDArray[np.intp]
    frame: NDArray[np.intp]
    offset: Array
    growth: Array

    def __len__(self) -> int:
        return len(self.joint)

    @classmethod
    def named(cls, names: Sequence[str], growth: Array) -> ClipPoints:
        """Landmarks by name; see :data:`humanav.body.landmarks.LANDMARKS`."""
        marks = [LANDMARKS[name] for name in names]
        return cls(np.array([JOINT_INDEX[mark.joint] for mark in marks], dtype=np.intp),
                   np.array([JOINT_INDEX[mark.frame] for mark in marks], dtype=np.intp),
                   np.array([mark.offset for mark in marks], dtype=np.float64).reshape(-1, 3), growth)

    @classmethod
    def of_joints(cls, joints: Sequence[int], num_betas: int) -> ClipPoints:
        """The joints themselves."""
        index = np.asarray(joints, dtype=np.intp)
        return cls(index, index, np.zeros((len(index), 3)), np.zeros(num_betas))

    def take(self, index: NDArray[np.intp] | Sequence[int]) -> ClipPoints:
        """Some of them."""
        rows = np.asarray(index, dtype=np.intp)
        return ClipPoints(self.joint[rows], self.frame[rows], self.offset[rows], self.growth)


def place_clip_points(points: ClipPoints, posed: PosedClip, betas: Array, active: Sequence[int] | None = None,
                      shape: bool = True) -> tuple[Array, Array | None, Array | None]:
    """Where landmarks are in every frame, and their derivatives.

    Args:
        points: K landmarks.
        posed: T poses.
        betas: (B,) of the same state.
        active: joints whose turns the derivative is wanted for; None for places alone.
        shape: whether the derivative by the betas is wanted too.

    Returns:
        places (T,K,3); the derivative (T,K,3,3A+3) by the rotation vector of each active joint in its own frame and by
        the pelvis; and the derivative (T,K,3,B) by the betas. None where not asked for.
    """
    size = 1.0 + float(points.growth @ betas)
    turned = posed.rotations[:, points.frame]
    arm = (turned @ (points.offset * size)[..., None])[..., 0]
    root = posed.joints[:, points.joint]
    places = root + arm
    if active is None:
        return places, None, None
    below = posed.skeleton.descendants
    index = np.asarray(active, dtype=np.intp)
    moves_joint = below[np.ix_(index, points.joint)] > 0
    moves_arm = below[np.ix_(index, points.frame)] > 0
    count, number = len(places), len(index)
    jacobian = np.zeros((count, len(points), 3, 3 * number + 3))
    for row, joint in enumerate(index):
        both = moves_joint[row] | moves_arm[row]
        if not both.any():
            continue
        lever = (np.where(moves_joint[row, both][:, None], root[:, both] - posed.joints[:, joint, None], 0.0)
                 + np.where(moves_arm[row, both][:, None], arm[:, both], 0.0))
        axes = posed.rotations[:, joint]  # columns: the joint's own axes
        # d/dangle_c = axes[:, c] x lever
        for c in range(3):
            axis = axes[:, None, :, c]
            jacobian[:, both, 0, 3 * row + c] = axis[..., 1] * lever[..., 2] - axis[..., 2] * lever[..., 1]
            jacobian[:, both, 1, 3 * row + c] = axis[..., 2] * lever[..., 0] - axis[..., 0] * lever[..., 2]
            jacobian[:, both, 2, 3 * row + c] = axis[..., 0] * lever[..., 1] - axis[..., 1] * lever[..., 0]
    jacobian[..., 3 * number:] = np.eye(3)
    if not shape:
        return places, jacobian, None
    by_shape = posed.joint_dirs[:, points.joint] + (arm / size)[..., None] * points.growth
    return places, jacobian, by_shape
