"""The terms of the photo fit's objective, each with its exact derivative.

Robust terms use Geman-McClure, ``e^2 / (1 + e^2 / c^2) / 2``, and the weight that belongs to it,
``1 / (1 + e^2 / c^2)^2``: any other weight would make the solver refuse good steps.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from humanav.body.kinematics import (
    Points,
    PosedSkeleton,
    exp_rotation,
    log_derivative,
    log_rotation,
    place_points,
)
from humanav.body.names import JOINT_INDEX
from humanav.camera import Camera
from humanav.fit.prior import PosePrior, feature_jacobian, pose_features
from humanav.fit.solver import BodyState, Layout

Array = NDArray[np.float64]
Parts = tuple[float, Array, Array]

NEAREST = 0.2  # metres: points closer to the camera than this are projected as if they were this far


def geman_mcclure(squares: Array, cutoff: float) -> tuple[Array, Array]:
    """Costs and weights of squared residuals (in sigmas)."""
    ratio = 1 / (1 + squares / cutoff**2)
    return 0.5 * squares * ratio, ratio**2


def project_points(camera: Camera, points: Array) -> tuple[Array, Array]:
    """Pixels (K,2) and their derivative by the world points (K,2,3)."""
    cam = points @ camera.R.T + camera.t
    depth = np.maximum(cam[:, 2], NEAREST)
    fx, fy = camera.K[0, 0], camera.K[1, 1]
    pixels = np.stack([fx * cam[:, 0] / depth + camera.K[0, 2], fy * cam[:, 1] / depth + camera.K[1, 2]], axis=1)
    slope = np.zeros((len(points), 2, 3))
    slope[:, 0, 0], slope[:, 1, 1] = fx / depth, fy / depth
    slope[:, 0, 2], slope[:, 1, 2] = -fx * cam[:, 0] / depth**2, -fy * cam[:, 1] / depth**2
    return pixels, slope @ camera.R


def _gather(cost: float, residual: Array, jacobian: Array, layout: Layout) -> Parts:
    """Whitened, weighted rows (m,) and (m, up to n) to the normal equations."""
    gradient, curvature = np.zeros(layout.size), np.zeros((layout.size, layout.size))
    width = jacobian.shape[1]
    gradient[:width] = jacobian.T @ residual
    curvature[:width, :width] = jacobian.T @ jacobian
    return cost, gradient, curvature


@dataclass(frozen=True)
class ImageTerm:
    """Landmarks seen in the picture.

    Attributes:
        points: K landmarks.
        camera: the camera.
        target: (K,2) pixels.
        sigma: (K,) expected error in pixels.
        weight: (K,) share of each landmark.
        cutoff: Geman-McClure scale in sigmas.
    """

    points: Points
    camera: Camera
    target: Array
    sigma: Array
    weight: Array
    cutoff: float

    def errors(self, posed: PosedSkeleton) -> Array:
        """Distances to the targets (K,) in pixels."""
        pixels, _ = project_points(self.camera, place_points(self.points, posed)[0])
        return np.linalg.norm(pixels - self.target, axis=1)

    def cost(self, posed: PosedSkeleton) -> float:
        """The cost alone."""
        costs, _ = geman_mcclure((self.errors(posed) / self.sigma) ** 2, self.cutoff)
        return float(self.weight @ costs)

    def __call__(self, state: BodyState, posed: PosedSkeleton, layout: Layout) -> Parts:
        positions, jacobian = place_points(self.points, posed, layout.active)
        assert jacobian is not None
        pixels, slope = project_points(self.camera, positions)
        residual = (pixels - self.target) / self.sigma[:, None]
        costs, robust = geman_mcclure((residual**2).sum(1), self.cutoff)
        root = np.sqrt(self.weight * robust)[:, None]
        rows = slope @ jacobian * (root / self.sigma[:, None])[..., None]
        return _gather(float(self.weight @ costs), (residual * root).ravel(), rows.reshape(-1, rows.shape[2]), layout)


@dataclass(frozen=True)
class OutlineTerm:
    """Skin points on the outline, each free to slide along the matte's edge.

    Attributes:
        points: K points on the skin.
        camera: the camera.
        target: (K,2) pixels on the matte's edge.
        normal: (K,2) unit normals of the edge.
        sigma: pixels.
        weight: (K,).
        cutoff: Geman-McClure scale in sigmas.
    """

    points: Points
    camera: Camera
    target: Array
    normal: Array
    sigma: float
    weight: Array
    cutoff: float

    def __call__(self, state: BodyState, posed: PosedSkeleton, layout: Layout) -> Parts:
        positions, jacobian = place_points(self.points, posed, layout.active)
        assert jacobian is not None
        pixels, slope = project_points(self.camera, positions)
        residual = ((pixels - self.target) * self.normal).sum(1) / self.sigma
        costs, robust = geman_mcclure(residual**2, self.cutoff)
        root = np.sqrt(self.weight * robust)
        across = np.einsum("kd,kdc->kc", self.normal, slope)
        rows = np.einsum("kc,kcn->kn", across, jacobian) * (root / self.sigma)[:, None]
        return _gather(float(self.weight @ costs), residual * root, rows, layout)


@dataclass(frozen=True)
class SpaceTerm:
    """Landmarks in space relative to their own weighted centre: the detector's guess of depth.

    Attributes:
        points: K landmarks.
        target: (K,3) metres, any origin.
        sigma: metres.
        weight: (K,) share of each landmark.
        axes: (3,) share of each world axis.
        cutoff: Geman-McClure scale in sigmas.
    """

    points: Points
    target: Array
    sigma: float
    weight: Array
    axes: Array
    cutoff: float

    def __call__(self, state: BodyState, posed: PosedSkeleton, layout: Layout) -> Parts:
        positions, jacobian = place_points(self.points, posed, layout.active)
        assert jacobian is not None
        share = self.weight / self.weight.sum()
        scale = np.sqrt(self.axes) / self.sigma
        wanted = self.target - share @ self.target
        residual = (positions - share @ positions - wanted) * scale
        costs, robust = geman_mcclure((residual**2).sum(1), self.cutoff)
        root = np.sqrt(self.weight * robust)[:, None]
        centred = jacobian - np.einsum("k,kdn->dn", share, jacobian)
        rows = (centred * scale[:, None] * root[..., None]).reshape(-1, jacobian.shape[2])
        return _gather(float(self.weight @ costs), (residual * root).ravel(), rows, layout)


@dataclass(frozen=True)
class PriorTerm:
    """How likely the pose is under a mixture prior with gravity."""

    prior: PosePrior
    weight: float = 1.0

    def __call__(self, state: BodyState, posed: PosedSkeleton, layout: Layout) -> Parts:
        features = pose_features(state.rotations, state.up)
        cost, slope, bend = self.prior.quadratic(features)
        by_pose, by_up = feature_jacobian(features, state.rotations, state.up_dirs)
        jacobian = np.zeros((len(features), layout.size))
        for joint in range(22):
            columns = layout.joint(joint)
            if columns is not None:
                jacobian[:, columns] = by_pose[:, 3 * joint : 3 * joint + 3]
        jacobian[:, layout.tilt] = by_up
        return (self.weight * cost, self.weight * (jacobian.T @ slope), self.weight * (jacobian.T @ bend @ jacobian))


@dataclass(frozen=True)
class JointTerm:
    """Independent normal priors on the turn of some joints away from a mean pose.

    Attributes:
        joints: J joint indices.
        mean: (J,3) rotation vectors, radians.
        sigma: (J,3) radians about each of the joint's own axes.
    """

    joints: Sequence[int]
    mean: Array
    sigma: Array

    def __call__(self, state: BodyState, posed: PosedSkeleton, layout: Layout) -> Parts:
        # the turn away from the mean: rotation vectors themselves jump where a body seen from behind turns past pi
        vectors = log_rotation(exp_rotation(-self.mean) @ state.rotations[list(self.joints)])
        blocks = log_derivative(vectors)
        residual = vectors / self.sigma
        gradient, curvature = np.zeros(layout.size), np.zeros((layout.size, layout.size))
        for index, joint in enumerate(self.joints):
            columns = layout.joint(joint)
            if columns is not None:
                rows = blocks[index] / self.sigma[index][:, None]
                gradient[columns] += rows.T @ residual[index]
                curvature[columns, columns] += rows.T @ rows
        return 0.5 * float((residual**2).sum()), gradient, curvature


HINGES: tuple[tuple[str, int, float, float, float], ...] = (
    ("left_knee", 0, 1.0, -0.03, 2.6), ("right_knee", 0, 1.0, -0.03, 2.6),
    ("left_elbow", 1, -1.0, -0.05, 2.6), ("right_elbow", 1, 1.0, -0.05, 2.6),
)
"""Joint, axis, sign of flexion, least and most flexion in radians."""


@dataclass(frozen=True)
class HingeTerm:
    """Knees and elbows do not bend backwards; ``sigma`` in radians beyond the limit."""

    sigma: float = 0.05

    def __call__(self, state: BodyState, posed: PosedSkeleton, layout: Layout) -> Parts:
        gradient, curvature = np.zeros(layout.size), np.zeros((layout.size, layout.size))
        cost = 0.0
        for name, axis, sign, least, most in HINGES:
            joint = JOINT_INDEX[name]
            columns = layout.joint(joint)
            vector = log_rotation(state.rotations[joint])
            bend = sign * vector[axis]
            over = min(bend - least, 0.0) + max(bend - most, 0.0)
            if over == 0.0 or columns is None:
                continue
            row = sign * log_derivative(vector)[axis] / self.sigma
            cost += 0.5 * (over / self.sigma) ** 2
            gradient[columns] += row * over / self.sigma
            curvature[columns, columns] += np.outer(row, row)
        return cost, gradient, curvature


@dataclass(frozen=True)
class ShapeTerm:
    """Normal prior on the betas, and the visitor's height when given.

    Attributes:
        mean, sigma: (B,).
        height: wanted stature in metres, or None.
        height_at_rest, height_dirs: stature at zero betas and its change per unit of each beta (B,).
    """

    mean: Array
    sigma: Array
    height: float | None = None
    height_at_rest: float = 0.0
    height_dirs: Array | None = None

    def __call__(self, state: BodyState, posed: PosedSkeleton, layout: Layout) -> Parts:
        residual = (state.betas - self.mean) / self.sigma
        gradient, curvature = np.zeros(layout.size), np.zeros((layout.size, layout.size))
        gradient[layout.betas] = residual / self.sigma
        curvature[layout.betas, layout.betas] = np.diag(1 / self.sigma**2)
        cost = 0.5 * float(residual @ residual)
        if self.height is not None and self.height_dirs is not None:
            row = self.height_dirs / 0.01
            over = (self.height_at_rest + self.height_dirs @ state.betas - self.height) / 0.01
            cost += 0.5 * float(over) ** 2
            gradient[layout.betas] += row * over
            curvature[layout.betas, layout.betas] += np.outer(row, row)
        return cost, gradient, curvature


@dataclass(frozen=True)
class TiltTerm:
    """How cameras are held: the up direction's x and z are normal with this mean and spread (2,)."""

    mean: Array
    sigma: Array

    def __call__(self, state: BodyState, posed: PosedSkeleton, layout: Layout) -> Parts:
        residual = (state.tilt - self.mean) / self.sigma
        gradient, curvature = np.zeros(layout.size), np.zeros((layout.size, layout.size))
        gradient[layout.tilt] = residual / self.sigma
        curvature[layout.tilt, layout.tilt] = np.diag(1 / self.sigma**2)
        return 0.5 * float(residual @ residual), gradient, curvature


