"""Clips that tracking is measured on: synthetic people in captured motion, filmed, with the exact truth, kept on disk.

The captured motion is set on the floor and carried over to the person's own shape (planted feet stay planted), so the
picture shows exactly the joints of ``motion``, whose world is y up with the soles of the bare body on y = 0. A clip is
``NAME.mp4`` with ``NAME.npz``.
"""

from __future__ import annotations

import json
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from _track_motions import foot_heights, stretches, true_contacts, walks
from numpy.typing import NDArray

from humanav.body import BodyModel
from humanav.camera import Camera
from humanav.motion import Motion
from humanav.synth.film import Actor, film, frame_points

Array = NDArray[np.float32]

VERSION = 1
_ROOM = 1.1  # metres from the middle of the path to its end that a room with walls has


@dataclass(frozen=True)
class Who:
    """One person of a clip of T frames.

    Attributes:
        motion: in the world, with the shape.
        joints: (T,55,3) metres, world.
        contacts: (T,2) whether the left and the right foot stand, see :func:`true_contacts`.
        stature: metres, of the bare body.
        masks: (T,H,W) pixels that show the person.
    """

    motion: Motion
    joints: Array
    contacts: NDArray[np.bool_]
    stature: float
    masks: NDArray[np.bool_]


@dataclass(frozen=True)
class TrackClip:
    """A film and its truth: ``name``, ``video`` (mp4), ``camera`` in the world, ``people``."""

    name: str
    video: Path
    camera: Camera
    people: tuple[Who, ...]

    @property
    def frames(self) -> int:
        """T."""
        return len(self.people[0].motion)


def default_cache() -> Path:
    """Where films are kept when nothing else is said."""
    return Path(tempfile.gettempdir()) / "humanav-track-clips"


def clips(
    subjects: str, seed: int, count: int = 8, size: tuple[int, int] = (720, 720), *, most_frames: int = 120,
    cache: Path | None = None, say: Callable[[str], None] = lambda text: None,
) -> list[TrackClip]:
    """Clips of one person, filmed where they are not yet in the cache.

    Args:
        subjects: "development" (CMU 07 and 94) or "test" (03 and 135).
        seed: of people, places, stretches.
        count: of clips, seen from evenly spread sides.
        size: width and height in pixels.
        most_frames: 3/4 of it to all of it are filmed, fewer of a short take.
        cache: folder.
        say: told of every film.

    Raises:
        InputError: the captured motion is not on this machine.
    """
    body = BodyModel.load()
    rng = np.random.default_rng([seed, 72])
    picked = stretches(subjects, count, most_frames, rng, body)
    out = []
    for number, motion in enumerate(picked):
        name = f"v{VERSION}-{subjects}-s{seed}-{count}x{most_frames}-{size[0]}x{size[1]}-{number}"
        yaw = float((360 * (number + rng.uniform(0.25, 0.75)) / count + 180) % 360 - 180)
        out.append(_kept(name, cache, say, body, partial(_solo, motion, yaw, 1000 * seed + number, size, body)))
    return out


def crossings(
    subjects: str, seed: int, count: int = 2, size: tuple[int, int] = (960, 720), *, frames: int = 90,
    cache: Path | None = None, say: Callable[[str], None] = lambda text: None,
) -> list[TrackClip]:
    """Clips of two people who walk past each other, one hidden by the other half-way; for identities only."""
    body = BodyModel.load()
    rng = np.random.default_rng([seed, 73])
    farthest = walks(subjects, 2 * count, frames, body)
    out = []
    for number in range(count):
        name = f"v{VERSION}-{subjects}-s{seed}-pair{count}x{frames}-{size[0]}x{size[1]}-{number}"
        pair, apart = farthest[2 * number:2 * number + 2], float(rng.uniform(0.45, 0.7))
        made = partial(_duo, pair, apart, 1000 * seed + 500 + number, size, body)
        out.append(_kept(name, cache, say, body, made))
    return out


def _solo(motion: Motion, yaw: float, seed: int, size: tuple[int, int], body: BodyModel) -> tuple[Any, ...]:
    """One actor with the path in the middle of the place and its front ahead half-way; the place, size and seed."""
    from humanav.synth import sample_person
    from humanav.synth.scene import sample_scene

    middle = len(motion) // 2
    person = sample_person(seed, full_pose=motion.full_pose[middle, :22], yaw=yaw)
    level = _matrix(person.pose[0]) @ _matrix(motion.global_orient[middle]).T
    actor = _actor(person, motion, level, body)
    path = actor.joints[:, 0, [0, 2]]
    actor = _shifted(actor, -(path.min(axis=0) + path.max(axis=0)) / 2)
    scene = person.scene
    far = np.abs(actor.joints[:, 0, [0, 2]]).max()
    if scene.place in ("room", "brick") and far > _ROOM:
        scene = sample_scene(np.random.default_rng([seed, 21]), yaw, "park" if seed % 2 else "street")
    return (actor,), replace(scene, shift=(0.0, scene.shift[1])), size, seed


