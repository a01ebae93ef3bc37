"""How well each pair of views agrees with a calibration: the distances between the rays of the people's keypoints."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations, permutations

import numpy as np
from numpy.typing import NDArray

from humanav.camera import Camera
from humanav.multiview.adjust import observations
from humanav.multiview.adjust_rays import essential, meeting, sampson
from humanav.multiview.rays import undistorted_keypoints
from humanav.multiview.self_calibrate_pairs import shared_places
from humanav.multiview.sync_tracks import by_track, usual_size
from humanav.multiview.value import Matched, Sightings

Array = NDArray[np.float64]

_MOST_FRAMES = 60
_FEWEST = 12  # points that two tracks share
_STRANGER = 3.0  # times the best pairing's distance: who is farther off is somebody else
_BEHIND = 0.25  # share of the person's size that rays which meet behind a camera count as
SEARCHED = 6
"""Views up to which all exchanges of cameras are tried."""


@dataclass(frozen=True)
class Table:
    """(V,V) median distances between rays: pixels, the rig's unit, share of the person's size; ``before`` (V,V) share
    of points before both cameras; ``same``: view, track, view, track and share of every pairing kept."""

    px: Array
    gap: Array
    share: Array
    before: Array
    same: tuple[tuple[int, int, int, int, float], ...]

    @property
    def typical(self) -> float:
        """Median share over the pairs; infinite where no pair shares anybody."""
        known = self.share[np.triu_indices(len(self.share), 1)]
        known = known[np.isfinite(known)]
        return float(np.median(known)) if len(known) else float("inf")

    @property
    def worst(self) -> float:
        """Mean share over the pairs, which one bad camera raises."""
        known = self.share[np.triu_indices(len(self.share), 1)]
        known = known[np.isfinite(known)]
        return float(np.mean(np.minimum(known, _BEHIND))) if len(known) else float("inf")


def people_of(sightings: Sightings, matched: Matched | None) -> tuple[Array, bool]:
    """Keypoints (T,V,P,K,3) on at most 60 frames, and whether place p is the same person in all views."""
    if matched is not None and matched.people and matched.frames == sightings.frames:
        people, same = np.stack([observations(sightings, person) for person in matched.people], axis=2), True
    else:
        people, same = by_track(sightings), False
    pick = np.unique(np.linspace(0, len(people) - 1, min(len(people), _MOST_FRAMES)).round().astype(int))
    # tracks of which every other frame is empty are not to be met on the empty ones only
    full = (people[..., 2] > 0).any((1, 2, 3))
    pick = np.array([t if full[t] else min(t + 1, len(people) - 1) for t in pick])
    return people[pick], same


def table(people: Array, cameras: Sequence[Camera], same: bool) -> Table:
    """Distances of all pairs of views."""
    views = people.shape[1]
    px, gap, share, before = (np.full((views, views), np.nan) for _ in range(4))
    kept: list[tuple[int, int, int, int, float]] = []
    places = [undistorted_keypoints(camera, people[:, v]) for v, camera in enumerate(cameras)]
    sizes = [_sizes(people[:, v], camera) for v, camera in enumerate(cameras)]
    for a, b in combinations(range(views), 2):
        costs = _costs(places[a], places[b], sizes[a], sizes[b], essential(cameras[a], cameras[b]))
        pairs = [(i, i) for i in range(len(costs)) if np.isfinite(costs[i, i])] if same else _pairing(costs)
        if not pairs:
            continue
        values, gaps, fronts, shares = [], [], [], []
        for i, j in pairs:
            one, two = shared_places(places[a][:, i], places[b][:, j])
            far = sampson(essential(cameras[a], cameras[b]), one, two)
            apart, front = meeting(cameras[a], cameras[b], one, two)
            values.append(np.median(far) * (cameras[a].focal + cameras[b].focal) / 2)
            gaps.append(np.median(apart))
            fronts.append(front.mean())
            shares.append(costs[i, j] if front.mean() > 0.5 else max(costs[i, j], _BEHIND))
            kept.append((a, i, b, j, float(shares[-1])))
        for array, found in ((px, values), (gap, gaps), (share, shares), (before, fronts)):
            array[a, b] = array[b, a] = float(np.median(found))
    return Table(px, gap, share, before, tuple(kept))


def best_exchanges(people: Array, cameras: Sequence[Camera], count: int = 3) -> list[tuple[int, ...]]:
    """The orders of cameras (which camera belongs to each view) in which the pairs of views fit best, best first.

    All orders of up to six cameras are compared on distances computed once for each pair of views and of cameras.
    """
    views = len(cameras)
    people = people[:: max(1, len(people) // 24)]
    costs: dict[tuple[int, int, int, int], float] = {}
    places = [[undistorted_keypoints(camera, people[:, v]) for camera in cameras] for v in range(views)]
    sizes = [[_sizes(people[:, v], camera) for camera in cameras] for v in range(views)]
    for a, b in combinations(range(views), 2):
        for c, d in permutations(range(views), 2):
            found = _costs(places[a][c], places[b][d], sizes[a][c], sizes[b][d], essential(cameras[c], cameras[d]))
            shares = []
            for i, j in _pairing(found):
                same = shared_places(places[a][c][:, i], places[b][d][:, j])
                front = meeting(cameras[c], cameras[d], *same)[1].mean()
                shares.append(min(found[i, j] if front > 0.5 else _BEHIND, _BEHIND))
            costs[a, b, c, d] = float(np.median(shares)) if shares else np.nan

    def total(order: tuple[int, ...]) -> float:
        known = [costs[a, b, order[a], order[b]] for a, b in combinations(range(views), 2)]
        known = [x for x in known if np.isfinite(x)]
        return float(np.mean(known)) if known else np.inf

    return sorted(permutations(range(views)), key=total)[:count]


def groups(found: Table, views: int) -> list[dict[int, int]]:
    """People as view to track, from the pairings of a table, the surest first, one track of a view each."""
    people: list[dict[int, int]] = []
    for a, i, b, j, _ in sorted(found.same, key=lambda row: row[4]):
        mine = [p for p in people if p.get(a) == i]
        other = [p for p in people if p.get(b) == j]
        if not mine and not other:
            people.append({a: i, b: j})
        elif mine and not other and b not in mine[0]:
            mine[0][b] = j
        elif other and not mine and a not in other[0]:
            other[0][a] = i
        elif mine and other and mine[0] is not other[0] and not set(mine[0]) & set(other[0]):
            mine[0].update(other[0])
            people.remove(other[0])
    return [p for p in people if len(p) >= 2]


def _sizes(people: Array, camera: Camera) -> Array:
    """(P,) sizes of a view's people in normalised units."""
    return np.array([usual_size(people[:, p]) for p in range(people.shape[1])]) / camera.focal


