"""Whose entries there are: an empty file ``owners/<owner>/<id>`` for each record, so that a visitor's list is found
without reading everybody's.

It follows from the records and is never believed over them: what is missing is made again, and a name too many finds
nothing. Changes are made while the store is locked.
"""

from __future__ import annotations

import os
import re
import shutil
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path

from humanav.store.record import Record, is_id

_OWNER = re.compile(r"[0-9a-f]{32}")


class Owners:
    """The names below a store's folder; made whole from the records when it is asked for first.

    Args:
        base: the folder of the store.
    """

    def __init__(self, base: Path) -> None:
        self._folder, self._part = base / "owners", base / ".owners"

    @property
    def is_there(self) -> bool:
        """Whether it was made; a store that is older has none yet."""
        return self._folder.is_dir()

    def build(self, records: Iterable[Record]) -> None:
        """Make it, whole or not at all. Raises OSError."""
        shutil.rmtree(self._part, ignore_errors=True)  # somebody was killed meanwhile
        self._part.mkdir(mode=0o700)
        for record in records:
            _add(self._part, record)
        os.rename(self._part, self._folder)

    def add(self, record: Record) -> None:
        """To be called before a record is written. Raises OSError."""
        _add(self._folder, record)

    def drop(self, owner: str, id: str) -> None:
        """To be called after a record was deleted."""
        if _OWNER.fullmatch(owner):
            with suppress(OSError):
                (self._folder / owner / id).unlink(missing_ok=True)
                (self._folder / owner).rmdir()  # unless there are others

    def ids(self, owner: str) -> list[str]:
        """The ids of the entries that may be this owner's."""
        try:
            return [name for name in os.listdir(self._folder / owner) if is_id(name)] if _OWNER.fullmatch(owner) else []
        except OSError:
            return []

    def pairs(self) -> set[tuple[str, str]]:
        """All of it: owners and ids."""
        with suppress(OSError):
            return {(owner, id) for owner in os.listdir(self._folder) for id in self.ids(owner)}
        return set()


def _add(folder: Path, record: Record) -> None:
    if not _OWNER.fullmatch(record.owner):  # written by others' hands; no visitor has such a name
        return
    place = folder / record.owner
    place.mkdir(mode=0o700, exist_ok=True)
    (place / record.id).touch(mode=0o600)
