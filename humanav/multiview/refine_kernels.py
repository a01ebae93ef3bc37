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

from humanav.multiview.refine_fragments import composite, fragments

Array = np.ndarray[Any, np.dtype[Any]]

BONES = 22
TWISTS = 6 * BONES
SHAPE_NUMBERS = 10
"""Of a Gaussian from the avatar pass: weighted colour error (3) and weight, light seen, agreement, slope and curvature
by its normal offset, slope and curvature by its opacity."""
_FAINT = 0.02  # what a fragment would change a channel by at most if it went, below which its motion is not asked
_TELLS = 1e-3  # curvature of a pixel's row below which it is left out
_MOST_SLOTS = 24  # bones that move what a pixel shows; of more, the nearest to the camera are left out


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
        scale: (F,V) weight of a pixel. target: (S,4+P) and trust: (S,2+P): see ``PixelTargets``.
        strength: (3,) of colour, cover and each person's cover. soft: (2,) where colour and cover turn robust.
        costs: (F,V) out. gradient: (F,P,132) and curvature: (F,P,132,132), its upper triangle: added to.
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
                last = composite(first, starts[pixel + 1], who, alpha, color, owner, target[at, :3], light, value)
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
                last = composite(first, starts[pixel + 1], who, alpha, color, owner, target[at, :3], light, value)
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
                composite(starts[pixel], starts[pixel + 1], who, alpha, color, owner, black, light, value)
                for c in range(4 + people):
                    drawn[first_pixel + pixel, c] = value[c]
