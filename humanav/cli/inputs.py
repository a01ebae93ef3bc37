"""Numbers that verbs take: in the command itself or in small files."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from humanav.errors import InputError

if TYPE_CHECKING:
    from numpy.typing import NDArray


def numbers(text: str | None, what: str, count: int | None = None) -> tuple[float, ...]:
    """``"1,2.5,3"`` as numbers; empty for None.

    Raises:
        InputError: something else, or another number of them than ``count``.
    """
    if text is None:
        return ()
    try:
        found = tuple(float(part) for part in text.replace("x", ",").split(","))
    except ValueError as error:
        raise InputError(f"--{what} {text} is no list of numbers: write them with commas, as 1,2.5,3.") from error
    if count is not None and len(found) != count:
        raise InputError(f"--{what} takes {count} numbers with commas between them; {len(found)} were given.")
    return found


def named_values(texts: Sequence[str], what: str) -> dict[str, float]:
    """``["waist=0.8", ...]`` by name.

    Raises:
        InputError: something else.
    """
    found = {}
    for text in texts:
        name, _, value = text.rpartition("=")
        try:
            found[name.strip()] = float(value)
        except ValueError:
            name = ""
        if not name.strip():
            raise InputError(f"--{what} {text} is no name and number: write it as 'left hand length=0.19'.")
    return found


def array(path: Path | None, what: str) -> NDArray[Any] | None:
    """The numbers of a .npy file; None for None.

    Raises:
        InputError: no such file, or no numbers in it.
    """
    import numpy as np

    if path is None:
        return None
    try:
        found = np.load(path, allow_pickle=False)
        return np.asarray(found, dtype=np.float64)
    except FileNotFoundError as error:
        raise InputError(f"There is no file {path.name} for --{what}.") from error
    except (OSError, ValueError, TypeError) as error:
        raise InputError(f"--{what} {path.name} is no .npy file of numbers.") from error


def point_names(path: Path | None) -> dict[str, int | str] | None:
    """A JSON file of our landmark names and the numbers or names of a file's points; None for None.

    Raises:
        InputError: no such file, or something else in it.
    """
    import json

    if path is None:
        return None
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError as error:
        raise InputError(f"There is no file {path.name} for --mapping.") from error
    except (OSError, ValueError) as error:
        raise InputError(f"--mapping {path.name} is no JSON file: {error}.") from error
    if not isinstance(found, dict) or not all(isinstance(value, int | str) for value in found.values()):
        raise InputError(f'--mapping {path.name} must be an object such as {{"left_knee": 13, "nose": 0}}.')
    return found
