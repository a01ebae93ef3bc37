"""How well each lag between two views fits, as curves, and the offsets of all views on the sum of them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import Any

import numpy as np
from numpy.typing import NDArray

from humanav.camera import Camera
from humanav.multiview.adjust_rays import essential, sampson
from humanav.multiview.rays import undistorted_keypoints
from humanav.multiview.sync_signals import correlation
from humanav.multiview.sync_tracks import usual_size

Array = NDArray[np.float64]
Signals = Sequence[tuple[Array, Array]]

_CAP = 0.2  # of the person's size: rays farther apart than this are equally wrong
_MOST_FRAMES = 120  # that the rays are compared in
_SURE = 0.3
_HIGH, _CLEAR = 0.12, 0.35  # correlation, and margin over the next best lag, at which confidence is full


@dataclass(frozen=True)
class Curve:
    """``score`` (2 reach + 1,) of the lags -reach .. reach, higher is better, 0 = says nothing; ``best`` is the least
    distance between rays, in body sizes, of a curve made of rays."""

    score: Array
    best: float = 0.0

    def peak(self, apart: int) -> tuple[float, float]:
        """The best lag with its fraction, and the confidence in it, 0..1."""
        reach = len(self.score) // 2
        top = int(self.score.argmax())
        others = self.score[np.abs(np.arange(len(self.score)) - top) > apart]
        return top - reach + _vertex(self.score, top), confidence(float(self.score[top]),
                                                                  float(others.max()) if len(others) else 0.0)

    def mixed(self, other: Curve) -> Curve:
        """The sum of this curve (of rays) and a curve of movements."""
        return Curve(self.score + 0.5 * other.score, self.best)


def confidence(score: float, other: float) -> float:
    """0..1 from the best score and the best one elsewhere."""
    if score <= 0:
        return 0.0
    return float(min(1.0, score / _HIGH) * np.clip((score - max(other, 0.0)) / score / _CLEAR, 0, 1))


def movement_curve(a: Signals, b: Signals, turned: Signals, reach: int) -> Curve:
    """How alike the movements of two views' people are at each lag; ``turned`` are b's with left and right exchanged,
    which a detector may have mistaken throughout."""
    scores = np.zeros((len(a), len(b), 2 * reach + 1))
    for i, one in enumerate(a):
        for j, (two, other) in enumerate(zip(b, turned)):
            for signals in (two, other):
                value, overlap = correlation(one, signals, reach)
                scores[i, j] = np.maximum(scores[i, j], np.maximum(value, 0) * np.sqrt(overlap))
    weight = np.array([[min(x[1].sum(), y[1].sum()) for y in b] for x in a])
    return Curve(_paired(scores**2, weight))


def ray_curve(a: Array, b: Array, camera_a: Camera, camera_b: Camera, centre: int, window: int, reach: int) -> Curve:
    """How near the rays of two views' people (T,P,K,3) pass at the lags round ``centre``; elsewhere nothing is said.

    The score is the square of by how much of the usual the capped distance falls, so still people and opposite cameras
    say nothing.
    """
    places = [undistorted_keypoints(camera_a, a), undistorted_keypoints(camera_b, b)]
    sizes = [[usual_size(people[:, p]) / camera.focal for p in range(people.shape[1])]
             for camera, people in ((camera_a, a), (camera_b, b))]
    E = essential(camera_a, camera_b)
    lags = np.arange(max(-reach, centre - window), min(reach, centre + window) + 1)
    if not len(lags):
        return Curve(np.zeros(2 * reach + 1), np.inf)
    cost = np.full((a.shape[1], b.shape[1], len(lags)), np.nan)
    weight = np.zeros(cost.shape[:2])
    for i in range(a.shape[1]):
        for j in range(b.shape[1]):
            size = (sizes[0][i] + sizes[1][j]) / 2
            if np.isfinite(size) and size > 0:
                cost[i, j] = [_apart(E, places[0][:, i], places[1][:, j], int(lag), float(size)) for lag in lags]
                weight[i, j] = np.isfinite(cost[i, j]).sum()
    for row in cost.reshape(-1, len(lags)):  # lags at which a person is never seen in both: every other frame is empty
        have = np.isfinite(row)
        if have.any():
            row[~have] = np.interp(lags[~have], lags[have], row[have], left=_CAP, right=_CAP)
    known = np.where(np.isfinite(cost), cost, _CAP)
    total = -_paired(-known, weight) if weight.any() else np.full(len(lags), _CAP)
    best = float(total.min())
    usual = float(np.percentile(total, 90))
    fall = np.clip((usual - total) / max(usual, 1e-9), 0, 1)
    score = np.zeros(2 * reach + 1)
    score[lags + reach] = fall**2 * np.sqrt(1 - np.abs(lags) / len(a))
    return Curve(score, best)


def ray_pixels(people: Array, cameras: Sequence[Camera], offsets: Array) -> float:
    """Median distance between rays in pixels over all pairs of views, people (T,V,P,K,3) paired as fits best."""
    from scipy.optimize import linear_sum_assignment

    found: list[float] = []
    for a, b in combinations(range(people.shape[1]), 2):
        E = essential(cameras[a], cameras[b])
        focal = (cameras[a].focal + cameras[b].focal) / 2
        one, two = (undistorted_keypoints(cameras[v], people[:, v]) for v in (a, b))
        cost = np.full((people.shape[2],) * 2, np.nan)
        for i in range(len(cost)):
            for j in range(len(cost)):
                cost[i, j] = focal * _apart(E, one[:, i], two[:, j], float(offsets[b] - offsets[a]), 1.0, np.inf,
                                            np.median)
        rows, columns = linear_sum_assignment(np.where(np.isfinite(cost), cost, 1e6))
        found += [cost[i, j] for i, j in zip(rows, columns) if np.isfinite(cost[i, j])]
    return float(np.median(found)) if found else float("nan")


def together(curves: dict[tuple[int, int], Curve], views: int, reach: int, apart: int) -> tuple[Array, Array]:
    """Offsets (V,) on the sum of all pairs' curves, 0 for the first view, and the confidence in each (V,).

    Views are placed one by one where the sum over the views already placed is largest, starting from each pair's best
    lag in turn; then each is moved alone until nothing improves; the best of all starts is kept.
    """
    def score(a: int, b: int, lag: int) -> float:
        if abs(lag) > reach:
            return 0.0
        return float(curves[a, b].score[lag + reach] if a < b else curves[b, a].score[reach - lag])

    def column(view: int, placed: dict[int, int], lags: NDArray[np.int64]) -> Array:
        total = np.zeros(len(lags))
        for other, at in placed.items():
            relative = lags - at
            inside = np.abs(relative) <= reach
            curve = curves[other, view].score if other < view else curves[view, other].score[::-1]
            total[inside] += curve[relative[inside] + reach]
        return total

    lags = np.arange(-2 * reach, 2 * reach + 1)
    best, most = dict.fromkeys(range(views), 0), -1.0
    starts = sorted(curves, key=lambda pair: -float(curves[pair].score.max()))[:12]
    for a, b in starts:
        placed: dict[int, int] = {a: 0, b: int(curves[a, b].score.argmax()) - reach}
        while len(placed) < views:
            sums = {v: column(v, placed, lags) for v in range(views) if v not in placed}
            view = max(sums, key=lambda v: float(sums[v].max()))
            placed[view] = int(lags[_first_best(sums[view], lags)])
        for _ in range(10):
            moved = False
            for view in range(views):
                rest = {v: at for v, at in placed.items() if v != view}
                new = int(lags[_first_best(column(view, rest, lags), lags - placed[view])])
                moved |= new != placed[view]
                placed[view] = new
            if not moved:
                break
        total = sum(score(x, y, placed[y] - placed[x]) for x, y in combinations(range(views), 2))
        if total > most:
            best, most = placed, total
    whole = np.array([best[v] - best[0] for v in range(views)], dtype=np.float64)
    trust = np.zeros(views)
    for view in range(views):
        rest = {v: best[v] for v in range(views) if v != view}
        mean = column(view, rest, lags) / max(1, len(rest))
        at = int(np.flatnonzero(lags == best[view])[0])
        far = mean[np.abs(np.arange(len(lags)) - at) > apart]
        trust[view] = confidence(float(mean[at]), float(far.max()) if len(far) else 0.0)
    return np.round(_fractions(curves, whole, reach), 2), trust


def _fractions(curves: dict[tuple[int, int], Curve], whole: Array, reach: int) -> Array:
    """Offsets with their fractions: each pair's own near the whole ones, reconciled by least squares whose weights are
    the sharpness of the pair's curve."""
    rows, right = [], []
    for (a, b), curve in curves.items():
        at = round(whole[b] - whole[a]) + reach
        if not 0 < at < len(curve.score) - 1:
            continue
        near = at + int(np.argmax(curve.score[at - 1: at + 2])) - 1
        if not 0 < near < len(curve.score) - 1:
            continue
        sharp = 2 * curve.score[near] - curve.score[near - 1] - curve.score[near + 1]
        if sharp > 1e-6:
            row = np.zeros(len(whole))
            row[a], row[b] = -1, 1
            rows.append(np.sqrt(sharp) * row)
            right.append(np.sqrt(sharp) * (near - reach + _vertex(curve.score, near)))
    anchor = 1e-3 * np.eye(len(whole))
    solved = np.linalg.lstsq(np.concatenate([np.array(rows).reshape(-1, len(whole)), anchor]),
                             np.concatenate([right, 1e-3 * whole]), rcond=None)[0]
    return np.asarray(np.clip(solved - solved[0], whole - 1, whole + 1))


