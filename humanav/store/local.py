"""Where results are kept: a folder of them, each with a record of whose it is, for as long as the setting says.

Below the base folder: ``results/<id>`` (the result folders, which the app serves), ``previews`` (short-lived, served),
``records/<id>.json`` and ``inputs/<id>`` (never served). One visitor can neither list nor guess what is another's.
"""

from __future__ import annotations

import os
import shutil
import threading
import time
import uuid
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from humanav.errors import InputError, StorageError
from humanav.results import Result, storage_errors
from humanav.store.cleaning import Swept, size_of, sweep
from humanav.store.mirror import Mirror
from humanav.store.record import Record, State, clean_title, id_of, is_id, owner_of, this_process
from humanav.store.remote import Remote

_SPACE = {"avatar": 100_000_000, "animation": 100_000_000, "uplift": 200_000_000, "track": 500_000_000,
          "capture": 500_000_000}
"""Bytes that a job of a kind may write, with what it keeps while it works."""
_LOCK_SECONDS = 20.0
_MOST_RECORD = 8 << 20
_DAY = 86400.0

_NONE = ("There is no such result here: it was deleted, its time is over, or the link is incomplete. "
         "Ask for a new link, or make it again.")


@dataclass(frozen=True)
class Kept:
    """An entry with its result, which is None as long as there is none (see ``record.state``)."""

    record: Record
    result: Result | None


