"""Where the body stands before the camera: its pelvis, from what is known of its shape and from where it is seen.

A landmark at ``X`` from the pelvis that is seen along the ray ``(u, v, 1)`` asks of the pelvis' place t::

    t_x - u t_z = u X_z - X_x        t_y - v t_z = v X_z - X_y

two equations linear in t. Divided by the landmark's depth and multiplied by the focal length they are errors in pixels,
so that weighted least squares in a few rounds of reweighting is the robust reprojection fit, without a starting point.
Depth is known some twenty times less well than the place across; in a clip it is smoothed by the same equations, with
a prior on the acceleration.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from humanav.errors import InputError

Array = NDArray[np.float64]

LEAST_POINTS = 4
"""Landmarks a frame must show for its place to be told."""

_NEAREST = 0.25  # metres: no landmark is nearer to the camera
_ROUNDS = 5
_SPREAD = 0.012  # expected error of a landmark, of the person's size in the picture
_CUTOFF = 3.0  # of that: errors beyond count little (Geman-McClure)
_CORRELATION = 0.25  # seconds over which the errors of a landmark go together
_ACCELERATION = 1.5  # metres per second squared and root hertz: how restless a pelvis is
_SPEED = 1.5  # metres per second and root hertz: keeps unseen ends of a clip from drifting off


def place_pelvis(points: ArrayLike, keypoints: ArrayLike, K: ArrayLike) -> Array:
    """The pelvis (T,3) in the camera's frame, metres, each frame by itself.

    Args:
        points: (T,N,3) the body's landmarks from the pelvis, along the camera's axes, metres.
        keypoints: (T,N,3) where they are seen, pixels, and confidence; 0 for those not seen.
        K: (3,3) intrinsics.

    Returns:
        Places; NaN in frames that show fewer than :data:`LEAST_POINTS` landmarks.

    Raises:
        InputError: shapes that do not belong together.
    """
    points, rays, weight, unit = _prepared(points, keypoints, K)
    place, _ = _solve_frames(points, rays, weight, unit)
    return place


def place_path(points: ArrayLike, keypoints: ArrayLike, K: ArrayLike, fps: float) -> Array:
    """The pelvis (T,3) over a clip, smooth where the picture says little: depth, and frames without the person.

    The information of each frame's landmarks, thinned because their errors go together in time, and a Gaussian prior
    on the pelvis' second differences make one banded linear system.

    Args:
        points, keypoints, K: as :func:`place_pelvis`.
        fps: frames per second.

    Raises:
        InputError: shapes that do not belong together, or no frame shows enough of the person.
    """
    from scipy.linalg import solveh_banded

    points, rays, weight, unit = _prepared(points, keypoints, K)
    place, robust = _solve_frames(points, rays, weight, unit)
    known = np.isfinite(place[:, 0])
    if not known.any():
        raise InputError("No frame shows enough of the person: at least four landmarks must be seen in one.")
    if len(points) < 3:
        return np.where(known[:, None], place, place[known].mean(axis=0))
    frames = np.arange(len(place))
    path = np.stack([np.interp(frames, frames[known], place[known, k]) for k in range(3)], axis=1)
    thin = min(1.0, 1 / (fps * _CORRELATION))
    for _ in range(3):
        depth = np.maximum(points[..., 2] + path[:, None, 2], _NEAREST)
        matrix, wanted = _normal_equations(points, rays, thin * robust * (unit[:, None] / depth) ** 2 / _SPREAD**2)
        bands, right = _bands(matrix, fps), wanted.reshape(-1)
        path = solveh_banded(bands, right, lower=True).reshape(-1, 3)
        robust = weight * _robust(points, rays, path, unit)
    return np.asarray(path)


def reprojection_errors(points: ArrayLike, pelvis: ArrayLike, keypoints: ArrayLike, K: ArrayLike) -> Array:
    """Distances (T,N) in pixels between landmarks on the body and where they were seen; NaN for those not seen.

    Args:
        points, keypoints, K: as :func:`place_pelvis`.
        pelvis: (T,3) its place in the camera's frame.
    """
    seen = np.asarray(keypoints, dtype=np.float64)
    body = np.asarray(points, dtype=np.float64) + np.asarray(pelvis, dtype=np.float64)[:, None]
    flat = body @ np.asarray(K, dtype=np.float64).T
    pixels = flat[..., :2] / np.maximum(flat[..., 2:], _NEAREST / 10)
    return np.where(seen[..., 2] > 0, np.linalg.norm(pixels - seen[..., :2], axis=-1), np.nan)


def _prepared(points: ArrayLike, keypoints: ArrayLike, K: ArrayLike) -> tuple[Array, Array, Array, Array]:
    """Landmarks (T,N,3), rays (T,N,2), weights (T,N), and one over the person's size on the rays (T,)."""
    body, seen = np.asarray(points, dtype=np.float64), np.asarray(keypoints, dtype=np.float64)
    lens = np.asarray(K, dtype=np.float64)
    if body.ndim != 3 or body.shape != seen.shape or body.shape[2] != 3 or lens.shape != (3, 3):
        raise InputError(f"Landmarks {body.shape}, keypoints {seen.shape} and intrinsics {lens.shape} do not belong "
                         "together: (frames, points, 3) twice and (3, 3) are needed.")
    pixels = np.concatenate([seen[..., :2], np.ones((*seen.shape[:2], 1))], axis=-1)
    rays = (pixels @ np.linalg.inv(lens).T)[..., :2]
    weight = np.asarray(np.clip(seen[..., 2], 0.0, 1.0) ** 2, dtype=np.float64)
    low, high = (np.where(weight[..., None] > 0, rays, fill) for fill in (np.inf, -np.inf))
    size = np.linalg.norm(np.maximum(high.max(axis=1) - low.min(axis=1), 0.0), axis=-1)
    return body, np.asarray(rays), weight, np.asarray(1 / np.maximum(np.nan_to_num(size), 1e-3))


