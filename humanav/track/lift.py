"""The detector's 3D landmarks, mended: a small network that knows how MediaPipe misjudges depth.

The detector shrinks the depth of limbs by two fifths, lets bodies lean and turns trunks to the camera; on synthetic
people, whose truth is known, much of that can be learned from its own landmarks. ``scripts/train_lift.py`` trains it.

Convention: the *ray frame* has OpenCV axes (x right, y down, z away) turned so that z runs along the ray through the
middle of the trunk, which is how the detector sees a person; its origin is the middle of shoulders and hips.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from humanav.body.kinematics import exp_rotation
from humanav.body.landmarks import KEYPOINT_SETS
from humanav.camera import Camera
from humanav.paths import checkpoint
from humanav.perception import Person2D
from humanav.track.ensemble import Layers, forward, read_ensemble

Array = NDArray[np.float64]

NAMES = KEYPOINT_SETS["blazepose33"]
TORSO = tuple(NAMES.index(name) for name in ("left_shoulder", "right_shoulder", "left_hip", "right_hip"))
BONES = tuple(
    (NAMES.index(f"{side}_{a}"), NAMES.index(f"{side}_{b}"))
    for side in ("left", "right")
    for a, b in (("shoulder", "elbow"), ("elbow", "wrist"), ("hip", "knee"), ("knee", "ankle"), ("shoulder", "hip"))
)
"""Pairs of landmarks whose distances, summed, are the unit of length of the network."""
NUM_FEATURES = 6 * len(NAMES)


def bone_sum(points: Array) -> Array:
    """Summed length of :data:`BONES` for landmarks (...,33,3)."""
    a, b = np.array(BONES).T
    return np.linalg.norm(points[..., a, :] - points[..., b, :], axis=-1).sum(-1)


def ray_frame(keypoints: Array, K: Array) -> Array:
    """Rotation (3,3) from the ray frame to the camera for landmarks (33,>=2) in pixels."""
    ray = np.linalg.solve(K, np.append(keypoints[list(TORSO), :2].mean(0), 1.0))
    axis = np.cross([0.0, 0.0, 1.0], ray)
    sine = float(np.linalg.norm(axis))
    return exp_rotation(axis / max(sine, 1e-9) * np.arctan2(sine, ray[2]))


def lift_features(world: Array, keypoints: Array, K: Array) -> Array:
    """What the network sees (198,): the detector's 3D and its pixels, both in the ray frame, and its confidence.

    Args:
        world: (33,3) the detector's landmarks, metres, OpenCV axes.
        keypoints: (33,3) pixels and confidence.
        K: intrinsics (3,3).
    """
    space = (world - world[list(TORSO)].mean(0)) / max(float(bone_sum(world)), 1e-6)
    rays = np.concatenate([keypoints[:, :2], np.ones((len(world), 1))], axis=1) @ np.linalg.inv(K).T
    rays = rays @ ray_frame(keypoints, K)
    flat = rays[:, :2] / np.maximum(rays[:, 2:], 1e-3)
    flat = flat - flat[list(TORSO)].mean(0)
    weight = np.clip(keypoints[:, 2:3], 0.05, 1.0)
    size = float((weight * flat * space[:, :2]).sum() / max(float((weight * flat * flat).sum()), 1e-12))
    return np.concatenate([space.ravel(), (flat * max(size, 0.0)).ravel(), keypoints[:, 2]])


@dataclass(frozen=True)
class Lift:
    """An ensemble of M networks of two hidden layers.

    Attributes:
        mean, scale: (198,) of the features.
        layers: three pairs of weights (M,in,out) and biases (M,1,out); the output is 33 x (x, y, z, log spread of z).
    """

    mean: Array
    scale: Array
    layers: Layers

    @classmethod
    def load(cls, folder: Path | None = None) -> Lift:
        """Read ``model.safetensors`` and ``config.json``; by default the shipped checkpoint.

        Raises:
            InputError: when the files are missing or are something else.
        """
        return _load(checkpoint("lift") if folder is None else Path(folder))

    def predict(self, features: Array) -> tuple[Array, Array]:
        """Landmarks (N,33,3) in the ray frame and spreads of their depth (N,33), both in bone sums."""
        x = forward(features, self.mean, self.scale, self.layers)
        out = x.reshape(len(x), -1, len(NAMES), 4)
        points = features[:, : 3 * len(NAMES)].reshape(-1, len(NAMES), 3) + out[..., :3].mean(0)
        spread = np.sqrt(np.exp(2 * out[..., 3]).mean(0) + out[..., 2].var(0))
        return points - points[:, list(TORSO)].mean(1, keepdims=True), spread

    def __call__(self, person: Person2D, camera: Camera) -> tuple[Array, Array] | None:
        """Landmarks (33,3) along the world's axes and the spread of their depth (33,), in bone sums.

        None for a detection without 3D or with other landmarks.
        """
        if person.world is None or person.keypoint_set != "blazepose33":
            return None
        keypoints = np.asarray(person.keypoints, dtype=np.float64)
        world = np.asarray(person.world, dtype=np.float64)[:, :3]
        if not (np.isfinite(keypoints).all() and np.isfinite(world).all()):
            return None
        points, spread = self.predict(lift_features(world, keypoints, camera.K)[None])
        return points[0] @ ray_frame(keypoints, camera.K).T @ camera.R, spread[0]


@lru_cache(maxsize=2)
def _load(folder: Path) -> Lift:
    return Lift(*read_ensemble(folder, NAMES, NUM_FEATURES, "lift", "train_lift.py"))
