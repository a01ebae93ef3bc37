"""The clean-up of a store: what broke off is marked; what is over its time, too much, or nobody's goes."""

from __future__ import annotations

import os
import shutil
import time
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from humanav.errors import InputError
from humanav.store.record import Record, is_alive

if TYPE_CHECKING:
    from humanav.store.local import Store

PREVIEW_SECONDS = 24 * 3600.0
"""How long previews of running jobs are kept."""
BROKEN = "The program ended while this was being made. Run it again: what was finished of it is used where possible."

_HOUR, _DAY = 3600.0, 86400.0
_UNFINISHED = (".training", ".work")
"""Ends the names of folders from which a job that broke off can go on."""


@dataclass(frozen=True)
class Swept:
    """What a clean-up did.

    Attributes:
        deleted: ids of entries that were over their time, or too many for the space.
        broken: ids of jobs that had broken off.
        others: how many other files were deleted.
        emptied: ids of entries whose files are only in the remote place now.
    """

    deleted: tuple[str, ...] = ()
    broken: tuple[str, ...] = ()
    others: int = 0
    emptied: tuple[str, ...] = ()


def sweep(store: Store) -> Swept:
    """Clean a store up."""
    deleted, broken, now = [], [], time.time()
    for record in store.all():
        with suppress(InputError):  # its owner deleted it just now
            if record.opened > now + _DAY:  # made while the clock was wrong; else it would never be over its time
                store.set_times(record.id, created=min(record.created, now), opened=now)
            elif store.is_over(record):
                store.remove(record.id)
                deleted.append(record.id)
            elif record.state == "running" and _dead(record):
                ended = store.end(record.id, "broken", BROKEN)  # finished, if it has all of its files already
                broken += [record.id] if ended.state == "broken" else []
    others = sum(_clear(path, limit) for path, limit in _leftovers(store))
    removed, emptied = _shrink(store)
    if store.mirror is not None:
        store.mirror.sweep()
    return Swept((*deleted, *removed), tuple(broken), others, emptied)


def size_of(folder: Path) -> int:
    """Bytes of the files in a folder and below; files that go away meanwhile do not count."""
    total = 0
    for place, _, names in os.walk(folder):
        for name in names:
            with suppress(OSError):
                total += os.lstat(os.path.join(place, name)).st_size
    return total


def _dead(record: Record) -> bool:
    """Whether nobody works on it any more; another machine's work is believed for a day."""
    alive = is_alive(record.worker)
    return time.time() - record.opened > _DAY if alive is None else not alive


def _leftovers(store: Store) -> Iterator[tuple[Path, float]]:
    """Files that may be nobody's, and at which age in seconds they are."""
    yield from ((path, PREVIEW_SECONDS) for path in store.previews.iterdir())
    records = {record.id: record for record in store.all()}
    for room in (store.results, store.base / "inputs"):
        for path in room.iterdir():
            owner, hidden = records.get(path.name.lstrip(".")[:26]), path.name.startswith(".")
            if owner is None or (hidden and owner.state != "running"):
                yield path, _DAY if path.name.endswith(_UNFINISHED) else _HOUR
    for folder in ("records", "pending", "arriving"):
        if (store.base / folder).is_dir():
            yield from ((path, _HOUR) for path in (store.base / folder).iterdir()
                        if path.name.startswith(".") or folder == "arriving")


def _clear(path: Path, limit: float) -> bool:
    """Delete what was not changed for ``limit`` seconds; whether it was."""
    try:
        times = [path.lstat().st_mtime]
        if path.is_dir() and not path.is_symlink():
            times += [item.lstat().st_mtime for item in path.iterdir()]
    except OSError:
        return False
    if time.time() - max(times) <= limit:
        return False
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path, ignore_errors=True)
    else:
        path.unlink(missing_ok=True)
    return True


def _shrink(store: Store) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Make all entries together small enough, those first that nobody opened for longest.

    Returns:
        ids that were deleted, and, where a remote place has the files too, that were emptied.
    """
    removed, emptied = [], []
    if store.most_bytes is not None:
        total = store.used()
        for record in sorted(store.all(), key=lambda record: record.opened):
            size = store.size(record.id)
            if total <= store.most_bytes:
                break
            if record.state == "running" or not size:
                continue
            if store.mirror is None or record.state != "done":
                store.remove(record.id)
                removed.append(record.id)
            elif not store.mirror.is_marked(record.id):
                store.empty(record.id)
                emptied.append(record.id)
            else:
                continue
            total -= size
    return tuple(removed), tuple(emptied)
