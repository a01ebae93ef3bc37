"""One question of a visitor, asked in several windows at once: one works, the others wait and get the same result."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

from humanav.app import kept
from humanav.app.running import STOPPED
from humanav.errors import Cancelled, HumanavError
from humanav.progress import Progress
from humanav.results import MANIFEST, Result
from humanav.store import Record
from humanav.store.record import this_process

_asked: Counter[str] = Counter()
"""How many of this process ask for an entry now."""
_lock = threading.Lock()


class Asked:
    """One asking, from the moment its record is there to :meth:`leave`.

    Args:
        record: as :meth:`humanav.store.Store.begin` gave it; another window may have the same.
    """

    def __init__(self, record: Record) -> None:
        self.record, self._before = record, _stamp(record.id)
        self._left, self._turn = False, threading.Lock()
        with _lock:
            _asked[record.id] += 1

    def undo(self) -> bool:
        """Delete the entry, of which nothing was ever done; whether it was: not while others ask for it."""
        store, id = kept.store(), self.record.id
        with suppress(HumanavError, OSError), store.locked():
            there = store.read(id)  # another window's, once that began; None when it was deleted meanwhile
            with _lock:
                only = _asked[id] == 1
            return only and there is not None and there.created == self.record.created and store.remove(id)
        return False

    def once(self, work: Callable[[Path, Progress], Result]) -> Callable[[Progress], Result]:
        """The work, or what somebody else made of the same question meanwhile.

        What was there before is made anew: it was looked at, and could not be shown.
        """
        def run(progress: Progress) -> Result:
            store, id = kept.store(), self.record.id
            with store.alone(id, progress.check):
                made = store.result(id) if _stamp(id) != self._before else None
                if made is not None:
                    return made
                with self._turn:  # else it could be called running after it was called stopped
                    if self._left:
                        raise Cancelled(STOPPED)
                    store.resume(id)
                try:
                    return work(store.folder(id), progress)
                except OSError:
                    store.required(id)  # else it was deleted in another window, and its files with it: that is said
                    raise

        return run

    def leave(self, words: str = "") -> None:
        """No more: with ``words`` on why there is no result. While others are at it, that is not said of the entry."""
        id = self.record.id
        with self._turn:
            self._left = True
        with _lock:
            _asked[id] -= 1
            last = not _asked[id]
            if last:
                del _asked[id]
        if words and last:
            with suppress(HumanavError), kept.store().locked():  # it was deleted meanwhile, or the disk is full
                with _lock:
                    last = not _asked[id]  # somebody may have asked just now
                if last:
                    kept.store().end(id, "stopped", words, worker=this_process())


def _stamp(id: str) -> tuple[int, int] | None:
    """What tells a result from another one of the same id; None where there is none."""
    try:
        stat = (kept.store().folder(id) / MANIFEST).stat()
    except OSError:
        return None
    return stat.st_ino, stat.st_mtime_ns
