"""Skin, face and eyes, painted in the mean body's T-pose coordinates."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from humanav.synth.hair import Hair, azimuth, hairline
from humanav.synth.lighting import to_linear
from humanav.synth.noise import fbm, fbm_gradient, smoothstep
from humanav.synth.template import Template

Array = NDArray[np.float32]
Mark = Callable[..., None]


@dataclass(frozen=True)
class Shade:
    """What the light needs to know of N surface points.

    Attributes:
        albedo: (N,3) linear.
        tilt: (N,3) added to the unit normal before it is normalised again (fine relief).
        specular: (N,) strength, and ``gloss`` (N,) the exponent of its lobe.
        sheen: (N,) bright rim of cloth fibres.
        soft: (N,) 0..1 how far light bleeds round the terminator (skin, hair).
    """

    albedo: Array
    tilt: Array
    specular: Array
    gloss: Array
    sheen: Array
    soft: Array


@dataclass(frozen=True)
class Skin:
    """Skin and face."""

    tone: tuple[float, float, float]
    lips: float = 0.3
    brows: tuple[float, float, float] = (0.2, 0.13, 0.09)
    brow_width: float = 1.0
    makeup: float = 0.0
    stubble: float = 0.0
    sock: float = -9.0
    sock_color: tuple[float, float, float] = (0.9, 0.9, 0.9)
    seed: int = 0


@dataclass(frozen=True)
class Iris:
    """An eyeball."""

    color: tuple[float, float, float]


def fill(
    n: int,
    albedo: Array,
    specular: float | Array = 0.03,
    gloss: float | Array = 12.0,
    sheen: float | Array = 0.0,
    soft: float | Array = 0.0,
    tilt: Array | None = None,
) -> Shade:
    def full(value: float | Array) -> Array:
        return np.broadcast_to(np.asarray(value, np.float32), (n,)).copy()

    return Shade(
        albedo.astype(np.float32),
        np.zeros((n, 3), np.float32) if tilt is None else tilt,
        full(specular),
        full(gloss),
        full(sheen),
        full(soft),
    )


def paint_eye(material: Iris, rest: Array, template: Template) -> Shade:
    """Eyeballs at (N,3) T-pose coordinates."""
    centres = template.eyes
    side = np.where(rest[:, 0] > 0, 0, 1)
    d = rest - centres[side]
    r = np.hypot(d[:, 0], d[:, 1])
    front = d[:, 2] > 0
    white = np.broadcast_to(np.array([0.80, 0.77, 0.74], np.float32), (len(rest), 3)).copy()
    white *= (1 - 0.25 * smoothstep(0.006, 0.014, r))[:, None]
    angle = np.arctan2(d[:, 1], d[:, 0])
    fibre = 1 + 0.5 * fbm(
        np.stack([np.cos(angle) * 3, np.sin(angle) * 3, r * 200], 1).astype(np.float32), 2.0, 2, 0.6, 3
    )
    iris = np.asarray(material.color, np.float32) * (fibre * (0.75 + 0.5 * smoothstep(0.0062, 0.003, r)))[:, None]
    color = white + (smoothstep(0.0066, 0.0060, r) * front)[:, None] * (iris - white)
    color *= (1 - 0.55 * smoothstep(0.0072, 0.0062, r) * smoothstep(0.0052, 0.0062, r))[:, None]
    color *= 1 - (smoothstep(0.0030, 0.0025, r) * front)[:, None] * 0.95
    return fill(len(rest), to_linear(np.clip(color, 0, 1)), 0.5, 45.0)


def paint_skin(material: Skin, rest: Array, template: Template, hair: Hair, hair_color: Array) -> Shade:
    """Skin at (N,3) T-pose coordinates: blood, face, stubble, socks, and the shadow of the hair's roots."""
    n, seed = len(rest), material.seed
    tone = np.asarray(material.tone, np.float32)
    x, y, z = np.abs(rest[:, 0]), rest[:, 1], rest[:, 2]
    color = np.broadcast_to(to_linear(tone), (n, 3)).copy()
    color *= (1 + 0.07 * fbm(rest, 18.0, 3, 0.5, seed) + 0.05 * fbm(rest, 300.0, 2, 0.6, seed + 2))[:, None]
    blood = np.array([1.0, 0.72, 0.70], np.float32)

    def redden(amount: Array) -> None:
        color[:] *= 1 - np.clip(amount, 0, 1)[:, None] * (1 - blood)

    def dark(amount: Array, tint: tuple[float, float, float] = (0.45, 0.33, 0.28)) -> None:
        color[:] *= 1 - np.clip(amount, 0, 1)[:, None] * (1 - np.asarray(tint, np.float32))

    def paint(amount: Array, value: Array) -> None:
        color[:] += np.clip(amount, 0, 1)[:, None] * (value - color)

    wrist, knee, elbow = template.joints[20, 0], template.joints[4, 1], template.joints[18, 0]
    redden(0.35 * smoothstep(wrist + 0.06, wrist + 0.12, x) * (y > -0.2))
    redden(0.25 * np.exp(-(((y - knee) / 0.05) ** 2) - ((z - 0.09) / 0.05) ** 2))
    redden(0.25 * np.exp(-(((x - elbow) / 0.03) ** 2)) * (z < 0.03) * (y > -0.2))
    nails = (x > 0.845) & (y > 0.012)
    paint(0.5 * nails, to_linear(tone) * 0.6 + 0.25)
    face = (y > 0.1) & (z > 0.0)
    gloss = np.full(n, 0.045, np.float32)
    if face.any():
        gloss[face] = _face(material, rest, template, redden, dark, paint, face)
    scalp = hairline(rest, hair.style, template, hair.seed)
    if hair.style != "bald":
        shadow = smoothstep(-0.010, 0.006, scalp) * (y > 0.13) * (x < 0.1)
        speck = 0.75 + 0.5 * fbm(rest, 420.0, 2, 0.6, seed)
        strength = 0.94 if hair.style != "buzz" else 0.72
        paint(strength * shadow * speck, hair_color)
    growth = max(hair.beard, material.stubble)
    if growth > 0:
        mouth, half = template.mouth
        jaw = (
            smoothstep(mouth + 0.022, mouth + 0.002, y - 0.55 * np.clip(x - 0.036, 0, 0.06))
            * smoothstep(0.130, 0.145, y)
            * (z > 0.05)
        )
        lips = np.hypot(rest[:, 0] / (half * 1.08), (y - mouth + 0.0005) / 0.0115)
        moustache = 1.0
        area = jaw * smoothstep(0.96, 1.12, lips) * (x < 0.078) * moustache
        area *= smoothstep(0.9, 0.6, azimuth(rest) - 0.85)
        speck = np.clip(0.85 + 0.6 * fbm(rest, (700, 400, 700), 2, 0.6, seed + 9), 0, 1)
        paint(area * growth * speck * 0.9, hair_color * 0.9)
    paint(smoothstep(material.sock + 0.002, material.sock, y), to_linear(material.sock_color))
    tilt = 0.05 * fbm_gradient(rest, 260.0, 2, 0.6, seed + 4)
    return fill(n, np.clip(color, 0.004, 0.9), gloss, 14.0, 0.03, 0.55, tilt.astype(np.float32))