# Share of the body's mass at each pair of joints (segment masses of Winter, Biomechanics of Human Movement, table 4.1,
# each put halfway between the segment's ends).
_SEGMENTS: tuple[tuple[float, str, str], ...] = (
    (0.081, "head", "head"), (0.497, "pelvis", "neck"),
    *((mass, f"{side}_{a}", f"{side}_{b}") for side in ("left", "right") for mass, a, b in (
        (0.028, "shoulder", "elbow"), (0.022, "elbow", "wrist"), (0.100, "hip", "knee"), (0.0465, "knee", "ankle"),
        (0.0145, "ankle", "foot"))),
)


def _balance_rows() -> Array:
    rows = np.zeros((5, len(JOINT_INDEX)))
    for mass, a, b in _SEGMENTS:
        rows[0, JOINT_INDEX[a]] += mass / 2
        rows[0, JOINT_INDEX[b]] += mass / 2
    rows[0] /= rows[0].sum()
    for row, name in enumerate(("left_ankle", "right_ankle", "left_foot", "right_foot"), 1):
        rows[row, JOINT_INDEX[name]] = 1.0
    return rows


CENTRE_OF_MASS: Array = _balance_rows()[0]
"""(55,) the joints' shares in the centre of mass."""
_BALANCE = Points.of_joints(_balance_rows())


