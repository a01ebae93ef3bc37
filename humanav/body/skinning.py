"""Linear blend skinning with its own backward pass: a sparse product blends the joints' matrices vertex by vertex."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from scipy import sparse
from torch import Tensor

_CHUNK = 8  # bodies at a time: the blended matrices of more would not stay in the cache


class SkinWeights:
    """The weights (V,55) as a sparse matrix, and its transpose for the backward pass."""

    def __init__(self, index: NDArray[np.int64], weight: NDArray[Any], dtype: torch.dtype) -> None:
        rows, slots = np.nonzero(weight)
        dense = (weight[rows, slots], (rows, index[rows, slots]))
        matrix = sparse.csr_matrix(dense, shape=(len(index), 55))
        self.matrix, self.transposed = _csr(matrix, dtype), _csr(matrix.T.tocsr(), dtype)

    def to(self, device: torch.device | str) -> SkinWeights:
        """The same weights on ``device``."""
        moved = object.__new__(SkinWeights)
        moved.matrix, moved.transposed = self.matrix.to(device), self.transposed.to(device)
        return moved


def _csr(matrix: sparse.csr_matrix, dtype: torch.dtype) -> Tensor:
    with warnings.catch_warnings():  # torch says once that its CSR tensors are in beta
        warnings.simplefilter("ignore")
        return torch.sparse_csr_tensor(
            torch.from_numpy(matrix.indptr.astype(np.int64)), torch.from_numpy(matrix.indices.astype(np.int64)),
            torch.from_numpy(matrix.data).to(dtype), matrix.shape)


def skin(shaped: Tensor, rotations: Tensor, offsets: Tensor, weights: SkinWeights) -> Tensor:
    """Skinned vertices (B,V,3).

    Args:
        shaped: (1 or B, V, 3) T-pose vertices.
        rotations, offsets: (1 or B, 55, 3, 3) and (1 or B, 55, 3); joint j takes v
            to ``rotations[j] @ v + offsets[j]``.
    """
    batch = max(len(shaped), len(rotations), len(offsets))
    rows = torch.cat([rotations.expand(batch, -1, -1, -1), offsets.expand(batch, -1, -1).unsqueeze(-1)], -1)
    return _Skin.apply(shaped, rows.flatten(2), weights)


class _Skin(torch.autograd.Function):
    """shaped (1 or B, V, 3) and joint matrices (B,55,12) to (B,V,3)."""

    @staticmethod
    def forward(ctx: Any, shaped: Tensor, joints: Tensor, weights: SkinWeights) -> Tensor:
        ctx.save_for_backward(shaped, joints)
        ctx.weights = weights
        out = joints.new_empty(len(joints), shaped.shape[1], 3)
        for start in range(0, len(joints), _CHUNK):
            part = slice(start, start + _CHUNK)
            blended = _blend(weights.matrix, joints[part])
            torch.linalg.vecdot(blended[..., :3], _match(shaped, part).unsqueeze(-2), out=out[part])
            out[part] += blended[..., 3]
        return out

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor | None, Tensor | None, None]:
        shaped, joints = ctx.saved_tensors
        need_shaped, need_joints, _ = ctx.needs_input_grad
        grad_shaped = torch.zeros_like(shaped) if need_shaped else None
        grad_joints = torch.empty_like(joints) if need_joints else None
        for start in range(0, len(joints), _CHUNK):
            part = slice(start, start + _CHUNK)
            g = grad[part]
            if grad_joints is not None:
                v = _match(shaped, part)
                outer = torch.cat([g.unsqueeze(-1) * v.unsqueeze(-2), g.unsqueeze(-1)], -1)
                grad_joints[part] = _blend(ctx.weights.transposed, outer.flatten(2)).flatten(2)
            if grad_shaped is not None:
                blended = _blend(ctx.weights.matrix, joints[part])[..., :3]
                back = (blended * g.unsqueeze(-1)).sum(-2)
                if len(grad_shaped) == 1:
                    grad_shaped += back.sum(0)
                else:
                    grad_shaped[part] = back
        return grad_shaped, grad_joints, None


def _match(shaped: Tensor, part: slice) -> Tensor:
    return shaped if len(shaped) == 1 else shaped[part]


def _blend(matrix: Tensor, values: Tensor) -> Tensor:
    """Sparse (R,C) times (B,C,12): (B,R,3,4)."""
    count = len(values)
    columns = values[0] if count == 1 else values.transpose(0, 1).flatten(1)
    product = matrix @ columns
    return product.unflatten(1, (count, 3, 4)).transpose(0, 1)