def _face(
    material: Skin, rest: Array, template: Template, redden: Mark, dark: Mark, paint: Mark, face: NDArray[np.bool_]
) -> Array:
    """Paint brows, eyes' surroundings, lips and cheeks; returns the gloss of the face's points."""
    x, y, z = np.abs(rest[:, 0]), rest[:, 1], rest[:, 2]
    on = face.astype(np.float32)
    seed = material.seed
    eye = template.eyes[0]
    mark = template.face
    mouth, half = template.mouth
    redden(on * 0.55 * np.exp(-(((x - 0.042) / 0.018) ** 2) - ((y - 0.222) / 0.017) ** 2) * (z > 0.1))
    redden(on * 0.40 * np.exp(-((x / 0.014) ** 2) - ((y - mark[13, 1]) / 0.012) ** 2) * (z > 0.16))
    redden(on * 0.6 * (x > 0.074) * (y > 0.2))
    redden(on * 0.3 * np.exp(-((x / 0.02) ** 2) - ((y - 0.152) / 0.012) ** 2) * (z > 0.12))
    # brows: an arc through the landmarks, thinner outwards
    arc = mark[5:10]
    line = np.interp(x, arc[:, 0], arc[:, 1])
    width = np.interp(x, [0.008, 0.016, 0.034, 0.054], [0.0024, 0.0037, 0.0033, 0.0012]) * material.brow_width
    hairs = 0.8 + 0.7 * fbm(rest, (260, 420, 100), 2, 0.6, seed + 7)
    brow = (
        smoothstep(1.15, 0.55, np.abs(y - line + 0.0018 * smoothstep(0.024, 0.010, x) - 0.0005) / width)
        * smoothstep(0.0075, 0.0105, x)
        * smoothstep(0.054, 0.049, x)
        * (z > 0.12)
    )
    paint(on * brow * np.clip(hairs, 0, 1) * 0.85, to_linear(material.brows))
    # lids and lashes: the opening between the lids is an ellipse about the eye
    dx, dy = (x - eye[0]) / 0.0155, (y - eye[1] - 0.0004)
    lid = np.where(dy > 0, 0.0058, 0.0052) * np.sqrt(np.clip(1 - dx**2, 0, 1))
    edge = np.abs(np.abs(dy) - lid)
    near = (np.abs(dx) < 1.12) & (z > 0.13) & (np.abs(dy) < 0.016)
    dark(
        on * near * 0.9 * smoothstep(0.0030, 0.0008, edge) * np.where(dy > 0, 1.0, 0.42 + 0.3 * material.makeup),
        (0.12, 0.09, 0.08),
    )
    crease = np.abs(dy - 0.0098 * np.sqrt(np.clip(1.15 - dx**2, 0, 1.2)))
    dark(on * near * 0.45 * smoothstep(0.0022, 0.0004, crease) * (dy > 0.004), (0.55, 0.42, 0.38))
    dark(
        on * 0.22 * np.exp(-(((x - eye[0]) / 0.020) ** 2) - ((y - eye[1] + 0.001) / 0.014) ** 2) * (z > 0.12),
        (0.62, 0.45, 0.42),
    )
    if material.makeup > 0:
        shadow = np.exp(-(((x - eye[0] - 0.002) / 0.015) ** 2) - ((y - eye[1] - 0.007) / 0.0055) ** 2) * (z > 0.13)
        dark(on * 0.5 * material.makeup * shadow, (0.45, 0.33, 0.36))
        redden(on * 0.35 * material.makeup * np.exp(-(((x - 0.046) / 0.016) ** 2) - ((y - 0.226) / 0.014) ** 2))
    # nostrils
    dark(
        on
        * 0.8
        * smoothstep(1.0, 0.4, np.hypot((x - 0.0072) / 0.0042, (y - mark[16, 1] + 0.0005) / 0.0026))
        * (z > 0.165),
        (0.25, 0.16, 0.14),
    )
    # lips
    bow = np.interp(x, [0, 0.005, 0.012, half * 0.8, half], [0.0085, 0.0105, 0.0078, 0.0035, 0.0])
    low = np.interp(x, [0, 0.008, half * 0.6, half], [0.0108, 0.0102, 0.0066, 0.0])
    height = y - mouth
    inside = np.where(height > 0, height / np.maximum(bow, 1e-4), -height / np.maximum(low, 1e-4))
    lip = smoothstep(1.1, 0.85, inside) * (x < half) * (z > 0.14)
    tone = to_linear(material.tone)
    rose = tone * np.array([0.86, 0.50, 0.50]) + np.array([0.05, 0.0, 0.004]) * (0.3 + material.lips)
    paint(on * lip * (0.45 + 0.5 * material.lips), rose.astype(np.float32))
    dark(
        on * smoothstep(0.0022, 0.0005, np.abs(height + 0.0004)) * (x < half * 0.97) * (z > 0.14) * 0.85,
        (0.22, 0.10, 0.10),
    )
    shine = 0.05 + 0.05 * np.exp(-((x / 0.03) ** 2)) * (y > 0.2) + 0.10 * lip
    return shine[face].astype(np.float32)
