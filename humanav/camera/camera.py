"""The pinhole :class:`Camera`.

Convention: OpenCV axes (x right, y down, z forward), ``x_cam = R @ x_world + t``, pixels with the centre of the
top-left pixel at (0.5, 0.5), so a ``width`` x ``height`` image spans [0, width] x [0, height]. The world is y up, in
metres.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from humanav.errors import CameraError

Array = NDArray[np.float64]


@dataclass(frozen=True)
class Camera:
    """A calibrated pinhole camera.

    Attributes:
        K: intrinsics (3,3), pixels.
        R: world-to-camera rotation (3,3).
        t: world-to-camera translation (3,), metres.
        width, height: image size in pixels.
        distortion: OpenCV coefficients (k1,k2,p1,p2[,k3]), or None for none.

    Raises:
        CameraError: when an array has the wrong shape, is not finite, R is no rotation or the size is not positive.
    """

    K: Array
    R: Array
    t: Array
    width: int
    height: int
    distortion: Array | None = None

    def __post_init__(self) -> None:
        for name, shape in (("K", (3, 3)), ("R", (3, 3)), ("t", (3,))):
            value = np.asarray(getattr(self, name), dtype=np.float64)
            if value.shape != shape or not np.isfinite(value).all():
                raise CameraError(f"The camera's {name} must be finite numbers of shape {shape}; got {value.shape}.")
            object.__setattr__(self, name, value)
        if abs(np.linalg.det(self.R) - 1) > 1e-3 or np.abs(self.R @ self.R.T - np.eye(3)).max() > 1e-3:
            raise CameraError("The camera's R is not a rotation matrix: give a right-handed orthonormal 3x3 matrix.")
        if self.K[0, 0] <= 0 or self.K[1, 1] <= 0 or self.width <= 0 or self.height <= 0:
            raise CameraError("The camera needs a positive focal length and image size.")
        if self.distortion is not None:
            distortion = np.asarray(self.distortion, dtype=np.float64).reshape(-1)
            if not np.isfinite(distortion).all() or distortion[5:].any():
                raise CameraError("The camera's distortion must be at most five finite numbers: k1, k2, p1, p2, k3.")
            object.__setattr__(self, "distortion", distortion[:5])

    @classmethod
    def from_focal(
        cls, width: int, height: int, focal: float | None = None, R: ArrayLike | None = None, t: ArrayLike | None = None
    ) -> Camera:
        """A camera with its principal point in the image centre; ``focal`` in pixels, by default 1.2 x the longer side.

        Without ``R`` the camera stands at the world's origin and looks along -z (y up world, so R = diag(1,-1,-1)).
        """
        f = 1.2 * max(width, height) if focal is None else float(focal)
        K = np.array([[f, 0, width / 2], [0, f, height / 2], [0, 0, 1]])
        return cls(K, np.diag([1.0, -1.0, -1.0]) if R is None else np.asarray(R, dtype=np.float64),
                   np.zeros(3) if t is None else np.asarray(t, dtype=np.float64), int(width), int(height))

    @classmethod
    def look_at(
        cls, eye: ArrayLike, target: ArrayLike, width: int, height: int, focal: float | None = None,
        up: ArrayLike = (0.0, 1.0, 0.0),
    ) -> Camera:
        """A camera at ``eye`` that looks at ``target`` with ``up`` upwards in the picture."""
        eye_, target_ = np.asarray(eye, dtype=np.float64), np.asarray(target, dtype=np.float64)
        forward = target_ - eye_
        right = np.cross(forward, np.asarray(up, dtype=np.float64))
        if np.linalg.norm(forward) < 1e-9 or np.linalg.norm(right) < 1e-9:
            raise CameraError("The camera must look at a point away from itself and not straight along 'up'.")
        forward, right = forward / np.linalg.norm(forward), right / np.linalg.norm(right)
        R = np.stack([right, np.cross(forward, right), forward])
        return cls.from_focal(width, height, focal, R, -R @ eye_)

    @classmethod
    def orbit(
        cls, target: ArrayLike, distance: float, yaw: float, pitch: float, width: int, height: int,
        focal: float | None = None,
    ) -> Camera:
        """A camera round ``target``: yaw 0 sees the front (+z side), yaw +90 degrees the person's left (+x) side.

        Angles in degrees; a positive pitch looks down from above.
        """
        y, p = np.radians(yaw), np.radians(pitch)
        offset = np.array([np.sin(y) * np.cos(p), np.sin(p), np.cos(y) * np.cos(p)]) * distance
        return cls.look_at(np.asarray(target, dtype=np.float64) + offset, target, width, height, focal)

    @property
    def center(self) -> Array:
        """The camera's position in the world (3,)."""
        return -self.R.T @ self.t

    @property
    def viewmat(self) -> Array:
        """World-to-camera matrix (4,4), as gsplat names it."""
        matrix = np.eye(4)
        matrix[:3, :3], matrix[:3, 3] = self.R, self.t
        return matrix

    @property
    def focal(self) -> float:
        """Mean focal length in pixels."""
        return float(self.K[0, 0] + self.K[1, 1]) / 2

    def to_camera(self, points: ArrayLike) -> Array:
        """World points (...,3) to camera coordinates (...,3)."""
        return np.asarray(points, dtype=np.float64) @ self.R.T + self.t

    def project(self, points: ArrayLike) -> tuple[Array, Array]:
        """World points (...,3) to pixels (...,2) and depths (...,) in metres.

        Depths at or behind the camera are clamped to 1 mm for the division; look at the depth to tell them.
        """
        cam = self.to_camera(points)
        depth = cam[..., 2]
        xy = cam[..., :2] / np.maximum(depth, 1e-3)[..., None]
        if self.distortion is not None and self.distortion.size:
            xy = _distort(xy, self.distortion)
        return xy @ self.K[:2, :2].T + self.K[:2, 2], depth

    def ray(self, pixels: ArrayLike) -> Array:
        """Undistorted pixels (...,2) to unit ray directions (...,3) in the camera frame."""
        px = np.asarray(pixels, dtype=np.float64)
        xy1 = np.concatenate([px, np.ones((*px.shape[:-1], 1))], axis=-1) @ np.linalg.inv(self.K).T
        return xy1 / np.linalg.norm(xy1, axis=-1, keepdims=True)

    def scaled(self, factor: float) -> Camera:
        """The same camera for the image resized by ``factor``."""
        K = self.K.copy()
        K[:2] *= factor
        return replace(self, K=K, width=max(1, round(self.width * factor)), height=max(1, round(self.height * factor)))

    def cropped(self, x: float, y: float, width: int, height: int) -> Camera:
        """The same camera for the crop whose top-left corner is (x, y)."""
        K = self.K.copy()
        K[0, 2], K[1, 2] = K[0, 2] - x, K[1, 2] - y
        return replace(self, K=K, width=int(width), height=int(height))

    def to_dict(self) -> dict[str, Any]:
        """Plain lists, as saved in JSON."""
        return {"K": self.K.tolist(), "R": self.R.tolist(), "t": self.t.tolist(), "width": self.width,
                "height": self.height, "distortion": None if self.distortion is None else self.distortion.tolist()}

    @classmethod
    def from_dict(cls, data: dict[str, Any]) -> Camera:
        """Inverse of :meth:`to_dict`. Raises CameraError when a field is missing."""
        try:
            return cls(data["K"], data["R"], data["t"], int(data["width"]), int(data["height"]), data.get("distortion"))
        except (KeyError, TypeError, ValueError, OverflowError) as error:
            raise CameraError("This is no camera description: it needs K, R, t, width and height.") from error

    def save(self, path: str | Path) -> None:
        """Write the camera as JSON."""
        Path(path).write_text(json.dumps(self.to_dict(), indent=1))

    @classmethod
    def load(cls, path: str | Path) -> Camera:
        """Read a camera written by :meth:`save`. Raises CameraError when the file is not one."""
        try:
            data = json.loads(Path(path).read_text())
        except (OSError, ValueError, RecursionError) as error:
            raise CameraError(f"The camera file {Path(path).name} cannot be read, it is missing or damaged: write it "
                              "again.") from error
        return cls.from_dict(data)


def _distort(xy: Array, d: Array) -> Array:
    k = np.zeros(5)
    k[: min(5, d.size)] = d[:5]
    x, y = xy[..., 0], xy[..., 1]
    r2 = x * x + y * y
    radial = 1 + r2 * (k[0] + r2 * (k[1] + r2 * k[4]))
    return np.stack([x * radial + 2 * k[2] * x * y + k[3] * (r2 + 2 * x * x),
                     y * radial + k[2] * (r2 + 2 * y * y) + 2 * k[3] * x * y], axis=-1)
