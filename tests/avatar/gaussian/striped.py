"""The bare body in stripes, as a mesh and as Gaussians: made in a moment, for tests that need no photo."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from humanav.avatar import Avatar, View
from humanav.avatar.gaussian.sampling import from_mesh
from humanav.avatar.gaussian.teacher import draw
from humanav.avatar.gaussian.value import GaussianAvatar
from humanav.avatar.gaussian.weights import WeightField
from humanav.body import BodyModel
from humanav.body.names import JOINT_INDEX
from humanav.camera import Camera
from humanav.motion import Motion


def striped_mesh(body: BodyModel, size: int = 256) -> Avatar:
    """The mean body with a texture of broad stripes."""
    assert body.uv is not None and body.uv_faces is not None  # noqa: PT018
    vertices, joints = (x.numpy() for x in body.rest(None))
    texture = np.zeros((size, size, 3), np.uint8)
    texture[:] = np.where(np.arange(size)[:, None, None] // (size // 8) % 2 == 0, (190, 60, 50), (235, 225, 210))
    return Avatar(vertices, body.faces.astype(np.int32), body.uv.astype(np.float32), body.uv_faces.astype(np.int32),
                  texture, body.skin_index.numpy().astype(np.uint8)[:, :4], _four(body), joints,
                  np.zeros(body.num_betas, np.float32), np.full((size, size), 200, np.uint8),
                  {"body": (0, len(body.faces))})


def striped_gaussians(mesh: Avatar, body: BodyModel, field: WeightField, count: int = 1500) -> GaussianAvatar:
    return from_mesh(mesh, count, body=body, field=field)


def hanging_arms() -> Motion:
    """One frame: the arms down, standing on the floor's height of the mean body."""
    pose = np.zeros((1, 55, 3), np.float32)
    pose[0, JOINT_INDEX["left_shoulder"], 2], pose[0, JOINT_INDEX["right_shoulder"], 2] = -1.1, 1.1
    return Motion.from_full_pose(pose, name="standing")


def photographed(mesh: Avatar, motion: Motion, size: tuple[int, int] = (120, 200)) -> View:
    """A picture of the mesh from the front, a little redder than it is."""
    camera = Camera.orbit((0.0, -0.3, 0.0), 4.2, 8.0, 4.0, *size, 400.0)
    rgb, alpha, _, _ = draw(mesh, mesh.pose(motion.full_pose[0], motion.transl[0]), camera)
    image = (255 * np.clip(rgb * (1.0, 0.85, 0.85), 0, 1)).astype(np.uint8)
    return View(image, alpha, camera, replace(motion, betas=mesh.betas))


def _four(body: BodyModel) -> np.ndarray:
    weight = body.skin_weight.numpy().astype(np.float32)[:, :4]
    return weight / weight.sum(axis=1, keepdims=True)
