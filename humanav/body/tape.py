"""Taking a tape to many shapes at once: cuts through the skin, the girths of the cuts, and lengths between points.

All arrays are float64, metres, T-pose; N shapes of one body are measured together. Girths are perimeters of the convex
hull of a cut: a tape bridges hollows. Torso cuts leave the arms out.
"""

from __future__ import annotations

from functools import cached_property, lru_cache

import numpy as np
from numpy.typing import NDArray

from humanav.body.landmarks import SURFACE_VERTICES
from humanav.body.model import BodyModel
from humanav.body.names import JOINT_INDEX
from humanav.errors import InputError

Array = NDArray[np.float64]
Index = NDArray[np.int64]

_DENSITY = 985.0  # kg/m3 of a living body with air in its lungs
_ACROMION = 0.008  # the bony tip of the shoulder lies this part of the stature outside the joint's centre
_UP = np.array([0.0, 1.0, 0.0])
_FINGERS = tuple(f"{finger}{k}" for finger in ("index", "middle", "ring", "pinky", "thumb") for k in (1, 2, 3))
_TORSO = ("pelvis", "spine1", "spine2", "spine3", "neck", "left_collar", "right_collar")
_MIDLINE: dict[str, tuple[str, ...]] = {
    "torso": _TORSO,
    "trunk": (*_TORSO, "left_hip", "right_hip"),
    "head": ("head", "neck"),
    "neck": ("neck", "head", "jaw", "spine3", "left_collar", "right_collar"),
    "face": ("head", "neck", "jaw"),
}
_SIDED: dict[str, tuple[str, ...]] = {
    "arm": ("collar", "shoulder", "elbow", "wrist"),
    "hand": ("wrist", *_FINGERS),
    "thigh": ("hip", "knee"),
    "leg": ("hip", "knee", "ankle"),
    "foot": ("ankle", "foot"),
}


@lru_cache(maxsize=4)
def tape_of(body: BodyModel) -> Tape:
    """The body's tape; made once."""
    return Tape(body)


