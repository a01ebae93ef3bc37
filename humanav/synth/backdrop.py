"""Painted surroundings: walls, streets and parks as pictures (sRGB 0..1), floors as functions of the place."""

from __future__ import annotations

import colorsys
from typing import Literal

import cv2
import numpy as np
from numpy.typing import NDArray

from humanav.synth.noise import fbm, smoothstep

Array = NDArray[np.float32]
Place = Literal["studio", "room", "brick", "park", "street", "beach"]
PLACES: tuple[Place, ...] = ("studio", "room", "brick", "park", "street", "beach")
FLOORS: dict[Place, tuple[str, ...]] = {
    "studio": ("seamless",),
    "room": ("planks", "carpet", "tiles", "concrete"),
    "brick": ("concrete", "paving"),
    "park": ("grass", "paving", "gravel"),
    "street": ("paving", "asphalt"),
    "beach": ("sand",),
}


def hsv(h: float, s: float, v: float) -> Array:
    """Hue, saturation, value (0..1) to RGB (3,)."""
    return np.array(colorsys.hsv_to_rgb(h % 1, s, v), np.float32)


def _noise(height: int, width: int, frequency: tuple[float, float], octaves: int, seed: int) -> Array:
    """Noise picture (H,W); frequency in cycles per picture height, (across, up)."""
    v, u = np.mgrid[:height, :width].astype(np.float32) / height
    points = np.stack([u.ravel() * frequency[0], v.ravel() * frequency[1], np.full(u.size, 0.37)], axis=1)
    return fbm(points, 1.0, octaves, 0.5, seed).reshape(height, width)


def _blur(image: Array, sigma: float) -> Array:
    return np.asarray(cv2.GaussianBlur(image, (0, 0), sigma), np.float32) if sigma > 0.3 else image


