"""A store's second home on the network: what is finished here goes there in the background, what is missing comes back.

Names there: ``results/<id>/...``, ``inputs/<id>/...``, ``records/<id>.json`` and ``owners/<owner>/<id>``, by which a
visitor's entries are listed without reading everybody's. Nothing here ever fails a job: what could not be stored yet is
marked in the folder ``pending`` and tried again at the next clean-up, also after a restart.
"""

from __future__ import annotations

import contextlib
import logging
import os
import shutil
import threading
import time
import uuid
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from humanav.errors import HumanavError, InputError, StorageError
from humanav.results import Result
from humanav.store.record import Record, is_id
from humanav.store.remote import Remote, in_time, safe_names

if TYPE_CHECKING:
    from humanav.store.local import Store

T = TypeVar("T")

NOT_STORED = "Not stored remotely yet; this is tried again."
_ANSWER_SECONDS, _FILES_SECONDS = 8.0, 180.0
"""How long a visitor waits for a small answer, and for the files of a result."""
_STORE_SECONDS = 1800.0
"""How long storing some results may take: the Hub's client itself waits for ever."""
_PAUSE_SECONDS = 30.0
"""After no answer, visitors are not kept waiting again for so long."""
_LISTED_SECONDS = 600.0
"""For so long a visitor's list is believed; own entries are known here anyway."""
_MOST_AT_ONCE, _MOST_OLD = 20, 200
_log = logging.getLogger(__name__)


