"""People in 3D as an evaluation sees them: named points over numbered frames, whatever they came from.

Points carry names: landmarks (:data:`~humanav.body.landmarks.LANDMARKS`), ``smpl_`` and a joint's name for the joints
of the SMPL tree, and ``head_bottom`` of the Shelf data set. Two results are compared in the points that both have.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import ArrayLike, NDArray

from humanav.body.landmarks import KEYPOINT_SETS
from humanav.body.names import JOINT_NAMES
from humanav.errors import InputError
from humanav.motion import Motion
from humanav.multiview.value import Fitted, Matched, Rig

if TYPE_CHECKING:
    from humanav.body import BodyModel

Array = NDArray[np.float64]

SMPL_NAMES: tuple[str, ...] = tuple(f"smpl_{name}" for name in JOINT_NAMES[:22])
"""The 22 joints that SMPL and SMPL-X share, in their order."""
SHELF14: tuple[str, ...] = (
    "right_ankle", "right_knee", "right_hip", "left_hip", "left_knee", "left_ankle", "right_wrist", "right_elbow",
    "right_shoulder", "left_shoulder", "left_elbow", "left_wrist", "head_bottom", "head_top")
"""The points of the Shelf and Campus data sets, in their order."""
_OF_BODIES = tuple(dict.fromkeys((*KEYPOINT_SETS["skel19"], *KEYPOINT_SETS["halpe26"])))
_SAME = {"left_big_toe": "left_foot_index", "right_big_toe": "right_foot_index"}
_MIDDLES = {"pelvis": ("left_hip", "right_hip"), "neck": ("left_shoulder", "right_shoulder")}
_CHUNK = 500  # frames posed at once


@dataclass(frozen=True)
class People3D:
    """Everybody's named points.

    Attributes:
        people: by id, (T,K,4) x, y, z in metres (y up) and confidence; NaN with confidence 0 where unknown or away.
        names: of the K points.
        fps: frames per second.
        frames: (T,) numbers of the frames, None when they are merely counted from the beginning.
        motions: by id, the bodies of T frames where there are any.
        notes: sentences.

    Raises:
        InputError: people of different frames or points, frame numbers that do not grow, or a rate that is not
            positive.
    """

    people: Mapping[str, Array]
    names: tuple[str, ...]
    fps: float = 30.0
    frames: NDArray[np.int64] | None = None
    motions: Mapping[str, Motion] = field(default_factory=dict)
    notes: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        people = {str(name): known_points(points) for name, points in self.people.items()}
        object.__setattr__(self, "people", people)
        if not (np.isfinite(self.fps) and self.fps > 0):
            raise InputError(f"The frame rate must be a positive number, not {self.fps}.")
        if len({points.shape for points in people.values()}) > 1 or any(
                points.shape[1] != len(self.names) for points in people.values()):
            raise InputError("The people to compare must have the same frames and the same named points.")
        if self.frames is not None:
            frames = np.asarray(self.frames, np.int64)
            if frames.ndim != 1 or (np.diff(frames) <= 0).any() or (people and len(frames) != self.count):
                raise InputError("The frames' numbers must grow, one for each frame.")
            object.__setattr__(self, "frames", frames)

    @property
    def count(self) -> int:
        """T, 0 without people (but with frame numbers: theirs)."""
        for points in self.people.values():
            return len(points)
        return 0 if self.frames is None else len(self.frames)

    def taken(self, names: Sequence[str], anew: Sequence[str] = ()) -> dict[str, Array]:
        """By id, (T,K',4) the points of those names; what can be derived is (see :func:`derived`), else unknown.

        Those named in ``anew`` are derived even where they are there.
        """
        own = tuple("" if name in anew else name for name in self.names)
        return {who: derived(points, own, names) for who, points in self.people.items()}


@dataclass(frozen=True)
class GroundTruth(People3D):
    """What a data set says about a capture.

    Attributes:
        rig: its cameras, None where the folder has none.
        contact: (T,) whether people touch, None where it does not say.
        kind: the data set.
    """

    rig: Rig | None = None
    contact: NDArray[np.bool_] | None = None
    kind: str = ""


def known_points(points: ArrayLike) -> Array:
    """Points (T,K,3 or 4) as (T,K,4) with NaN and confidence 0 where they are not finite or have no confidence.

    Raises:
        InputError: another shape.
    """
    given = np.asarray(points, dtype=np.float64)
    if given.ndim != 3 or given.shape[2] not in (3, 4):
        raise InputError(f"A person's points must be of shape (frames, points, 3 or 4), not {given.shape}.")
    sure = np.nan_to_num(given[..., 3]) if given.shape[2] == 4 else np.ones(given.shape[:2])
    sure = np.where(np.isfinite(given[..., :3]).all(axis=2), np.maximum(sure, 0), 0)
    return np.concatenate([np.where(sure[..., None] > 0, given[..., :3], np.nan), sure[..., None]], axis=2)


def derived(points: Array, have: Sequence[str], want: Sequence[str]) -> Array:
    """Points (T,K,4) of names ``have`` as (T,K',4) of names ``want``.

    Derived are the pelvis and neck (middles of hips and shoulders), the big toe (MediaPipe's foot index), and the head
    of the Shelf data set: ``head_bottom`` half way from the shoulders' middle to the ears', ``head_top`` 12.5 cm
    forwards and 14.5 cm upwards of it.
    """
    own = {name: points[:, k] for k, name in enumerate(have)}
    for name, other in _SAME.items():
        if name not in own and other in own:
            own[name] = own[other]
    for name, pair in _MIDDLES.items():
        if name not in own and all(side in own for side in pair):
            own[name] = _middle(*(own[side] for side in pair))
    ears = [f"{side}_ear" for side in ("left", "right")]
    if "head_bottom" not in own and all(name in own for name in ("left_shoulder", "right_shoulder", *ears)):
        shoulders = _middle(own["left_shoulder"], own["right_shoulder"])
        left, right = (own[name] for name in ears)
        own["head_bottom"] = _middle(shoulders, _middle(left, right))
        forward = np.cross((left - right)[:, :3], [0.0, 1.0, 0.0])  # the left ear lies at +x of a head that faces +z
        forward /= np.maximum(np.linalg.norm(forward, axis=1, keepdims=True), 1e-9)
        own["head_top"] = own["head_bottom"].copy()
        own["head_top"][:, :3] += 0.125 * forward + [0, 0.145, 0]
    nothing = np.concatenate([np.full((len(points), 3), np.nan), np.zeros((len(points), 1))], axis=1)
    return np.stack([own.get(name, nothing) for name in want], axis=1) if len(want) else points[:, :0]


def _middle(a: Array, b: Array) -> Array:
    return np.concatenate([(a + b)[:, :3] / 2, np.minimum(a, b)[:, 3:]], axis=1)


def as_people(
    value: People3D | Matched | Fitted | Mapping[str, Motion] | Sequence[Mapping[str, ArrayLike]], *,
    keypoint_set: str = "skel19", fps: float = 30.0, body: BodyModel | None = None,
) -> People3D:
    """Whatever describes people in 3D, ready to be compared.

    Args:
        value: keypoints, bodies, motions by person, or for every frame a mapping from ids to points (K,3 or 4).
        keypoint_set: which points the frames of mappings hold; landmarks of bodies are computed in any case.
        fps: of the frames of mappings.
        body: the built-in one by default.

    Raises:
        InputError: values that do not fit each other or the keypoint set.
    """
    if isinstance(value, People3D):
        return value
    if isinstance(value, Matched):
        sets = {person.keypoint_set for person in value.people}
        names = KEYPOINT_SETS[sets.pop()] if len(sets) == 1 else _OF_BODIES
        return People3D({p.person_id: derived(p.keypoints, KEYPOINT_SETS[p.keypoint_set], names)
                         for p in value.people}, names, value.fps)
    if isinstance(value, Fitted):
        seen = {person.person_id: person.seen for person in value.people}
        return people_of_motions({p.person_id: p.motion for p in value.people}, body=body, seen=seen)
    if isinstance(value, Mapping):
        return people_of_motions(value, body=body)
    names = _names(keypoint_set)
    ids = list(dict.fromkeys(str(who) for frame in value for who in frame))
    people = {who: np.full((len(value), len(names), 4), np.nan) for who in ids}
    for points in people.values():
        points[..., 3] = 0
    for t, frame in enumerate(value):
        for who, row in frame.items():
            given = np.asarray(row, dtype=np.float64)
            if given.shape not in ((len(names), 3), (len(names), 4)):
                raise InputError(f"Person {who} of frame {t} has points of shape {given.shape}; {keypoint_set} has "
                                 f"{len(names)} points.")
            people[str(who)][t] = known_points(given[None])[0]
    return People3D(people, names, fps, np.arange(len(value)) if not ids else None)


def people_of_motions(
    motions: Mapping[str, Motion], *, body: BodyModel | None = None,
    seen: Mapping[str, NDArray[np.bool_]] | None = None,
) -> People3D:
    """Landmarks and joints of bodies; frames in which somebody is not ``seen`` (T,) are unknown.

    Raises:
        InputError: motions of different lengths.
    """
    from humanav.body import BodyModel, landmark_positions
    from humanav.fit import stature

    if len({len(motion) for motion in motions.values()}) > 1:
        raise InputError("The people's motions must have the same frames.")
    body_ = body or BodyModel.load()
    tall, growth = stature(body_.v_template.double().numpy(), body_.shapedirs.double().numpy())
    people = {}
    for who, motion in motions.items():
        betas = np.asarray(motion.betas, dtype=np.float64)[: len(growth)]
        scale = 1 + float(growth[: len(betas)] @ betas) / tall
        parts = []
        for start in range(0, len(motion), _CHUNK):
            posed = body_.from_motion(motion, slice(start, start + _CHUNK), vertices=False)
            joints, rotations = (x.double().numpy() for x in (posed.joints, posed.rotations))
            marks = landmark_positions(joints, rotations, _OF_BODIES, scale)
            parts.append(np.concatenate([marks, joints[:, :22]], axis=1))
        points = np.concatenate([np.concatenate(parts), np.ones((len(motion), len(_OF_BODIES) + 22, 1))], axis=2)
        if seen is not None:
            points[~np.asarray(seen[who], dtype=bool)] = [np.nan, np.nan, np.nan, 0]
        people[who] = points
    fps = next((motion.fps for motion in motions.values()), 30.0)
    return People3D(people, (*_OF_BODIES, *SMPL_NAMES), fps, motions=dict(motions))


def _names(keypoint_set: str) -> tuple[str, ...]:
    sets = {**KEYPOINT_SETS, "shelf14": SHELF14, "smpl22": SMPL_NAMES}
    if keypoint_set not in sets:
        raise InputError(f"There is no keypoint set {keypoint_set!r}; known: {', '.join(sets)}.")
    return sets[keypoint_set]


def compared_names(found: People3D, truth: People3D, keypoint_set: str = "auto") -> tuple[str, ...]:
    """The points in which the two are compared, those that both know in any frame.

    ``auto`` takes skel19, the Shelf's 14 points where the truth has its head, and the joints of the SMPL tree where the
    truth has no landmarks. Raises InputError when there are none.
    """
    if keypoint_set == "auto":
        own = set(truth.names)
        keypoint_set = ("shelf14" if "head_bottom" in own else
                        "smpl22" if own <= set(SMPL_NAMES) and own else "skel19")
    names = _names(keypoint_set)
    here, there = (_known(people, names) for people in (found, truth))
    chosen = tuple(name for k, name in enumerate(names) if here[k] and there[k])
    if not chosen and found.people and truth.people:
        raise InputError(f"The result and the truth have no points of {keypoint_set} in common.")
    return chosen or names


def middles_to_derive(found: People3D, truth: People3D) -> tuple[str, ...]:
    """The pelvis and neck, where one side lacks them and both can take the middle of hips or shoulders.

    A neck or pelvis that was measured lies one to two centimetres beside that middle: like is compared with like.
    """
    return tuple(name for name, pair in _MIDDLES.items()
                 if any(name not in side.names for side in (found, truth))
                 and all(part in side.names for part in pair for side in (found, truth)))


def _known(people: People3D, names: Sequence[str]) -> list[bool]:
    taken = list(people.taken(names).values())
    return [any((points[:, k, 3] > 0).any() for points in taken) for k in range(len(names))]
