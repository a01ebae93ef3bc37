"""Keypoints of several views to points in space: robust, all frames and joints at once.

Iteratively reweighted least squares on the linear (DLT) equations of the undistorted rays. Their residuals are the
distance from the ray in the plane through the point, in metres; Geman-McClure weights (s^2 / (s^2 + r^2))^2 with a
scale s that shrinks to a WIDE one: a tight threshold keeps pairs of views that agree perfectly at a wrong depth.
Points on which some view disagrees are tried again from the best pair of views, and what comes of that is kept where
three views or more agree with it, and more than before.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import combinations

import numpy as np
from numpy.typing import NDArray

from humanav.errors import InputError
from humanav.multiview.rays import NEAREST, Lenses, normalised
from humanav.multiview.value import Rig

Array = NDArray[np.float64]

SIGMA = 0.045
"""Metres: about 1 % of the height of a picture of which a standing person fills two fifths."""
SIGMA_PIXELS = 4.0
"""Pixels: in coarse pictures the scale is not finer than this."""
AGREES = 2.0
"""Times the scale: a view farther off does not count as agreeing."""
_ANNEAL = (6.0, 3.0, 2.0, 1.4, 1.0, 1.0, 1.0)
_UNSURE = 0.5  # metres that a point may move along its depth for one scale of error
_SURE = 0.1  # metres up to which that does not lessen the confidence
_CLEARLY = 0.8  # times the robust cost that another solution has at the most
_RIDGE = 1e-9
_MOST_PAIRS = 28  # of views, spread evenly where there are more
_CHUNK = 200_000  # points times views that are worked on at a time


@dataclass(frozen=True)
class Triangulated:
    """Points in space.

    Attributes:
        points: (T,K,4) x, y, z in metres and confidence 0..1: the mean of the views that agree, less where they are two
            or stand close together; NaN with confidence 0 where fewer than two agree.
        used: (T,V,K) the view agrees with the point.
        residual: (T,V,K) pixels from the keypoint to the projected point, NaN where either is missing.
    """

    points: Array
    used: NDArray[np.bool_]
    residual: Array


def triangulate(
    rig: Rig, keypoints: Array, *, sigma: float = SIGMA, robust: bool = True, plane: Array | None = None
) -> Triangulated:
    """Points in space from keypoints in all views.

    Args:
        rig: V cameras.
        keypoints: (T,V,K,3) x, y in pixels and confidence; confidence 0, or NaN, where there is none.
        sigma: scale of the residuals in metres.
        robust: False gives the plain linear solution weighted by confidence, every view that sees the point counting.
        plane: (T,V,K,2) the keypoints as :func:`humanav.multiview.rays.normalised` gives them, where known already.

    Raises:
        InputError: the keypoints do not fit the rig.
    """
    keypoints = np.asarray(keypoints, dtype=np.float64)
    if keypoints.ndim != 4 or keypoints.shape[1] != len(rig) or keypoints.shape[3] != 3:
        raise InputError(f"Keypoints of shape {keypoints.shape} do not fit {len(rig)} cameras: frames, views, points "
                         "and x, y, confidence are needed.")
    keypoints = np.where((np.isfinite(keypoints).all(axis=-1) & (keypoints[..., 2] > 0))[..., None], keypoints, 0.0)
    frames, views, count = keypoints.shape[:3]
    lenses = Lenses.of(rig)
    plane = normalised(rig, keypoints) if plane is None else plane
    # all frames and joints in one row
    flat = np.moveaxis(plane, 1, 2).reshape(-1, views, 2)
    weight = np.moveaxis(np.clip(keypoints[..., 2], 0, 1), 1, 2).reshape(-1, views)
    points, agrees = np.empty((len(flat), 4)), np.empty(flat.shape[:2], bool)
    step = max(1, _CHUNK // views)
    for begin in range(0, len(flat), step):
        part = slice(begin, begin + step)
        points[part], agrees[part] = solve(lenses, flat[part], weight[part], sigma, robust)
    out = points.reshape(frames, count, 4)
    used = np.moveaxis(agrees.reshape(frames, count, views), 2, 1)
    return Triangulated(out, used, residuals(rig, keypoints, out))


def residuals(rig: Rig, keypoints: Array, points: Array) -> Array:
    """(T,V,K) pixels from keypoints (T,V,K,3) to projected points (T,K,3 or 4), NaN where either is missing or the
    point lies behind the camera."""
    known = np.isfinite(points[..., 0])
    safe = np.where(known[..., None], points[..., :3], 0.0)
    out = np.full(keypoints.shape[:3], np.nan)
    for view, camera in enumerate(rig.cameras):
        pixels, depth = camera.project(safe)
        far = np.linalg.norm(pixels - keypoints[:, view, :, :2], axis=-1)
        out[:, view] = np.where(known & (depth > NEAREST) & (keypoints[:, view, :, 2] > 0), far, np.nan)
    return out


def solve(
    lenses: Lenses, plane: Array, weight: Array, sigma: float, robust: bool = True
) -> tuple[Array, NDArray[np.bool_]]:
    """Points (N,4) with confidence and agreement (N,V) from undistorted places (N,V,2) and confidences (N,V)."""
    equations = _Equations(lenses, plane, weight, sigma)
    enough = (weight > 0).sum(axis=1) >= 2
    x = equations.minimum(weight)
    if robust:
        x = equations.annealed(x, _ANNEAL)
        away, scale = equations.apart(x)
        doubtful = np.flatnonzero(((away > AGREES * scale) & (weight > 0)).any(axis=1) & enough)
        if len(doubtful):
            some = _Equations(lenses, plane[doubtful], weight[doubtful], sigma)
            again = some.annealed(some.best_pair(), _ANNEAL[-4:])
            better = (some.agreeing(again) > np.maximum(some.agreeing(x[doubtful]), 2)) & (
                some.cost(again) < _CLEARLY * some.cost(x[doubtful]))
            x[doubtful[better]] = again[better]
    away, scale = equations.apart(x)
    near = away <= (AGREES * scale if robust else np.inf)
    agrees = near & (weight > 0)
    counts = agrees.sum(axis=1)
    unsure = equations.unsure(x, agrees)
    known = (counts >= 2) & (unsure < _UNSURE)
    trust = (weight * agrees).sum(axis=1) / np.maximum(counts, 1) * np.minimum(1.0, counts / 3)
    trust *= np.minimum(1.0, _SURE / unsure)
    points = np.concatenate([np.where(known[:, None], x, np.nan), np.where(known, trust, 0.0)[:, None]], axis=1)
    return points, agrees & known[:, None]


class _Equations:
    """For each of N points and V views two equations a . X = b whose residual is in metres at the point."""

    def __init__(self, lenses: Lenses, plane: Array, weight: Array, sigma: float) -> None:
        self.lenses, self.plane, self.weight, self.sigma = lenses, plane, weight, sigma
        rows = plane[..., None] * lenses.R[:, None, 2] - lenses.R[:, :2]  # (N,V,2,3)
        right = lenses.t[:, :2] - plane * lenses.t[:, None, 2]
        self.squares = np.einsum("nvri,nvrj->nvij", rows, rows).reshape(*plane.shape[:2], 9)
        self.rights = np.einsum("nvri,nvr->nvi", rows, right)

    def minimum(self, weight: Array) -> Array:
        """(N,3) the least squares solution with these weights (N,V)."""
        square = np.matmul(weight[:, None], self.squares).reshape(-1, 3, 3)
        right = np.matmul(weight[:, None], self.rights)[:, 0]
        return _solve3(square, right)

    def apart(self, x: Array) -> tuple[Array, Array]:
        """Metres (N,V) from each ray, infinite behind the camera, and the scale (N,V) they are to be judged by."""
        camera = x @ self.lenses.R.reshape(-1, 3).T
        camera = camera.reshape(len(x), len(self.lenses.t), 3) + self.lenses.t
        depth = camera[..., 2]
        away = camera[..., :2] - self.plane * depth[..., None]
        scale = np.maximum(self.sigma, SIGMA_PIXELS * depth / self.lenses.focal)
        return np.where(depth > NEAREST, np.sqrt((away**2).sum(axis=-1)), np.inf), scale

    def annealed(self, x: Array, steps: tuple[float, ...]) -> Array:
        """Reweighted solutions from a start (N,3), the scale shrinking."""
        for factor in steps:
            away, scale = self.apart(x)
            wide = (factor * scale) ** 2
            x = self.minimum(self.weight * (wide / (wide + away**2)) ** 2 + 1e-6 * self.weight)
        return x

    def agreeing(self, x: Array) -> NDArray[np.int64]:
        """(N,) how many views agree."""
        away, scale = self.apart(x)
        return np.asarray(((away <= AGREES * scale) & (self.weight > 0)).sum(axis=1))

    def cost(self, x: Array) -> Array:
        """(N,) the robust cost."""
        away, scale = self.apart(x)
        share = np.where(np.isfinite(away), away**2 / (scale**2 + np.minimum(away, 1e6) ** 2), 1.0)
        return (self.weight * share).sum(axis=1)

    def best_pair(self) -> Array:
        """(N,3) the solution of the two views that the others agree with most."""
        pairs = list(combinations(range(self.plane.shape[1]), 2))
        if len(pairs) > _MOST_PAIRS:
            pairs = [pairs[i] for i in np.linspace(0, len(pairs) - 1, _MOST_PAIRS).astype(int)]
        best = np.zeros((len(self.plane), 3))
        least = np.full(len(self.plane), np.inf)
        for pair in pairs:
            weight = np.zeros_like(self.weight)
            weight[:, pair] = self.weight[:, pair]
            x = self.minimum(weight)
            cost = np.where((weight[:, pair] > 0).all(axis=1), self.cost(x), np.inf)
            better = cost < least
            best[better], least[better] = x[better], cost[better]
        return best

    def unsure(self, x: Array, agrees: NDArray[np.bool_]) -> Array:
        """(N,) metres by which a point moves where its worst direction is off by one scale of error."""
        square = np.matmul(agrees[:, None].astype(float), self.squares).reshape(-1, 3, 3)
        least = np.linalg.eigvalsh(square)[:, 0]
        return self.sigma / np.sqrt(np.maximum(least, 1e-12))


def _solve3(square: Array, right: Array) -> Array:
    """Solutions (N,3) of symmetric 3x3 systems by cofactors, a ridge keeping empty ones finite."""
    a, b, c = square[:, 0, 0] + _RIDGE, square[:, 0, 1], square[:, 0, 2]
    d, e, f = square[:, 1, 1] + _RIDGE, square[:, 1, 2], square[:, 2, 2] + _RIDGE
    m0, m1, m2 = d * f - e * e, c * e - b * f, b * e - c * d
    n1, n2, o2 = a * f - c * c, b * c - a * e, a * d - b * b
    determinant = a * m0 + b * m1 + c * m2
    x, y, z = right[:, 0], right[:, 1], right[:, 2]
    solved = np.stack([m0 * x + m1 * y + m2 * z, m1 * x + n1 * y + n2 * z, m2 * x + n2 * y + o2 * z], axis=1)
    return np.asarray(solved / np.maximum(determinant, 1e-30)[:, None])
