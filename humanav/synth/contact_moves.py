"""How two people move who come together: they walk up to each other, reach out, and put their arms round each other."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from humanav.synth.contact_puppet import SIDES, Puppet, Shape, Side, heading

Array = NDArray[np.float64]

UP = np.array([0.0, 1.0, 0.0])
_STEP = 0.45  # seconds that a foot takes from one place to the next


@dataclass(frozen=True)
class Duo:
    """Two people and how they do it.

    Attributes:
        shapes: of both.
        turn: degrees by which the pair is turned in the room.
        seconds: how long it all takes.
        come, go: shares of the time at which they are together, and at which they part.
        apart: metres between them before and after.
        chance: (12,) numbers 0..1 for small differences.
    """

    shapes: tuple[Shape, Shape]
    turn: float
    seconds: float
    come: float
    go: float
    apart: float
    chance: tuple[float, ...]

    def vary(self, index: int, low: float, high: float) -> float:
        """A number of this duo's own between two limits."""
        return low + (high - low) * self.chance[index % len(self.chance)]

    def close(self, u: float, late: float = 0.0) -> float:
        """How far 0..1 they have come together; ``late`` shifts the hands after the feet, shares of the time."""
        begin, end = 0.06 + late, self.come + late
        back, out = self.go - late, 0.96 - late
        return ease((u - begin) / max(end - begin, 1e-6)) * (1 - ease((u - back) / max(out - back, 1e-6)))


def ease(x: float) -> float:
    """From 0 to 1 as x does, with a soft start and end."""
    x = float(np.clip(x, 0, 1))
    return x * x * (3 - 2 * x)


def touching_distance(duo: Duo, fronts: bool, low: float = -0.05, high: float = 0.30) -> float:
    """Distance of both pelvises at which the trunks just touch: belly to belly or back to back."""
    height = np.linspace(low, high, 20)  # over the hips of the smaller one
    pelvis = [s.hips for s in duo.shapes]
    reach = []
    for shape, level in zip(duo.shapes, pelvis, strict=True):
        y = height + min(pelvis) - level + shape.at("pelvis")[1]
        sign = 1.0 if fronts else -1.0
        reach.append([sign * (shape.skin(0.06, float(h), fronts)[2] - shape.at("pelvis")[2]) for h in y])
    return float(np.max(np.sum(reach, axis=0)))


Home = Callable[[float], tuple[Array, float]]
"""Where the pelvis is (x, z) and the degrees it heads at a share of the time."""


def step_feet(puppet: Puppet, home: Home, u: float, seconds: float, first: Side, wide: float = 0.0) -> None:
    """Feet that follow the body step by step: one stands while the other is carried to where it will be needed."""
    half = _STEP / max(seconds, 1e-6)
    for side in SIDES:
        start = 0.0 if side == first else half
        count = int(np.floor((u - start) / (2 * half)))
        begin = start + count * 2 * half
        before = max(begin - half, 0.0) if count >= 0 else 0.0
        after = min(begin + half * 1.5, 1.0)
        if u < start:
            begin, before, after = u, 0.0, 0.0
        share = ease((u - begin) / half)
        places = []
        for when in (before, after):
            spot, degrees = home(when)
            hip = puppet.shape.joints[1 if side == "left" else 2]
            own = np.array([hip[0] + np.sign(hip[0]) * (0.012 + wide), 0, 0])
            places.append((spot + (heading(degrees) @ own)[[0, 2]], degrees))
        (one, a), (two, b) = places
        way = float(np.linalg.norm(two - one))
        lift = 0.25 * min(way, 0.35) * np.sin(np.pi * share)
        puppet.foot(side, one + (two - one) * share, a + (b - a) * share, lift, 60 * lift / 0.1 * (1 - share) * 0.5)


def path_of(duo: Duo, who: int, distance: Callable[[float], float], aside: float = 0.0,
            turn: Callable[[float], float] = lambda u: 0.0, backs: bool = False) -> Home:
    """Where a person's pelvis is and heads, for a distance between both: they face each other, or away."""

    def home(u: float) -> tuple[Array, float]:
        degrees = duo.turn + turn(u) + (0.0 if who == 0 else 180.0)
        axes = heading(degrees)
        back = distance(u) / 2 * (1 if backs else -1)
        spot = axes[:, 2] * back + axes[:, 0] * aside
        return spot[[0, 2]], degrees

    return home


def move_arm(puppet: Puppet, side: Side, share: float, wrist: Array, pole: ArrayLike, fingers: ArrayLike,
             palm: ArrayLike, bulge: float = 0.16) -> None:
    """An arm on its way from hanging (0) to its place (1), round the outside."""
    start = puppet.rest_arm(side)
    if share <= 0:
        own = puppet.way("spine3", [1.0 if side == "left" else -1.0, -0.3, -0.8])
        puppet.hand(side, start, own)
        return
    sign = 1.0 if side == "left" else -1.0
    arc = np.sin(np.pi * share) * bulge
    outward = puppet.way("spine3", [sign, 0.1, 0.5])
    middle = start + (wrist - start) * share + outward * arc
    own = puppet.way("spine3", [sign, -0.3, -0.8])
    hang = np.array([0.0, -1.0, 0.0])
    inward = -puppet.way("spine3", [sign, 0, 0])
    mixed = [(1 - share) * a + share * np.asarray(b) for a, b in ((own, pole), (hang, fingers), (inward, palm))]
    puppet.hand(side, middle, *mixed)


def look(puppet: Puppet, x: float = 0, y: float = 0, z: float = 0) -> None:
    """Turn the face by degrees, half of it in the neck."""
    puppet.poser.turn("neck", x * 0.5, y * 0.5, z * 0.5)
    puppet.poser.turn("head", x * 0.5, y * 0.5, z * 0.5)


def embrace(duo: Duo, pair: tuple[Puppet, Puppet], u: float, over: tuple[tuple[Side, ...], tuple[Side, ...]],
            low: float, high: float) -> None:
    """Arms round each other: those in ``over`` over the other's shoulders, the rest under the arms.

    The upper arms rise first and come down last, so that no arm goes through another on the way.
    """
    for who, (me, other) in enumerate(((pair[0], pair[1]), (pair[1], pair[0]))):
        for side in SIDES:
            sign = 1.0 if side == "left" else -1.0
            # my left arm is at the other's right side; in the other's own axes it comes from -x
            above = side in over[who]
            neck, chest = other.shape.at("neck"), other.shape.at("spine3")
            x = -sign * duo.vary(2 * who + (side == "left"), *((0.03, 0.08) if above else (0.06, 0.11)))
            y = (neck[1] - duo.vary(3 + who, 0.05, 0.10)) if above else chest[1] - duo.vary(5 + who, low, high)
            rest = other.shape.skin(x, y, False) + [0, 0, -0.035]
            wrist = other.point("spine3" if above or y > other.shape.at("spine2")[1] else "spine2", rest)
            back = other.way("spine3", [0, 0, 1])
            across = other.way("spine3", [sign, -0.7 if above else 0.15, 0])
            outside = other.way("spine3", [-sign, 0, 0])
            pole = outside + (UP * 0.2 if above else -UP * 0.5)
            share = duo.close(u, -0.02 if above else 0.11)
            move_arm(me, side, share, wrist, pole, across, back, 0.26 if above else 0.12)
