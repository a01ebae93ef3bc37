"""Body measurements in metres, as a tailor's tape would take them, from a shape in its T-pose.

Girths are perimeters of the convex hull of a cut through the skin: a tape bridges hollows. Torso cuts leave the arms
out. The skin carries no clothes, so a body fitted to a dressed person includes some of the cloth.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import trimesh
from numpy.typing import ArrayLike, NDArray
from scipy.spatial import ConvexHull, QhullError

from humanav.body.model import BodyModel
from humanav.body.names import JOINT_INDEX
from humanav.errors import InputError

Array = NDArray[np.float64]

_DENSITY = 985.0  # kg/m3 of a living body with air in its lungs
_ACROMION = 0.008  # the bony tip of the shoulder lies this part of the stature outside the joint's centre
_UP = np.array([0.0, 1.0, 0.0])


@dataclass(frozen=True)
class Measurements:
    """Metres, barefoot and unclothed; ``mass`` in kilograms, from the volume.

    ``shoulder_width`` is biacromial (bone tip to bone tip), ``chest`` at the fullest part, ``waist`` at the narrowest,
    ``hip`` at the widest; ``inseam`` from crotch to floor; ``arm_length`` from the shoulder's joint to the wrist's
    along the arm; ``back_length`` from the nape to the waist's height.
    """

    height: float
    shoulder_width: float
    chest: float
    waist: float
    hip: float
    neck: float
    head: float
    inseam: float
    arm_length: float
    arm_span: float
    back_length: float
    upper_arm: float
    wrist: float
    thigh: float
    knee: float
    calf: float
    ankle: float
    hand_length: float
    foot_length: float
    mass: float

    @property
    def stature(self) -> float:
        """The height."""
        return self.height

    @property
    def bmi(self) -> float:
        """Body mass index, kg/m2, of the estimated mass."""
        return self.mass / self.height**2


def measure(body: BodyModel, betas: ArrayLike | None = None, vertices: ArrayLike | None = None) -> Measurements:
    """Measure a shape.

    Args:
        body: whose.
        betas: shape values; None for the mean shape.
        vertices: (V,3) T-pose skin to measure instead of the shape's own (an avatar's, say); the betas then still say
            where the joints are.

    Raises:
        InputError: when the betas or vertices do not fit the body, or no cut through the skin can be taken.
    """
    skin, joints = (np.asarray(x.detach().cpu(), dtype=np.float64) for x in body.rest(betas))
    if vertices is not None:
        skin = np.asarray(vertices, dtype=np.float64)
        if skin.shape != tuple(body.v_template.shape) or not np.isfinite(skin).all():
            raise InputError(f"The vertices to measure have shape {skin.shape}; this body's are "
                             f"{tuple(body.v_template.shape)}, finite.")
    return _Tape(body, skin, joints).measurements()


class _Tape:
    """Cuts and lengths of one shape."""

    def __init__(self, body: BodyModel, skin: Array, joints: Array) -> None:
        self.skin, self.faces = skin, body.faces
        self.J = {name: joints[index] for name, index in JOINT_INDEX.items()}
        self.floor, self.top = skin[:, 1].min(), skin[:, 1].max()
        main = body.skin_index.numpy()[np.arange(len(skin)), body.skin_weight.numpy().argmax(1)]
        edges = np.sort(np.concatenate([body.faces[:, [0, 1]], body.faces[:, [1, 2]], body.faces[:, [2, 0]]]), axis=1)
        edges = np.unique(edges, axis=0)
        self.parts = {}
        for part, words in _PARTS.items():
            mask = np.isin(main, [JOINT_INDEX[name] for name in words])
            self.parts[part] = edges[mask[edges].all(1)]

    def cut(self, part: str, origin: Array, normal: Array = _UP) -> Array:
        """Points (N,3) where the plane meets the skin of a part."""
        edges = self.parts[part]
        a, b = self.skin[edges[:, 0]], self.skin[edges[:, 1]]
        da, db = (a - origin) @ normal, (b - origin) @ normal
        crossing = (da < 0) != (db < 0)
        t = da[crossing] / (da[crossing] - db[crossing])
        return a[crossing] + (b[crossing] - a[crossing]) * t[:, None]

    def girth(self, part: str, origin: Array, normal: Array = _UP) -> float:
        """Length of a tape round a part where the plane cuts it."""
        normal = normal / np.linalg.norm(normal)
        points = self.cut(part, origin, normal)
        first = np.cross(normal, (0.0, 0.0, 1.0) if abs(normal[2]) < 0.9 else (1.0, 0.0, 0.0))
        first /= np.linalg.norm(first)
        try:
            return float(ConvexHull(points @ np.stack([first, np.cross(normal, first)], 1)).area)  # 2D: the perimeter
        except (QhullError, ValueError, IndexError) as error:
            raise InputError("This shape cannot be measured: a cut through it is empty. Use smaller betas.") from error

    def along(self, part: str, low: float, high: float, steps: int = 12) -> tuple[Array, Array]:
        """Girths of level cuts at ``steps`` heights from low to high: heights, girths."""
        heights = np.linspace(low, high, steps)
        return heights, np.array([self.girth(part, _UP * y) for y in heights])

    def measurements(self) -> Measurements:
        """Take them all."""
        J, height = self.J, self.top - self.floor
        spine = J["neck"][1] - J["pelvis"][1]
        crotch = self.cut("trunk", np.zeros(3), np.array([1.0, 0.0, 0.0]))
        crotch_y = crotch[crotch[:, 1] > J["left_knee"][1]][:, 1].min()
        _, chest = self.along("torso", J["pelvis"][1] + 0.46 * spine, J["pelvis"][1] + 0.56 * spine, 6)
        waist_y, waist = self.along("torso", J["pelvis"][1] - 0.02 * height, J["pelvis"][1] + 0.34 * spine)
        _, hip = self.along("trunk", crotch_y + 0.005 * height, J["pelvis"][1])
        _, head = self.along("head", J["left_eye"][1] + 0.01 * height, J["left_eye"][1] + 0.035 * height, 5)
        legs = (J["left_knee"], J["left_ankle"])
        _, calf = self.along("leg", legs[0][1] * 0.45 + legs[1][1] * 0.55, legs[0][1] * 0.85 + legs[1][1] * 0.15)
        _, ankle = self.along("leg", legs[1][1] + 0.01 * height, legs[1][1] + 0.06 * height, 6)
        arm = J["left_elbow"] - J["left_shoulder"]
        neck = J["head"] - J["neck"]
        foot = np.unique(self.parts["foot"])
        hand = np.unique(self.parts["hand"])
        return Measurements(
            height=float(height),
            shoulder_width=float(J["left_shoulder"][0] - J["right_shoulder"][0] + 2 * _ACROMION * height),
            chest=float(chest.max()), waist=float(waist.min()), hip=float(hip.max()),
            neck=min(self.girth("neck", J["neck"] + part * neck, neck) for part in (0.3, 0.45, 0.6)),
            head=float(head.max()), inseam=float(crotch_y - self.floor),
            arm_length=float(np.linalg.norm(arm) + np.linalg.norm(J["left_wrist"] - J["left_elbow"])),
            arm_span=float(np.ptp(self.skin[:, 0])),
            back_length=float(J["neck"][1] - waist_y[waist.argmin()]),
            upper_arm=self.girth("arm", J["left_shoulder"] + 0.55 * arm, arm),
            wrist=self.girth("arm", J["left_wrist"] - 0.02 * arm, arm),
            thigh=self.girth("thigh", _UP * (crotch_y - 0.012 * height)),
            knee=self.girth("leg", J["left_knee"]), calf=float(calf.max()), ankle=float(ankle.min()),
            hand_length=float(self.skin[hand][:, 0].max() - J["left_wrist"][0]),
            foot_length=float(np.ptp(self.skin[foot][:, 2])),
            mass=float(trimesh.Trimesh(self.skin, self.faces, process=False).volume * _DENSITY))


_FINGERS = tuple(f"left_{finger}{k}" for finger in ("index", "middle", "ring", "pinky", "thumb") for k in (1, 2, 3))
_TORSO = ("pelvis", "spine1", "spine2", "spine3", "neck", "left_collar", "right_collar")
_PARTS: dict[str, tuple[str, ...]] = {
    "torso": _TORSO,
    "trunk": (*_TORSO, "left_hip", "right_hip"),
    "head": ("head", "neck"),
    "neck": ("neck", "head", "jaw", "spine3", "left_collar", "right_collar"),
    "arm": ("left_collar", "left_shoulder", "left_elbow", "left_wrist"),
    "hand": ("left_wrist", *_FINGERS),
    "thigh": ("left_hip", "left_knee"),
    "leg": ("left_hip", "left_knee", "left_ankle"),
    "foot": ("left_ankle", "left_foot"),
}
