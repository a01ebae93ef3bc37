"""A body that is put in place by its feet, trunk and hands: inverse kinematics in the world, for people who touch.

World: y up, metres, floor y = 0. Heading 0 faces +z, 90 degrees faces +x. A person's own axes at rest: x to their left,
y up, z to the front.
"""

from __future__ import annotations

from typing import Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

from humanav.body.names import JOINT_INDEX, PARENTS
from humanav.synth.poses import Poser
from humanav.synth.template import body, template

Array = NDArray[np.float64]
Side = Literal["left", "right"]
SIDES: tuple[Side, Side] = ("left", "right")

_STRAIGHT = 0.985  # share of a leg's length: how far the hip of a standing person is from the ankle
_WRIST = np.radians(65)  # how far a hand may be bent against its forearm


def heading(degrees: float) -> Array:
    """The turn (3,3) about the vertical."""
    a = np.radians(degrees)
    return np.array([[np.cos(a), 0, np.sin(a)], [0, 1, 0], [-np.sin(a), 0, np.cos(a)]])


class Shape:
    """A person's rest body: ``vertices`` (V,3), ``joints`` (55,3), ``sole`` (height of the ankles over the floor),
    ``leg`` (length from hip to ankle), ``stature``."""

    def __init__(self, betas: ArrayLike, expression: ArrayLike) -> None:
        vertices, joints = body().rest(betas, expression)
        self.vertices: Array = vertices.numpy().astype(np.float64)
        self.joints: Array = joints.numpy().astype(np.float64)
        low = self.vertices[:, 1].min()
        self.sole = float(self.joints[[7, 8], 1].mean() - low)
        self.leg = float(np.linalg.norm(self.joints[4] - self.joints[1])
                         + np.linalg.norm(self.joints[7] - self.joints[4]))
        self.stature = float(self.vertices[:, 1].max() - low)
        trunk = template().weights[:, [0, 3, 6, 9, 12, 13, 14]].sum(axis=1) > 0.6
        self._trunk: Array = self.vertices[trunk]

    @property
    def hips(self) -> float:
        """How high the hips of the standing person are over the floor, metres."""
        return _STRAIGHT * self.leg + self.sole

    def at(self, joint: str) -> Array:
        """(3,) the joint at rest."""
        return np.asarray(self.joints[JOINT_INDEX[joint]])

    def skin(self, x: float, y: float, front: bool) -> Array:
        """(3,) the point of the trunk's front or back at this width and height of the rest pose; z is 0 beside it."""
        near = self._trunk[(np.abs(self._trunk[:, 0] - x) < 0.04) & (np.abs(self._trunk[:, 1] - y) < 0.04)]
        z = (near[:, 2].max() if front else near[:, 2].min()) if len(near) else 0.0
        return np.array([x, y, z])


