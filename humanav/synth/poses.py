"""Hand-made poses of the 55 SMPL-X joints, aimed with two-bone inverse kinematics.

Frame of every target: T-pose axes of the body (x to the person's left, y up, z to the front), metres.
"""

from __future__ import annotations

import math
from typing import Literal, get_args

import numpy as np
from numpy.typing import ArrayLike, NDArray

from humanav.body.kinematics import exp_rotation, log_rotation
from humanav.body.names import JOINT_INDEX, PARENTS

Array = NDArray[np.float64]
PoseName = Literal[
    "relaxed",
    "a_pose",
    "hands_on_hips",
    "one_knee",
    "arms_crossed",
    "walk",
    "wave",
    "one_hand_hip",
    "arms_up",
    "sitting",
    "crouching",
    "lunge",
    "reach",
    "jump",
    "kick",
    "bend",
]
POSES: tuple[PoseName, ...] = get_args(PoseName)
STANDING: tuple[PoseName, ...] = ("relaxed", "a_pose", "hands_on_hips", "one_knee", "arms_crossed", "one_hand_hip")
ORDINARY: tuple[PoseName, ...] = (*STANDING, "walk", "wave", "reach")
ACTION: tuple[PoseName, ...] = ("walk", "lunge", "reach", "jump", "kick", "bend", "arms_up")
GROUPS: dict[str, tuple[PoseName, ...]] = {"standing": STANDING, "ordinary": ORDINARY, "action": ACTION, "any": POSES}

_ARM = {
    "left": (np.array([1.0, 0, 0]), np.array([0, -1.0, 0])),
    "right": (np.array([-1.0, 0, 0]), np.array([0, 1.0, 0])),
}
_LEG = (np.array([0, -1.0, 0]), np.array([1.0, 0, 0]))


def _exp(vector: ArrayLike) -> Array:
    return exp_rotation(np.asarray(vector, np.float64))


def _log(matrix: Array) -> Array:
    return log_rotation(matrix)


def _unit(v: ArrayLike) -> Array:
    v = np.asarray(v, np.float64)
    return v / max(np.linalg.norm(v), 1e-9)


def _euler(x: float = 0, y: float = 0, z: float = 0) -> Array:
    """The rotation Ry @ Rx @ Rz (3,3), degrees."""
    (a, b, c), (i, j, k) = ([f(math.radians(angle)) for angle in (x, y, z)] for f in (math.cos, math.sin))
    return np.array([[b * c + j * i * k, j * i * c - b * k, j * a], [a * k, a * c, -i],
                     [b * i * k - j * c, j * k + b * i * c, b * a]])


