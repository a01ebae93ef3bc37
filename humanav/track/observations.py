"""What a detection says of the body: landmarks with their expected errors, and the detector's guess of depth."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from humanav.body.kinematics import Array, Points, Skeleton, exp_rotation
from humanav.body.landmarks import KEYPOINT_SETS, LANDMARKS, face_points
from humanav.body.names import JOINT_INDEX
from humanav.camera import Camera
from humanav.perception import Person2D
from humanav.track.lift import NAMES, Lift

# Robust spread of each landmark's error in % of the person's stature: measured on synthetic people with MediaPipe.
_SPREAD = {"nose": 0.75, "eye": 0.6, "ear": 0.7, "mouth": 0.65, "shoulder": 0.9, "elbow": 1.0, "wrist": 0.85,
           "pinky": 1.0, "index": 1.0, "thumb": 1.0, "hip": 1.4, "knee": 1.15, "ankle": 0.9, "heel": 1.3, "foot": 1.1,
           "toe": 1.3, "neck": 1.2, "head": 1.5, "pelvis": 1.3}
_HAND_SPREAD, _FACE_SPREAD = 0.5, 0.35
_MODEL_SPREAD, _FACE_MODEL_SPREAD = 0.5, 0.3  # the body is not quite this person's
_SCORES, _INFLATION = (0.0, 0.2, 0.5, 0.8, 0.95), (4.0, 3.2, 2.1, 1.25, 1.0)
OUTSIDE = 4.5  # how much less a landmark outside the picture is believed
SEEN = 0.5  # a landmark with less confidence counts as hidden
_DEPTH_BIAS = np.radians(-6.0)  # MediaPipe's bodies lean forward, on average by this much

LIMBS: dict[str, tuple[str, str, str]] = {
    f"{side}_{limb}": (f"{side}_{a}", f"{side}_{b}", f"{side}_{c}")
    for side in ("left", "right")
    for limb, (a, b, c) in {"arm": ("shoulder", "elbow", "wrist"), "leg": ("hip", "knee", "ankle")}.items()
}
"""The limbs a visitor can flip in depth, and their joints from the trunk outwards."""


@dataclass(frozen=True)
class Observations:
    """Landmarks of one person in one picture.

    Attributes:
        names: K landmark names.
        points: where each lies on the body.
        pixels: (K,2).
        confidence: (K,) 0..1; 0 where the detector found nothing.
        spread: (K,) expected error in % of stature, score and frame counted in.
        group: (K,) "body", "hand" or "face".
        inside: (K,) whether the landmark was found in the picture.
        world: (K,3) guess in metres, world axes, any origin; NaN rows where there is none.
        lifted: the same after the learned correction, in bone sums (:mod:`humanav.track.lift`).
        lifted_spread: (K,) expected error of its depth, in bone sums; NaN where there is none.
    """

    names: tuple[str, ...]
    points: Points
    pixels: Array
    confidence: Array
    spread: Array
    group: NDArray[np.str_]
    inside: NDArray[np.bool_]
    world: Array
    lifted: Array
    lifted_spread: Array

    def index(self, name: str) -> int:
        """Row of the first landmark called ``name``; -1 when there is none."""
        return self.names.index(name) if name in self.names else -1

    def chosen(self, groups: Sequence[str]) -> NDArray[np.intp]:
        """Rows of some groups."""
        return np.flatnonzero(np.isin(self.group, list(groups)))

    @property
    def seen(self) -> NDArray[np.bool_]:
        """(K,) in the picture and detected with confidence."""
        return self.inside & (self.confidence >= SEEN)


def body_spread(name: str) -> float:
    """Typical error of a body landmark in % of stature, the body's own mismatch left out."""
    return next((value for key, value in _SPREAD.items() if key in name), 1.2)


def expected_errors(names: Sequence[str], confidence: Array, inside: NDArray[np.bool_], group: str = "body") -> Array:
    """Expected errors (...,K) in % of stature of landmarks of one group, the body's own mismatch included.

    Args:
        names: K landmark names.
        confidence, inside: (...,K), see :class:`Observations`.
        group: "body", "hand" or "face".
    """
    if group == "body":
        own, model = np.array([body_spread(name) for name in names]), _MODEL_SPREAD
    else:
        own = np.full(len(names), _HAND_SPREAD if group == "hand" else _FACE_SPREAD)
        model = _FACE_MODEL_SPREAD if group == "face" else _MODEL_SPREAD
    return inflated(np.hypot(own, model), confidence, inside)


