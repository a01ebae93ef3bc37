"""Which detections of a frame are the same person: groups with at most one detection of each view.

Greedy average linkage: the two groups whose members go together best are joined, while their mean affinity is high
enough and hardly any two members do not go together at all, which is the test for consistent cycles. A person known
from before is a member of a view of its own, so that a group has one of them at the most.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]
Whole = NDArray[np.int64]

LEAST_MEAN = 0.15
"""Mean affinity between groups that are joined."""
MOST_ZERO = 1 / 3
"""Share of pairs without any affinity between groups that are joined."""
TRACK_FACTOR = 2.0
"""How much more an affinity with somebody known from before counts."""


def grouped(affinity: Array, views: Whole) -> list[Whole]:
    """Groups of the members, each sorted, in the order of their first member.

    Args:
        affinity: (n,n) symmetric, not negative.
        views: (n,) the view of each member.
    """
    n = len(affinity)
    groups: list[list[int]] = [[i] for i in range(n)]  # an empty one has been joined to another
    seen = np.zeros((n, int(views.max(initial=0)) + 1), bool)
    seen[np.arange(n), views] = True
    total, zero = affinity.copy(), (affinity <= 0).astype(float)
    sizes = np.ones(n)
    apart = views[:, None] == views[None]
    link = np.where(apart | (zero > 0), -np.inf, affinity)
    while n:
        a, b = divmod(int(np.argmax(link)), n)
        if link[a, b] < LEAST_MEAN:
            break
        groups[a], groups[b] = groups[a] + groups[b], []
        seen[a] |= seen[b]
        total[a] += total[b]
        zero[a] += zero[b]
        total[:, a], zero[:, a] = total[a], zero[a]
        sizes[a] += sizes[b]
        pairs = sizes[a] * sizes
        mean = np.where(zero[a] <= MOST_ZERO * pairs, total[a] / pairs, -np.inf)
        mean[(seen & seen[a]).any(axis=1)] = -np.inf
        mean[[i for i, group in enumerate(groups) if not group]] = -np.inf
        link[a] = link[:, a] = mean
        link[b] = link[:, b] = -np.inf
    return sorted((np.array(sorted(group)) for group in groups if group), key=lambda group: int(group[0]))


def low_rank(affinity: Array, views: Whole, *, sparse: float = 0.1, rank: float = 50.0, rounds: int = 20) -> Array:
    """Affinities (n,n) completed so that they are consistent over all views.

    Maximises <A, X> - sparse * sum X - rank * |X|_* over symmetric X in [0,1] with unit diagonal and zeros within a
    view by the alternating direction method of multipliers: singular values of X + Y / mu shrunk by rank / mu, then X
    clipped to its set, then the dual step; mu is doubled or halved where one residual is ten times the other. What
    remains below 0.25 is 0.
    """
    same = views[:, None] == views[None]
    wanted = affinity - sparse
    x = np.where(same, 0.0, affinity)
    np.fill_diagonal(x, 1.0)
    dual, mu = np.zeros_like(x), 64.0
    for _ in range(rounds):
        left, values, right = np.linalg.svd(x + dual / mu)
        low = (left * np.maximum(values - rank / mu, 0)) @ right
        before = x
        x = low - (dual - wanted) / mu
        x = np.where(same, 0.0, np.clip((x + x.T) / 2, 0, 1))
        np.fill_diagonal(x, 1.0)
        dual = dual + mu * (x - low)
        primal, change = np.linalg.norm(x - low), mu * np.linalg.norm(x - before)
        if primal < 1e-3 * len(x) and change < 1e-3 * len(x) * mu:
            break
        mu = mu * 2 if primal > 10 * change else mu / 2 if change > 10 * primal else mu
    x = np.where(x < 0.25, 0.0, x)
    np.fill_diagonal(x, 0.0)
    return x