def _vertex(score: Array, at: int) -> float:
    """Fraction -0.5..0.5 by which the parabola through a peak and its neighbours tops beside it."""
    if not 0 < at < len(score) - 1:
        return 0.0
    left, mid, right = score[at - 1: at + 2]
    bend = left - 2 * mid + right
    return float(np.clip(0.5 * (left - right) / bend, -0.5, 0.5)) if bend < -1e-12 else 0.0


def _first_best(score: Array, lags: NDArray[np.int64]) -> int:
    """The best lag; of those as good to a thousandth the nearest to 0 (repetitive movement)."""
    good = np.flatnonzero(score >= score.max() - 1e-3 * abs(score.max()))
    return int(good[np.abs(lags[good]).argmin()])


def _paired(score: Array, weight: Array) -> Array:
    """(L,) the weighted mean score of the best pairing of people, from scores (Pa,Pb,L) and weights (Pa,Pb)."""
    from scipy.optimize import linear_sum_assignment

    if not weight.any():
        return np.zeros(score.shape[-1])
    if score.shape[:2] == (1, 1):
        return np.asarray(score[0, 0])
    relative = weight / weight.max()
    out = np.empty(score.shape[-1])
    for lag in range(len(out)):
        rows, columns = linear_sum_assignment(score[..., lag] * relative, maximize=True)
        use = relative[rows, columns]
        out[lag] = (score[rows, columns, lag] * use).sum() / max(use.sum(), 1e-9)
    return out


