"""Numba kernels that composite projected Gaussians tile by tile, and their derivatives. See ``splat_numba``.

A projected Gaussian is a row of ``shape`` (N,8) float32: -a/2, -b, -c/2 of its conic (a b; b c), the logarithm of its
opacity, and -b/a, r, k, with which the pixels of the row dy below its centre that reach the cutoff are those within
sqrt(r - k dy^2) of dx = -b/a dy. Its centre ``mean`` (N,2) is float64, so that dx and dy are exact to float32.

Pixels are worked through :data:`~humanav.render.lanes.WIDTH` at a time, from wherever a Gaussian's row begins. A tile
keeps its pixels in one flat buffer of planes: transmittance, the last place in the tile's list that was drawn there,
and one plane per channel (its colour so far; in the backward pass its cotangent, and before them what lies behind).
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numba import njit, prange

from humanav.render.lanes import WIDTH, choose, fill, largest, load, ramp, store, total

Array = np.ndarray[Any, np.dtype[Any]]

TILE = 32
"""Side of a tile in pixels. Kernels keep the value they were compiled with: all that use it are in this file."""
BLOCK = 8
"""Side of the squares of a tile that are left out once nothing behind can be seen there."""
CUTOFF = np.float32(np.log(1 / 255))
"""Logarithm of the alpha from which on a Gaussian is drawn."""
LARGEST = np.float32(0.99)
"""The most that alpha can be."""
OPAQUE = np.float32(1e-4)
"""A pixel that lets no more light than this through is done."""
MOMENTS = 6
"""Derivatives by a Gaussian's place and shape in the picture; those by its colours follow."""
_SHIFT = TILE.bit_length() - 1
_DIGIT = 11  # bits of a key that are sorted by at a time
_STRIDE = TILE + WIDTH
_PLANE = TILE * _STRIDE
_ACROSS = TILE // BLOCK
_LOOK_EVERY = 32
_ZERO, _MIDDLE, _ONE = np.float32(0), np.float32(0.5), np.float32(1)
# exp(x) = p(x)^8 for ln(1/255) <= x <= 0: relative error below 6e-7 (minimax)
_P0, _P1, _P2, _P3, _P4, _P5 = (np.float32(value) for value in (
    0.9999999253798393, 0.12499911437502628, 0.007810738300848891, 0.0003242074644377776, 9.71883073245753e-06,
    1.7910153033990477e-07))


@njit(cache=True, nogil=True)
def nearest_first(keys: Array, chosen: Array) -> Array:
    """``chosen`` (M,) int32 in the order of their ``keys`` (N,) uint32, equal ones as they come: a radix sort."""
    source, target = chosen.copy(), np.empty_like(chosen)
    counts = np.empty(1 << _DIGIT, np.int64)
    for digit in range(3):
        shift, mask = np.uint32(digit * _DIGIT), np.uint32((1 << _DIGIT) - 1)
        counts[:] = 0
        for i in source:
            counts[(keys[i] >> shift) & mask] += 1
        before = 0
        for value in range(counts.shape[0]):
            counts[value], before = before, before + counts[value]
        for i in source:
            value = (keys[i] >> shift) & mask
            target[counts[value]] = i
            counts[value] += 1
        source, target = target, source
    return source


@njit(cache=True, nogil=True)
def into_tiles(sorted_ids: Array, box: Array, across: int, down: int) -> tuple[Array, Array, Array, Array]:
    """Lists of the Gaussians that touch each tile, nearest first, by counting.

    Returns:
        ``starts`` (tiles+1,) and ``members``: tile k lists members[starts[k]:starts[k+1]]; ``firsts`` (N+1,) and
        ``places``: Gaussian i stands in ``members`` at places[firsts[i]:firsts[i+1]].
    """
    starts, firsts = np.zeros(across * down + 1, np.int64), np.zeros(box.shape[0] + 1, np.int64)
    for i in sorted_ids:
        for row in range(box[i, 2] >> _SHIFT, (box[i, 3] >> _SHIFT) + 1):
            for column in range(box[i, 0] >> _SHIFT, (box[i, 1] >> _SHIFT) + 1):
                starts[row * across + column + 1] += 1
                firsts[i + 1] += 1
    for k in range(1, starts.shape[0]):
        starts[k] += starts[k - 1]
    for i in range(1, firsts.shape[0]):
        firsts[i] += firsts[i - 1]
    members, places = np.empty(starts[-1], np.int32), np.empty(starts[-1], np.int32)
    free = starts[:-1].copy()
    for i in sorted_ids:
        at = firsts[i]
        for row in range(box[i, 2] >> _SHIFT, (box[i, 3] >> _SHIFT) + 1):
            for column in range(box[i, 0] >> _SHIFT, (box[i, 1] >> _SHIFT) + 1):
                tile = row * across + column
                members[free[tile]], places[at] = i, free[tile]
                free[tile] += 1
                at += 1
    return starts, members, firsts, places


