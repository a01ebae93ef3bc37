"""Linear algebra on the surface of a mesh: Laplacian, areas, sparse solves, harmonic extension."""

from __future__ import annotations

from typing import Any

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray
from scipy.sparse.linalg import splu

Floats = NDArray[np.float32]
Ints = NDArray[np.int64]


def cotangent_laplacian(vertices: NDArray[Any], faces: Ints) -> tuple[sp.csc_matrix, NDArray[np.float64]]:
    """Positive semi-definite cotangent Laplacian (V,V) and barycentric vertex areas (V,) in square metres.

    Cotangents are clipped to [0.05, 5]: the body's slivers would otherwise spoil the conditioning.
    """
    v = np.asarray(vertices, dtype=np.float64)
    n = len(v)
    rows, cols, values = [], [], []
    areas = np.zeros(n)
    corners = [v[faces[:, k]] for k in range(3)]
    double = np.linalg.norm(np.cross(corners[1] - corners[0], corners[2] - corners[0]), axis=1)
    for k in range(3):
        i, j = faces[:, (k + 1) % 3], faces[:, (k + 2) % 3]
        a, b = corners[(k + 1) % 3] - corners[k], corners[(k + 2) % 3] - corners[k]
        weight = 0.5 * np.clip((a * b).sum(axis=1) / np.maximum(double, 1e-12), 0.05, 5.0)
        rows += [i, j]
        cols += [j, i]
        values += [weight, weight]
        areas += np.bincount(faces[:, k], double / 6, minlength=n)
    adjacency = sp.coo_matrix((np.concatenate(values), (np.concatenate(rows), np.concatenate(cols))), (n, n)).tocsc()
    laplacian = sp.diags(np.asarray(adjacency.sum(axis=1)).ravel()) - adjacency
    return laplacian.tocsc(), np.maximum(areas, 1e-9)


def solve(matrix: sp.spmatrix, right: NDArray[Any]) -> NDArray[np.float64]:
    """Solution of a symmetric positive definite sparse system; ``right`` is (N,) or (N,C)."""
    factor = splu(sp.csc_matrix(matrix), permc_spec="MMD_AT_PLUS_A", diag_pivot_thresh=0.0,
                  options={"SymmetricMode": True})
    solution: NDArray[np.float64] = factor.solve(np.asarray(right, dtype=np.float64))
    return solution


def extend(
    laplacian: sp.csc_matrix, areas: NDArray[Any], values: NDArray[Any], weight: NDArray[Any],
    reach: float = 0.02, default: NDArray[Any] | float = 0.0,
) -> NDArray[np.float64]:
    """Values carried smoothly from where they are known over the rest of the surface.

    Minimises the Dirichlet energy plus ``areas * weight / reach**2`` times the squared distance to ``values``.

    Args:
        values: (V,) or (V,C).
        weight: (V,) trust, 0 = unknown, 1 = known.
        reach: metres over which a value of weight 1 is smoothed.
        default: what a piece of surface without any known value gets, (C,) or a number.
    """
    known = areas * weight / reach**2
    floor = areas * 1e-4
    column = values if values.ndim == 2 else values[:, None]
    right = known[:, None] * np.nan_to_num(column) + floor[:, None] * np.asarray(default)
    result = solve(laplacian + sp.diags(known + floor), right)
    return result if values.ndim == 2 else result[:, 0]


def adjacency_matrix(faces: Ints, count: int) -> sp.csr_matrix:
    """Symmetric 0/1 matrix (V,V) of which vertices share an edge."""
    i = np.concatenate([faces[:, 0], faces[:, 1], faces[:, 2]])
    j = np.concatenate([faces[:, 1], faces[:, 2], faces[:, 0]])
    matrix = sp.coo_matrix((np.ones(len(i), np.float32), (i, j)), (count, count)).tocsr()
    matrix = matrix + matrix.T
    matrix.data[:] = 1
    return matrix.tocsr()


def smoothstep(low: float, high: float, x: NDArray[Any]) -> NDArray[Any]:
    """0 below ``low``, 1 above ``high``, smooth between (``low`` may exceed ``high``)."""
    t = np.clip((x - low) / (high - low), 0, 1)
    return t * t * (3 - 2 * t)
