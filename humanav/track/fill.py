"""Fill holes of a picture from the rest of it, with texture: pieces that fit are found, coarse to fine, and blended.

The coarsest level is filled from the rim inwards (Criminisi et al. 2004); finer ones follow it and are made to agree
with themselves (Wexler et al. 2007, with the search of PatchMatch, Barnes et al. 2009). A piece may be made a little
brighter or darker, so that light that falls off over a wall stays smooth.
"""

from __future__ import annotations

import math
from typing import Any

import cv2
import numpy as np
from numba import njit
from numpy.typing import NDArray

Pixels = NDArray[np.uint8]
Floats = NDArray[np.float32]
Binary = NDArray[np.bool_]
Field = NDArray[np.int32]  # (H,W,2) row and column from which each pixel's piece was taken, -1 for none

_HALF = 3  # pieces are 7 x 7 pixels
_BIAS = 12.0  # grey values by which a piece may be changed
_ROOM = 64  # pixels: at least so much round a hole is looked at
_COARSEST = 72  # pixels of the longer side
_NARROW = 4.0  # pixels: holes that reach no deeper than this need no coarser level
_REACH = 6  # pixels: how far finer levels look round what the coarser one found
_FADE = 1.3  # how fast trust in made-up pixels falls with their distance from known ones
_FAR = 4.0  # what a pixel of distance costs a piece at the coarsest level, in squared grey values


def fill_holes(image: Pixels, hole: Binary, seed: int = 0) -> Pixels:
    """The picture uint8 (H,W,3) with the pixels of ``hole`` (H,W) made up; the others are as they were.

    The result is the same for the same input and ``seed``. Where nothing is known at all it is grey.
    """
    if not hole.any():
        return image.copy()
    if hole.all():
        return np.full_like(image, 128)
    out = image.copy()
    part = _surroundings(hole)
    out[part][hole[part]] = _filled(image[part], hole[part], seed)[hole[part]]
    return out


def _filled(image: Pixels, hole: Binary, seed: int) -> Pixels:
    levels = _pyramid(image, hole)
    known, gap = levels[-1]
    now, field = _begin(known, gap)
    for depth, (known, gap) in reversed(list(enumerate(levels))):
        if now.shape != known.shape:
            now = np.asarray(cv2.resize(now, known.shape[1::-1], interpolation=cv2.INTER_LINEAR), dtype=np.float32)
        now[~gap] = known[~gap]
        rounds = 1 if gap.sum() > 60_000 else 2
        now, field = _complete(now, gap, field, 1 if depth == len(levels) - 1 else 2, rounds, seed + depth)
    return np.clip(np.round(now), 0, 255).astype(np.uint8)


def _surroundings(hole: Binary) -> tuple[slice, slice]:
    """The part of the picture round the hole from which it is filled."""
    rows, columns = np.flatnonzero(hole.any(axis=1)), np.flatnonzero(hole.any(axis=0))
    room = max(_ROOM, int(rows[-1] - rows[0]), int(columns[-1] - columns[0]))
    return (slice(max(0, int(rows[0]) - room), int(rows[-1]) + 1 + room),
            slice(max(0, int(columns[0]) - room), int(columns[-1]) + 1 + room))


def _pyramid(image: Pixels, hole: Binary) -> list[tuple[Floats, Binary]]:
    """(picture, hole) at full size and halved again and again, known pixels mixed with known ones only."""
    levels = [(image.astype(np.float32), hole)]
    depth = float(cv2.distanceTransform(np.pad(hole, 1).astype(np.uint8), cv2.DIST_L2, 3).max())
    while max(levels[-1][1].shape) > 2 * _COARSEST and min(levels[-1][1].shape) > 16 and depth > _NARROW:
        above, gap = levels[-1]
        size = (above.shape[1] + 1) // 2, (above.shape[0] + 1) // 2
        share = cv2.resize((~gap).astype(np.float32), size, interpolation=cv2.INTER_AREA)
        mixed = cv2.resize(above * ~gap[..., None], size, interpolation=cv2.INTER_AREA)
        levels.append(((mixed / np.maximum(share, 1e-6)[..., None]).astype(np.float32), np.asarray(share < 0.6)))
        depth /= 2
    return levels