def _room(rng: np.random.Generator, h: int, w: int, ppm: float) -> Array:
    """An indoor wall with some of: panelling, pictures, a window, a cabinet, plants."""
    base = hsv(
        rng.choice([0.08, 0.1, 0.12, 0.3, 0.45, 0.55, 0.6, 0.98]), rng.uniform(0.02, 0.22), rng.uniform(0.62, 0.93)
    )
    wall = np.broadcast_to(base, (h, w, 3)).copy()
    wall *= (1 + 0.03 * _noise(h, w, (6, 6), 3, int(rng.integers(999))))[..., None]

    def y(metres: float) -> int:
        return int(h - metres * ppm)

    if rng.random() < 0.45:  # panelling with a dado rail
        rail, tone = rng.uniform(0.8, 1.1), np.clip(base * rng.uniform(0.8, 1.1) + rng.uniform(0, 0.08), 0, 1)
        wall[y(rail) :] = tone
        cv2.rectangle(wall, (0, y(rail + 0.05)), (w, y(rail)), (tone * 1.04).tolist(), -1)
        cv2.line(wall, (0, y(rail)), (w, y(rail)), (tone * 0.75).tolist(), 2)
        step = int(rng.uniform(0.5, 0.9) * ppm)
        for x in range(int(rng.integers(step)), w, step):
            box = (x, y(rail - 0.12)), (x + step - int(0.14 * ppm), y(0.22))
            cv2.rectangle(wall, *box, (tone * 0.86).tolist(), max(2, int(0.015 * ppm)))
            cv2.rectangle(
                wall, (box[0][0] + 2, box[0][1] + 2), (box[1][0] + 2, box[1][1] + 2), (tone * 1.05).tolist(), 1
            )
    if rng.random() < 0.5:  # a bright window with curtains
        cx, half = int(w * (0.5 + rng.choice([-1, 1]) * rng.uniform(0.09, 0.2))), int(0.7 * ppm)
        top, bottom = y(2.5), y(0.9)
        glass = np.linspace(0, 1, max(bottom - top, 1))[:, None, None] * np.array([-0.1, 0.0, -0.2]) + np.array(
            [0.93, 0.96, 1.0]
        )
        wall[top:bottom, max(cx - half, 0) : cx + half] = glass
        trees = (
            _noise(bottom - top, 2 * half, (5, 5), 4, int(rng.integers(999)))
            + np.linspace(-0.45, 0.5, bottom - top)[:, None]
        )
        green = smoothstep(0.0, 0.25, trees)[:, : wall[top:bottom, max(cx - half, 0) : cx + half].shape[1], None]
        part = wall[top:bottom, max(cx - half, 0) : cx + half]
        part += green * (np.array([0.55, 0.68, 0.42]) - part) * 0.8
        for x in (cx - half, cx, cx + half):
            cv2.line(wall, (x, top), (x, bottom), (0.93, 0.93, 0.92), max(3, int(0.05 * ppm)))
        for yy in (top, bottom):
            cv2.line(wall, (cx - half, yy), (cx + half, yy), (0.93, 0.93, 0.92), max(3, int(0.06 * ppm)))
        cloth = hsv(rng.random(), rng.uniform(0.02, 0.25), rng.uniform(0.7, 0.95))
        for x0 in (cx - half - int(0.3 * ppm), cx + half - int(0.1 * ppm)):
            x1 = x0 + int(0.4 * ppm)
            if x0 >= 0 and x1 < w:
                folds = 0.86 + 0.14 * np.sin(np.linspace(0, 8 * np.pi, x1 - x0))
                wall[y(2.65) : y(0.05), x0:x1] = folds[None, :, None] * cloth
    for _ in range(rng.integers(0, 4)):  # pictures
        cx, cy = int(rng.uniform(0.1, 0.9) * w), y(rng.uniform(1.45, 1.8))
        a, b = rng.uniform(0.18, 0.4) * ppm, rng.uniform(0.2, 0.45) * ppm
        p0, p1 = (int(cx - a), int(cy - b)), (int(cx + a), int(cy + b))
        shade = wall[max(p0[1], 0) : p1[1] + int(0.04 * ppm), max(p0[0], 0) : p1[0] + int(0.03 * ppm)]
        shade *= 0.8
        cv2.rectangle(wall, p0, p1, hsv(0.08, rng.uniform(0, 0.6), rng.uniform(0.15, 0.8)).tolist(), -1)
        m = int(0.03 * ppm)
        cv2.rectangle(wall, (p0[0] + m, p0[1] + m), (p1[0] - m, p1[1] - m), (0.94, 0.93, 0.9), -1)
        q = int(0.085 * ppm)
        sub = wall[max(p0[1] + q, 0) : p1[1] - q, max(p0[0] + q, 0) : p1[0] - q]
        if sub.size:
            n = _noise(sub.shape[0], sub.shape[1], (3, 3), 3, int(rng.integers(999)))[..., None]
            c0, c1 = hsv(rng.random(), 0.4, 0.75), hsv(rng.random(), 0.5, 0.45)
            sub[:] = c0 + smoothstep(-0.25, 0.25, n) * (c1 - c0)
    if rng.random() < 0.5:  # a cabinet against the wall
        cx, half = int(rng.uniform(0.15, 0.85) * w), int(rng.uniform(0.4, 0.9) * ppm)
        top = y(rng.uniform(0.6, 0.95))
        wood = hsv(rng.uniform(0.05, 0.1), rng.uniform(0.15, 0.5), rng.uniform(0.35, 0.8))
        x0, x1 = max(cx - half, 0), cx + half
        area = wall[top : y(0.1), x0:x1]
        if area.size:
            area[:] = wood * (1 + 0.12 * _noise(area.shape[0], area.shape[1], (2, 30), 3, 5))[..., None]
            for k in (0.33, 0.66):
                x = int(x0 + k * (x1 - x0))
                cv2.line(wall, (x, top), (x, y(0.1)), (wood * 0.6).tolist(), 2)
            cv2.rectangle(wall, (x0, top - int(0.03 * ppm)), (x1, top), (wood * 1.1).tolist(), -1)
            wall[y(0.1) : y(0.0), x0:x1] *= 0.45
    for _ in range(rng.integers(0, 3)):  # a plant in a pot
        cx, size = int(rng.uniform(0.08, 0.92) * w), rng.uniform(0.6, 1.1)
        leaf = hsv(rng.uniform(0.24, 0.36), rng.uniform(0.35, 0.6), rng.uniform(0.3, 0.55))
        root = y(0.35)
        for _ in range(46):
            angle, length = rng.normal(0, 0.75), rng.uniform(0.35, 1.0) * size * ppm
            tip = np.array([cx + np.sin(angle) * length * 0.6, root - np.cos(angle) * length])
            mid = (tip + [cx, root]) / 2 + [0, -0.12 * length]
            tone = leaf * rng.uniform(0.65, 1.35)
            cv2.ellipse(
                wall,
                (
                    tuple(map(float, mid)),
                    (float(length * 0.9), float(0.09 * ppm * size)),
                    float(np.degrees(np.arctan2(tip[1] - root, tip[0] - cx))),
                ),
                np.clip(tone, 0, 1).tolist(),
                -1,
            )
        pot = hsv(rng.random(), rng.uniform(0.05, 0.45), rng.uniform(0.4, 0.9))
        corners = np.array(
            [[cx - 0.19 * ppm, y(0.4)], [cx + 0.19 * ppm, y(0.4)], [cx + 0.14 * ppm, y(0.0)], [cx - 0.14 * ppm, y(0.0)]]
        )
        cv2.fillPoly(wall, [corners.astype(np.int32)], pot.tolist())
    skirting = np.clip(base * 0.5 + 0.5, 0, 1)
    cv2.rectangle(wall, (0, y(0.1)), (w, h), (skirting * 0.96).tolist(), -1)
    cv2.line(wall, (0, y(0.1)), (w, y(0.1)), (skirting * 0.7).tolist(), 2)
    return wall


