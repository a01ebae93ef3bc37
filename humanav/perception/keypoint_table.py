"""Keypoints as a file holds them, before it is known what they are: frames of people of points of numbers."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from humanav.errors import InputError

Numbers = NDArray[np.float64]
MAX_FRAMES = 200_000
MAX_BYTES = 400_000_000
_TRUST = ("score", "visibility", "confidence", "conf", "presence")


class Found(NamedTuple):
    """One person in one frame: points (K,2) x, y or (K,3) x, y and something; whose they are, where the file says."""

    points: Numbers
    label: str | None = None


@dataclass
class Table:
    """What a file holds.

    Attributes:
        frames: the people of each frame, by the frame's number; a frame without anybody has an empty list.
        names: the points' names in the file.
        layout: its layout, where the file says.
        size: (width, height) of the picture.
        fps: frames per second.
        notes: sentences about the file.
    """

    frames: dict[int, list[Found]] = field(default_factory=dict)
    names: tuple[str, ...] | None = None
    layout: str | None = None
    size: tuple[int, int] | None = None
    fps: float | None = None
    notes: list[str] = field(default_factory=list)

    def add(self, frame: int, found: Found | None) -> None:
        """Put a person, or none, into a frame."""
        people = self.frames.setdefault(frame, [])
        if found is not None:
            people.append(found)
        if len(self.frames) > MAX_FRAMES:
            raise InputError(f"There are more than {MAX_FRAMES} frames: cut the file first.")


def stacked(table: Table, file: str) -> tuple[Numbers, NDArray[np.int64], list[str | None]]:
    """All people one under the other: points (N,K,3) with NaN for a third number the file lacks, frame numbers (N,) and
    labels (N,).

    Raises:
        InputError: nobody at all, or people of different numbers of points.
    """
    people = [(frame, found) for frame in sorted(table.frames) for found in table.frames[frame]]
    if not people:
        raise InputError(f"There are no keypoints in {file}: choose a file with at least one person.")
    counts = sorted({len(found.points) for _, found in people})
    if len(counts) > 1:
        raise InputError(f"The people in {file} have different numbers of points ({', '.join(map(str, counts))}): "
                         "one layout is needed.")
    points = np.full((len(people), counts[0], 3), np.nan)
    for number, (_, found) in enumerate(people):
        points[number, :, : found.points.shape[1]] = found.points
    return points, np.array([frame for frame, _ in people]), [found.label for _, found in people]


def time_line(table: Table) -> tuple[dict[int, int], int, int]:
    """Index of every frame number on an even time line that begins with the first, its length, and how many of the
    file's frame numbers one step is (2: every other frame is in the file). What was assumed is said in the notes."""
    numbers = sorted(table.frames)
    first, last = numbers[0], numbers[-1]
    gaps = np.diff(numbers)
    step = int(np.gcd.reduce(gaps)) if len(gaps) else 1
    if len(gaps) and ((last - first) // step + 1 > 3 * len(numbers) + 10 or step > 100):
        table.notes.append("The frames' numbers are far apart, so the frames are taken one after the other.")
        return {number: index for index, number in enumerate(numbers)}, len(numbers), 1
    count = (last - first) // step + 1
    if step > 1:
        table.notes.append(f"Every {step}th frame is in the file." if step > 3 else
                           f"Every {('', 'other', 'third')[step - 1]} frame is in the file.")
    if count > len(numbers):
        table.notes.append(f"{count - len(numbers)} of {count} frames are missing from the file and left without "
                           "points.")
    return {number: (number - first) // step for number in numbers}, count, step


def as_points(values: Any, where: str, count: int | None = None) -> Numbers:
    """Points (K,2) or (K,3) from numbers in whatever nesting: [[x, y, ...], ...], {x:, y:, ...} or flat.

    Flat numbers are threes, or twos where they do not divide by three or ``count`` points are known to be there. A
    fourth number (visibility after depth) takes the third's place.

    Raises:
        InputError: no numbers, or not two to four for each point.
    """
    try:
        if isinstance(values, Sequence) and values and isinstance(values[0], dict):
            values = [_from_mapping(point, where) for point in values]
        array = np.asarray(values, dtype=np.float64)
    except (TypeError, ValueError, OverflowError) as error:
        raise InputError(f"{where} has points that are not numbers: write the file again.") from error
    if array.ndim == 1 and array.size:
        width = 2 if array.size == 2 * (count or 0) or (array.size % 3 and array.size % 2 == 0) else 3
        if array.size % width:
            raise InputError(f"{where} has {array.size} numbers: two or three for each point are needed.")
        array = array.reshape(-1, width)
    if array.ndim != 2 or not 2 <= array.shape[1] <= 5 or not len(array):
        raise InputError(f"{where} has points of shape {array.shape}: x, y and a confidence for each are needed.")
    return array[:, [0, 1, 3]] if array.shape[1] > 3 else array


def _from_mapping(point: Any, where: str) -> list[float]:
    if not isinstance(point, dict) or "x" not in point or "y" not in point:
        raise InputError(f"{where} has a point without x and y: write the file again.")
    trust = next((point[key] for key in _TRUST if key in point), None)
    return [_number(point["x"]), _number(point["y"]), math.nan if trust is None else _number(trust)]


def _number(value: Any) -> float:
    return math.nan if value is None else float(value)