class Mirror:
    """Mirrors a store.

    Args:
        store: the local one, which asks this.
        remote: the place.
        waits: seconds between the attempts of storing something.

    Attributes:
        problem: a sentence on why the last attempt failed, "" when it went well.
        arriving: the folder of what is being fetched.
    """

    def __init__(self, store: Store, remote: Remote, waits: Sequence[float] = (2.0, 10.0, 60.0)) -> None:
        self.store, self.remote, self.problem = store, remote, ""
        self._marks, self.arriving = store.base / "pending", store.base / "arriving"
        self._waits, self._prepared, self._silent_until = tuple(waits), False, 0.0
        self._listed: dict[str, float] = {}
        self._old_seen = 0.0
        self._wake, self._idle, self._lock = threading.Event(), threading.Condition(), threading.Lock()
        self._thread: threading.Thread | None = None
        for folder in (self._marks, self.arriving):
            folder.mkdir(mode=0o700, exist_ok=True)

    def keep(self, id: str, *, files: bool = True) -> None:
        """Store an entry there, soon; without ``files`` its record only."""
        mark = self._marks / id
        if files or not mark.exists():
            _write(mark, "files" if files else "record")
        self.wake()

    def erase(self, record: Record) -> None:
        """Delete an entry there, soon."""
        _write(self._marks / f"{record.id}.gone", record.owner)
        (self._marks / record.id).unlink(missing_ok=True)
        self.wake()

    def is_gone(self, id: str) -> bool:
        """Whether the entry was deleted here, and may be there still."""
        return (self._marks / f"{id}.gone").exists()

    def is_marked(self, id: str) -> bool:
        """Whether the entry is not stored there yet."""
        return (self._marks / id).exists()

    def waiting(self) -> int:
        """How many entries are not stored, or not deleted, there yet."""
        return sum(not path.name.startswith(".") for path in self._marks.iterdir())

    def wake(self) -> None:
        """Try now what is still to be done."""
        if self.waiting():
            with self._lock:
                self._wake.set()
                if self._thread is None or not self._thread.is_alive():
                    self._thread = threading.Thread(target=self._work, name="mirror", daemon=True)
                    self._thread.start()

    def flush(self, seconds: float = 60.0) -> bool:
        """Wait until everything is stored; False when that takes longer or fails."""
        end = time.monotonic() + seconds
        with self._idle:
            while self.waiting() and time.monotonic() < end and self._thread is not None:
                self._idle.wait(0.05)
        return not self.waiting()

    def fetch(self, id: str) -> Record | None:
        """Bring an entry here with its files; its record, or None where there is none.

        Raises:
            StorageError: the place cannot be reached.
        """
        if self.is_gone(id):
            return None
        record = self._asked(lambda: self._record(id), _ANSWER_SECONDS)
        if record is None or record.state != "done" or self.store.is_over(record):
            return None
        self.store.require_space(record.size)
        self._asked(lambda: self._files(id), _FILES_SECONDS)
        return record

    def listed(self, owner: str) -> list[Record]:
        """The visitor's entries that are not here, without their files; none while the place cannot be reached."""
        if time.monotonic() - self._listed.get(owner, -_LISTED_SECONDS) < _LISTED_SECONDS:
            return []
        try:
            found = self._asked(lambda: self._missing(owner), 2 * _ANSWER_SECONDS)
        except StorageError:
            return []
        self._listed[owner] = time.monotonic()
        return found

    def sweep(self) -> None:
        """Delete what is over its time there and no longer here, once a day, and try again what is still to be done."""
        self.wake()
        if time.monotonic() - self._old_seen > 86400 or not self._old_seen:
            self._old_seen = time.monotonic()
            threading.Thread(target=self._forget_old, name="mirror-old", daemon=True).start()

    def _work(self) -> None:
        while True:
            with self._lock:
                if not self._wake.is_set():
                    self._thread = None
                    return
                self._wake.clear()
            for wait in (*self._waits, None):
                try:
                    while in_time(self._push, _STORE_SECONDS, self.remote.place):
                        pass
                    self.problem = ""
                    break
                except Exception as error:  # whatever it is, the marks stay, and the next attempt comes
                    self.problem = str(error)
                    _log.warning("results are not stored remotely yet: %s", error)
                    self._say(NOT_STORED)
                    if wait is None:
                        break
                    time.sleep(wait)
            with self._idle:
                self._idle.notify_all()

    def _push(self) -> int:
        """Store or delete some of what is marked, in one go; how much it was."""
        marks = sorted((path for path in self._marks.iterdir() if not path.name.startswith(".")),
                       key=lambda path: path.name)[:_MOST_AT_ONCE]
        if not marks:
            return 0
        if not self._prepared:
            self.remote.prepare()
            self._prepared = True
        add: dict[str, Path | bytes] = {}
        delete: list[str] = []
        done: list[tuple[Path, int]] = []
        for mark in marks:
            with contextlib.suppress(FileNotFoundError):  # another process was faster
                done.append((mark, mark.stat().st_mtime_ns))
                id, words = mark.name[:26], mark.read_text()
                if mark.suffix == ".gone":
                    delete += self._all_names(id, words)
                else:
                    self._collect(id, words == "files", add, delete)
        # Records and owners last: a place that is not all or nothing then never names files that are not there.
        ordered = {name: add[name] for name in sorted(add, key=lambda name: name.startswith(("records/", "owners/")))}
        self.remote.write(ordered, [name for name in delete if name not in ordered],
                          f"Store {len(marks)} result{'s' * (len(marks) > 1)}")
        for mark, stamp in done:
            with contextlib.suppress(FileNotFoundError):
                if mark.stat().st_mtime_ns == stamp:  # else it was marked again meanwhile
                    mark.unlink()
                    self._note(mark.name[:26], "")
        return len(done)

    def _collect(self, id: str, files: bool, add: dict[str, Path | bytes], delete: list[str]) -> None:
        record = self.store.read(id)
        if record is None or record.state != "done":
            return
        if files:
            for room in ("results", "inputs"):
                home = self.store.base / room / id
                add.update({f"{room}/{id}/{path.relative_to(home).as_posix()}": path for path in sorted(home.rglob("*"))
                            if path.is_file() and not path.name.startswith(".")})
            delete += [name for name in self._names(f"results/{id}") if name not in add]
        told = replace(record, worker="", note="" if record.note == NOT_STORED else record.note)
        add[f"records/{id}.json"] = told.to_json().encode()
        add[f"owners/{record.owner}/{id}"] = f"{id}\n".encode()

    def _all_names(self, id: str, owner: str) -> list[str]:
        """What there is of an entry there."""
        found = [*self._names(f"results/{id}"), *self._names(f"inputs/{id}")]
        if self.remote.read(f"records/{id}.json") is not None:
            found += [f"records/{id}.json", f"owners/{owner}/{id}"]
        return found

    def _names(self, folder: str) -> list[str]:
        return safe_names(self.remote.names(folder), folder)

    def _record(self, id: str) -> Record | None:
        content = self.remote.read(f"records/{id}.json")
        if content is None:
            return None
        try:
            record = Record.from_json(content.decode())
        except (InputError, UnicodeDecodeError):
            return None
        return replace(record, worker="") if record.id == id else None

    def _missing(self, owner: str) -> list[Record]:
        names = self._names(f"owners/{owner}")
        ids = [id for name in names if is_id(id := name.rpartition("/")[2]) and not self.is_gone(id)
               and self.store.read(id) is None]
        with ThreadPoolExecutor(8) as pool:
            found = list(pool.map(self._record, ids))
        return [record for record in found if record is not None and record.owner == owner and record.state == "done"]

    def _files(self, id: str) -> None:
        names = [*self._names(f"results/{id}"), *self._names(f"inputs/{id}")]
        place = self.arriving / uuid.uuid4().hex
        try:
            place.mkdir()
            self.remote.fetch(names, place)
            Result.load(place / "results" / id)  # whole, or InputError
            for room in ("inputs", "results"):
                source, target = place / room / id, self.store.base / room / id
                if source.is_dir() and not target.exists():
                    with contextlib.suppress(OSError):  # another process was faster
                        os.replace(source, target)
        except InputError as error:
            raise StorageError(f"This result's files in {self.remote.place} are damaged: make it again.") from error
        finally:
            shutil.rmtree(place, ignore_errors=True)

    def _asked(self, ask: Callable[[], T], seconds: float) -> T:
        """What a call returns for a visitor; a place that was silent is not asked again for a while."""
        if time.monotonic() < self._silent_until:
            raise StorageError(self.problem)
        try:
            return in_time(ask, seconds, self.remote.place)
        except StorageError as error:
            self.problem, self._silent_until = str(error), time.monotonic() + _PAUSE_SECONDS
            raise

    def _forget_old(self) -> None:
        try:
            ids = [name[len("records/"):-len(".json")] for name in self._names("records")]
            unknown = [id for id in ids if is_id(id) and self.store.read(id) is None and not self.is_gone(id)]
            for id in unknown[:_MOST_OLD]:
                record = self._record(id)
                if record is not None and self.store.is_over(record):
                    self.erase(record)
        except (HumanavError, OSError) as error:
            self.problem = str(error)

    def _say(self, words: str) -> None:
        for mark in self._marks.iterdir():
            if is_id(mark.name):
                self._note(mark.name, words)

    def _note(self, id: str, words: str) -> None:
        with contextlib.suppress(HumanavError, OSError):
            self.store.note(id, words, instead_of=("", NOT_STORED))


def _write(path: Path, text: str) -> None:
    part = path.with_name(f".{uuid.uuid4().hex}")
    part.write_text(text)
    os.replace(part, path)
