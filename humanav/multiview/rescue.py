"""Single keypoints put right: taken from whichever detection of the view has them where the other views say.

Between people who hug, a detector hangs one's hand on the other's arm: the point is there, on the wrong body.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from humanav.multiview.match_frames import Seen
from humanav.multiview.match_sources import Sources
from humanav.multiview.rays import NEAREST

Array = NDArray[np.float64]
Whole = NDArray[np.int64]
Binary = NDArray[np.bool_]

_NEAR = 0.08  # metres from the point that the other views give
_EXPECTED = 0.12  # metres from where the point is expected from the frames around
_BETTER = 0.5  # times the distance of what it replaces, at the most


def claimed(sources: Sequence[Sources], used: Sequence[Binary], shape: tuple[int, ...]) -> Whole:
    """(T,V,D,K) the number of the person that uses a point of a detection with agreement, -1 where nobody does."""
    out = np.full(shape, -1)
    for number, (own, agrees) in enumerate(zip(sources, used)):
        t, v, k = np.nonzero(agrees & (own.detection >= 0))
        out[t, v, own.detection[t, v, k], own.joint[t, v, k]] = number
    return out


def rescued(
    seen: Seen, number: int, sources: Sources, used: Binary, points: Array, expected: Array, claims: Whole,
    mirror: Whole,
) -> Sources:
    """The sources of one person with points that nobody uses put in where its own are missing or disagree.

    Args:
        seen: the sightings.
        number: of the person in ``claims``.
        sources: where its points come from.
        used: (T,V,K) which of them agree.
        points: (T,K,3) where they are in space, NaN where unknown.
        expected: (T,K,3) where they are expected from the frames around.
        claims: (T,V,D,K) of :func:`claimed`.
        mirror: (K,) the point of the other side.
    """
    solved = np.isfinite(points[..., 0])
    target = np.where(solved[..., None], points, expected)
    limit = np.where(solved, _NEAR, _EXPECTED)
    camera = seen.lenses.to_cameras(np.where(np.isfinite(target), target, 0.0))  # (T,K,V,3)
    camera = np.moveaxis(camera, 2, 1)  # (T,V,K,3)
    depth = camera[..., 2]
    good = np.isfinite(target[..., 0])[:, None] & (depth > NEAREST)
    detection, joint = sources.detection.copy(), sources.joint.copy()
    wanting = good & ~used
    t, v, k = np.nonzero(wanting)
    if not len(t):
        return sources
    place, far = camera[t, v, k, :2], depth[t, v, k]
    own_d, own_k = detection[t, v, k], joint[t, v, k]
    own_away = np.linalg.norm(place - seen.plane[t, v, own_d, own_k] * far[:, None], axis=-1)
    there = (own_d >= 0) & (seen.confidence[t, v, own_d, own_k] > 0)
    most_away = np.where(there, np.minimum(limit[t, k], _BETTER * own_away), limit[t, k])
    best = most_away.copy()
    new_d, new_k = own_d.copy(), own_k.copy()
    for candidate in range(seen.confidence.shape[2]):
        for point in (k, mirror[k]):
            free = (seen.confidence[t, v, candidate, point] > 0) & (claims[t, v, candidate, point] < 0)
            away = np.linalg.norm(place - seen.plane[t, v, candidate, point] * far[:, None], axis=-1)
            better = free & (away < best)
            best = np.where(better, away, best)
            new_d, new_k = np.where(better, candidate, new_d), np.where(better, point, new_k)
    detection[t, v, k], joint[t, v, k] = new_d, new_k
    changed = (new_d != own_d) | (new_k != own_k)
    # within this person too a point is one joint's: the nearer one's
    order = np.argsort(best[changed], kind="stable")
    rows = np.flatnonzero(changed)[order]
    keys = np.stack([t[rows], v[rows], new_d[rows], new_k[rows]], axis=1)
    _, first = np.unique(keys, axis=0, return_index=True)
    again = np.setdiff1d(np.arange(len(rows)), first)
    lost = rows[again]
    detection[t[lost], v[lost], k[lost]], joint[t[lost], v[lost], k[lost]] = own_d[lost], own_k[lost]
    claims[t[rows[first]], v[rows[first]], new_d[rows[first]], new_k[rows[first]]] = number
    return replace(sources, detection=detection, joint=joint)
