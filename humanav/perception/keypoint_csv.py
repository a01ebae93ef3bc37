"""Keypoints in CSV: one column for each number, one row for each point, or numbers without a header."""

from __future__ import annotations

import csv
import math
import re
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from humanav.errors import InputError
from humanav.perception.keypoint_table import MAX_BYTES, Found, Table
from humanav.perception.layouts import known_count

_FRAME = ("frame", "frame_id", "frameid", "frame_number", "frame_index", "image_id", "index", "")
_PERSON = ("person", "person_id", "track_id", "id", "pid", "track", "subject")
_JOINT = ("joint", "keypoint", "landmark", "bodypart", "point", "name", "joint_name", "keypoint_id", "joint_id",
          "landmark_id", "landmark_name")
_TRUST = ("conf", "confidence", "score", "c", "likelihood", "visibility", "v", "p", "prob", "vis", "presence", "s")
_AXES = {"x": 0, "y": 1, "z": 3, **dict.fromkeys(_TRUST, 2)}
_ANY = "|".join(sorted(_AXES, key=len, reverse=True))
_AFTER = re.compile(rf"^(?P<name>.*?)[ _.:\-/]*(?<![A-Za-z])(?P<axis>{_ANY})$", re.IGNORECASE)
_CAMEL = re.compile(r"^(?P<name>.*[a-z0-9])(?P<axis>[XYZ]|Conf|Confidence|Score|Visibility)$")
_BEFORE = re.compile(rf"^(?P<axis>{_ANY})[ _.:\-/]*(?P<name>\d+|(?<=[ _.:\-/]).+)$", re.IGNORECASE)


def read_csv(path: Path) -> Table:
    """A CSV file; separators are told from its first line."""
    rows, separator = _rows(path)
    head = [cell.strip().lower() for cell in rows[0]]
    if all(_is_number(cell, separator) for cell in head):
        return _bare(_numbers(rows, separator, path.name), path.name)
    cells = rows[1:]
    if not cells:
        raise InputError(f"{path.name} has a header and no rows: write it again.")
    frame = next((head.index(name) for name in _FRAME if name in head), None)
    person = next((head.index(name) for name in _PERSON if name in head), None)
    joint = next((head.index(name) for name in _JOINT if name in head), None)
    if joint is not None and "x" in head and "y" in head:
        return _long(cells, head, (frame, person, joint), separator, path.name)
    return _wide(cells, rows[0], (frame, person), separator, path.name)


def _rows(path: Path) -> tuple[list[list[str]], str]:
    if path.stat().st_size > MAX_BYTES:
        raise InputError(f"{path.name} is too large ({path.stat().st_size / 1e6:.0f} MB): cut the clip first.")
    text = path.read_text(encoding="utf-8-sig", errors="replace")
    first = text.split("\n", 1)[0]
    separator = max(";\t,", key=first.count) if re.search(r"[;\t,]", first) else " "
    lines = re.sub(" +", " ", text).splitlines() if separator == " " else text.splitlines()
    try:
        rows = [row for row in csv.reader(lines, delimiter=separator) if any(cell.strip() for cell in row)]
    except csv.Error as error:
        raise InputError(f"{path.name} is not a CSV file that can be read: write it again.") from error
    if not rows:
        raise InputError(f"{path.name} is empty: write it again.")
    return rows, separator


def _value(cell: str, separator: str) -> float:
    cell = cell.strip()
    if separator != ",":
        cell = cell.replace(",", ".")
    return float(cell) if cell and cell.lower() not in ("none", "null", "na", "n/a", "-") else math.nan


def _is_number(cell: str, separator: str) -> bool:
    try:
        _value(cell, separator)
    except ValueError:
        return False
    return True


def _numbers(rows: list[list[str]], separator: str, file: str, first: int = 1) -> NDArray[np.float64]:
    """Numbers of rows; rows that are short are filled with NaN."""
    width = max(len(row) for row in rows)
    table = np.full((len(rows), width), np.nan)
    for number, row in enumerate(rows):
        try:
            table[number, : len(row)] = [_value(cell, separator) for cell in row]
        except ValueError as error:
            raise InputError(f"Row {number + first} of {file} has a cell that is not a number: {str(error)[-40:]}.") \
                from error
    return table


def _label(cell: str) -> str | None:
    cell = cell.strip()
    return (cell.removesuffix(".0") or None) if cell not in ("-1", "-1.0") else None


def _frame(cell: str, row: int, file: str) -> int:
    found = re.findall(r"\d+", cell.strip().removesuffix(".0"))
    if not found:
        raise InputError(f"Row {row} of {file} has no frame number: {cell[:20]!r}.")
    return int(found[-1])


