"""What people's own bodies say about the world they were reconstructed in: its unit, its up, its floor."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]

PARTS = {"arm": 0.3037, "leg": 0.4676, "trunk": 0.2907}
"""Length of shoulder-elbow-wrist, hip-knee-ankle and shoulder-hip as detectors place them, over stature: measured on
the built-in body's landmarks (:mod:`humanav.body.landmarks`)."""
UNITS = {"metres": 1.0, "centimetres": 100.0, "millimetres": 1000.0, "feet": 3.28084, "inches": 39.3701}
"""How many of the unit make a metre."""
TALL = (1.2, 2.15)
"""Metres: implied statures between these need no explanation (children from about eight years on)."""
USUAL = 1.7
_CHAINS = {"arm": ("shoulder", "elbow", "wrist"), "leg": ("hip", "knee", "ankle"), "trunk": ("shoulder", "hip")}
_FLOOR_POINTS = {"heel": 0.016, "foot_index": 0.010, "big_toe": 0.009, "small_toe": 0.008, "ankle": 0.055}
"""Height of points of the foot over the floor when it stands, over stature."""
_SURE = 0.2
_STANDS = 0.04  # of the height of the shoulders: a foot that much higher than the other carries a third of the weight


@dataclass(frozen=True)
class BodySigns:
    """Of all people together, in the rig's unit.

    Attributes:
        stature: median over people; NaN when no limb was seen.
        statures: of each person.
        bones: (mean over both sides and all people) length of each part and how much it varies over time (share).
        up: (3,) unit vector upwards, by how the bodies stand; NaN when unknown.
        upright: 0..1 how much the bodies agree on it (length of the mean of unit vectors).
        floor: lowest place of the feet along ``up``; NaN when no foot was seen.
    """

    stature: float
    statures: tuple[float, ...]
    bones: dict[str, tuple[float, float]] = field(default_factory=dict)
    up: Array = field(default_factory=lambda: np.full(3, np.nan))
    upright: float = 0.0
    floor: float = float("nan")


def body_signs(people: Sequence[Array], names: tuple[str, ...], up: Array | None = None) -> BodySigns:
    """Signs of people's points (T,K,4); ``up`` (3,) where the floor's direction is known already."""
    statures: list[float] = []
    bones: dict[str, tuple[list[float], list[float]]] = {part: ([], []) for part in PARTS}
    ups = []
    for points in people:
        guesses = []
        for part, chain in _CHAINS.items():
            lengths = [_chain(points, names, side, chain) for side in ("left", "right")]
            known = [x for x in lengths if len(x) >= 3]
            if known:
                middle = float(np.mean([np.median(x) for x in known]))
                guesses.append(middle / PARTS[part])
                bones[part][0].append(middle)
                bones[part][1].append(float(np.mean([_spread(x) for x in known])))
        statures.append(float(np.median(guesses)) if guesses else float("nan"))
        ups.append(_upwards(points, names))
    vectors = np.concatenate(ups) if ups else np.zeros((0, 3))
    mean = np.median(vectors, axis=0) if len(vectors) else np.full(3, np.nan)
    length = float(np.linalg.norm(mean))
    direction = mean / length if length > 1e-6 else np.full(3, np.nan)
    agreed = float(np.clip(np.linalg.norm(vectors.mean(axis=0)), 0, 1)) if len(vectors) else 0.0
    finite = [x for x in statures if np.isfinite(x)]
    stature = float(np.median(finite)) if finite else float("nan")
    axis = direction if up is None else up
    lows = [_lowest(points, names, axis, x) for points, x in zip(people, statures)]
    lows = [x for x in lows if np.isfinite(x)]
    means = {part: (float(np.mean(m)), float(np.mean(s))) for part, (m, s) in bones.items() if m}
    return BodySigns(stature, tuple(statures), means, direction, agreed, float(min(lows)) if lows else float("nan"))


def likely_unit(stature: float) -> tuple[str, float] | None:
    """Name of the unit and how many of it make a metre; None when no unit makes the stature a person's."""
    if not np.isfinite(stature) or stature <= 0:
        return None
    low, high = np.log(TALL)
    fits = [(abs(np.log(stature / per / USUAL)), name, per) for name, per in UNITS.items()
            if low - 0.1 <= np.log(stature / per) <= high + 0.1]
    return (min(fits)[1], min(fits)[2]) if fits else None


def _points(points: Array, names: tuple[str, ...], *wanted: str) -> Array | None:
    if any(name not in names for name in wanted):
        return None
    return points[:, [names.index(name) for name in wanted]]