@dataclass(frozen=True)
class BalanceTerm:
    """A standing body: the centre of mass over the feet, both feet flat on one floor.

    Attributes:
        reach: metres by which the centre of mass may leave the middle of the feet (one sigma).
        floor: metres by which the feet's heights may differ (one sigma).
    """

    reach: float = 0.025
    floor: float = 0.025

    def __call__(self, state: BodyState, posed: PosedSkeleton, layout: Layout) -> Parts:
        positions, jacobian = place_points(_BALANCE, posed, layout.active)
        assert jacobian is not None
        up, up_dirs = state.up, state.up_dirs
        # quiet standing: the centre of mass hangs a little before the ankles, over a fifth of the way to the balls
        mix = np.array([[1, -0.4, -0.4, -0.1, -0.1], [0, 1, -1, 0, 0], [0, 0, 0, 1, -1], [0, 0.5, 0.5, -0.5, -0.5]])
        vectors = mix @ positions
        slopes = np.einsum("rk,kdn->rdn", mix, jacobian)
        width = jacobian.shape[2]
        rows, residual = np.zeros((6, layout.size)), np.zeros(6)
        level = np.eye(3) - np.outer(up, up)
        residual[:3] = level @ vectors[0] / self.reach
        rows[:3, :width] = level @ slopes[0] / self.reach
        rows[:3, layout.tilt] = -((up @ vectors[0]) * up_dirs + np.outer(up, vectors[0] @ up_dirs)) / self.reach
        ankles, balls = [[JOINT_INDEX[f"{side}_{name}"] for side in ("left", "right")] for name in ("ankle", "foot")]
        lift = float((posed.rest[ankles, 1] - posed.rest[balls, 1]).mean())
        for row, (vector, wanted) in enumerate(((1, 0.0), (2, 0.0), (3, lift)), 3):
            residual[row] = (up @ vectors[vector] - wanted) / self.floor
            rows[row, :width] = up @ slopes[vector] / self.floor
            rows[row, layout.tilt] = vectors[vector] @ up_dirs / self.floor
        dirs = posed.skeleton.dirs
        rows[5, layout.betas] -= (dirs[ankles, 1] - dirs[balls, 1]).mean(0) / self.floor
        return _gather(0.5 * float(residual @ residual), residual, rows, layout)


@dataclass(frozen=True)
class HoldTerm:
    """Joints stay where they are put: ``places`` (J,3), ``sigma`` in metres."""

    joints: Sequence[int]
    places: Array
    sigma: float = 0.06

    def __call__(self, state: BodyState, posed: PosedSkeleton, layout: Layout) -> Parts:
        rows = np.zeros((len(self.joints), len(posed.joints)))
        rows[np.arange(len(self.joints)), list(self.joints)] = 1.0
        positions, jacobian = place_points(Points.of_joints(rows), posed, layout.active)
        assert jacobian is not None
        residual = ((positions - self.places) / self.sigma).ravel()
        return _gather(0.5 * float(residual @ residual), residual, jacobian.reshape(len(residual), -1) / self.sigma,
                       layout)