class Tape:
    """What is the same for all shapes of a body: the edges of each part that a plane may cut, and fixed landmarks."""

    def __init__(self, body: BodyModel) -> None:
        self.faces: Index = np.asarray(body.faces, dtype=np.int64)
        weights, index = body.skin_weight.cpu().numpy(), body.skin_index.cpu().numpy()
        main = index[np.arange(len(index)), weights.argmax(1)]
        edges = np.concatenate([self.faces[:, [0, 1]], self.faces[:, [1, 2]], self.faces[:, [2, 0]]])
        edges = np.unique(np.sort(edges, axis=1), axis=0)
        self._parts: dict[str, tuple[Index, Index]] = {}
        parts = dict(_MIDLINE)
        for side in ("left", "right"):
            parts |= {f"{side} {part}": tuple(f"{side}_{joint}" for joint in joints) for part, joints in _SIDED.items()}
        for part, joints in parts.items():
            mask = np.isin(main, [JOINT_INDEX[name] for name in joints])
            own, local = np.unique(edges[mask[edges].all(1)], return_inverse=True)
            self._parts[part] = own, local.reshape(-1, 2)
        self.landmarks = _landmarks(self, body)

    def vertices(self, part: str) -> Index:
        """Vertices of a part."""
        return self._parts[part][0]

    def cut(self, skin: Array, part: str, height: Array, normal: Array = _UP) -> tuple[Array, Index]:
        """Points (M,3) where planes ``normal . x = height`` meet the skin of a part, and whose each is (sorted).

        Args:
            skin: (N,V,3).
            height: (N,K), K planes for each shape; point m belongs to shape ``owner[m] // K``, plane ``owner[m] % K``.
            normal: (3,) or (N,3), of unit length.
        """
        own, edges = self._parts[part]
        points = skin[:, own]
        along = (points @ np.broadcast_to(normal, (len(skin), 3))[..., None])[..., 0]
        below = along[:, None] < height[..., None]
        n, k, e = np.nonzero(below[..., edges[:, 0]] != below[..., edges[:, 1]])
        a, b = edges[e].T
        t = (height[n, k] - along[n, a]) / (along[n, b] - along[n, a])
        start = points[n, a]
        return start + (points[n, b] - start) * t[:, None], n * height.shape[1] + k

    def girths(self, skin: Array, part: str, height: Array, normal: Array = _UP) -> Array:
        """Length (N,K) of a tape round a part where planes cut it; arguments as :meth:`cut`.

        Raises:
            InputError: a plane misses the part.
        """
        points, owner = self.cut(skin, part, height, normal)
        normal = np.broadcast_to(normal, (len(skin), 3))
        across = np.where(np.abs(normal[:, 2:]) < 0.9, (0.0, 0.0, 1.0), (1.0, 0.0, 0.0))
        first = np.cross(normal, across)
        first /= np.linalg.norm(first, axis=1, keepdims=True)
        axes = np.stack([first, np.cross(normal, first)], axis=2)[owner // height.shape[1]]
        flat = (points[:, None] @ axes)[:, 0]
        return hull_perimeters(flat, owner, height.size).reshape(height.shape)

    def levels(self, skin: Array, part: str, low: Array, high: Array, steps: int) -> Array:
        """Girths (N,steps) of level cuts at equal distances from heights ``low`` to ``high`` (N,)."""
        return self.girths(skin, part, np.linspace(low, high, steps, axis=1))


def hull_perimeters(points: Array, owner: Index, count: int) -> Array:
    """Perimeters (count,) of the convex hulls of many small sets of points in the plane, all at once.

    Points round a point within their hull form a star-shaped polygon; a corner that turns the wrong way is never on
    the hull, so all of these can go at once, until none is left.

    Args:
        points: (M,2).
        owner: (M,) sorted, which set each point is in, 0 to count - 1.

    Raises:
        InputError: a set of fewer than three points, or on one line.
    """
    many = np.bincount(owner, minlength=count)
    if (many < 3).any():
        raise InputError(_EMPTY)
    centre = np.stack([np.bincount(owner, weights=axis, minlength=count) for axis in points.T], axis=1) / many[:, None]
    away = points - centre[owner]
    order = np.lexsort((np.arctan2(away[:, 1], away[:, 0]), owner))
    points, owner = points[order], owner[order]
    distinct = np.abs(points - points[_neighbours(owner, count)[0]]).max(1) > 1e-12
    points, owner, gone = points[distinct], owner[distinct], 1
    while gone:
        before, after = _neighbours(owner, count)
        here, there = points - points[before], points[after] - points
        convex = here[:, 0] * there[:, 1] > here[:, 1] * there[:, 0]
        points, owner, gone = points[convex], owner[convex], int((~convex).sum())
    if (np.bincount(owner, minlength=count) < 3).any():
        raise InputError(_EMPTY)
    length = np.linalg.norm(points - points[_neighbours(owner, count)[0]], axis=1)
    total: Array = np.bincount(owner, weights=length, minlength=count).astype(np.float64)
    return total


_EMPTY = "This shape cannot be measured: a cut through it is empty. Use smaller betas."


def _neighbours(owner: Index, count: int) -> tuple[Index, Index]:
    """Index (M,) of the point before and after each in its closed polygon."""
    many = np.bincount(owner, minlength=count)
    end = np.cumsum(many)
    start = end - many
    here = np.arange(len(owner))
    last = here + 1 == end[owner]
    return np.where(here == start[owner], end[owner], here) - 1, np.where(last, start[owner], here + 1)


class Fitting:
    """The measures of N shapes, each taken when it is first asked for: arrays (N,), metres.

    Args:
        tape: of the shapes' body.
        skin: (N,V,3) T-pose vertices.
        joints: (N,55,3) T-pose joints.
    """

    def __init__(self, tape: Tape, skin: Array, joints: Array) -> None:
        self.tape, self.skin, self.joints = tape, skin, joints
        self.floor = skin[..., 1].min(1)
        self.height = skin[..., 1].max(1) - self.floor

    def joint(self, name: str) -> Array:
        """(N,3)."""
        return self.joints[:, JOINT_INDEX[name]]

    def landmark(self, name: str) -> Array:
        """(N,3) of a point on the skin: a name of :attr:`Tape.landmarks`."""
        return self.skin[:, self.tape.landmarks[name]]

    def bone(self, start: str, end: str) -> Array:
        """Distance between two joints."""
        return _distance(self.joint(start), self.joint(end))

    def between(self, start: str, end: str) -> Array:
        """Distance between two landmarks."""
        return _distance(self.landmark(start), self.landmark(end))

    def round(self, part: str, start: str, end: str, shares: tuple[float, ...]) -> Array:
        """Girths (N,len(shares)) across the bone from joint ``start`` to ``end``, at shares of its length."""
        origin = self.joint(start)
        bone = self.joint(end) - origin
        length = np.linalg.norm(bone, axis=1, keepdims=True)
        normal = bone / length
        return self.tape.girths(self.skin, part, (origin * normal).sum(1, keepdims=True) + length * np.array(shares),
                                normal)

    @cached_property
    def spine(self) -> Array:
        """Height of the neck's joint over the pelvis."""
        return self.joint("neck")[:, 1] - self.joint("pelvis")[:, 1]

    @cached_property
    def crotch(self) -> Array:
        """Height of the crotch: the lowest point of the midline's cut above the knees."""
        points, owner = self.tape.cut(self.skin, "trunk", np.zeros((len(self.skin), 1)), np.array([1.0, 0.0, 0.0]))
        above = points[:, 1] > self.joint("left_knee")[owner, 1]
        lowest = np.full(len(self.skin), np.inf)
        np.minimum.at(lowest, owner[above], points[above, 1])
        if not np.isfinite(lowest).all():
            raise InputError(_EMPTY)
        return lowest

    @cached_property
    def shoulder_width(self) -> Array:
        """Between the bony tips of the shoulders."""
        return self.joint("left_shoulder")[:, 0] - self.joint("right_shoulder")[:, 0] + 2 * _ACROMION * self.height

    @cached_property
    def chest(self) -> Array:
        """At its fullest."""
        low = self.joint("pelvis")[:, 1]
        return self.tape.levels(self.skin, "torso", low + 0.46 * self.spine, low + 0.56 * self.spine, 6).max(1)

    @cached_property
    def _waists(self) -> Array:
        low, high = self._waist_span
        return self.tape.levels(self.skin, "torso", low, high, 12)

    @cached_property
    def _waist_span(self) -> tuple[Array, Array]:
        pelvis = self.joint("pelvis")[:, 1]
        return pelvis - 0.02 * self.height, pelvis + 0.34 * self.spine

    @cached_property
    def waist(self) -> Array:
        """At its narrowest."""
        return self._waists.min(1)

    @cached_property
    def waist_height(self) -> Array:
        """Height of the narrowest waist."""
        low, high = self._waist_span
        return np.linspace(low, high, 12, axis=1)[np.arange(len(low)), self._waists.argmin(1)]

    @cached_property
    def hip(self) -> Array:
        """At its widest."""
        return self.tape.levels(self.skin, "trunk", self.crotch + 0.005 * self.height, self.joint("pelvis")[:, 1],
                                12).max(1)

    @cached_property
    def head(self) -> Array:
        """Round the forehead, at its widest."""
        eye = self.joint("left_eye")[:, 1]
        return self.tape.levels(self.skin, "head", eye + 0.01 * self.height, eye + 0.035 * self.height, 5).max(1)

    @cached_property
    def neck(self) -> Array:
        """At its narrowest."""
        return self.round("neck", "neck", "head", (0.3, 0.45, 0.6)).min(1)

    def arm_length(self, side: str) -> Array:
        """From the shoulder's joint to the wrist's along the arm."""
        return self.bone(f"{side}_shoulder", f"{side}_elbow") + self.bone(f"{side}_elbow", f"{side}_wrist")

    def hand(self, side: str) -> Array:
        """From the wrist's joint to the tip of the longest finger."""
        hand = self.skin[:, self.tape.vertices(f"{side} hand"), 0]
        return np.abs(hand - self.joint(f"{side}_wrist")[:, :1]).max(1)

    def foot(self, side: str) -> Array:
        """From the heel to the toes."""
        return np.ptp(self.skin[:, self.tape.vertices(f"{side} foot"), 2], axis=1)

    def upper_arm(self, side: str) -> Array:
        """Girth round the biceps."""
        return self.round(f"{side} arm", f"{side}_shoulder", f"{side}_elbow", (0.55,))[:, 0]

    def forearm(self, side: str) -> Array:
        """Girth at the forearm's fullest, below the elbow."""
        return self.round(f"{side} arm", f"{side}_elbow", f"{side}_wrist", (0.2, 0.25, 0.3)).max(1)

    def wrist(self, side: str) -> Array:
        """Girth just above the wrist's joint."""
        arm = self.joint(f"{side}_elbow") - self.joint(f"{side}_shoulder")
        length = np.linalg.norm(arm, axis=1, keepdims=True)
        normal = arm / length
        at = (self.joint(f"{side}_wrist") * normal).sum(1, keepdims=True) - 0.02 * length
        return self.tape.girths(self.skin, f"{side} arm", at, normal)[:, 0]

    def thigh(self, side: str) -> Array:
        """Girth just below the crotch."""
        return self.tape.girths(self.skin, f"{side} thigh", (self.crotch - 0.012 * self.height)[:, None])[:, 0]

    def knee(self, side: str) -> Array:
        """Girth at the knee's joint."""
        return self.tape.girths(self.skin, f"{side} leg", self.joint(f"{side}_knee")[:, 1:2])[:, 0]

    def calf(self, side: str) -> Array:
        """Girth of the calf at its fullest."""
        knee, ankle = self.joint(f"{side}_knee")[:, 1], self.joint(f"{side}_ankle")[:, 1]
        return self.tape.levels(self.skin, f"{side} leg", 0.45 * knee + 0.55 * ankle, 0.85 * knee + 0.15 * ankle,
                                12).max(1)

    def ankle(self, side: str) -> Array:
        """Girth above the ankle at its narrowest."""
        ankle = self.joint(f"{side}_ankle")[:, 1]
        return self.tape.levels(self.skin, f"{side} leg", ankle + 0.01 * self.height, ankle + 0.06 * self.height,
                                6).min(1)

    @cached_property
    def mass(self) -> Array:
        """Kilograms, from the volume."""
        x, y, z = (np.ascontiguousarray(self.skin[..., axis]) for axis in range(3))
        a, b, c = self.tape.faces.T
        ya, za = y[:, a], z[:, a]
        doubled = (y[:, b] - ya) * (z[:, c] - za) - (z[:, b] - za) * (y[:, c] - ya)  # each face's area seen along x
        volume: Array = ((x[:, a] + x[:, b] + x[:, c]) * doubled).sum(1) / 6
        return _DENSITY * volume


def _distance(a: Array, b: Array) -> Array:
    return np.linalg.norm(a - b, axis=-1)


def _landmarks(tape: Tape, body: BodyModel) -> dict[str, int]:
    """Vertices of points on the skin that a measure starts from, found on the mean shape."""
    skin, rest = (np.asarray(x.detach().cpu(), dtype=np.float64) for x in body.rest())
    J = {name: rest[index] for name, index in JOINT_INDEX.items()}
    spine = J["neck"][1] - J["pelvis"][1]
    found = {name: vertex for name, vertex in SURFACE_VERTICES.items() if name.endswith(("ear", "toe", "heel"))}

    def midline(part: str, y: float, front: bool) -> int:
        own = tape.vertices(part)
        points = skin[own]
        facing = (points[:, 2] > J["neck"][2]) == front
        return int(own[np.argmin(np.abs(points[:, 1] - y) + np.abs(points[:, 0]) + 10.0 * ~facing)])

    found["nape"] = midline("neck", J["neck"][1], False)
    found["throat"] = midline("torso", J["neck"][1] - 0.12 * spine, True)
    found["navel"] = midline("torso", J["pelvis"][1] + _NAVEL * spine, True)
    found["navel_back"] = midline("torso", J["pelvis"][1] + _NAVEL * spine, False)
    face = tape.vertices("face")
    nose = skin[SURFACE_VERTICES["nose"]]
    chin = (np.abs(skin[face, 0]) < 0.01) & (skin[face, 2] > 0.4 * J["jaw"][2] + 0.6 * nose[2])
    found["chin"] = int(face[chin][skin[face[chin], 1].argmin()])
    for side, sign in (("left", 1.0), ("right", -1.0)):
        own = tape.vertices(f"{side} foot")
        ball = J[f"{side}_foot"]
        off = skin[own] - ball
        found[f"{side}_ball"] = int(own[np.argmin(np.hypot(off[:, 1], off[:, 2]) + 10.0 * (sign * off[:, 0] > 0))])
    return found


_NAVEL = 0.09  # height of the navel between pelvis and neck