class Poser:
    """A pose under construction: local rotations (55,3,3) and the rest joints they turn about."""

    def __init__(self, joints: ArrayLike) -> None:
        self.rest = np.asarray(joints, np.float64)
        self.local = np.tile(np.eye(3), (55, 1, 1))

    def turn(self, joint: str, x: float = 0, y: float = 0, z: float = 0) -> None:
        """Turn one joint by degrees about the T-pose axes."""
        self.local[JOINT_INDEX[joint]] = self.local[JOINT_INDEX[joint]] @ _euler(x, y, z)

    def forward(self) -> tuple[Array, Array]:
        """Global rotations (55,3,3) and joint positions (55,3)."""
        rotation, position = np.empty_like(self.local), np.empty((55, 3))
        for j, p in enumerate(PARENTS):
            if p < 0:
                rotation[j], position[j] = self.local[j], self.rest[j]
            else:
                rotation[j] = rotation[p] @ self.local[j]
                position[j] = position[p] + rotation[p] @ (self.rest[j] - self.rest[p])
        return rotation, position

    def reach(self, side: str, limb: str, target: ArrayLike, pole: ArrayLike) -> None:
        """Put the wrist or ankle at ``target`` (world of the pose); elbow or knee towards ``pole``, a direction."""
        upper, lower, end = (
            f"{side}_{n}" for n in (("shoulder", "elbow", "wrist") if limb == "arm" else ("hip", "knee", "ankle"))
        )
        a, b, c = JOINT_INDEX[upper], JOINT_INDEX[lower], JOINT_INDEX[end]
        rotation, position = self.forward()
        one, two = np.linalg.norm(self.rest[b] - self.rest[a]), np.linalg.norm(self.rest[c] - self.rest[b])
        delta = np.asarray(target, np.float64) - position[a]
        distance = np.clip(np.linalg.norm(delta), abs(one - two) + 0.02, (one + two) * 0.999)
        along = _unit(delta)
        side_way = _unit(np.asarray(pole, np.float64) - np.dot(pole, along) * along)
        cosine = (one**2 + distance**2 - two**2) / (2 * one * distance)
        u = cosine * along + np.sqrt(max(1 - cosine**2, 0)) * side_way
        bend = np.arccos(np.clip((distance**2 - one**2 - two**2) / (2 * one * two), -1, 1))
        # turning about this axis carries the upper bone's direction towards the lower bone's
        axis = _unit(np.cross(side_way, along))
        bone, hinge = _ARM[side] if limb == "arm" else _LEG
        rest_frame = np.stack([bone, hinge, np.cross(bone, hinge)], 1)
        frame = np.stack([u, axis, np.cross(u, axis)], 1)
        parent = rotation[PARENTS[a]]
        self.local[a] = parent.T @ frame @ rest_frame.T
        self.local[b] = _exp(hinge * bend)

    def flat_foot(self, side: str, toe_out: float = 8, toe_down: float = 0) -> None:
        """Set the ankle so that the sole is level, toes turned out by degrees."""
        ankle = JOINT_INDEX[f"{side}_ankle"]
        rotation, _ = self.forward()
        sign = 1 if side == "left" else -1
        self.local[ankle] = rotation[PARENTS[ankle]].T @ _euler(toe_down, sign * toe_out, 0)

    def curl(self, rng: np.random.Generator, mean: float = 22, thumb: float = 12) -> None:
        """Bend the fingers, a little differently each."""
        for side, sign in (("left", -1), ("right", 1)):
            hand = mean * rng.uniform(0.6, 1.4)
            for f, finger in enumerate(("index", "middle", "ring", "pinky")):
                for k in (1, 2, 3):
                    self.turn(f"{side}_{finger}{k}", z=sign * hand * (0.75 + 0.13 * f) * (0.8 if k == 1 else 1.0))
            self.turn(f"{side}_thumb2", y=-sign * thumb)
            self.turn(f"{side}_thumb3", y=-sign * thumb)

    def wrist(self, side: str, x: float = 0, y: float = 0, z: float = 0) -> None:
        """Turn the hand: x twists about the forearm, z bends, mirrored for the right side."""
        sign = 1 if side == "left" else -1
        self.turn(f"{side}_wrist", x, sign * y, sign * z)

    def rotvec(self) -> NDArray[np.float32]:
        """(55,3) axis-angle."""
        return _log(self.local).astype(np.float32)


def _stand(p: Poser, rng: np.random.Generator, width: float = 0.0, shift: float = 0.0) -> None:
    """Feet on the floor; ``shift`` moves the weight to the left leg (positive), metres."""
    hips = p.rest[[JOINT_INDEX["left_hip"], JOINT_INDEX["right_hip"]]]
    for side, hip, sign in (("left", hips[0], 1), ("right", hips[1], -1)):
        length = hip[1] - p.rest[JOINT_INDEX["left_ankle"], 1]
        free = max(0.0, -sign * shift)
        ankle = hip + [
            sign * (0.012 + width) - shift + sign * free * 0.6,
            -length * (0.995 - 0.05 * free / 0.06),
            0.02 + free * 2.2,
        ]
        p.reach(side, "leg", ankle, [sign * (0.12 + free), 0, 1])
        p.flat_foot(side, toe_out=rng.uniform(5, 14) + 160 * free)


def _hang(p: Poser, rng: np.random.Generator, side: str, out: float, bend: float) -> None:
    """An arm beside the body: ``out`` degrees from the vertical, elbow bent by ``bend`` degrees."""
    sign = 1 if side == "left" else -1
    p.turn(f"{side}_collar", z=-sign * 6)
    p.local[JOINT_INDEX[f"{side}_shoulder"]] = (
        _euler(z=-sign * (84 - out))
        @ _euler(y=-sign * rng.uniform(-4, 6))
        @ _euler(x=rng.uniform(-22, -6))
    )
    p.turn(f"{side}_elbow", y=-sign * bend)
    p.wrist(side, z=-rng.uniform(0, 8))


def _joint(p: Poser, name: str) -> Array:
    return p.forward()[1][JOINT_INDEX[name]]


