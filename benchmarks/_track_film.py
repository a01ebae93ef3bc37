"""Films of dressed synthetic people who move about in one place before a fixed camera, frame by frame.

A person of :mod:`humanav.synth` stands over the origin; here the camera is moved the other way, so that each body's
joints lie in the picture exactly where its motion says. Light from the surroundings is found at every fifth frame and
the place is painted once, so that a film costs a fraction of as many photographs.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from importlib import import_module
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from humanav.camera import Camera
from humanav.motion import Motion
from humanav.synth.person import SyntheticPerson
from humanav.synth.scene import Scene

Array = NDArray[np.float32]

EVERY = 5
"""Frames from one computation of the surroundings' light to the next; between them it is interpolated."""
_GRID = 1.8  # metres to the edge of the floor's grid of light
_SHADOW = 4.0  # metres within which shadows of the key light are looked for

# the module has the name of the function that the package exports
_photograph: Any = import_module("humanav.synth.photograph")


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

    Nearer people (by their pelvis) cover those behind.

    Args:
        actors: with clothes of their own; their scenes are not used.
        scene: place and light.
        camera: fixed.
        seed: of the sensor's noise.
        supersample: samples per pixel along each axis.
    """
    seen, ground = scene.floor_hits(camera)
    open_sky = scene.light.ambient(np.array([[0, 50, 0]], np.float32), np.array([[0, 1, 0]], np.float32),
                                   np.array([[0, 0, 0], [0.1, 0, 0], [0, 0.1, 0]], np.float32),
                                   np.array([[0, 1, 2]]), 24, 64, 0.12)[0]
    count = len(ground[0])
    back, _ = scene.paint(camera, np.ones(count, np.float32), np.tile(open_sky, (count, 1)), seen, ground)
    lights = [_Lights(actor, scene) for actor in actors]
    for frame in range(len(actors[0].joints)):
        order = np.argsort([-(camera.R[2] @ actor.joints[frame, 0] + camera.t[2]) for actor in actors])
        linear, shade = back.copy(), np.ones((count, 3), np.float32)
        layers, masks = [], [np.zeros(seen.shape, np.float32) for _ in actors]
        for index in order:
            one, offset = lights[index].posed(frame)
            moved = replace(camera, t=camera.t + camera.R @ offset)
            layers.append((index, _photograph._foreground(one, moved, supersample)))
            shade *= _shade(one, scene, open_sky, ground[0] - offset)
        linear[seen] *= shade
        for index, (color, alpha, owner, _) in layers:
            linear = linear * (1 - alpha[..., None]) + color
            masks = [mask * (1 - alpha) for mask in masks]
            masks[index] = owner
        yield Shot(_photograph._develop(linear, np.random.default_rng([seed, frame]), 1.0), masks)


def _posed(actor: Actor, frame: int) -> tuple[SyntheticPerson, Array]:
    """The person in one pose, at its true height over the origin, and the (3,) way from there to its place."""
    person, joints = actor.person, actor.joints[frame]
    one = replace(person, pose=actor.motion.full_pose[frame])
    one.__dict__["surfaces"], one.__dict__["materials"] = person.surfaces, person.materials  # clothes are made once
    one.mesh["points"] += np.array([0, joints[0, 1] - one.joints[0, 1], 0], np.float32)
    return one, np.array([joints[0, 0], 0, joints[0, 2]], np.float32)


class _Lights:
    """Poses an actor with light from the surroundings that was computed at some frames only."""

    def __init__(self, actor: Actor, scene: Scene) -> None:
        self.actor = actor._replace(person=_in(actor.person, scene))
        self.known: dict[int, dict[str, Any]] = {}

    def posed(self, frame: int) -> tuple[SyntheticPerson, Array]:
        one, offset = _posed(self.actor, frame)
        last = len(self.actor.joints) - 1
        low = frame // EVERY * EVERY
        high = min(low + EVERY, last)
        a, b = self._at(low), self._at(high)
        part = np.float32((frame - low) / max(high - low, 1))
        light = {key: a[key] * (1 - part) + b[key] * part for key in ("ambient", "floor")}
        one.__dict__["_light"] = {"fine": True, "shadow": 512, **light}
        return one, offset

    def _at(self, frame: int) -> dict[str, Any]:
        if frame not in self.known:
            self.known = {key: value for key, value in self.known.items() if key >= frame - EVERY}
            self.known[frame] = _photograph._lighting(_posed(self.actor, frame)[0], 0)
        return self.known[frame]


def _in(person: SyntheticPerson, scene: Scene) -> SyntheticPerson:
    moved = replace(person, scene=scene)
    moved.__dict__["surfaces"], moved.__dict__["materials"] = person.surfaces, person.materials
    return moved


def _shade(one: SyntheticPerson, scene: Scene, open_sky: Array, points: Array) -> Array:
    """What is left (N,3) of the light on floor points (N,3), given with the person over the origin."""
    out = np.ones((len(points), 3), np.float32)
    away = np.abs(points[:, [0, 2]]).max(axis=1)
    near = np.flatnonzero(away < _SHADOW)
    if len(near):
        some = points[near].astype(np.float32)
        light = one.__dict__["_light"]
        sun = scene.light.key * max(float(scene.light.key_direction[1]), 0.15)
        key = scene.light.key_light(some, one.mesh["points"], one.mesh["faces"], light["shadow"])
        fade = np.clip((away[near] / _GRID - 0.8) / 0.2, 0, 1)[:, None]
        ambient = _photograph._floor_ambient(light, some) * (1 - fade) + open_sky * fade
        out[near] = np.minimum((ambient + key[:, None] * sun) / (open_sky + sun), 1)
    return out