def _solve_frames(points: Array, rays: Array, weight: Array, unit: Array) -> tuple[Array, Array]:
    """Places (T,3), NaN where too little is seen, and the weights (T,N) of the last round."""
    used = (weight > 0).sum(axis=1) >= LEAST_POINTS
    current = np.where(used[:, None], weight, 0.0)
    depth = np.ones(points.shape[:2])
    place = np.full((len(points), 3), np.nan)
    for _ in range(_ROUNDS):
        matrix, wanted = _normal_equations(points, rays, current / depth**2)
        matrix = matrix + 1e-9 * np.trace(matrix, axis1=1, axis2=2)[:, None, None] * np.eye(3) + \
            np.where(used, 0.0, 1.0)[:, None, None] * np.eye(3)
        place = np.linalg.solve(matrix, wanted[..., None])[..., 0]
        place = _before_the_camera(place, points, rays, weight, used)
        depth = np.maximum(points[..., 2] + place[:, None, 2], _NEAREST)
        current = np.where(used[:, None], weight * _robust(points, rays, place, unit), 0.0)
    return np.where(used[:, None], place, np.nan), current


def _normal_equations(points: Array, rays: Array, weight: Array) -> tuple[Array, Array]:
    """Matrices (T,3,3) and right-hand sides (T,3) of the linear equations under weights (T,N)."""
    u, v = rays[..., 0], rays[..., 1]
    right_u, right_v = u * points[..., 2] - points[..., 0], v * points[..., 2] - points[..., 1]
    total, along_u, along_v = weight.sum(1), (weight * u).sum(1), (weight * v).sum(1)
    matrix = np.zeros((len(points), 3, 3))
    matrix[:, 0, 0] = matrix[:, 1, 1] = total
    matrix[:, 0, 2] = matrix[:, 2, 0] = -along_u
    matrix[:, 1, 2] = matrix[:, 2, 1] = -along_v
    matrix[:, 2, 2] = (weight * (u * u + v * v)).sum(1)
    wanted = np.stack([(weight * right_u).sum(1), (weight * right_v).sum(1),
                       -(weight * (u * right_u + v * right_v)).sum(1)], axis=1)
    return matrix, wanted


def _robust(points: Array, rays: Array, place: Array, unit: Array) -> Array:
    """Geman-McClure weights (T,N) of the landmarks at these places."""
    body = points + place[:, None]
    error = np.linalg.norm(body[..., :2] / np.maximum(body[..., 2:], _NEAREST) - rays, axis=-1) * unit[:, None]
    typical = np.maximum(np.median(error, axis=1, keepdims=True), _SPREAD)
    return np.asarray(1 / (1 + (error / (_CUTOFF * typical)) ** 2) ** 2)


def _before_the_camera(place: Array, points: Array, rays: Array, weight: Array, used: NDArray[np.bool_]) -> Array:
    """Places behind or inside the camera, as wild points make them, put where the body has its size in the picture."""
    wrong = used & (place[:, 2] + np.where(weight > 0, points[..., 2], np.inf).min(axis=1) < _NEAREST)
    for t in np.flatnonzero(wrong):
        share = weight[t] / weight[t].sum()
        middle, centre = share @ points[t], share @ rays[t]
        size = np.sqrt(share @ ((points[t, :, :2] - middle[:2]) ** 2).sum(axis=1))
        seen = np.sqrt(share @ ((rays[t] - centre) ** 2).sum(axis=1))
        depth = max(float(size / max(seen, 1e-6)), _NEAREST - float(points[t, :, 2].min()))
        place[t] = np.append(centre * depth - middle[:2], depth - middle[2])
    return place


def _bands(matrix: Array, fps: float) -> Array:
    """Lower bands (7,3T) of the data's blocks (T,3,3) and the priors on first and second differences."""
    frames = len(matrix)
    bands = np.zeros((7, frames, 3))
    for row in range(3):
        for column in range(row + 1):
            bands[row - column, :, column] += matrix[:, row, column]
    for weights, differences in ((np.array([1.0, -2.0, 1.0]), fps**3 / _ACCELERATION**2),
                                 (np.array([-1.0, 1.0]), fps / _SPEED**2)):
        order = len(weights)
        for i in range(order):
            for j in range(i + 1):
                bands[3 * (i - j), j: frames - order + 1 + j] += differences * weights[i] * weights[j]
    return bands.reshape(7, -1)