def _costs(a: Array, b: Array, size_a: Array, size_b: Array, E: Array) -> Array:
    """(Pa,Pb) median distance of every pairing of tracks (T,P,K,3) as a share of the people's size; NaN unknown."""
    out = np.full((a.shape[1], b.shape[1]), np.nan)
    for i in range(a.shape[1]):
        for j in range(b.shape[1]):
            one, two = shared_places(a[:, i], b[:, j])
            if len(one) >= _FEWEST and np.isfinite(size_a[i] + size_b[j]):
                out[i, j] = np.median(sampson(E, one, two)) / ((size_a[i] + size_b[j]) / 2)
    return out


def _pairing(costs: Array) -> list[tuple[int, int]]:
    """Tracks paired so that distances are least in all; who is much farther off than the best is nobody's pair."""
    from scipy.optimize import linear_sum_assignment

    if not np.isfinite(costs).any():
        return []
    rows, columns = linear_sum_assignment(np.where(np.isfinite(costs), costs, 1e3))
    pairs = [(int(i), int(j)) for i, j in zip(rows, columns) if np.isfinite(costs[i, j])]
    least = min(costs[i, j] for i, j in pairs) if pairs else 0.0
    return [(i, j) for i, j in pairs if costs[i, j] <= max(_STRANGER * least, 0.04)]
