"""The detector's landmarks in a clip, mended: a small network that knows how MediaPipe errs on people who move.

Like :mod:`humanav.track.lift`, whose input it shares, but trained on captured motion seen from all sides, and it also
says where in the picture each landmark really lies. ``scripts/train_mend.py`` trains it.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from humanav.body.kinematics import exp_rotation
from humanav.paths import checkpoint
from humanav.track.ensemble import Layers, forward, read_ensemble
from humanav.track.lift import NAMES, NUM_FEATURES, TORSO, bone_sum

Array = NDArray[np.float64]

OUTPUTS = 5
"""Of a landmark: way across (2), way along the ray, logarithms of the expected errors of both."""


@dataclass(frozen=True)
class RayFrame:
    """How T frames of pixels become features, and back.

    Attributes:
        axes: (T,3,3) rows: right, down and away along the ray through the middle of the trunk, in the camera's frame.
        centre: (T,1,2) the trunk's middle on the plane at distance 1 of that frame.
        size: (T,) bone sums per unit on that plane.
    """

    axes: Array
    centre: Array
    size: Array


@dataclass(frozen=True)
class Mend:
    """An ensemble of M networks of two hidden layers.

    Attributes:
        mean, scale: (198,) of the features.
        layers: three pairs of weights (M,in,out) and biases (M,1,out); the output is 33 x :data:`OUTPUTS`.
    """

    mean: Array
    scale: Array
    layers: Layers

    @classmethod
    def load(cls, folder: Path | None = None) -> Mend:
        """Read ``model.safetensors`` and ``config.json``; by default the shipped checkpoint.

        Raises:
            InputError: when the files are missing or are something else.
        """
        return _load(checkpoint("mend") if folder is None else Path(folder))

    def predict(self, features: Array) -> tuple[Array, Array, Array, Array]:
        """Ways across (N,33,2), depths (N,33), and the expected errors of both (N,33), in bone sums."""
        x = forward(features, self.mean, self.scale, self.layers)
        out = x.reshape(len(x), -1, len(NAMES), OUTPUTS)
        move, along = out[..., :2].mean(0), out[..., 2].mean(0)
        space = features[:, : 3 * len(NAMES)].reshape(-1, len(NAMES), 3)[..., 2]
        across = np.sqrt(np.exp(2 * out[..., 3]).mean(0) + out[..., :2].var(0).sum(-1))
        doubt = np.sqrt(np.exp(2 * out[..., 4]).mean(0) + out[..., 2].var(0))
        return move, space + along, across, doubt

    def __call__(self, world: Array, keypoints: Array, K: Array) -> tuple[Array, Array, Array, Array, RayFrame]:
        """Mend T frames.

        Args:
            world: (T,33,3) the detector's own 3D, metres, OpenCV axes.
            keypoints: (T,33,3) pixels and confidence.
            K: (3,3) intrinsics.

        Returns:
            pixels (T,33,2), their expected error (T,33) in pixels, depths (T,33) from the trunk's middle in bone sums,
            their expected error (T,33), and the frame in which depths are told.
        """
        features, frame = features_of(world, keypoints, K)
        move, depth, across, doubt = self.predict(features)
        size = np.maximum(frame.size, 1e-6)[:, None]
        flat = features[:, 3 * len(NAMES) : 5 * len(NAMES)].reshape(-1, len(NAMES), 2) / size[..., None]
        place = flat + frame.centre + move / size[..., None]
        rays = np.concatenate([place, np.ones((*place.shape[:2], 1))], axis=2) @ frame.axes
        pixels = rays @ K.T
        pixels = pixels[..., :2] / np.maximum(pixels[..., 2:], 1e-6)
        return pixels, across / size * (K[0, 0] + K[1, 1]) / 2, depth, doubt, frame


def features_of(world: Array, keypoints: Array, K: Array) -> tuple[Array, RayFrame]:
    """What the network sees (T,198): :func:`humanav.track.lift.lift_features` of every frame; and the frame."""
    torso = list(TORSO)
    back = np.linalg.inv(K).T
    centre = keypoints[:, torso, :2].mean(1)
    ray = np.concatenate([centre, np.ones((len(centre), 1))], axis=1) @ back
    axis = np.cross([0.0, 0.0, 1.0], ray)
    sine = np.linalg.norm(axis, axis=1)
    turns = exp_rotation(axis * (np.arctan2(sine, ray[:, 2]) / np.maximum(sine, 1e-9))[:, None])
    axes = np.swapaxes(turns, -1, -2)
    space = (world - world[:, torso].mean(1, keepdims=True)) / np.maximum(bone_sum(world), 1e-6)[:, None, None]
    frame = RayFrame(axes, np.zeros((len(world), 1, 2)), np.ones(len(world)))
    rays = np.concatenate([keypoints[..., :2], np.ones((*keypoints.shape[:2], 1))], axis=2)
    flat = in_ray_frame(rays, K, frame)
    middle = flat[:, torso].mean(1, keepdims=True)
    flat = flat - middle
    weight = np.clip(keypoints[..., 2:3], 0.05, 1.0)
    size = (weight * flat * space[..., :2]).sum((1, 2)) / np.maximum((weight * flat * flat).sum((1, 2)), 1e-12)
    size = np.maximum(size, 0.0)
    count = len(world)
    features = np.concatenate([space.reshape(count, -1), (flat * size[:, None, None]).reshape(count, -1),
                               keypoints[..., 2]], axis=1)
    return features, RayFrame(axes, middle, size)


def in_ray_frame(pixels: Array, K: Array, frame: RayFrame) -> Array:
    """Homogeneous pixels (T,N,3) on the plane of the ray frame (T,N,2), from its centre, in bone sums."""
    rays = pixels @ np.linalg.inv(K).T @ np.swapaxes(frame.axes, -1, -2)
    flat = rays[..., :2] / np.maximum(rays[..., 2:], 1e-3)
    return np.asarray((flat - frame.centre) * frame.size[:, None, None])


@lru_cache(maxsize=2)
def _load(folder: Path) -> Mend:
    return Mend(*read_ensemble(folder, NAMES, NUM_FEATURES, "network", "train_mend.py"))
