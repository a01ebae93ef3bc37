"""How a store is: where, how full, how long things stay, and whether the Hub answers. Nothing is made or changed."""

from __future__ import annotations

import os
import shutil
from dataclasses import dataclass
from pathlib import Path

from humanav.errors import HumanavError
from humanav.store.remote import in_time, is_place
from humanav.store.settings import Settings, read_settings
from humanav.store.space import size_of

_SECONDS = 10.0


@dataclass(frozen=True)
class StoreState:
    """What `humanav doctor` says of the results.

    Attributes:
        place: the setting: a folder or a place on the Hub.
        folder: where files lie on this machine.
        entries: how many there are here, None for a folder that is not made yet.
        used, free: bytes of the results and of the disk.
        keep_days: how long after it was last opened a result goes.
        most_bytes: of all results, None for no limit.
        usable: whether results can be written, and the Hub answers where it is the place.
        problem: a sentence on why not, or "".
    """

    place: str
    folder: Path
    entries: int | None
    used: int
    free: int
    keep_days: float
    most_bytes: int | None
    usable: bool
    problem: str = ""

    def sentence(self) -> str:
        """All of it in one line."""
        there = "not made yet" if self.entries is None else f"{self.entries} results, {self.used / 1e9:.2f} GB"
        limit = "" if self.most_bytes is None else f", at most {self.most_bytes / 1e9:.3g} GB"
        where = str(self.folder) if not is_place(self.place) else f"{self.place}, here in {self.folder}"
        text = f"{where}: {there}, {self.free / 1e9:.1f} GB free, kept {self.keep_days:g} days{limit}"
        return f"{text}. {self.problem}" if self.problem else text


def store_state(place: str | None = None) -> StoreState:
    """Look at the store that the settings ask for. The Hub is asked only where it is the place.

    Raises:
        InputError: a setting means nothing.
    """
    settings = read_settings(place)
    folder, problem = settings.folder, ""
    near = next(path for path in (folder, *folder.parents) if path.is_dir())
    free = shutil.disk_usage(near).free
    if not os.access(near, os.W_OK | os.X_OK):
        problem = f"{near} may not be written: set HUMANAV_STORAGE to another folder."
    elif free < settings.least_free:
        problem = "The disk is nearly full, so nothing new is started: delete results that are no longer needed."
    elif is_place(settings.place):
        problem = _asked(settings)
    records = folder / "records"
    entries = len(list(records.glob("*.json"))) if records.is_dir() else None
    used = size_of(folder / "results", folder / "inputs")
    return StoreState(settings.place, folder, entries, used, free, settings.keep_days, settings.most_bytes, not problem,
                      problem)


def _asked(settings: Settings) -> str:
    from humanav.store.hub import open_remote

    try:
        remote = open_remote(settings.place)
        in_time(lambda: remote.names("owners"), _SECONDS, settings.place)
    except HumanavError as error:
        return str(error)
    return ""
