"""Films of dressed synthetic people who move about in one place, by one camera or by several at once.

A person of :mod:`humanav.synth` stands over the origin; here each is put where its motion says. All people are
rasterised in one pass, so that limbs of people who hold each other hide each other pixel by pixel, and they take light
from each other. Light from the surroundings is found at every fifth frame (unless asked otherwise) and the place is
painted once, so that a film costs a fraction of as many photographs.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from humanav.camera import Camera
from humanav.motion import Motion
from humanav.render import rasterize_mesh
from humanav.synth.lighting import KeyShadow, bounds
from humanav.synth.person import SyntheticPerson
from humanav.synth.photograph import _develop, _floor_ambient, _floor_grid, _light
from humanav.synth.scene import Scene

Array = NDArray[np.float32]

EVERY = 5
"""Frames from one computation of the surroundings' light to the next; between them it is interpolated."""
_GRID = 1.8  # metres to the edge of the floor's grid of light
_SHADOW = 4.0  # metres within which shadows of the key light are looked for
_DIRECTIONS, _SKY_MAP, _KEY_MAP = 24, 128, 512  # of the surroundings' light; pixels of its and the key light's shadows
_WIDEST = 3.0  # times the size of one person that a shadow map grows to when people are apart


class Actor(NamedTuple):
    """Who moves and how: ``joints`` (T,55,3) are the motion's in the world."""

    person: SyntheticPerson
    motion: Motion
    joints: Array


class Shot(NamedTuple):
    """One frame: uint8 RGB (H,W,3), and for each actor the share (H,W) of every pixel that shows them."""

    image: NDArray[np.uint8]
    masks: list[Array]


def frame_points(actor: Actor, frame: int, every: int = 7) -> Array:
    """Some points (N,3) of the dressed body in the world."""
    one, offset = _posed(actor, frame)
    used = np.unique(one.mesh["faces"][one.mesh["owner"]])[::every]
    return np.asarray(one.mesh["points"][used] + offset, np.float32)


def film(actors: Sequence[Actor], scene: Scene, camera: Camera, seed: int, *, supersample: int = 2) -> Iterator[Shot]:
    """The frames of all actors' motions, which are equally long.

    Args:
        actors: with clothes of their own; their scenes are not used.
        scene: place and light.
        camera: fixed.
        seed: of the sensor's noise.
        supersample: samples per pixel along each axis.
    """
    for shots in _film(actors, [(scene, camera)], scene, seed, supersample, range(len(actors[0].joints))):
        yield shots[0]


def film_round(
    actors: Sequence[Actor], scene: Scene, cameras: Sequence[Camera], seed: int, *, supersample: int = 2,
    frames: Sequence[int] | None = None, every: int | None = None,
) -> Iterator[list[Shot]]:
    """The frames as several cameras see them at once; see :func:`film`. Behind the people every camera has a wall.

    Args:
        actors, scene, seed, supersample: as there.
        cameras: fixed.
        frames: which of the motions' frames are filmed; all when None.
        every: frames from one computation of the surroundings' light to the next, :data:`EVERY` when None.
    """
    views = []
    for camera in cameras:
        yaw = float(np.degrees(np.arctan2(-camera.R[2, 0], -camera.R[2, 2])))
        floor = scene.yaw + scene.wall_yaw if scene.floor_yaw is None else scene.floor_yaw
        views.append((replace(scene, yaw=yaw, wall_yaw=0.0, floor_yaw=floor), camera))
    which = range(len(actors[0].joints)) if frames is None else frames
    yield from _film(actors, views, scene, seed, supersample, which, every)


