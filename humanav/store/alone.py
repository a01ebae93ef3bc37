"""One at a time works on an entry, however many threads and processes were asked for it."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from humanav.results import storage_errors

_LOOK_SECONDS = 0.25


@contextmanager
def alone(path: Path, check: Callable[[], None]) -> Iterator[None]:
    """Nobody else is in such a block with the same file; whoever comes later waits.

    The system lets go of it when a process ends, so one that was killed is not waited for.

    Args:
        path: made when absent; it stays, and an old one may be deleted.
        check: called now and then while waiting; what it raises ends that.

    Raises:
        StorageError: the file cannot be made.
    """
    from filelock import FileLock, Timeout

    lock = FileLock(path)
    with storage_errors(path.parent):
        path.parent.mkdir(mode=0o700, exist_ok=True)
        while True:
            try:
                lock.acquire(timeout=_LOOK_SECONDS)
                break
            except Timeout:
                check()
    try:
        with suppress(OSError):
            os.utime(path)  # the clean-up goes by its age
        yield
    finally:
        lock.release()
