"""The register of a store: the folder of its records, which many read and one at a time changes."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from dataclasses import replace
from pathlib import Path
from typing import Any

from humanav.errors import InputError, StorageError
from humanav.results import storage_errors
from humanav.store.files import write_whole
from humanav.store.record import Record, is_id, owner_of

NO_RESULT = ("There is no such result here: it was deleted, its time is over, or the link is incomplete. "
             "Ask for a new link, or make it again.")

_LOCK_SECONDS = 20.0
_MOST_RECORD = 8 << 20
"""Bytes. Ours stay far below; what is larger is not read."""


class Register:
    """The records in ``base/records``, each of which is written whole or not at all.

    Args:
        base: the folder of the store.
        keep_seconds: how long an entry is kept after it was made or last opened.
    """

    def __init__(self, base: Path, keep_seconds: float) -> None:
        self.base, self.keep_seconds = base, keep_seconds
        self._records = base / "records"
        self._lock, self._depth = threading.RLock(), 0

    def read(self, id: str) -> Record | None:
        """The entry's record as it is, or None."""
        if not is_id(id):
            return None
        path = self._records / f"{id}.json"
        try:
            if not path.is_file() or path.stat().st_size > _MOST_RECORD:  # a device or pipe would be read for ever
                return None
            record = Record.from_json(path.read_text(encoding="utf-8"))
        except (OSError, ValueError, InputError):
            return None
        return record if record.id == id else None

    def required(self, id: str) -> Record:
        """The same. Raises InputError when there is none."""
        record = self.read(id)
        if record is None:
            raise InputError(NO_RESULT)
        return record

    def all(self) -> list[Record]:
        """Everybody's entries that are here, the latest first: for whoever owns the folder, never for visitors."""
        found = (self.read(path.stem) for path in self._records.glob("*.json"))
        return sorted((record for record in found if record is not None), key=lambda record: -record.created)

    def unread(self, known: set[str]) -> dict[str, Path]:
        """Records that are not among the ``known`` ids, by name: they are damaged, or cannot be read just now."""
        return {path.stem: path for path in self._records.glob("[!.]*.json") if path.stem not in known}

    def is_over(self, record: Record) -> bool:
        """Whether an entry's time is over."""
        return record.state != "running" and time.time() - record.opened > self.keep_seconds

    def owns(self, key: str, id: str) -> bool:
        """Whether the entry is this visitor's."""
        record = self.read(id)
        return record is not None and record.owner == owner_of(key)

    def set_times(self, id: str, *, created: float, opened: float) -> Record:
        """Correct the times of an entry. Raises InputError when there is none."""
        return self._change(id, created=created, opened=opened)

    def note(self, id: str, words: str, instead_of: tuple[str, ...] = ()) -> None:
        """Write a note to a finished entry, where its note is one of ``instead_of``."""
        with self.locked():
            record = self.read(id)
            if record is not None and record.state == "done" and record.note in instead_of and record.note != words:
                self._write(replace(record, note=words))

    @contextmanager
    def locked(self) -> Iterator[None]:
        """Nobody else changes records meanwhile: no other thread, and no other process on the same folder.

        Whoever has it may ask for it again.

        Raises:
            StorageError: somebody else does not stop doing so.
        """
        from filelock import FileLock, Timeout

        try:
            with self._lock, storage_errors(self.base), \
                    nullcontext() if self._depth else FileLock(self.base / ".lock", timeout=_LOCK_SECONDS):
                self._depth += 1
                try:
                    yield
                finally:
                    self._depth -= 1
        except Timeout as error:
            raise StorageError(f"Another program keeps the results in {self.base} locked: end it, or try again.") \
                from error

    def _change(self, id: str, **values: Any) -> Record:
        with self.locked():
            record = replace(self.required(id), **values)
            self._write(record)
        return record

    def _write(self, record: Record) -> None:
        text = record.to_json()
        if len(text) > _MOST_RECORD:  # better without the page's settings than not to be read again
            text = replace(record, values={}).to_json()
        try:
            write_whole(self._records / f"{record.id}.json", text)
        except OSError as error:
            raise StorageError(f"Results cannot be kept in {self.base} ({error.strerror or error}): free some space, "
                               "or make it writable.") from error

    def _forget(self, id: str) -> None:
        (self._records / f"{id}.json").unlink(missing_ok=True)
