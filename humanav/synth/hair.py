"""Hair as skinned shells: a cap that grows out of the hairline, falling sheets, a bun, a tail, a beard."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter

from humanav.synth.noise import fbm, smoothstep
from humanav.synth.surface import Surface, clip, normals, smooth, subdivide, submesh, tube
from humanav.synth.template import Template

Array = NDArray[np.float32]
HairStyle = Literal["bald", "buzz", "short", "parted", "afro", "bob", "long", "bun", "ponytail"]
HAIR_STYLES: tuple[HairStyle, ...] = ("bald", "buzz", "short", "parted", "afro", "bob", "long", "bun", "ponytail")
HEAD, NECK, SPINE3 = 15, 12, 9


@dataclass(frozen=True)
class Hair:
    """A haircut.

    Attributes:
        style: which.
        length: how far down falling hair reaches, y in the mean body's T-pose.
        volume: thickness over the scalp, 0..1.
        side: where the parting lies, -1 right .. 1 left.
        beard: 0 none, 1 full.
        seed: of its strands.
    """

    style: HairStyle
    length: float = 0.0
    volume: float = 0.5
    side: float = 0.4
    beard: float = 0.0
    seed: int = 0


def azimuth(rest: Array) -> Array:
    """Angle (N,) round the head, 0 at the face, pi at the back."""
    return np.abs(np.arctan2(rest[:, 0], rest[:, 2] - 0.055)).astype(np.float32)


def hairline(rest: Array, style: HairStyle, template: Template, seed: int) -> Array:
    """Metres inside the hairy part of the scalp (N,)."""
    brow = float(template.face[:10, 1].max())
    if style in ("long", "bob"):  # curtains frame the face
        at = np.radians([0, 18, 34, 47, 57, 68, 80, 118, 135, 180])
        heights = np.array(
            [brow + 0.054, brow + 0.048, brow + 0.034, brow + 0.006, 0.236, 0.212, 0.2, 0.2, 0.19, 0.165]
        )
    else:
        low = 0.185 if style in ("buzz", "short", "parted") else 0.165
        at = np.radians([0, 25, 42, 58, 72, 84, 100, 118, 135, 180])
        heights = np.array(
            [brow + 0.045, brow + 0.047, brow + 0.041, brow + 0.018, 0.258, 0.246, 0.262, 0.232, 0.196, low]
        )
    line = np.interp(azimuth(rest), at, heights)
    angle = np.arctan2(rest[:, 0], rest[:, 2] - 0.055)
    tufts = np.stack([angle * 30, rest[:, 1] * 6, np.zeros(len(rest))], axis=1)
    ragged = 0.004 * fbm(tufts, 1.0, 2, 0.6, seed) + 0.005 * fbm(rest, 14.0, 2, 0.5, seed + 1)
    ear = (np.hypot((rest[:, 1] - 0.247) / 0.043, (rest[:, 2] - 0.069) / 0.025) - 1) * 0.025
    return np.minimum(rest[:, 1] - line + ragged, np.maximum(ear, 0.0715 - np.abs(rest[:, 0]))).astype(np.float32)


def hair_surfaces(template: Template, shaped: Array, dressed: Array, hair: Hair, material: int) -> list[Surface]:
    """Every piece of a haircut for one person.

    Args:
        shaped: (V,3) T-pose vertices of the bare body.
        dressed: (M,3) T-pose points of whatever hair lies upon (skin and clothes).
    """
    if hair.style in ("bald", "buzz"):
        return []
    cap = _cap(template, shaped, hair, material)
    pieces = [cap]
    scale = shaped[template.points[:, 1].argmax(), 1] - template.crown
    if hair.style in ("bob", "long"):
        pieces.append(_fall(template, dressed, hair, material, scale, cap))
    if hair.style == "bun":
        centre = np.array([0, 0.315, -0.045 - 0.01 * hair.volume]) + [0, scale, 0]
        pieces.append(_ball(centre, np.array([0.046, 0.042, 0.04]) * (0.9 + 0.3 * hair.volume), hair, material))
    if hair.style == "ponytail":
        pieces.append(_tail(dressed, hair, material, scale))
    return pieces


def _cap(template: Template, shaped: Array, hair: Hair, material: int) -> Surface:
    rest = template.points
    line = hairline(rest, hair.style, template, hair.seed)
    head = (template.weights[:, HEAD] > 0.3) & (template.part == 0)
    region = (head & (line > -0.03))[template.faces].any(axis=1) & head[template.faces].all(axis=1)
    outline = smooth(normals(shaped, template.faces), template.faces, 4)
    base = {
        "short": 0.011,
        "parted": 0.016,
        "afro": 0.045,
        "bob": 0.017,
        "long": 0.016,
        "bun": 0.009,
        "ponytail": 0.009,
    }[hair.style]
    grow = smoothstep(-0.004, 0.045 if hair.style not in ("short", "afro") else 0.065, line)
    top = smoothstep(0.27, 0.36, rest[:, 1])
    thick = base * (0.7 + 0.6 * hair.volume) * grow
    if hair.style in ("short", "parted"):
        thick = thick * (0.45 + 1.1 * top)
    piece, index = submesh(Surface(shaped, rest, template.weights, template.faces, line, material), region)
    points = piece.points + outline[index] * (0.0012 + thick[index])[:, None]
    points = points + (smooth(points, piece.faces, 10) - points) * smoothstep(0.0, 0.03, piece.keep)[:, None]
    sunk = (thick[index] * 0.6 + 0.002) - ((points - piece.points) * outline[index]).sum(axis=1)
    points = points + outline[index] * np.maximum(sunk, 0)[:, None]
    piece = Surface(points.astype(np.float32), piece.rest, piece.weights, piece.faces, piece.keep, material)
    for _ in range(2):
        piece = subdivide(piece)
    points = smooth(piece.points, piece.faces, 3)
    keep = hairline(piece.rest, hair.style, template, hair.seed)
    inside = smoothstep(0.0, 0.04, keep)
    strands = combed(piece.rest, hair)
    clump = (
        fbm(strands, (9, 2.0, 1), 3, 0.6, hair.seed + 5)
        if hair.style != "afro"
        else fbm(piece.rest, 70, 3, 0.6, hair.seed)
    )
    move = clump * (0.004 if hair.style != "afro" else 0.010) * (0.6 + 0.8 * hair.volume)
    if hair.style in ("parted", "bob", "long"):  # a groove at the parting
        groove = np.exp(-(((piece.rest[:, 0] - 0.028 * hair.side) / 0.005) ** 2)) * smoothstep(
            -0.01, 0.04, piece.rest[:, 2]
        )
        move = move - 0.005 * groove
    points = points + normals(points, piece.faces) * (move * inside)[:, None]
    return clip(Surface(points.astype(np.float32), piece.rest, piece.weights, piece.faces, keep, material))


def combed(rest: Array, hair: Hair) -> Array:
    """Coordinates (N,3) whose first runs across the strands (about 1 per 2.5 cm) and whose second runs along them."""
    x, y, z = rest[:, 0], rest[:, 1] - 0.27, rest[:, 2] - 0.05
    if hair.style in ("bun", "ponytail"):  # pulled back to a point behind the crown
        across = np.arctan2(x, y - 0.03) * 2.6
        return np.stack([across, z * 20, np.zeros_like(x)], axis=1).astype(np.float32)
    if hair.style in ("bob", "long", "parted"):  # falling to both sides of the parting
        across = (
            np.where(y > -0.02, np.arctan2(z, 0.09) * 3.6, np.arctan2(z, 0.09) * 3.6)
            + np.sign(x - 0.028 * hair.side) * 9
        )
        back = smoothstep(0.02, -0.05, z)
        across = across * (1 - back) + np.arctan2(x, 0.09) * 3.6 * back
        return np.stack([across, y * 14 + np.abs(x) * 6, np.zeros_like(x)], axis=1).astype(np.float32)
    crown = np.arctan2(x, z + 0.055) * 2.2
    return np.stack([crown, y * 22 + z * 8, np.zeros_like(x)], axis=1).astype(np.float32)


def _weights(y: Array) -> Array:
    """Hair hangs on the head, then the neck, then the chest."""
    out = np.zeros((*y.shape, 55), np.float32)
    head = smoothstep(0.06, 0.17, y)
    neck = (1 - head) * smoothstep(-0.05, 0.08, y)
    out[..., HEAD], out[..., NECK], out[..., SPINE3] = head, neck, 1 - head - neck
    return out


def _fall(template: Template, dressed: Array, hair: Hair, material: int, lift: float, cap: Surface) -> Surface:
    """Hair falling from the temples round the back to ``hair.length``."""
    rows, columns = 48, 91
    start, end = 0.335, hair.length
    y = np.linspace(start, end, rows)
    t = np.linspace(-1, 1, columns)
    wide = 124 - (24 if hair.style == "long" else 8) * smoothstep(0.25, 0.13, y)
    angle = t[None] * np.radians(wide)[:, None]
    wave = fbm(np.stack([t * 7, np.zeros(columns), np.zeros(columns)], 1).astype(np.float32), 1.0, 3, 0.6, hair.seed)
    head = np.concatenate([cap.points, template.points[template.weights[:, HEAD] > 0.5] + [0, lift, 0]])
    around = np.arctan2(head[:, 0], -(head[:, 2] - 0.05))
    away = np.hypot(head[:, 0], head[:, 2] - 0.05)
    radius = np.zeros((rows, columns))
    for r, height in enumerate(y):
        band = np.abs(head[:, 1] - lift - height) < 0.012
        for c in range(columns):
            near = band & (np.abs(around - angle[r, c]) < 0.16)
            radius[r, c] = away[near].max() if near.any() else 0.0
    # below the widest part of the head the hair hangs straight
    for r in range(1, rows):
        radius[r] = np.maximum(radius[r], radius[r - 1] - (0.0 if y[r] > 0.2 else 0.0009))
    out = -0.004 + (0.012 + 0.012 * hair.volume) * smoothstep(0.325, 0.22, y)
    radius = gaussian_filter(radius, (1.5, 3.0), mode="nearest") + out[:, None]
    depth = smoothstep(0.0, 0.6, np.linspace(0, 1, rows))[:, None]
    radius += (0.006 + 0.007 * hair.volume) * wave[None] * (0.25 + depth)
    radius += 0.004 * np.sin(y[:, None] * 46 + t[None] * 5) * depth * np.random.default_rng(hair.seed).uniform(0, 1)
    if hair.style == "bob":
        radius -= 0.020 * (smoothstep(0.19, 0.11, y) ** 2)[:, None] * (0.3 + 0.7 * (1 - np.abs(t[None]) ** 2))
    x, z = np.sin(angle) * radius, 0.05 - np.cos(angle) * radius
    if hair.style == "long":  # below the jaw it gathers and lies on the back
        low = smoothstep(0.21, 0.05, y)[:, None]
        x, z = x * (1 - 0.16 * low), z * (1 - low) + low * np.minimum(z, 0.0 - 0.05 * np.cos(angle * 0.8))
        back = dressed[(np.abs(dressed[:, 0]) < 0.24) & (dressed[:, 2] < 0.07)]
        for r in np.flatnonzero(y < 0.2):
            band = back[np.abs(back[:, 1] - lift - y[r]) < 0.02]
            for c in range(columns):
                here = band[np.abs(band[:, 0] - x[r, c]) < 0.02, 2]
                if len(here):
                    z[r, c] = min(z[r, c], here.min() - 0.010)
        z = gaussian_filter(z, (1.5, 3.0), mode="nearest")
    rest = np.stack([x, np.repeat(y[:, None], columns, 1), z], axis=-1)
    rings = rest + [0, lift, 0]
    surface = tube(rings, _weights(rest[..., 1]), material, closed=False, rest=rest)
    surface = subdivide(surface)
    turn = np.arctan2(surface.rest[:, 0], -(surface.rest[:, 2] - 0.05))
    line = np.stack([turn * 22, np.zeros_like(turn), np.zeros_like(turn)], axis=1)
    tips = (
        surface.rest[:, 1] - end - 0.012 - 0.022 * fbm(line, 0.3, 2, 0.5, hair.seed) + 0.012 * fbm(line, 1.4, 2, 0.5, 3)
    )
    if hair.style == "long":
        tips = tips - 0.03 * (surface.rest[:, 0] / 0.1) ** 2
    return clip(replace(surface, keep=tips.astype(np.float32)))


def _ball(centre: Array, radii: Array, hair: Hair, material: int) -> Surface:
    theta, phi = np.linspace(0.02, np.pi - 0.02, 20), np.linspace(0, 2 * np.pi, 28, endpoint=False)
    wobble = 1 + 0.06 * np.sin(3 * phi[None] + 4 * theta[:, None])
    rings = centre + radii * np.stack(
        [
            np.sin(theta)[:, None] * np.cos(phi) * wobble,
            np.cos(theta)[:, None] * np.ones_like(phi) * wobble,
            np.sin(theta)[:, None] * np.sin(phi) * wobble,
        ],
        axis=-1,
    )
    weights = np.zeros((20, 28, 55), np.float32)
    weights[..., HEAD] = 1
    return tube(rings, weights, material)


def _tail(dressed: Array, hair: Hair, material: int, lift: float) -> Surface:
    """A gathered tail from the back of the head down to ``hair.length``."""
    rows, columns = 36, 20
    s = np.linspace(0, 1, rows)
    start, end = 0.315, hair.length
    y = start + 0.012 * np.sin(np.pi * np.clip(s * 6, 0, 1)) - (start - end) * s**1.1
    z = -0.035 - 0.05 * np.sin(np.pi * np.clip(s * 1.4, 0, 1) ** 0.6)
    back = dressed[np.abs(dressed[:, 0]) < 0.05]
    for r in range(rows):
        band = back[np.abs(back[:, 1] - y[r] - lift) < 0.02]
        if len(band) and y[r] < 0.2:
            z[r] = min(z[r], band[:, 2].min() - 0.016)
    radius = (0.016 + 0.016 * np.sin(np.pi * np.clip(s * 1.1 + 0.08, 0, 1)) ** 0.7) * (0.8 + 0.4 * hair.volume)
    radius[-4:] *= np.linspace(0.8, 0.15, 4)
    phi = np.arange(columns) / columns * 2 * np.pi
    grooves = 1 + 0.08 * np.sin(5 * phi + 1) + 0.06 * np.sin(9 * phi)
    rings = np.stack(
        [
            radius[:, None] * np.cos(phi) * 1.25 * grooves,
            np.repeat((y + lift)[:, None], columns, 1),
            z[:, None] + radius[:, None] * np.sin(phi) * 0.9 * grooves,
        ],
        axis=-1,
    )
    return tube(rings, _weights(np.repeat(y[:, None], columns, 1)), material)
