"""A person who turns on the spot with small steps: each foot stands still for half of the time, then swings on."""

from __future__ import annotations

from typing import Any

import numpy as np
from _avatar_cloth import ClothedPerson, posed_as, turned
from numpy.typing import NDArray

from humanav.body.names import JOINT_INDEX, PARENTS
from humanav.synth.poses import Poser

STEP = 60.0  # degrees that the body turns between two steps of the same foot
_LIFT = 0.05  # metres


def turning(person: ClothedPerson, degrees: float) -> ClothedPerson:
    """The standing person when they have turned so far to their left."""
    from scipy.spatial.transform import Rotation

    poser = Poser(person._skeleton[0])
    poser.local = Rotation.from_rotvec(person.pose.astype(np.float64)).as_matrix()
    turns, places = poser.forward()
    for side, phase in (("left", 0.0), ("right", STEP / 2)):
        behind, lift = foot(degrees, phase)
        hip, knee, ankle = (places[JOINT_INDEX[f"{side}_{name}"]] for name in ("hip", "knee", "ankle"))
        way = Rotation.from_euler("y", behind, degrees=True).as_matrix()
        goal = places[0] + way @ (ankle - places[0]) + [0, lift, 0]
        bend = knee - (hip + ankle) / 2 + 0.05 * turns[0][:, 2]
        poser.reach(side, "leg", goal, way @ bend)
        joint = JOINT_INDEX[f"{side}_ankle"]
        poser.local[joint] = poser.forward()[0][PARENTS[joint]].T @ way @ turns[joint]
    return turned(posed_as(person, poser.rotvec()), degrees)


def foot(degrees: float, phase: float) -> tuple[float, float]:
    """How many degrees a foot has turned further than the body (to the left), and metres that it is lifted.

    Args:
        degrees: that the body has turned.
        phase: degrees of the body at which this foot leaves the floor.
    """
    number, part = divmod((degrees - phase) / STEP, 1.0)
    stands = phase + STEP * (number + 0.75)  # the direction it has when it stands next
    if part >= 0.5:
        return stands - degrees, 0.0
    swing: Any = 2 * part
    on = swing * swing * (3 - 2 * swing)
    return stands - STEP * (1 - on) - degrees, float(_LIFT * np.sin(np.pi * swing))


def headings(frames: int) -> NDArray[np.float64]:
    """Degrees (T,) of one whole turn."""
    return 360 * np.arange(frames) / frames
