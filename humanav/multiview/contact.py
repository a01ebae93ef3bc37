"""Two bodies that touch: how deep one goes into the other, how much they share, where they touch.

Exact for closed meshes: inside means a winding number above zero, depth is the distance to the nearest point of the
other surface, and the shared volume is summed over columns 5 mm apart.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import combinations
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from humanav.errors import InputError

if TYPE_CHECKING:
    from humanav.body import BodyModel
    from humanav.motion import Motion

Array = NDArray[np.float64]
Flags = NDArray[np.bool_]

TOUCHING = 0.02  # metres; what lies closer to the other body is in contact
_CELL, _BIN = 0.03, 0.005  # metres: of the grids that find the nearest triangles, and those above a point
_COLUMN = 0.005  # metres between the columns that volumes are summed over
# A general rotation: rays along its z meet no edge of a mesh that was built along the axes.
_TURN = np.linalg.qr(np.array([[1.0, 0.1372, -0.2911], [0.0713, 1.0, 0.1937], [0.3119, -0.0537, 1.0]]))[0]
_TURN = _TURN * np.sign(np.linalg.det(_TURN))


@dataclass(frozen=True)
class Penetration:
    """How two bodies meet.

    Attributes:
        depth_mm: of the vertex that lies deepest in the other body, 0 when none does.
        mean_depth_mm: over all vertices of either body inside the other.
        volume_l: litres inside both.
        contact_a, contact_b: (V,) vertices inside the other body or closer to it than the threshold.
        inside_a, inside_b: (V,) vertices inside the other body.
    """

    depth_mm: float
    mean_depth_mm: float
    volume_l: float
    contact_a: Flags
    contact_b: Flags
    inside_a: Flags
    inside_b: Flags

    @property
    def touching(self) -> bool:
        """Whether any vertex is in contact."""
        return bool(self.contact_a.any() or self.contact_b.any())


def penetration(
    vertices_a: ArrayLike, vertices_b: ArrayLike, faces: ArrayLike, *, faces_b: ArrayLike | None = None,
    threshold: float = TOUCHING, volume: bool = True,
) -> Penetration:
    """How deep two bodies (V,3), (W,3) in metres go into each other, and where they touch.

    Args:
        faces: (F,3) of the first body, or of both.
        faces_b: of the second where its topology is another one.
        threshold: metres; closer vertices count as touching.
        volume: whether to measure the shared volume (else it is 0).

    Raises:
        InputError: a mesh is not closed, or its numbers are not finite.
    """
    a, b = _vertices(vertices_a), _vertices(vertices_b)
    fa = _closed_faces(faces, len(a))
    fb = fa if faces_b is None and len(a) == len(b) else _closed_faces(faces if faces_b is None else faces_b, len(b))
    away_a, inside_a = surface_distance(a, b, fb, limit=threshold)
    away_b, inside_b = surface_distance(b, a, fa, limit=threshold)
    deep = np.concatenate([away_a[inside_a], away_b[inside_b]]) * 1000
    shared = _volume(a, fa, b, fb) if volume and (inside_a.any() or inside_b.any() or _boxes_meet(a, b)) else 0.0
    return Penetration(float(deep.max(initial=0)), float(deep.mean()) if deep.size else 0.0, shared * 1000,
                       inside_a | (away_a < threshold), inside_b | (away_b < threshold), inside_a, inside_b)


def surface_distance(
    points: ArrayLike, vertices: ArrayLike, faces: ArrayLike, *, limit: float = np.inf,
) -> tuple[Array, Flags]:
    """Distances (N,) in metres from points (N,3) to a closed mesh, and which points lie inside it.

    Distances are unsigned; beyond ``limit`` those of points outside are inf. Raises InputError as :func:`penetration`.
    """
    from humanav.multiview import contact_kernels as kernels

    p, v = _vertices(points), _vertices(vertices)
    f = _closed_faces(faces, len(v))
    away, inside = np.full(len(p), np.inf), np.zeros(len(p), dtype=bool)
    low, high = v.min(axis=0), v.max(axis=0)
    near = np.flatnonzero(((p >= low - limit) & (p <= high + limit)).all(axis=1))
    if not near.size:
        return away, inside
    turned, mesh = p[near] @ _TURN.T, v @ _TURN.T
    corner, shape = _grid(turned, 2, _BIN)
    grid = kernels.bin_triangles(mesh, f, corner, _BIN, shape)
    inside[near] = kernels.winding(turned, mesh, f, corner, _BIN, shape, *grid) > 0
    corner, shape = _grid(v, 3, _CELL)
    grid = kernels.bin_triangles(v, f, corner, _CELL, shape)
    limits = np.where(inside[near], np.inf, limit)
    away[near] = kernels.nearest(p[near], limits, v, f, corner, _CELL, shape, *grid)
    return away, inside


def contact_counts(found: Penetration, truth: Penetration) -> tuple[int, int, int]:
    """Contact vertices of both bodies that are right, wrongly found, and missed.

    Raises:
        InputError: when the two are of different meshes.
    """
    f, t = (np.concatenate([p.contact_a, p.contact_b]) for p in (found, truth))
    if f.shape != t.shape:
        raise InputError("Contacts can be compared only between bodies of the same mesh.")
    return int((f & t).sum()), int((f & ~t).sum()), int((~f & t).sum())


def contact_f1(found: Penetration, truth: Penetration) -> float:
    """F1 of the contact vertices of two found bodies against the true ones', NaN where neither pair touches.

    How close counts as touching is the threshold that both were measured with. Raises InputError as
    :func:`contact_counts`.
    """
    return f1(*contact_counts(found, truth))


def f1(right: int, wrong: int, missed: int) -> float:
    """2 right / (2 right + wrong + missed), NaN when all are zero."""
    total = 2 * right + wrong + missed
    return 2 * right / total if total else float("nan")


@dataclass(frozen=True)
class ClipContact:
    """How people meet over a clip, for every pair (P) and measured frame (N).

    Attributes:
        pairs: which two of the people.
        frames: (N,) numbers of the frames.
        depth_mm, mean_depth_mm, volume_l: (N,P).
        touching: (N,P) whether any vertex is in contact.
        right, wrong, missed: (N,P) contact vertices against the truth; None without one.
        truth_depth_mm, truth_touching: (N,P) of the truth; None without one.
    """

    pairs: tuple[tuple[int, int], ...]
    frames: NDArray[np.int64]
    depth_mm: Array
    mean_depth_mm: Array
    volume_l: Array
    touching: Flags
    right: NDArray[np.int64] | None = None
    wrong: NDArray[np.int64] | None = None
    missed: NDArray[np.int64] | None = None
    truth_depth_mm: Array | None = None
    truth_touching: Flags | None = None

    @property
    def f1(self) -> float | None:
        """Of the contact vertices of all frames and pairs together; None without a truth."""
        if self.right is None or self.wrong is None or self.missed is None:
            return None
        return f1(int(self.right.sum()), int(self.wrong.sum()), int(self.missed.sum()))

    def summary(self) -> dict[str, float | int | None]:
        """Numbers for a table. Means are over the frames in which anybody touches; 0 when nobody does."""
        rows = self.touching.any(axis=1)
        volume = self.volume_l.sum(axis=1)[rows]
        out: dict[str, float | int | None] = {
            "frames": len(self.frames), "contact_frames": int(rows.sum()),
            "penetration_mm": _mean_deepest(self.depth_mm, self.touching),
            "penetration_max_mm": float(self.depth_mm.max(initial=0)),
            "penetration_mean_mm": float(self.mean_depth_mm[self.touching].mean()) if rows.any() else 0.0,
            "penetration_l": float(volume.mean()) if volume.size else 0.0}
        if self.truth_depth_mm is not None and self.truth_touching is not None:
            out["contact_f1"] = self.f1
            out["truth_penetration_mm"] = _mean_deepest(self.truth_depth_mm, self.truth_touching)
        return out


def _mean_deepest(depth: Array, touching: Flags) -> float:
    """Of every frame in which anybody touches, the deepest; their mean."""
    deepest = depth.max(axis=1, initial=0)[touching.any(axis=1)]
    return float(deepest.mean()) if deepest.size else 0.0


def clip_contact(
    motions: Sequence[Motion], body: BodyModel | None = None, *, truth: Sequence[Motion] | None = None,
    frames: Sequence[int] | None = None, threshold: float = TOUCHING, volume: bool = True,
) -> ClipContact:
    """How the people of a clip meet: every pair in every frame.

    Args:
        motions: one a person, of the same number of frames.
        body: the built-in one by default.
        truth: the true motions in the same order: contacts are compared with theirs.
        frames: numbers of the frames to measure, all by default.

    Raises:
        InputError: motions of different lengths, or a truth of another number of people.
    """
    from humanav.body import BodyModel

    people, true = list(motions), None if truth is None else list(truth)
    if len({len(m) for m in people + (true or [])}) > 1 or (true is not None and len(true) != len(people)):
        raise InputError("The people's motions, and the true ones, must be equally many and of the same frames.")
    body_, pairs = body or BodyModel.load(), tuple(combinations(range(len(people)), 2))
    index = np.arange(len(people[0]) if people else 0) if frames is None else np.asarray(frames, dtype=np.int64)
    depth, mean, litres = (np.zeros((len(index), len(pairs))) for _ in range(3))
    touching, true_touching = (np.zeros(depth.shape, dtype=bool) for _ in range(2))
    counts, true_depth = np.zeros((3, *depth.shape), np.int64), np.zeros(depth.shape)
    for n, t in enumerate(index):
        now = [_posed(body_, m, int(t)) for m in people]
        then = None if true is None else [_posed(body_, m, int(t)) for m in true]
        for k, (i, j) in enumerate(pairs):
            met = penetration(now[i], now[j], body_.faces, threshold=threshold, volume=volume)
            depth[n, k], mean[n, k], litres[n, k] = met.depth_mm, met.mean_depth_mm, met.volume_l
            touching[n, k] = met.touching
            if then is not None:
                real = penetration(then[i], then[j], body_.faces, threshold=threshold, volume=False)
                counts[:, n, k] = contact_counts(met, real)
                true_depth[n, k], true_touching[n, k] = real.depth_mm, real.touching
    extra: dict[str, Any] = {} if true is None else {
        **dict(zip(("right", "wrong", "missed"), counts)), "truth_depth_mm": true_depth,
        "truth_touching": true_touching}
    return ClipContact(pairs, index, depth, mean, litres, touching, **extra)


def _posed(body: BodyModel, motion: Motion, t: int) -> Array:
    vertices = body.from_motion(motion, slice(t, t + 1)).vertices
    assert vertices is not None
    return np.asarray(vertices[0].numpy(), dtype=np.float64)


def _vertices(value: ArrayLike) -> Array:
    v = np.ascontiguousarray(value, dtype=np.float64)
    if v.ndim != 2 or v.shape[1] != 3 or not np.isfinite(v).all():
        raise InputError(f"A body's vertices must be finite numbers of shape (V,3); got {v.shape}.")
    return v


def _closed_faces(value: ArrayLike, vertices: int) -> NDArray[np.int64]:
    faces = np.ascontiguousarray(value, dtype=np.int64)
    if faces.ndim != 2 or faces.shape[1] != 3 or not faces.size or faces.min() < 0 or faces.max() >= vertices:
        raise InputError("The faces do not fit the vertices: (F,3) numbers of vertices are needed.")
    if not _is_closed(faces.tobytes()):
        raise InputError("Penetration can be measured only between closed meshes whose faces look outwards.")
    return faces


@lru_cache(maxsize=8)
def _is_closed(data: bytes) -> bool:
    """Whether every edge is passed as often one way as the other."""
    faces = np.frombuffer(data, np.int64).reshape(-1, 3)
    edges = np.concatenate([faces[:, [0, 1]], faces[:, [1, 2]], faces[:, [2, 0]]])
    way = np.where(edges[:, 0] < edges[:, 1], 1, -1)
    edges.sort(axis=1)
    keys, place = np.unique(edges[:, 0] * (faces.max() + 1) + edges[:, 1], return_inverse=True)
    return not np.bincount(place, weights=way, minlength=len(keys)).any()


def _grid(points: Array, axes: int, cell: float) -> tuple[Array, NDArray[np.int64]]:
    """Corner and cells of a grid over the points; of x and y only when ``axes`` is 2."""
    low, high = points.min(axis=0), points.max(axis=0)
    shape = np.floor((high - low) / cell).astype(np.int64) + 1
    shape[axes:] = 1
    return low, shape


def _boxes_meet(a: Array, b: Array) -> bool:
    return bool((np.maximum(a.min(axis=0), b.min(axis=0)) < np.minimum(a.max(axis=0), b.max(axis=0))).all())


def _volume(a: Array, faces_a: NDArray[np.int64], b: Array, faces_b: NDArray[np.int64]) -> float:
    from humanav.multiview import contact_kernels as kernels

    a, b = a @ _TURN.T, b @ _TURN.T
    low = np.maximum(a.min(axis=0), b.min(axis=0))
    high = np.minimum(a.max(axis=0), b.max(axis=0))
    if (low >= high).any():
        return 0.0
    nx, ny = (np.ceil((high - low)[:2] / _COLUMN) + 1).astype(int)
    return float(kernels.shared_volume(a, faces_a, b, faces_b, low, _COLUMN, int(nx), int(ny)))
