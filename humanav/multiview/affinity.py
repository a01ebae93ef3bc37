"""How well people detected in different views go together, and with people known from the frame before.

A[i,j] = sum_k w_k (1 - min(d_k / c, 2)) / sum_k w_k, clipped at 0, over the keypoints k that both show; d_k is the
distance of their rays, c a cut, w_k = sqrt(c_i c_j). One bad joint hurts (-1), a hundred metres do not hurt more.
"""

from __future__ import annotations

from functools import lru_cache
from itertools import combinations

import numpy as np
from numpy.typing import NDArray

from humanav.body.landmarks import KEYPOINT_SETS
from humanav.multiview.rays import Lenses, between_rays, to_rays

Array = NDArray[np.float64]

FEWEST = 3
"""Keypoints that two detections must share."""
_MINOR = 0.3
_MINOR_PARTS = ("nose", "eye", "ear", "mouth", "pinky", "index", "thumb", "heel", "toe", "foot", "head_top")
_CHUNK = 4_000_000  # numbers worked on at a time


@lru_cache
def joint_weights(keypoint_set: str) -> Array:
    """(K,) how much each keypoint of a layout counts: the many of face, hands and feet less than the limbs' joints."""
    return np.array([_MINOR if any(part in name for part in _MINOR_PARTS) else 1.0
                     for name in KEYPOINT_SETS[keypoint_set]])


def score(apart: Array, weight: Array, cut: float) -> Array:
    """Affinities (...) from distances (...,K) in metres with weights (...,K); 0 where too few are weighted."""
    # infinite distances are as bad as two cuts; points without weight may hold anything
    total = weight.sum(axis=-1)
    agreement = (weight * (1 - np.minimum(np.where(np.isfinite(apart), apart, 2 * cut) / cut, 2.0))).sum(axis=-1)
    enough = (weight > 0).sum(axis=-1) >= FEWEST
    return np.where(enough, np.maximum(agreement, 0) / np.maximum(total, 1e-9), 0.0)


def between_views(lenses: Lenses, rays: Array, confidence: Array, weights: Array, cut: float) -> Array:
    """Affinities (T,N,N) of all detections, N = V times D, symmetric, 0 within a view.

    Args:
        lenses: V cameras.
        rays: (T,V,D,K,3) unit directions in the world.
        confidence: (T,V,D,K) 0..1.
        weights: (K,) of the keypoints (:func:`joint_weights`).
        cut: metres.
    """
    frames, views, most, count = confidence.shape
    out = np.zeros((frames, views, most, views, most))
    root = np.sqrt(confidence)
    step = max(1, _CHUNK // max(1, most * most * count))
    for a, b in combinations(range(views), 2):
        for begin in range(0, frames, step):
            part = slice(begin, begin + step)
            apart = between_rays(lenses.centres[a], rays[part, a], lenses.centres[b], rays[part, b])
            weight = root[part, a, :, None] * root[part, b, None] * weights
            out[part, a, :, b] = score(apart, weight, cut)
            out[part, b, :, a] = np.swapaxes(out[part, a, :, b], 1, 2)
    return out.reshape(frames, views * most, views * most)


def to_people(
    lenses: Lenses, rays: Array, confidence: Array, weights: Array, points: Array, trust: Array, cut: float
) -> Array:
    """Affinities (V,D,P) of one frame's detections with P people in space.

    Args:
        lenses: V cameras.
        rays: (V,D,K,3) unit directions.
        confidence: (V,D,K).
        weights: (K,) of the keypoints.
        points: (P,K,3) in metres, NaN where unknown.
        trust: (P,K) 0..1.
        cut: metres.
    """
    known = np.isfinite(points[..., 0])
    safe = np.where(known[..., None], points, 0.0)
    own = np.where(known, trust, 0.0) * weights
    out = np.empty((len(rays), rays.shape[1], len(points)))
    for view, centre in enumerate(lenses.centres):
        apart = to_rays(safe, centre, rays[view])
        out[view] = score(apart, np.sqrt(confidence[view][:, None] * own[None]), cut)
    return out