def _sources(hole: Binary) -> Binary:
    """(H,W) centres of pieces that lie in the picture and are known."""
    height, width = hole.shape
    whole = cv2.dilate(hole.astype(np.uint8), np.ones((2 * _HALF + 1,) * 2, np.uint8)) == 0
    for edge in (np.s_[:_HALF], np.s_[max(height - _HALF, 0):], np.s_[:, :_HALF], np.s_[:, max(width - _HALF, 0):]):
        whole[edge] = False
    return np.asarray(whole)


def _begin(image: Floats, hole: Binary) -> tuple[Floats, Field]:
    """The coarsest level, from the rim inwards, what continues lines first (Criminisi et al. 2004); without any whole
    piece to take it is smooth."""
    field = np.full((*hole.shape, 2), -1, dtype=np.int32)
    small = np.clip(image, 0, 255).astype(np.uint8)
    smooth = cv2.inpaint(small, hole.astype(np.uint8), 3, cv2.INPAINT_TELEA).astype(np.float32)
    sources = np.argwhere(_sources(hole)).astype(np.int32)
    if not len(sources):
        return smooth, field
    now = np.where(hole[..., None], smooth, image).astype(np.float32)
    _peel(now, ~hole, sources, field)
    return now, field


def _complete(
    image: Floats, hole: Binary, coarser: Field, ratio: int, rounds: int, seed: int
) -> tuple[Floats, Field]:
    """One level: the picture with its hole filled, and where each piece came from."""
    whole = _sources(hole)
    touched = cv2.dilate(hole.astype(np.uint8), np.ones((2 * _HALF + 1,) * 2, np.uint8)) > 0
    sources, targets = (np.argwhere(mask).astype(np.int32) for mask in (whole, touched))
    field = np.full((*hole.shape, 2), -1, dtype=np.int32)
    if not len(sources) or not len(targets):
        return image, field
    index = np.full(hole.shape, -1, dtype=np.int32)
    index[targets[:, 0], targets[:, 1]] = np.arange(len(targets))
    inside = np.asarray(cv2.distanceTransform(hole.astype(np.uint8), cv2.DIST_L2, 3), dtype=np.float32)
    trust = np.maximum(np.float32(_FADE) ** -inside, np.float32(0.05)).astype(np.float32)
    random = np.random.default_rng(seed)
    found = _start(targets, sources, whole, coarser, ratio, random)
    for _ in range(rounds):
        cost, bias = _search(image, trust, whole, targets, index, found, _REACH, 2, random)
        scale = max(float(np.percentile(cost, 50)), 4.0)
        image = _vote(image, hole, trust, targets, found, cost, bias, scale)
    field[targets[:, 0], targets[:, 1]] = found
    return image, field