def _long(
    rows: list[list[str]], head: list[str], columns: tuple[int | None, int | None, int], separator: str, file: str
) -> Table:
    frame_at, person_at, joint_at = columns
    trust_at = next((head.index(name) for name, axis in _AXES.items() if axis == 2 and name in head), None)
    needed = max(joint_at, head.index("x"), head.index("y"), frame_at or 0, person_at or 0, trust_at or 0)
    rows = [row for row in rows if len(row) > joint_at and row[joint_at].strip()]
    names = list(dict.fromkeys(row[joint_at].strip() for row in rows))
    if not names:
        raise InputError(f"No row of {file} names its point: write it again.")
    numbered = all(name.isdigit() for name in names)
    names = [str(number) for number in range(max(map(int, names)) + 1)] if numbered and len(names) < 1000 else names
    if len(names) > 600:
        raise InputError(f"{file} names {len(names)} different points: that is no layout of a body.")
    place = {name: number for number, name in enumerate(names)}
    people: dict[tuple[int, str | None], NDArray[np.float64]] = {}
    picked = [head.index("x"), head.index("y"), *([] if trust_at is None else [trust_at])]
    for number, row in enumerate(rows, 2):
        row = row + [""] * (needed + 1 - len(row))
        frame = 0 if frame_at is None else _frame(row[frame_at], number, file)
        points = people.setdefault((frame, None if person_at is None else _label(row[person_at])),
                                   np.full((len(names), len(picked)), np.nan))
        numbers = _numbers([[row[column] for column in picked]], separator, file, number)
        points[place[row[joint_at].strip()]] = numbers[0]
    table = Table(names=None if numbered else tuple(names))
    for (frame, label), points in people.items():
        table.add(frame, Found(points, label))
    return table


def _wide(
    rows: list[list[str]], head: list[str], columns: tuple[int | None, int | None], separator: str, file: str
) -> Table:
    frame_at, person_at = columns
    points: dict[str, dict[int, int]] = {}
    for column, title in enumerate(head):
        found = _CAMEL.match(title.strip()) or _AFTER.match(title.strip()) or _BEFORE.match(title.strip())
        if found and column not in columns and found["name"]:
            points.setdefault(found["name"], {})[_AXES[found["axis"].lower()]] = column
    points = {name: axes for name, axes in points.items() if 0 in axes and 1 in axes}
    if not points:
        raise InputError(f"The header of {file} has no pairs of columns such as nose_x, nose_y (or the columns "
                         "joint, x, y): name them so.")
    names = tuple(points)
    trusted = any(2 in axes for axes in points.values())
    wanted = [[axes[0], axes[1], *([axes.get(2, -1)] if trusted else [])] for axes in points.values()]
    table = Table(names=None if all(re.fullmatch(r"[A-Za-z]{0,9}[ _]?\d+", name) for name in names) else names)
    flat = [column for axes in wanted for column in axes]
    for number, row in enumerate(rows):
        cells = [row[column] if 0 <= column < len(row) else "" for column in flat]
        numbers = _numbers([cells], separator, file, number + 2)[0].reshape(len(names), -1)
        frame = number if frame_at is None else _frame(row[frame_at], number + 2, file)
        label = None if person_at is None or person_at >= len(row) else _label(row[person_at])
        table.add(frame, Found(numbers, label) if np.isfinite(numbers[:, :2]).any() and np.nan_to_num(numbers).any()
                  else None)
    return table


def _bare(numbers: NDArray[np.float64], file: str) -> Table:
    """Rows of numbers: [frame, [person]] and the points, flat."""
    width = numbers.shape[1]
    first = numbers[:, 0]
    counts = np.isfinite(first).all() and (first == np.round(first)).all() and len(first) > 1
    rising = counts and (np.diff(first) > 0).all()
    steady = counts and (np.diff(first) >= 0).all()
    for lead, fits in ((1, rising), (0, True), (1, steady), (2, steady)):
        for each in (3, 2, 4):
            if fits and (width - lead) % each == 0 and known_count((width - lead) // each):
                table = Table()
                for number, row in enumerate(numbers):
                    points = row[lead:].reshape(-1, each)
                    points = points[:, [0, 1, 3]] if each == 4 else points
                    label = str(int(row[1])) if lead == 2 and np.isfinite(row[1]) else None
                    seen = np.isfinite(points).any() and np.nan_to_num(points).any()
                    table.add(int(first[number]) if lead else number, Found(points, label) if seen else None)
                return table
    raise InputError(f"{file} has {width} numbers in a row, which are no known layout: give a header such as frame, "
                     "nose_x, nose_y, nose_conf.")