def _film(actors: Sequence[Actor], views: Sequence[tuple[Scene, Camera]], scene: Scene, seed: int, supersample: int,
          frames: Sequence[int], every: int | None = None) -> Iterator[list[Shot]]:
    open_sky = scene.light.ambient(np.array([[0, 50, 0]], np.float32), np.array([[0, 1, 0]], np.float32),
                                   np.array([[0, 0, 0], [0.1, 0, 0], [0, 0.1, 0]], np.float32),
                                   np.array([[0, 1, 2]]), _DIRECTIONS, 64, 0.12)[0]
    places = []
    for place, camera in views:
        seen, ground = place.floor_hits(camera)
        count = len(ground[0])
        back, _ = place.paint(camera, np.ones(count, np.float32), np.tile(open_sky, (count, 1)), seen, ground)
        places.append((back, seen, ground[0]))
    lights = _Lights(actors, scene, every or EVERY)
    for frame in frames:
        crowd = lights.at(frame)
        shots = []
        for number, ((_, camera), (back, seen, ground_points)) in enumerate(zip(views, places, strict=True)):
            linear = back.copy()
            linear[seen] *= _floor_shade(crowd, scene, open_sky, ground_points)
            color, alpha, masks = _people(crowd, camera, supersample)
            linear = linear * (1 - alpha[..., None]) + color
            rng = np.random.default_rng([seed, frame, number] if number else [seed, frame])
            shots.append(Shot(_develop(linear, rng, 1.0), masks))
        yield shots


@dataclass
class _Crowd:
    """All actors' meshes at one frame, in the world.

    Attributes:
        people: in their poses, over the origin, with the (3,) ways to their places in ``offsets``.
        ambient: (N,3) light of the surroundings at every point of all meshes.
        floors: (73,73,3) of each, light of the surroundings on the floor round them.
    """

    people: list[SyntheticPerson]
    offsets: list[Array]
    scene: Scene
    ambient: Array
    floors: list[Array]

    @cached_property
    def points(self) -> Array:
        """(N,3)."""
        return np.concatenate([one.mesh["points"] + offset
                               for one, offset in zip(self.people, self.offsets, strict=True)]).astype(np.float32)

    @cached_property
    def faces(self) -> NDArray[np.int64]:
        """(F,3) of :attr:`points`."""
        starts = np.cumsum([0, *(len(one.mesh["points"]) for one in self.people)])
        return np.concatenate([one.mesh["faces"] + start
                               for one, start in zip(self.people, starts[:-1], strict=True)])

    @cached_property
    def shadow(self) -> KeyShadow:
        """What all meshes take of the key light."""
        return self.scene.light.key_shadow(self.points, self.faces, round(_KEY_MAP * self.spread))

    @cached_property
    def spread(self) -> float:
        """Size of all people together against the largest of them, at most ``_WIDEST``."""
        alone = max(bounds(one.mesh["points"])[1] for one in self.people)
        return float(np.clip(bounds(self.points)[1] / alone, 1.0, _WIDEST)) if len(self.people) > 1 else 1.0

    def joined(self, key: str) -> NDArray[np.float32]:
        """A value of all meshes, one after the other."""
        return np.concatenate([one.mesh[key] for one in self.people])


class _Lights:
    """Poses the actors with light from the surroundings that was computed at some frames only."""

    def __init__(self, actors: Sequence[Actor], scene: Scene, every: int) -> None:
        self.every = every
        self.actors, self.scene = [actor._replace(person=_in(actor.person, scene)) for actor in actors], scene
        self.known: dict[int, tuple[Array, list[Array]]] = {}

    def at(self, frame: int) -> _Crowd:
        """Everybody at one frame."""
        last = len(self.actors[0].joints) - 1
        low = frame // self.every * self.every
        high = min(low + self.every, last)
        a, b = self._known(low), self._known(high)
        part = np.float32((frame - low) / max(high - low, 1))
        floors = [one * (1 - part) + two * part for one, two in zip(a[1], b[1], strict=True)]
        return self._crowd(frame, a[0] * (1 - part) + b[0] * part, floors)

    def _known(self, frame: int) -> tuple[Array, list[Array]]:
        if frame not in self.known:
            self.known = {key: value for key, value in self.known.items() if key >= frame - self.every}
            crowd = self._crowd(frame, np.zeros((0, 3), np.float32), [])
            grid = _floor_grid()
            up = np.tile(np.array([0, 1, 0], np.float32), (len(grid), 1))
            where = [grid + offset for offset in crowd.offsets]
            both = self.scene.light.ambient(
                np.concatenate([crowd.points, *where]), np.concatenate([crowd.joined("normals"), *[up] * len(where)]),
                crowd.points, crowd.faces, _DIRECTIONS, round(_SKY_MAP * crowd.spread), 0.12)
            ambient, *floors = np.split(both, [len(crowd.points) + k * len(grid) for k in range(len(where))])
            self.known[frame] = ambient, [floor.reshape(73, 73, 3) for floor in floors]
        return self.known[frame]

    def _crowd(self, frame: int, ambient: Array, floors: list[Array]) -> _Crowd:
        posed = [_posed(actor, frame) for actor in self.actors]
        return _Crowd([one for one, _ in posed], [offset for _, offset in posed], self.scene, ambient, floors)


