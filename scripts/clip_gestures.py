"""Clips whose feet stay where they are."""

from __future__ import annotations

import numpy as np
from clip_studio import Arm, Clock, Feet, Figure, move, stand


def idle(feet: Feet) -> Figure:
    """Stand, breathe, shift the weight a little, look about."""
    c = Clock(6.0, loop=True)
    sway, breath = c.wave(6, 1, 0.1), c.wave(3, 1)
    arms: dict[str, Arm] = {
        side: {
            "abduct": 11.5 + 0.7 * breath,
            "flex": 2 + 1.2 * c.wave(6, 1, phase),
            "elbow": 17 + 1.5 * c.wave(6, 1, phase),
            "pronate": 14 + 2 * c.wave(6, 1, phase + 0.2),
            "curl": 1 + 0.08 * c.wave(6, 1, phase),
        }
        for side, phase in (("left", 0.0), ("right", 0.3))
    }
    return Figure(
        c,
        stand(c, feet, 0.105, 8, (0.015, -0.01)),
        move(c, 0.017 * sway, -0.001, 0.004 * c.wave(6, 1, 0.4)),
        (1.5 * sway, 0, 1.2 * sway),
        (1 - 0.7 * breath, -1.5 * sway, -1.2 * sway),
        (c.track((0, 0), (1.2, 9), (2.4, 7), (3.6, -6), (5, -3), (6, 0), smooth=0.2), 1 + c.wave(6, 1), 0.8 * sway),
        arms=arms,
        breath=0.8 * breath,
    )


def wave(feet: Feet) -> Figure:
    """Raise the right hand and wave at whoever looks on."""
    c = Clock(4.0)
    up = c.track((0, 0), (0.35, 0), (1.0, 1), (3.0, 1), (3.65, 0), (4, 0), smooth=0.09)
    swing = c.track((0, 0), (0.9, 0), *((1.15 + 0.27 * k, 1 if k % 2 == 0 else -1) for k in range(7)), (3.1, 0), (4, 0))
    right: Arm = {
        "abduct": 11 + 50 * up,
        "flex": 2 + 16 * up,
        "across": -6 * up,
        "twist": 8 - 88 * up,
        "elbow": 16 + 92 * up - 15 * swing,
        "pronate": 12 - 16 * up,
        "wrist": 4 - 12 * up,
        "wave": 9 * swing,
        "curl": 1 - 0.7 * up,
    }
    left: Arm = {"abduct": 11 + up, "flex": 1 - 2 * up, "elbow": 17 + 2 * up}
    return Figure(
        c,
        stand(c, feet, 0.1, 8, (0.0, 0.01)),
        move(c, 0.02 * up, -0.001, 0),
        (2 * up, 0, 1.5 * up),
        (1, 1.5 * up, -3 * up),
        (-3 * up, 1, -5 * up + swing),
        arms={"left": left, "right": right},
    )


def squat(feet: Feet) -> Figure:
    """Two slow squats with the arms held forward."""
    c = Clock(6.2)
    down = c.track(
        (0, 0), (0.5, 0), (1.75, 1), (2.0, 1), (3.1, 0), (3.3, 0), (4.5, 1), (4.75, 1), (5.8, 0), (6.2, 0), smooth=0.1
    )
    arm: Arm = {
        "flex": 2 + 112 * down,
        "abduct": 11 - 6 * down,
        "twist": 8 + 46 * down,
        "elbow": 16 - 6 * down,
        "pronate": 12 - 4 * down,
        "curl": 1 - 0.5 * down,
    }
    return Figure(
        c,
        stand(c, feet, 0.165, 17),
        move(c, 0, -0.001 - 0.40 * down, -0.125 * down),
        (0, 27 * down, 0),
        (1 + 14 * down, 0, 0),
        (0, 1 + 4 * down, 0),
        arms={"left": arm, "right": arm},
        knees=4 + 8 * down,
    )


def stretch(feet: Feet) -> Figure:
    """Reach up, bend to the left and to the right, come down again."""
    c = Clock(7.6)
    left = c.track((0, 0), (0.4, 0), (1.7, 1), (5.9, 1), (7.1, 0), (7.6, 0), smooth=0.12)
    side = c.track((0, 0), (2.0, 0), (2.9, 1), (3.3, 1), (4.5, -1), (4.9, -1), (5.7, 0), (7.6, 0), smooth=0.13)
    reach = c.track((0, 0), (1.2, 0), (1.8, 1), (5.6, 1), (6.3, 0), (7.6, 0), smooth=0.13)

    def arm(sign: float) -> Arm:
        return {
            "flex": 2 + 10 * left,
            "abduct": 11 + 153 * left + 7 * reach,
            "twist": 8 - 60 * left,
            "elbow": 16 + 10 * left - 14 * reach,
            "pronate": 12 - 30 * left,
            "curl": 1 - 0.5 * reach,
            "wrist": 4 - 8 * reach,
        }

    return Figure(
        c,
        stand(c, feet, 0.13, 10),
        move(c, -0.035 * side, -0.001, 0.005 * reach),
        (0, -1.5 * reach, -3 * side),
        (1 - 5 * reach, 26 * side, 0),
        (0, 1 - 9 * reach + 6 * np.abs(side), 17 * side),
        arms={"left": arm(1), "right": arm(-1)},
    )


def bow(feet: Feet) -> Figure:
    """Bow from the hips, the right hand on the belly, and rise again."""
    c = Clock(4.2)
    down = c.track((0, 0), (0.6, 0), (1.6, 1), (2.2, 1), (3.4, 0), (4.2, 0), smooth=0.12)
    hand = c.track((0, 0), (0.25, 0), (1.0, 1), (2.8, 1), (3.7, 0), (4.2, 0), smooth=0.1)
    right: Arm = {
        "flex": 2 + 4 * hand + 20 * down,
        "abduct": 11 + 13 * hand,
        "twist": 8 + 55 * hand,
        "elbow": 16 + 82 * hand - 4 * down,
        "pronate": 12 - 10 * hand,
        "wrist": 4 + 6 * hand,
        "curl": 1 - 0.5 * hand,
    }
    left: Arm = {"flex": 2 + 20 * down, "abduct": 11 + 3 * down, "elbow": 16 + 4 * down}
    return Figure(
        c,
        stand(c, feet, 0.095, 9),
        move(c, 0, -0.001 - 0.012 * down, -0.105 * down),
        (0, 33 * down, 0),
        (1 + 26 * down, 0, 0),
        (0, 1 + 52 * down, 0),
        arms={"left": left, "right": right},
    )
