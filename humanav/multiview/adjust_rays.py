"""How well the rays of two cameras meet.

Convention: a camera sees a world point X at the *normalised* place (x, y) = (X_c/Z_c, Y_c/Z_c), free of the lens
(:func:`humanav.multiview.rays.undistorted`); ``x_b^T E x_a = 0`` for the two places of one point, with E = [t]x R
of the motion from camera a to camera b.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from humanav.camera import Camera

Array = NDArray[np.float64]


def essential(a: Camera, b: Camera) -> Array:
    """E (3,3) from camera a to camera b, with t of length 1 for cameras at different places."""
    R = b.R @ a.R.T
    t = b.t - R @ a.t
    length = float(np.linalg.norm(t))
    x, y, z = t / length if length > 1e-9 else t
    return np.array([[0, -z, y], [z, 0, -x], [-y, x, 0]]) @ R


def sampson(E: Array, a: ArrayLike, b: ArrayLike) -> Array:
    """Sampson distance (...,) of pairs of normalised places (...,2): how far, to first order, both must move together
    until their rays meet (Hartley and Zisserman, eq. 11.9). Times the focal length it is in pixels."""
    a, b = np.asarray(a, dtype=np.float64), np.asarray(b, dtype=np.float64)
    ax, ay, bx, by = a[..., 0], a[..., 1], b[..., 0], b[..., 1]
    l0, l1, l2 = (E[i, 0] * ax + E[i, 1] * ay + E[i, 2] for i in range(3))
    m0, m1 = (E[0, i] * bx + E[1, i] * by + E[2, i] for i in range(2))
    slope = l0 * l0 + l1 * l1 + m0 * m0 + m1 * m1
    return np.asarray(np.abs(bx * l0 + by * l1 + l2) / np.sqrt(np.maximum(slope, 1e-18)))


def meeting(a: Camera, b: Camera, places_a: ArrayLike, places_b: ArrayLike) -> tuple[Array, Array]:
    """Where the rays of normalised places (...,2) of two cameras come nearest.

    Returns:
        The gap (...,) between the rays there, in the rig's unit, and whether it lies before both cameras (1, else 0).
    """
    da, db = (np.concatenate([np.asarray(p, np.float64), np.ones((*np.shape(p)[:-1], 1))], axis=-1) @ camera.R
              for camera, p in ((a, places_a), (b, places_b)))
    da, db = da / np.linalg.norm(da, axis=-1, keepdims=True), db / np.linalg.norm(db, axis=-1, keepdims=True)
    base = b.center - a.center
    cosine = (da * db).sum(-1)
    along_a, along_b = da @ base, db @ base
    sine2 = np.maximum(1 - cosine**2, 1e-9)
    sa, sb = (along_a - cosine * along_b) / sine2, (cosine * along_a - along_b) / sine2
    gap = np.linalg.norm(base + sb[..., None] * db - sa[..., None] * da, axis=-1)
    return gap, ((sa > 0) & (sb > 0)).astype(np.float64)
