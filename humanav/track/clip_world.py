"""From the camera's frame to the world: one floor and one camera (or a moving one) for everybody in a shot."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from humanav.body import BodyModel
from humanav.body.kinematics import Array
from humanav.camera import Camera
from humanav.fit import stature
from humanav.perception.takes import People, Take
from humanav.perception.video import Video
from humanav.progress import Progress
from humanav.track.camera_motion import CameraPath, camera_motion, is_moving
from humanav.track.camera_travel import world_from_moving_camera
from humanav.track.contacts import foot_contacts
from humanav.track.ground import Ground, find_ground, scale_to_floor
from humanav.track.lock import lock_feet
from humanav.track.path import BodyPath


@dataclass(frozen=True)
class World:
    """A shot in the world (y up, metres, floor y = 0).

    Attributes:
        paths: everybody's, in the order given.
        contacts: (T,2) 0..1 of each: how surely the left and the right foot stand.
        R, t: (F,3,3) and (F,3) world to camera of every frame of the shot.
        ground: the floor before its first camera.
        notes: sentences on the camera and the floor.
    """

    paths: tuple[BodyPath, ...]
    contacts: tuple[Array, ...]
    R: Array
    t: Array
    ground: Ground
    notes: tuple[str, ...]


def stand_in_world(
    takes: Sequence[Take], paths: Sequence[BodyPath], body: BodyModel, frames: tuple[int, int], *,
    moving: CameraPath | None = None, tilt: tuple[float, float] | None = None, camera_height: float | None = None,
    lock: bool = True,
) -> World:
    """Bring everybody of one shot to one floor, and their feet to rest where they stand.

    Args:
        takes: who, with their first frames.
        paths: in the frame of each frame's camera; the first person's floor is everybody's.
        body: the body.
        frames: first and after-last frame of the shot.
        moving: how the camera turns in the clip; None for a camera that stands still.
        tilt, camera_height: as :func:`humanav.track.ground.find_ground`.
        lock: hold standing feet still.
    """
    first, last = frames
    notes: list[str] = []
    still = list(paths)
    R, t = np.tile(np.eye(3), (last - first, 1, 1)), np.zeros((last - first, 3))
    if moving is not None:
        shot = replace(moving, R=moving.R[first:last] @ moving.R[first].T, t=None, sure=moving.sure[first:last],
                       still=moving.still[first:last], keys=moving.keys[first:last])
        leader = int(np.argmax([len(take) for take in takes]))
        R, t, said = _travelled(takes[leader], paths[leader], shot, body, first)
        notes.append(said)
        still = [path.to_world(*(part[take.start - first : take.stop - first] for part in (R, t)))
                 for take, path in zip(takes, paths, strict=True)]
    seen_from = -np.einsum("tji,tj->ti", R, t)
    ground = find_ground(still, body, tilt=tilt, camera_height=camera_height,
                         eyes=[seen_from[take.start - first : take.stop - first] for take in takes])
    notes.append(ground.how)
    eyes = -np.einsum("tji,tj->ti", R @ ground.R, R @ ground.t + t)
    placed, contacts = [], []
    for take, path in zip(takes, still, strict=True):
        factor = scale_to_floor(path, ground, body)
        if factor is not None and (take is not takes[0] or camera_height is not None):
            path = resized(path, factor, body)
        path = path.to_world(ground.R, ground.t)
        eye = eyes[take.start - first : take.stop - first]
        contact = foot_contacts(path, body, eye=eye)
        if lock:
            path = lock_feet(path, contact, body, eye=eye)
        placed.append(path)
        contacts.append(contact)
    return World(tuple(placed), tuple(contacts), R @ ground.R, R @ ground.t + t, ground, tuple(notes))


def camera_turns(video: Video, people: People, camera: Camera, progress: Progress | None = None) -> CameraPath:
    """How the camera turns over the clip, told by the background beside the people."""
    return camera_motion(video, _boxes(people).__getitem__, camera.K, shots=people.shots, progress=progress)


def seems_to_move(video: Video, people: People, camera: Camera) -> bool:
    """Whether the camera of a clip that was said to stand still seems to move; a glance at some frames of it."""
    every = max(1, round(people.fps / 3), people.frames // 60)
    return is_moving(camera_motion(video, _boxes(people).__getitem__, camera.K, shots=people.shots, every=every))


def _boxes(people: People) -> list[list[NDArray[np.float32]]]:
    """Everybody's boxes in each frame."""
    boxes: list[list[NDArray[np.float32]]] = [[] for _ in range(people.frames)]
    for take in people.takes:
        for frame, box in enumerate(take.boxes, take.start):
            if np.isfinite(box).all():
                boxes[frame].append(box)
    return boxes


def resized(path: BodyPath, factor: float, body: BodyModel) -> BodyPath:
    """The same picture of a person ``factor`` times as large and as far away."""
    tall, dirs = stature(body.v_template.double().numpy(), body.shapedirs.double().numpy()[..., :10])
    betas = path.betas.copy()
    wanted = (tall + float(dirs @ betas[:10])) * (factor - 1)
    betas[:10] += (dirs * wanted / (dirs @ dirs)).astype(np.float32)
    return replace(path, betas=betas, pelvis=path.pelvis * factor)


def _travelled(take: Take, path: BodyPath, shot: CameraPath, body: BodyModel, first: int) -> tuple[Array, Array, str]:
    """The shot's cameras (F,3,3), (F,3) from the axes of its first one, their way told by one person's feet."""
    low, high = take.start - first, take.stop - first
    part = replace(shot, R=shot.R[low:high], sure=shot.sure[low:high], still=shot.still[low:high],
                   keys=shot.keys[low:high])
    found = world_from_moving_camera(path, part, body)
    assert found.camera.t is not None
    eye = -np.einsum("tji,tj->ti", found.camera.R, found.camera.t)
    eyes = np.concatenate([np.repeat(eye[:1], low, axis=0), eye, np.repeat(eye[-1:], len(shot) - high, axis=0)])
    return shot.R, -np.einsum("tij,tj->ti", shot.R, eyes), found.how
