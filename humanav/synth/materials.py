"""Procedural cloth, leather and hair, painted in the mean body's T-pose coordinates."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from humanav.synth.hair import Hair, combed
from humanav.synth.lighting import to_linear
from humanav.synth.noise import fbm, fbm_gradient, smoothstep
from humanav.synth.skin import Iris, Shade, Skin, fill, paint_eye, paint_skin
from humanav.synth.template import Template

Array = NDArray[np.float32]
Fabric = Literal["cotton", "denim", "knit", "wool", "leather", "silk", "sport", "rubber"]
Pattern = Literal["solid", "stripes", "pinstripe", "check", "plaid", "dots", "floral", "heather", "block", "print"]
Detail = Literal["", "placket", "pocket", "sneaker", "boot", "side_stripe", "jeans", "lapel"]


@dataclass(frozen=True)
class Cloth:
    """A fabric with a pattern; colours are sRGB triples. ``skirt`` lets the pattern run round both legs at once."""

    fabric: Fabric
    pattern: Pattern
    colors: tuple[tuple[float, float, float], ...]
    scale: float = 1.0
    detail: Detail = ""
    hem: float = 0.0
    seed: int = 0
    skirt: bool = False


@dataclass(frozen=True)
class HairColor:
    """Colour of the hair whose shape is ``hair``."""

    hair: Hair
    color: tuple[float, float, float]
    tips: float = 1.0


@dataclass(frozen=True)
class Plain:
    """Furniture and props."""

    color: tuple[float, float, float]
    grain: float = 0.05
    gloss: float = 0.1


Material = Cloth | Skin | Iris | HairColor | Plain


def shade(material: Material, rest: Array, template: Template, hair: Hair, hair_color: Array) -> Shade:
    """Evaluate a material at (N,3) T-pose coordinates."""
    if isinstance(material, Cloth):
        return _cloth(material, rest, template)
    if isinstance(material, Skin):
        return paint_skin(material, rest, template, hair, hair_color)
    if isinstance(material, Iris):
        return paint_eye(material, rest, template)
    if isinstance(material, HairColor):
        return _hair(material, rest)
    grain = 1 + material.grain * fbm(rest, (40, 4, 40), 3, 0.5, 5)
    return fill(len(rest), to_linear(material.color) * grain[:, None], material.gloss, 30.0)


def cloth_coordinates(rest: Array, template: Template, skirt: bool = False) -> tuple[Array, Array, Array]:
    """Metres across (u) and along (v) the cloth, and whether it is a sleeve: patterns run round arms and legs."""
    x, y, z = rest[:, 0], rest[:, 1], rest[:, 2]
    shoulder, hip = template.joints[16], template.joints[1]
    sleeve = (np.abs(x) > shoulder[0] + 0.012) & (y > -0.16)
    arm = np.arctan2(z - shoulder[2], y - shoulder[1]) * 0.055
    leg = np.arctan2(np.abs(x) - hip[0], z - hip[2]) * 0.085
    trunk = np.arctan2(x, z - 0.055) * 0.145
    below = (y < hip[1] - 0.06) & ~sleeve & (not skirt)
    u = np.where(sleeve, arm, np.where(below, leg * np.sign(x), trunk))
    v = np.where(sleeve, 0.3 - np.abs(x), y)
    return u.astype(np.float32), v.astype(np.float32), sleeve


def _bars(coordinate: Array, period: float, share: float, soft: float = 0.04) -> Array:
    t = np.abs((coordinate / period) % 1 - 0.5) * 2
    return smoothstep(1 - share - soft, 1 - share + soft, t)


def _pattern(material: Cloth, rest: Array, template: Template) -> Array:
    """sRGB (N,3) of the dye."""
    colors = [np.asarray(c, np.float32) for c in material.colors]
    base, second = colors[0], colors[min(1, len(colors) - 1)]
    third = colors[min(2, len(colors) - 1)]
    u, v, sleeve = cloth_coordinates(rest, template, material.skirt)
    s, seed, pattern = material.scale, material.seed, material.pattern
    out = np.broadcast_to(base, (len(rest), 3)).copy()

    def blend(amount: Array, color: Array) -> None:
        out[:] += np.clip(amount, 0, 1)[:, None] * (color - out)

    if pattern == "stripes":
        blend(_bars(v + 0.01, 0.055 * s, 0.42), second)
    elif pattern == "pinstripe":
        blend(_bars(u, 0.022 * s, 0.10, 0.05), second)
    elif pattern == "check":
        blend(0.5 * _bars(u, 0.045 * s, 0.5) + 0.5 * _bars(v, 0.045 * s, 0.5), second)
    elif pattern == "plaid":
        blend(0.55 * _bars(u, 0.11 * s, 0.42), second)
        blend(0.55 * _bars(v, 0.11 * s, 0.42), second)
        blend(0.7 * np.maximum(_bars(u + 0.027 * s, 0.11 * s, 0.05), _bars(v + 0.027 * s, 0.11 * s, 0.05)), third)
    elif pattern == "dots":
        row = np.floor(v / (0.034 * s))
        a, b = (u / (0.034 * s) + 0.5 * row) % 1 - 0.5, (v / (0.034 * s)) % 1 - 0.5
        blend(smoothstep(0.26, 0.21, np.hypot(a, b)), second)
    elif pattern == "floral":
        for k, color in enumerate((second, third, second)):
            n = fbm(rest, 26 / s, 2, 0.6, seed + 11 * k)
            blend(smoothstep(0.13, 0.17, n), color)
            blend(smoothstep(0.30, 0.33, n), np.array([0.97, 0.93, 0.80], np.float32))
    elif pattern == "heather":
        blend(0.5 + 0.9 * fbm(rest, (260, 130, 260), 2, 0.6, seed), second * 0.35 + base * 0.65)
    elif pattern == "block":
        blend(smoothstep(-0.055, -0.06, v) * ~sleeve, second)
        blend(smoothstep(-0.062, -0.066, v) * smoothstep(-0.092, -0.088, v) * ~sleeve, third)
    elif pattern == "print":
        d = np.hypot(rest[:, 0] / (0.085 * s), (rest[:, 1] + 0.07) / (0.075 * s))
        d += 0.12 * np.cos(np.arctan2(rest[:, 1] + 0.07, rest[:, 0]) * (3 + seed % 4))
        blend(smoothstep(1.0, 0.97, d) * (rest[:, 2] > 0.06), second)
        blend(smoothstep(0.72, 0.69, d) * smoothstep(0.4, 0.43, d) * (rest[:, 2] > 0.06), third)
    return out


def _cloth(material: Cloth, rest: Array, template: Template) -> Shade:
    n, seed = len(rest), material.seed
    color = _pattern(material, rest, template)
    x, y, z = np.abs(rest[:, 0]), rest[:, 1], rest[:, 2]
    u, v, sleeve = cloth_coordinates(rest, template, material.skirt)
    fabric = material.fabric
    weave = {
        "cotton": (900.0, 0.05),
        "denim": (700.0, 0.10),
        "knit": (160.0, 0.16),
        "wool": (320.0, 0.16),
        "leather": (150.0, 0.10),
        "silk": (600.0, 0.01),
        "sport": (800.0, 0.03),
        "rubber": (200.0, 0.03),
    }[fabric]
    tone = 1 + weave[1] * fbm(rest, weave[0], 2, 0.6, seed) + 0.025 * fbm(rest, 7.0, 3, 0.5, seed + 3)
    tilt = 0.05 * fbm_gradient(rest, (22, 12, 22), 2, 0.5, seed + 5) * (1.0 if fabric != "sport" else 0.5)
    if fabric == "knit":  # ribs
        rib = np.sin(u * 2 * np.pi / 0.011)
        tone *= 1 + 0.10 * rib
    if fabric == "denim":
        twill = _bars(u + v, 0.004, 0.5, 0.3)
        worn = smoothstep(0.10, 0.0, np.abs(u)) * smoothstep(-0.5, -0.6, y) * smoothstep(-1.1, -0.8, y)
        color = (
            color * (1 + 0.14 * (twill - 0.5))[:, None]
            + (0.16 * worn * (0.7 + 0.6 * fbm(rest, 12, 2, 0.5, seed)))[:, None]
        )
    albedo = to_linear(np.clip(color * tone[:, None], 0, 1))

    def stitch(distance: Array, width: float, dark: float) -> None:
        albedo[:] *= (1 - dark * smoothstep(width, width * 0.4, np.abs(distance)))[:, None]

    if material.detail == "placket":
        front = (z > 0.06) & (y < 0.06)
        stitch(np.where(front, x - 0.016, 1), 0.0018, 0.35)
        gap = (y + 0.02) / 0.085
        button = np.hypot(rest[:, 0], (gap - np.round(gap)) * 0.085)
        light = smoothstep(0.0062, 0.0052, np.where(front, button, 1))
        albedo += light[:, None] * (
            np.array([0.75, 0.73, 0.68]) * (0.6 + 0.4 * smoothstep(0.0016, 0.0026, button))[:, None] - albedo
        )
        stitch(
            np.where(z > 0.06, np.maximum(np.abs(rest[:, 0] - 0.085) - 0.045, np.abs(y + 0.085) - 0.05), 1),
            0.0016,
            0.35,
        )
    elif material.detail == "pocket":
        box = np.maximum(x - 0.11 - 0.10 * (y + 0.30) * -1, np.abs(y + 0.30) - 0.07)
        stitch(np.where(z > 0.06, box, 1), 0.004, 0.4)
    elif material.detail == "lapel":
        lapel = 0.012 + 0.16 * np.clip(y + 0.12, 0, 0.25) + 0.055 * smoothstep(-0.14, -0.02, y)
        stitch(np.where((z > 0.05) & (y > -0.14), x - lapel, 1), 0.005, 0.55)
        for h in (-0.17, -0.26):
            albedo *= (1 - 0.7 * smoothstep(0.009, 0.007, np.where(z > 0.06, np.hypot(rest[:, 0] - 0.022, y - h), 1)))[
                :, None
            ]
        stitch(np.where(z > 0.05, np.maximum(np.abs(x - 0.105) - 0.05, np.abs(y + 0.28) - 0.008), 1), 0.004, 0.4)
    elif material.detail == "side_stripe":
        side = np.abs(np.arctan2(x - template.joints[1, 0], z - 0.05) - np.pi / 2) * 0.085
        albedo += (smoothstep(0.016, 0.013, np.where(y < -0.2, side, 1)) - 0.999 * smoothstep(0.005, 0.003, side))[
            :, None
        ].clip(0) * (to_linear(material.colors[-1]) - albedo)
    elif material.detail == "jeans":
        stitch(np.where((y > -0.5) & (z > 0.05), rest[:, 0], 1), 0.003, 0.4)
        stitch(np.hypot(x - 0.14, y + 0.26) - 0.075 + 10 * (z < 0.06), 0.003, 0.45)
        stitch(np.maximum(np.abs(x - 0.085) - 0.05, np.abs(y + 0.36) - 0.055) + 10 * (z > 0.0), 0.003, 0.45)
        stitch(y + 0.245, 0.003, 0.4)
    elif material.detail in ("sneaker", "boot"):
        sole = template.floor
        under = smoothstep(sole + 0.016, sole + 0.013, y)
        rubber = np.array([0.82, 0.81, 0.78]) if material.detail == "sneaker" else np.array([0.03, 0.025, 0.02])
        stitch(y - sole - 0.017, 0.003, 0.5)
        albedo += under[:, None] * (rubber - albedo)
        if material.detail == "sneaker":
            lace = (
                (np.abs(rest[:, 2] - 0.125) < 0.05) & (np.abs(np.abs(rest[:, 0]) - 0.105) < 0.022) & (y > sole + 0.045)
            )
            row = _bars(z, 0.0155, 0.42, 0.15) * lace
            albedo += row[:, None] * (np.array([0.8, 0.8, 0.78]) - albedo)
            stitch(z - 0.178 + 12 * (np.abs(rest[:, 0]) - 0.105) ** 2 + 0.35 * (y - sole - 0.02), 0.003, 0.4)
    if material.hem:  # a stitched seam just inside the hems
        stitch(np.where(~sleeve, y - material.hem - 0.022, 1), 0.0016, 0.3)
    specular = {"leather": 0.11, "silk": 0.12, "rubber": 0.12, "sport": 0.08}.get(fabric, 0.015)
    gloss = {"leather": 22.0, "silk": 14.0, "rubber": 20.0, "sport": 14.0}.get(fabric, 8.0)
    sheen = {"wool": 0.22, "knit": 0.18, "cotton": 0.08, "denim": 0.06, "silk": 0.1}.get(fabric, 0.0)
    if material.detail in ("sneaker", "boot"):
        tilt = tilt * 0.3
    return fill(n, np.clip(albedo, 0.004, 0.9), specular, gloss, sheen, 0.0, tilt.astype(np.float32))


def _hair(material: HairColor, rest: Array) -> Shade:
    strands = combed(rest, material.hair)
    seed = material.hair.seed
    if material.hair.style == "afro":
        fine = fbm(rest, 240.0, 3, 0.6, seed)
        tilt = 0.55 * fbm_gradient(rest, 170.0, 2, 0.6, seed)
        tone = 0.75 + 0.6 * fine
        return fill(
            len(rest), to_linear(material.color) * np.clip(tone, 0.2, 1.6)[:, None], 0.02, 8.0, 0.05, 0.35, tilt
        )
    clump = fbm(strands, (7, 0.5, 1), 2, 0.5, seed)
    fine = fbm(strands, (38, 0.7, 1), 3, 0.7, seed + 1)
    tone = np.clip(0.86 + 0.75 * clump + 0.75 * fine, 0.25, 1.9)
    slope = (
        (fbm(strands + [0.004, 0, 0], (22, 0.6, 1), 2, 0.6, seed + 2) - fbm(strands, (22, 0.6, 1), 2, 0.6, seed + 2))
        / 0.004
        / 22
    )
    # strands tilt the normal sideways, which breaks the highlight into lines
    direction = np.stack([rest[:, 2] - 0.05, np.zeros(len(rest)), -rest[:, 0]], axis=1)
    direction /= np.maximum(np.linalg.norm(direction, axis=1, keepdims=True), 1e-4)
    tilt = (1.6 * np.clip(slope, -0.4, 0.4))[:, None] * direction
    fade = smoothstep(0.25, -0.1, rest[:, 1])[:, None]
    color = np.asarray(material.color, np.float32) * (1 + fade * (material.tips - 1))
    return fill(
        len(rest),
        np.clip(to_linear(np.clip(color, 0, 1)) * tone[:, None], 0, 0.9),
        np.clip(0.10 * tone, 0, 0.3),
        16.0,
        0.04,
        0.3,
        tilt.astype(np.float32),
    )