def _chain(points: Array, names: tuple[str, ...], side: str, chain: tuple[str, ...]) -> Array:
    """(n,) lengths of a chain of bones in the frames where all of it is known."""
    found = _points(points, names, *(f"{side}_{part}" for part in chain))
    if found is None:
        return np.zeros(0)
    good = _known(found)
    return np.asarray(np.linalg.norm(np.diff(found[good, :, :3], axis=1), axis=-1).sum(1))


def _spread(lengths: Array) -> float:
    """Robust standard deviation over the median."""
    middle = float(np.median(lengths))
    return float(1.4826 * np.median(np.abs(lengths - middle)) / max(middle, 1e-9))


def _upwards(points: Array, names: tuple[str, ...]) -> Array:
    """(n,3) vectors that point up, of length 1, of the frames that say something.

    Who stands has the centre of mass above the foot, or the feet, stood on: the vector from there. Which foot that is
    follows from up itself, so it is found in a few rounds, from the line ankles - shoulders on. Without ankles: from
    the hips to the shoulders.
    """
    shoulders, hips, ankles = (_points(points, names, f"left_{p}", f"right_{p}") for p in ("shoulder", "hip", "ankle"))
    if shoulders is None:
        return np.zeros((0, 3))
    known = [_known(part) for part in (shoulders, hips, ankles) if part is not None]
    if ankles is not None and hips is not None and (good := np.all(known, axis=0)).sum() >= 5:
        top, feet = shoulders[good, :, :3].mean(1), ankles[good, :, :3]
        mass = _centre_of_mass(points[good], names)
        vector = _unit(top - feet.mean(1))
        tall = float(np.median(np.linalg.norm(top - feet.mean(1), axis=-1)))
        for _ in range(4):
            up = _unit(np.median(vector, axis=0))
            height = feet @ up
            share = 1 / (1 + np.exp((height[:, 0] - height[:, 1]) / max(_STANDS * tall, 1e-12)))
            stands = share[:, None] * feet[:, 0] + (1 - share[:, None]) * feet[:, 1]
            vector = _unit(mass - stands)
        return vector
    if hips is not None:
        good = _known(shoulders) & _known(hips)
        return _unit(shoulders[good, :, :3].mean(1) - hips[good, :, :3].mean(1))
    return np.zeros((0, 3))


def _centre_of_mass(points: Array, names: tuple[str, ...]) -> Array:
    """(n,3) centre of mass of people whose shoulders, hips and ankles are known; what is unknown counts as trunk.

    Segments' shares after de Leva, "Adjustments to Zatsiorsky-Seluyanov's segment inertia parameters" (1996), rounded.
    """
    def middle(*wanted: str) -> Array:
        found = _points(points, names, *wanted)
        return np.full((len(points), 3), np.nan) if found is None else np.where(
            _known(found)[:, None], found[..., :3].mean(1), np.nan)

    trunk = middle("left_shoulder", "right_shoulder", "left_hip", "right_hip")
    total, weight = 0.43 * trunk, np.full((len(points), 1), 0.43)
    head = middle("left_ear", "right_ear")
    parts = [(0.07, np.where(np.isfinite(head), head, middle("nose")))]
    for side in ("left", "right"):
        parts += [(share, middle(*(f"{side}_{end}" for end in ends))) for share, ends in (
            (0.03, ("shoulder", "elbow")), (0.02, ("elbow", "wrist")), (0.14, ("hip", "knee")),
            (0.06, ("knee", "ankle")))]
    for share, place in parts:
        seen = np.isfinite(place).all(-1, keepdims=True)
        total, weight = total + np.where(seen, share * place, 0), weight + share * seen
    return np.asarray(total / weight)


def _known(points: Array) -> NDArray[np.bool_]:
    """(n,) frames in which all of some points (n,m,4) are known."""
    return np.asarray((points[..., 3] > _SURE).all(1) & np.isfinite(points[..., :3]).all((1, 2)))


def _unit(vectors: Array) -> Array:
    return np.asarray(vectors / np.maximum(np.linalg.norm(vectors, axis=-1, keepdims=True), 1e-12))


def _lowest(points: Array, names: tuple[str, ...], up: Array, stature: float) -> float:
    """Height of the floor along ``up``: low percentiles of the feet's points less their height when standing."""
    if not np.isfinite(up).all() or not np.isfinite(stature):
        return float("nan")
    heights = []
    for point, above in _FLOOR_POINTS.items():
        found = _points(points, names, f"left_{point}", f"right_{point}")
        if found is not None:
            good = (found[..., 3] > _SURE) & np.isfinite(found[..., :3]).all(-1)
            if good.sum() >= 3:
                heights.append(float(np.percentile(found[good][:, :3] @ up, 5)) - above * stature)
    return float(np.median(heights)) if heights else float("nan")
