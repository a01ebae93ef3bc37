"""How much of a person a picture shows, in words a visitor understands."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from humanav.perception.people import inside_frame, side_evidence
from humanav.perception.person import Person2D

PARTS: dict[str, tuple[int, ...]] = {
    "head": (0,),
    "left upper arm": (13,), "right upper arm": (14,), "left forearm": (15,), "right forearm": (16,),
    "left hand": (15, 17, 19), "right hand": (16, 18, 20),
    "hips": (23, 24),
    "left thigh": (25,), "right thigh": (26,), "left lower leg": (27,), "right lower leg": (28,),
    "left foot": (31,), "right foot": (32,),
}
"""Each part of the body and the BlazePose landmarks it needs."""
_LEVELS = (("head", "head", (11, 12)), ("chest", "chest", (23, 24)), ("thighs", "thighs", (25, 26)),
           ("shins", "lower legs", (27, 28)), ("ankles", "ankles", (31, 32)))
_SMALL = 250


@dataclass(frozen=True)
class Coverage:
    """What a picture shows of a person.

    Attributes:
        framing: where the picture ends: "whole body", "ankles", "shins", "thighs", "chest" or "head".
        facing: "front", "back", "left" or "right": where the person looks, left and right as in the picture.
        outside: parts (names of :data:`PARTS`) that lie outside the picture.
        hidden: parts inside the picture that the detector does not see (covered, dark or blurred).
        height_px: longer side of the person's box in pixels.
        warnings: sentences for the visitor, the gravest first; empty when all is well.
    """

    framing: str
    facing: str
    outside: tuple[str, ...]
    hidden: tuple[str, ...]
    height_px: float
    warnings: tuple[str, ...]

    @property
    def full_body(self) -> bool:
        """Whether head and both feet are in the picture."""
        return self.framing == "whole body" and "head" not in self.outside

    @property
    def head_only(self) -> bool:
        """Whether hardly more than the head is in the picture."""
        return self.framing == "head"

    @property
    def missing_parts(self) -> tuple[str, ...]:
        """Parts that must be made up: outside the picture or not seen."""
        return self.outside + self.hidden


def describe_person(person: Person2D, image_shape: Sequence[int], people: int = 1) -> Coverage:
    """Judge one detection with BlazePose landmarks.

    Args:
        person: a detection with the 33 BlazePose landmarks.
        image_shape: (height, width[, channels]) of its image.
        people: how many people were found in the image.
    """
    height, width = image_shape[:2]
    k = person.keypoints
    inside, confidence = inside_frame(k, width, height), k[:, 2]
    framing, words = "whole body", ""
    for level, name, points in _LEVELS:
        if _beyond(k[list(points)], width, height):
            framing, words = level, name
            break
    outside = tuple(part for part, points in PARTS.items() if not inside[list(points)].any())
    hidden = tuple(part for part, points in PARTS.items()
                   if part not in outside and confidence[list(points)].max() < 0.4)
    tall = float(max(person.box[2] - person.box[0], person.box[3] - person.box[1]))
    facing = _facing(person)
    warnings = []
    if framing == "head":
        warnings.append("Only a head is in the picture, so the whole body is made up: "
                        "choose a photo that shows the person from head to feet.")
    elif words:
        warnings.append(f"The picture ends at the {words}: everything below is made up. "
                        "A photo from head to feet gives a better avatar.")
    if "head" in outside or _head_cut(person):
        warnings.append("The top of the head is cut off: a photo with some space above the head looks better.")
    if people > 1:
        warnings.append(f"There are {people} people in the picture: the largest is used.")
    if tall < _SMALL:
        warnings.append(f"The person is only {tall:.0f} pixels tall, so the avatar will look blurred: "
                        "come closer or choose a larger photo.")
    gone = [part for part in outside if "arm" in part or "hand" in part]
    if framing not in ("head", "chest") and gone:
        warnings.append(f"Outside the picture, so made up: {_listed(gone)}.")
    if framing not in ("head", "chest") and hidden:
        warnings.append(f"Hidden or hard to see, so partly guessed: {_listed(hidden)}.")
    if facing == "back" and side_evidence(person) == 0.0:
        warnings.append("The person is seen from behind: the face is made up.")
    if _sides_doubtful(person, facing):
        warnings.append("Left and right may be exchanged: look at the coloured limbs and swap them if they are wrong.")
    return Coverage(framing, facing, outside, hidden, tall, tuple(warnings))


def describe_people(people: Sequence[Person2D], image_shape: Sequence[int]) -> tuple[str, ...]:
    """The warnings about the largest of the people (the first); a sentence when there is nobody."""
    if not people:
        return ("No person was found: choose a well lit photo that shows one whole person.",)
    return describe_person(people[0], image_shape, len(people)).warnings


def _beyond(points: NDArray[np.float32], width: int, height: int) -> bool:
    """Whether a pair of landmarks lies past the picture's border, or so near it that nothing below them shows."""
    x, y = points[:, 0], points[:, 1]
    depth = np.minimum.reduce([x / width, 1 - x / width, y / height, 1 - y / height])  # < 0 outside
    return bool((depth < 0.07).all() and depth.mean() < 0.02 and depth.min() < 0.015)


def _head_cut(person: Person2D) -> bool:
    if person.mask is None:
        return False
    shoulders = float(np.linalg.norm(person.keypoints[11, :2] - person.keypoints[12, :2]))
    nose_x, nose_y = person.keypoints[0, :2]
    columns = np.flatnonzero(person.mask[0] > 0.5)
    near = columns[np.abs(columns - nose_x) < max(shoulders, nose_y)]
    return len(near) > max(0.3 * nose_y, 4) and nose_y < 0.6 * max(shoulders, 1.0)


def _facing(person: Person2D) -> str:
    if person.world is not None:
        across = (person.world[11] - person.world[12]) + 0.5 * (person.world[23] - person.world[24])
        x, z = float(across[0]), float(across[2])
    else:
        x, z = float(person.keypoints[11, 0] - person.keypoints[12, 0]), 0.0
    if abs(x) >= abs(z):
        return "front" if x > 0 else "back"
    return "right" if z > 0 else "left"


def _sides_doubtful(person: Person2D, facing: str) -> bool:
    if side_evidence(person) < -0.2:
        return True
    if facing not in ("front", "back"):
        return False
    k = person.keypoints
    order = [float(k[left, 0] - k[right, 0]) for left, right in ((11, 12), (25, 26), (27, 28))]
    width = abs(order[0])
    trusted = k[[25, 26, 27, 28], 2].min() > 0.5
    return bool(trusted and all(np.sign(o) != np.sign(order[0]) and abs(o) > 0.4 * width for o in order[1:]))


def _listed(parts: Sequence[str]) -> str:
    """Parts in words, pairs joined: "left hand", "right hand" -> "both hands"."""
    plural = {"foot": "feet", "thigh": "thighs"}
    words: list[str] = []
    for part in parts:
        side, _, rest = part.partition(" ")
        if side == "left" and f"right {rest}" in parts:
            words.append(f"both {plural.get(rest, rest + 's')}")
        elif not (side == "right" and f"left {rest}" in parts):
            words.append(f"the {part}")
    return words[0] if len(words) == 1 else ", ".join(words[:-1]) + " and " + words[-1]
