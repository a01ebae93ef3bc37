"""Where results are kept: a folder of them, each with a record of whose it is, for as long as the setting says.

Below the base folder: ``results/<id>`` (the result folders, which the app serves), ``previews`` (short-lived, served),
``records/<id>.json``, ``owners/<owner>/<id>``, ``working/<id>`` and ``inputs/<id>`` (never served). One visitor can
neither list nor guess what is another's.
"""

from __future__ import annotations

import os
import shutil
import time
import uuid
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from humanav.errors import HumanavError, InputError, StorageError
from humanav.results import Result, storage_errors
from humanav.store.cleaning import Swept, sweep
from humanav.store.files import copy_result, delete, keep_inputs, put_aside
from humanav.store.mirror import Mirror
from humanav.store.record import Record, State, clean_title, id_of, is_alive, is_id, owner_of, this_process
from humanav.store.register import NO_RESULT, Register
from humanav.store.remote import Remote
from humanav.store.space import size_of

_SPACE = {"avatar": 100_000_000, "animation": 100_000_000, "uplift": 200_000_000, "track": 500_000_000,
          "capture": 500_000_000}
"""Bytes that a job of a kind may write, with what it keeps while it works."""
_DAY = 86400.0


@dataclass(frozen=True)
class Kept:
    """An entry with its result, which is None as long as there is none (see ``record.state``)."""

    record: Record
    result: Result | None


