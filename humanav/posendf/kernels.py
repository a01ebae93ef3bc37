"""The distance field of one pose after another, compiled: for few poses the launches of tensor operations cost most."""

from __future__ import annotations

from typing import Any

import numpy as np
from numba import njit

Array = np.ndarray[Any, np.dtype[Any]]

KINDS = ("leaky_relu", "softplus", "silu")
"""Activations by the number that :func:`value_and_gradient` takes."""


@njit(cache=True, nogil=True, fastmath=True)
def _activate(x: Array, out: Array, slope: Array, kind: int, beta: float) -> None:
    """``out`` = activation of ``x`` (n,), ``slope`` = its derivative there."""
    for i in range(len(x)):
        v = x[i]
        if kind == 0:
            slope[i] = 1.0 if v > 0 else 0.01
            out[i] = v * slope[i]
        elif kind == 1:
            gate = 1 / (1 + np.exp(-abs(beta * v)))  # of the positive side: no overflow
            slope[i] = gate if v > 0 else 1 - gate
            out[i] = max(v, 0.0) - np.log(gate) / beta
        else:
            gate = 1 / (1 + np.exp(-v))
            out[i] = v * gate
            slope[i] = gate * (1 + v * (1 - gate))


@njit(cache=True, nogil=True, fastmath=True)
def _linear(weight: Array, x: Array, out: Array) -> None:
    """out += weight (m,n) @ x (n,)."""
    for o in range(weight.shape[0]):
        total = x.dtype.type(0)
        for i in range(weight.shape[1]):
            total += weight[o, i] * x[i]
        out[o] += total


@njit(cache=True, nogil=True, fastmath=True)
def _transposed(weight: Array, g: Array, out: Array) -> None:
    """out = weight (m,n) transposed @ g (m,)."""
    out[:] = 0
    for o in range(weight.shape[0]):
        for i in range(weight.shape[1]):
            out[i] += weight[o, i] * g[o]


@njit(cache=True, nogil=True, fastmath=True)
def value_and_gradient(
    poses: Array, parents: Array, first: Array, first_bias: Array, second: Array, second_bias: Array, weights: Array,
    biases: Array, sizes: Array, kind: int, beta: float, output_beta: float, value: Array, gradient: Array,
) -> None:
    """Distance and gradient of canonical poses, into ``value`` (B,) and ``gradient`` (B,84).

    Args:
        poses: (B,84).
        parents: (J,) parent of each joint or -1; J = 0 without an encoder.
        first, first_bias: (J,H,4+F), (J,H) of the joints' networks; a root's columns for its parent are not used.
        second, second_bias: (J,F,H), (J,F).
        weights, biases: of the distance network's layers, one after the other in one row.
        sizes: (L+1,) its widths from the input to the output, which is 1.
        kind, beta: of hidden activations. output_beta: of the output's softplus.
    """
    joints, layers, widest = len(parents), len(sizes) - 1, sizes.max()
    hidden, feature = first.shape[1], second.shape[1]
    inner, outer = np.zeros((2, joints, hidden), poses.dtype), np.zeros((2, joints, feature), poses.dtype)
    x, slopes = np.zeros((layers + 1, widest), poses.dtype), np.zeros((layers + 1, widest), poses.dtype)
    row, given = np.zeros(max(hidden, feature), poses.dtype), np.zeros(4 + feature, poses.dtype)
    sums, grad, back = np.zeros(widest, poses.dtype), np.zeros(widest, poses.dtype), np.zeros(widest, poses.dtype)
    for b in range(len(poses)):
        if joints == 0:
            x[0, :sizes[0]] = poses[b]
        for j in range(joints):
            n = 4 if parents[j] < 0 else 4 + feature
            given[:4] = poses[b, 4 * j:4 * j + 4]
            if parents[j] >= 0:
                given[4:] = x[0, feature * parents[j]:feature * parents[j] + feature]
            row[:hidden] = first_bias[j]
            _linear(first[j, :, :n], given, row)
            _activate(row[:hidden], inner[0, j], inner[1, j], kind, beta)
            row[:feature] = second_bias[j]
            _linear(second[j], inner[0, j], row)
            _activate(row[:feature], outer[0, j], outer[1, j], kind, beta)
            x[0, feature * j:feature * j + feature] = outer[0, j]
        at, low = 0, 0
        for k in range(layers):
            n, m = sizes[k], sizes[k + 1]
            sums[:m] = biases[low:low + m]
            _linear(weights[at:at + m * n].reshape(m, n), x[k], sums)
            if k < layers - 1:
                _activate(sums[:m], x[k + 1], slopes[k + 1], kind, beta)
            at, low = at + m * n, low + m
        last = output_beta * sums[0]
        gate = 1 / (1 + np.exp(-abs(last)))
        value[b] = (max(last, 0.0) - np.log(gate)) / output_beta
        grad[0] = gate if last > 0 else 1 - gate
        for k in range(layers - 1, -1, -1):
            n, m = sizes[k], sizes[k + 1]
            at -= m * n
            _transposed(weights[at:at + m * n].reshape(m, n), grad[:m], back[:n])
            for i in range(n):
                grad[i] = back[i] * slopes[k, i] if k > 0 else back[i]
        if joints == 0:
            gradient[b] = grad[:sizes[0]]
        for j in range(joints - 1, -1, -1):  # children come after their parents
            for i in range(feature):
                row[i] = grad[feature * j + i] * outer[1, j, i]
            _transposed(second[j], row[:feature], back[:hidden])
            for i in range(hidden):
                back[i] *= inner[1, j, i]
            n = 4 if parents[j] < 0 else 4 + feature
            _transposed(first[j, :, :n], back[:hidden], given[:n])
            gradient[b, 4 * j:4 * j + 4] = given[:4]
            if parents[j] >= 0:
                for i in range(feature):
                    grad[feature * parents[j] + i] += given[4 + i]
