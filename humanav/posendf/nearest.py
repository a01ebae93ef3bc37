"""The nearest of many poses, exactly, by the distance that the manifold is defined with.

The distance (mean half angle of the joints) is a metric, so a ball tree may leave out whole groups of poses: if a
group lies within r of its centre c, then no pose of it is nearer to q than ``d(q, c) - r``. Shortlists by Euclidean or
dot-product order have no such guarantee. The tree is balanced with eight children to a node, and distances are measured
by vector instructions, a pose's joints at once.
"""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
import torch
from numba import njit
from numpy.typing import NDArray
from torch import Tensor

from humanav.errors import InputError
from humanav.posendf.quaternions import NUM_JOINTS, canonical, pose_distance

WIDTH = 8
"""Children of a node, and poses of a leaf."""

TOP = 512
"""At most so many nodes make up the top level, which every query looks at."""

_LANES = 24

# A float32 dot product of unit quaternions is off by up to 3e-7, so an angle near zero by up to 8e-4.
_SLACK = np.float32(1e-3)

Array = np.ndarray[Any, np.dtype[Any]]


class PosePool:
    """Poses to search in.

    Args:
        quats: (N,21,4), N >= 1, of any sign and length. Results refer to their canonical form in float32.

    Raises:
        InputError: no poses, a wrong shape, or a number that is not finite.
    """

    def __init__(self, quats: Tensor) -> None:
        self.quats = canonical(_checked(quats, "pool").float())
        """The poses (N,21,4) float32, canonical."""
        if len(quats) == 0:
            raise InputError("The pool of poses is empty; at least one pose is needed.")
        flat = self.quats.reshape(len(quats), -1).numpy()
        units = [WIDTH]
        while len(flat) > units[-1] * TOP:
            units.append(units[-1] * WIDTH)
        order = np.concatenate(_parts(flat, np.arange(len(flat)), units[-1]))
        for unit in reversed(units[:-1]):
            wide = unit * WIDTH
            order = np.concatenate([part for begin in range(0, len(flat), wide)
                                    for part in _parts(flat, order[begin:begin + wide], unit)])
        self._order = order
        ordered = self.quats[torch.from_numpy(order)]
        nodes, radii, first = [_packed(ordered)], [np.zeros(len(flat), np.float32)], [0]
        for unit in units:
            begins = np.arange(0, len(flat), unit)
            centres = canonical(torch.from_numpy(np.add.reduceat(ordered.numpy(), begins)))
            reach = pose_distance(ordered, centres[torch.arange(len(flat)) // unit]).numpy()
            first.append(first[-1] + len(nodes[-1]))
            nodes.append(_packed(centres))
            radii.append(np.maximum.reduceat(reach, begins) + 2 * _SLACK)
        self._nodes, self._radii = np.concatenate(nodes), np.concatenate(radii)
        self._first = np.array([*first, len(self._nodes)])

    def __len__(self) -> int:
        return len(self.quats)

    def nearest(self, queries: Tensor, k: int = 1, *, jobs: int = 1) -> tuple[Tensor, Tensor]:
        """The ``k`` nearest poses of each query, nearest first.

        Args:
            queries: (M,21,4), of any sign and length.
            k: how many; at most N.
            jobs: threads.

        Returns:
            distance (M,k) in radians, float32, and index (M,k) int64 into the pool.

        Raises:
            InputError: a wrong shape, a number that is not finite, or k out of range.
        """
        wanted = canonical(_checked(queries, "queries").float())
        if not 1 <= k <= len(self):
            raise InputError(f"{k} nearest poses were asked for, of a pool of {len(self)}.")
        flat = _packed(wanted)
        distance = np.empty((len(flat), k))
        index = np.empty((len(flat), k), np.int64)

        def search(part: slice) -> None:
            _search(flat[part], self._nodes, self._radii, self._first, distance[part], index[part])

        step = 256
        parts = [slice(begin, begin + step) for begin in range(0, len(flat), step)]
        if jobs == 1:
            for part in parts:
                search(part)
        else:
            with ThreadPoolExecutor(jobs) as threads:
                list(threads.map(search, parts))
        return torch.from_numpy(distance).float(), torch.from_numpy(self._order[index])


def _checked(quats: Tensor, what: str) -> Tensor:
    if quats.ndim != 3 or tuple(quats.shape[1:]) != (NUM_JOINTS, 4):
        raise InputError(f"The {what} must be poses of shape (N, 21, 4), not {tuple(quats.shape)}.")
    if not bool(torch.isfinite(quats).all()):
        raise InputError(f"The {what} hold NaN or infinite numbers; leave those poses out first.")
    return quats.detach().cpu()


def _packed(quats: Tensor) -> Array:
    """(n,21,4) as (n,4,24): the joints side by side for vector instructions, filled up with identities."""
    packed = np.zeros((len(quats), 4, _LANES), np.float32)
    packed[:, 0] = 1
    packed[:, :, :NUM_JOINTS] = quats.numpy().transpose(0, 2, 1)
    return packed


def _parts(flat: Array, rows: NDArray[np.int64], unit: int) -> list[NDArray[np.int64]]:
    """``rows`` cut into parts of ``unit`` (the last may be smaller), each cut across its longest extent."""
    groups = -(-len(rows) // unit)
    if groups <= 1:
        return [rows]
    points = flat[rows] - flat[rows].mean(axis=0)
    # the first principal direction, near enough after a few power iterations
    direction = points[np.argmax(np.einsum("nd,nd->n", points, points))]
    for _ in range(4):
        direction = points.T @ (points @ direction)
        direction /= np.linalg.norm(direction) + 1e-12
    half = groups // 2 * unit
    sides = np.argpartition(points @ direction, half)
    return _parts(flat, rows[sides[:half]], unit) + _parts(flat, rows[sides[half:]], unit)


@njit(cache=True, nogil=True, fastmath=True)
def _measure(queries: Array, row: int, nodes: Array, item: int) -> float:
    """Mean half angle between two packed poses to within ``_SLACK``, fast."""
    total = np.float32(0)
    for j in range(_LANES):
        dot = abs(queries[row, 0, j] * nodes[item, 0, j] + queries[row, 1, j] * nodes[item, 1, j]
                  + queries[row, 2, j] * nodes[item, 2, j] + queries[row, 3, j] * nodes[item, 3, j])
        # arccos to 2e-8 (Abramowitz and Stegun 4.4.46)
        p = np.float32(-0.0012624911) * dot + np.float32(0.0066700901)
        p = p * dot - np.float32(0.0170881256)
        p = p * dot + np.float32(0.0308918810)
        p = p * dot - np.float32(0.0501743046)
        p = p * dot + np.float32(0.0889789874)
        p = p * dot - np.float32(0.2145988016)
        p = p * dot + np.float32(1.5707963050)
        total += np.sqrt(abs(np.float32(1) - dot)) * p
    return float(total / NUM_JOINTS)


@njit(cache=True, nogil=True)
def _exact(query: Array, pose: Array) -> float:
    """Mean half angle in float64, by chords, so that it is right near zero."""
    total = 0.0
    for j in range(NUM_JOINTS):
        dot = 0.0
        for c in range(4):
            dot += np.float64(query[c, j]) * pose[c, j]
        sign = -1.0 if dot < 0 else 1.0
        chord = 0.0
        for c in range(4):
            chord += (query[c, j] - sign * np.float64(pose[c, j])) ** 2
        total += 2 * np.arcsin(min(1.0, 0.5 * np.sqrt(chord)))
    return total / NUM_JOINTS


@njit(cache=True, nogil=True)
def _search(queries: Array, nodes: Array, radii: Array, first: Array, distance: Array, index: Array) -> None:
    """The nearest poses of each query; ``nodes[first[l]:first[l+1]]`` are level l of the tree, level 0 the poses."""
    top = len(first) - 2
    k = distance.shape[1]
    bounds = np.empty(first[top + 1] - first[top], np.float32)
    stack = np.empty((top * WIDTH + 1, 2), np.int64)
    promise = np.empty(top * WIDTH + 1, np.float32)
    for row in range(len(queries)):
        best, found = distance[row], index[row]
        best[:] = np.inf
        found[:] = 0
        for i in range(len(bounds)):
            bounds[i] = _measure(queries, row, nodes, first[top] + i) - radii[first[top] + i]
        for begin in np.argsort(bounds):
            if bounds[begin] >= best[k - 1]:
                break
            stack[0, 0], stack[0, 1], promise[0] = top, begin, bounds[begin]
            height = 1
            while height > 0:
                height -= 1
                if promise[height] >= best[k - 1]:
                    continue
                level, bottom = stack[height, 0] - 1, height
                low = first[level] + stack[height, 1] * WIDTH
                for item in range(low, min(low + WIDTH, first[level + 1])):
                    bound = _measure(queries, row, nodes, item) - radii[item]
                    if level == 0:
                        if bound - _SLACK < best[k - 1]:
                            _insert(_exact(queries[row], nodes[item]), item, best, found)
                    elif bound < best[k - 1]:
                        place = height  # sorted, the most promising on top of the stack
                        while place > bottom and promise[place - 1] < bound:
                            promise[place] = promise[place - 1]
                            stack[place] = stack[place - 1]
                            place -= 1
                        promise[place], stack[place, 0], stack[place, 1] = bound, level, item - first[level]
                        height += 1


@njit(cache=True, nogil=True, inline="always")
def _insert(value: float, item: int, best: Array, found: Array) -> None:
    """Keep ``best`` sorted with ``value`` in it, if it belongs there."""
    place = len(best) - 1
    if value >= best[place]:
        return
    while place > 0 and best[place - 1] > value:
        best[place], found[place] = best[place - 1], found[place - 1]
        place -= 1
    best[place], found[place] = value, item
