"""A store's second home on the network: what is finished here goes there in the background, what is missing comes back.

Names there: ``results/<id>/...``, ``inputs/<id>/...``, ``records/<id>.json`` and ``owners/<owner>/<id>``, by which a
visitor's entries are listed without reading everybody's. Nothing here ever fails a job: what could not be stored yet is
marked (see :mod:`humanav.store.marks`) and tried again at the next clean-up, also after a restart.
"""

from __future__ import annotations

import contextlib
import logging
import os
import random
import shutil
import threading
import time
import uuid
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import TYPE_CHECKING, TypeVar

from humanav.errors import HumanavError, InputError, StorageError
from humanav.results import Result, storage_errors
from humanav.store.marks import Marks
from humanav.store.record import Record, is_id
from humanav.store.remote import Remote, in_time, names_below
from humanav.store.sending import NOT_STORED, Sender

if TYPE_CHECKING:
    from humanav.store.local import Store

T = TypeVar("T")

_ANSWER_SECONDS, _FILES_SECONDS = 8.0, 180.0
"""How long a visitor waits for a small answer, and for the files of a result."""
_STORE_SECONDS = 1800.0
"""How long storing some results may take: the Hub's client itself waits for ever."""
_PAUSE_SECONDS = 30.0
"""After no answer, visitors are not kept waiting again for so long."""
_LISTED_SECONDS = 600.0
"""For so long a visitor's list is believed; own entries are known here anyway."""
_MOST_OLD = 200
"""Of entries that are only there, so many are looked at in one clean-up; which ones is left to chance."""
_MOST_LISTED = 10_000
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
        self._marks, self.arriving = Marks(store.base / "pending"), store.base / "arriving"
        self._sender = Sender(store, remote, self._marks)
        self._waits = tuple(waits)
        self._silence, self._silent_until = "", 0.0
        self._listed: dict[str, float] = {}
        self._wake, self._idle, self._lock = threading.Event(), threading.Condition(), threading.Lock()
        self._thread: threading.Thread | None = None
        self._old: threading.Thread | None = None
        self.arriving.mkdir(mode=0o700, exist_ok=True)

    def keep(self, id: str, *, files: bool = True) -> None:
        """Store an entry there, soon; without ``files`` its record only. The store is to be locked meanwhile."""
        self._marks.keep(id, files=files)
        self.wake()

    def erase(self, record: Record) -> None:
        """Delete an entry there, soon."""
        self._marks.erase(record.id, record.owner)
        self.wake()

    def is_gone(self, id: str) -> bool:
        """Whether the entry was deleted here, and may be there still."""
        return self._marks.is_gone(id)

    def is_marked(self, id: str) -> bool:
        """Whether the entry is not stored there yet."""
        return self._marks.has(id)

    def waiting(self) -> int:
        """How many entries are not stored, or not deleted, there yet."""
        return self._marks.count()

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
            InputError: its files there are damaged.
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
        if len(self._listed) >= _MOST_LISTED:
            self._listed.clear()
        self._listed[owner] = time.monotonic()
        return found

    def sweep(self) -> None:
        """Delete what is over its time there and no longer here, and try again what is still to be done."""
        self.wake()
        if self._old is None or not self._old.is_alive():
            self._old = threading.Thread(target=self._forget_old, name="mirror-old", daemon=True)
            self._old.start()

    def _work(self) -> None:
        while True:
            with self._lock:
                if not self._wake.is_set():
                    self._thread = None
                    return
                self._wake.clear()
            for wait in (*self._waits, None):
                try:
                    while in_time(self._sender.push, _STORE_SECONDS, self.remote.place):
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
        names = names_below(self.remote, f"owners/{owner}")
        ids = [id for name in names if is_id(id := name.rpartition("/")[2]) and not self.is_gone(id)
               and self.store.read(id) is None]
        with ThreadPoolExecutor(8) as pool:
            found = list(pool.map(self._record, ids))
        return [record for record in found if record is not None and record.owner == owner and record.state == "done"]

    def _files(self, id: str) -> None:
        names = [*names_below(self.remote, f"results/{id}"), *names_below(self.remote, f"inputs/{id}")]
        place = self.arriving / uuid.uuid4().hex
        try:
            with storage_errors(self.arriving):
                place.mkdir()
            self.remote.fetch(names, place)
            Result.load(place / "results" / id)  # whole, or InputError
            for room in ("inputs", "results"):
                source, target = place / room / id, self.store.base / room / id
                if source.is_dir() and not target.exists():
                    with contextlib.suppress(OSError):  # another process was faster
                        os.replace(source, target)
        except InputError as error:
            raise InputError(f"This result's files in {self.remote.place} are damaged: make it again.") from error
        finally:
            shutil.rmtree(place, ignore_errors=True)

    def _asked(self, ask: Callable[[], T], seconds: float) -> T:
        """What a call returns for a visitor; a place that was silent is not asked again for a while."""
        if time.monotonic() < self._silent_until:
            raise StorageError(self._silence)
        try:
            return in_time(ask, seconds, self.remote.place)
        except StorageError as error:
            self._silence, self._silent_until = str(error), time.monotonic() + _PAUSE_SECONDS
            raise

    def _forget_old(self) -> None:
        try:
            in_time(self._erase_old, _STORE_SECONDS, self.remote.place)
        except (HumanavError, OSError) as error:
            self.problem = str(error)

    def _erase_old(self) -> None:
        ids = [name[len("records/"):-len(".json")] for name in names_below(self.remote, "records")]
        unknown = [id for id in ids if is_id(id) and self.store.read(id) is None and not self.is_gone(id)]
        for id in random.sample(unknown, min(_MOST_OLD, len(unknown))):
            record = self._record(id)
            if record is not None and self.store.is_over(record):
                self.erase(record)

    def _say(self, words: str) -> None:
        for mark in self._marks.all():
            if mark.owner is None:
                self._sender.note(mark.id, words)
