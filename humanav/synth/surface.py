"""A skinned piece of surface, and the few mesh operations garments and hair are made with."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

Array = NDArray[np.float32]
Faces = NDArray[np.int64]


@dataclass(frozen=True)
class Surface:
    """A skinned triangle mesh in the T-pose.

    Attributes:
        points: (N,3) T-pose position for this person's shape, metres.
        rest: (N,3) the same point on the mean body: patterns are painted in these coordinates, so that they do not
            depend on the shape.
        weights: (N,55) skinning weights.
        faces: (F,3).
        keep: (N,) the surface is cut off where this is negative (metres from the hem, by convention).
        material: index into the person's list of materials.
    """

    points: Array
    rest: Array
    weights: Array
    faces: Faces
    keep: Array
    material: int

    def pose(self, transforms: Array) -> Array:
        """Linear blend skinning with (55,3,4) joint transforms: (N,3)."""
        blend = (self.weights @ transforms.reshape(len(transforms), 12)).reshape(-1, 3, 4)
        return np.einsum("nij,nj->ni", blend[..., :3], self.points) + blend[..., 3]


def normals(points: Array, faces: Faces) -> Array:
    """Area-weighted unit vertex normals (N,3)."""
    a, b, c = (points[faces[:, k]] for k in range(3))
    cross = np.cross(b - a, c - a)
    out = np.stack([np.bincount(faces.ravel(), np.repeat(cross[:, k], 3), len(points)) for k in range(3)], axis=1)
    return (out / np.maximum(np.linalg.norm(out, axis=1, keepdims=True), 1e-12)).astype(np.float32)


def averaging(faces: Faces, count: int) -> sparse.csr_matrix:
    """(N,N) matrix that replaces every vertex by the mean of its neighbours."""
    edges = np.concatenate([faces[:, [0, 1]], faces[:, [1, 2]], faces[:, [2, 0]]])
    graph = sparse.coo_matrix((np.ones(len(edges)), (edges[:, 0], edges[:, 1])), shape=(count, count)).tocsr()
    graph = ((graph + graph.T) > 0).astype(np.float64)
    degree = np.maximum(np.asarray(graph.sum(axis=1)).ravel(), 1)
    return sparse.diags(1 / degree) @ graph


def smooth(values: Array, faces: Faces, iterations: int, rate: float = 0.6) -> Array:
    """Laplacian smoothing of per-vertex values (N,C)."""
    matrix, out = averaging(faces, len(values)), np.asarray(values, np.float64)
    for _ in range(iterations):
        out = out + rate * (matrix @ out - out)
    return out.astype(np.float32)


def submesh(surface: Surface, use_faces: NDArray[np.bool_]) -> tuple[Surface, NDArray[np.int64]]:
    """The part made of some faces, and the index of each of its vertices in the whole."""
    faces = surface.faces[use_faces]
    index, inverse = np.unique(faces, return_inverse=True)
    part = replace(
        surface,
        points=surface.points[index],
        rest=surface.rest[index],
        weights=surface.weights[index],
        keep=surface.keep[index],
        faces=inverse.reshape(-1, 3).astype(np.int64),
    )
    return part, index


def _mixed(surface: Surface, first: NDArray[np.int64], second: NDArray[np.int64], share: Array) -> dict[str, Any]:
    """Vertices on edges: (1-share) of the first end and share of the second, appended to the old ones."""
    out = {}
    for name in ("points", "rest", "weights", "keep"):
        value = getattr(surface, name)
        s = share if value.ndim == 1 else share[:, None]
        out[name] = np.concatenate([value, (1 - s) * value[first] + s * value[second]]).astype(np.float32)
    return out


def subdivide(surface: Surface) -> Surface:
    """Each triangle into four at the edge midpoints."""
    f = surface.faces
    edges = np.sort(np.concatenate([f[:, [0, 1]], f[:, [1, 2]], f[:, [2, 0]]]), axis=1)
    unique, inverse = np.unique(edges, axis=0, return_inverse=True)
    mid = inverse.reshape(3, -1).T + len(surface.points)
    faces = np.concatenate(
        [
            np.stack([f[:, 0], mid[:, 0], mid[:, 2]], 1),
            np.stack([f[:, 1], mid[:, 1], mid[:, 0]], 1),
            np.stack([f[:, 2], mid[:, 2], mid[:, 1]], 1),
            mid,
        ]
    )
    half = np.full(len(unique), 0.5, np.float32)
    return replace(surface, faces=faces, **_mixed(surface, unique[:, 0], unique[:, 1], half))


def clip(surface: Surface) -> Surface:
    """Cut the surface along ``keep`` = 0: hems and hairlines are smooth curves, not rows of triangles."""
    inside = surface.keep >= 0
    count = inside[surface.faces].sum(axis=1)
    whole = surface.faces[count == 3]
    cut = surface.faces[(count == 1) | (count == 2)]
    if len(cut) == 0:
        return (
            submesh(replace(surface, faces=whole), np.ones(len(whole), bool))[0]
            if len(whole)
            else replace(surface, faces=whole)
        )
    lone_inside = inside[cut].sum(axis=1) == 1
    # turn each face so that its odd vertex (the one alone on its side) comes first
    odd = np.where(lone_inside, inside[cut].argmax(axis=1), (~inside[cut]).argmax(axis=1))
    cut = np.take_along_axis(cut, (odd[:, None] + np.arange(3)) % 3, axis=1)
    edges = np.concatenate([cut[:, [0, 1]], cut[:, [0, 2]]])
    unique, inverse = np.unique(np.sort(edges, axis=1), axis=0, return_inverse=True)
    first, second = unique[:, 0], unique[:, 1]
    k0, k1 = surface.keep[first], surface.keep[second]
    added = _mixed(surface, first, second, (k0 / (k0 - k1)).astype(np.float32))
    added["keep"][len(surface.keep) :] = 0
    new = inverse.reshape(2, -1) + len(surface.points)
    ab, ac = new[0], new[1]
    one = np.stack([cut[:, 0], ab, ac], 1)[lone_inside]
    two = ~lone_inside
    faces = np.concatenate(
        [whole, one, np.stack([ab, cut[:, 1], cut[:, 2]], 1)[two], np.stack([ab, cut[:, 2], ac], 1)[two]]
    )
    grown = replace(surface, faces=faces, **added)
    return submesh(grown, np.ones(len(faces), bool))[0]


def tube(rings: Array, weights: Array, material: int, closed: bool = True, rest: Array | None = None) -> Surface:
    """A surface through (R,C,3) rings with (R,C,55) weights; ``closed`` joins the last column to the first."""
    rows, columns = rings.shape[:2]
    r, c = np.meshgrid(np.arange(rows - 1), np.arange(columns if closed else columns - 1), indexing="ij")
    a, b = r * columns + c, r * columns + (c + 1) % columns
    d, e = a + columns, b + columns
    faces = np.concatenate([np.stack([a, b, e], -1).reshape(-1, 3), np.stack([a, e, d], -1).reshape(-1, 3)])
    points = rings.reshape(-1, 3).astype(np.float32)
    return Surface(
        points,
        points if rest is None else rest.reshape(-1, 3).astype(np.float32),
        weights.reshape(len(points), -1).astype(np.float32),
        faces.astype(np.int64),
        np.ones(len(points), np.float32),
        material,
    )
