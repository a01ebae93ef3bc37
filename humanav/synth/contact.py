"""Two people in close contact before a ring of cameras, with the exact truth: hugs, lifts, dances, grapples.

World: y up, metres, floor y = 0. Bodies, timing, distances, poses and cameras are sampled from a seed. The bare bodies
touch but, hands that shake each other excepted, do not run into each other by more than some millimetres (see
:mod:`humanav.synth.contact_settle`).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from humanav.camera import Camera
from humanav.errors import InputError
from humanav.motion import Motion
from humanav.synth.contact_actions import ACTIONS, Action, pose_duo, sample_duo
from humanav.synth.contact_puppet import Puppet, Shape
from humanav.synth.person import SyntheticPerson, sample_person
from humanav.synth.poses import Poser
from humanav.synth.scene import sample_scene
from humanav.synth.template import body

if TYPE_CHECKING:
    from humanav.synth.film import Shot

Array = NDArray[np.float64]

_APART = ("handshake",)  # at arm's length the hands alone meet, as they are posed: fingers are too thin to be settled
_LIGHT = 3  # frames from one computation of the surroundings' light to the next: people who walk up to each other

__all__ = ["ACTIONS", "Action", "ContactScene", "close_contact", "film_contact", "ring_of_cameras"]


@dataclass(frozen=True)
class ContactScene:
    """People who touch, and who watches.

    Attributes:
        people: as they look; the first one's scene is the place and light.
        motions: of each, T frames, with shape and face, in the world.
        cameras: V of them, in order round the middle.
        names: of the cameras.
        fps: frames per second.
        action: what they do.
        seed: what it was sampled from.
    """

    people: tuple[SyntheticPerson, ...]
    motions: tuple[Motion, ...]
    cameras: tuple[Camera, ...]
    names: tuple[str, ...]
    fps: float
    action: str
    seed: int

    @property
    def frames(self) -> int:
        """T."""
        return len(self.motions[0])


def close_contact(
    action: Action | str, seed: int, *, views: int = 4, frames: int = 25, fps: float = 10.0,
    size: tuple[int, int] = (640, 480), settle: bool = True,
) -> ContactScene:
    """Two dressed people who come together, hold each other and part again.

    Args:
        action: one of :data:`ACTIONS`.
        seed: of bodies, looks, timing, distances, poses, place and cameras.
        views: number of cameras, evenly spread round them.
        frames: T; the whole action takes frames / fps seconds.
        fps: frames per second.
        size: width and height of the pictures.
        settle: take out what the bodies run into each other; without it they may do so by some centimetres.

    Raises:
        InputError: an unknown action, no view or frame, or a frame rate that is not positive.
    """
    if action not in ACTIONS:
        raise InputError(f"There is no action '{action}'; choose one of {', '.join(ACTIONS)}.")
    if views < 1 or frames < 1 or fps <= 0:
        raise InputError("A capture needs at least one view, one frame and a positive frame rate.")
    kind: Action = action
    rng = np.random.default_rng([seed, 90, ACTIONS.index(kind)])
    yaw = float(rng.uniform(-180, 180))
    women = rng.random(2) < 0.5
    people = tuple(sample_person(1000 * seed + 17 * k + 3, yaw=yaw, clothes="casual", woman=bool(women[k]))
                   for k in range(2))
    place = sample_scene(rng, yaw, "park" if rng.random() < 0.5 else "street")
    people = (replace(people[0], scene=place), replace(people[1], scene=place))
    shapes = (Shape(people[0].betas, people[0].expression), Shape(people[1].betas, people[1].expression))
    duo = sample_duo(rng, shapes, frames / fps)
    fingers = [_fingers(shape, rng) for shape in shapes]
    posed: list[list[Puppet]] = [[], []]
    for t in range(frames):
        for mine, puppet in zip(posed, pose_duo(kind, duo, t / max(frames - 1, 1)), strict=True):
            mine.append(puppet)
    motions = tuple(
        _motion(puppets, hands, person, fps, str(k + 1), kind)
        for k, (puppets, hands, person) in enumerate(zip(posed, fingers, people, strict=True)))
    if settle and kind not in _APART:
        from humanav.synth.contact_settle import settled

        motions = settled(motions)
    cameras = ring_of_cameras(motions, views, size, rng)
    return ContactScene(people, motions, cameras, tuple(f"cam{k + 1}" for k in range(views)), fps, kind, seed)


def film_contact(
    scene: ContactScene, frames: Sequence[int] | None = None, supersample: int = 1
) -> Iterator[list[Shot]]:
    """Film everybody dressed, by all cameras; who hides whom is right in every pixel.

    Args:
        scene: of :func:`close_contact`.
        frames: which; all when None.
        supersample: samples per pixel along each axis.

    Yields:
        for each frame a list over the views of a picture, uint8 RGB (H,W,3), and for each person the share (H,W) of
        every pixel that shows them.
    """
    from humanav.synth.film import Actor, film_round

    actors = []
    for person, motion in zip(scene.people, scene.motions, strict=True):
        joints = body().from_motion(motion, vertices=False).joints.numpy()
        actors.append(Actor(person, motion, joints.astype(np.float32)))
    yield from film_round(actors, scene.people[0].scene, scene.cameras, scene.seed, supersample=supersample,
                          frames=frames, every=_LIGHT)


def ring_of_cameras(
    motions: tuple[Motion, ...], views: int, size: tuple[int, int], rng: np.random.Generator
) -> tuple[Camera, ...]:
    """Cameras all round people, at 1.2 to 2.2 m; people fill 66 to 82 % of the height of their pictures, less where
    they would be too wide."""
    out = body()
    points = []
    for motion in motions:
        some = motion[:: max(1, len(motion) // 8)]
        vertices = out.from_motion(some).vertices
        assert vertices is not None
        points.append(vertices.numpy()[:, ::17].reshape(-1, 3))
    cloud = np.concatenate(points).astype(np.float64)
    middle = (cloud.min(axis=0) + cloud.max(axis=0)) / 2
    start, cameras = float(rng.uniform(0, 360)), []
    for k in range(views):
        angle = np.radians(start + 360 * (k + rng.uniform(-0.12, 0.12)) / views)
        away, height = float(rng.uniform(3.0, 4.2)), float(rng.uniform(1.2, 2.2))
        eye = np.array([middle[0] + np.sin(angle) * away, height, middle[2] + np.cos(angle) * away])
        camera = Camera.look_at(eye, middle, *size)
        spread = np.ptp(camera.project(cloud)[0], axis=0) / size
        fill = float(rng.uniform(0.66, 0.82))
        focal = camera.focal * min(fill / spread[1], 0.92 / spread[0])
        camera = Camera.look_at(eye, middle, *size, focal)
        low, high = (f(camera.project(cloud)[0][:, 1]) for f in (np.min, np.max))
        shift = ((low + high) / 2 - size[1] / 2) / focal * np.linalg.norm(middle - eye)
        cameras.append(Camera.look_at(eye, middle - [0, float(shift), 0], *size, focal))
    return tuple(cameras)


def _fingers(shape: Shape, rng: np.random.Generator) -> NDArray[np.float32]:
    """(30,3) turns of nearly straight fingers."""
    poser = Poser(shape.joints)
    poser.curl(rng, mean=9, thumb=6)
    return poser.rotvec()[25:]


def _motion(
    puppets: list[Puppet], fingers: NDArray[np.float32], person: SyntheticPerson, fps: float, name: str, action: str
) -> Motion:
    pose = np.stack([puppet.poser.rotvec() for puppet in puppets])
    pose[:, 25:] = fingers
    place = np.stack([puppet.transl for puppet in puppets])
    face = np.repeat(person.expression[None], len(pose), axis=0)
    return Motion.from_full_pose(pose, fps, place, person.betas, face, name=action, person_id=name)
