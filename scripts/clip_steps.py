"""Clips that step, run and jump."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from clip_studio import Arm, Array, Clock, Feet, Figure, Stance, move, plan_foot


def _gait(
    c: Clock, feet: Feet, cycle: float, speed: float, duty: float, ahead: float, half_width: float, foot: Stance
) -> dict[str, dict[str, Array]]:
    """Footholds of a steady gait along +z; the left foot lands at 0, the right one half a cycle later."""
    plans = {}
    for side, sign, phase in (("left", 1, 0.0), ("right", -1, 0.5)):
        downs = (np.arange(-2, round(c.seconds / cycle) + 3) + phase) * cycle
        plans[side] = plan_foot(
            c,
            feet,
            [
                replace(
                    foot, down=d, up=d + duty * cycle, x=sign * half_width, z=speed * d + ahead, yaw=sign * foot.yaw
                )
                for d in downs
            ],
        )
    return plans


def walk(feet: Feet) -> Figure:
    """Four cycles of an easy walk at 1.25 m/s."""
    cycle, speed = 32 / 30, 1.25
    c = Clock(4 * cycle, loop=True)
    t = c.times

    def swing(phase: float, amplitude: float = 1.0) -> Array:
        return c.wave(cycle, amplitude, phase)

    step = Stance(0, 0, 0, 0, yaw=6, land=21, land_time=0.12, push=-50, push_time=0.3, lift=0.045, fold=0)
    arms: dict[str, Arm] = {
        side: {
            "flex": -1 - 20 * swing(phase),
            "elbow": 22 - 10 * swing(phase + 0.04),
            "abduct": 14 + 1.5 * swing(phase + 0.25),
            "twist": 12,
            "pronate": 16,
            "wrist": 5 + 3 * swing(phase + 0.1),
        }
        for side, phase in (("left", 0.03), ("right", 0.53))
    }
    return Figure(
        c,
        _gait(c, feet, cycle, speed, 0.62, 0.328, 0.065, step),
        move(c, 0.02 * swing(0.31), -0.021 - c.wave(cycle / 2, 0.016, 0.02), speed * t + c.wave(cycle / 2, 0.008, 0.3)),
        (-5 * swing(0.0), 3, -3.2 * swing(0.2)),
        (1.5, 3.5 * swing(0.2), 12 * swing(0.02)),
        (0, 2.5, 0.6 * swing(0.3)),
        arms=arms,
        knees=2,
    )


def run(feet: Feet) -> Figure:
    """Six cycles of a relaxed run at 2.7 m/s with a flight phase after each step."""
    cycle, speed = 21 / 30, 2.7
    c = Clock(6 * cycle, loop=True)

    def swing(phase: float, amplitude: float = 1.0) -> Array:
        return c.wave(cycle, amplitude, phase)

    step = Stance(0, 0, 0, 0, yaw=4, land=9, land_time=0.06, push=-46, push_time=0.17, lift=0.24, fold=-30)
    arms: dict[str, Arm] = {
        side: {
            "flex": -10 - 30 * swing(phase),
            "elbow": 92 - 14 * swing(phase + 0.05),
            "abduct": 19 + 5 * swing(phase),
            "twist": 9 - 12 * swing(phase),
            "pronate": 12,
            "wrist": 3,
            "curl": 2.2,
        }
        for side, phase in (("left", 0.05), ("right", 0.55))
    }
    return Figure(
        c,
        _gait(c, feet, cycle, speed, 0.37, 0.26, 0.055, step),
        move(
            c,
            0.012 * swing(0.18),
            -0.053 - c.wave(cycle / 2, 0.033, 0.36),
            speed * c.times + c.wave(cycle / 2, 0.01, 0.1),
        ),
        (-7 * swing(0.02), 8, -3 * swing(0.15)),
        (4, 3 * swing(0.15), 17 * swing(0.03)),
        (0, 4, 0),
        arms=arms,
        knees=0,
    )


def jumping_jack(feet: Feet) -> Figure:
    """Four jumping jacks, one a second."""
    c = Clock(4.0, loop=True)
    plans = {}
    for side, sign in (("left", 1), ("right", -1)):
        stances = []
        for k in range(-3, 12):
            middle, wide = 0.5 * k, k % 2 == 1
            stances.append(
                Stance(
                    middle - 0.15,
                    middle + 0.16,
                    sign * (0.30 if wide else 0.095),
                    0,
                    sign * (14 if wide else 8),
                    land=-22,
                    land_time=0.09,
                    push=-30,
                    push_time=0.12,
                    lift=0.045,
                )
            )
        plans[side] = plan_foot(c, feet, stances)
    high = 0.5 - c.wave(1, 0.5, 0.01)
    bounce = c.wave(0.5, 1, 0.02)
    arm: Arm = {
        "abduct": 12 + 138 * high,
        "flex": 3 + 9 * high,
        "twist": 8 - 40 * high,
        "elbow": 14 + 10 * high * (1 - high) * 4 + 8 * high,
        "pronate": 12,
        "curl": 0.8,
        "wrist": 3,
    }
    return Figure(
        c,
        plans,
        move(c, 0, -0.010 - 0.046 * bounce, -0.005),
        (0, 3 + 2.5 * bounce, 0),
        (1 + 1.5 * bounce, 0, 0),
        (0, 1, 0),
        arms={"left": arm, "right": arm},
        knees=6,
    )


def turn_around(feet: Feet) -> Figure:
    """Turn once all the way round to the left in small steps."""
    c = Clock(5.6)
    headings = {"left": [0, 62, 148, 235, 320, 360], "right": [0, 40, 125, 212, 300, 360]}
    plans = {}
    for side, sign in (("left", 1), ("right", -1)):
        first = 0.5 if side == "left" else 0.93
        stances = []
        for k, facing in enumerate(headings[side]):
            angle = np.radians(facing)
            down = -1.0 if k == 0 else first + 0.86 * (k - 1) + 0.40
            up = first + 0.86 * k if k < 5 else 9.0
            stances.append(
                Stance(
                    down,
                    up,
                    sign * 0.1 * np.cos(angle),
                    -sign * 0.1 * np.sin(angle),
                    facing + sign * 7,
                    land=5,
                    land_time=0.1,
                    push=-24,
                    push_time=0.2,
                    lift=0.05,
                )
            )
        plans[side] = plan_foot(c, feet, stances)
    heading = c.track((0, 0), (0.35, 0), (1.0, 40), (4.4, 325), (5.2, 360), (5.6, 360), smooth=0.18)
    shift = c.track(
        (0, 0),
        (0.3, 0),
        *((0.7 + 0.43 * k, -1 if k % 2 == 0 else 1) for k in range(10)),
        (5.1, 0),
        (5.6, 0),
        smooth=0.08,
    )
    look = c.track((0, 0), (0.3, 0), (0.9, 18), (4.3, 16), (5.0, 0), (5.6, 0), smooth=0.15)
    x, z = 0.028 * shift * np.cos(np.radians(heading)), -0.028 * shift * np.sin(np.radians(heading))
    arms: dict[str, Arm] = {
        "left": {"flex": 2 - 5 * shift - 0.3 * look, "elbow": 20 + 3 * shift, "abduct": 15 + 0.1 * look},
        "right": {"flex": 2 + 5 * shift + 0.3 * look, "elbow": 20 - 3 * shift, "abduct": 15 + 0.1 * look},
    }
    return Figure(
        c,
        plans,
        move(c, x, -0.007, z),
        (0, 1.5, 2 * shift),
        (1.5, -2 * shift, 0.3 * look),
        (look, 2, 0),
        heading=heading,
        arms=arms,
    )


def dance(feet: Feet) -> Figure:
    """Eight beats at 120 a minute: step and touch to both sides, arms low, then arms high."""
    beat = 0.5
    c = Clock(8 * beat, loop=True)
    # the left foot steps out on beats 1 and 5 and touches on 4 and 8; the right one the other way round
    plans: dict[str, list[Stance]] = {"left": [], "right": []}
    for bar in range(-2, 4):
        t0 = bar * 4 * beat
        style = {"land": -12, "land_time": 0.12, "push": -32, "push_time": 0.16, "lift": 0.05}
        plans["left"] += [
            Stance(t0 + 0.05, t0 + 2.62 * beat, 0.30, 0.0, 14, **style),
            Stance(t0 + 3.05 * beat, t0 + 3.62 * beat, -0.10 + 0.02, 0.02, 14, **style),
        ]
        plans["right"] += [
            Stance(t0 + 1.05 * beat, t0 + 1.62 * beat, 0.10 - 0.02, 0.02, -14, **style),
            Stance(t0 + 2.05 * beat, t0 + 4.62 * beat, -0.30, 0.0, -14, **style),
        ]
    side = c.wave(4 * beat, 1, 0.30)  # +1: over the left foot
    bounce, groove = c.wave(beat, 1, 0.15), c.wave(2 * beat, 1, 0.1)
    high = c.track((0, 0), (1.7, 0), (2.3, 1), (3.6, 1), (4.0, 0), smooth=0.1)
    arms: dict[str, Arm] = {}
    for s, (name, phase) in enumerate((("left", 0.0), ("right", 0.5))):
        pump = c.wave(2 * beat, 1, phase + 0.05)
        sway = side if s == 0 else -side
        arms[name] = {
            "flex": 9 - 24 * pump * (1 - high) + 30 * high,
            "abduct": 21 + (76 + 22 * sway) * high,
            "twist": 24 - 95 * high,
            "elbow": 74 + 14 * pump * (1 - high) - 22 * high + 12 * high * c.wave(beat, 1, 0.1),
            "pronate": 10 - 5 * high,
            "wrist": 4 + 6 * high * groove,
            "curl": 1.6 - 0.6 * high,
        }
    return Figure(
        c,
        {name: plan_foot(c, feet, stances) for name, stances in plans.items()},
        move(c, 0.135 * side, -0.036 - 0.018 * bounce, 0.008 * groove),
        (7 * groove, 3, -5 * side),
        (3 + 1.5 * bounce, 9 * side, -13 * groove),
        (-4 * side, 2 + 3 * bounce, 5 * side),
        arms=arms,
        knees=6,
    )


def celebrate(feet: Feet) -> Figure:
    """Crouch, jump with both fists up, land and pump them."""
    c = Clock(4.0)
    plans = {}
    for side, sign in (("left", 1), ("right", -1)):
        plans[side] = plan_foot(
            c,
            feet,
            [
                Stance(-1, 0.95, sign * 0.12, 0, sign * 9, push=-42, push_time=0.18, lift=0.10, fold=-6),
                Stance(1.35, 9, sign * 0.15, 0.02, sign * 11, land=-26, land_time=0.1),
            ],
        )
    y = c.track(
        (0, -0.006),
        (0.25, -0.006),
        (0.70, -0.17),
        (0.95, 0.035),
        (1.15, 0.125),
        (1.35, 0.01),
        (1.56, -0.13),
        (1.95, -0.02),
        (2.15, -0.03),
        (2.35, -0.012),
        (2.55, -0.03),
        (2.75, -0.012),
        (2.95, -0.03),
        (3.2, -0.008),
        (4, -0.006),
        smooth=0.035,
    )
    crouch = c.track((0, 0), (0.2, 0), (0.7, 1), (1.1, 0), (1.3, 0.05), (1.6, 0.75), (2.05, 0.1), (4, 0), smooth=0.06)
    up = c.track((0, 0), (0.6, 0), (1.1, 1), (3.15, 1), (3.75, 0), (4, 0), smooth=0.07)
    back = c.track((0, 0), (0.2, 0), (0.65, 1), (0.95, 0), (4, 0))
    pump = c.track(
        (0, 0),
        (1.7, 0),
        *((1.95 + 0.2 * k, 1 if k % 2 == 0 else -0.3) for k in range(6)),
        (3.3, 0),
        (4, 0),
        smooth=0.04,
    )
    arm: Arm = {
        "flex": 2 - 42 * back + 24 * up,
        "abduct": 11 + 106 * up - 8 * pump,
        "twist": 8 - 70 * up,
        "elbow": 18 + 20 * back + 26 * up + 34 * pump,
        "pronate": 12,
        "wrist": 2,
        "curl": 1 + 2.2 * up + 0.5 * back,
    }
    return Figure(
        c,
        plans,
        move(c, 0, y, -0.035 * crouch + 0.01),
        (0, 20 * crouch, 0),
        (1 + 14 * crouch - 4 * up, 0, 0),
        (0, 2 + 4 * crouch - 9 * up, 0),
        arms={"left": arm, "right": arm},
        knees=5,
    )
