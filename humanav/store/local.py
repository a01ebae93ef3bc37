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
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from humanav.errors import InputError, StorageError
from humanav.export.files import whole_file
from humanav.results import Result, storage_errors
from humanav.store.record import Record, State, clean_title, id_of, is_alive, is_id, owner_of, this_process

PREVIEW_SECONDS = 24 * 3600.0
"""How long previews of running jobs are kept."""

BROKEN = "The program ended while this was being made. Run it again: what was finished of it is used where possible."
_NONE = ("There is no such result here: it was deleted, its time is over, or the link is incomplete. "
         "Ask for a new link, or make it again.")


@dataclass(frozen=True)
class Kept:
    """An entry with its result, which is None as long as there is none (see ``record.state``)."""

    record: Record
    result: Result | None


@dataclass(frozen=True)
class Swept:
    """What a clean-up did: ids that were deleted, ids of jobs that had broken off, other files deleted."""

    deleted: tuple[str, ...] = ()
    broken: tuple[str, ...] = ()
    others: int = 0


class Store:
    """A folder of results.

    Args:
        base: the folder; made when absent.
        keep_seconds: how long a result is kept after it was made or last opened.
        least_free: bytes of the disk that must stay free; work that might need more is refused.

    Raises:
        StorageError: the folder cannot be made or written.
    """

    def __init__(self, base: str | Path, *, keep_seconds: float = 30 * 86400.0, least_free: int = 10**9) -> None:
        self.base, self.keep_seconds, self.least_free = Path(base).absolute(), keep_seconds, least_free
        self.results, self.previews = self.base / "results", self.base / "previews"
        self._records, self._inputs = self.base / "records", self.base / "inputs"
        self._lock = threading.RLock()
        try:
            self.base.mkdir(mode=0o700, parents=True, exist_ok=True)
            for folder in (self.results, self.previews, self._records, self._inputs):
                folder.mkdir(exist_ok=True)
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
            needed: bytes that the job may write.

        Raises:
            StorageError: the disk is nearly full, or cannot be written.
        """
        self.require_space(needed)
        id, now = id_of(key, identity), time.time()
        with self._lock, storage_errors(self.base):
            kept = {name: self._keep(id, value) for name, value in (values or {}).items()}
            record = Record(id, owner_of(key), tab, kind, clean_title(title) or kind, now, now, values=kept,
                            worker=this_process())
            self._write(record)
        return record

    def finish(self, id: str) -> Record:
        """Note that the result is there. Raises InputError when it is not."""
        result = Result.load(self.folder(id))
        return self._change(id, state="done", note="", worker="", kind=result.kind,
                            size=sum(file.size for file in result.files))

    def end(self, id: str, state: State, note: str = "") -> Record:
        """Note that a job ended without a result."""
        return self._change(id, state=state, note=note, worker="")

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
        """The entry of this id; it is kept from now on as if it were new.

        Raises:
            InputError: there is none (any more).
        """
        record = self._read(id)
        if record is None or self._over(record):
            raise InputError(_NONE)
        result = self._result(id) if record.state == "done" else None
        if record.state == "done" and result is None:
            raise InputError("The files of this result are damaged or were deleted: make it again.")
        return Kept(self._change(id, opened=time.time()), result)

    def mine(self, key: str) -> list[Record]:
        """A visitor's own entries, the latest first."""
        owner = owner_of(key)
        found = [record for record in self._all() if record.owner == owner and not self._over(record)]
        return sorted(found, key=lambda record: -record.created)

    def owns(self, key: str, id: str) -> bool:
        """Whether the entry is this visitor's."""
        record = self._read(id)
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
        words = clean_title(title)
        if not words:
            raise InputError("The name is empty: write a few words.")
        return self._change(id, title=words)

    def delete(self, key: str, id: str) -> None:
        """Delete an entry of one's own with all its files. Raises InputError for another's."""
        if not self.owns(key, id):
            raise InputError(_NONE)
        self._delete(id)

    def sweep(self) -> Swept:
        """Mark what broke off, delete what is over its time, and what belongs to nothing."""
        deleted, broken = [], []
        for record in self._all():
            if self._over(record):
                self._delete(record.id)
                deleted.append(record.id)
            elif record.state == "running" and self._dead(record):
                if self._result(record.id) is not None:  # it ended between the last file and the record
                    self.finish(record.id)
                else:
                    self.end(record.id, "broken", BROKEN)
                    broken.append(record.id)
        return Swept(tuple(deleted), tuple(broken), self._leftovers())

    def require_space(self, needed: int = 0) -> None:
        """Raise StorageError when the disk would have less than ``least_free`` bytes after ``needed`` more."""
        free = shutil.disk_usage(self.base).free
        if free - needed < self.least_free:
            raise StorageError(f"The disk for results is nearly full ({free / 1e9:.1f} GB free), so nothing was "
                               "started: delete results that are no longer needed, or try again later.")

    def preview_path(self, suffix: str) -> Path:
        """A fresh file name for a preview."""
        return self.previews / f"{uuid.uuid4().hex}{suffix}"

    def _keep(self, id: str, value: Any) -> Any:
        """A value for a record: paths become copies in the folder of inputs."""
        if isinstance(value, list | tuple):
            return [self._keep(id, item) for item in value]
        if not isinstance(value, Path):
            return value
        folder = self._inputs / id
        folder.mkdir(exist_ok=True)
        target = folder / value.name
        if value.is_file() and value.absolute() != target:
            part = target.with_name(f".{uuid.uuid4().hex}")
            _linked(value, part)
            os.replace(part, target)
        return {"file": value.name}

    def _result(self, id: str) -> Result | None:
        try:
            return Result.load(self.folder(id))
        except InputError:
            return None

    def _read(self, id: str) -> Record | None:
        if not is_id(id):
            return None
        try:
            return Record.from_json((self._records / f"{id}.json").read_text())
        except (OSError, InputError):
            return None

    def _write(self, record: Record) -> None:
        with whole_file(self._records / f"{record.id}.json") as part:
            part.write_text(record.to_json())

    def _change(self, id: str, **values: Any) -> Record:
        with self._lock, storage_errors(self.base):
            record = self._read(id)
            if record is None:
                raise InputError(_NONE)
            record = replace(record, **values)
            self._write(record)
        return record

    def _all(self) -> list[Record]:
        found = (self._read(path.stem) for path in self._records.glob("*.json"))
        return [record for record in found if record is not None]

    def _over(self, record: Record) -> bool:
        return record.state != "running" and time.time() - record.opened > self.keep_seconds

    def _dead(self, record: Record) -> bool:
        """Whether nobody works on it any more; another machine's work is believed for a day."""
        alive = is_alive(record.worker)
        return time.time() - record.opened > 86400 if alive is None else not alive

    def _delete(self, id: str) -> None:
        """The record goes last, so that a deletion that breaks off can be repeated."""
        for path in (self.results / id, self._inputs / id, *self.results.glob(f".{id}*")):
            shutil.rmtree(path, ignore_errors=True)
        (self._records / f"{id}.json").unlink(missing_ok=True)

    def _leftovers(self) -> int:
        """Delete old previews, and work in ``results`` and ``inputs`` that no record speaks of any more."""
        gone, now = 0, time.time()
        for path in self.previews.iterdir():
            if _age(path, now) > PREVIEW_SECONDS:
                path.unlink(missing_ok=True)
                gone += 1
        records = {record.id: record for record in self._all()}
        for path in [*self.results.iterdir(), *self._inputs.iterdir()]:
            owner = records.get(path.name.lstrip(".")[:26])
            busy = owner is not None and (owner.state != "done" or not path.name.startswith("."))
            if not busy and _age(path, now) > 3600:
                shutil.rmtree(path, ignore_errors=True) if path.is_dir() else path.unlink(missing_ok=True)
                gone += 1
        return gone


def _age(path: Path, now: float) -> float:
    try:
        return now - path.stat().st_mtime
    except OSError:
        return 0.0


def _linked(source: Any, target: Any) -> Any:
    """Copy a file by a second name for it where the disk can; results are replaced whole, never written into."""
    try:
        os.link(source, target)
    except OSError:
        shutil.copyfile(source, target)
    return target