def _brick(rng: np.random.Generator, h: int, w: int, ppm: float) -> Array:
    """Brickwork, painted or bare."""
    bare = rng.random() < 0.6
    tone = (
        hsv(rng.uniform(0.01, 0.06), rng.uniform(0.3, 0.55), rng.uniform(0.45, 0.7))
        if bare
        else hsv(rng.random(), rng.uniform(0.0, 0.12), rng.uniform(0.7, 0.92))
    )
    mortar = np.clip(tone * (0.6 if not bare else 0.4) + (0.22 if not bare else 0.4), 0, 0.9)
    v, u = (np.mgrid[:h, :w] / ppm).astype(np.float32)
    row = np.floor(v / 0.075)
    x = u / 0.24 + 0.5 * (row % 2)
    edge = np.minimum(np.minimum(x % 1, 1 - x % 1) * 0.24, np.minimum(v / 0.075 % 1, 1 - v / 0.075 % 1) * 0.075)
    ids = np.stack([np.floor(x).ravel() + 0.5, row.ravel() + 0.5, np.full(x.size, 0.5)], axis=1)
    each = fbm(ids * 1.37, 1.0, 1, 0.5, 3).reshape(h, w)
    face = tone * (1 + (0.5 if bare else 0.1) * each + 0.12 * _noise(h, w, (40, 40), 2, 8))[..., None]
    return (mortar + smoothstep(0.004, 0.011, edge)[..., None] * (face - mortar)).astype(np.float32)


def _foliage(rng: np.random.Generator, image: Array, low: float, hue: float, ppm: float) -> None:
    """Trees from ``low`` (share of the picture from the top) down: two soft layers of leaves with gaps of sky."""
    h, w = image.shape[:2]
    level = np.linspace(0, 1, h)[:, None]
    for k, (shade, gap) in enumerate(((0.80, 0.14), (0.56, 0.02))):
        top = low + 0.22 * k + 0.30 * _noise(1, w, (1.3 / 12 / h * 60, 1), 3, int(rng.integers(999)))
        leaves = _noise(h, w, (9, 9), 4, int(rng.integers(999)))
        cover = smoothstep(-0.05, 0.12, level - top + 0.5 * (leaves - gap)) * (
            1 - 0.35 * smoothstep(0.12, 0.3, leaves) * (k == 0)
        )
        light = np.clip(shade + 0.55 * _noise(h, w, (14, 14), 4, int(rng.integers(999))) - 0.15 * level, 0.14, 1)
        tone = hsv(hue + 0.015 * k, 0.42, 1.0) * light[..., None]
        image += cover[..., None] * (tone - image)
    image[:] = _blur(image, 0.12 * ppm)
    for _ in range(90):  # out-of-focus glints
        x, y, r = int(rng.integers(w)), int(h * (low + (0.85 - low) * rng.random())), int(ppm * rng.uniform(0.08, 0.22))
        spot = np.zeros((2 * r + 3, 2 * r + 3), np.float32)
        cv2.circle(spot, (r + 1, r + 1), r, (float(rng.uniform(0.10, 0.45)),), -1, cv2.LINE_AA)
        area = image[max(y - r - 1, 0) : y + r + 2, max(x - r - 1, 0) : x + r + 2]
        if area.shape[:2] == spot.shape:
            area += spot[..., None] * (np.array([0.98, 0.97, 0.80]) - area)


