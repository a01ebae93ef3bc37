"""A person of known motion before a known camera, and networks that know the answer."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy.spatial.transform import Rotation

from humanav.body.landmarks import landmark_positions
from humanav.camera import Camera
from humanav.motion import load_clip
from humanav.motion.motion import Motion
from humanav.perception.sequence import KeypointSequence


@dataclass(frozen=True)
class Known:
    """What a network says; the fields of a prediction."""

    root: np.ndarray
    body: np.ndarray
    confidence: np.ndarray


@dataclass
class Oracle:
    """A network that knows the motion: it finds the frame by the pixels of the pelvis' neighbours."""

    rotations: np.ndarray
    shown: np.ndarray
    seen_focal: list[bool]

    def predict(self, keypoints: Any, K: Any, focal_known: bool = True) -> Known:
        self.seen_focal.append(focal_known)
        away = np.linalg.norm((keypoints[:, None] - self.shown[None])[..., :2], axis=-1).mean(-1)
        frames = away.argmin(1)
        turned = self.rotations[frames]
        return Known(turned[:, 0], turned[:, 1:], np.full((len(frames), 22), 0.9))


def scene(
    body: Any, clip: str = "squat", frames: int = 60, keypoint_set: str = "blazepose33", camera: Camera | None = None,
) -> tuple[Motion, Camera, KeypointSequence, Oracle]:
    """A clip four metres before a level camera, its exact keypoints, and a network that knows it."""
    from humanav.uplift.skeleton import relaxed_hands

    motion = load_clip(clip)[:frames]
    pose = motion.full_pose.copy()
    pose[:, 25:] = relaxed_hands().numpy()
    pose[:, 22:25] = 0
    camera = camera or Camera.from_focal(640, 480, 700)
    place = np.array([0.0, -1.0, -4.0], dtype=np.float32)
    motion = Motion.from_full_pose(pose, motion.fps, motion.transl + place, motion.betas, name=clip)
    out = body.from_motion(motion, vertices=False)
    points = landmark_positions(out.joints.double().numpy(), out.rotations.double().numpy(), keypoint_set)
    pixels, _ = camera.project(points)
    keypoints = np.concatenate([pixels, np.ones((*pixels.shape[:2], 1))], -1).astype(np.float32)
    sequence = KeypointSequence(keypoints, keypoint_set, motion.fps, camera.width, camera.height, name=clip)
    rotations = Rotation.from_rotvec(motion.full_pose[:, :22].reshape(-1, 3)).as_matrix().reshape(-1, 22, 3, 3)
    rotations[:, 0] = camera.R @ rotations[:, 0]
    return motion, camera, sequence, Oracle(rotations, keypoints, [])
