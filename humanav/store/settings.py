"""The store that the settings ask for.

``HUMANAV_STORAGE``: a folder, or ``hf://datasets/USER/NAME`` or ``hf://buckets/USER/NAME``, mirrored by a folder here.
``HUMANAV_KEEP_DAYS`` (30, never 0), ``HUMANAV_LEAST_FREE_GB`` of the disk (1), ``HUMANAV_MOST_GB`` of all results (no
limit, as 0).
"""

from __future__ import annotations

import os
import sys
from dataclasses import dataclass
from pathlib import Path

from humanav.errors import InputError
from humanav.store.local import Store
from humanav.store.remote import is_place, parse_place


@dataclass(frozen=True)
class Settings:
    """What the settings say.

    Attributes:
        place: a folder, or a place on the Hub.
        folder: where files lie on this machine.
        keep_days: how long a result is kept after it was made or last opened.
        least_free: bytes of the disk that must stay free.
        most_bytes: of all results together; None for no limit.
    """

    place: str
    folder: Path
    keep_days: float
    least_free: int
    most_bytes: int | None


def read_settings(place: str | None = None) -> Settings:
    """The settings; ``place`` instead of ``HUMANAV_STORAGE``.

    Raises:
        InputError: a setting means nothing.
    """
    where = place or os.environ.get("HUMANAV_STORAGE", "").strip() or str(data_folder())
    folder = Path(where).expanduser()
    if is_place(where):
        kind, repo = parse_place(where)
        folder = data_folder() / "mirrors" / f"{kind}--{repo.replace('/', '--')}"  # no name there has two dashes
    most, days = _number("HUMANAV_MOST_GB", 0.0), _number("HUMANAV_KEEP_DAYS", 30.0)
    if days == 0:  # for some it means "for ever", for others "not at all": neither is guessed
        raise InputError("The setting HUMANAV_KEEP_DAYS is '0': give a number of days above zero, such as 36500 to "
                         "keep results for ever.")
    return Settings(where, folder.absolute(), days,
                    round(1e9 * _number("HUMANAV_LEAST_FREE_GB", 1.0)), round(1e9 * most) if most else None)


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
    settings, remote = read_settings(place), None
    if is_place(settings.place):
        from humanav.store.hub import open_remote

        remote = open_remote(settings.place)
    return Store(settings.folder, keep_seconds=86400 * settings.keep_days, least_free=settings.least_free,
                 most_bytes=settings.most_bytes, remote=remote)


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