def make_pose(name: PoseName, joints: ArrayLike, rng: np.random.Generator) -> NDArray[np.float32]:
    """A named pose with small random variation: (55,3) axis-angle for a body whose rest joints are ``joints`` (55,3).

    The root keeps its place and faces +z; put the lowest point on the floor afterwards.
    """
    p = Poser(joints)
    u = rng.uniform
    lean, twist, tilt = u(-2, 3), u(-7, 7), u(-3, 3)
    stature = p.rest[JOINT_INDEX["head"], 1] - p.rest[JOINT_INDEX["left_foot"], 1]
    for joint, part in (("spine1", 0.3), ("spine2", 0.35), ("spine3", 0.35)):
        p.turn(joint, lean * part, twist * part, tilt * part)
    p.turn("neck", u(-3, 5), u(-10, 10), u(-3, 3))
    p.turn("head", u(-4, 4), u(-8, 8), u(-3, 3))
    shift = 0.0
    if name in ("relaxed", "one_hand_hip", "hands_on_hips", "arms_crossed", "wave", "one_knee"):
        shift = rng.choice([-1, 1]) * u(0.0, 0.035 if name != "one_knee" else 0.055)
        p.turn("pelvis", z=-shift * 60)
        p.turn("spine1", z=shift * 60)
    _stand(p, rng, width=u(0.0, 0.05) if name != "a_pose" else u(0.03, 0.08), shift=shift)
    curl = 22.0
    out, bend = (u(6, 13), u(8, 22)) if name != "a_pose" else (u(19, 36), u(3, 12))
    for side in ("left", "right"):
        _hang(p, rng, side, out + u(-2, 2), bend * u(0.7, 1.3))
    one = str(rng.choice(["left", "right"]))
    sign = 1 if one == "left" else -1
    if name in ("hands_on_hips", "one_hand_hip"):
        for side, s in (("left", 1), ("right", -1)):
            if name == "one_hand_hip" and side != one:
                continue
            hip = _joint(p, f"{side}_hip")
            p.turn(f"{side}_collar", z=s * 4)
            p.reach(
                side,
                "arm",
                hip + [s * (0.115 + u(0, 0.015)), 0.115 + u(-0.02, 0.03), 0.045 + u(-0.02, 0.03)],
                [s * 1.0, -0.2, -0.55],
            )
            p.wrist(side, x=-40, y=0, z=-28)
        curl = 34
    elif name == "arms_crossed":
        if rng.random() < 0.5:  # forearms folded over the stomach
            chest = 0.5 * (_joint(p, "spine2") + _joint(p, "spine3"))
            front = 0.185 + 0.02 * u()
            p.reach("left", "arm", chest + [-0.085, -0.055, front + 0.035], [1, -0.5, -0.5])
            p.reach("right", "arm", chest + [0.085, -0.085, front - 0.01], [-1, -0.5, -0.5])
            p.wrist("left", x=-50)
            p.wrist("right", x=-50)
        else:  # hands clasped in front of the hips
            hip = _joint(p, "pelvis")
            p.reach("left", "arm", hip + [0.035, -0.03, 0.20], [1, -0.2, -0.7])
            p.reach("right", "arm", hip + [-0.03, -0.05, 0.215], [-1, -0.2, -0.7])
            p.wrist("left", x=-20, z=-20)
            p.wrist("right", x=-20, z=-20)
        curl = 18
    elif name == "wave":
        shoulder = _joint(p, f"{one}_shoulder")
        p.turn(f"{one}_collar", z=sign * 10)
        p.reach(one, "arm", shoulder + [sign * u(0.22, 0.32), u(0.16, 0.3), u(0.1, 0.2)], [sign * 0.8, -0.9, -0.1])
        p.wrist(one, x=u(-60, -30))
        curl = 6
    elif name == "reach":
        for side, s in (("left", 1), ("right", -1)):
            if side == one or u() < 0.3:
                shoulder = _joint(p, f"{side}_shoulder")
                p.reach(side, "arm", shoulder + [s * u(0.0, 0.3), u(-0.2, 0.15), u(0.3, 0.45)], [s * 0.6, -1, -0.2])
                curl = 12
    elif name == "arms_up":
        for side, s in (("left", 1), ("right", -1)):
            p.turn(f"{side}_collar", z=s * 18)
            shoulder = _joint(p, f"{side}_shoulder")
            p.reach(side, "arm", shoulder + [s * u(0.05, 0.3), u(0.4, 0.48), u(-0.02, 0.15)], [s * 1, 0.1, 0.35])
        curl = 8
    elif name in ("walk", "lunge"):
        step = u(0.16, 0.27) * stature / 1.55 if name == "walk" else u(0.36, 0.46)
        drop = 0.02 if name == "walk" else u(0.16, 0.3)
        floor = p.rest[JOINT_INDEX["left_ankle"], 1] + drop
        for side, s, z in ((one, sign, step), ("right" if one == "left" else "left", -sign, -step)):
            hip = _joint(p, f"{side}_hip")
            lift = 0.0 if z > 0 else (0.07 if name == "walk" else 0.06)
            p.reach(side, "leg", [hip[0] * 0.9, floor + lift, hip[2] + z], [s * 0.1, 0, 1])
            p.flat_foot(side, 6, -10 if z > 0 and name == "walk" else (0 if z > 0 else 38))
            swing = (-1 if z > 0 else 1) * u(14, 28)
            p.turn(f"{side}_shoulder", y=-s * swing)
            p.turn(f"{side}_elbow", y=-s * u(5, 30 if name == "walk" else 60))
        p.turn("spine2", y=-sign * 8)
    elif name == "sitting":
        seat = u(0.43, 0.5)
        for side, s in (("left", 1), ("right", -1)):
            hip = _joint(p, f"{side}_hip")
            p.reach(side, "leg", hip + [s * u(0.03, 0.1), -seat + 0.09, u(0.36, 0.48)], [s * 0.12, 0.6, 1])
            p.flat_foot(side, u(4, 14), u(-4, 4))
            knee = _joint(p, f"{side}_knee")
            p.reach(side, "arm", knee + [s * u(-0.05, 0.03), u(0.09, 0.12), u(-0.16, -0.05)], [s * 0.7, -0.5, -0.6])
            p.wrist(side, x=10)
    elif name == "crouching":
        p.turn("spine1", x=14)
        p.turn("spine2", x=12)
        p.turn("neck", x=-14)
        for side, s in (("left", 1), ("right", -1)):
            hip = _joint(p, f"{side}_hip")
            p.reach(side, "leg", hip + [s * u(0.07, 0.13), -u(0.45, 0.62), u(0.06, 0.14)], [s * 0.4, 0.2, 1])
            p.flat_foot(side, u(10, 25), 4)
            shoulder = _joint(p, f"{side}_shoulder")
            p.reach(side, "arm", shoulder + [s * u(-0.05, 0.1), u(-0.3, 0.0), u(0.3, 0.42)], [s * 0.8, -0.8, 0])
    elif name == "jump":
        for side, s in (("left", 1), ("right", -1)):
            hip = _joint(p, f"{side}_hip")
            p.reach(side, "leg", hip + [s * u(0.1, 0.3), -u(0.62, 0.78), u(-0.15, 0.15)], [s * 0.3, 0, 1])
            p.flat_foot(side, 10, 30)
            p.turn(f"{side}_collar", z=s * 10)
            shoulder = _joint(p, f"{side}_shoulder")
            p.reach(side, "arm", shoulder + [s * u(0.25, 0.45), u(0.05, 0.4), u(0.0, 0.2)], [s * 0.3, -1, -0.2])
        curl = 8
    elif name == "kick":
        hip = _joint(p, f"{one}_hip")
        p.reach(one, "leg", hip + [sign * u(0.05, 0.2), -u(0.3, 0.6), u(0.4, 0.6)], [sign * 0.2, 0.6, 1])
        for side, s in (("left", 1), ("right", -1)):
            shoulder = _joint(p, f"{side}_shoulder")
            p.reach(side, "arm", shoulder + [s * u(0.05, 0.25), u(-0.2, 0.0), u(0.18, 0.32)], [s * 0.8, -1, 0])
        curl = 50
    elif name == "bend":
        for joint, degrees in (("spine1", u(14, 26)), ("spine2", u(14, 22)), ("spine3", u(6, 14))):
            p.turn(joint, x=degrees, y=u(-6, 6))
        p.turn("neck", x=-u(5, 20))
        for side, s in (("left", 1), ("right", -1)):
            shoulder = _joint(p, f"{side}_shoulder")
            p.reach(side, "arm", shoulder + [s * u(-0.05, 0.1), -u(0.42, 0.5), u(0.08, 0.2)], [s * 0.6, -0.3, -0.6])
    if name in ("one_knee",):
        hip = _joint(p, f"{one}_hip")
        leg = hip[1] - p.rest[JOINT_INDEX[f"{one}_ankle"], 1]
        p.reach(one, "leg", hip + [sign * u(0.02, 0.07), -leg * u(0.9, 0.95), u(0.06, 0.16)], [sign * 0.25, 0, 1])
        p.flat_foot(one, u(10, 22), u(0, 22))
    p.curl(rng, curl)
    return p.rotvec()
