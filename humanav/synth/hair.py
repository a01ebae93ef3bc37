"""Hair as skinned shells: a cap that grows out of the hairline, falling sheets, a bun, a tail, a beard."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

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
    low = 0.185 if style in ("buzz", "short", "parted") else 0.165
    at = np.radians([0, 25, 42, 58, 72, 84, 100, 118, 135, 180])
    heights = np.array([brow + 0.056, brow + 0.054, brow + 0.040, brow + 0.024, 0.262, 0.246, 0.262, 0.232, 0.196, low])
    line = np.interp(azimuth(rest), at, heights)
    ragged = 0.003 * fbm(rest, 55.0, 2, 0.5, seed) + 0.004 * fbm(rest, 14.0, 2, 0.5, seed + 1)
    inside = rest[:, 1] - line + ragged
    ear = np.abs(rest[:, 0]) - np.where((rest[:, 1] < 0.292) & (rest[:, 2] > 0.035) & (rest[:, 2] < 0.1), 0.0715, 1.0)
    return np.minimum(inside, -ear).astype(np.float32)


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
    base = {"short": 0.011, "parted": 0.016, "afro": 0.045, "bob": 0.017, "long": 0.016, "bun": 0.009, "ponytail": 0.009}[hair.style]
    grow = smoothstep(-0.004, 0.045 if hair.style != "afro" else 0.06, line)
    top = smoothstep(0.27, 0.36, rest[:, 1])
    thick = base * (0.7 + 0.6 * hair.volume) * grow
    if hair.style in ("short", "parted"):
        thick = thick * (0.45 + 1.1 * top)
    piece, index = submesh(Surface(shaped, rest, template.weights, template.faces, line, material), region)
    points = piece.points + outline[index] * (0.0012 + thick[index])[:, None]
    move = smooth(points, piece.faces, 10) - points
    points = points + move * smoothstep(0.0, 0.03, piece.keep)[:, None]
    piece = Surface(points.astype(np.float32), piece.rest, piece.weights, piece.faces, piece.keep, material)
    for _ in range(2):
        piece = subdivide(piece)
    points = smooth(piece.points, piece.faces, 3)
    keep = hairline(piece.rest, hair.style, template, hair.seed)
    inside = smoothstep(0.0, 0.04, keep)
    strands = combed(piece.rest, hair)
    clump = fbm(strands, (9, 2.0, 1), 3, 0.6, hair.seed + 5) if hair.style != "afro" else fbm(piece.rest, 70, 3, 0.6, hair.seed)
    move = clump * (0.004 if hair.style != "afro" else 0.010) * (0.6 + 0.8 * hair.volume)
    if hair.style in ("parted", "bob", "long"):  # a groove at the parting
        groove = np.exp(-((piece.rest[:, 0] - 0.028 * hair.side) / 0.005) ** 2) * smoothstep(-0.01, 0.04, piece.rest[:, 2])
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
        across = np.where(y > -0.02, np.arctan2(z, 0.09) * 3.6, np.arctan2(z, 0.09) * 3.6) + np.sign(x - 0.028 * hair.side) * 9
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
    rows, columns = 46, 90
    start, end = 0.315, hair.length
    y = np.linspace(start, end, rows)
    half = np.radians(112 if hair.style == "long" else 118)
    t = np.linspace(-1, 1, columns)
    angle = t * half
    # a horizontal section of the head with hair, kept below the ears and drawn together over the back
    gap = 0.014 + 0.012 * hair.volume
    rng = np.random.default_rng(hair.seed)
    wave = fbm(np.stack([t * 7, np.zeros(columns), np.zeros(columns)], 1).astype(np.float32), 1.0, 3, 0.6, hair.seed)
    rings = np.zeros((rows, columns, 3))
    shell = np.concatenate([dressed, cap.points])
    near = shell[(np.abs(shell[:, 0]) < 0.24) & (shell[:, 1] > end + lift - 0.1)]
    for r, height in enumerate(y):
        down = float(smoothstep(0.26, 0.10, np.array([height]))[0])
        a, b = 0.088 + gap, 0.088 + gap * 0.9
        x, z = np.sin(angle) * a, 0.048 - np.cos(angle) * b
        if hair.style == "long":  # below the jaw it lies on the back, its edges drawn in
            low = float(smoothstep(0.20, 0.04, np.array([height]))[0])
            x, z = x * (1 - 0.12 * low), z * (1 - low) + low * (0.01 - 0.055 * np.cos(angle * 0.9))
        pull = down * 0.006 * rng.uniform(0.8, 1.2) if hair.style == "bob" else 0.0
        x = x * (1 - 2 * pull)
        band = near[np.abs(near[:, 1] - (height + lift)) < 0.018]
        for c in range(columns):
            here = band[np.abs(band[:, 0] - x[c]) < 0.016]
            if len(here) and height < 0.2 and z[c] < 0.055:
                back = here[here[:, 2] < 0.06, 2]
                z[c] = min(z[c], (back.min() if len(back) else z[c]) - 0.008)
        rings[r] = np.stack([x, np.full(columns, height + lift), z], axis=1)
    kernel = np.array([1, 4, 6, 4, 1]) / 16
    for axis in (0, 1):
        for _ in range(3):
            padded = np.pad(rings, [(2, 2) if k == axis else (0, 0) for k in range(3)], mode="edge")
            rings = np.stack([padded.take(np.arange(k, k + rings.shape[axis]), axis=axis) for k in range(5)], -1) @ kernel
    outward = np.stack([np.sin(angle), np.zeros(columns), -np.cos(angle)], axis=1)
    depth = smoothstep(0.0, 0.5, np.linspace(0, 1, rows))[:, None]
    rings = rings + outward[None] * ((0.007 + 0.007 * hair.volume) * wave[None, :] * (0.4 + depth))[..., None]
    curl = 0.005 * np.sin(y[:, None] * 46 + t[None] * 5) * depth * rng.uniform(0, 1)
    rings = rings + outward[None] * curl[..., None]
    rest = rings.copy()
    rest[..., 1] = np.repeat(y[:, None], columns, 1)
    surface = tube(rings, _weights(rest[..., 1]), material, closed=False, rest=rest)
    edge = (1 - np.abs(np.tile(t, rows))) * 0.1
    tips = surface.rest[:, 1] - end - 0.018 - 0.02 * np.tile(wave, rows) - 0.03 * np.tile(t**2, rows) * (hair.style == "long")
    fine = 0.012 * fbm(np.stack([np.tile(t * 40, rows), np.zeros(rows * columns), np.zeros(rows * columns)], 1), 1.0, 2, 0.5, 3)
    keep = np.minimum(tips + fine, edge + 0.004)
    return clip(subdivide(Surface(surface.points, surface.rest, surface.weights, surface.faces, keep.astype(np.float32), material)))


def _ball(centre: Array, radii: Array, hair: Hair, material: int) -> Surface:
    theta, phi = np.linspace(0.02, np.pi - 0.02, 20), np.linspace(0, 2 * np.pi, 28, endpoint=False)
    wobble = 1 + 0.06 * np.sin(3 * phi[None] + 4 * theta[:, None])
    rings = centre + radii * np.stack([np.sin(theta)[:, None] * np.cos(phi) * wobble, np.cos(theta)[:, None] * np.ones_like(phi) * wobble,
                                       np.sin(theta)[:, None] * np.sin(phi) * wobble], axis=-1)
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
    rings = np.stack([radius[:, None] * np.cos(phi) * 1.25 * grooves, np.repeat((y + lift)[:, None], columns, 1),
                      z[:, None] + radius[:, None] * np.sin(phi) * 0.9 * grooves], axis=-1)
    return tube(rings, _weights(np.repeat(y[:, None], columns, 1)), material)
