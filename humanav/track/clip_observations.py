"""What a take says of the body: landmarks with their expected errors, and two independent guesses of depth."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from humanav.body.kinematics import exp_rotation
from humanav.body.landmarks import KEYPOINT_SETS, LANDMARKS
from humanav.fit.clip_kinematics import ClipPoints
from humanav.perception.takes import Take
from humanav.track.lift import NAMES, TORSO, Lift, bone_sum
from humanav.track.observations import expected_errors

Array = NDArray[np.float64]


@dataclass(frozen=True)
class ClipLandmarks:
    """One group of landmarks in T frames.

    Attributes:
        names: K landmark names.
        points: where each lies on the body.
        pixels: (T,K,2). confidence: (T,K), 0 where not seen. inside: (T,K) in the picture.
        spread: (T,K) expected error in % of stature.
    """

    names: tuple[str, ...]
    points: ClipPoints
    pixels: Array
    confidence: Array
    inside: NDArray[np.bool_]
    spread: Array

    @classmethod
    def of(cls, rows: NDArray[np.float32], names: Sequence[str], size: tuple[int, int], growth: Array,
           group: str = "body") -> ClipLandmarks:
        """From keypoints (T,N,3) of N names; names that are no landmarks of the body are left out."""
        used = [index for index, name in enumerate(names) if name in LANDMARKS]
        kept = tuple(names[index] for index in used)
        points = np.asarray(rows[:, used], dtype=np.float64)
        confidence = np.clip(points[..., 2], 0.0, 1.0)
        inside = ((points[..., :2] >= 0) & (points[..., :2] <= size)).all(-1) & (confidence > 0)
        return cls(kept, ClipPoints.named(kept, growth), points[..., :2], confidence, inside,
                   expected_errors(kept, confidence, inside, group))

    def part(self, frames: NDArray[np.intp] | slice) -> ClipLandmarks:
        """Some frames."""
        return ClipLandmarks(self.names, self.points, self.pixels[frames], self.confidence[frames], self.inside[frames],
                             self.spread[frames])


@dataclass(frozen=True)
class Depth:
    """The detector's own 3D after the learned correction (:mod:`humanav.track.lift`).

    Attributes:
        points: (T,33,3) in bone sums, along the camera's axes; 0 where there is none.
        spread: (T,33) expected error of the depth, in bone sums.
        axes: (T,3,3) rows: right, down and away in the ray frame.
        known: (T,) frames that have any.
    """

    points: Array
    spread: Array
    axes: Array
    known: NDArray[np.bool_]

    def part(self, frames: NDArray[np.intp] | slice) -> Depth:
        """Some frames."""
        return Depth(self.points[frames], self.spread[frames], self.axes[frames], self.known[frames])


def observe_body(take: Take, growth: Array) -> ClipLandmarks:
    """The body's landmarks of a take."""
    sequence = take.sequence
    return ClipLandmarks.of(sequence.keypoints, KEYPOINT_SETS[sequence.keypoint_set],
                            (sequence.width, sequence.height), growth)


def observe_depth(take: Take, K: Array) -> Depth | None:
    """The mended depth of a take; None for detectors that give none."""
    if take.world is None or take.sequence.keypoint_set != "blazepose33":
        return None
    keypoints = np.asarray(take.sequence.keypoints, dtype=np.float64)
    world = np.asarray(take.world, dtype=np.float64)[..., :3]
    known = np.isfinite(world).all((1, 2)) & (keypoints[:, list(TORSO), 2] > 0).all(1)
    if not known.any():
        return None
    count = len(keypoints)
    points, spread = np.zeros((count, len(NAMES), 3)), np.ones((count, len(NAMES)))
    turns = np.tile(np.eye(3), (count, 1, 1))
    turns[known] = _ray_frames(keypoints[known], K)
    features = _features(world[known], keypoints[known], turns[known], K)
    found, doubt = Lift.load().predict(features)
    points[known] = found @ np.swapaxes(turns[known], -1, -2)
    spread[known] = doubt
    return Depth(points, spread, np.swapaxes(turns, -1, -2), known)


def _ray_frames(keypoints: Array, K: Array) -> Array:
    """Rotations (T,3,3) from the ray frame to the camera: :func:`humanav.track.lift.ray_frame` of every frame."""
    centre = keypoints[:, list(TORSO), :2].mean(1)
    ray = np.concatenate([centre, np.ones((len(centre), 1))], axis=1) @ np.linalg.inv(K).T
    axis = np.cross([0.0, 0.0, 1.0], ray)
    sine = np.linalg.norm(axis, axis=1)
    return exp_rotation(axis * (np.arctan2(sine, ray[:, 2]) / np.maximum(sine, 1e-9))[:, None])


def _features(world: Array, keypoints: Array, turns: Array, K: Array) -> Array:
    """What the network sees (T,198): :func:`humanav.track.lift.lift_features` of every frame."""
    torso = list(TORSO)
    space = (world - world[:, torso].mean(1, keepdims=True)) / np.maximum(bone_sum(world), 1e-6)[:, None, None]
    rays = np.concatenate([keypoints[..., :2], np.ones((*keypoints.shape[:2], 1))], axis=2) @ np.linalg.inv(K).T
    rays = rays @ turns
    flat = rays[..., :2] / np.maximum(rays[..., 2:], 1e-3)
    flat = flat - flat[:, torso].mean(1, keepdims=True)
    weight = np.clip(keypoints[..., 2:3], 0.05, 1.0)
    size = (weight * flat * space[..., :2]).sum((1, 2)) / np.maximum((weight * flat * flat).sum((1, 2)), 1e-12)
    scaled = flat * np.maximum(size, 0.0)[:, None, None]
    return np.concatenate([space.reshape(len(world), -1), scaled.reshape(len(world), -1), keypoints[..., 2]], axis=1)
