"""What the readers of data sets share: files read safely, frames by number, people from one world to ours."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from humanav.errors import InputError
from humanav.multiview.calibration import read_calibration
from humanav.multiview.calibration_world import turn_to_y_up
from humanav.multiview.evaluate_people import Array, known_points
from humanav.multiview.value import Rig


def load_json(path: Path) -> Any:
    """A JSON file. Raises InputError."""
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError) as error:
        raise InputError(f"{path.parent.name}/{path.name} is missing or no JSON file: check the data set.") from error


def numbered(files: Iterable[Path]) -> list[tuple[int, Path]]:
    """Files by the last number in their names, in order."""
    found = [(int(numbers[-1]), file) for file in files if (numbers := re.findall(r"\d+", file.stem))]
    return sorted(found)


def stacked(frames: Sequence[Mapping[str, Array]], count: int) -> dict[str, Array]:
    """By id, (T,count,4) of what every frame says about its people (K,3 or 4); elsewhere unknown.

    Raises:
        InputError: another number of points.
    """
    ids = list(dict.fromkeys(who for frame in frames for who in frame))
    people = {who: np.full((len(frames), count, 4), np.nan) for who in ids}
    for points in people.values():
        points[..., 3] = 0
    for t, frame in enumerate(frames):
        for who, row in frame.items():
            if row.ndim != 2 or row.shape[0] != count or row.shape[1] not in (3, 4):
                raise InputError(f"Person {who} has points of shape {row.shape}; {count} points are needed.")
            people[who][t] = known_points(row[None])[0]
    return people


def to_our_world(people: Mapping[str, Array], up: str, unit: float = 1.0) -> dict[str, Array]:
    """Points of a world with another up axis and unit, in metres and y up."""
    turn = turn_to_y_up(up) * unit
    return {who: np.concatenate([points[..., :3] @ turn.T, points[..., 3:]], axis=-1)
            for who, points in people.items()}


def rig_of(path: Path, up: str, unit: str | float | None = None) -> Rig | None:
    """The calibration at a place, None when there is none. Raises CameraError when it cannot be used."""
    return read_calibration(path, up=up, unit=unit) if path.exists() else None


def skeletons(data: Any, path: Path) -> dict[str, Array]:
    """By id, (K,3 or 4): a frame of AvatarPose and EasyMocap, a list of people with ``id`` and ``keypoints3d``.

    Raises:
        InputError: anything else.
    """
    try:
        found: dict[str, Array] = {}
        for k, person in enumerate(data):
            points = np.asarray(person["keypoints3d"], dtype=np.float64)
            found[str(person.get("id", k))] = points if points.ndim == 2 else points.reshape(-1, 3)
        return found
    except (TypeError, KeyError, ValueError, AttributeError) as error:
        raise InputError(f"{path.parent.name}/{path.name} is no list of people with id and keypoints3d: get it "
                         "again.") from error
