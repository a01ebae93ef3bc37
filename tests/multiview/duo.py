"""Two people face to face as a few Gaussians each, filmed by the project's own splats: small, exact and quick."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from humanav.camera import Camera
from humanav.motion import Motion
from humanav.multiview import Fitted, FittedPerson, Matched, Person3D, Rig, Sightings
from humanav.multiview.scene import GaussianScene, Splats
from humanav.multiview.simulate import simulate
from humanav.perception.takes import encode_mask


@dataclass(frozen=True)
class Film:
    """Pictures (V,T,h,w,3)."""

    frames: np.ndarray

    def frame(self, view: int, t: int) -> np.ndarray:
        return self.frames[view, t]


def motions(frames: int = 3, apart: float = 0.32, reach: bool = True) -> list[Motion]:
    """Person 1 faces +z with the arms forward (or hanging), person 2 ``apart`` metres before them faces back."""
    out = []
    for k in range(2):
        pose = np.zeros((frames, 55, 3), np.float32)
        pose[:, 0, 1] = np.pi * k
        for joint, sign in ((16, -1), (17, 1)):
            pose[:, joint] = [0, sign * 0.9, sign * 0.5] if reach else [0, 0, sign * 1.3]
        pose[:, 4, 0] = 0.15 * np.sin(np.arange(frames) / 3)
        transl = np.tile([0.0, 1.25, apart * k], (frames, 1))
        out.append(Motion.from_full_pose(pose, 10.0, transl, np.zeros(20), person_id=str(k + 1)))
    return out


def ring(views: int = 3, width: int = 64, height: int = 80) -> Rig:
    cameras = tuple(Camera.orbit([0, 0.95, 0.15], 3.2, 40 + 360 * k / views, 6, width, height, 100.0)
                    for k in range(views))
    return Rig(tuple(f"cam{k + 1}" for k in range(views)), cameras)


def painted(body, count: int = 300) -> GaussianScene:
    """Everybody in stripes of their own colours."""
    people = []
    for k in range(2):
        splats = Splats.on_body(body, np.zeros(20), count, str(k + 1))
        stripes = 0.5 + 0.5 * np.sin(9 * splats.surface @ np.array([1.0, 1.5, 0.7]) + np.array([[0], [2], [4]]) + k).T
        people.append(replace(splats, rgb=stripes, trust=np.ones(count)))
    return GaussianScene(tuple(people))


def filmed(scene: GaussianScene, true: list[Motion], rig: Rig, noise: float = 1.5):
    """Pictures over grey, sightings with exact masks, and everybody matched as they are."""
    views, frames = len(rig), len(true[0])
    film = np.zeros((views, frames, rig.cameras[0].height, rig.cameras[0].width, 3), np.uint8)
    sightings, owner = simulate(true, rig, noise_px=noise, dropout=0.1, swaps=0.0, seed=3)
    masks = {}
    for v, camera in enumerate(rig.cameras):
        for t in range(frames):
            drawn = scene.render(camera, true, t, background=(0.6, 0.6, 0.6))
            film[v, t] = np.round(255 * drawn.rgb)
            for d, person in enumerate(owner[t, v]):
                if person >= 0:
                    masks[t, v, d] = encode_mask(drawn.instance[..., person])
    return Film(film), replace(sightings, masks=masks), matched(true, sightings, owner)


def matched(true: list[Motion], sightings: Sightings, owner: np.ndarray) -> Matched:
    from humanav.multiview.simulate import body_points

    world, _ = body_points(true, sightings.keypoint_set)
    people = []
    for k, motion in enumerate(true):
        chosen = np.where((owner == k).any(-1), (owner == k).argmax(-1), -1)
        points = np.concatenate([world[:, k], np.ones((*world.shape[:1], world.shape[2], 1))], axis=-1)
        seen = np.take_along_axis(sightings.keypoints, np.maximum(chosen, 0)[..., None, None, None], 2)[:, :, 0]
        used = (seen[..., 2] > 0) & (chosen >= 0)[..., None]
        people.append(Person3D(motion.person_id, points, sightings.keypoint_set, chosen,
                               np.zeros(chosen.shape, bool), used, np.zeros(used.shape)))
    return Matched(tuple(people), sightings.names, sightings.fps)


def disturbed(true: list[Motion], rng: np.random.Generator, degrees: float = 5.0, metres: float = 0.02) -> list[Motion]:
    """The motions with every body joint turned and everybody moved, differently in each frame."""
    out = []
    for motion in true:
        pose = motion.full_pose.copy()
        pose[:, :22] += np.radians(degrees) / np.sqrt(3) * rng.normal(size=(len(motion), 22, 3))
        place = motion.transl + metres / np.sqrt(3) * rng.normal(size=(len(motion), 3))
        out.append(Motion.from_full_pose(pose, motion.fps, place, motion.betas, person_id=motion.person_id))
    return out


def fitted(found: list[Motion], rig: Rig) -> Fitted:
    blank = np.full((len(found[0]), len(rig)), np.nan)
    return Fitted(tuple(FittedPerson(m.person_id, m, np.ones(len(m), bool), blank) for m in found), rig.names)


def joint_error(body, found: list[Motion], true: list[Motion]) -> float:
    """Mean distance of the body's 22 joints, mm."""
    off = [body.from_motion(a, vertices=False).joints[:, :22] - body.from_motion(b, vertices=False).joints[:, :22]
           for a, b in zip(found, true, strict=True)]
    return 1000 * float(np.mean([np.linalg.norm(x.numpy(), axis=-1).mean() for x in off]))
