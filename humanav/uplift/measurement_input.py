"""Measurements as people write them: files, names, units, and whether the values can belong to one person."""

from __future__ import annotations

import csv
import difflib
import json
import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from humanav.body.anthropometrics import MEASURES, WEIGHT
from humanav.errors import InputError

UNITS: dict[str, float] = {"m": 1.0, "cm": 0.01, "mm": 0.001, "in": 0.0254}
"""Metres in each unit of length."""
_UNIT_NAMES = {"m": "metres", "cm": "centimetres", "mm": "millimetres", "in": "inches"}
_RANGES = {  # metres and kilograms, adults of all builds and a little more
    "height length": (1.2, 2.4), "shoulder width length": (0.2, 0.65), "torso height from back length": (0.25, 0.7),
    "torso height from front length": (0.2, 0.65), "head length": (0.15, 0.4), "midline neck length": (0.03, 0.25),
    "lateral neck length": (0.05, 0.25), "hand length": (0.1, 0.3), "arm length": (0.3, 0.9),
    "forearm length": (0.12, 0.45), "thigh length": (0.2, 0.7), "calf length": (0.2, 0.7),
    "footwidth length": (0.03, 0.15), "heel to ball length": (0.1, 0.32), "heel to toe length": (0.15, 0.4),
    "waist circumference": (0.4, 2.0), "chest circumference": (0.5, 2.0), "hip circumference": (0.5, 2.0),
    "head circumference": (0.4, 0.75), "neck circumference": (0.2, 0.7), "arm circumference": (0.12, 0.8),
    "forearm circumference": (0.12, 0.5), "thigh circumference": (0.25, 1.2), "calf circumference": (0.18, 0.8),
    WEIGHT: (25.0, 300.0),
}


def _plain(name: str) -> str:
    return name.removeprefix("left ").removeprefix("right ")


RANGES: dict[str, tuple[float, float]] = {name: _RANGES[_plain(name)] for name in MEASURES}
"""What each measure may be, metres (kilograms for the weight)."""
_KINDS = ("length", "circumference")
_ALSO = {  # other words for a measure, without its side
    "stature": "height length", "body height": "height length", "shoulders": "shoulder width length",
    "bust circumference": "chest circumference", "bust": "chest circumference", "hips": "hip circumference",
    "hips circumference": "hip circumference", "upper arm circumference": "arm circumference",
    "upper arm": "arm circumference", "biceps": "arm circumference", "biceps circumference": "arm circumference",
    "foot width": "footwidth length", "foot width length": "footwidth length", "foot length": "heel to toe length",
    "foot": "heel to toe length", "torso back length": "torso height from back length",
    "torso front length": "torso height from front length", "mass": WEIGHT, "body weight": WEIGHT,
}
_PART_OF = (  # (smaller, larger, the most that the first may be of the second)
    ("thigh length", "height length", 0.4), ("calf length", "height length", 0.4), ("arm length", "height length", 0.6),
    ("torso height from back length", "height length", 0.45), ("head length", "height length", 0.3),
    ("torso height from front length", "height length", 0.45), ("shoulder width length", "height length", 0.4),
    ("heel to toe length", "height length", 0.25), ("hand length", "height length", 0.2),
    ("forearm length", "arm length", 0.85), ("hand length", "arm length", 0.8),
    ("heel to ball length", "heel to toe length", 1.0), ("footwidth length", "heel to toe length", 0.8),
    ("neck circumference", "chest circumference", 0.9), ("forearm circumference", "thigh circumference", 1.0),
    ("calf circumference", "thigh circumference", 1.2), ("arm circumference", "chest circumference", 0.9),
)
_MOST_BYTES = 1_000_000  # of a file
_LONGEST = 60  # characters of a name
_UNEVEN = 1.3  # left against right
_BMI = (9.0, 90.0)


@dataclass(frozen=True)
class Understood:
    """Measurements by their names in :data:`humanav.body.anthropometrics.MEASURES`, in metres (kilograms)."""

    values: dict[str, float]
    notes: tuple[str, ...] = ()


