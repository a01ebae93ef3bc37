"""Deciding uncertain pixels by local colour and smoothness: the arithmetic under the matte."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray
from scipy import sparse
from scipy.sparse.linalg import cg

Array = NDArray[np.float32]
Pixels = NDArray[np.uint8]
Binary = NDArray[np.bool_]

_CLUSTERS = 64
_CELL = 4


def decide(image: Pixels, prior: Array, known: Array, unknown: Binary, near: Binary, reach: int,
           rounds: int = 3) -> Array:
    """Person probability (H,W) where the unknown pixels are decided anew.

    The colours near the outline are clustered; histograms over ``reach`` pixels say how likely each cluster is person
    or background at each place (local colour models as in Video SnapCut: Bai et al. 2009). That and the prior pull each
    unknown pixel, while neighbours of like colour hold together (random walker with priors: Grady 2005).

    Args:
        image: uint8 RGB (H,W,3).
        prior: (H,W) log odds of person before any colour is looked at.
        known: (H,W) 0 or 1, taken as it is outside ``unknown``.
        unknown: (H,W) the pixels to decide.
        near: (H,W) the pixels whose colours may teach; contains ``unknown``.
        reach: radius in pixels of the local colour models.
        rounds: how often the models are learnt anew from the last answer.
    """
    if not unknown.any():
        return known
    lab = cv2.cvtColor(image, cv2.COLOR_RGB2LAB).astype(np.float32) * np.array([0.45, 1.45, 1.45], dtype=np.float32)
    cluster = _clusters(lab, near)
    ys, xs = np.nonzero(unknown)
    system = _Smoothness(lab, unknown)
    answer = np.where(unknown, 1 / (1 + np.exp(-prior)), known).astype(np.float32)
    for _ in range(rounds):
        colour = _local_log_odds(cluster, np.where(near, 2 * answer - 1, 0), ys, xs, reach)
        belief = 1 / (1 + np.exp(-(np.clip(colour, -4, 4) + prior[ys, xs])))
        answer[ys, xs] = np.clip(system.solve(belief, 2 * np.abs(belief - 0.5) + 0.02, known, answer[ys, xs]), 0, 1)
    return answer


def _clusters(lab: Array, near: Binary) -> NDArray[np.int64]:
    """(H,W) the colour cluster of each pixel of ``near``, 0 elsewhere."""
    pixels = lab[near]
    sample = pixels[np.random.default_rng(0).integers(0, len(pixels), min(4000, len(pixels)))]
    count = min(_CLUSTERS, len(sample))
    cv2.setRNGSeed(0)
    stop = (cv2.TERM_CRITERIA_EPS + cv2.TERM_CRITERIA_MAX_ITER, 10, 1.0)
    first = np.zeros((len(sample), 1), dtype=np.int32)
    _, _, centres = cv2.kmeans(sample, count, first, stop, 1, cv2.KMEANS_PP_CENTERS)
    out = np.zeros(lab.shape[:2], dtype=np.int64)
    out[near] = ((centres**2).sum(axis=1) - 2 * pixels @ centres.T).argmin(axis=1)
    return out


def _local_log_odds(cluster: NDArray[np.int64], trust: Array, ys: NDArray[np.int64], xs: NDArray[np.int64],
                    reach: int) -> Array:
    """Log odds of person by local colour at the pixels (ys, xs); ``trust`` is +1 for sure person, -1 for background."""
    height, width = -(-cluster.shape[0] // _CELL), -(-cluster.shape[1] // _CELL)
    kernel = (2 * max(1, reach // (2 * _CELL)) + 1,) * 2
    rows, columns = np.nonzero(trust)
    values = trust[rows, columns]
    bins = ((rows // _CELL) * width + columns // _CELL) * _CLUSTERS + cluster[rows, columns]
    place = (ys // _CELL, xs // _CELL)
    logs = []
    for weight in (np.maximum(values, 0), np.maximum(-values, 0)):
        counts = np.bincount(bins, weight, height * width * _CLUSTERS).reshape(height, width, -1).astype(np.float32)
        for _ in range(2):  # twice a box is nearly a tent: near pixels count more
            counts = np.asarray(cv2.boxFilter(counts, -1, kernel, normalize=False), dtype=np.float32)
        total = counts.sum(axis=2)[place]
        logs.append(np.log((counts[(*place, cluster[ys, xs])] + 0.5) / (total + 0.5 * _CLUSTERS)))
    return np.asarray(logs[0] - logs[1], dtype=np.float32)


class _Smoothness:
    """The random walker's equations over the unknown pixels, 8 neighbours, weights by colour difference."""

    def __init__(self, lab: Array, unknown: Binary, strength: float = 3.0) -> None:
        height, width = unknown.shape
        self.count = int(unknown.sum())
        index = np.full((height, width), -1, dtype=np.int64)
        index[unknown] = np.arange(self.count)
        edges = []
        for dy, dx in ((0, 1), (1, 0), (1, 1), (1, -1)):
            a = (slice(0, height - dy), slice(max(0, -dx), width - max(0, dx)))
            b = (slice(dy, height), slice(max(0, dx), width - max(0, -dx)))
            rows, columns = np.nonzero(unknown[a] | unknown[b])
            rows_a, columns_a = rows + a[0].start, columns + a[1].start
            rows_b, columns_b = rows + b[0].start, columns + b[1].start
            difference = ((lab[rows_a, columns_a] - lab[rows_b, columns_b]) ** 2).sum(axis=1)
            edges.append((rows_a * width + columns_a, rows_b * width + columns_b, difference, 1 / np.hypot(dy, dx)))
        beta = 1 / (2 * float(np.mean(np.concatenate([e[2] for e in edges]))) + 1e-6)
        self._from = np.concatenate([e[0] for e in edges])
        self._to = np.concatenate([e[1] for e in edges])
        self._weight = strength * np.concatenate([e[3] * (np.exp(-beta * e[2]) + 1e-3) for e in edges])
        flat = index.ravel()
        i, j = flat[self._from], flat[self._to]
        inner = (i >= 0) & (j >= 0)
        self._diagonal = np.bincount(i[i >= 0], self._weight[i >= 0], self.count) \
            + np.bincount(j[j >= 0], self._weight[j >= 0], self.count)
        rows, columns, values = i[inner], j[inner], -self._weight[inner]
        self._links = sparse.csr_matrix((np.concatenate([values, values]), (np.concatenate([rows, columns]),
                                         np.concatenate([columns, rows]))), shape=(self.count, self.count))
        out, back = (i >= 0) & (j < 0), (j >= 0) & (i < 0)
        self._border = [(i[out], self._to[out], self._weight[out]), (j[back], self._from[back], self._weight[back])]

    def solve(self, belief: Array, confidence: Array, known: Array, start: Array) -> Array:
        """(N,) probabilities that follow ``belief`` by ``confidence``, their neighbours and the known pixels."""
        values = known.ravel()
        right = confidence * belief
        for mine, other, weight in self._border:
            right = right + np.bincount(mine, weight * values[other], self.count)
        diagonal = self._diagonal + confidence
        solution, _ = cg(self._links + sparse.diags(diagonal), right, x0=start, maxiter=80, rtol=1e-3,
                         M=sparse.diags(1 / diagonal))
        return np.asarray(solution, dtype=np.float32)
