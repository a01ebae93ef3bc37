"""How rough values on the Gaussians are, as one sparse product with a backward pass of its own."""

from __future__ import annotations

from typing import Any

import numpy as np
import scipy.sparse as sp
import torch
from numpy.typing import NDArray
from torch import Tensor


class Smoothness:
    """Squared distances of every Gaussian's values to the mean of its neighbours' (PERSONA's Laplacian).

    Args:
        neighbours: (N,K) numbers of the neighbours.
        weight: (N,) of each Gaussian; 1 by default.
    """

    def __init__(self, neighbours: NDArray[Any], weight: NDArray[Any] | None = None) -> None:
        count, k = neighbours.shape
        rows = np.arange(0, count * k + 1, k)
        mean = sp.csr_matrix((np.full(count * k, 1 / k, np.float32), neighbours.ravel(), rows), (count, count))
        self.matrix = (sp.identity(count, dtype=np.float32, format="csr") - mean).tocsr()
        if weight is not None:
            self.matrix = (sp.diags(np.sqrt(weight).astype(np.float32)) @ self.matrix).tocsr()
        self.transposed = self.matrix.T.tocsr()

    def __call__(self, *terms: tuple[float, Tensor]) -> Tensor:
        """Sum over terms of weight x squared roughness of values (N,C), summed over Gaussians."""
        stacked = torch.cat([weight**0.5 * values for weight, values in terms], 1)
        return _Roughness.apply(stacked, self)


class _Roughness(torch.autograd.Function):
    """|L x|^2, whose derivative is 2 L^T L x."""

    @staticmethod
    def forward(ctx: Any, values: Tensor, smoothness: Smoothness) -> Tensor:
        rough = smoothness.matrix @ values.detach().numpy()
        ctx.rough, ctx.smoothness = rough, smoothness
        return values.new_tensor(float(np.vdot(rough, rough)))

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor, None]:
        return 2 * grad * torch.from_numpy(ctx.smoothness.transposed @ ctx.rough), None
