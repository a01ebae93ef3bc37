"""A small capture that the tests of the fit share: people who walk about before a ring of cameras."""

from __future__ import annotations

import numpy as np

from humanav.camera import Camera
from humanav.motion import Motion
from humanav.multiview.simulate import simulate
from humanav.multiview.triangulate import triangulate
from humanav.multiview.value import Matched, Person3D, Rig, Sightings


def walkers(frames: int = 6, people: int = 2, fps: float = 25.0) -> tuple[Motion, ...]:
    """People side by side, their arms and legs in motion."""
    out = []
    for k in range(people):
        pose = np.zeros((frames, 55, 3))
        phase = np.linspace(0, 2.0, frames) + k
        pose[:, 0, 1] = 0.5 * k + 0.1 * phase
        for joint, axis, size, middle in ((1, 0, 0.4, -0.3), (2, 0, -0.4, -0.3), (4, 0, 0.3, 0.5), (5, 0, -0.3, 0.5),
                                          (16, 2, 0.3, -0.9), (17, 2, 0.3, 0.9), (18, 1, 0.4, -0.9),
                                          (19, 1, -0.4, 0.9)):
            pose[:, joint, axis] = middle + size * np.sin(phase)
        place = np.stack([1.1 * k + 0.1 * phase, np.full(frames, 1.25), 0.1 * phase], axis=1)
        betas = np.random.default_rng(k).normal(0, 0.7, 10)
        out.append(Motion.from_full_pose(pose, fps, place, betas, person_id=str(k + 1)))
    return tuple(out)


def ring(views: int = 4, distortion: tuple[float, ...] | None = None) -> Rig:
    """Cameras all round."""
    cameras = tuple(Camera.orbit([0.6, 0.9, 0.0], 4.0, 20 + 360 * k / max(views, 3), 10, 640, 480, 520.0)
                    for k in range(views))
    if distortion is not None:
        cameras = tuple(Camera(c.K, c.R, c.t, c.width, c.height, np.array(distortion)) for c in cameras)
    return Rig(tuple(f"cam{k}" for k in range(views)), cameras)


def matched_by_truth(sightings: Sightings, owner: np.ndarray, rig: Rig) -> Matched:
    """What a matching without mistakes would give."""
    people = []
    frames, views = owner.shape[:2]
    for k in range(int(owner.max()) + 1):
        chosen = np.where((owner == k).any(axis=2), (owner == k).argmax(axis=2), -1)
        points = sightings.keypoints[np.arange(frames)[:, None], np.arange(views)[None], np.maximum(chosen, 0)]
        points = np.where((chosen >= 0)[..., None, None], points, 0.0)
        found = triangulate(rig, points)
        people.append(Person3D(str(k + 1), found.points, sightings.keypoint_set, chosen,
                               np.zeros(chosen.shape, bool), found.used, found.residual))
    return Matched(tuple(people), rig.names, sightings.fps)


def capture(motions: tuple[Motion, ...], rig: Rig, **options: object) -> tuple[Sightings, Matched]:
    """Simulated keypoints of people, and their matching."""
    plain: dict = {"noise_px": 2.0, "dropout": 0.1, "swaps": 0.0, **options}
    sightings, owner = simulate(motions, rig, **plain)
    return sightings, matched_by_truth(sightings, owner, rig)
