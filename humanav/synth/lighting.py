"""Light that makes rendered people look photographed: a shadowed key light and a sky of many small occluded lights.

Directions point from the surface to the light, world frame (y up). Radiance is linear RGB.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from humanav.camera import Camera
from humanav.render import rasterize_mesh

Array = NDArray[np.float32]


Bounds = tuple[Array, float]


def bounds(vertices: Array) -> Bounds:
    """Centre and radius of a ball round the mesh."""
    low, high = vertices.min(axis=0), vertices.max(axis=0)
    return (low + high) / 2, float(np.linalg.norm(high - low) / 2) * 1.05


@dataclass(frozen=True)
class ShadowMap:
    """Depth of the scene as a far light sees it."""

    camera: Camera
    depth: Array

    @classmethod
    def make(cls, vertices: Array, faces: NDArray[np.int64], direction: Array, size: int, bounds: Bounds) -> ShadowMap:
        """Look at the mesh from ``direction``, far enough for nearly parallel rays."""
        centre, radius = bounds
        far = 12 * radius
        up = (0.0, 1.0, 0.0) if abs(direction[1]) < 0.95 else (0.0, 0.0, 1.0)
        camera = Camera.look_at(centre + np.asarray(direction) * far, centre, size, size, size / 2 * far / radius, up)
        return cls(camera, rasterize_mesh(vertices, faces, camera).depth)

    def lit(self, points: Array, bias: float, offsets: Array | None = None) -> Array:
        """Share (N,) of the light that reaches points: mean over texel ``offsets`` (K,2) of the depth test."""
        cam = points @ self.camera.R.T.astype(np.float32) + self.camera.t.astype(np.float32)
        z, size = cam[:, 2], self.camera.width
        xy = cam[:, :2] / z[:, None] * np.float32(self.camera.focal) + np.float32(size / 2)
        total = np.zeros(len(points), np.float32)
        taps = np.zeros((1, 2)) if offsets is None else offsets
        for tap in taps:
            column = np.clip((xy[:, 0] + tap[0]).astype(np.int32), 0, size - 1)
            row = np.clip((xy[:, 1] + tap[1]).astype(np.int32), 0, size - 1)
            total += z - bias < self.depth[row, column]
        return total / len(taps)


@dataclass(frozen=True)
class KeyShadow:
    """A shadow map with its bias and the (K,2) texels over which it is averaged."""

    map: ShadowMap
    bias: float
    disc: Array

    def lit(self, points: Array) -> Array:
        """Share (N,) of the light that reaches points."""
        return self.map.lit(points, self.bias, self.disc)


def sphere_directions(count: int) -> Array:
    """Evenly spread unit directions (count,3), a Fibonacci spiral."""
    k = np.arange(count) + 0.5
    y = 1 - 2 * k / count
    angle = np.pi * (1 + 5**0.5) * k
    r = np.sqrt(1 - y * y)
    return np.stack([r * np.cos(angle), y, r * np.sin(angle)], axis=1).astype(np.float32)


@dataclass(frozen=True)
class Light:
    """The light of one scene.

    Attributes:
        key_direction: (3,) unit, to the key light.
        key: (3,) its irradiance.
        softness: angular size of the key light, radians (0.02 sun, 0.2 window).
        zenith, horizon, nadir: (3,) radiance of the surroundings straight up, sideways and from the floor.
        rim: (3,) a second light from behind and the side, without shadow.
        rim_direction: (3,).
    """

    key_direction: Array
    key: Array
    softness: float
    zenith: Array
    horizon: Array
    nadir: Array
    rim: Array
    rim_direction: Array

    def radiance(self, directions: Array) -> Array:
        """Radiance (N,3) of the surroundings in some directions."""
        y = directions[:, 1:2]
        up = np.clip(y, 0, 1) ** 0.7
        down = np.clip(-y, 0, 1) ** 0.5
        side = 1 - np.maximum(up, down)
        toward = np.clip(directions @ self.key_direction, 0, 1)[:, None] ** 2
        light = up * self.zenith + down * self.nadir + side * self.horizon * (0.7 + 0.6 * toward)
        return np.asarray(light, np.float32)

    def ambient(
        self,
        points: Array,
        normals: Array,
        vertices: Array,
        faces: NDArray[np.int64],
        count: int,
        size: int,
        wrap: float = 0.0,
    ) -> Array:
        """Irradiance (N,3) / pi from the surroundings at points, shadowed by the mesh."""
        directions = sphere_directions(count)
        radiance = self.radiance(directions)
        total = np.zeros((len(points), 3), np.float32)
        start, ball = points + 0.012 * normals, bounds(vertices)
        for direction, colour in zip(directions, radiance):
            facing = np.clip((normals @ direction + wrap) / (1 + wrap), 0, 1)
            seen = ShadowMap.make(vertices, faces, direction, size, ball).lit(start, 0.012)
            total += (facing * seen)[:, None] * colour
        return total * (4 / count)

    def key_light(self, points: Array, vertices: Array, faces: NDArray[np.int64], size: int) -> Array:
        """Share (N,) of the key light at points, see :meth:`key_shadow`."""
        return self.key_shadow(vertices, faces, size).lit(points)

    def key_shadow(self, vertices: Array, faces: NDArray[np.int64], size: int) -> KeyShadow:
        """What a mesh takes of the key light; the penumbra follows ``softness`` for an occluder about 0.3 m away."""
        ball = bounds(vertices)
        shadow = ShadowMap.make(vertices, faces, self.key_direction, size, ball)
        metres = 2 * ball[1] / size
        spread = max(1.0, 0.3 * self.softness / metres)
        k = np.arange(16) + 0.5
        disc = np.sqrt(k / 16)[:, None] * np.stack([np.cos(2.4 * k), np.sin(2.4 * k)], axis=1) * spread
        return KeyShadow(shadow, 0.008 + metres * spread * 0.6, disc)


def to_linear(color: object) -> Array:
    """sRGB 0..1 to linear light."""
    c = np.asarray(color, np.float32)
    return np.asarray(np.where(c <= 0.04045, c / 12.92, ((c + 0.055) / 1.055) ** 2.4), np.float32)


def to_srgb(light: Array) -> Array:
    """Linear light to sRGB 0..1, with a shoulder that rolls highlights off."""
    x = np.maximum(light, 0)
    x = np.where(x > 0.7, 0.7 + 0.3 * (1 - np.exp(-(x - 0.7) / 0.3)), x)
    return np.where(x <= 0.0031308, 12.92 * x, 1.055 * np.power(np.maximum(x, 1e-8), 1 / 2.4) - 0.055).astype(
        np.float32
    )
