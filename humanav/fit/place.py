"""Where a fit starts: a body at rest, its size, and its place before a camera."""

from __future__ import annotations

from dataclasses import replace
from functools import lru_cache

import numpy as np
from scipy.spatial.transform import Rotation

from humanav.body import BodyModel
from humanav.body.kinematics import Array, Points, Skeleton, place_points, pose_skeleton
from humanav.body.names import JOINT_INDEX
from humanav.camera import Camera
from humanav.fit.solver import BodyState
from humanav.fit.terms import NEAREST

_REST_CURL = 0.3  # radians: relaxed fingers


@lru_cache(maxsize=4)
def skeleton_of(body: BodyModel, num_betas: int) -> Skeleton:
    """The body's joints as a function of its first ``num_betas`` shape parameters."""
    return Skeleton.from_body(body, num_betas)


def stature(vertices: Array, dirs: Array) -> tuple[float, Array]:
    """Height in metres of a standing body at zero betas, and its change per unit of each beta (B,).

    Args:
        vertices: (V,3) of the T-pose, y up.
        dirs: (V,3,B) their change per unit of each beta.
    """
    top, bottom = vertices[:, 1].argmax(), vertices[:, 1].argmin()
    return float(vertices[top, 1] - vertices[bottom, 1]), dirs[top, 1] - dirs[bottom, 1]


def rest_rotations() -> Array:
    """(55,3,3): arms hanging a little away from the body, fingers relaxed, the rest straight."""
    vectors = np.zeros((55, 3))
    for side, sign in (("left", 1.0), ("right", -1.0)):
        vectors[JOINT_INDEX[f"{side}_shoulder"], 2] = -1.0 * sign
        vectors[JOINT_INDEX[f"{side}_elbow"], 1] = -0.2 * sign
        for finger in ("index", "middle", "ring", "pinky"):
            for knuckle in (1, 2, 3):
                vectors[JOINT_INDEX[f"{side}_{finger}{knuckle}"], 2] = -_REST_CURL * sign
    return Rotation.from_rotvec(vectors).as_matrix()


def place_by_rays(points: Points, pixels: Array, weight: Array, camera: Camera, skeleton: Skeleton, state: BodyState
                  ) -> BodyState:
    """The translation that puts the posed points on their pixels (robust linear least squares).

    Args:
        points: K points of the body.
        pixels: (K,2) where they are seen.
        weight: (K,) how far each is believed.
        camera: the camera.
        skeleton, state: the body in its pose.
    """
    posed = pose_skeleton(skeleton, state.rotations, state.betas, np.zeros(3))
    places = place_points(points, posed)[0] @ camera.R.T
    rays = (pixels - camera.K[:2, 2]) / np.diag(camera.K)[:2]
    robust = np.ones(len(rays))
    place = np.array([0.0, 0.0, 3.0])
    for _ in range(4):
        matrix, wanted = np.zeros((len(rays), 2, 3)), np.zeros((len(rays), 2))
        matrix[:, 0, 0] = matrix[:, 1, 1] = 1.0
        matrix[..., 2] = -rays
        wanted[:] = rays * places[:, 2:] - places[:, :2]
        root = np.sqrt(weight * robust)[:, None]
        place = np.linalg.lstsq((matrix * root[..., None]).reshape(-1, 3), (wanted * root).ravel(), rcond=None)[0]
        off = np.linalg.norm(np.einsum("kij,j->ki", matrix, place) - wanted, axis=1)
        robust = 1 / (1 + (off / 0.08) ** 2) ** 2
    if place[2] < 2 * NEAREST:
        size = max(float(np.ptp(pixels[:, 1])), 1.0)
        depth = camera.focal * float(np.ptp(places[:, 1])) / size
        place = np.r_[(rays.mean(0) * depth) - places[:, :2].mean(0), depth]
    return replace(state, transl=camera.R.T @ (place - camera.t))