def _apart(
    E: Array, a: Array, b: Array, lag: float, size: float, cap: float = _CAP, middle: Callable[[Array], Any] = np.mean
) -> float:
    """Mean (or median) distance in ``size``, capped, between the rays of one person (T,K,3) in two views when b lags;
    NaN where both never see the person."""
    low = int(np.floor(lag + 1e-9))
    part = lag - low
    span = len(a) - 1 if part > 1e-6 else len(a)
    first, last = max(0, -low), min(len(a), span - low)
    if last - first < 2:
        return float("nan")
    index = np.arange(first, last)[:: max(1, (last - first) // _MOST_FRAMES)]
    one, two = a[index], b[index + low]
    if part > 1e-6:
        after = b[index + low + 1]
        mixed = np.concatenate([(1 - part) * two[..., :2] + part * after[..., :2], two[..., 2:]], axis=-1)
        both = (two[..., 2:] > _SURE) & (after[..., 2:] > _SURE)
        two = np.where(both, mixed, after if part > 0.5 else two)
    both = (one[..., 2] > _SURE) & (two[..., 2] > _SURE)
    if both.sum() < 12:
        return float("nan")
    far = sampson(E, one[both][:, :2], two[both][:, :2]) / size
    return float(middle(np.minimum(far, cap)))
