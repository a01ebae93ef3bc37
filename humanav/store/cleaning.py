"""The clean-up of a store: what broke off is marked; what is over its time, too much, or nobody's goes."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from humanav.errors import InputError, StorageError
from humanav.store.files import delete
from humanav.store.record import Record, is_alive
from humanav.store.space import Files, files_below

if TYPE_CHECKING:
    from humanav.store.local import Store

PREVIEW_SECONDS = 24 * 3600.0
"""How long previews of running jobs are kept."""
BROKEN = "The program ended while this was being made. Run it again: what was finished of it is used where possible."

_HOUR, _DAY = 3600.0, 86400.0
_BELIEVED = 3 * _HOUR
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
                deleted += [record.id] if store.remove(record.id, record) else []
            elif record.state == "running" and _dead(record):
                # finished, if it has all of its files already; left as it is, if somebody ran it again just now
                ended = store.end(record.id, "broken", BROKEN, worker=record.worker)
                broken += [record.id] if ended.state == "broken" else []
    others = sum(_clear(path, limit) for path, limit in _leftovers(store))
    removed, emptied = _shrink(store)
    if store.mirror is not None:
        store.mirror.sweep()
    return Swept((*deleted, *removed), tuple(broken), others, emptied)


def _dead(record: Record) -> bool:
    """Whether nobody works on it any more; another machine's work is believed for a while.

    A container that was started anew is another machine, too. A job that lasts longer is finished all the same.
    """
    alive = is_alive(record.worker)
    return time.time() - record.created > _BELIEVED if alive is None else not alive


def _leftovers(store: Store) -> Iterator[tuple[Path, float]]:
    """Files that may be nobody's, and at which age in seconds they are."""
    yield from ((path, PREVIEW_SECONDS) for path in store.previews.iterdir())
    records = {record.id: record for record in store.all()}
    with suppress(StorageError, OSError):  # a full disk is to be cleaned all the same
        store.mend_owners(records.values())
    unread = store.unread(set(records))
    yield from ((path, max(store.keep_seconds, _DAY)) for path in unread.values())
    for room in (store.results, store.inputs):
        for path in room.iterdir():
            id = _id_in(path)
            if id in unread:  # which may pass, while its files would be gone
                continue
            if id not in records or (path.name != id and _rests(store, records[id])):  # unfinished work
                yield path, _DAY if path.name.endswith(_UNFINISHED) else _HOUR
    working = store.base / "working"
    yield from ((path, _DAY) for path in (working.iterdir() if working.is_dir() else ())
                if path.name not in records or _rests(store, records[path.name]))
    for folder in ("records", "pending", "arriving"):
        if (store.base / folder).is_dir():
            yield from ((path, _HOUR) for path in (store.base / folder).iterdir()
                        if path.name.startswith(".") or folder == "arriving")


def _rests(store: Store, record: Record) -> bool:
    """Whether nobody works on an entry, nor began to since its record was read."""
    if record.state == "running":
        return False
    now = store.read(record.id)
    return now is None or now.state != "running"


def _id_in(path: Path) -> str:
    """The id that the name of a file or folder in a store begins with, unless it belongs to nobody."""
    return path.name.lstrip(".")[:26]


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
    delete([path])
    return True


def _shrink(store: Store) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Make all entries together small enough, those first that nobody opened for longest.

    Returns:
        ids that were deleted, and, where a remote place has the files too, that were emptied.
    """
    removed: list[str] = []
    emptied: list[str] = []
    if store.most_bytes is None:
        return (), ()
    held: dict[str, Files] = {}
    for path in (*store.results.iterdir(), *store.inputs.iterdir()):
        if not path.is_symlink():
            held.setdefault(_id_in(path), {}).update(files_below(path))
    holders = Counter(file for files in held.values() for file in files)
    total = store.used()
    for record in sorted(store.all(), key=lambda record: record.opened):
        files = held.get(record.id)
        if total <= store.most_bytes:
            break
        if record.state == "running" or not files:
            continue
        gone = removed if store.mirror is None or record.state != "done" else emptied
        if not _let_go(store, record, whole=gone is removed):
            continue
        gone.append(record.id)
        holders.subtract(files.keys())
        total -= sum(size for file, size in files.items() if not holders[file])
    return tuple(removed), tuple(emptied)


def _let_go(store: Store, record: Record, *, whole: bool) -> bool:
    """Delete an entry, or only its files here; not if it changed meanwhile, or is not stored elsewhere yet."""
    if not whole:
        return store.mirror is not None and not store.mirror.is_marked(record.id) and store.empty(record)
    with suppress(InputError):  # its owner deleted it just now
        return store.remove(record.id, record)
    return False
