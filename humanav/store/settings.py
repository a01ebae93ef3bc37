"""The store that the settings ask for: ``HUMANAV_STORAGE``, ``HUMANAV_KEEP_DAYS`` and ``HUMANAV_LEAST_FREE_GB``."""

from __future__ import annotations

import os
import sys
from pathlib import Path

from humanav.errors import InputError
from humanav.store.local import Store


def open_store(place: str | None = None) -> Store:
    """The store of results.

    Args:
        place: a folder; by default what ``HUMANAV_STORAGE`` says, else a folder in the user's data directory.

    Raises:
        InputError: a setting means nothing.
        StorageError: the folder cannot be made or written.
    """
    where = place or os.environ.get("HUMANAV_STORAGE") or str(data_folder())
    return Store(Path(where).expanduser(), keep_seconds=86400 * _number("HUMANAV_KEEP_DAYS", 30.0),
                 least_free=round(1e9 * _number("HUMANAV_LEAST_FREE_GB", 1.0)))


def data_folder() -> Path:
    """Where this system keeps a user's data of programs, below it ``humanav``."""
    if sys.platform == "win32":
        base = Path(os.environ.get("LOCALAPPDATA") or Path.home() / "AppData" / "Local")
    elif sys.platform == "darwin":
        base = Path.home() / "Library" / "Application Support"
    else:
        base = Path(os.environ.get("XDG_DATA_HOME") or Path.home() / ".local" / "share")
    return base / "humanav"


def _number(name: str, default: float) -> float:
    text = os.environ.get(name, "").strip()
    try:
        value = float(text) if text else default
    except ValueError:
        value = -1.0
    if not 0 <= value < 1e6:
        raise InputError(f"The setting {name} is {text!r}: give a number that is not negative.")
    return value
