"""Forward kinematics of the body in numpy, with the exact derivative of every point by pose, place and shape.

The fits need thousands of small evaluations with Jacobians; here one costs a few milliseconds on one core and needs no
automatic differentiation. Every point the fits look at (a joint, a detector's landmark, a point on the skin, the
centre of mass) has one form::

    p = sum_j  anchor[j] * X[j]  +  G[j] @ (offset[j] + offset_dirs[j] . betas)

with ``X`` the posed joints and ``G`` their global rotations. Turning joint j by a small rotation vector d in its own
frame (``R[j] @ exp(d)``) moves p by ``(G[j] @ d) x lever``, the lever being the part of p that hangs below j.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from humanav.body.names import PARENTS

Array = NDArray[np.float64]


@dataclass(frozen=True)
class Skeleton:
    """Rest joints as a linear function of the shape.

    Attributes:
        template: rest joints (J,3) in metres at zero betas.
        dirs: their change per unit of each beta (J,3,B).
        parents: parent of each joint, -1 for the root; a parent comes before its children.
    """

    template: Array
    dirs: Array
    parents: tuple[int, ...] = PARENTS

    @classmethod
    def from_body(cls, body: Any, num_betas: int | None = None) -> Skeleton:
        """The skeleton of a :class:`~humanav.body.BodyModel` for its first ``num_betas`` shape parameters."""
        count = body.num_betas if num_betas is None else min(num_betas, body.num_betas)
        return cls(_numpy(body.J_template), _numpy(body.J_dirs)[..., :count], tuple(int(p) for p in body.parents))

    @property
    def num_betas(self) -> int:
        """How many shape parameters move the joints."""
        return int(self.dirs.shape[2])

    @cached_property
    def descendants(self) -> Array:
        """(J,J), 1 where joint column i hangs on joint row j or is j itself."""
        below = np.eye(len(self.parents))
        for joint in range(len(self.parents) - 1, 0, -1):
            below[self.parents[joint]] += below[joint]
        return below


@dataclass(frozen=True)
class PosedSkeleton:
    """A skeleton in one pose.

    Attributes:
        skeleton: whose it is.
        betas: shape (B,).
        joints: posed joints (J,3), world, metres.
        rotations: global rotations (J,3,3).
        rest: rest joints (J,3) of this shape.
        joint_dirs: derivative of the posed joints by the betas (J,3,B).
    """

    skeleton: Skeleton
    betas: Array
    joints: Array
    rotations: Array
    rest: Array
    joint_dirs: Array


def pose_skeleton(skeleton: Skeleton, rotations: Array, betas: Array, transl: Array) -> PosedSkeleton:
    """Forward kinematics with SMPL-X semantics: the root sits at its rest place plus ``transl``.

    Args:
        skeleton: the joint tree and its shape directions.
        rotations: parent-relative rotation matrices (J,3,3).
        betas: shape (B,).
        transl: (3,) metres.
    """
    rest = skeleton.template + skeleton.dirs @ betas
    joints, turned, dirs = np.empty_like(rest), np.empty_like(rotations), np.empty_like(skeleton.dirs)
    for joint, parent in enumerate(skeleton.parents):
        if parent < 0:
            turned[joint], joints[joint], dirs[joint] = rotations[joint], rest[joint] + transl, skeleton.dirs[joint]
        else:
            up = turned[parent]
            turned[joint] = up @ rotations[joint]
            joints[joint] = joints[parent] + up @ (rest[joint] - rest[parent])
            dirs[joint] = dirs[parent] + up @ (skeleton.dirs[joint] - skeleton.dirs[parent])
    return PosedSkeleton(skeleton, betas, joints, turned, rest, dirs)


@dataclass(frozen=True)
class Points:
    """K points that follow the skeleton (see the module's formula).

    Attributes:
        anchor: (J,K) how much of each joint's position a point takes; columns sum to 1 (0 for a pure direction).
        offset: (J,K,3) vectors in each joint's frame, metres.
        offset_dirs: (J,K,B,3) their change per unit of each beta, or None.
    """

    anchor: Array
    offset: Array
    offset_dirs: Array | None = None

    def __len__(self) -> int:
        return int(self.anchor.shape[1])

    def take(self, index: Any) -> Points:
        """Only the points ``index`` (a mask or indices)."""
        dirs = None if self.offset_dirs is None else self.offset_dirs[:, index]
        return Points(self.anchor[:, index], self.offset[:, index], dirs)

    @classmethod
    def of_joints(cls, weights: Array) -> Points:
        """Weighted sums of joints: ``weights`` (K,J)."""
        anchor = np.asarray(weights, dtype=np.float64).T.copy()
        return cls(anchor, np.zeros((*anchor.shape, 3)))

    @classmethod
    def of_landmarks(cls, skeleton: Skeleton, joints: Sequence[int], frames: Sequence[int], offsets: Array,
                     scale_dirs: Array | None = None) -> Points:
        """Landmarks ``X[joint] + G[frame] @ offset * scale``, where ``scale = 1 + scale_dirs . betas``.

        Args:
            skeleton: the joint tree.
            joints, frames: K joint indices each.
            offsets: (K,3) metres in the frame's axes at zero betas.
            scale_dirs: (B,) how the body's size, and the offsets with it, grows per unit of each beta.
        """
        count, index = len(joints), np.arange(len(joints))
        anchor, offset = np.zeros((len(skeleton.parents), count)), np.zeros((len(skeleton.parents), count, 3))
        anchor[joints, index] = 1.0
        offset[frames, index] = offsets
        dirs = None if scale_dirs is None else offset[:, :, None] * np.asarray(scale_dirs)[None, None, :, None]
        return cls(anchor, offset, dirs)

    @classmethod
    def on_skin(cls, skeleton: Skeleton, vertices: Array, vertex_dirs: Array, weights: Array) -> Points:
        """Points that are fixed mixtures of skinned vertices.

        Args:
            skeleton: the joint tree.
            vertices: (K,C,3) rest vertices mixed into each point, at zero betas.
            vertex_dirs: (K,C,3,B) their change per unit of each beta.
            weights: (K,C,J) barycentric coordinate times skinning weight; they sum to 1 over C and J.
        """
        anchor = weights.sum(1).T.copy()
        offset = np.einsum("kcj,kcd->jkd", weights, vertices) - anchor[..., None] * skeleton.template[:, None]
        dirs = np.einsum("kcj,kcdb->jkbd", weights, vertex_dirs, optimize=True)
        dirs -= anchor[..., None, None] * skeleton.dirs.transpose(0, 2, 1)[:, None]
        return cls(anchor, offset, dirs)


def place_points(points: Points, posed: PosedSkeleton, active: Sequence[int] | None = None
                 ) -> tuple[Array, Array | None]:
    """Where the points are, and their derivative.

    Args:
        points: K points.
        posed: the skeleton's pose.
        active: joints whose rotations the derivative is wanted for; None for positions alone.

    Returns:
        positions (K,3), and the Jacobian (K, 3, 3*len(active) + 3 + B) or None. Its columns: the rotation vector of
        each active joint in its own frame, then transl, then betas.
    """
    turned_t = posed.rotations.transpose(0, 2, 1)
    offset = points.offset
    if points.offset_dirs is not None:
        offset = offset + np.einsum("jkbd,b->jkd", points.offset_dirs, posed.betas)
    parts = points.anchor[..., None] * posed.joints[:, None] + offset @ turned_t  # (J,K,3)
    positions = parts.sum(0)
    if active is None:
        return positions, None
    count, joints, index = len(points), len(posed.joints), list(active)
    below = posed.skeleton.descendants[index]
    lever = (below @ parts.reshape(joints, -1)).reshape(len(index), count, 3)
    lever -= (below @ points.anchor)[..., None] * posed.joints[index][:, None]
    axes = turned_t[index][:, None]  # (n,1,axis,3)
    arm = lever[:, :, None]
    cross = np.stack([axes[..., 1] * arm[..., 2] - axes[..., 2] * arm[..., 1],
                      axes[..., 2] * arm[..., 0] - axes[..., 0] * arm[..., 2],
                      axes[..., 0] * arm[..., 1] - axes[..., 1] * arm[..., 0]], axis=-1)  # (n,K,axis,3)
    num_betas = posed.skeleton.num_betas
    jacobian = np.empty((count, 3, 3 * len(index) + 3 + num_betas))
    jacobian[..., : 3 * len(index)] = cross.transpose(1, 3, 0, 2).reshape(count, 3, -1)
    total = points.anchor.sum(0)
    jacobian[..., 3 * len(index) : 3 * len(index) + 3] = total[:, None, None] * np.eye(3)
    shape = np.einsum("jk,jdb->kdb", points.anchor, posed.joint_dirs, optimize=True)
    if points.offset_dirs is not None:
        turned = points.offset_dirs.reshape(joints, -1, 3) @ turned_t
        shape = shape + turned.sum(0).reshape(count, num_betas, 3).transpose(0, 2, 1)
    jacobian[..., 3 * len(index) + 3 :] = shape
    return positions, jacobian


def exp_rotation(vectors: Array) -> Array:
    """Rotation vectors (...,3) to matrices (...,3,3) (Rodrigues)."""
    angle = np.linalg.norm(vectors, axis=-1)[..., None, None]
    small = angle < 1e-6
    safe = np.where(small, 1.0, angle)
    cross = cross_matrix(vectors)
    first = np.where(small, 1.0, np.sin(safe) / safe)
    second = np.where(small, 0.5, (1 - np.cos(safe)) / safe**2)
    return np.eye(3) + first * cross + second * (cross @ cross)


def log_rotation(matrices: Array) -> Array:
    """Rotation matrices (...,3,3) to rotation vectors (...,3) of length 0..pi."""
    from scipy.spatial.transform import Rotation

    return Rotation.from_matrix(matrices.reshape(-1, 3, 3)).as_rotvec().reshape(*matrices.shape[:-2], 3)


def log_derivative(vectors: Array) -> Array:
    """d log(R exp(d)) / dd at d = 0 for R = exp(vectors) (...,3): the inverse right Jacobian (...,3,3)."""
    angle = np.linalg.norm(vectors, axis=-1)[..., None, None]
    small = angle < 1e-4
    safe = np.where(small, 1.0, angle)
    cross = cross_matrix(vectors)
    factor = np.where(small, 1 / 12, 1 / safe**2 - 1 / (2 * safe * np.tan(safe / 2)))
    return np.eye(3) + 0.5 * cross + factor * (cross @ cross)


def cross_matrix(vectors: Array) -> Array:
    """Vectors (...,3) to the matrices (...,3,3) of their cross product."""
    x, y, z = vectors[..., 0], vectors[..., 1], vectors[..., 2]
    zero = np.zeros_like(x)
    return np.stack([np.stack([zero, -z, y], -1), np.stack([z, zero, -x], -1), np.stack([-y, x, zero], -1)], -2)


def _numpy(value: Any) -> Array:
    return np.asarray(value.detach().cpu().numpy() if hasattr(value, "detach") else value, dtype=np.float64)
