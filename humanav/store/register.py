"""The register of a store: the folder of its records, which many read and one at a time changes."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import replace
from pathlib import Path
from typing import Any

from humanav.errors import InputError, StorageError
from humanav.results import storage_errors
from humanav.store.alone import alone
from humanav.store.files import write_whole
from humanav.store.owners import Owners
from humanav.store.record import Record, is_id, owner_of, this_process

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
        self._records, self._owners = base / "records", Owners(base)
        self._lock, self._depth = threading.RLock(), 0

    def read(self, id: str) -> Record | None:
        """The entry's record as it is, or None."""
        if not is_id(id):
            return None
        path = self._file(id)
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

    def of_owner(self, owner: str) -> list[Record]:
        """One owner's entries that are here, the latest first; nobody else's are read."""
        try:
            self._know_owners()
            found = [self.read(id) for id in self._owners.ids(owner)]
        except (StorageError, OSError):  # on a full disk, from which somebody wants to delete something
            found = list(self.all())
        return sorted((record for record in found if record is not None and record.owner == owner),
                      key=lambda record: -record.created)

    def mend_owners(self, records: Iterable[Record]) -> None:
        """Let :meth:`of_owner` find what it should, whatever others did to the folders.

        Args:
            records: all of them.
        """
        self._know_owners()
        there, wanted = self._owners.pairs(), {(record.owner, record.id): record for record in records}
        for pair in wanted.keys() - there:
            with self.locked():
                if self.read(pair[1]) is not None:
                    self._owners.add(wanted[pair])
        for owner, id in there - wanted.keys():
            with self.locked():
                record = self.read(id)
                if record.owner != owner if record is not None else not self._file(id).exists():
                    self._owners.drop(owner, id)

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

    def alone(self, id: str, check: Callable[[], None]) -> AbstractContextManager[None]:
        """Nobody else works on this entry meanwhile; see :func:`humanav.store.alone.alone`."""
        return alone(self.base / "working" / id, check)

    def resume(self, id: str) -> Record:
        """Note that this process is at work on an entry. Raises InputError when it is gone."""
        return self._change(id, state="running", note="", worker=this_process())

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
            self._know_owners()
            self._owners.add(record)
            write_whole(self._file(record.id), text)
        except OSError as error:
            raise StorageError(f"Results cannot be kept in {self.base} ({error.strerror or error}): free some space, "
                               "or make it writable.") from error

    def _forget(self, record: Record) -> None:
        self._file(record.id).unlink(missing_ok=True)
        self._owners.drop(record.owner, record.id)

    def _file(self, id: str) -> Path:
        return self._records / f"{id}.json"

    def _know_owners(self) -> None:
        if not self._owners.is_there:
            with self.locked():
                if not self._owners.is_there:
                    self._owners.build(self.all())
