"""Numba kernels of the refinement: what a low-resolution picture of the scene says about poses and about avatars.

One pass composites all people's Gaussians front to back, as :mod:`humanav.render.splat` does, and walks each pixel's
fragments back to front for the exact derivative of every channel by every fragment's place. In the pose pass these are
gathered bone by bone into the picture's Gauss-Newton equations; in the avatar pass, Gaussian by Gaussian.

A channel's value at a pixel is ``A = sum_k w_k f_k`` with ``w_k = T_k a_k``; then ``dA/da_k = T_k (f_k - Q_k)``, where
``Q_k`` is the composite of what lies behind. The channels: colour minus the picture's (the picture itself is then the
background, and nothing is ever compared with what stands behind people), cover, and each person's cover.

A bone's motion is its twist about the person's pelvis o: ``dx = w x (x - o) + v``. With skin weights, a Gaussian's mean
moves by ``sum_b [w_b x arm_b + weight_b v_b]``, ``arm_b = weight_b (R_b x + t_b - o)``.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numba import njit, prange

Array = np.ndarray[Any, np.dtype[Any]]

BONES = 22
TWISTS = 6 * BONES
SHAPE_NUMBERS = 10
"""Of a Gaussian from the avatar pass: weighted colour error (3) and weight, light seen, agreement, slope and curvature
by its normal offset, slope and curvature by its opacity."""
_CUTOFF = 1.0 / 255.0
_DARK = 1e-3
_FAINT = 0.02  # what a fragment would change a channel by at most if it went, below which its motion is not asked
_NEAR = 0.1
_TELLS = 1e-3  # curvature of a pixel's row below which it is left out
_MOST_SLOTS = 24


@njit(cache=True, nogil=True, fastmath=True, error_model="numpy")
def fragments(
    means: Array, covars: Array, opacity: Array, camera: Array, left: int, top: int, width: int, height: int,
    eps2d: float,
) -> tuple[Array, Array, Array, Array, Array]:
    """Who covers which pixel of a crop, nearest first.

    Args:
        means: (G,3) world. covars: (G,6) xx, xy, xz, yy, yz, zz. opacity: (G,).
        camera: (16,) R row by row, t, fx, fy, cx, cy of the whole picture.
        left, top, width, height: of the crop in pixels.

    Returns:
        starts (W*H+1,), then by fragment the Gaussian (n,), alpha (n,) and d alpha / d mean in the picture (n,2), and
        the derivative of every mean in the picture by the world (G,2,3).
    """
    count = means.shape[0]
    flat = np.zeros((count, 2))
    depth = np.empty(count)
    conic = np.zeros((count, 3))
    slope = np.zeros((count, 2, 3))
    box = np.zeros((count, 4), np.int64)
    reach = np.zeros(count)
    fx, fy, cx, cy = camera[12], camera[13], camera[14] - left, camera[15] - top
    for g in range(count):
        x = camera[0] * means[g, 0] + camera[1] * means[g, 1] + camera[2] * means[g, 2] + camera[9]
        y = camera[3] * means[g, 0] + camera[4] * means[g, 1] + camera[5] * means[g, 2] + camera[10]
        z = camera[6] * means[g, 0] + camera[7] * means[g, 1] + camera[8] * means[g, 2] + camera[11]
        depth[g] = z
        box[g, 1] = -1
        if z < _NEAR:
            continue
        flat[g, 0], flat[g, 1] = fx * x / z + cx, fy * y / z + cy
        for a in range(3):
            slope[g, 0, a] = fx / z * (camera[a] - x / z * camera[6 + a])
            slope[g, 1, a] = fy / z * (camera[3 + a] - y / z * camera[6 + a])
        s, c = slope[g], covars[g]
        p0 = s[0, 0] * c[0] + s[0, 1] * c[1] + s[0, 2] * c[2]
        p1 = s[0, 0] * c[1] + s[0, 1] * c[3] + s[0, 2] * c[4]
        p2 = s[0, 0] * c[2] + s[0, 1] * c[4] + s[0, 2] * c[5]
        q0 = s[1, 0] * c[0] + s[1, 1] * c[1] + s[1, 2] * c[2]
        q1 = s[1, 0] * c[1] + s[1, 1] * c[3] + s[1, 2] * c[4]
        q2 = s[1, 0] * c[2] + s[1, 1] * c[4] + s[1, 2] * c[5]
        xx = p0 * s[0, 0] + p1 * s[0, 1] + p2 * s[0, 2] + eps2d
        xy = p0 * s[1, 0] + p1 * s[1, 1] + p2 * s[1, 2]
        yy = q0 * s[1, 0] + q1 * s[1, 1] + q2 * s[1, 2] + eps2d
        area = xx * yy - xy * xy
        if area <= 1e-12 or opacity[g] <= _CUTOFF:
            continue
        conic[g, 0], conic[g, 1], conic[g, 2] = yy / area, -xy / area, xx / area
        reach[g] = 2.0 * np.log(opacity[g] / _CUTOFF)
        half_x, half_y = np.sqrt(reach[g] * xx), np.sqrt(reach[g] * yy)
        box[g, 0] = max(0, int(np.ceil(flat[g, 0] - half_x - 0.5)))
        box[g, 1] = min(width - 1, int(np.floor(flat[g, 0] + half_x - 0.5)))
        box[g, 2] = max(0, int(np.ceil(flat[g, 1] - half_y - 0.5)))
        box[g, 3] = min(height - 1, int(np.floor(flat[g, 1] + half_y - 0.5)))
    order = np.argsort(depth, kind="mergesort")
    starts = np.zeros(width * height + 1, np.int64)
    for g in range(count):
        for row in range(box[g, 2], box[g, 3] + 1 if box[g, 1] >= box[g, 0] else box[g, 2]):
            dy = row + 0.5 - flat[g, 1]
            for column in range(box[g, 0], box[g, 1] + 1):
                dx = column + 0.5 - flat[g, 0]
                if conic[g, 0] * dx * dx + 2 * conic[g, 1] * dx * dy + conic[g, 2] * dy * dy < reach[g]:
                    starts[row * width + column + 1] += 1
    for pixel in range(width * height):
        starts[pixel + 1] += starts[pixel]
    total = starts[width * height]
    who = np.empty(total, np.int32)
    alpha = np.empty(total, np.float32)
    push = np.empty((total, 2), np.float32)
    place = starts[:-1].copy()
    for k in range(count):
        g = order[k]
        for row in range(box[g, 2], box[g, 3] + 1 if box[g, 1] >= box[g, 0] else box[g, 2]):
            dy = row + 0.5 - flat[g, 1]
            for column in range(box[g, 0], box[g, 1] + 1):
                dx = column + 0.5 - flat[g, 0]
                far = conic[g, 0] * dx * dx + 2 * conic[g, 1] * dx * dy + conic[g, 2] * dy * dy
                if far < reach[g]:
                    at = place[row * width + column]
                    place[row * width + column] = at + 1
                    value = min(opacity[g] * np.exp(-0.5 * far), 0.99)
                    who[at], alpha[at] = g, value
                    push[at, 0] = value * (conic[g, 0] * dx + conic[g, 1] * dy)
                    push[at, 1] = value * (conic[g, 1] * dx + conic[g, 2] * dy)
    return starts, who, alpha, push, slope


@njit(cache=True, nogil=True, fastmath=True, error_model="numpy")
def _composite(
    first: int, last: int, who: Array, alpha: Array, color: Array, owner: Array, rgb: Array, light: Array, value: Array
) -> int:
    """Fill ``light`` (before each fragment) and ``value`` (C,) of a pixel; the fragment after the last that counts."""
    value[:] = 0.0
    through = 1.0
    for k in range(first, last):
        light[k - first] = through
        g = who[k]
        w = through * alpha[k]
        for c in range(3):
            value[c] += w * (color[g, c] - rgb[c])
        value[3] += w
        value[4 + owner[g]] += w
        through *= 1.0 - alpha[k]
        if through < _DARK:
            return k + 1
    return last


@njit(cache=True, nogil=True, fastmath=True, error_model="numpy")
def _weigh(
    value: Array, target: Array, trust: Array, scale: float, strength: Array, soft: Array, residual: Array,
    weight: Array,
) -> float:
    """Residuals and weights (C,) of a pixel; its cost. Charbonnier's rho, s = r^2: d^2 (sqrt(1 + s/d^2) - 1)."""
    people = value.shape[0] - 4
    square = 0.0
    for c in range(3):
        residual[c] = value[c]
        square += value[c] * value[c]
    bend = np.sqrt(1.0 + square / (soft[0] * soft[0]))
    share = scale * strength[0] * trust[0]
    cost = share * soft[0] * soft[0] * (bend - 1.0)
    for c in range(3):
        weight[c] = share / bend
    for c in range(3, 4 + people):
        residual[c] = value[c] - target[c]
        bend = np.sqrt(1.0 + residual[c] * residual[c] / (soft[1] * soft[1]))
        share = scale * (strength[1] if c == 3 else strength[2]) * trust[c - 2]
        cost += share * soft[1] * soft[1] * (bend - 1.0)
        weight[c] = share / bend
    return cost


