"""What two people do with each other: every moment of a hug, a lift, a dance, a grapple, a handshake, posed by hand.

An action is a function of the share ``u`` 0..1 of the time that has passed. It puts both people's pelvis, spine, feet
and hands in place; hands are placed on the other's body, so that they stay there however the bodies are built. What is
left of gaps and overlaps is taken out afterwards (:mod:`humanav.synth.contact_settle`).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal, get_args

import numpy as np
from numpy.typing import NDArray

from humanav.synth.contact_moves import (
    UP,
    Duo,
    ease,
    embrace,
    look,
    move_arm,
    path_of,
    step_feet,
    touching_distance,
)
from humanav.synth.contact_puppet import SIDES, Puppet, Shape, Side, heading

Array = NDArray[np.float64]
Action = Literal["hug", "lift", "dance", "grapple", "handshake", "back_to_back"]
ACTIONS: tuple[Action, ...] = get_args(Action)


def sample_duo(rng: np.random.Generator, shapes: tuple[Shape, Shape], seconds: float) -> Duo:
    """How two people do it this time."""
    come, go = float(rng.uniform(0.26, 0.34)), float(rng.uniform(0.76, 0.84))
    return Duo(shapes, float(rng.uniform(-180, 180)), seconds, come, go, float(rng.uniform(0.3, 0.5)),
               tuple(float(x) for x in rng.random(12)))


def pose_duo(action: Action, duo: Duo, u: float) -> tuple[Puppet, Puppet]:
    """Both people at share ``u`` of the time."""
    return _MOMENTS[action](duo, u)


def _hug(duo: Duo, u: float) -> tuple[Puppet, Puppet]:
    touch = touching_distance(duo, True)
    hold = touch + duo.vary(9, 0.005, 0.02)
    near = duo.close(u)
    side_step = duo.vary(8, 0.02, 0.05)
    pair = (Puppet(duo.shapes[0]), Puppet(duo.shapes[1]))
    sway = 4 * np.sin(2 * np.pi * (u * duo.seconds / 2.2 + duo.chance[7]))
    for who, me in enumerate(pair):
        home = path_of(duo, who, lambda w: hold + duo.apart * (1 - duo.close(w)), -side_step)
        spot, degrees = home(u)
        me.put(spot, degrees, lean=duo.vary(6, 1, 4) * near)
        me.bend(x=duo.vary(10 + who, 1, 6) * near, z=-(3 + sway * 0.6) * near * (1 if who == 0 else -1))
        look(me, x=8 * near, y=-12 * near, z=14 * near)
        step_feet(me, home, u, duo.seconds, "left" if who == 0 else "right", 0.02)
    style = int(duo.chance[0] * 3)
    over: tuple[tuple[Side, ...], tuple[Side, ...]]
    over = ((("right",), ("right",)), ((), ("left", "right")), (("left", "right"), ()))[style]
    embrace(duo, pair, u, over, 0.02, 0.10)
    return pair


def _lift(duo: Duo, u: float) -> tuple[Puppet, Puppet]:
    touch = touching_distance(duo, True)
    near, up = duo.close(u), duo.close(u, 0.12)
    pair = (Puppet(duo.shapes[0]), Puppet(duo.shapes[1]))
    raised = duo.vary(8, 0.12, 0.24) * up
    for who, me in enumerate(pair):
        home = path_of(duo, who, lambda w: touch + 0.015 + duo.apart * (1 - duo.close(w)), -0.03,
                       lambda w: duo.vary(7, -60, 60) * (ease((w - 0.3) / 0.5)))
        spot, degrees = home(u)
        stands = me.shape.hips + me.shape.joints[0, 1] - me.shape.joints[[1, 2], 1].mean()
        me.put(spot, degrees, height=stands + (raised if who else -0.02 * near), lean=(-7 if who == 0 else 5) * near)
        me.bend(x=3 * near)
        look(me, x=6 * near, y=-14 * near, z=12 * near)
        if who == 0:
            step_feet(me, home, u, duo.seconds, "left", 0.04)
            continue
        step_feet(me, home, u, duo.seconds, "right", 0.0)
        if up > 0.02:  # off the floor: knees bend and the shins swing back
            for side in SIDES:
                bend = up * duo.vary(10 + (side == "left"), 25, 75)
                me.poser.local[[1, 4, 7] if side == "left" else [2, 5, 8]] = np.eye(3)
                me.poser.turn(f"{side}_hip", x=-up * 6 - (1 - up) * 5, z=(1 if side == "left" else -1) * 3)
                me.poser.turn(f"{side}_knee", x=bend)
                me.poser.turn(f"{side}_ankle", x=up * 25)
    embrace(duo, pair, u, ((), ("left", "right")), 0.10, 0.20)
    return pair


def _dance(duo: Duo, u: float) -> tuple[Puppet, Puppet]:
    pair = (Puppet(duo.shapes[0]), Puppet(duo.shapes[1]))
    hold = touching_distance(duo, True) + duo.vary(9, 0.05, 0.12)
    near = duo.close(u)
    rate = duo.vary(8, 35, 70) * (1 if duo.chance[7] < 0.5 else -1) * duo.seconds
    for who, me in enumerate(pair):
        home = path_of(duo, who, lambda w: hold + 0.6 * duo.apart * (1 - duo.close(w)), -0.07,
                       lambda w: rate * (w - 0.5))
        spot, degrees = home(u)
        me.put(spot, degrees, lean=1.5)
        me.bend(x=-2 * near, y=6 * near, z=2 * np.sin(2 * np.pi * u * duo.seconds / 1.8) * (1 if who else -1))
        look(me, y=18 * near, x=2)
        step_feet(me, home, u, duo.seconds, "left" if who == 0 else "right")
    lead, follow = pair
    # the leader's arm goes round first and comes back last: the follower's lies on it
    under, hands, upon = duo.close(u, -0.02), duo.close(u, 0.02), duo.close(u, 0.10)
    blade = follow.shape.skin(0.09, follow.shape.at("spine2")[1] + 0.02, False) + [0, 0, -0.035]
    move_arm(lead, "right", under, follow.point("spine2", blade), lead.way("spine3", [-1, -0.7, 0.0]),
             follow.way("spine3", [-1, 0.15, 0]), follow.way("spine3", [0, 0, 1]))
    shoulder = lead.joint("right_shoulder") + lead.way("spine3", [-0.07, 0.055, 0.03])
    move_arm(follow, "left", upon, shoulder, follow.way("spine3", [1, 0.5, 0]), lead.way("spine3", [0.25, -0.1, -1]),
             lead.way("spine3", [0.3, -1, 0]), 0.22)
    middle = (lead.joint("left_shoulder") + follow.joint("right_shoulder")) / 2
    out = lead.way("pelvis", [1, 0, 0])
    clasp = middle + out * duo.vary(5, 0.36, 0.44) + UP * duo.vary(6, -0.02, 0.10)
    along = lead.way("pelvis", [0, 0, 1])
    hold_hands: tuple[tuple[Puppet, Side, Array], ...] = ((lead, "left", along), (follow, "right", -along))
    for me, side, way in hold_hands:
        move_arm(me, side, hands, clasp - way * 0.035 - out * 0.05, out - UP * 0.8, out * 0.8 + UP * 0.7, way, 0.05)
    return pair


def _grapple(duo: Duo, u: float) -> tuple[Puppet, Puppet]:
    pair = (Puppet(duo.shapes[0]), Puppet(duo.shapes[1]))
    near = duo.close(u)
    bent = duo.vary(8, 26, 36)
    push = 0.05 * np.sin(2 * np.pi * (u * duo.seconds / 1.3 + duo.chance[6])) * near
    swing = duo.vary(7, -35, 35)
    for who, me in enumerate(pair):
        home = path_of(duo, who, lambda w: 0.74 + 0.8 * duo.apart * (1 - duo.close(w)), -0.09,
                       lambda w: swing * ease((w - 0.25) / 0.6))
        spot, degrees = home(u)
        axes = heading(degrees)
        spot = spot + axes[[0, 2], 2] * push * (1 if who == 0 else -1)
        stands = me.shape.hips
        me.put(spot, degrees, height=stands - (0.04 + 0.08 * near), lean=bent * (0.35 + 0.65 * near))
        me.bend(x=duo.vary(9 + who, 8, 16) * near, y=-6 * near)
        look(me, x=-20 * near, y=-4 * near, z=4 * near)
        step_feet(me, home, u, duo.seconds, "left" if who == 0 else "right", 0.09)
    above, below = duo.close(u, 0.02), duo.close(u, 0.10)  # one hand goes in after the other, and comes out before
    for me, other in (pair, pair[::-1]):
        neck = other.point("neck", other.shape.at("neck") + [0.05, -0.01, -0.085])
        move_arm(me, "right", above, neck, me.way("spine3", [-1, -0.6, 0.2]), other.way("spine3", [-0.6, -0.6, -0.2]),
                 other.way("spine3", [0, 0.2, 1]), 0.24)
        elbow = 0.55 * other.joint("right_shoulder") + 0.45 * other.joint("right_elbow")
        under = elbow + me.way("spine3", [0.07, -0.02, -0.05])
        move_arm(me, "left", below, under, me.way("spine3", [0.8, -1, 0]), me.way("spine3", [-0.2, 0.5, 1]),
                 me.way("spine3", [-1, 0.0, 0.0]), 0.08)
    return pair


def _handshake(duo: Duo, u: float) -> tuple[Puppet, Puppet]:
    pair = (Puppet(duo.shapes[0]), Puppet(duo.shapes[1]))
    near = duo.close(u)
    hold = duo.vary(8, 0.72, 0.86)
    for who, me in enumerate(pair):
        home = path_of(duo, who, lambda w: hold + 0.8 * duo.apart * (1 - duo.close(w)), 0.10)
        spot, degrees = home(u)
        me.put(spot, degrees, lean=duo.vary(6, 2, 7) * near)
        me.bend(x=duo.vary(9 + who, 1, 6) * near, y=8 * near)
        look(me, y=-6 * near)
        step_feet(me, home, u, duo.seconds, "left" if who == 0 else "right")
    level = min(p.joint("spine1")[1] for p in pair) + duo.vary(5, 0.0, 0.08)
    shake = 0.03 * np.sin(2 * np.pi * u * duo.seconds / 0.55) * duo.close(u, 0.1)
    chests = [p.joint("spine3") for p in pair]
    clasp = (chests[0] + chests[1]) / 2
    clasp[1] = level + shake
    clasp = clasp + pair[0].way("pelvis", [-0.10, 0, 0]) * 0.5
    for who, me in enumerate(pair):
        along = heading(duo.turn + 180 * who)[:, 2]
        aside = heading(duo.turn + 180 * who)[:, 0]
        move_arm(me, "right", duo.close(u, 0.02), clasp - along * 0.065 - aside * 0.03,
                 np.array([0, -1, 0]) - aside * 0.5, along, aside, 0.03)
        if duo.chance[4] > 0.5 and who == 0:  # the other hand holds the arm
            spot = 0.5 * (pair[1].joint("right_elbow") + pair[1].joint("right_wrist"))
            move_arm(me, "left", duo.close(u, 0.08), spot - along * 0.09 + aside * 0.075, aside - UP * 0.6,
                     along * 0.9 - aside * 0.45, -aside, 0.04)
        else:
            move_arm(me, "left", 0.0, np.zeros(3), aside, along, aside)
    return pair


def _back_to_back(duo: Duo, u: float) -> tuple[Puppet, Puppet]:
    pair = (Puppet(duo.shapes[0]), Puppet(duo.shapes[1]))
    touch = touching_distance(duo, False)
    near = duo.close(u)
    for who, me in enumerate(pair):
        home = path_of(duo, who, lambda w: touch - 0.05 + 0.7 * duo.apart * (1 - duo.close(w)), 0.0, backs=True)
        spot, degrees = home(u)
        me.put(spot, degrees, lean=-2 * near)
        me.bend(x=-duo.vary(9 + who, 0, 3) * near, y=3 * np.sin(6 * u + who))
        look(me, x=-4 * near, y=duo.vary(7, -15, 15) * near)
        step_feet(me, home, u, duo.seconds, "left" if who == 0 else "right", 0.02)
    hands = duo.close(u, 0.05)
    for me in pair:
        for side in SIDES:  # elbows linked: the forearm lies along the other's flank
            sign = 1.0 if side == "left" else -1.0
            beside = me.way("pelvis", [sign, 0, 0])
            ahead = me.way("pelvis", [0, 0, 1])
            linked = side == ("left" if me is pair[0] else "right") or duo.chance[4] > 0.4
            if linked:
                hip = me.joint(f"{side}_hip")
                wrist = hip + beside * 0.13 + ahead * 0.13 + UP * (0.16 if me is pair[0] else 0.10)
                move_arm(me, side, hands, wrist, beside * 0.8 - ahead, ahead * 0.7 - beside * 0.5, -beside - UP * 0.3,
                         0.05)
            else:
                move_arm(me, side, 0.0, np.zeros(3), beside, ahead, beside)
    return pair


_MOMENTS: dict[Action, Callable[[Duo, float], tuple[Puppet, Puppet]]] = {
    "hug": _hug, "lift": _lift, "dance": _dance, "grapple": _grapple, "handshake": _handshake,
    "back_to_back": _back_to_back}