def read_measurements(path: str | Path, subject: str | None = None) -> dict[str, Any]:
    """Names and values of one person's measurements, as the file has them.

    JSON, ``{name: value}`` or a table of people ``{person: {name: value}}``; or CSV, ``name,value`` a line.

    Args:
        subject: which person, where the file has several.

    Raises:
        InputError: the file cannot be read, or holds several people and none was chosen.
    """
    path = Path(path)
    try:
        if path.stat().st_size > _MOST_BYTES:
            raise InputError(f"{path.name} is too large for one person's measurements: give name,value lines.")
        text = path.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(f"The measurements {path.name} cannot be read: check that it is a text that you may "
                         "open.") from error
    if path.suffix.lower() == ".csv":
        try:
            rows = [row for row in csv.reader(text.splitlines()) if row and any(cell.strip() for cell in row)]
        except csv.Error:
            rows = []
        if rows and len(rows[0]) == 2 and not _is_number(rows[0][1]):
            rows = rows[1:]
        if not rows or any(len(row) != 2 for row in rows):
            raise InputError(f"{path.name} is no list of measurements: a CSV has one name,value a line.")
        return {name.strip(): value for name, value in rows}
    try:
        table = json.loads(text)
    except (ValueError, RecursionError) as error:
        place = f" (line {error.lineno})" if isinstance(error, json.JSONDecodeError) else ""
        raise InputError(f"{path.name} is no JSON{place}: give {{\"height\": 1.70, "
                         "\"waist\": 0.80}} or a CSV of name,value.") from error
    if not isinstance(table, dict) or not table:
        raise InputError(f"{path.name} holds no measurements: give {{\"height\": 1.70, \"waist\": 0.80}}.")
    people = {name: person for name, person in table.items() if isinstance(person, dict)}
    if not people:
        return table
    if subject is None and len(people) > 1:
        raise InputError(f"{path.name} holds {len(people)} people: say which ({_some(people)}).")
    if subject is not None and subject not in people:
        raise InputError(f"{path.name} has nobody named {subject!r}: it has {_some(people)}.")
    return dict(people[subject if subject is not None else next(iter(people))])


def measure_names(name: str) -> tuple[str, ...]:
    """The measures that a name means: one, or left and right where it names no side.

    Underscores, case, and the words length and circumference do not matter where the name is clear without.

    Raises:
        InputError: the name is unknown, or could be a length and a circumference.
    """
    words = name[:_LONGEST].lower().replace("_", " ").replace("-", " ").replace("girth", "circumference").split()
    sides = [word for word in words if word in ("left", "right")]
    base = " ".join(word for word in words if word not in ("left", "right"))
    base = _ALSO.get(base, base)
    found = [known for known in MEASURES if _plain(known) == base]
    if not found:
        found = [known for known in MEASURES if _plain(known) in [f"{base} {kind}" for kind in _KINDS]]
    if len({_plain(known) for known in found}) > 1:
        raise InputError(f"The measurement {name!r} is both a length and a circumference: call it "
                         f"'{found[0]}' or '{found[-1]}'.")
    if sides and found != [WEIGHT]:
        found = [known for known in found if known.startswith(sides[0])]
    if not found:
        plain = list(dict.fromkeys(_plain(known) for known in MEASURES))
        near = difflib.get_close_matches(" ".join(words), [*MEASURES, *plain, *_ALSO], 1, 0.5)
        meant = f" Did you mean {near[0]!r}?" if near else ""
        raise InputError(f"There is no measurement {_short(name)}.{meant} Known are {_some(plain)}.")
    return tuple(found)


def understand(values: Mapping[str, Any], unit: str | None = None) -> Understood:
    """Values under their own names in metres, checked.

    Args:
        values: any subset of the measures (:func:`measure_names` says which names are understood); lengths in metres,
            or in another unit, which is recognised where only one can be meant; ``weight`` in kilograms.
        unit: "m", "cm", "mm" or "in", where known.

    Raises:
        InputError: no value, an unknown name, or a value that is no number, outside of what people are, or at odds with
            another; the sentence names it.
    """
    if unit is not None and unit not in UNITS:
        raise InputError(f"There is no unit {unit!r}: m, cm, mm or in.")
    raw: dict[str, float] = {}
    for name, value in values.items():
        number = _number(name, value)
        for known in measure_names(name):
            if raw.setdefault(known, number) != number:
                raise InputError(f"The {known} is given twice, {raw[known]:g} and {number:g}: leave one out.")
    if not raw:
        raise InputError("No measurement is given: give at least one, the height say.")
    lengths = {name: value for name, value in raw.items() if name != WEIGHT}
    scales, notes = _scales(lengths, unit)
    found = {name: value * scales.get(name, 1.0) for name, value in raw.items()}
    for name, value in found.items():
        low, high = RANGES[name]
        if not low <= value <= high:
            what = "kg" if name == WEIGHT else "m"
            raise InputError(f"The {name} of {raw[name]:g} is outside of what people are, {low:g} to {high:g} {what}: "
                             "check the number and its unit.")
    _check_together(found)
    return Understood({name: found[name] for name in MEASURES if name in found}, tuple(notes))