class Store:
    """A folder of results.

    Args:
        base: the folder; made when absent.
        keep_seconds: how long a result is kept after it was made or last opened.
        least_free: bytes of the disk that must stay free; work that might need more is refused.
        most_bytes: of all entries together; above that a clean-up deletes those that nobody opened for longest.
        remote: where results are mirrored, for folders that do not last.

    Raises:
        StorageError: the folder cannot be made or written.
    """

    def __init__(
        self, base: str | Path, *, keep_seconds: float = 30 * _DAY, least_free: int = 10**9,
        most_bytes: int | None = None, remote: Remote | None = None,
    ) -> None:
        self.base, self.keep_seconds, self.least_free = Path(base).absolute(), keep_seconds, least_free
        self.most_bytes = most_bytes
        self.results, self.previews = self.base / "results", self.base / "previews"
        self._records, self._inputs = self.base / "records", self.base / "inputs"
        self._lock = threading.RLock()
        try:
            self.base.mkdir(mode=0o700, parents=True, exist_ok=True)
            for folder in (self.results, self.previews, self._records, self._inputs):
                folder.mkdir(mode=0o700, exist_ok=True)
            self.mirror = None if remote is None else Mirror(self, remote)
        except OSError as error:
            raise StorageError(f"Results cannot be kept in {self.base} ({error.strerror}): make it writable, or set "
                               "HUMANAV_STORAGE to another folder.") from error

    @property
    def served(self) -> tuple[Path, Path]:
        """The folders whose files the app may serve."""
        return self.results, self.previews

    def folder(self, id: str) -> Path:
        """Where the result of this id lies, or is to be written. Raises InputError for what is no id."""
        if not is_id(id):
            raise InputError(_NONE)
        return self.results / id

    def known(self, key: str, identity: str) -> Result | None:
        """The visitor's finished result of this question, or None."""
        return self._result(id_of(key, identity))

    def begin(
        self, key: str, identity: str, *, tab: str, kind: str, title: str, values: Mapping[str, Any] | None = None,
        needed: int = 0,
    ) -> Record:
        """Note that a job starts; its result is to be written to :meth:`folder`.

        Args:
            key: the visitor's key.
            identity: the job's content id.
            tab, kind, title, values: see :class:`Record`; a ``Path`` among the values (also in a list) is copied.
            needed: bytes that the job may write, where that is more than its kind usually needs.

        Raises:
            StorageError: the disk is nearly full, or cannot be written.
        """
        self.require_space(max(needed, _SPACE.get(kind, 0)))
        id, now = id_of(key, identity), time.time()
        with storage_errors(self.base):
            kept = {name: self._keep(id, value, name) for name, value in (values or {}).items()}
        record = Record(id, owner_of(key), tab, kind, clean_title(title) or kind, now, now, values=kept,
                        worker=this_process())
        with self._locked():
            self._write(record)
        return record

    def finish(self, id: str) -> Record:
        """Note that the result is there. Raises InputError when it is not."""
        result = Result.load(self.folder(id))
        record = self._change(id, state="done", note="", worker="", kind=result.kind,
                              size=sum(file.size for file in result.files))
        if self.mirror is not None:
            self.mirror.keep(id)
        return record

    def end(self, id: str, state: State, note: str = "") -> Record:
        """Note that a job ended without a result; where there is one (another page asked the same), it is finished."""
        if state != "done" and self._result(id) is not None:
            return self.finish(id)
        return self._change(id, state=state, note=note, worker="")

    def set_times(self, id: str, *, created: float, opened: float) -> Record:
        """Correct the times of an entry. Raises InputError when there is none."""
        return self._change(id, created=created, opened=opened)

    def note(self, id: str, words: str, instead_of: tuple[str, ...] = ()) -> None:
        """Write a note to a finished entry, where its note is one of ``instead_of``."""
        with self._locked():
            record = self.read(id)
            if record is not None and record.state == "done" and record.note in instead_of and record.note != words:
                self._write(replace(record, note=words))

    def adopt(self, key: str, identity: str, source: str, **words: Any) -> Record:
        """Give a visitor a copy of a result that is everybody's (a sample's); as :meth:`begin` and :meth:`finish`.

        Args:
            source: the id of the result.
        """
        record = self.begin(key, identity, **words)
        target = self.folder(record.id)
        if not target.exists():
            with storage_errors(self.base):
                part = target.with_name(f".{record.id}-{uuid.uuid4().hex[:8]}")
                shutil.copytree(self.folder(source), part, copy_function=_linked)
                try:
                    os.replace(part, target)
                except OSError:  # another of the visitor's pages was first
                    shutil.rmtree(part, ignore_errors=True)
        return self.finish(record.id)

    def find(self, id: str) -> Kept:
        """The entry of this id; it is kept from now on as if it were new. What is only in the remote place is fetched.

        Raises:
            InputError: there is none (any more), or it cannot be fetched.
        """
        record = self.read(id)
        if record is None or (record.state == "done" and self._result(id) is None):
            record = self._fetched(id) or record
        if record is None or self.is_over(record):
            raise InputError(_NONE)
        result = self._result(id) if record.state == "done" else None
        if record.state == "done" and result is None:
            raise InputError("The files of this result are damaged or were deleted: make it again.")
        now = time.time()
        if self.mirror is not None and record.state == "done" and now - record.opened > _DAY:
            self.mirror.keep(id, files=False)
        return Kept(self._change(id, opened=now), result)

    def mine(self, key: str) -> list[Record]:
        """A visitor's own entries, the latest first."""
        owner = owner_of(key)
        if self.mirror is not None:
            for record in self.mirror.listed(owner):
                self._take(record)
        return [record for record in self.all() if record.owner == owner and not self.is_over(record)]

    def all(self) -> list[Record]:
        """Everybody's entries that are here, the latest first: for whoever owns the folder, never for visitors."""
        found = (self.read(path.stem) for path in self._records.glob("*.json"))
        return sorted((record for record in found if record is not None), key=lambda record: -record.created)

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

    def is_over(self, record: Record) -> bool:
        """Whether an entry's time is over."""
        return record.state != "running" and time.time() - record.opened > self.keep_seconds

    def owns(self, key: str, id: str) -> bool:
        """Whether the entry is this visitor's."""
        record = self.read(id)
        return record is not None and record.owner == owner_of(key)

    def input_files(self, key: str, id: str) -> Path:
        """The folder with copies of the inputs of a visitor's own entry. Raises InputError for another's."""
        if not self.owns(key, id):
            raise InputError(_NONE)
        return self._inputs / id

    def rename(self, key: str, id: str, title: str) -> Record:
        """Give an entry of one's own another title. Raises InputError for another's, or an empty title."""
        if not self.owns(key, id):
            raise InputError(_NONE)
        return self.retitle(id, title)

    def retitle(self, id: str, title: str) -> Record:
        """Give anybody's entry another title: for whoever owns the folder. Raises InputError as :meth:`rename`."""
        words = clean_title(title)
        if not words:
            raise InputError("The name is empty: write a few words.")
        record = self._change(id, title=words)
        if self.mirror is not None and record.state == "done":
            self.mirror.keep(id, files=False)
        return record

    def delete(self, key: str, id: str) -> None:
        """Delete an entry of one's own with all its files. Raises InputError for another's."""
        if not self.owns(key, id):
            raise InputError(_NONE)
        self.remove(id)

    def remove(self, id: str) -> None:
        """Delete anybody's entry with all its files: for whoever owns the folder. Raises InputError when there is none.

        The record goes last, so that a deletion that breaks off can be repeated.
        """
        record = self.read(id)
        if record is None:
            raise InputError(_NONE)
        if self.mirror is not None and record.state == "done":
            self.mirror.erase(record)
        self.empty(id)
        (self._records / f"{id}.json").unlink(missing_ok=True)

    def sweep(self) -> Swept:
        """Mark what broke off, delete what is over its time or too much, and what belongs to nothing."""
        return sweep(self)

    def used(self) -> int:
        """Bytes of all results and inputs that are here."""
        return size_of(self.results) + size_of(self._inputs)

    def size(self, id: str) -> int:
        """Bytes of an entry that are here. Raises InputError for what is no id."""
        return size_of(self.folder(id)) + size_of(self._inputs / id)

    def require_space(self, needed: int = 0) -> None:
        """Raise StorageError when the disk would have less than ``least_free`` bytes after ``needed`` more."""
        with storage_errors(self.base):
            free = shutil.disk_usage(self.base).free
        if free - needed < self.least_free:
            raise StorageError(f"The disk for results is nearly full ({free / 1e9:.1f} GB free), so nothing was "
                               "started: delete results that are no longer needed, or try again later.")

    def preview_path(self, suffix: str) -> Path:
        """A fresh file name for a preview."""
        return self.previews / f"{uuid.uuid4().hex}{suffix}"

    def _keep(self, id: str, value: Any, place: str) -> Any:
        """A value for a record: paths become copies at a place of their own in the folder of inputs."""
        if isinstance(value, list | tuple):
            return [self._keep(id, item, f"{place}/{number}") for number, item in enumerate(value)]
        if not isinstance(value, Path):
            return value
        target = self._inputs / id / place / value.name
        target.parent.mkdir(parents=True, exist_ok=True)
        if value.is_file() and value.absolute() != target:
            part = target.with_name(f".{uuid.uuid4().hex}")
            _linked(value, part)
            os.replace(part, target)
        return {"file": f"{place}/{value.name}"}

    def _result(self, id: str) -> Result | None:
        try:
            return Result.load(self.folder(id))
        except InputError:
            return None

    def _write(self, record: Record) -> None:
        from humanav.export.files import whole_file  # its room loads much

        with whole_file(self._records / f"{record.id}.json") as part:
            part.write_text(record.to_json())

    def _change(self, id: str, **values: Any) -> Record:
        with self._locked():
            record = self.read(id)
            if record is None:
                raise InputError(_NONE)
            record = replace(record, **values)
            self._write(record)
        return record

    @contextmanager
    def _locked(self) -> Iterator[None]:
        """Nobody else changes records meanwhile: no other thread, and no other process on the same folder."""
        from filelock import FileLock, Timeout

        try:
            with self._lock, storage_errors(self.base), FileLock(self.base / ".lock", timeout=_LOCK_SECONDS):
                yield
        except Timeout as error:
            raise StorageError(f"Another program keeps the results in {self.base} locked: end it, or try again.") \
                from error

    def _fetched(self, id: str) -> Record | None:
        """The record of an entry in the remote place, which is now here; None where there is none."""
        if self.mirror is None or not is_id(id):
            return None
        try:
            record = self.mirror.fetch(id)
        except StorageError as error:
            raise InputError(str(error)) from error
        return record if record is None else self._take(record)

    def _take(self, record: Record) -> Record:
        """Keep the record of an entry that was made elsewhere, unless there is one here."""
        with self._locked():
            known = self.read(record.id)
            if known is None:
                self._write(record)
        return known or record

    def empty(self, id: str) -> None:
        """Delete an entry's files, not its record. Raises InputError for what is no id."""
        beside = [*self.results.glob(f".{id}*"), *self.results.glob(f"{id}.*")]  # unfinished work
        for path in (self.folder(id), self._inputs / id, *beside):
            shutil.rmtree(path, ignore_errors=True)

def _linked(source: Any, target: Any) -> Any:
    """Copy a file by a second name for it where the disk can; results are replaced whole, never written into."""
    try:
        os.link(source, target)
    except OSError:
        shutil.copyfile(source, target)
    return target
