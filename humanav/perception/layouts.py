"""Which keypoints a file holds: layouts by their number of points, by their order on a body, by name, by the user.

The layouts of :data:`humanav.body.landmarks.KEYPOINT_SETS` are kept as they are. The others that occur in files
(:data:`FILE_LAYOUTS`) are turned into Halpe-26, which has every landmark they share with us.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from humanav.body.landmarks import KEYPOINT_SETS
from humanav.errors import InputError

Mapped = Mapping[str, int | str]

_H36M = ("pelvis", "right_hip", "right_knee", "right_ankle", "left_hip", "left_knee", "left_ankle", "", "neck", "nose",
         "head_top", "left_shoulder", "left_elbow", "left_wrist", "right_shoulder", "right_elbow", "right_wrist")
_LSP = ("right_ankle", "right_knee", "right_hip", "left_hip", "left_knee", "left_ankle", "right_wrist", "right_elbow",
        "right_shoulder", "left_shoulder", "left_elbow", "left_wrist", "neck", "head_top")
_MPII = (*_LSP[:6], "pelvis", "", "neck", "head_top", *_LSP[6:12])
_CROWD = ("left_shoulder", "right_shoulder", "left_elbow", "right_elbow", "left_wrist", "right_wrist", "left_hip",
          "right_hip", "left_knee", "right_knee", "left_ankle", "right_ankle", "head_top", "neck")
_FEET = ("left_big_toe", "left_small_toe", "left_heel", "right_big_toe", "right_small_toe", "right_heel")

FILE_LAYOUTS: dict[str, tuple[str, ...]] = {
    "h36m17": _H36M, "mpii16": _MPII, "lsp14": _LSP, "crowdpose14": _CROWD,
    "coco23": (*KEYPOINT_SETS["coco17"], *_FEET),
    "wholebody133": (*KEYPOINT_SETS["coco17"], *_FEET, *("",) * 110),
    "halpe136": (*KEYPOINT_SETS["halpe26"], *("",) * 110),
    "mpi15": (*KEYPOINT_SETS["openpose14"], ""),
    "mpi16": (*KEYPOINT_SETS["openpose14"], "", ""),
    "body19": (*KEYPOINT_SETS["openpose18"], ""),
}
"""Landmark names of further layouts in their order; "" is a point that is no landmark here."""

_BY_COUNT: dict[int, tuple[str, ...]] = {
    14: ("openpose14", "lsp14", "crowdpose14"), 15: ("mpi15",), 16: ("mpi16", "mpii16"), 17: ("coco17", "h36m17"),
    18: ("openpose18",), 19: ("body19",), 23: ("coco23",), 25: ("openpose25",), 26: ("halpe26",),
    33: ("blazepose33",), 133: ("wholebody133",), 136: ("halpe136",),
}
"""Candidates by the number of points, the most frequent first."""

_BONES = tuple((f"{side}_{a}", f"{side}_{b}") for side in ("left", "right") for a, b in (
    ("shoulder", "elbow"), ("elbow", "wrist"), ("shoulder", "hip"), ("hip", "knee"), ("knee", "ankle"))) + (
    ("left_shoulder", "right_shoulder"), ("left_hip", "right_hip"))
_CLEARLY = 0.75  # bones this much shorter in sum say that another layout of the same count is meant


def guess_set(count: int) -> str:
    """The usual layout of ``count`` points: a key of KEYPOINT_SETS or :data:`FILE_LAYOUTS`.

    Raises:
        InputError: no layout has that many points.
    """
    if count not in _BY_COUNT:
        known = ", ".join(str(number) for number in sorted(_BY_COUNT))
        raise InputError(f"{count} points per person are no known layout ({known} points are): give a mapping from our "
                         'landmark names to their numbers, such as {"left_knee": 13}.')
    return _BY_COUNT[count][0]


def known_count(count: int) -> bool:
    """Whether a layout has that many points."""
    return count in _BY_COUNT


def recognise(points: NDArray[np.float64]) -> str:
    """The layout of points (N,K,2 or more) with NaN where missing: of those with K points, the usual one, unless the
    bones of another are much shorter on these bodies (points in the wrong order make long bones).

    Raises:
        InputError: no layout has that many points.
    """
    usual = guess_set(points.shape[1])
    lengths = {name: _bone_length(points, layout_names(name)) for name in _BY_COUNT[points.shape[1]]}
    best = min(lengths, key=lambda name: lengths[name])
    return best if lengths[best] < _CLEARLY * lengths[usual] else usual


def layout_names(layout: str) -> tuple[str, ...]:
    """The landmark names of a layout in its order. Raises InputError when there is none of that name."""
    names = KEYPOINT_SETS.get(layout) or FILE_LAYOUTS.get(layout)
    if names is None or layout in ("left_hand21", "right_hand21", "face"):
        body = [name for name in KEYPOINT_SETS if "hand" not in name and name != "face"]
        raise InputError(f"There is no keypoint layout {layout!r}; known: {', '.join([*body, *FILE_LAYOUTS])}.")
    return names


def selection(names: Sequence[str], keypoint_set: str | None = None) -> tuple[str, list[int]]:
    """How points with these landmark names become one of our keypoint sets.

    Args:
        names: landmark name of each point, "" for none.
        keypoint_set: the set wanted; None takes the smallest that keeps every name.

    Returns:
        the set, and for each of its landmarks the number of the point that it is, or -1.

    Raises:
        InputError: an unknown set, or none of its landmarks is named.
    """
    given = {name for name in names if name}
    if keypoint_set is None:
        sets = ("coco17", "openpose18", "openpose25", "halpe26", "blazepose33")
        lost = {name: len(given - set(KEYPOINT_SETS[name])) for name in sets}
        keypoint_set = next((name for name, known in KEYPOINT_SETS.items() if known == tuple(names)),
                            min(sets, key=lambda name: lost[name]))
    wanted = KEYPOINT_SETS.get(keypoint_set)
    if wanted is None:
        layout_names(keypoint_set)  # says which there are
        keypoint_set, wanted = "halpe26", KEYPOINT_SETS["halpe26"]
    index = {name: number for number, name in reversed(list(enumerate(names))) if name}
    picked = [index.get(name, -1) for name in wanted]
    if max(picked) < 0:
        raise InputError(f"None of the points is a landmark of {keypoint_set}: {', '.join(wanted[:6])} and so on.")
    return keypoint_set, picked


def map_names(mapping: Mapped, count: int, theirs: Sequence[str] | None = None) -> list[str]:
    """Landmark name of each of ``count`` points by the user's mapping {our landmark: their number from 0, or name}.

    Raises:
        InputError: a landmark or name that does not exist, a number out of range, or nothing mapped.
    """
    ours = {name for layout in KEYPOINT_SETS.values() for name in layout}
    names = [""] * count
    for landmark, place in mapping.items():
        if landmark not in ours:
            raise InputError(f"The mapping names {landmark!r}, which is no landmark here: use names such as "
                             "left_knee, right_wrist, nose, neck, pelvis.")
        if isinstance(place, str) and not place.strip().isdigit():
            known = list(theirs or ())
            if place not in known:
                there = f"has {', '.join(known[:8])} and so on" if known else "has no names, so give numbers"
                raise InputError(f"The mapping wants {place!r} for {landmark}, but the file {there}.")
            number = known.index(place)
        else:
            number = int(place)
        if not 0 <= number < count:
            raise InputError(f"The mapping wants point {number} for {landmark}, but there are points 0 to "
                             f"{count - 1}.")
        names[number] = landmark
    if not any(names):
        raise InputError("The mapping is empty: give our landmark names and the numbers of their points.")
    return names


_PARTS = {
    "nose": "nose", "neck": "neck", "thorax": "neck", "pelvis": "pelvis", "midhip": "pelvis", "hipmid": "pelvis",
    "root": "pelvis", "hips": "pelvis", "head": "head_top", "headtop": "head_top", "tophead": "head_top",
    "topofhead": "head_top",
}
_SIDED = {
    "eye": "eye", "ear": "ear", "shoulder": "shoulder", "sho": "shoulder", "elbow": "elbow", "elb": "elbow",
    "wrist": "wrist", "wri": "wrist", "hip": "hip", "knee": "knee", "ankle": "ankle", "ank": "ankle", "heel": "heel",
    "bigtoe": "big_toe", "smalltoe": "small_toe", "eyeinner": "eye_inner", "eyeouter": "eye_outer", "mouth": "mouth",
    "footindex": "foot_index", "pinky": "pinky", "pinky1": "pinky", "index": "index", "index1": "index",
    "thumb": "thumb", "thumb2": "thumb",
}


def landmark_called(name: str) -> str:
    """Our name for a point that others call ``name`` ("LShoulder", "left shoulder", "MidHip"), or "" for none."""
    words = re.sub(r"(?<=[a-z0-9])(?=[A-Z])|(?<=^[LR])(?=[A-Z][a-z])", " ", name.strip())
    tokens = [token for token in re.split(r"[^A-Za-z0-9]+", words.lower()) if token]
    sides = [{"l": "left", "left": "left", "r": "right", "right": "right"}.get(token, "") for token in tokens]
    side = next((word for word in sides if word), "")
    part = "".join(token for token, word in zip(tokens, sides) if not word)
    if side:
        return f"{side}_{_SIDED[part]}" if part in _SIDED else ""
    return "pelvis" if part == "hip" else _PARTS.get(part, "")


def _bone_length(points: NDArray[np.float64], names: Sequence[str]) -> float:
    """Sum over the bones of the median length over frames, infinite when hardly any bone is seen."""
    index = {name: number for number, name in enumerate(names) if name}
    total, seen = 0.0, 0
    for a, b in _BONES:
        lengths = np.linalg.norm(points[:, index[a], :2] - points[:, index[b], :2], axis=-1)
        lengths = lengths[np.isfinite(lengths)]
        if len(lengths):
            total, seen = total + float(np.median(lengths)), seen + 1
    return total / seen if seen >= 6 else np.inf
