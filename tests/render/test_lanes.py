"""Eight numbers at once are what they are one by one."""

from __future__ import annotations

import numpy as np
from numba import njit

from humanav.render import lanes

HALF = np.float32(0.5)


@njit
def _everything(values, out):
    a, b = lanes.load(values, 3), lanes.load(values, 20)
    w = lanes.WIDTH
    lanes.store(out, 0, a + b)
    lanes.store(out, w, a - b)
    lanes.store(out, 2 * w, a * b)
    lanes.store(out, 3 * w, a / b)
    lanes.store(out, 4 * w, HALF + a * HALF)
    lanes.store(out, 5 * w, lanes.choose(a, b, lanes.ramp(), lanes.fill(HALF)))
    return lanes.total(a), lanes.largest(b)


def test_lanes_are_numbers_one_by_one():
    values = np.random.default_rng(0).uniform(1, 2, 40).astype(np.float32)
    out = np.zeros(6 * lanes.WIDTH, np.float32)
    total, largest = _everything(values, out)
    a, b = values[3: 3 + lanes.WIDTH], values[20: 20 + lanes.WIDTH]
    ramp = np.arange(lanes.WIDTH, dtype=np.float32)
    expected = [a + b, a - b, a * b, a / b, HALF + a * HALF, np.where(a > b, ramp, HALF)]
    np.testing.assert_allclose(out, np.concatenate(expected), rtol=1e-6)
    np.testing.assert_allclose(total, a.sum(), rtol=1e-6)
    assert largest == b.max()
