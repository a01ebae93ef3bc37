"""The head where no photo shows it: skin on cheeks and ears, hair where hair grows."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray
from scipy.ndimage import map_coordinates

from humanav.avatar.avatar import Floats
from humanav.avatar.regions import PART, Regions
from humanav.avatar.surface import extend, smoothstep

MIN_SCALP = 6
"""Seen scalp vertices needed before anything is said about the hair."""


@dataclass(frozen=True)
class Hair:
    """What the seen part of the scalp says.

    Attributes:
        kind: "hair", "bald" or "unknown" (nothing of the scalp is seen).
        colour: (3,) median RGB; ``spread``: standard deviation of its lightness, 0..255.
        vertex: (V,) 0..1 which seen vertices show hair rather than skin.
    """

    kind: str
    colour: Floats
    spread: float
    vertex: Floats


def lab(colours: NDArray[Any]) -> Floats:
    """RGB 0..255 (N,3) to CIE Lab (N,3)."""
    rgb = np.clip(np.asarray(colours, dtype=np.float32), 0, 255)[None] / 255
    return np.asarray(cv2.cvtColor(np.ascontiguousarray(rgb), cv2.COLOR_RGB2LAB)[0], dtype=np.float32)


def skin_colour(colour: Floats, trust: Floats, regions: Regions) -> Floats | None:
    """Median RGB (3,) of the cheeks and nose, or of forearms and hands when no face is seen, or None."""
    below_eyes = (regions.rest[:, 1] < regions.eye[1] - 0.02) & (regions.rest[:, 1] > regions.eye[1] - 0.06)
    arms = np.isin(regions.part, [PART[f"{s}_{p}"] for s in ("left", "right") for p in ("hand", "forearm")])
    for region in ((regions.face > 0.5) & below_eyes, np.isin(regions.part, (PART["left_hand"], PART["right_hand"])),
                   arms):
        seen = region & (trust > 0.5)
        if seen.sum() >= 12:
            return np.median(colour[seen], axis=0).astype(np.float32)
    return None


def read_hair(colour: Floats, trust: Floats, regions: Regions, skin: Floats | None) -> Hair:
    """Hair colour from the seen scalp: the half of its vertices that is least like skin."""
    seen = (regions.hairline > 0.004) & (trust > 0.35)
    nobody = np.zeros(len(colour), dtype=np.float32)
    if seen.sum() < MIN_SCALP:
        return Hair("unknown", np.array([70, 58, 50], np.float32), 10.0, nobody)
    if skin is None:
        return Hair("hair", np.median(colour[seen], axis=0).astype(np.float32), 10.0, seen.astype(np.float32))
    tones, skin_tone = lab(colour), lab(skin[None])[0]
    # lightness counts less than hue: a forehead in the sun is still skin
    away = np.linalg.norm((tones - skin_tone) * np.array([0.7, 1.2, 1.2], np.float32), axis=1)
    half = seen & (away >= np.median(away[seen]))
    if np.median(away[half]) < 9.0:
        return Hair("bald", skin, 4.0, nobody)
    hair = np.median(colour[half], axis=0).astype(np.float32)
    hair_tone = lab(hair[None])[0]
    to_hair = np.linalg.norm((tones - hair_tone) * np.array([0.7, 1.2, 1.2], np.float32), axis=1)
    vertex = smoothstep(0.9, 1.4, away / np.maximum(to_hair, 1.0)) * (trust > 0.3)
    covered = seen & (vertex > 0.5)
    if covered.sum() >= MIN_SCALP:
        hair = np.median(colour[covered], axis=0).astype(np.float32)
    spread = float(np.clip(np.std(tones[half, 0]) * 1.3, 4, 13))
    return Hair("hair", hair, spread, vertex.astype(np.float32))


def paint_head(
    colour: Floats, trust: Floats, regions: Regions, hair: Hair, skin: Floats, laplacian: sp.csc_matrix,
    areas: NDArray[Any],
) -> tuple[Floats, Floats, Floats]:
    """Skin (V,3) and hair (V,3) colours for the head, and by how far the seen hairline lies off the template's (V,).

    Skin spreads from the seen skin, hair from the seen hair mixed with its median.
    """
    head = np.isin(regions.part, (PART["head"], PART["neck"])) & ~regions.inner
    bare = head & (regions.hairline < 0) & (hair.vertex < 0.3)
    near_skin = np.linalg.norm(lab(colour) - lab(skin[None])[0], axis=1) < 30
    tint = extend(laplacian, areas, colour, (bare & near_skin) * smoothstep(0.3, 0.7, trust), 0.02, skin)
    shift = np.zeros(len(colour))
    if hair.kind == "hair":
        known = head & (trust > 0.5) & (regions.face < 0.3) & ~regions.ear
        wrong = known & ((hair.vertex > 0.7) & (regions.hairline < 0) | (hair.vertex < 0.2) & (regions.hairline > 0))
        wanted = np.where(wrong, np.clip(-regions.hairline + np.where(hair.vertex > 0.5, 0.008, -0.008), -.05, .05), 0)
        # what is seen decides near it; farther away the template's line stands
        weight = known * 1.0 + 0.02
        shift = extend(laplacian, areas, wanted, weight, 0.012)
        strands = extend(laplacian, areas, colour, hair.vertex * smoothstep(0.4, 0.8, trust) * head, 0.03, hair.colour)
        strands = 0.45 * strands + 0.55 * hair.colour
    else:
        strands = np.broadcast_to(hair.colour, colour.shape)
        if hair.kind == "bald":
            shift = shift - 1.0
    return tint.astype(np.float32), strands.astype(np.float32), shift.astype(np.float32)


def long_hair(regions: Regions, length: float) -> Floats:
    """(V,) 0..1 where long hair hangs over the back of neck and shoulders; ``length`` metres below the eyes."""
    if length <= 0:
        return np.zeros(len(regions.rest), dtype=np.float32)
    below = regions.eye[1] - regions.rest[:, 1]
    behind = smoothstep(0.02, -0.02, regions.rest[:, 2] - regions.head_centre[2] + 0.02)
    narrow = smoothstep(0.125, 0.095, np.abs(regions.rest[:, 0]))
    reach = np.isin(regions.part, [PART[p] for p in ("head", "neck", "torso")]) & ~regions.inner
    return (reach * behind * narrow * smoothstep(length + 0.015, length - 0.015, below)).astype(np.float32)


def strand_noise(position: Floats, centre: Floats, amplitude: float) -> Floats:
    """Lightness changes (N,) that look like strands of hair running down the head from its crown."""
    rng = np.random.default_rng(5)
    radial = position - centre
    azimuth = np.arctan2(radial[:, 0], -radial[:, 2])
    down = radial[:, 1]
    wide, tall = 900, 32
    total: Floats = np.zeros(len(position), dtype=np.float32)
    for share, width, length in ((0.45, 0.8, 4.0), (0.35, 2.0, 3.0), (0.35, 9.0, 2.0), (0.3, 30.0, 2.5)):
        noise = np.tile(rng.standard_normal((tall, wide)).astype(np.float32), (1, 3))
        smooth = np.asarray(cv2.GaussianBlur(noise, (0, 0), sigmaX=width, sigmaY=length), dtype=np.float32)
        table = smooth[:, wide:2 * wide] / smooth.std()
        x = (azimuth / (2 * np.pi) + 0.5) * wide
        y = np.clip((0.2 - down) / 0.5, 0, 1) * (tall - 1)
        total = total + share * map_coordinates(table, np.stack([y, x]), order=1, mode="grid-wrap")
    return amplitude * total


def features(position: Floats, regions: Regions) -> tuple[Floats, Floats]:
    """A plain face for a head whose front no photo shows: darkness of brows and eyes (N,) and redness of lips (N,)."""
    x, y = np.abs(position[:, 0]), position[:, 1] - regions.eye[1]
    front = smoothstep(0.045, 0.06, position[:, 2] - regions.head_centre[2])
    arch = 0.021 + 0.004 * np.cos((x - 0.030) / 0.016)
    brow = smoothstep(0.0045, 0.0015, np.abs(y - arch)) * smoothstep(0.010, 0.016, x) * smoothstep(0.052, 0.044, x)
    lash = smoothstep(0.0045, 0.002, np.abs(y - 0.003)) * smoothstep(0.014, 0.018, x) * smoothstep(0.046, 0.041, x)
    lips = smoothstep(1.15, 0.85, (x / 0.024) ** 2 + ((y + 0.075) / 0.009) ** 2)
    return (np.maximum(0.6 * brow, 0.35 * lash) * front).astype(np.float32), (lips * front).astype(np.float32)
