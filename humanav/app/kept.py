"""The app's one store of results: what is known already, what the samples made for everybody, and its clean-up."""

from __future__ import annotations

import logging
import threading
from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path
from typing import Any

from humanav.errors import HumanavError, InputError
from humanav.results import Result, content_id
from humanav.store import Record, Store, id_of, open_store

PUBLIC = "everybody"
"""The key of what belongs to nobody. No visitor can have it: theirs have another form."""
NEEDED = 100_000_000
"""Bytes that a job may write, beside copies of its inputs."""

_HOUR = 3600.0
_log = logging.getLogger(__name__)


@lru_cache(maxsize=1)
def store() -> Store:
    """The store of this process, as the settings ask for it. Raises as :func:`humanav.store.open_store`."""
    return open_store()


def known(key: str, identity: str, **words: Any) -> tuple[Record, Result] | None:
    """The visitor's own finished result of a question; that of a sample becomes the visitor's own.

    Args:
        key: the visitor's.
        identity: the job's content id.
        words: tab, kind, title and values, for a record that is not there yet; see :meth:`Store.begin`.
    """
    kept = store()
    try:
        found = kept.find(id_of(key, identity))
        if found.result is not None:
            return found.record, found.result
    except InputError:
        pass  # never asked, over its time, or its files are gone
    public = id_of(PUBLIC, identity)
    try:
        if kept.known(key, identity) is not None:  # it was finished just as its page was closed
            record = kept.finish(kept.begin(key, identity, **words).id)
        elif kept.known(PUBLIC, identity) is not None:
            kept.find(public)  # asked for, so it stays
            record = kept.adopt(key, identity, public, **words)
        else:
            return None
        return record, Result.load(kept.folder(record.id))
    except InputError:  # deleted in another window just now: it is to be made
        return None


def poster(id: str) -> Path:
    """Where the small picture of a result lies, once it was made."""
    return store().previews / f"poster-{id}.jpg"


def share(record: Record, result: Result, *, title: str, link: str) -> Path:
    """A result as one HTML page to send; where it was made before and nothing changed, that one.

    Raises:
        StorageError: the disk is nearly full.
        InputError: see :func:`humanav.share.write_share_page`.
    """
    from humanav.share import write_share_page

    path = store().previews / f"share-{record.id}-{content_id('share', result.id, result.created, title, link)}.html"
    if path.is_file():
        path.touch()  # it stays
        return path
    store().require_space(NEEDED)
    return write_share_page(result, path, title=title, link=link)


def delete(key: str, id: str) -> None:
    """Delete an entry of the visitor's own with all its files, picture and pages. Raises InputError for another's."""
    store().delete(key, id)
    for path in (poster(id), *store().previews.glob(f"share-{id}-*.html")):
        path.unlink(missing_ok=True)


def files_of(values: Mapping[str, Any]) -> list[Path]:
    """The files among values for a record."""
    found = [item for value in values.values() for item in (value if isinstance(value, list) else [value])]
    return [item for item in found if isinstance(item, Path) and item.is_file()]


def size_of(values: Mapping[str, Any]) -> int:
    """Bytes of the files among values for a record."""
    return sum(file.stat().st_size for file in files_of(values))


def tidy_hourly() -> threading.Thread:
    """Clean up now and every hour, in the background: what broke off is marked, what is over its time goes."""

    def sweep() -> None:
        while True:
            try:
                store().sweep()
            except (HumanavError, OSError):
                _log.exception("the clean-up of results failed")
            pause.wait(_HOUR)

    pause = threading.Event()
    thread = threading.Thread(target=sweep, name="clean-up", daemon=True)
    thread.start()
    return thread
