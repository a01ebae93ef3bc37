"""Keypoints that other programs found, instead of a detector's: a file or folder for each view."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from humanav.body.landmarks import KEYPOINT_SETS
from humanav.errors import InputError, SeveralPeopleError
from humanav.multiview.detect_stack import Followed, stacked
from humanav.multiview.layouts import to_set
from humanav.multiview.value import Sightings
from humanav.perception.keypoint_files import Keypoints, read_keypoints
from humanav.perception.openpose import read_openpose
from humanav.perception.video import natural_order

Array = NDArray[np.float64]


class _Clip:
    """What :func:`stacked` needs to know."""

    def __init__(self, names: tuple[str, ...], fps: float, frames: int) -> None:
        self.names, self.fps, self.frames = names, fps, frames


def sightings_from_files(
    places: Mapping[str, str | Path] | str | Path, *, names: Sequence[str] | None = None, fps: float | None = None,
    sizes: Mapping[str, tuple[int, int]] | None = None, keypoint_set: str | None = None,
) -> Sightings:
    """Sightings from keypoint files. All of them begin at the same moment: frame numbers in files are not compared.

    Args:
        places: by view a folder of OpenPose files (one for each frame), or any file that
            :func:`humanav.perception.read_keypoints` reads; or one folder that holds these, named after the views.
        names: of the views, in order; by default those of ``places``.
        fps: frames per second, where the files do not say.
        sizes: (width, height) of each view's pictures, where coordinates are shares of them.
        keypoint_set: a key of KEYPOINT_SETS for all views; by default the first view's.

    Raises:
        InputError: a view without keypoints, a file that cannot be used, or nobody in any of them.
    """
    given = _places(places, names)
    wanted = tuple(names) if names is not None else tuple(given)
    missing = [name for name in wanted if name not in given]
    if missing or not wanted:
        raise InputError(f"There are no keypoints of {', '.join(missing) or 'any view'}: give a folder or a file for "
                         "each view, named like it.")
    if keypoint_set is not None and keypoint_set not in KEYPOINT_SETS:
        raise InputError(f"There is no keypoint set {keypoint_set!r}; known: {', '.join(KEYPOINT_SETS)}.")
    found: list[list[Followed]] = []
    notes: list[str] = []
    rates, lengths = [], []
    for name in wanted:
        size = (sizes or {}).get(name)
        people, length, rate, said = _of_folder(given[name], size) if given[name].is_dir() and _openpose(
            given[name]) else _of_file(given[name], size, fps)
        found.append(people)
        lengths.append(length)
        rates += [rate] if rate else []
        notes += [f"{name}: {sentence}" for sentence in said]
    layout = keypoint_set or next((person.keypoint_set for own in found for person in own), None)
    if layout is None:
        raise InputError("Nobody is in any of the keypoint files: check that they are of the right views.")
    same = [[_in_set(person, layout) for person in own] for own in found]
    if len(set(lengths)) > 1:
        notes.append(f"The views have keypoints of {min(lengths)} to {max(lengths)} frames: the first {min(lengths)} "
                     "are used.")
    frames = min(lengths)
    cut = [[_first(person, frames) for person in own if person.start < frames] for own in same]
    rate = fps or (min(rates) if rates else None)
    if rate is None:
        notes.append("The frame rate is not known: 30 frames per second are assumed.")
    return stacked(cut, [[None] * len(own) for own in cut], _Clip(wanted, rate or 30.0, frames),
                   [np.ones(2)] * len(wanted), notes)


def _places(places: Mapping[str, str | Path] | str | Path, names: Sequence[str] | None) -> dict[str, Path]:
    if isinstance(places, Mapping):
        return {name: Path(place) for name, place in places.items()}
    root = Path(places)
    if not root.is_dir():
        raise InputError(f"There is no folder {root.name} of keypoints: check the name.")
    out: dict[str, Path] = {}
    for item in sorted(root.iterdir(), key=natural_order):
        name = re.sub(r"(_json|_keypoints|_openpose)$", "", item.stem if item.is_file() else item.name)
        if not item.name.startswith(".") and (names is None or name in names):
            out.setdefault(name, item)
    return out


def _openpose(folder: Path) -> bool:
    return any(file.suffix.lower() == ".json" for file in folder.iterdir())


def _of_folder(
    folder: Path, size: tuple[int, int] | None
) -> tuple[list[Followed], int, float | None, list[str]]:
    """Everybody in a folder of OpenPose files, as they are in each frame: people, frames, rate, sentences."""
    files = sorted((file for file in folder.iterdir() if file.suffix.lower() == ".json"), key=natural_order)
    out = []
    for t, file in enumerate(files):
        for person in read_openpose(file, size):
            number = -1 if person.track_id is None else person.track_id
            out.append(Followed(number, t, np.asarray(person.keypoints, np.float64)[None], person.keypoint_set))
    return out, len(files), None, []


def _of_file(
    path: Path, size: tuple[int, int] | None, fps: float | None
) -> tuple[list[Followed], int, float | None, list[str]]:
    """Everybody in one keypoint file."""
    try:
        read = [read_keypoints(path, size=size, fps=fps)]
    except SeveralPeopleError as several:
        read = [read_keypoints(path, size=size, fps=fps, person=label) for label in several.people]
    first = min(one.first_frame for one in read)
    people = [_followed(one, number, first) for number, one in enumerate(read, 1)]
    notes = list(dict.fromkeys(note for one in read for note in one.notes if "frame rate is not known" not in note))
    known = all("frame rate is not known" not in note for one in read for note in one.notes)
    return people, max(person.stop for person in people), read[0].sequence.fps if known else None, notes


def _followed(one: Keypoints, number: int, first: int) -> Followed:
    return Followed(number, one.first_frame - first, one.sequence.keypoints.astype(np.float64),
                    one.sequence.keypoint_set)


def _in_set(person: Followed, layout: str) -> Followed:
    if person.keypoint_set == layout:
        return person
    points = to_set(person.keypoints, person.keypoint_set, layout)
    return Followed(person.number, person.start, points, layout, person.masks)


def _first(person: Followed, frames: int) -> Followed:
    return Followed(person.number, person.start, person.keypoints[: frames - person.start], person.keypoint_set,
                    person.masks[: frames - person.start])