def _sky(rng: np.random.Generator, h: int, w: int) -> Array:
    top, low = hsv(0.58, rng.uniform(0.15, 0.5), rng.uniform(0.75, 0.95)), hsv(rng.choice([0.58, 0.1]), 0.08, 0.97)
    t = np.linspace(0, 1, h)[:, None, None]
    sky = np.broadcast_to(top + (low - top) * t, (h, w, 3)).astype(np.float32).copy()
    cloud = smoothstep(0.0, 0.5, _noise(h, w, (2.5, 5), 5, int(rng.integers(999))))[..., None]
    return sky + cloud * (0.97 - sky) * 0.7


def _park(rng: np.random.Generator, h: int, w: int, ppm: float) -> Array:
    image = _sky(rng, h, w)
    hue = float(rng.choice([0.22, 0.25, 0.28, 0.14]))
    _foliage(rng, image, rng.uniform(-0.05, 0.3), hue, ppm)
    for _ in range(rng.integers(2, 7)):
        x, bark = int(rng.integers(w)), np.zeros((h, w), np.float32)
        cv2.line(
            bark,
            (x, h),
            (x + int(rng.normal(0, 0.4 * ppm)), int(h * 0.35)),
            (1.0,),
            int(rng.uniform(0.2, 0.45) * ppm),
            cv2.LINE_AA,
        )
        bark = _blur(bark, 0.12 * ppm)[..., None] * np.linspace(0.1, 0.95, h)[:, None, None]
        image += bark * (hsv(0.08, 0.35, 0.26) - image)
    grass = smoothstep(0.93, 0.97, np.linspace(0, 1, h))[:, None, None]
    image += grass * (hsv(hue, 0.35, 0.40) - image)
    return _blur(image, 0.05 * ppm)


def _street(rng: np.random.Generator, h: int, w: int, ppm: float) -> Array:
    image = _sky(rng, h, w)
    x = 0
    while x < w:
        width, top = int(rng.uniform(2.5, 5) * ppm), int(h * rng.uniform(-0.1, 0.3))
        tone = hsv(rng.choice([0.05, 0.08, 0.1, 0.58, 0.0]), rng.uniform(0.05, 0.35), rng.uniform(0.45, 0.85))
        cv2.rectangle(image, (x, top), (x + width, h), tone.tolist(), -1)
        pane = hsv(0.58, rng.uniform(0.1, 0.35), rng.uniform(0.25, 0.5))
        step = int(1.25 * ppm)
        for wx in range(x + int(0.4 * ppm), x + width - int(0.7 * ppm), step):
            for wy in range(top + int(0.5 * ppm), int(h - 3.2 * ppm), int(1.7 * ppm)):
                cv2.rectangle(image, (wx, wy), (wx + int(0.7 * ppm), wy + int(1.1 * ppm)), pane.tolist(), -1)
        shop = hsv(rng.random(), rng.uniform(0.2, 0.5), rng.uniform(0.25, 0.6))
        cv2.rectangle(
            image,
            (x + int(0.3 * ppm), int(h - 2.6 * ppm)),
            (x + width - int(0.3 * ppm), int(h - 0.2 * ppm)),
            (pane * 0.8).tolist(),
            -1,
        )
        cv2.rectangle(
            image,
            (x + int(0.2 * ppm), int(h - 3.1 * ppm)),
            (x + width - int(0.2 * ppm), int(h - 2.5 * ppm)),
            shop.tolist(),
            -1,
        )
        for _ in range(5):
            cv2.circle(
                image,
                (x + int(rng.uniform(0.1, 0.9) * width), int(h - rng.uniform(0.5, 2.4) * ppm)),
                int(rng.uniform(0.05, 0.14) * ppm),
                hsv(0.12, 0.35, 1.0).tolist(),
                -1,
                cv2.LINE_AA,
            )
        x += width
    cv2.rectangle(image, (0, int(h - 0.15 * ppm)), (w, h), (0.55, 0.54, 0.53), -1)
    return _blur(image, 0.1 * ppm)


def _beach(rng: np.random.Generator, h: int, w: int, ppm: float) -> Array:
    image = _sky(rng, h, w)
    horizon = int(h * 0.8)
    sea = hsv(0.52, rng.uniform(0.35, 0.6), rng.uniform(0.55, 0.75))
    t = np.linspace(0, 1, h - horizon)[:, None, None]
    image[horizon:] = sea + (np.array([0.86, 0.93, 0.92]) - sea) * t**2
    image[horizon:] *= (1 + 0.12 * _noise(h - horizon, w, (6, 40), 3, 4))[..., None]
    return _blur(image, 0.06 * ppm)