@njit(cache=True, nogil=True, parallel=True, fastmath=True, error_model="numpy")
def pose_pass(
    means: Array, covars: Array, opacity: Array, color: Array, owner: Array, bone: Array, share: Array, arms: Array,
    cameras: Array, table: Array, scale: Array, target: Array, trust: Array, strength: Array, soft: Array,
    eps2d: float, costs: Array, gradient: Array, curvature: Array,
) -> None:
    """The Gauss-Newton equations of F frames by the twists of every person's bones.

    Args:
        means: (F,G,3). covars: (F,G,6). opacity: (G,). color: (G,3). owner: (G,).
        bone, share: (G,K) bones that move a Gaussian (-1: none) and their skin weights. arms: (F,G,K,3).
        cameras: (V,16). table: (F,V,5) first pixel, left, top, width, height of each crop (width 0: none).
        scale: (F,V) weight of a pixel. target: (S,4+P) and trust: (S,2+P): see ``Targets``.
        strength: (3,) of colour, cover and each person's cover. soft: (2,) where colour and cover turn robust.
        costs: (F,V) out. gradient: (F,P,132), curvature: (F,P,132,132): added to.
    """
    people = target.shape[1] - 4
    channels = 4 + people
    for f in prange(means.shape[0]):
        value, residual, weight = np.zeros(channels), np.zeros(channels), np.zeros(channels)
        behind, change = np.zeros(channels), np.zeros(channels)
        light = np.zeros(means.shape[1])
        slot_of = np.full(people * BONES, -1, np.int64)
        used = np.zeros(_MOST_SLOTS, np.int64)
        rows = np.zeros((channels, _MOST_SLOTS, 6))
        side = np.zeros(6)
        tells = np.zeros((channels, _MOST_SLOTS), np.bool_)
        for v in range(cameras.shape[0]):
            first_pixel, left, top, width, height = table[f, v]
            costs[f, v] = 0.0
            if width <= 0 or scale[f, v] <= 0:
                continue
            starts, who, alpha, push, slope = fragments(
                means[f], covars[f], opacity, cameras[v], left, top, width, height, eps2d)
            total = 0.0
            for pixel in range(width * height):
                at = first_pixel + pixel
                if trust[at].max() <= 0:
                    continue
                first = starts[pixel]
                last = _composite(first, starts[pixel + 1], who, alpha, color, owner, target[at, :3], light, value)
                total += _weigh(value, target[at], trust[at], scale[f, v], strength, soft, residual, weight)
                if last == first:
                    continue
                slots = 0
                behind[:] = 0.0
                for k in range(last - 1, first - 1, -1):
                    g, through, a = who[k], light[k - first], alpha[k]
                    most = 0.0
                    for c in range(channels):
                        if c < 3:
                            own = color[g, c] - target[at, c]
                        elif c == 3 or c - 4 == owner[g]:
                            own = 1.0
                        else:
                            own = 0.0
                        change[c] = through * (own - behind[c])
                        behind[c] = a * own + (1.0 - a) * behind[c]
                        most = max(most, abs(change[c]) * (1.0 if weight[c] > 0 else 0.0))
                    if most < _FAINT:
                        continue
                    px = push[k, 0] * slope[g, 0, 0] + push[k, 1] * slope[g, 1, 0]
                    py = push[k, 0] * slope[g, 0, 1] + push[k, 1] * slope[g, 1, 1]
                    pz = push[k, 0] * slope[g, 0, 2] + push[k, 1] * slope[g, 1, 2]
                    for b in range(bone.shape[1]):
                        if bone[g, b] < 0:
                            break
                        name = owner[g] * BONES + bone[g, b]
                        slot = slot_of[name]
                        if slot < 0:
                            if slots == _MOST_SLOTS:
                                continue
                            slot = slots
                            slots += 1
                            slot_of[name], used[slot] = slot, name
                            rows[:, slot] = 0.0
                        ax, ay, az = arms[f, g, b, 0], arms[f, g, b, 1], arms[f, g, b, 2]
                        part = share[g, b]
                        side[0], side[1], side[2] = ay * pz - az * py, az * px - ax * pz, ax * py - ay * px
                        side[3], side[4], side[5] = part * px, part * py, part * pz
                        for c in range(channels):
                            if weight[c] > 0:
                                for i in range(6):
                                    rows[c, slot, i] += change[c] * side[i]
                for one in range(slots):
                    person, i0 = used[one] // BONES, 6 * (used[one] % BONES)
                    for c in range(channels):
                        pull = weight[c] * residual[c]
                        large = 0.0
                        for i in range(6):
                            gradient[f, person, i0 + i] += pull * rows[c, one, i]
                            large = max(large, abs(rows[c, one, i]))
                        tells[c, one] = weight[c] * large * large > _TELLS
                for one in range(slots):
                    person, i0 = used[one] // BONES, 6 * (used[one] % BONES)
                    for two in range(slots):
                        if used[two] // BONES != person or used[two] < used[one]:
                            continue
                        j0 = 6 * (used[two] % BONES)
                        for c in range(channels):
                            if tells[c, one] and tells[c, two]:
                                for i in range(6):
                                    bent = weight[c] * rows[c, one, i]
                                    for j in range(6):
                                        curvature[f, person, i0 + i, j0 + j] += bent * rows[c, two, j]
                for one in range(slots):
                    slot_of[used[one]] = -1
            costs[f, v] = total