def _posed(actor: Actor, frame: int) -> tuple[SyntheticPerson, Array]:
    """The person in one pose, at its true height over the origin, and the (3,) way from there to its place."""
    person, joints = actor.person, actor.joints[frame]
    one = replace(person, pose=actor.motion.full_pose[frame])
    one.__dict__["surfaces"], one.__dict__["materials"] = person.surfaces, person.materials  # clothes are made once
    one.mesh["points"] += np.array([0, joints[0, 1] - one.joints[0, 1], 0], np.float32)
    return one, np.array([joints[0, 0], 0, joints[0, 2]], np.float32)


def _in(person: SyntheticPerson, scene: Scene) -> SyntheticPerson:
    moved = replace(person, scene=scene)
    moved.__dict__["surfaces"], moved.__dict__["materials"] = person.surfaces, person.materials
    return moved


def _people(crowd: _Crowd, camera: Camera, supersample: int) -> tuple[Array, Array, list[Array]]:
    """Premultiplied linear colour (H,W,3), coverage (H,W) of everything, and of each person."""
    count, s = len(crowd.people), supersample
    buffers = rasterize_mesh(crowd.points, crowd.faces, camera.scaled(s))
    row, column = np.nonzero(buffers.triangle >= 0)
    triangle = buffers.triangle[row, column]
    corner, bary = crowd.faces[triangle], buffers.barycentric[row, column].astype(np.float32)
    values = np.concatenate([crowd.points, crowd.joined("rest"), crowd.joined("normals"), crowd.ambient], axis=1)
    mixed = np.zeros((len(row), values.shape[1]), np.float32)
    for k in range(3):
        mixed += values[corner[:, k]] * bary[:, k, None]
    material, owner = crowd.joined("material"), crowd.joined("owner")
    who = np.repeat(np.arange(count), [len(one.mesh["faces"]) for one in crowd.people])[triangle]
    full = np.zeros((camera.height * s, camera.width * s, 4 + count), np.float32)
    for k, one in enumerate(crowd.people):
        mine = np.flatnonzero(who == k)
        if not len(mine):
            continue
        position, rest, normal, ambient = np.split(mixed[mine], 4, axis=1)
        color = _light(one, camera, position, rest, normal, ambient, material[triangle[mine]], crowd.shadow)
        # tone-map before averaging keeps bright specks from drawing jagged edges
        full[row[mine], column[mine], :3] = np.minimum(color, 1.6)
        full[row[mine], column[mine], 4 + k] = owner[triangle[mine]]
    full[row, column, 3] = 1
    small = full.reshape(camera.height, s, camera.width, s, 4 + count).mean(axis=(1, 3))
    return small[..., :3], small[..., 3], [small[..., 4 + k] for k in range(count)]


def _floor_shade(crowd: _Crowd, scene: Scene, open_sky: Array, points: Array) -> Array:
    """What is left (N,3) of the light on floor points (N,3) of the world."""
    out = np.ones((len(points), 3), np.float32)
    away = np.stack([np.abs(points - offset)[:, [0, 2]].max(axis=1) for offset in crowd.offsets])
    near = np.flatnonzero(away.min(axis=0) < _SHADOW)
    if len(near):
        some = points[near].astype(np.float32)
        sun = scene.light.key * max(float(scene.light.key_direction[1]), 0.15)
        ambient = np.tile(open_sky, (len(near), 1)).astype(np.float32)
        for offset, floor, far in zip(crowd.offsets, crowd.floors, away[:, near], strict=True):
            fade = np.clip((far / _GRID - 0.8) / 0.2, 0, 1)[:, None]
            mine = _floor_ambient({"floor": floor}, some - offset) * (1 - fade) + open_sky * fade
            ambient = np.minimum(ambient, mine) if len(crowd.people) > 1 else mine
        out[near] = np.minimum((ambient + crowd.shadow.lit(some)[:, None] * sun) / (open_sky + sun), 1)
    return out