def _start(
    targets: NDArray[np.int32], sources: NDArray[np.int32], whole: Binary, coarser: Field, ratio: int,
    random: np.random.Generator,
) -> NDArray[np.int32]:
    """A first source (N,2) for each target: what the coarser level found, else any."""
    found = sources[random.integers(0, len(sources), len(targets))]
    above = np.minimum(targets // ratio, np.array(coarser.shape[:2]) - 1)
    guess = ratio * coarser[above[:, 0], above[:, 1]] + targets - ratio * above
    limit = np.array(whole.shape) - 1
    fits = (coarser[above[:, 0], above[:, 1], 0] >= 0) & (guess <= limit).all(axis=1) & (guess >= 0).all(axis=1)
    guess = np.clip(guess, 0, limit)
    fits &= whole[guess[:, 0], guess[:, 1]]
    found[fits] = guess[fits]
    return found


@njit(cache=True, nogil=True)
def _peel(image: Any, filled: Any, sources: Any, field: Any) -> None:
    """Fill ``image`` in place, piece by piece; ``field`` (H,W,2) gets the pixel that each was copied from."""
    height, width = filled.shape
    sure = np.zeros((height, width), dtype=np.float32)
    for y in range(height):
        for x in range(width):
            sure[y, x] = 1.0 if filled[y, x] else 0.0
    bias = np.zeros(3, dtype=np.float32)
    kept = np.zeros(3, dtype=np.float32)
    weight = np.zeros((height, width), dtype=np.float32)
    while True:
        best, by, bx, bc = -1.0, -1, -1, 0.0
        for y in range(height):
            for x in range(width):
                if filled[y, x]:
                    continue
                left, right = x > 0 and filled[y, x - 1], x < width - 1 and filled[y, x + 1]
                up, down = y > 0 and filled[y - 1, x], y < height - 1 and filled[y + 1, x]
                if not (left or right or up or down):
                    continue
                ny, nx = 1.0 * int(up) - int(down), 1.0 * int(left) - int(right)
                length = math.sqrt(ny * ny + nx * nx) + 1e-6
                total, area, line = 0.0, 0, 0.0
                for v in range(max(y - _HALF, 1), min(y + _HALF + 1, height - 1)):
                    for u in range(max(x - _HALF, 1), min(x + _HALF + 1, width - 1)):
                        area += 1
                        total += sure[v, u]
                        if filled[v, u - 1] and filled[v, u + 1] and filled[v - 1, u] and filled[v + 1, u]:
                            for c in range(3):
                                gx = image[v, u + 1, c] - image[v, u - 1, c]
                                gy = image[v + 1, u, c] - image[v - 1, u, c]
                                line = max(line, abs(gx * ny - gy * nx) / length)
                sureness = total / max(area, 1)
                value = sureness * sureness * (line + 2.0)
                if value > best:
                    best, by, bx, bc = value, y, x, sureness
        if by < 0:
            return
        for y in range(max(by - _HALF, 0), min(by + _HALF + 1, height)):
            for x in range(max(bx - _HALF, 0), min(bx + _HALF + 1, width)):
                weight[y, x] = 1.0 if filled[y, x] else 0.0
        least, sy, sx = np.inf, -1, -1
        for n in range(len(sources)):
            y, x = sources[n, 0], sources[n, 1]
            far = _FAR * math.sqrt((y - by) ** 2 + (x - bx) ** 2)
            value = _apart(image, weight, by, bx, y, x, np.inf, bias) + far
            if value < least:
                least, sy, sx = value, y, x
                kept[0], kept[1], kept[2] = bias[0], bias[1], bias[2]
        for y in range(max(by - _HALF, 0), min(by + _HALF + 1, height)):
            for x in range(max(bx - _HALF, 0), min(bx + _HALF + 1, width)):
                if not filled[y, x]:
                    v, u = sy + y - by, sx + x - bx
                    for c in range(3):
                        image[y, x, c] = image[v, u, c] + kept[c]
                    field[y, x, 0], field[y, x, 1] = v, u
                    filled[y, x], sure[y, x] = True, bc


@njit(cache=True, nogil=True)
def _apart(image: Any, trust: Any, ty: int, tx: int, sy: int, sx: int, best: float, bias: Any) -> float:
    """How badly the piece at (sy, sx) fits at (ty, tx) after the change of colour ``bias`` (3,), which it sets."""
    height, width = trust.shape
    total = 0.0
    s0, s1, s2, q = 0.0, 0.0, 0.0, 0.0
    for dy in range(-_HALF, _HALF + 1):
        y = ty + dy
        if y < 0 or y >= height:
            continue
        for dx in range(-_HALF, _HALF + 1):
            x = tx + dx
            if x < 0 or x >= width:
                continue
            w = trust[y, x]
            d0 = image[y, x, 0] - image[sy + dy, sx + dx, 0]
            d1 = image[y, x, 1] - image[sy + dy, sx + dx, 1]
            d2 = image[y, x, 2] - image[sy + dy, sx + dx, 2]
            total += w
            s0 += w * d0
            s1 += w * d1
            s2 += w * d2
            q += w * (d0 * d0 + d1 * d1 + d2 * d2)
    s0, s1, s2, q = s0 / total, s1 / total, s2 / total, q / total
    b0 = min(max(s0, -_BIAS), _BIAS)
    b1 = min(max(s1, -_BIAS), _BIAS)
    b2 = min(max(s2, -_BIAS), _BIAS)
    cost = q - 2 * (b0 * s0 + b1 * s1 + b2 * s2) + 1.2 * (b0 * b0 + b1 * b1 + b2 * b2)
    if cost < best:
        bias[0], bias[1], bias[2] = b0, b1, b2
    return cost


@njit(cache=True, nogil=True)
def _search(
    image: Any, trust: Any, whole: Any, targets: Any, index: Any, found: Any, reach: int, rounds: int, random: Any
) -> Any:
    """Better sources for every target, in place: those of its neighbours, shifted, and random ones ever nearer."""
    height, width = trust.shape
    count = len(targets)
    cost = np.empty(count, dtype=np.float32)
    bias = np.zeros((count, 3), dtype=np.float32)
    for n in range(count):
        cost[n] = _apart(image, trust, targets[n, 0], targets[n, 1], found[n, 0], found[n, 1], np.inf, bias[n])
    for k in range(rounds):
        step = 1 if k % 2 == 0 else -1
        for m in range(count):
            n = m if step > 0 else count - 1 - m
            ty, tx = targets[n, 0], targets[n, 1]
            for axis in range(2):
                y, x = (ty - step, tx) if axis == 0 else (ty, tx - step)
                if y < 0 or x < 0 or y >= height or x >= width or index[y, x] < 0:
                    continue
                other = found[index[y, x]]
                sy, sx = other[0] + ty - y, other[1] + tx - x
                if sy < 0 or sx < 0 or sy >= height or sx >= width or not whole[sy, sx]:
                    continue
                if sy == found[n, 0] and sx == found[n, 1]:
                    continue
                value = _apart(image, trust, ty, tx, sy, sx, cost[n], bias[n])
                if value < cost[n]:
                    cost[n], found[n, 0], found[n, 1] = value, sy, sx
            radius = float(reach)
            while radius >= 1.0:
                sy = found[n, 0] + round((2 * random.random() - 1) * radius)
                sx = found[n, 1] + round((2 * random.random() - 1) * radius)
                radius *= 0.5
                if sy < 0 or sx < 0 or sy >= height or sx >= width or not whole[sy, sx]:
                    continue
                value = _apart(image, trust, ty, tx, sy, sx, cost[n], bias[n])
                if value < cost[n]:
                    cost[n], found[n, 0], found[n, 1] = value, sy, sx
    return cost, bias


@njit(cache=True, nogil=True)
def _vote(image: Any, hole: Any, trust: Any, targets: Any, found: Any, cost: Any, bias: Any, scale: float) -> Any:
    """The picture with each pixel of the hole the mean of what all pieces over it say, good fits counting most."""
    height, width = hole.shape
    total = np.zeros((height, width, 3), dtype=np.float32)
    weight = np.zeros((height, width), dtype=np.float32)
    for n in range(len(targets)):
        ty, tx, sy, sx = targets[n, 0], targets[n, 1], found[n, 0], found[n, 1]
        w = (math.exp(-cost[n] / (2 * scale)) + 1e-4) * trust[ty, tx]
        for dy in range(-_HALF, _HALF + 1):
            y = ty + dy
            if y < 0 or y >= height:
                continue
            for dx in range(-_HALF, _HALF + 1):
                x = tx + dx
                if x < 0 or x >= width or not hole[y, x]:
                    continue
                near = w / (1.0 + dy * dy + dx * dx)
                for c in range(3):
                    total[y, x, c] += near * (image[sy + dy, sx + dx, c] + bias[n, c])
                weight[y, x] += near
    out = image.copy()
    for y in range(height):
        for x in range(width):
            if hole[y, x] and weight[y, x] > 0:
                for c in range(3):
                    out[y, x, c] = min(max(total[y, x, c] / weight[y, x], 0.0), 255.0)
    return out