@njit(cache=True, nogil=True, parallel=True, fastmath=True, error_model="numpy")
def avatar_pass(
    means: Array, covars: Array, normals: Array, opacity: Array, color: Array, owner: Array, cameras: Array,
    table: Array, scale: Array, target: Array, trust: Array, strength: Array, soft: Array, eps2d: float,
    costs: Array, found: Array,
) -> None:
    """What F frames say about every Gaussian's colour, offset and opacity: ``found`` (F,G,SHAPE_NUMBERS) is added to.

    Args as :func:`pose_pass`; ``normals`` (F,G,3) is how the means move by their offsets.
    """
    people = target.shape[1] - 4
    channels = 4 + people
    for f in prange(means.shape[0]):
        value, residual, weight = np.zeros(channels), np.zeros(channels), np.zeros(channels)
        behind = np.zeros(channels)
        light = np.zeros(means.shape[1])
        for v in range(cameras.shape[0]):
            first_pixel, left, top, width, height = table[f, v]
            costs[f, v] = 0.0
            if width <= 0 or scale[f, v] <= 0:
                continue
            starts, who, alpha, push, slope = fragments(
                means[f], covars[f], opacity, cameras[v], left, top, width, height, eps2d)
            for pixel in range(width * height):
                at = first_pixel + pixel
                if trust[at].max() <= 0:
                    continue
                first = starts[pixel]
                last = _composite(first, starts[pixel + 1], who, alpha, color, owner, target[at, :3], light, value)
                costs[f, v] += _weigh(value, target[at], trust[at], scale[f, v], strength, soft, residual, weight)
                behind[:] = 0.0
                for k in range(last - 1, first - 1, -1):
                    g, through, a = who[k], light[k - first], alpha[k]
                    w = through * a
                    mine = target[at, 4 + owner[g]] if trust[at, 2 + owner[g]] > 0 else target[at, 3]
                    believe = scale[f, v] * trust[at, 0] * mine * mine * w
                    for c in range(3):
                        found[f, g, c] += believe * value[c]
                    found[f, g, 3] += believe * value[3]
                    found[f, g, 4] += scale[f, v] * w
                    found[f, g, 5] += scale[f, v] * w * mine
                    along = ((push[k, 0] * slope[g, 0, 0] + push[k, 1] * slope[g, 1, 0]) * normals[f, g, 0]
                             + (push[k, 0] * slope[g, 0, 1] + push[k, 1] * slope[g, 1, 1]) * normals[f, g, 1]
                             + (push[k, 0] * slope[g, 0, 2] + push[k, 1] * slope[g, 1, 2]) * normals[f, g, 2])
                    for c in range(channels):
                        if c < 3:
                            own = color[g, c] - target[at, c]
                        elif c == 3 or c - 4 == owner[g]:
                            own = 1.0
                        else:
                            own = 0.0
                        change = through * (own - behind[c])
                        behind[c] = a * own + (1.0 - a) * behind[c]
                        if weight[c] > 0:
                            by_opacity = change * a
                            found[f, g, 6] += weight[c] * residual[c] * change * along
                            found[f, g, 7] += weight[c] * (change * along) ** 2
                            found[f, g, 8] += weight[c] * residual[c] * by_opacity
                            found[f, g, 9] += weight[c] * by_opacity**2


@njit(cache=True, nogil=True, parallel=True, fastmath=True, error_model="numpy")
def draw_pass(
    means: Array, covars: Array, opacity: Array, color: Array, owner: Array, cameras: Array, table: Array,
    people: int, eps2d: float, drawn: Array,
) -> None:
    """The pictures themselves: ``drawn`` (S,4+P) colour over black, cover and each person's cover; other args as
    :func:`pose_pass`."""
    for f in prange(means.shape[0]):
        value, black = np.zeros(4 + people), np.zeros(3)
        light = np.zeros(means.shape[1])
        for v in range(cameras.shape[0]):
            first_pixel, left, top, width, height = table[f, v]
            if width <= 0:
                continue
            starts, who, alpha, _, _ = fragments(
                means[f], covars[f], opacity, cameras[v], left, top, width, height, eps2d)
            for pixel in range(width * height):
                _composite(starts[pixel], starts[pixel + 1], who, alpha, color, owner, black, light, value)
                for c in range(4 + people):
                    drawn[first_pixel + pixel, c] = value[c]
