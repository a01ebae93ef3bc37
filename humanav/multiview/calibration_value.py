"""A calibration as its file has it: cameras in the file's own world and unit, before they become a :class:`Rig`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from humanav.errors import CameraError

Array = NDArray[np.float64]


@dataclass(frozen=True)
class FileView:
    """One camera of a file; pixels with the centre of the top-left pixel at (0, 0), as OpenCV counts.

    Attributes:
        name: as in the file.
        K: (3,3) pixels.
        R, t: ``x_cam = R x_world + t`` with OpenCV axes, in the file's unit.
        size: (width, height), (0, 0) where the file does not say.
        distortion: OpenCV's coefficients, any number of them.
        fisheye: whether they are of OpenCV's fisheye model.

    Raises:
        CameraError: NaN, wrong shapes, a K without focal length or singular, an R that is no rotation.
    """

    name: str
    K: Array
    R: Array
    t: Array
    size: tuple[int, int] = (0, 0)
    distortion: Array | None = None
    fisheye: bool = False

    def __post_init__(self) -> None:
        for field, words, shape in (("K", "K", (3, 3)), ("R", "rotation", (3, 3)), ("t", "translation", (3,))):
            object.__setattr__(self, field, numbers(getattr(self, field), shape, self.name, words))
        distortion = np.zeros(0) if self.distortion is None else self.distortion
        object.__setattr__(self, "distortion", numbers(distortion, (np.size(distortion),), self.name, "distortion"))
        if self.K[0, 0] <= 0 or self.K[1, 1] <= 0 or abs(np.linalg.det(self.K)) < 1e-9:
            raise CameraError(f"Camera {self.name} has a singular K: its focal lengths must be positive pixels.")
        if abs(self.K[2, 2] - 1) > 1e-6:
            object.__setattr__(self, "K", self.K / self.K[2, 2])
        if np.linalg.det(self.R) < 0 and np.abs(self.R @ self.R.T - np.eye(3)).max() < 1e-2:
            raise CameraError(f"The rotation of camera {self.name} mirrors the picture (its determinant is -1): the "
                              "file was written for left-handed axes, or its videos are mirrored.")
        if np.abs(self.R @ self.R.T - np.eye(3)).max() > 1e-2:
            raise CameraError(f"The rotation of camera {self.name} is no rotation matrix: its rows must be of length 1 "
                              "and at right angles.")
        u, _, v = np.linalg.svd(self.R)  # the nearest rotation: files carry four digits at times
        object.__setattr__(self, "R", u @ v)


@dataclass(frozen=True)
class FileRig:
    """All cameras of a file.

    Attributes:
        kind: name of the format.
        views: the cameras, in the file's order.
        unit: metres of one unit where the format fixes it, else None.
        up: the world's axis that points up ("z", "-y", ...) where the format fixes it, else None.
        usual_unit: metres of one unit as files of this format should have it; the cameras' distances must agree.
        notes: sentences.
    """

    kind: str
    views: tuple[FileView, ...]
    unit: float | None = None
    up: str | None = None
    usual_unit: float | None = None
    notes: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if not self.views:
            raise CameraError("There is no camera in the calibration file: calibrate again, or choose another file.")
        names = [view.name for view in self.views]
        twice = sorted({name for name in names if names.count(name) > 1})
        if twice:
            raise CameraError(f"The calibration names camera {twice[0]} twice: give every camera a name of its own.")


def numbers(value: Any, shape: tuple[int, ...], name: str, what: str) -> Array:
    """``value`` as finite numbers of that shape (any arrangement of as many). Raises CameraError, naming the camera."""
    try:
        array = np.asarray(value, dtype=np.float64).reshape(shape)
    except (TypeError, ValueError, OverflowError) as error:
        wanted = " x ".join(str(side) for side in shape)
        raise CameraError(f"The {what} of camera {name} must be {wanted} numbers: the calibration file is incomplete "
                          "or damaged.") from error
    if not np.isfinite(array).all():
        raise CameraError(f"The {what} of camera {name} holds NaN or infinite numbers: calibrate this camera again.")
    return array


def rotation_matrix(vector: Any, name: str) -> Array:
    """(3,3) of a Rodrigues vector (3,), in radians."""
    from scipy.spatial.transform import Rotation

    return np.asarray(Rotation.from_rotvec(numbers(vector, (3,), name, "rotation vector")).as_matrix())


def rotation_vector(R: Array) -> Array:
    """(3,) Rodrigues vector, in radians, of a rotation matrix."""
    from scipy.spatial.transform import Rotation

    return np.asarray(Rotation.from_matrix(R).as_rotvec())