def inflated(spread: Array, confidence: Array, inside: NDArray[np.bool_]) -> Array:
    """Expected errors of landmarks that are seen less surely, or lie outside the picture."""
    found = spread * np.interp(confidence, _SCORES, _INFLATION)
    return np.asarray(np.where(inside, found, found * OUTSIDE))


def exchange_sides(person: Person2D) -> Person2D:
    """The same detection with the body's left and right exchanged."""
    names = KEYPOINT_SETS[person.keypoint_set]
    order = [names.index(other) if (other := _other_side(name)) in names else index
             for index, name in enumerate(names)]
    return Person2D(person.keypoints[order], person.keypoint_set, person.box, person.score, person.mask,
                    None if person.world is None else person.world[order], person.right_hand, person.left_hand,
                    person.face, person.track_id)


def _other_side(name: str) -> str:
    if "left" in name:
        return name.replace("left", "right")
    return name.replace("right", "left")


def observe(person: Person2D, camera: Camera, skeleton: Skeleton, scale_dirs: Array) -> Observations:
    """Collect the landmarks of a detection.

    Args:
        person: the detection, in the camera's pixels.
        camera: the camera.
        skeleton: whose landmarks.
        scale_dirs: (B,) relative growth of the stature per unit of each beta.
    """
    names: list[str] = []
    rows: list[Array] = []
    groups: list[str] = []
    spreads: list[float] = []
    world: list[Array] = []
    nothing = np.full(3, np.nan)
    for index, name in enumerate(KEYPOINT_SETS[person.keypoint_set]):
        if name in LANDMARKS:
            names.append(name)
            rows.append(np.asarray(person.keypoints[index], dtype=np.float64))
            groups.append("body")
            spreads.append(body_spread(name))
            world.append(nothing if person.world is None else np.asarray(person.world[index, :3], dtype=np.float64))
    for side, hand in (("left", person.left_hand), ("right", person.right_hand)):
        for index, name in enumerate(KEYPOINT_SETS[f"{side}_hand21"] if hand is not None else ()):
            names.append(name)
            rows.append(np.asarray(hand[index], dtype=np.float64))  # type: ignore[index]
            groups.append("hand")
            spreads.append(_HAND_SPREAD)
            world.append(nothing)
    if person.face is not None:
        for name, index in face_points(len(person.face)).items():
            names.append(name)
            rows.append(np.asarray(person.face[index], dtype=np.float64))
            groups.append("face")
            spreads.append(_FACE_SPREAD)
            world.append(nothing)
    seen = np.array(rows)
    pixels, confidence = seen[:, :2], np.clip(seen[:, 2], 0, 1)
    inside = ((pixels >= 0) & (pixels <= [camera.width, camera.height])).all(1) & (confidence > 0)
    model = np.where(np.array(groups) == "face", _FACE_MODEL_SPREAD, _MODEL_SPREAD)
    spread = inflated(np.hypot(spreads, model), confidence, inside)
    lifted, lifted_spread = np.full((len(names), 3), np.nan), np.full(len(names), np.nan)
    mended = Lift.load()(person, camera)
    if mended is not None:
        rows_of = [names.index(name) for name in NAMES]
        lifted[rows_of], lifted_spread[rows_of] = mended
    marks = [LANDMARKS[name] for name in names]
    points = Points.of_landmarks(skeleton, [JOINT_INDEX[m.joint] for m in marks], [JOINT_INDEX[m.frame] for m in marks],
                                 np.array([m.offset for m in marks], dtype=np.float64), scale_dirs)
    return Observations(tuple(names), points, pixels, confidence, spread, np.array(groups), inside,
                        _turn_world(np.array(world), pixels, names, camera), lifted, lifted_spread)


def _turn_world(world: Array, pixels: Array, names: Sequence[str], camera: Camera) -> Array:
    """The detector's 3D, which it sees straight ahead, as this camera sees it, its forward lean taken out."""
    torso = [i for i, name in enumerate(names)
             if name in ("left_shoulder", "right_shoulder", "left_hip", "right_hip")]
    ray = camera.ray(pixels[torso].mean(0)) if torso else np.array([0.0, 0.0, 1.0])
    axis = np.cross([0.0, 0.0, 1.0], ray)
    sine = np.linalg.norm(axis)
    turn = exp_rotation(axis / max(sine, 1e-9) * np.arctan2(sine, ray[2]))
    lean = exp_rotation(np.array([_DEPTH_BIAS, 0.0, 0.0]))  # in world axes: the head goes back
    flip = np.diag([1.0, -1.0, -1.0])
    return world @ flip.T @ lean.T @ flip.T @ turn.T @ camera.R
