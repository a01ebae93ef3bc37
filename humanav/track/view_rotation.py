"""The rotation between two views of the same background, from points that were found in both."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]

_TRIES = 100  # pairs of points drawn
_WITHIN = 1.5  # pixels by which a point of the background may be off
_ENOUGH = 50  # points that agree and leave no doubt
_BY_DEPTH = 0.15  # so much larger a share must agree before a moving camera is believed in
_LEAST_PARALLAX = 1.5  # pixels


@dataclass(frozen=True)
class Turn:
    """A rotation and how well it is known.

    Attributes:
        R: (3,3) takes directions in the first view's axes to those of the second.
        count: points that agree.
        share: of all points, those that agree.
        sure: 0..1.
        parallax: whether near and far points move differently.
    """

    R: Array
    count: int
    share: float
    sure: float
    parallax: bool

    @classmethod
    def none(cls) -> Turn:
        """Nothing is known."""
        return cls(np.eye(3), 0, 0.0, 0.0, False)


def turn_between(first: Array, second: Array, lens: Array) -> Turn:
    """The rotation of the camera between two views.

    Args:
        first, second: (N,2) the same points in pixels.
        lens: (3,3) intrinsics.
    """
    a, b = (rays_through(points, lens) for points in (first, second))
    within = _WITHIN / lens[0, 0]
    R, agree = _ransac(a, b, within)
    parallax = False
    share = float(agree.mean())
    if share < 0.75 and len(a) >= 30:
        moved = _essential(a, b, within)
        if moved is not None and moved[1].mean() > share + _BY_DEPTH:
            left = np.linalg.norm(a @ moved[0].T - b, axis=1)[moved[1]] * lens[0, 0]
            if np.median(left) > _LEAST_PARALLAX:
                (R, agree), parallax = moved, True
                share = float(agree.mean())
    count = int(agree.sum())
    sure = min(1.0, count / _ENOUGH) * np.clip((share - 0.2) / 0.5, 0, 1) * min(1.0, _extent(second[agree], lens) / 0.3)
    return Turn(R, count, share, float(sure), parallax)


def _extent(points: Array, lens: Array) -> float:
    """How much of the picture points (N,2) cover, as a share of its sides."""
    if len(points) == 0:
        return 0.0
    return float(np.linalg.norm(np.ptp(np.quantile(points, [0.1, 0.9], axis=0), axis=0) / (2 * lens[:2, 2])))


def rays_through(points: Array, lens: Array) -> Array:
    """Unit directions (N,3) in which pixels (N,2) are seen through a lens (3,3) without skew."""
    rays = np.ones((len(points), 3))
    rays[:, :2] = (points - lens[:2, 2]) / lens[[0, 1], [0, 1]]
    return np.asarray(rays / np.linalg.norm(rays, axis=1, keepdims=True))


def _ransac(a: Array, b: Array, within: float) -> tuple[Array, NDArray[np.bool_]]:
    """The rotation with ``b = R a`` (N,3) for most of the rays, and which agree."""
    rng = np.random.default_rng(0)
    pairs = rng.integers(0, len(a), (_TRIES, 2))
    tries = _frames(b[pairs]) @ np.swapaxes(_frames(a[pairs]), -1, -2)
    tries = np.concatenate([np.eye(3)[None], tries])
    off = np.linalg.norm(np.einsum("kij,nj->kni", tries, a) - b, axis=-1)
    cost = np.minimum(off / within, 1.0).sum(axis=1)
    R = tries[int(cost.argmin())]
    for _ in range(4):
        off = np.linalg.norm(a @ R.T - b, axis=1)
        weight = 1 / (1 + (off / within) ** 2) ** 2
        R = _kabsch(a, b, weight)
    return R, np.linalg.norm(a @ R.T - b, axis=1) < within


def _frames(pairs: Array) -> Array:
    """Right-handed axes (K,3,3) told by two directions (K,2,3)."""
    x = pairs[:, 0]
    z = np.cross(x, pairs[:, 1])
    z = z / np.maximum(np.linalg.norm(z, axis=1, keepdims=True), 1e-9)
    return np.stack([x, np.cross(z, x), z], axis=2)


def _kabsch(a: Array, b: Array, weight: Array) -> Array:
    u, _, vt = np.linalg.svd((b * weight[:, None]).T @ a)
    return np.asarray(u @ np.diag([1.0, 1.0, np.sign(np.linalg.det(u @ vt))]) @ vt)


def _essential(a: Array, b: Array, within: float) -> tuple[Array, NDArray[np.bool_]] | None:
    """The rotation of a camera that moves as well, and which points agree; None where it cannot be told."""
    front = (a[:, 2] > 0.05) & (b[:, 2] > 0.05)
    if front.sum() < 12:
        return None
    first, second = (rays[front, :2] / rays[front, 2:] for rays in (a, b))
    cv2.setRNGSeed(0)
    matrix, mask = cv2.findEssentialMat(first, second, np.eye(3), cv2.RANSAC, 0.999, within)
    if matrix is None or matrix.shape != (3, 3):
        return None
    _, R, _, mask = cv2.recoverPose(matrix, first, second, np.eye(3), mask=mask)
    agree = np.zeros(len(a), dtype=np.bool_)
    agree[front] = mask[:, 0] > 0
    return np.asarray(R, dtype=np.float64), agree