def _duo(pair: Sequence[Motion], apart: float, seed: int, size: tuple[int, int], body: BodyModel) -> tuple[Any, ...]:
    """Two actors who cross half-way, one this many metres nearer, seen from the side."""
    from humanav.synth import sample_person
    from humanav.synth.scene import sample_scene

    yaw = float(np.random.default_rng([seed, 22]).uniform(-180, 180))
    scene = sample_scene(np.random.default_rng([seed, 21]), yaw, "park" if seed % 2 else "street")
    scene = replace(scene, shift=(0.0, scene.shift[1]))
    away = -np.array([np.sin(np.radians(yaw)), np.cos(np.radians(yaw))])  # x and z
    along = np.array([-away[1], away[0]])
    actors = []
    for number, motion in enumerate(pair):
        middle = len(motion) // 2
        person = sample_person(seed + 40 * number, full_pose=motion.full_pose[middle, :22], yaw=yaw)
        way = motion.transl[-1, [0, 2]] - motion.transl[0, [0, 2]]
        goal = along if number == 0 else -along
        angle = np.arctan2(goal[0], goal[1]) - np.arctan2(way[0], way[1])
        actor = _actor(person, motion, _matrix(np.array([0, angle, 0])), body)
        place = away * apart / 2 * (1 if number == 0 else -1)
        actors.append(_shifted(actor, place - actor.joints[middle, 0, [0, 2]]))
    return tuple(actors), scene, size, seed


def _actor(person: Any, motion: Motion, turn: NDArray[np.float64], body: BodyModel) -> Actor:
    """The person in the motion, turned about the vertical and carried over to their shape; hands and face stay."""
    from humanav.motion import fit_to_shape
    from humanav.track.path import path_of

    motion = path_of(motion, body).turned(turn, np.zeros(3)).motion(body, motion.name)
    motion = fit_to_shape(motion, body, person.betas)
    full = np.repeat(person.pose[None], len(motion), axis=0)
    full[:, :22] = motion.full_pose[:, :22]
    face = np.repeat(person.expression[None], len(motion), axis=0)
    motion = Motion.from_full_pose(full, motion.fps, motion.transl, person.betas, face, motion.name)
    return Actor(person, motion, _joints(motion, body))


def _shifted(actor: Actor, way: NDArray[Any]) -> Actor:
    step = np.array([way[0], 0, way[1]], np.float32)
    return actor._replace(motion=replace(actor.motion, transl=actor.motion.transl + step), joints=actor.joints + step)


def _joints(motion: Motion, body: BodyModel) -> Array:
    return np.asarray(body.from_motion(motion, vertices=False).joints.numpy(), np.float32)


def _matrix(vector: NDArray[Any]) -> NDArray[np.float64]:
    from scipy.spatial.transform import Rotation

    return np.asarray(Rotation.from_rotvec(np.asarray(vector, np.float64)).as_matrix())


def _kept(
    name: str, cache: Path | None, say: Callable[[str], None], body: BodyModel, prepare: Callable[[], tuple[Any, ...]]
) -> TrackClip:
    """The clip from the cache, or filmed into it."""
    from humanav.export.video import write_mp4

    folder = cache or default_cache()
    folder.mkdir(parents=True, exist_ok=True)
    video, truth = folder / f"{name}.mp4", folder / f"{name}.npz"
    if not (video.is_file() and truth.is_file()):
        actors, scene, size, seed = prepare()
        frames = len(actors[0].motion)
        points = np.concatenate([frame_points(a, f) for a in actors for f in {*range(0, frames, 8), frames - 1}])
        camera = scene.camera(points, *size)
        masks: list[list[NDArray[np.bool_]]] = [[] for _ in actors]

        def shots() -> Any:
            for shot in film(actors, scene, camera, seed):
                for mine, mask in zip(masks, shot.masks, strict=True):
                    mine.append(mask > 0.5)
                yield shot.image

        write_mp4(shots(), video, actors[0].motion.fps, crf=14)
        _save(truth, actors, camera, masks)
        say(f"filmed {name}: {', '.join(a.motion.name for a in actors)}, {frames} frames")
    return _load(name, video, truth, body)


def _save(path: Path, actors: Sequence[Actor], camera: Camera, masks: Any) -> None:
    arrays: dict[str, Any] = {"camera": json.dumps(camera.to_dict()), "people": len(actors)}
    for k, (actor, mask) in enumerate(zip(actors, masks, strict=True)):
        motion = actor.motion
        arrays |= {f"pose_{k}": motion.full_pose, f"transl_{k}": motion.transl, f"betas_{k}": motion.betas,
                   f"expression_{k}": motion.expression, f"fps_{k}": motion.fps, f"take_{k}": motion.name,
                   f"masks_{k}": np.packbits(np.stack(mask), axis=-1)}
    temporary = path.with_suffix(".part.npz")
    np.savez_compressed(temporary, **arrays)
    temporary.replace(path)


def _load(name: str, video: Path, truth: Path, body: BodyModel) -> TrackClip:
    with np.load(truth, allow_pickle=False) as data:
        camera = Camera.from_dict(json.loads(str(data["camera"])))
        people = []
        for k in range(int(data["people"])):
            motion = Motion.from_full_pose(data[f"pose_{k}"], float(data[f"fps_{k}"]), data[f"transl_{k}"],
                                           data[f"betas_{k}"], data[f"expression_{k}"], str(data[f"take_{k}"]))
            masks = np.unpackbits(data[f"masks_{k}"], axis=-1, count=camera.width).astype(bool)
            joints, rest = _joints(motion, body), body.rest(motion.betas)[0]
            contacts = true_contacts(joints, motion.fps, foot_heights(body, motion.betas))
            people.append(Who(motion, joints, contacts, float(rest[:, 1].max() - rest[:, 1].min()), masks))
    return TrackClip(name, video, camera, tuple(people))