class Store(Register):
    """A folder of results, and the register of whose they are.

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
        super().__init__(Path(base).absolute(), keep_seconds)
        self.least_free, self.most_bytes = least_free, most_bytes
        self.results, self.previews = self.base / "results", self.base / "previews"
        self.inputs = self.base / "inputs"
        try:
            self.base.mkdir(mode=0o700, parents=True, exist_ok=True)
            for folder in (self.results, self.previews, self._records, self.inputs):
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
            raise InputError(NO_RESULT)
        return self.results / id

    def known(self, key: str, identity: str) -> Result | None:
        """The visitor's finished result of this question, or None."""
        return self.result(id_of(key, identity))

    def result(self, id: str) -> Result | None:
        """The files of an entry that are here, or None."""
        try:
            return Result.load(self.folder(id))
        except InputError:
            return None

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

        Returns:
            The record; that of another process which is at work on the same, as it is.

        Raises:
            StorageError: the disk is nearly full, or cannot be written.
        """
        self.require_space(max(needed, _SPACE.get(kind, 0)))
        id, now = id_of(key, identity), time.time()
        with storage_errors(self.base):
            kept = {name: keep_inputs(value, self.inputs / id, name) for name, value in (values or {}).items()}
        record = Record(id, owner_of(key), tab, kind, clean_title(title) or kind, now, now, values=kept,
                        worker=this_process())
        aside: list[Path] = []
        with self.locked():
            there = self.read(id)
            if there is not None and there.state == "running" and there.worker != record.worker \
                    and is_alive(there.worker):
                return there
            self._write(record)
            if self.result(id) is None and os.path.lexists(self.folder(id)):  # damaged: no job would write there
                aside = put_aside([self.folder(id)])
        delete(aside)
        return record

    def finish(self, id: str) -> Record:
        """Note that the result is there. Raises InputError when it is not."""
        result = Result.load(self.folder(id))
        with self.locked():
            self.required(id)
            if self.mirror is not None:  # marked first, so that a crash between the two forgets nothing
                self.mirror.keep(id)
            return self._change(id, state="done", note="", worker="", kind=result.kind,
                                size=sum(file.size for file in result.files))

    def end(self, id: str, state: State, note: str = "", *, worker: str = "") -> Record:
        """Note that a job ended without a result; where there is one (another page asked the same), it is finished.

        Args:
            worker: whose end it was: of another's entry nothing is noted. By default anybody's.
        """
        if state != "done" and self.result(id) is not None:
            return self.finish(id)
        with self.locked():
            record = self.required(id)
            return record if worker not in ("", record.worker) else self._change(id, state=state, note=note, worker="")

    def adopt(self, key: str, identity: str, source: str, **words: Any) -> Record:
        """Give a visitor a copy of a result that is everybody's (a sample's); as :meth:`begin` and :meth:`finish`.

        Args:
            source: the id of the result.
        """
        record = self.begin(key, identity, **words)
        try:
            if self.result(record.id) is None:
                copy_result(Result.load(self.folder(source)), self.folder(record.id))
            return self.finish(record.id)
        except Exception:  # else it would be called running for as long as this program does
            with suppress(HumanavError):
                self.remove(record.id)
            raise

    def find(self, id: str) -> Kept:
        """The entry of this id; it is kept from now on as if it were new. What is only in the remote place is fetched.

        Raises:
            InputError: there is none (any more), or it cannot be fetched.
        """
        record = self.read(id)
        if record is None or (record.state == "done" and self.result(id) is None):
            record = self._fetched(id) or record
        if record is None or self.is_over(record):
            raise InputError(NO_RESULT)
        result = self.result(id) if record.state == "done" else None
        if record.state == "done" and result is None:
            raise InputError("The files of this result are damaged or were deleted: make it again.")
        with self.locked():
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
        return [record for record in self.of_owner(owner) if not self.is_over(record)]

    def input_files(self, key: str, id: str) -> Path:
        """The folder with copies of the inputs of a visitor's own entry. Raises InputError for another's."""
        if not self.owns(key, id):
            raise InputError(NO_RESULT)
        return self.inputs / id

    def rename(self, key: str, id: str, title: str) -> Record:
        """Give an entry of one's own another title. Raises InputError for another's, or an empty title."""
        if not self.owns(key, id):
            raise InputError(NO_RESULT)
        return self.retitle(id, title)

    def retitle(self, id: str, title: str) -> Record:
        """Give anybody's entry another title: for whoever owns the folder. Raises InputError as :meth:`rename`."""
        words = clean_title(title)
        if not words:
            raise InputError("The name is empty: write a few words.")
        with self.locked():
            if self.mirror is not None and self.required(id).state == "done":
                self.mirror.keep(id, files=False)
            return self._change(id, title=words)

    def delete(self, key: str, id: str) -> None:
        """Delete an entry of one's own with all its files. Raises InputError for another's."""
        if not self.owns(key, id):
            raise InputError(NO_RESULT)
        self.remove(id)

    def remove(self, id: str, unchanged: Record | None = None) -> bool:
        """Delete anybody's entry with all its files: for whoever owns the folder.

        From one moment to the next nobody finds any of it; what a crash leaves goes with the next clean-up.

        Args:
            unchanged: delete it only if its record is still like this.

        Returns:
            Whether it was deleted.

        Raises:
            InputError: there is none.
        """
        with self.locked():
            record = self.required(id)
            if unchanged not in (None, record):
                return False
            if self.mirror is not None:
                self.mirror.erase(record)
            aside = put_aside(self._places(id))
            self._forget(record)
        delete([*aside, *self.previews.glob(f"*-{id}.*")])
        return True

    def empty(self, record: Record) -> bool:
        """Delete an entry's files, not its record, if that is unchanged; whether it was."""
        with self.locked():
            if self.read(record.id) != record:
                return False
            aside = put_aside(self._places(record.id))
        delete(aside)
        return True

    def sweep(self) -> Swept:
        """Mark what broke off, delete what is over its time or too much, and what belongs to nothing."""
        return sweep(self)

    def used(self) -> int:
        """Bytes of all results and inputs that are here."""
        return size_of(self.results, self.inputs)

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

    def _places(self, id: str) -> list[Path]:
        """Where an entry's files lie, unfinished work included."""
        return [self.folder(id), self.inputs / id, *self.results.glob(f".{id}*"), *self.results.glob(f"{id}.*")]

    def _fetched(self, id: str) -> Record | None:
        """The record of an entry in the remote place, which is now here; None where there is none."""
        if self.mirror is None or not is_id(id):
            return None
        try:
            record = self.mirror.fetch(id)
        except StorageError as error:
            raise InputError(str(error)) from error
        return record if record is None else self._take(record)

    def _take(self, record: Record) -> Record | None:
        """Keep the record of an entry that was made elsewhere, unless there is one here, or it was deleted here."""
        with self.locked():
            known = self.read(record.id)
            if known is None and self.mirror is not None and not self.mirror.is_gone(record.id):
                self._write(known := record)
        return known
