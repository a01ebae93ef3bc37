"""Lens models with more coefficients than a :class:`Camera` has, fitted by its five."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from humanav.errors import CameraError
from humanav.multiview.calibration_value import FileView

Array = NDArray[np.float64]

_COUNTS = (4, 5, 8, 12, 14)  # of OpenCV's coefficients
_GRID = 21  # points along each side of the picture at which the two models are compared
_TOO_FAR = 2.0  # pixels by which five coefficients may miss the file's lens


def five_coefficients(view: FileView, size: tuple[int, int]) -> tuple[Array | None, str]:
    """k1, k2, p1, p2, k3 of a view of that (width, height), None for no distortion, and a sentence when they are a fit.

    A rational, thin-prism or fisheye lens is fitted over the picture by least squares: OpenCV's five are linear in the
    coefficients. Raises CameraError when no such fit comes near.
    """
    given = np.zeros(0) if view.distortion is None else view.distortion
    if not given.any() and not view.fisheye:
        return None, ""
    if not given[5:].any() and not view.fisheye:
        return given[:5], ""
    counts = [count for count in _COUNTS if count >= given.size]
    if not counts:
        raise CameraError(f"Camera {view.name} has {given.size} distortion coefficients, and OpenCV knows 14 at most: "
                          "the calibration file is damaged.")
    given = np.pad(given, (0, counts[0] - given.size))
    xy = _seen(view, given, size)
    target = _fisheye(xy, given) if view.fisheye else _rational(xy, given)
    x, y = xy.T
    r2 = x * x + y * y
    columns = np.stack([np.stack([x * r2, x * r2**2, 2 * x * y, r2 + 2 * x * x, x * r2**3], -1),
                        np.stack([y * r2, y * r2**2, r2 + 2 * y * y, 2 * x * y, y * r2**3], -1)], 1).reshape(-1, 5)
    if r2.max() < 1e-12 or not np.isfinite(target).all():
        raise CameraError(f"The distortion of camera {view.name} cannot be used: undistort its videos first.")
    solution = np.linalg.lstsq(columns, (target - xy).reshape(-1), rcond=None)[0]
    miss = np.abs((columns @ solution - (target - xy).reshape(-1)).reshape(-1, 2)) * view.K[[0, 1], [0, 1]]
    if miss.max() > _TOO_FAR:
        raise CameraError(f"The lens of camera {view.name} bends too much for this program (off by {miss.max():.0f} "
                          "pixels at the edge): undistort its videos first.")
    model = "fisheye" if view.fisheye else f"{given.size}-coefficient"
    note = (f"The {model} lens of camera {view.name} is fitted by k1, k2, p1, p2, k3: at most {miss.max():.2g} pixels "
            "off.")
    return np.asarray(solution, dtype=np.float64), note


def _seen(view: FileView, coefficients: Array, size: tuple[int, int]) -> Array:
    """Normalised coordinates (N,2), before distortion, that lie inside the picture."""
    import cv2

    u, v = (np.linspace(0, side - 1, _GRID) for side in size)
    pixels = np.stack(np.meshgrid(u, v), -1).reshape(-1, 1, 2)
    if view.fisheye:
        found = cv2.fisheye.undistortPoints(pixels, view.K, coefficients[:4])
    else:
        found = cv2.undistortPoints(pixels, view.K, coefficients)
    return np.asarray(found, dtype=np.float64).reshape(-1, 2)


def _rational(xy: Array, coefficients: Array) -> Array:
    """OpenCV's rational and thin-prism model, by OpenCV itself."""
    import cv2

    rays = np.concatenate([xy, np.ones((len(xy), 1))], 1)
    found = cv2.projectPoints(rays, np.zeros(3), np.zeros(3), np.eye(3), coefficients)[0]
    return np.asarray(found, dtype=np.float64).reshape(-1, 2)


def _fisheye(xy: Array, coefficients: Array) -> Array:
    """Kannala and Brandt's model with four coefficients."""
    import cv2

    rays = np.concatenate([xy, np.ones((len(xy), 1))], 1)[:, None]
    found = cv2.fisheye.projectPoints(rays, np.zeros(3), np.zeros(3), np.eye(3), coefficients[:4])[0]
    return np.asarray(found, dtype=np.float64).reshape(-1, 2)
