"""Clips that tracking is measured on: synthetic people in captured motion, filmed, with the exact truth, kept on disk.

The captured motion is set on the floor and carried over to the person's own shape (planted feet stay planted), so the
picture shows exactly the joints of ``motion``, whose world is y up with the soles of the bare body on y = 0. Stretches
whose standing feet do not share one floor (uneven terrain) are passed over. A clip is ``NAME.mp4`` with ``NAME.npz``.
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
from _posendf_cases import mocap
from _track_film import Actor, film, frame_points
from numpy.typing import NDArray
from scipy.ndimage import binary_closing

from humanav.body import BodyModel
from humanav.camera import Camera
from humanav.motion import Motion

Array = NDArray[np.float32]

VERSION = 1
SPLITS = {"development": "validation", "test": "test"}
FEET = ((7, 10), (8, 11))
"""Ankle and ball joints of the left and the right foot."""
SLOW = 0.25  # metres a second of a joint of a standing foot
LOW = (0.08, 0.07)  # metres of its ankle and ball over a flat foot's: captured feet roll, and hover by up to 3 cm
_LEVEL = 0.05  # metres within which nine tenths of standing balls of the foot lie where the floor is even
_LIVELY = 0.1  # metres a second of the joints about the pelvis, on average
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
    picked = _stretches(subjects, count, most_frames, rng, body)
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
    walks = _walks(subjects, 2 * count, frames, body)
    out = []
    for number in range(count):
        name = f"v{VERSION}-{subjects}-s{seed}-pair{count}x{frames}-{size[0]}x{size[1]}-{number}"
        pair, apart = walks[2 * number:2 * number + 2], float(rng.uniform(0.45, 0.7))
        made = partial(_duo, pair, apart, 1000 * seed + 500 + number, size, body)
        out.append(_kept(name, cache, say, body, made))
    return out


def true_contacts(joints: Array, fps: float, rest_heights: tuple[float, float]) -> NDArray[np.bool_]:
    """Which feet stand (T,2): ankle and ball joint both slow and low; gaps of one frame are closed.

    Args:
        joints: (T,55,3) world, floor y = 0.
        fps: frames per second.
        rest_heights: metres of the ankle and the ball joint over the sole of a flat foot.
    """
    feet = joints[:, np.array(FEET)].astype(np.float64)  # (T,2 sides,2 joints,3)
    speed = np.linalg.norm(np.gradient(feet, axis=0), axis=-1) * fps if len(feet) > 1 else np.zeros(feet.shape[:3])
    low = feet[..., 1] < np.array(rest_heights) + np.array(LOW)
    stands = ((speed < SLOW) & low).all(axis=-1)
    padded = np.pad(stands, ((1, 1), (0, 0)), mode="edge")
    return np.asarray(binary_closing(padded, np.ones((3, 1)))[1:-1] | stands)


def foot_heights(body: BodyModel, betas: Any) -> tuple[float, float]:
    """Metres of the ankle and the ball joint over the sole at rest."""
    vertices, joints = body.rest(betas)
    low = float(vertices[:, 1].min())
    return float(joints[[7, 8], 1].mean()) - low, float(joints[[10, 11], 1].mean()) - low


def grounded(motion: Motion, body: BodyModel) -> Motion | None:
    """The stretch with standing soles on y = 0, or None where they share no floor or nobody stands."""
    from humanav.motion import floor_heights, ground

    motion = ground(motion, body)
    joints = body.from_motion(motion, vertices=False).joints.numpy()
    feet = joints[:, np.array(FEET)]
    still = (np.linalg.norm(np.gradient(feet, axis=0), axis=-1) * motion.fps < SLOW).all(axis=-1)
    if still.any(axis=1).mean() < 0.2:
        return None
    low, high = np.quantile(feet[:, :, 1, 1][still], [0.05, 0.95])
    if high - low > _LEVEL:
        return None
    sole = float(np.median(floor_heights(motion, body)[still.any(axis=1)]))
    return replace(motion, transl=motion.transl - np.array([0, sole, 0], np.float32))


def _stretches(subjects: str, count: int, most: int, rng: np.random.Generator, body: BodyModel) -> list[Motion]:
    """Lively, level stretches of usable frames, no two alike, by turns of all subjects."""
    from humanav.posendf.cmu import cmu_clips

    takes = list(cmu_clips(mocap(), SPLITS[subjects]))
    people = sorted({take.subject for take in takes})
    by_person = {who: [takes[k] for k in rng.permutation(len(takes)) if takes[k].subject == who] for who in people}
    picked: list[Motion] = []
    taken: list[tuple[str, int, int]] = []
    for attempt in range(100 * count):
        if len(picked) == count:
            break
        who = people[(len(picked) + attempt // 50) % len(people)]  # somebody else after many vain attempts
        own = sorted(by_person[who], key=lambda take: sum(name == take.motion.name for name, _, _ in taken))
        take = own[attempt % max(1, len(own) // 2)]
        frames = min(int(rng.integers(most * 3 // 4, most + 1)), len(take.motion))
        start = int(rng.integers(0, len(take.motion) - frames + 1))
        end = start + frames
        again = any(name == take.motion.name and start < b and a < end for name, a, b in taken)
        if again or not take.ok[start:end].all() or frames < most // 2:
            continue
        motion = grounded(take.motion[start:end], body)
        if motion is not None and _liveliness(motion, body) > _LIVELY:
            taken.append((take.motion.name, start, end))
            picked.append(replace(motion, name=f"{take.motion.name} from {start}"))
    return picked


def _liveliness(motion: Motion, body: BodyModel) -> float:
    joints = body.from_motion(motion, vertices=False).joints.numpy()[:, :22]
    inside = joints - joints[:, :1]
    return float(np.linalg.norm(np.diff(inside, axis=0), axis=-1).mean() * motion.fps)


def _walks(subjects: str, count: int, frames: int, body: BodyModel) -> list[Motion]:
    """The stretches of different takes in which somebody gets farthest."""
    from humanav.motion import ground
    from humanav.posendf.cmu import cmu_clips

    best: list[tuple[float, Motion]] = []
    for take in cmu_clips(mocap(), SPLITS[subjects]):
        path = take.motion.transl[:, [0, 2]]
        if len(path) < frames:
            continue
        way = np.linalg.norm(path[frames - 1:] - path[:len(path) - frames + 1], axis=1)
        usable = np.convolve(~take.ok, np.ones(frames), "valid") == 0
        if not usable.any():
            continue
        start = int(np.argmax(np.where(usable, way, -1)))
        name = f"{take.motion.name} from {start}"
        best.append((float(way[start]), replace(take.motion[start:start + frames], name=name)))
    best.sort(key=lambda item: -item[0])
    return [ground(motion, body) for _, motion in best[:count]]


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