def paint_wall(place: Place, rng: np.random.Generator, detail: float = 1.0) -> tuple[Array, float, float]:
    """The vertical backdrop: picture (H,W,3) sRGB, pixels per metre, and its distance behind the person in metres.

    The picture's bottom edge lies on the floor, its centre column behind the person; it repeats mirrored.
    """
    if place == "studio":
        return np.ones((8, 8, 3), np.float32), 1.0, 2.6
    if place in ("room", "brick"):
        ppm, distance = 100.0 * detail, rng.uniform(1.3, 3.0)
        h, w = int(3.4 * ppm), int(9 * ppm)
        wall = _room(rng, h, w, ppm) if place == "room" else _brick(rng, h, w, ppm)
        # a lens focused on the person blurs what lies behind
        return _blur(wall, (0.004 + 0.005 * distance) * ppm), ppm, distance
    ppm, distance = 34.0 * detail, rng.uniform(11, 17)
    h, w = int(12 * ppm), int(34 * ppm)
    painter = {"park": _park, "street": _street, "beach": _beach}[place]
    return np.clip(painter(rng, h, w, ppm), 0, 1), ppm, distance


def floor_color(kind: str, base: Array, x: Array, z: Array, footprint: Array, seed: int) -> Array:
    """sRGB (N,3) of the floor at metres (x, z); ``footprint`` is a pixel's size there, which fades fine detail out."""
    points = np.stack([x, np.full_like(x, 0.1), z], axis=1)

    def detail(frequency: float | tuple[float, float, float], octaves: int = 3) -> Array:
        top = float(np.max(frequency))
        return fbm(points, frequency, octaves, 0.55, seed) * smoothstep(0.9, 0.15, footprint * top)

    def lines(coordinate: Array, period: float, width: float) -> Array:
        edge = np.abs((coordinate / period + 0.5) % 1 - 0.5) * period
        return smoothstep(width + footprint.mean(), 0.0, edge) * np.clip(width / np.maximum(footprint, 1e-4), 0, 1)

    def cell(a: Array, b: Array) -> Array:
        return fbm(
            np.stack([np.floor(a) + 0.5, np.floor(b) + 0.5, np.full_like(a, 0.5)], axis=1) * 1.37, 1.0, 1, 0.5, seed
        )

    one = np.ones_like(x)
    if kind == "planks":
        row = np.floor(x / 0.13)
        along = z / 1.5 + cell(x / 0.13, one) * 3
        tone = one + 0.28 * cell(row, along) + 0.16 * detail((26.0, 1.0, 1.6), 4) - 0.35 * lines(x, 0.13, 0.003)
    elif kind == "tiles":
        gap = np.maximum(lines(x, 0.42, 0.005), lines(z, 0.42, 0.005))
        tone = one + 0.08 * cell(x / 0.42 + 0.5, z / 0.42 + 0.5) + 0.05 * detail(9.0) - 0.2 * gap
    elif kind == "paving":
        row = np.floor(z / 0.3)
        shifted = x + 0.3 * (row % 2)
        gap = np.maximum(lines(shifted, 0.6, 0.008), lines(z + 0.15, 0.3, 0.008))
        tone = one + 0.16 * cell(shifted / 0.6 + 0.5, z / 0.3 + 1) + 0.06 * detail(40.0, 2) - 0.3 * gap
    elif kind == "grass":
        tone = one + 0.35 * detail((90.0, 1.0, 40.0), 3) + 0.25 * detail(2.5)
    elif kind == "carpet":
        tone = one + 0.12 * detail(160.0, 2) + 0.07 * detail(5.0)
    elif kind == "gravel":
        tone = one + 0.4 * detail(70.0, 3) + 0.1 * detail(2.0)
    elif kind == "sand":
        tone = one + 0.12 * detail((6.0, 1.0, 14.0), 3) + 0.14 * detail(90.0, 2)
    elif kind == "asphalt":
        tone = one + 0.35 * detail(120.0, 2) + 0.12 * detail(1.5)
    elif kind == "concrete":
        tone = one + 0.14 * detail(3.0, 5) + 0.06 * detail(60.0, 2)
    else:
        tone = one
    return np.clip(base * tone[:, None], 0, 1).astype(np.float32)