def _scales(lengths: Mapping[str, float], unit: str | None) -> tuple[dict[str, float], list[str]]:
    """Metres for one of each value's unit, and what to say about it."""
    if unit is not None:
        return dict.fromkeys(lengths, UNITS[unit]), []

    def fits(name: str, of: str) -> bool:
        low, high = RANGES[name]
        return low <= lengths[name] * UNITS[of] <= high

    whole = [of for of in UNITS if all(fits(name, of) for name in lengths)]
    if "m" in whole:
        return dict.fromkeys(lengths, 1.0), []
    if len(whole) > 1:
        raise InputError(f"The lengths could be in {' or in '.join(_UNIT_NAMES[of] for of in whole)}: say which, "
                         f"unit {' or '.join(whole)}.")
    if whole:
        return dict.fromkeys(lengths, UNITS[whole[0]]), [
            f"The lengths were taken to be in {_UNIT_NAMES[whole[0]]}, for as metres they would be impossible."]
    scales, notes = dict.fromkeys(lengths, 1.0), []
    for name, value in lengths.items():
        if not fits(name, "m") and fits(name, "cm"):
            scales[name] = UNITS["cm"]
            notes.append(f"The {name} of {value:g} was taken to be in centimetres.")
    return scales, notes


def _check_together(found: Mapping[str, float]) -> None:
    """Refuse values that cannot be one person's."""
    def pairs(small: str, large: str) -> list[tuple[str, str]]:
        return [(a, b) for a in found for b in found if _plain(a) == small and _plain(b) == large
                and {a.split()[0], b.split()[0]} != {"left", "right"}]

    for small, large, most in _PART_OF:
        for a, b in pairs(small, large):
            if found[a] > most * found[b]:
                raise InputError(f"The {a} of {found[a]:.3f} m and the {b} of {found[b]:.3f} m cannot be one person's: "
                                 "check both.")
    for name in found:
        other = name.replace("left ", "right ")
        ratio = found[name] / found.get(other, found[name])
        if max(ratio, 1 / ratio) > _UNEVEN:
            raise InputError(f"The {name} of {found[name]:.3f} m and the {other} of {found[other]:.3f} m differ too "
                             "much: check both.")
    weight, height = found.get(WEIGHT), found.get("height length")
    if weight and height and not _BMI[0] <= weight / height**2 <= _BMI[1]:
        raise InputError(f"A weight of {weight:.0f} kg and a height of {height:.2f} m cannot be one person's: check "
                         "both (kilograms, metres).")


def _number(name: str, value: Any) -> float:
    if isinstance(value, bool) or value is None or not _is_number(value):
        value = value if isinstance(value, str | bool | int) else "nothing" if value is None else "a list"
        raise InputError(f"The measurement {_short(name)} is {_short(value)}, which is no number: give metres, or "
                         "kilograms for the weight.")
    number = float(value)
    if not math.isfinite(number) or number <= 0:
        raise InputError(f"The measurement {_short(name)} is {number:g}: give a positive number, or leave it out.")
    return number


def _short(value: Any) -> str:
    """As it was given, but no longer than a sentence bears."""
    words = repr(value)
    return words if len(words) <= _LONGEST else f"{words[:_LONGEST]}..."


def _is_number(value: Any) -> bool:
    try:
        float(value)
    except (TypeError, ValueError, OverflowError):
        return False
    return True


def _some(people: Iterable[str]) -> str:
    names = [name[:40] for name in people]
    return ", ".join(names[:8]) + (f" and {len(names) - 8} more" if len(names) > 8 else "")