class Puppet:
    """One pose under construction.

    Attributes:
        shape: of whom.
        poser: local rotations, in the body's rest coordinates.
        transl: (3,) what is added to put the pose into the world.
    """

    def __init__(self, shape: Shape) -> None:
        self.shape, self.poser, self.transl = shape, Poser(shape.joints), np.zeros(3)

    def put(self, place: ArrayLike, degrees: float, *, height: float | None = None, lean: float = 0.0) -> None:
        """Put the pelvis over ``place`` (x, z).

        Args:
            place: metres.
            degrees: heading.
            height: of the pelvis over the floor; by default that of a person who stands.
            lean: degrees by which the pelvis is bent forward.
        """
        x, z = np.asarray(place, float)
        hips = self.shape.joints[[1, 2], 1].mean() - self.shape.joints[0, 1]
        level = self.shape.hips - hips if height is None else height
        self.transl = np.array([x, level, z]) - self.shape.joints[0]
        self.poser.local[0] = heading(degrees)
        self.poser.turn("pelvis", x=lean)

    def bend(self, x: float = 0, y: float = 0, z: float = 0) -> None:
        """Bend the spine by degrees, spread over its joints: forward, to the left about the vertical, to the right."""
        for joint, part in (("spine1", 0.3), ("spine2", 0.35), ("spine3", 0.35)):
            self.poser.turn(joint, x * part, y * part, z * part)

    def joint(self, name: str) -> Array:
        """(3,) where a joint is in the world."""
        return np.asarray(self.poser.forward()[1][JOINT_INDEX[name]] + self.transl)

    def point(self, joint: str, rest: ArrayLike) -> Array:
        """(3,) where a point of the rest pose is that moves with ``joint``."""
        rotation, position = self.poser.forward()
        j = JOINT_INDEX[joint]
        moved = position[j] + rotation[j] @ (np.asarray(rest, float) - self.shape.joints[j])
        return np.asarray(moved + self.transl)

    def way(self, joint: str, direction: ArrayLike) -> Array:
        """(3,) a direction of the rest pose as the joint has turned it."""
        return np.asarray(self.poser.forward()[0][JOINT_INDEX[joint]] @ np.asarray(direction, float))

    def foot(self, side: Side, place: ArrayLike, degrees: float, lift: float = 0.0, down: float = 0.0) -> None:
        """Put a foot on the floor at ``place`` (x, z), pointing to a heading, ``lift`` metres over it with the toes
        turned down by degrees."""
        x, z = np.asarray(place, float)
        target = np.array([x, self.shape.sole + lift, z]) - self.transl
        sign = 1 if side == "left" else -1
        turn = heading(degrees + sign * 6)
        self.poser.reach(side, "leg", target, turn @ np.array([sign * 0.12, 0.0, 1.0]))
        ankle = JOINT_INDEX[f"{side}_ankle"]
        rotation, _ = self.poser.forward()
        a = np.radians(down)
        tip = np.array([[1, 0, 0], [0, np.cos(a), -np.sin(a)], [0, np.sin(a), np.cos(a)]])
        self.poser.local[ankle] = rotation[PARENTS[ankle]].T @ turn @ tip

    def hand(self, side: Side, wrist: ArrayLike, pole: ArrayLike, fingers: ArrayLike | None = None,
             palm: ArrayLike | None = None) -> None:
        """Put a wrist at a point of the world.

        Args:
            side: which.
            wrist: (3,) metres.
            pole: direction into which the elbow points.
            fingers, palm: directions in which the fingers and the palm shall point, as far as a wrist can.
        """
        self.poser.reach(side, "arm", np.asarray(wrist, float) - self.transl, pole)
        if fingers is None or palm is None:
            return
        sign = 1.0 if side == "left" else -1.0
        f = np.asarray(fingers, float) / np.linalg.norm(fingers)
        p = np.asarray(palm, float) - np.dot(palm, f) * f
        p /= np.linalg.norm(p)
        wanted = np.stack([sign * f, -p, np.cross(sign * f, -p)], axis=1)
        rotation, _ = self.poser.forward()
        joint = JOINT_INDEX[f"{side}_wrist"]
        self.poser.local[joint] = _twisted(rotation[PARENTS[joint]].T @ wanted)

    def rest_arm(self, side: Side, out: float = 9.0, forward: float = 8.0, elbow: float = 18.0) -> Array:
        """(3,) where the wrist of an arm that hangs is, in the world."""
        sign = 1.0 if side == "left" else -1.0
        shoulder = self.joint(f"{side}_shoulder")
        upper = np.linalg.norm(self.shape.at(f"{side}_elbow") - self.shape.at(f"{side}_shoulder"))
        lower = np.linalg.norm(self.shape.at(f"{side}_wrist") - self.shape.at(f"{side}_elbow"))
        o, f, e = np.radians([out, forward, forward + elbow])
        own = np.array([sign * np.sin(o) * (upper + lower), -np.cos(o) * (upper * np.cos(f) + lower * np.cos(e)),
                        upper * np.sin(f) * 0.2 + lower * np.sin(e)])
        turn = self.poser.local[0]
        level = np.arctan2(turn[0, 2], turn[2, 2])
        return np.asarray(shoulder + heading(float(np.degrees(level))) @ own)


def _twisted(turn: Array) -> Array:
    """A wrist's turn, the whole of it (twist included) no greater than a wrist can be bent."""
    from scipy.spatial.transform import Rotation

    vector = Rotation.from_matrix(turn).as_rotvec()
    size = np.linalg.norm(vector)
    return np.asarray(Rotation.from_rotvec(vector * min(1.0, _WRIST / max(size, 1e-9))).as_matrix())
