"""Numba kernels that project Gaussians into the picture, and the derivatives of that. See ``splat_numba``.

The projection is that of EWA splatting (Zwicker, Pfister, van Baar, Gross, "EWA Volume Splatting", 2001): a Gaussian's
covariance in the picture is J R S R^T J^T + eps2d I, where S is its covariance in the world, R the camera's rotation
and J the derivative of the perspective at its centre. As in 3D Gaussian Splatting (Kerbl et al. 2023) J is taken no
farther out than 0.3 half widths (heights) beyond the picture's edge. All of it is in float64.

``camera`` (21,) holds R row by row, t, then fx, skew, cx, fy, cy, then the least and most x/z and y/z at which J is
taken. ``covars`` (N,3,3) symmetric, or (0,3,3): then ``quats`` (N,4), w first, and ``scales`` (N,3) say the same. A
vector is a tuple of three numbers here, a matrix a tuple of its three rows.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numba import njit, prange

from humanav.render.splat_kernels import CUTOFF

Array = np.ndarray[Any, np.dtype[Any]]
Vector = tuple[float, float, float]
Matrix = tuple[Vector, Vector, Vector]

CAMERA_GRADIENTS = 17
_GROUP = 1024  # Gaussians whose camera gradients are added up before those of the next
_FAR = 2.0**30  # pixels; what reaches farther reaches everywhere
_SLACK = 1e-4  # pixels added to boxes; what reaches the cutoff is decided pixel by pixel


def groups(count: int) -> int:
    """How many rows :func:`unproject` needs for the camera's derivatives of so many Gaussians."""
    return -(-count // _GROUP)


@njit(cache=True, nogil=True, error_model="numpy")
def _dot(a: Vector, b: Vector) -> float:
    return a[0] * b[0] + a[1] * b[1] + a[2] * b[2]


@njit(cache=True, nogil=True, error_model="numpy")
def _mix(p: float, a: Vector, q: float, b: Vector) -> Vector:
    """p a + q b."""
    return (p * a[0] + q * b[0], p * a[1] + q * b[1], p * a[2] + q * b[2])


@njit(cache=True, nogil=True, error_model="numpy")
def _times(a: Vector, b: Vector) -> Vector:
    return (a[0] * b[0], a[1] * b[1], a[2] * b[2])


@njit(cache=True, nogil=True, error_model="numpy")
def _apply(m: Matrix, v: Vector) -> Vector:
    return (_dot(m[0], v), _dot(m[1], v), _dot(m[2], v))


@njit(cache=True, nogil=True, error_model="numpy")
def _transposed(m: Matrix) -> Matrix:
    return ((m[0][0], m[1][0], m[2][0]), (m[0][1], m[1][1], m[2][1]), (m[0][2], m[1][2], m[2][2]))


@njit(cache=True, nogil=True, error_model="numpy")
def _row(values: Array, i: int) -> Vector:
    return (values[i, 0], values[i, 1], values[i, 2])


@njit(cache=True, nogil=True, error_model="numpy")
def _rotation_of(camera: Array) -> Matrix:
    return ((camera[0], camera[1], camera[2]), (camera[3], camera[4], camera[5]), (camera[6], camera[7], camera[8]))


@njit(cache=True, nogil=True, error_model="numpy")
def _turn(quats: Array, i: int) -> tuple[float, float, float, float, float]:
    """The unit quaternion w, x, y, z and one over the length it had."""
    w, x, y, z = quats[i, 0], quats[i, 1], quats[i, 2], quats[i, 3]
    shorter = 1 / np.sqrt(w * w + x * x + y * y + z * z)
    return w * shorter, x * shorter, y * shorter, z * shorter, shorter


@njit(cache=True, nogil=True, error_model="numpy")
def _matrix(w: float, x: float, y: float, z: float) -> Matrix:
    return ((1 - 2 * (y * y + z * z), 2 * (x * y - w * z), 2 * (x * z + w * y)),
            (2 * (x * y + w * z), 1 - 2 * (x * x + z * z), 2 * (y * z - w * x)),
            (2 * (x * z - w * y), 2 * (y * z + w * x), 1 - 2 * (x * x + y * y)))


@njit(cache=True, nogil=True, error_model="numpy")
def _pinhole(camera: Array, p: Vector) -> tuple[float, float, float, float, float, Vector, Vector]:
    """x/z, y/z and 1/z, the first two as far out as J is taken, and the rows of J."""
    nearness = 1 / p[2]
    x, y = p[0] * nearness, p[1] * nearness
    fx, skew, fy = camera[12] * nearness, camera[13] * nearness, camera[15] * nearness
    u, v = min(max(x, camera[17]), camera[18]), min(max(y, camera[19]), camera[20])
    return x, y, nearness, u, v, (fx, skew, -(fx * u + skew * v)), (0.0, fy, -fy * v)


@njit(cache=True, parallel=True, nogil=True, error_model="numpy")
def project(
    means: Array, quats: Array, scales: Array, covars: Array, opacities: Array, camera: Array, width: int, height: int,
    near: float, eps2d: float, mean: Array, depth: Array, shape: Array, box: Array, radii: Array,
) -> None:
    """Centre (N,2), depth (N,), ``shape`` (N,8), pixel box (N,4) x0,x1,y0,y1 and half sizes (N,2) of each.

    What is not seen has the box 0,-1,0,-1 and the half sizes 0.
    """
    for i in prange(means.shape[0]):
        box[i, 0], box[i, 1], box[i, 2], box[i, 3] = 0, -1, 0, -1
        radii[i, 0], radii[i, 1] = 0, 0
        rotation = _rotation_of(camera)
        p = _mix(1.0, _apply(rotation, _row(means, i)), 1.0, (camera[9], camera[10], camera[11]))
        depth[i] = p[2]
        mean[i, 0], mean[i, 1] = 0.0, 0.0
        if not p[2] >= near:
            continue
        x, y, _, _, _, j0, j1 = _pinhole(camera, p)
        mean[i, 0] = camera[12] * x + camera[13] * y + camera[14]
        mean[i, 1] = camera[15] * y + camera[16]
        turned = _transposed(rotation)
        t0, t1 = _apply(turned, j0), _apply(turned, j1)
        if covars.shape[0]:
            spread = (_row(covars[i], 0), _row(covars[i], 1), _row(covars[i], 2))
            s0, s1 = _apply(spread, t0), _apply(spread, t1)
            xx, xy, yy = _dot(t0, s0), _dot(t0, s1), _dot(t1, s1)
        else:
            w, qx, qy, qz, _ = _turn(quats, i)
            own = _transposed(_matrix(w, qx, qy, qz))
            s0, s1 = _times(_apply(own, t0), _row(scales, i)), _times(_apply(own, t1), _row(scales, i))
            xx, xy, yy = _dot(s0, s0), _dot(s0, s1), _dot(s1, s1)
        xx, yy = xx + eps2d, yy + eps2d
        determinant = xx * yy - xy * xy
        above = 2 * (np.log(opacities[i]) - CUTOFF) if opacities[i] > 0 else -1.0
        if not (determinant > 0 and above > 0):
            continue
        wide, tall = np.sqrt(above * xx) + _SLACK, np.sqrt(above * yy) + _SLACK
        left, right = max(np.ceil(mean[i, 0] - wide - 0.5), 0.0), min(np.floor(mean[i, 0] + wide - 0.5), width - 1.0)
        top, bottom = max(np.ceil(mean[i, 1] - tall - 0.5), 0.0), min(np.floor(mean[i, 1] + tall - 0.5), height - 1.0)
        if not (left <= right and top <= bottom):
            continue
        box[i, 0], box[i, 1], box[i, 2], box[i, 3] = int(left), int(right), int(top), int(bottom)
        radii[i, 0], radii[i, 1] = int(min(np.ceil(wide - _SLACK), _FAR)), int(min(np.ceil(tall - _SLACK), _FAR))
        shape[i, 0], shape[i, 1], shape[i, 2] = -0.5 * yy / determinant, xy / determinant, -0.5 * xx / determinant
        shape[i, 3] = np.log(opacities[i])
        shape[i, 4], shape[i, 5] = xy / yy, min(above * determinant / yy, _FAR * _FAR)
        shape[i, 6] = determinant / (yy * yy)


@njit(cache=True, nogil=True, error_model="numpy")
def _by_quaternion(
    g: Matrix, w: float, x: float, y: float, z: float, shorter: float
) -> tuple[float, float, float, float]:
    """From the derivative ``g`` by the rotation matrix to that by the quaternion before it was normalised."""
    gw = 2 * (x * (g[2][1] - g[1][2]) + y * (g[0][2] - g[2][0]) + z * (g[1][0] - g[0][1]))
    gx = 2 * (w * (g[2][1] - g[1][2]) + y * (g[0][1] + g[1][0]) + z * (g[0][2] + g[2][0]) - 2 * x * (g[1][1] + g[2][2]))
    gy = 2 * (w * (g[0][2] - g[2][0]) + x * (g[0][1] + g[1][0]) + z * (g[1][2] + g[2][1]) - 2 * y * (g[0][0] + g[2][2]))
    gz = 2 * (w * (g[1][0] - g[0][1]) + x * (g[0][2] + g[2][0]) + y * (g[1][2] + g[2][1]) - 2 * z * (g[0][0] + g[1][1]))
    along = gw * w + gx * x + gy * y + gz * z
    return ((gw - along * w) * shorter, (gx - along * x) * shorter, (gy - along * y) * shorter,
            (gz - along * z) * shorter)


@njit(cache=True, parallel=True, nogil=True, error_model="numpy")
def unproject(
    means: Array, quats: Array, scales: Array, covars: Array, opacities: Array, camera: Array, eps2d: float,
    firsts: Array, places: Array, slots: Array, depth_channel: int, by_means: Array, by_quats: Array, by_scales: Array,
    by_covars: Array, by_opacities: Array, by_colors: Array, by_camera: Array,
) -> None:
    """Derivatives by the Gaussians and the camera from those in the tiles; the arrays they go into hold zeros.

    Args:
        firsts, places, slots: from ``into_tiles`` and ``backward_tiles`` of :mod:`humanav.render.splat_kernels`.
        depth_channel: the channel that is the depth, whose derivative goes on to the centre; -1 for none.
        by_camera: (groups of 1024, 17) by R, t, fx, skew, cx, fy, cy; the limits of J are held fixed.
    """
    channels = by_colors.shape[1]
    moments = slots.shape[1] - channels
    for group in prange(by_camera.shape[0]):
        own = np.empty(slots.shape[1])
        for i in range(group * _GROUP, min((group + 1) * _GROUP, means.shape[0])):
            if firsts[i] == firsts[i + 1]:
                continue
            own[:] = 0.0
            for k in range(firsts[i], firsts[i + 1]):
                for j in range(slots.shape[1]):
                    own[j] += slots[places[k], j]
            for channel in range(channels):
                by_colors[i, channel] = own[moments + channel]
            by_opacities[i] = own[0] / opacities[i]

            m, rotation = _row(means, i), _rotation_of(camera)
            p = _mix(1.0, _apply(rotation, m), 1.0, (camera[9], camera[10], camera[11]))
            x, y, nearness, u, v, j0, j1 = _pinhole(camera, p)
            turned = _transposed(rotation)
            t0, t1 = _apply(turned, j0), _apply(turned, j1)
            general = covars.shape[0] > 0
            if general:
                spread = (_row(covars[i], 0), _row(covars[i], 1), _row(covars[i], 2))
                s0, s1 = _apply(spread, t0), _apply(spread, t1)
                xx, xy, yy = _dot(t0, s0), _dot(t0, s1), _dot(t1, s1)
            else:
                w, qx, qy, qz, shorter = _turn(quats, i)
                spread = _matrix(w, qx, qy, qz)
                scale = _row(scales, i)
                v0, v1 = _apply(_transposed(spread), t0), _apply(_transposed(spread), t1)
                s0, s1 = _times(v0, scale), _times(v1, scale)
                xx, xy, yy = _dot(s0, s0), _dot(s0, s1), _dot(s1, s1)
            xx, yy = xx + eps2d, yy + eps2d
            tight = 1 / (xx * yy - xy * xy)
            a, b, c = yy * tight, -xy * tight, xx * tight
            # alpha = o exp(-1/2 d^T C d), C = (a b; b c): by the centre C d, by the covariance 1/2 C d d^T C
            gu, gv = a * own[1] + b * own[2], b * own[1] + c * own[2]
            hxx = 0.5 * (a * a * own[3] + 2 * a * b * own[4] + b * b * own[5])
            hxy = 0.5 * (a * b * own[3] + (a * c + b * b) * own[4] + b * c * own[5])
            hyy = 0.5 * (b * b * own[3] + 2 * b * c * own[4] + c * c * own[5])
            if general:
                g0, g1 = _mix(2 * hxx, s0, 2 * hxy, s1), _mix(2 * hxy, s0, 2 * hyy, s1)
                e0, e1 = _mix(hxx, t0, hxy, t1), _mix(hxy, t0, hyy, t1)
                for j in range(3):
                    for k in range(3):
                        by_covars[i, j, k] = t0[j] * e0[k] + t1[j] * e1[k]
            else:
                f0 = _times(_mix(2 * hxx, s0, 2 * hxy, s1), scale)
                f1 = _times(_mix(2 * hxy, s0, 2 * hyy, s1), scale)
                for j in range(3):
                    # by scale: the derivative by s0, s1 is f / scale; written so that a scale of 0 divides nothing
                    by_scales[i, j] = 2 * ((hxx * s0[j] + hxy * s1[j]) * v0[j] + (hxy * s0[j] + hyy * s1[j]) * v1[j])
                g0, g1 = _apply(spread, f0), _apply(spread, f1)
                by_turn = (_mix(t0[0], f0, t1[0], f1), _mix(t0[1], f0, t1[1], f1), _mix(t0[2], f0, t1[2], f1))
                by_quats[i, 0], by_quats[i, 1], by_quats[i, 2], by_quats[i, 3] = _by_quaternion(
                    by_turn, w, qx, qy, qz, shorter)
            gj0, gj1 = _apply(rotation, g0), _apply(rotation, g1)
            gz = -(_dot(gj0, j0) + _dot(gj1, j1)) * nearness
            fx, skew, fy = camera[12], camera[13], camera[15]
            gx, gy = gu * fx, gu * skew + gv * fy
            if camera[17] <= x <= camera[18]:
                gx -= gj0[2] * j0[0]
            if camera[19] <= y <= camera[20]:
                gy -= gj0[2] * j0[1] + gj1[2] * j1[1]
            gz -= (gx * x + gy * y) * nearness
            if depth_channel >= 0:
                gz += own[moments + depth_channel]
            gp = (gx * nearness, gy * nearness, gz)
            by_mean = _apply(turned, gp)
            for j in range(3):
                by_means[i, j] = by_mean[j]
                by_camera[group, j] += j0[0] * g0[j] + gp[0] * m[j]
                by_camera[group, 3 + j] += j0[1] * g0[j] + j1[1] * g1[j] + gp[1] * m[j]
                by_camera[group, 6 + j] += j0[2] * g0[j] + j1[2] * g1[j] + gp[2] * m[j]
                by_camera[group, 9 + j] += gp[j]
            by_camera[group, 12] += gu * x + (gj0[0] - gj0[2] * u) * nearness
            by_camera[group, 13] += gu * y + (gj0[1] - gj0[2] * v) * nearness
            by_camera[group, 14] += gu
            by_camera[group, 15] += gv * y + (gj1[1] - gj1[2] * v) * nearness
            by_camera[group, 16] += gv
