"""How two or more cameras without calibration stand to each other, from the same people's keypoints in all of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations

import numpy as np
from numpy.typing import NDArray

from humanav.camera import Camera
from humanav.multiview.adjust_bundle import Freedom, bundle
from humanav.multiview.adjust_rays import essential, meeting, sampson
from humanav.multiview.rays import undistorted, undistorted_keypoints
from humanav.multiview.sync_tracks import usual_size

Array = NDArray[np.float64]

SURE = 0.4
"""Confidence from which a point says how cameras stand."""
_MOST = 900  # correspondences given to a robust estimate
_FEWEST = 80
_CLOSE = 0.012  # of the person's size: rays that pass nearer agree


@dataclass(frozen=True)
class Pair:
    """Camera b seen from camera a: ``x_b = R x_a + t`` with t of length 1; which track of b is which of a; how many
    correspondences agree, their share, and the median angle between their rays in degrees."""

    a: int
    b: int
    R: Array
    t: Array
    same: tuple[tuple[int, int], ...]
    agree: int
    share: float
    angle: float

    @property
    def worth(self) -> float:
        """More agreement and rays that cross at a fair angle are better."""
        return self.agree * self.share**2 * float(np.clip(self.angle / 50, 0.05, 1))


def pair_geometry(people: Array, a: int, b: int, cameras: Sequence[Camera], seed: int = 0) -> Pair | None:
    """The motion between two views from tracks (T,V,P,K,3), or None where too little agrees.

    An essential matrix is estimated from each pair of tracks by itself (five points, RANSAC with local optimisation:
    Raguram et al., "USAC", 2013), the one that explains most when all tracks are paired as it fits best is kept, and
    estimated anew from all of them.
    """
    from scipy.optimize import linear_sum_assignment

    places = [undistorted_keypoints(cameras[v], people[:, v]) for v in (a, b)]
    size = sum(usual_size(people[:, v]) / cameras[v].focal for v in (a, b)) / 2
    if not np.isfinite(size):
        return None
    close = _CLOSE * size
    count = people.shape[2]
    shared = {(i, j): shared_places(places[0][:, i], places[1][:, j]) for i in range(count) for j in range(count)}
    best: tuple[float, Array, list[tuple[int, int]]] | None = None
    for one, two in shared.values():
        if len(one) < _FEWEST:
            continue
        for trial in range(2 if count == 1 else 1):
            for E in _essentials(one, two, close, seed + trial):
                agree = np.zeros((count, count))
                for (i, j), (x, y) in shared.items():
                    if len(x) >= _FEWEST:
                        agree[i, j] = _explained(E, x, y, close)
                rows, columns = linear_sum_assignment(agree, maximize=True)
                kept = [(int(i), int(j)) for i, j in zip(rows, columns) if agree[i, j] > 0.3 * len(shared[i, j][0])]
                total = float(sum(agree[i, j] for i, j in kept))
                if kept and (best is None or total > best[0]):
                    best = total, E, kept
    if best is None:
        return None
    one, two = (np.concatenate([shared[ij][side] for ij in best[2]]) for side in (0, 1))
    found = [best[1], *_essentials(one, two, close, seed + 7)]
    E = max(found, key=lambda e: _explained(e, one, two, close))
    return _upright(E, one, two, a, b, cameras, tuple(best[2]), close)


def start_points(cameras: Sequence[Camera], pixels: Array, weight: Array) -> Array:
    """Points (N,3) from rays (N,V): linear, in the plane of each camera, NaN where fewer than two views see them."""
    square, right = np.zeros((len(pixels), 3, 3)), np.zeros((len(pixels), 3))
    for v, camera in enumerate(cameras):
        xy = undistorted(camera, pixels[:, v])
        rows = xy[..., None] * camera.R[2] - camera.R[:2]
        known = camera.t[:2] - xy * camera.t[2]
        w = weight[:, v]
        square += w[:, None, None] * np.einsum("nri,nrj->nij", rows, rows)
        right += w[:, None] * np.einsum("nri,nr->ni", rows, known)
    trace = np.einsum("nii->n", square)
    solved = np.linalg.solve(square + (1e-9 * trace + 1e-12)[:, None, None] * np.eye(3), right[..., None])[..., 0]
    return np.asarray(np.where((weight > 0).sum(1)[:, None] >= 2, solved, np.nan))


def all_pairs(people: Array, cameras: Sequence[Camera]) -> list[Pair]:
    """Every pair of views that can be related, the best first."""
    found = [pair_geometry(people, a, b, cameras) for a, b in combinations(range(people.shape[1]), 2)]
    return sorted((pair for pair in found if pair is not None), key=lambda pair: -pair.worth)


def shared_places(a: Array, b: Array) -> tuple[Array, Array]:
    """Places (n,2) of the points of two tracks (...,3) that both views are sure of."""
    both = (a[..., 2] > SURE) & (b[..., 2] > SURE)
    return a[both][:, :2], b[both][:, :2]


def _explained(E: Array, a: Array, b: Array, close: float) -> float:
    """How much of the correspondences an essential matrix explains (1 each, falling to 0 at three times ``close``)."""
    far = sampson(E, a, b) / close
    return float(np.maximum(0, 1 - (far / 3) ** 2).sum())


def _essentials(a: Array, b: Array, close: float, seed: int) -> list[Array]:
    """Essential matrices from correspondences."""
    import cv2

    pick = np.random.default_rng(seed).permutation(len(a))[:_MOST]
    cv2.setRNGSeed(seed)
    found, _ = cv2.findEssentialMat(a[pick], b[pick], np.eye(3), method=cv2.USAC_ACCURATE, prob=0.9999, threshold=close)
    if found is None or found.shape[0] % 3 or not np.isfinite(found).all():
        return []
    return [part / max(float(np.linalg.norm(part)), 1e-12) * np.sqrt(2) for part in found.reshape(-1, 3, 3)]


def _upright(
    E: Array, one: Array, two: Array, a: int, b: int, cameras: Sequence[Camera], same: tuple[tuple[int, int], ...],
    close: float,
) -> Pair | None:
    """The motion of the four that put the points before both cameras, refined on what agrees."""
    import cv2

    near = sampson(E, one, two) < 3 * close
    if near.sum() < _FEWEST // 2:
        return None
    R1, R2, t = cv2.decomposeEssentialMat(E)
    best, most = None, -1.0
    first = Camera.from_focal(100, 100, 100.0, np.eye(3), np.zeros(3))
    for R in (R1, R2):
        for sign in (1, -1):
            second = Camera.from_focal(100, 100, 100.0, R, sign * t[:, 0])
            before = float(meeting(first, second, one[near], two[near])[1].mean())
            if before > most:
                best, most = second, before
    if best is None or most < 0.7:
        return None
    pick = np.flatnonzero(near)
    pick = pick[:: max(1, len(pick) // 800)]
    focal = cameras[a].focal, cameras[b].focal
    views = [Camera.from_focal(2, 2, f, c.R, c.t).cropped(1, 1, 2, 2) for f, c in zip(focal, (first, best))]
    pixels = np.stack([one[pick] * focal[0], two[pick] * focal[1]], axis=1)
    weight = np.ones(pixels.shape[:2])
    points = start_points(views, pixels, weight)
    done = bundle(views, pixels, weight, points, Freedom(held=(0,)), scale=2 * close * float(np.mean(focal)), steps=15)
    R, t3 = done.cameras[1].R, done.cameras[1].t
    t3 = t3 / max(float(np.linalg.norm(t3)), 1e-12)
    second = Camera.from_focal(100, 100, 100.0, R, t3)
    agrees = sampson(essential(first, second), one, two) < 3 * close
    da, db = (np.concatenate([x[agrees], np.ones((agrees.sum(), 1))], 1) for x in (one, two))
    da, db = da / np.linalg.norm(da, axis=1, keepdims=True), (db / np.linalg.norm(db, axis=1, keepdims=True)) @ R
    angle = np.degrees(np.arccos(np.clip(np.abs((da * db).sum(1)), 0, 1)))
    middle = float(np.median(angle)) if len(angle) else 0.0
    return Pair(a, b, R, t3, same, int(agrees.sum()), float(agrees.mean()), middle)
