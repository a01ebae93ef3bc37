"""Pixels to rays: lens distortion undone once, and how far two rays or a point and a ray pass each other.

The distance of two rays is |(Ca - Cb) . (ra x rb)| / |ra x rb| for camera centres C and unit directions r.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from humanav.camera import Camera
from humanav.multiview.value import Rig

Array = NDArray[np.float64]

NEAREST = 0.05
"""Metres before a camera from which on something is in front of it."""
PARALLEL = 0.03
"""Sine of the angle between rays below which they are taken as parallel."""
_ROUNDS = 12  # of the fixed point that undoes the distortion
_WIDEST = 10.0  # tangent of the angle from the axis beyond which a pixel is no use


@dataclass(frozen=True)
class Lenses:
    """A rig's cameras as arrays: R (V,3,3), t (V,3), centres (V,3) in the world, focal (V,) pixels."""

    R: Array
    t: Array
    centres: Array
    focal: Array

    @classmethod
    def of(cls, rig: Rig) -> Lenses:
        """Those of a rig."""
        cameras = rig.cameras
        return cls(np.stack([c.R for c in cameras]), np.stack([c.t for c in cameras]),
                   np.stack([c.center for c in cameras]), np.array([c.focal for c in cameras]))

    def to_cameras(self, points: Array) -> Array:
        """World points (...,3) to (...,V,3) in the axes of every camera."""
        return np.asarray(np.einsum("vij,...j->...vi", self.R, points) + self.t)


def normalised(rig: Rig, keypoints: Array) -> Array:
    """Keypoints (T,V,...,>=2) in pixels to (T,V,...,2) x/z and y/z in the camera, without lens distortion."""
    return np.stack([undistorted(camera, keypoints[:, view, ..., :2]) for view, camera in enumerate(rig.cameras)],
                    axis=1)


def undistorted(camera: Camera, pixels: Array) -> Array:
    """Pixels (...,2) to (...,2) x/z and y/z. The distortion has no inverse in closed form: a fixed point finds it."""
    K = camera.K
    y = (pixels[..., 1] - K[1, 2]) / K[1, 1]
    x = (pixels[..., 0] - K[0, 2] - K[0, 1] * y) / K[0, 0]
    seen = np.clip(np.stack([x, y], axis=-1), -_WIDEST, _WIDEST)
    if camera.distortion is None or not camera.distortion.any():
        return seen
    k1, k2, p1, p2, k3 = np.pad(camera.distortion, (0, 5 - len(camera.distortion)))
    out = seen.copy()
    for _ in range(_ROUNDS):
        x, y = out[..., 0], out[..., 1]
        r2 = x * x + y * y
        radial = np.clip(1 + r2 * (k1 + r2 * (k2 + r2 * k3)), 0.2, 5.0)
        moved = np.stack([2 * p1 * x * y + p2 * (r2 + 2 * x * x), p1 * (r2 + 2 * y * y) + 2 * p2 * x * y], axis=-1)
        out = np.clip((seen - moved) / radial[..., None], -_WIDEST, _WIDEST)
    return out


def undistorted_keypoints(camera: Camera, keypoints: Array) -> Array:
    """Keypoints (...,3) of one camera in pixels to (...,3) x/z, y/z without lens distortion, and their confidence."""
    return np.concatenate([undistorted(camera, keypoints[..., :2]), keypoints[..., 2:]], axis=-1)


def directions(lenses: Lenses, plane: Array) -> Array:
    """Unit directions (T,V,...,3) in the world of points (T,V,...,2) as :func:`normalised` gives them."""
    rays = np.concatenate([plane, np.ones((*plane.shape[:-1], 1))], axis=-1)
    rays /= np.linalg.norm(rays, axis=-1, keepdims=True)
    return np.stack([rays[:, v] @ lenses.R[v] for v in range(len(lenses.R))], axis=1)


def between_rays(centre_a: Array, rays_a: Array, centre_b: Array, rays_b: Array) -> Array:
    """Distances (...,A,B,K) in metres between the rays (...,A,K,3) of one camera and (...,B,K,3) of another.

    Where two rays meet behind a camera the distance is infinite; of parallel ones it is that of the lines.
    """
    base = centre_b - centre_a
    # one small matrix product for each keypoint: (...,K,A,3) @ (...,K,3,B)
    first = np.moveaxis(rays_a, -2, -3)
    second = np.moveaxis(np.moveaxis(rays_b, -2, -3), -1, -2)
    cosine = first @ second
    volume = np.cross(base, first) @ second
    along_a, along_b = (first @ base)[..., None], (base @ second)[..., None, :]
    sine2 = np.maximum(1 - cosine**2, PARALLEL**2)
    apart = np.abs(volume) / np.sqrt(sine2)
    reach_a, reach_b = (along_a - cosine * along_b) / sine2, (cosine * along_a - along_b) / sine2
    parallel = 1 - cosine**2 <= PARALLEL**2
    lines = np.sqrt(np.maximum(base @ base - along_a**2, 0))
    apart = np.where(parallel, np.broadcast_to(lines, apart.shape), apart)
    behind = ~parallel & ((reach_a < NEAREST) | (reach_b < NEAREST))
    return np.moveaxis(np.where(behind, np.inf, apart), -3, -1)


def to_rays(points: Array, centre: Array, rays: Array) -> Array:
    """Distances (D,P,K) in metres from points (P,K,3) to the rays (D,K,3) of one camera; infinite behind it."""
    arm = points - centre
    along = np.einsum("pkc,dkc->dpk", arm, rays)
    apart = np.sqrt(np.maximum((arm**2).sum(axis=-1)[None] - along**2, 0))
    return np.where(along < NEAREST, np.inf, apart)
