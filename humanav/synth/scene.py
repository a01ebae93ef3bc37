"""Where a synthetic person stands: light, floor, backdrop, and the camera that takes the picture."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from humanav.camera import Camera
from humanav.synth.backdrop import FLOORS, PLACES, Place, floor_color, hsv, paint_wall
from humanav.synth.lighting import Light, to_linear
from humanav.synth.noise import smoothstep

Array = NDArray[np.float32]


@dataclass(frozen=True)
class Scene:
    """Surroundings of a person who stands at the origin on the floor y = 0, facing +z.

    Attributes:
        place: kind of place.
        floor: kind of floor, with its sRGB colour ``floor_tone``; ``wall_tone`` tints a studio's backdrop.
        light: see :class:`~humanav.synth.lighting.Light`.
        yaw: degrees from which the camera looks (0 the front, 90 the person's left).
        pitch: degrees downwards.
        focal: in units of the image's longer side.
        fill: height of the person in the picture, as a share of its height.
        shift: (2,) where the person's middle lies, relative to the picture's centre and in shares of its size.
        wall_yaw: degrees by which the wall is turned against the camera.
        seed: of everything painted.
        floor_yaw: degrees by which the floor's pattern is turned; with the wall when None.
    """

    place: Place
    floor: str
    floor_tone: tuple[float, float, float]
    wall_tone: tuple[float, float, float]
    light: Light
    yaw: float
    pitch: float = 4.0
    focal: float = 1.6
    fill: float = 0.82
    shift: tuple[float, float] = (0.0, 0.0)
    wall_yaw: float = 0.0
    seed: int = 0
    floor_yaw: float | None = None

    def camera(self, vertices: Array, width: int, height: int) -> Camera:
        """The camera that frames posed vertices (N,3)."""
        low, high = vertices.min(axis=0), vertices.max(axis=0)
        target = np.array([(low[0] + high[0]) / 2, (low[1] + high[1]) / 2, (low[2] + high[2]) / 2])
        focal = self.focal * max(width, height)
        distance = 3.0
        for _ in range(6):
            camera = Camera.orbit(target, distance, self.yaw, self.pitch, width, height, focal)
            xy, _ = camera.project(vertices)
            size = np.ptp(xy, axis=0) / [width, height]
            distance *= float(max(size[1] / self.fill, size[0] / 0.92))
        xy, _ = camera.project(vertices)
        move = np.array([width, height]) * (0.5 + np.array(self.shift)) - (xy.min(axis=0) + xy.max(axis=0)) / 2
        # moving the aim rather than the principal point keeps it at the picture's centre, as in uncropped photographs
        aim = target - camera.R[0] * move[0] / focal * distance - camera.R[1] * move[1] / focal * distance
        return Camera.orbit(aim, distance, self.yaw, self.pitch, width, height, focal)

    def axes(self) -> tuple[Array, Array]:
        """Horizontal unit vectors (3,) along the wall and away from the camera."""
        return _axes(self.yaw + self.wall_yaw)

    def paint(
        self,
        camera: Camera,
        floor_light: Array,
        floor_ambient: Array,
        floor_points: NDArray[np.bool_],
        ground: tuple[Array, Array],
    ) -> tuple[Array, Array]:
        """Background (H,W,3) linear and depth (H,W).

        Args:
            floor_light: (K,) share of the key light at the floor points found by :meth:`floor_hits`.
            floor_ambient: (K,3) surroundings' light there.
            floor_points: (H,W) True where the floor is seen.
            ground: result of :meth:`floor_hits`.
        """
        import cv2

        wall, ppm, distance = _wall(self.place, self.seed, float(np.clip(camera.height / 640, 1, 2.2)))
        rays, along, away = self._rays(camera), *self.axes()
        eye = camera.center
        forward = rays @ away
        reach = (distance - eye @ away) / np.where(forward > 1e-3, forward, 1e-3)
        hit = eye + rays * reach[..., None]
        tint = to_linear(self.wall_tone)
        if self.place == "studio":
            spot = np.exp(-(((hit @ along) / 1.6) ** 2) - ((hit[..., 1] - 1.3) / 1.7) ** 2)
            image = tint * (0.55 + 0.6 * spot[..., None])
        else:
            u = (hit @ along * ppm + wall.shape[1] / 2).astype(np.float32)
            v = (wall.shape[0] - hit[..., 1] * ppm).astype(np.float32)
            color = cv2.remap(wall, u, v, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REFLECT_101)
            image = to_linear(np.clip(color, 0, 1))
            if self.place in ("room", "brick"):
                facing = max(0.0, float(-self.light.key_direction @ away)) * 0.55
                level = self.light.horizon * 0.85 + facing * self.light.key
                corner = 0.72 + 0.28 * smoothstep(0.0, 0.5, hit[..., 1])[..., None]
                slope = 1 + 0.10 * np.tanh((hit @ along) * float(np.sign(self.light.key_direction @ along)))[..., None]
                image = image * level * corner * slope
        depth = np.where(forward > 1e-3, reach * (rays @ camera.R[2]), np.inf)
        if floor_points.any():
            points, footprint = ground
            z = points @ away
            right, ahead = (along, away) if self.floor_yaw is None else _axes(self.floor_yaw)
            color = to_linear(
                floor_color(
                    self.floor,
                    np.asarray(self.floor_tone, np.float32),
                    (points @ right).astype(np.float32),
                    (points @ ahead).astype(np.float32),
                    footprint.astype(np.float32),
                    self.seed,
                )
            )
            sun = self.light.key * max(float(self.light.key_direction[1]), 0.15)
            lit = color * (floor_ambient + floor_light[:, None] * sun)
            if self.place == "studio":  # the backdrop paper curves up: floor and wall melt into each other
                melt = smoothstep(-0.4, distance, z)[:, None]
                melt = smoothstep(0.0, 1.0, melt[:, 0])[:, None]
                lit = lit * (1 - melt) + image[floor_points] * melt
            elif self.place not in ("room", "brick"):
                haze = smoothstep(4, distance, z)[:, None] * 0.35
                lit = lit * (1 - haze) + haze * to_linear((0.72, 0.74, 0.74))
            else:
                lit = lit * (0.8 + 0.2 * smoothstep(distance, distance - 0.6, z))[:, None]
            image[floor_points] = lit
            depth[floor_points] = (points - eye) @ camera.R[2]
        return image.astype(np.float32), depth.astype(np.float32)

    def _rays(self, camera: Camera) -> Array:
        v, u = np.mgrid[: camera.height, : camera.width] + 0.5
        xy1 = np.stack(
            [(u - camera.K[0, 2]) / camera.K[0, 0], (v - camera.K[1, 2]) / camera.K[1, 1], np.ones_like(u)], axis=-1
        )
        return xy1 @ camera.R

    def floor_hits(self, camera: Camera) -> tuple[NDArray[np.bool_], tuple[Array, Array]]:
        """Where the floor is seen (H,W), the points (K,3) there, and the size (K,) of a pixel on it in metres."""
        rays, (_, away) = self._rays(camera), self.axes()
        distance = {"studio": 2.6, "room": 3.0, "brick": 3.0}.get(self.place, 17.0)
        if self.place != "studio":
            distance = paint_distance(self.place, self.seed)
        down = -rays[..., 1]
        eye = camera.center
        reach = eye[1] / np.where(down > 1e-4, down, 1e-4)
        hit = eye + rays * reach[..., None]
        seen = (down > 1e-4) & (hit @ away < distance)
        footprint = (
            reach[seen] / camera.focal / np.clip(down[seen] / np.linalg.norm(rays[seen], axis=-1), 0.05, 1) ** 0.5
        )
        return seen, (hit[seen], footprint)


@lru_cache(maxsize=1)
def _wall(place: Place, seed: int, detail: float) -> tuple[Array, float, float]:
    """The wall of :func:`~humanav.synth.backdrop.paint_wall`, kept for the next camera of the same place."""
    return paint_wall(place, np.random.default_rng(seed), detail)


def _axes(yaw: float) -> tuple[Array, Array]:
    a = np.radians(yaw)
    away = -np.array([np.sin(a), 0, np.cos(a)])
    return np.array([-away[2], 0, away[0]]), away


def paint_distance(place: Place, seed: int) -> float:
    """Distance of the wall that :func:`~humanav.synth.backdrop.paint_wall` draws first from this seed."""
    rng = np.random.default_rng(seed)
    return float(rng.uniform(1.3, 3.0)) if place in ("room", "brick") else float(rng.uniform(11, 17))


def sample_scene(rng: np.random.Generator, yaw: float, place: Place | None = None, fill: float | None = None) -> Scene:
    """A pleasant place with soft light from above and the camera's side."""
    where: Place = place or rng.choice(np.array(PLACES, dtype=object), p=[0.2, 0.32, 0.1, 0.17, 0.13, 0.08])
    outside = where in ("park", "street", "beach")
    side = rng.choice([-1, 1]) * rng.uniform(20, 65)
    high = rng.uniform(28, 58)
    a, e = np.radians(yaw + side), np.radians(high)
    key_direction = np.array([np.sin(a) * np.cos(e), np.sin(e), np.cos(a) * np.cos(e)])
    warm = rng.uniform(-1, 1)
    warmth = np.array([1 + 0.07 * warm, 1.0, 1 - 0.09 * warm])
    strength = rng.uniform(0.55, 0.95)
    sky = rng.uniform(0.42, 0.6)
    cool = np.array([0.94, 0.99, 1.08]) if outside else np.array([1.0, 1.0, 0.99])
    zenith = sky * (1.5 if outside else 1.15) * cool
    horizon = sky * 0.95 * (cool * 0.5 + 0.5)
    floor = str(rng.choice(FLOORS[where]))
    tone = {
        "planks": hsv(rng.uniform(0.05, 0.1), rng.uniform(0.2, 0.5), rng.uniform(0.45, 0.8)),
        "carpet": hsv(rng.random(), rng.uniform(0.02, 0.3), rng.uniform(0.35, 0.8)),
        "tiles": hsv(rng.uniform(0.05, 0.15), rng.uniform(0.02, 0.15), rng.uniform(0.6, 0.85)),
        "concrete": hsv(0.1, 0.04, rng.uniform(0.5, 0.75)),
        "grass": hsv(rng.uniform(0.2, 0.26), 0.36, rng.uniform(0.4, 0.5)),
        "paving": hsv(0.09, rng.uniform(0.03, 0.14), rng.uniform(0.55, 0.75)),
        "gravel": hsv(0.09, 0.12, rng.uniform(0.5, 0.7)),
        "asphalt": hsv(0.6, 0.03, rng.uniform(0.32, 0.45)),
        "sand": hsv(0.11, 0.25, rng.uniform(0.72, 0.85)),
    }
    backdrop = hsv(rng.choice([0.08, 0.1, 0.55, 0.6, 0.0, 0.4, 0.95]), rng.uniform(0.0, 0.28), rng.uniform(0.45, 0.95))
    ground = tone.get(floor, backdrop)
    nadir = 0.45 * to_linear(ground) * (zenith + 0.5 * strength)
    # exposure: a white card held towards the camera comes out a little under white
    facing = np.array([np.sin(np.radians(yaw)), 0, np.cos(np.radians(yaw))])
    card = strength * max(float(facing @ key_direction), 0) + float(
        (0.25 * zenith + 0.5 * horizon + 0.25 * nadir).mean()
    )
    gain = rng.uniform(0.74, 0.96) / card
    strength, zenith, horizon, nadir = strength * gain, zenith * gain, horizon * gain, nadir * gain
    back = np.radians(yaw + 180 - np.sign(side) * rng.uniform(25, 50))
    light = Light(
        key_direction.astype(np.float32),
        (strength * warmth).astype(np.float32),
        float(rng.uniform(0.05, 0.25)),
        zenith.astype(np.float32),
        horizon.astype(np.float32),
        nadir.astype(np.float32),
        (rng.uniform(0.05, 0.3) * np.array([1.0, 0.99, 0.97])).astype(np.float32),
        np.array([np.sin(back) * 0.85, 0.5, np.cos(back) * 0.85], np.float32),
    )
    size = fill if fill is not None else float(rng.uniform(0.74, 0.92))
    shift = (float(rng.uniform(-0.08, 0.08)), float(rng.uniform(0, 0.02)))
    return Scene(
        where,
        floor,
        (float(ground[0]), float(ground[1]), float(ground[2])),
        (float(backdrop[0]), float(backdrop[1]), float(backdrop[2])),
        light,
        yaw,
        float(rng.uniform(-1, 10)),
        float(rng.uniform(1.1, 2.4)),
        size,
        shift,
        float(rng.uniform(-12, 12)),
        int(rng.integers(1 << 16)),
    )
