"""Built-in clips as paths in the world and before a tilted camera, with the errors of a monocular tracker."""

from __future__ import annotations

import numpy as np
from scipy.ndimage import gaussian_filter1d
from scipy.spatial.transform import Rotation

from humanav.body.kinematics import exp_rotation
from humanav.motion import ground, load_clip
from humanav.track.path import BodyPath, path_of
from humanav.track.soles import pose_feet

Array = np.ndarray


def world_path(body, clip: str) -> BodyPath:
    """A clip that stands on y = 0."""
    return path_of(ground(load_clip(clip), body), body)


def camera_of(pitch: float = 12.0, roll: float = 3.0, yaw: float = 30.0, height: float = 1.4, distance: float = 5.0):
    """R (3,3), t (3,) of a camera that sees the world's origin, tilted as :func:`find_ground` counts."""
    turn = Rotation.from_euler("ZXY", [-roll, pitch, yaw], degrees=True).as_matrix()
    R = np.diag([1.0, -1.0, -1.0]) @ turn
    centre = Rotation.from_euler("y", -yaw, degrees=True).apply([0.0, height, distance])
    return R, -R @ centre


def true_contacts(path: BodyPath, body) -> np.ndarray:
    """(T,2) which feet stand, of a path without errors: low and slow soles."""
    soles = pose_feet(path, body).soles[:, :, :2]
    speed = np.linalg.norm(np.gradient(soles, axis=0), axis=-1) * path.fps
    return ((soles[..., 1] < 0.045) & (speed < 0.35)).any(axis=-1)


def tracked(path: BodyPath, rng: np.random.Generator, turn: float = 0.04, place: float = 0.03,
            depth: float = 0.08) -> BodyPath:
    """A path in the camera's frame with slow errors: joints (radians), place across and along the rays (metres)."""
    frames = len(path)

    def slow(*shape: int) -> Array:
        noise = gaussian_filter1d(rng.standard_normal((frames, *shape)), 0.2 * path.fps, axis=0, mode="nearest")
        return noise / max(float(noise.std()), 1e-9)

    rotations = path.rotations.copy()
    rotations[:, :22] = rotations[:, :22] @ exp_rotation(turn * slow(22, 3))
    ray = path.pelvis / np.linalg.norm(path.pelvis, axis=1, keepdims=True)
    pelvis = path.pelvis + place * slow(3) + depth * slow(1) * ray
    return BodyPath(rotations, pelvis, path.betas, path.fps, path.confidence, path.expression)


def agreement(found: np.ndarray, truth: np.ndarray) -> float:
    """F1 of boolean contacts."""
    both = (found & truth).sum()
    return float(2 * both / max(found.sum() + truth.sum(), 1))
