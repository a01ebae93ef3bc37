"""The store that the settings ask for.

``HUMANAV_STORAGE``: a folder, or ``hf://datasets/USER/NAME`` or ``hf://buckets/USER/NAME``, mirrored by a folder here.
``HUMANAV_KEEP_DAYS`` (30), ``HUMANAV_LEAST_FREE_GB`` of the disk (1), ``HUMANAV_MOST_GB`` of all results (no limit).
"""

from __future__ import annotations

import os
import sys
from pathlib import Path

from humanav.errors import InputError
from humanav.store.local import Store
from humanav.store.remote import is_place, parse_place


def open_store(place: str | None = None) -> Store:
    """The store of results.

    Args:
        place: a folder or a place on the Hub; by default what ``HUMANAV_STORAGE`` says, else a folder in the user's
            data directory. Of the Hub nothing is asked yet.

    Raises:
        InputError: a setting means nothing.
        MissingExtraError: the place needs a newer package.
        StorageError: the folder cannot be made or written.
    """
    where, remote = setting(place), None
    if is_place(where):
        from humanav.store.hub import open_remote

        remote = open_remote(where)
        kind, repo = parse_place(where)
        where = str(data_folder() / "mirrors" / f"{kind}-{repo.replace('/', '-')}")
    most = _number("HUMANAV_MOST_GB", 0.0)
    return Store(Path(where).expanduser(), keep_seconds=86400 * _number("HUMANAV_KEEP_DAYS", 30.0),
                 least_free=round(1e9 * _number("HUMANAV_LEAST_FREE_GB", 1.0)),
                 most_bytes=round(1e9 * most) if most else None, remote=remote)


def setting(place: str | None = None) -> str:
    """Where results are kept, in the words of the setting."""
    return place or os.environ.get("HUMANAV_STORAGE", "").strip() or str(data_folder())


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
