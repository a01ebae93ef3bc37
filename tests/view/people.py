"""A box-built person for the tests of this room: quick, textured, poseable."""

from dataclasses import dataclass

import numpy as np
import trimesh
from scipy.spatial.transform import Rotation

_JOINTS = np.zeros((55, 3))
_JOINTS[0] = (0, 0.9, 0)


@dataclass(frozen=True)
class Figure:
    """A capsule 1.8 m high with a nose on its +z side; its pose is the root's alone."""

    vertices: np.ndarray
    faces: np.ndarray
    uv: np.ndarray
    uv_faces: np.ndarray
    texture: np.ndarray
    joints: np.ndarray
    skin_index: np.ndarray
    skin_weight: np.ndarray

    def pose(self, full_pose, transl):
        turn = Rotation.from_rotvec(np.asarray(full_pose)[0]).as_matrix()
        return (self.vertices - self.joints[0]) @ turn.T + self.joints[0] + transl


def figure():
    body = trimesh.creation.capsule(height=1.4, radius=0.2, count=[16, 24])
    nose = trimesh.creation.box((0.08, 0.08, 0.3))
    body.apply_transform(trimesh.transformations.rotation_matrix(-np.pi / 2, [1, 0, 0]))
    body.apply_translation((0, 0.9 - body.bounds.mean(0)[1], 0))
    nose.apply_translation((0, 1.6, 0.2))
    both = trimesh.util.concatenate([body, nose])
    v, f = np.asarray(both.vertices), np.asarray(both.faces)
    uv = np.stack([np.arctan2(v[:, 0], v[:, 2]) / (2 * np.pi) + 0.5, v[:, 1] / 1.8], 1).clip(0, 1)
    texture = np.zeros((128, 128, 3), np.uint8)
    texture[:64], texture[64:] = (200, 60, 60), (40, 60, 120)
    return Figure(v, f, uv, f, texture, _JOINTS, np.zeros((len(v), 4), np.uint8),
                  np.tile(np.array([1, 0, 0, 0], np.float32), (len(v), 1)))