@njit(cache=True, inline="always")
def _exponential(power: Any) -> Any:
    """exp of every lane between the cutoff and 0; anything outside."""
    root = ((((power * _P5 + _P4) * power + _P3) * power + _P2) * power + _P1) * power + _P0
    square = root * root
    fourth = square * square
    return fourth * fourth


@njit(cache=True, inline="always")
def _span(center: float, half: float, first: int, last: int) -> tuple[int, int]:
    """The pixels among first..last whose centres lie within ``half`` of ``center``, and a little more."""
    slack = np.float32(0.01) + np.float32(1e-6) * (abs(center) + half)
    start, stop = np.ceil(center - half - slack - _MIDDLE), np.floor(center + half + slack - _MIDDLE)
    return max(first, int(start)), min(last, int(stop))


@njit(cache=True, inline="always")
def _within(box: Array, i: int, x0: int, y0: int) -> tuple[int, int, int, int]:
    """The columns and rows, first and last, of the tile at x0, y0 that lie in Gaussian i's box."""
    return (max(box[i, 0] - x0, 0), min(box[i, 1] - x0, TILE - 1),
            max(box[i, 2] - y0, 0), min(box[i, 3] - y0, TILE - 1))


@njit(cache=True)
def _look(planes: Array, alive: Array) -> int:
    """Mark the blocks of a tile where something behind can still be seen; how many there are."""
    count = 0
    for block in range(_ACROSS * _ACROSS):
        if not alive[block]:
            continue
        at = (block // _ACROSS) * BLOCK * _STRIDE + block % _ACROSS * BLOCK
        most = load(planes, at)
        for row in range(1, BLOCK):
            value = load(planes, at + row * _STRIDE)
            most = choose(value, most, value, most)
        alive[block] = largest(most) > OPAQUE
        count += alive[block]
    return count


@njit(cache=True, inline="always")
def _hidden(alive: Array, left: int, right: int, top: int, bottom: int) -> bool:
    """Whether no block under these pixels of a tile is alive."""
    for row in range(top // BLOCK, bottom // BLOCK + 1):
        for column in range(left // BLOCK, right // BLOCK + 1):
            if alive[row * _ACROSS + column]:
                return False
    return True


@njit(cache=True, nogil=True, error_model="numpy")
def _forward_tile(
    members: Array, mean: Array, shape: Array, box: Array, colors: Array, x0: int, y0: int, planes: Array, alive: Array,
) -> None:
    """Composite the Gaussians ``members`` of one tile, front to back."""
    cutoff, most, opaque, nothing, one = fill(CUTOFF), fill(LARGEST), fill(OPAQUE), fill(_ZERO), fill(_ONE)
    steps = ramp()
    left_alive = _ACROSS * _ACROSS
    for place in range(members.shape[0]):
        if place % _LOOK_EVERY == _LOOK_EVERY - 1:
            left_alive = _look(planes, alive)
            if left_alive == 0:
                break
        i = members[place]
        left, right, top, bottom = _within(box, i, x0, y0)
        if left_alive < _ACROSS * _ACROSS and _hidden(alive, left, right, top, bottom):
            continue
        a, b, c, log_opacity = shape[i, 0], shape[i, 1], shape[i, 2], shape[i, 3]
        lean, reach, shrink = shape[i, 4], shape[i, 5], shape[i, 6]
        mx, my = mean[i, 0] - x0, mean[i, 1] - y0
        middle, here = np.float32(mx), fill(np.float32(place))
        for row in range(top, bottom + 1):
            dy = np.float32(row + 0.5 - my)
            half = reach - shrink * dy * dy
            if half < _ZERO:
                continue
            first, last = _span(middle + lean * dy, np.sqrt(half), left, right)
            linear, constant = b * dy, c * dy * dy + log_opacity
            for x in range(first, last + 1, WIDTH):
                at = row * _STRIDE + x
                dx = steps + np.float32(x + 0.5 - mx)
                power = (dx * a + linear) * dx + constant
                alpha = _exponential(power)
                alpha = choose(most, alpha, alpha, most)
                light = load(planes, at)
                alpha = choose(power, cutoff, choose(light, opaque, alpha, nothing), nothing)
                store(planes, at, light * (one - alpha))
                store(planes, at + _PLANE, choose(alpha, nothing, here, load(planes, at + _PLANE)))
                weight = alpha * light
                for channel in range(colors.shape[1]):
                    there = at + (channel + 2) * _PLANE
                    store(planes, there, load(planes, there) + weight * colors[i, channel])


@njit(cache=True, parallel=True, nogil=True)
def forward_tiles(
    order: Array, starts: Array, members: Array, mean: Array, shape: Array, box: Array, colors: Array,
    background: Array, across: int, threads: int, image: Array, light: Array, final: Array,
) -> None:
    """Picture (H,W,C), transmittance (H,W) and the last place drawn (H,W) float32 from the tiles' lists.

    ``order``: tiles in the order in which they are dealt to the threads; ``starts`` (tiles+1): where each tile's part
    of ``members`` begins; ``background`` (C,) is seen through what light remains.
    """
    channels = colors.shape[1]
    for thread in prange(threads):
        planes = np.empty((channels + 2) * _PLANE, np.float32)
        alive = np.empty(_ACROSS * _ACROSS, np.bool_)
        for turn in range(thread, order.shape[0], threads):
            tile = order[turn]
            x0, y0 = tile % across * TILE, tile // across * TILE
            columns, rows = min(TILE, light.shape[1] - x0), min(TILE, light.shape[0] - y0)
            planes[:] = _ZERO
            planes[_PLANE: 2 * _PLANE] = -_ONE
            for row in range(rows):  # what lies outside the picture lets no light through
                planes[row * _STRIDE: row * _STRIDE + columns] = _ONE
            alive[:] = True
            _forward_tile(members[starts[tile]: starts[tile + 1]], mean, shape, box, colors, x0, y0, planes, alive)
            for row in range(rows):
                for column in range(columns):
                    y, x, at = y0 + row, x0 + column, row * _STRIDE + column
                    light[y, x], final[y, x] = planes[at], planes[at + _PLANE]
                    for channel in range(channels):
                        image[y, x, channel] = planes[at + (channel + 2) * _PLANE] + planes[at] * background[channel]


@njit(cache=True)
def _ends(planes: Array, ends: Array) -> int:
    """The last place drawn anywhere in each block of a tile, and in all of it."""
    final = -1
    for block in range(_ACROSS * _ACROSS):
        at = _PLANE + (block // _ACROSS) * BLOCK * _STRIDE + block % _ACROSS * BLOCK
        most = load(planes, at)
        for row in range(1, BLOCK):
            value = load(planes, at + row * _STRIDE)
            most = choose(value, most, value, most)
        ends[block] = int(largest(most))
        final = max(final, ends[block])
    return final


@njit(cache=True, inline="always")
def _ended(ends: Array, place: int, left: int, right: int, top: int, bottom: int) -> bool:
    """Whether nothing was drawn from ``place`` on in any block under these pixels of a tile."""
    for row in range(top // BLOCK, bottom // BLOCK + 1):
        for column in range(left // BLOCK, right // BLOCK + 1):
            if ends[row * _ACROSS + column] >= place:
                return False
    return True


@njit(cache=True, nogil=True, error_model="numpy")
def _backward_tile(
    members: Array, mean: Array, shape: Array, box: Array, colors: Array, shaping: int, x0: int, y0: int, planes: Array,
    ends: Array, sums: Array, slots: Array,
) -> None:
    """Undo :func:`_forward_tile` back to front and leave each member's derivatives in its row of ``slots``.

    What lies behind, plane 2, is the inner product of the pixel's cotangent g with all that is composited behind the
    Gaussian at hand: the derivative by its alpha is T (c . g) - behind / (1 - alpha).
    """
    channels = colors.shape[1]
    cutoff, most, nothing, one = fill(CUTOFF), fill(LARGEST), fill(_ZERO), fill(_ONE)
    steps = ramp()
    for place in range(_ends(planes, ends), -1, -1):
        i = members[place]
        left, right, top, bottom = _within(box, i, x0, y0)
        if _ended(ends, place, left, right, top, bottom):
            continue
        a, b, c, log_opacity = shape[i, 0], shape[i, 1], shape[i, 2], shape[i, 3]
        lean, reach, shrink = shape[i, 4], shape[i, 5], shape[i, 6]
        mx, my = mean[i, 0] - x0, mean[i, 1] - y0
        middle, before = np.float32(mx), fill(np.float32(place) - np.float32(0.5))
        by_one, by_x, by_y, by_xx, by_xy, by_yy = nothing, nothing, nothing, nothing, nothing, nothing
        for channel in range(channels):
            store(sums, channel * WIDTH, nothing)
        for row in range(top, bottom + 1):
            dy = np.float32(row + 0.5 - my)
            half = reach - shrink * dy * dy
            if half < _ZERO:
                continue
            first, last = _span(middle + lean * dy, np.sqrt(half), left, right)
            linear, constant = b * dy, c * dy * dy + log_opacity
            for x in range(first, last + 1, WIDTH):
                at = row * _STRIDE + x
                dx = steps + np.float32(x + 0.5 - mx)
                power = (dx * a + linear) * dx + constant
                alpha = _exponential(power)
                alpha = choose(most, alpha, alpha, most)
                drawn = choose(load(planes, at + _PLANE), before, alpha, nothing)
                alpha = choose(power, cutoff, drawn, nothing)
                odds = one / (one - alpha)
                light = load(planes, at) * odds
                store(planes, at, light)
                weight = alpha * light
                seen = nothing
                for channel in range(shaping):
                    cotangent = load(planes, at + (channel + 3) * _PLANE)
                    seen = seen + cotangent * colors[i, channel]
                    store(sums, channel * WIDTH, load(sums, channel * WIDTH) + weight * cotangent)
                for channel in range(shaping, channels):
                    cotangent = load(planes, at + (channel + 3) * _PLANE)
                    store(sums, channel * WIDTH, load(sums, channel * WIDTH) + weight * cotangent)
                seen = seen * weight
                behind = load(planes, at + 2 * _PLANE)
                store(planes, at + 2 * _PLANE, behind + seen)
                slope = choose(most, alpha, seen - behind * (alpha * odds), nothing)
                along = slope * dx
                by_one, by_x, by_xx = by_one + slope, by_x + along, by_xx + along * dx
                by_y, by_xy, by_yy = by_y + slope * dy, by_xy + along * dy, by_yy + slope * (dy * dy)
        slots[place, 0], slots[place, 1], slots[place, 2] = total(by_one), total(by_x), total(by_y)
        slots[place, 3], slots[place, 4], slots[place, 5] = total(by_xx), total(by_xy), total(by_yy)
        for channel in range(channels):
            slots[place, MOMENTS + channel] = total(load(sums, channel * WIDTH))


@njit(cache=True, parallel=True, nogil=True)
def backward_tiles(
    order: Array, starts: Array, members: Array, mean: Array, shape: Array, box: Array, colors: Array, shaping: int,
    background: Array, light: Array, final: Array, by_image: Array, by_light: Array, across: int, threads: int,
    slots: Array, by_background: Array,
) -> None:
    """Derivatives by what each Gaussian put into each tile it touches; see :func:`forward_tiles`.

    Args:
        shaping: the first so many channels move the Gaussians; the others only take a gradient to their own colours.
        light, final: what the forward pass gave; ``by_image``, ``by_light`` the derivatives by picture and light.
        slots: (members, 6+C) out: sums over pixels of d/d(log alpha) times 1, dx, dy, dx^2, dx dy, dy^2; by colours.
        by_background: (tiles, C) out.
    """
    channels = colors.shape[1]
    for thread in prange(threads):
        planes = np.empty((channels + 3) * _PLANE, np.float32)
        sums = np.empty(channels * WIDTH, np.float32)
        ends = np.empty(_ACROSS * _ACROSS, np.int64)
        for turn in range(thread, order.shape[0], threads):
            tile = order[turn]
            x0, y0 = tile % across * TILE, tile // across * TILE
            by_background[tile] = 0.0
            planes[:] = _ZERO
            planes[_PLANE: 2 * _PLANE] = -_ONE
            for row in range(min(TILE, light.shape[0] - y0)):
                for column in range(min(TILE, light.shape[1] - x0)):
                    y, x, at = y0 + row, x0 + column, row * _STRIDE + column
                    planes[at], planes[at + _PLANE] = light[y, x], final[y, x]
                    behind = by_light[y, x]
                    for channel in range(channels):
                        cotangent = by_image[y, x, channel]
                        planes[at + (channel + 3) * _PLANE] = cotangent
                        by_background[tile, channel] += cotangent * light[y, x]
                        if channel < shaping:
                            behind += cotangent * background[channel]
                    planes[at + 2 * _PLANE] = behind * light[y, x]
            part = slice(starts[tile], starts[tile + 1])
            slots[part] = _ZERO
            _backward_tile(members[part], mean, shape, box, colors, shaping, x0, y0, planes, ends, sums, slots[part])
