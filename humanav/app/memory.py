"""The memory of this process: how much it holds, and giving back what it no longer needs."""

from __future__ import annotations

import contextlib
import ctypes
import functools
import gc
import os
import threading
import time

_PAUSE = 1.0  # seconds: by then an ended job's thread is gone, and with it what it made
_ARENA_MAX = -8  # of glibc's malloc.h


def held() -> int:
    """Bytes that this process holds of the machine's memory."""
    try:
        with open("/proc/self/statm") as file:
            return int(file.read().split()[1]) * os.sysconf("SC_PAGE_SIZE")
    except OSError:
        import psutil

        return int(psutil.Process().memory_info().rss)


def share_heaps() -> None:
    """Let all threads share one heap, where the user did not choose (MALLOC_ARENA_MAX). By default each job's thread
    takes one of up to eight for each core, and what was once needed in many of them is hardly ever given back."""
    if "MALLOC_ARENA_MAX" not in os.environ:
        with contextlib.suppress(OSError, AttributeError):
            ctypes.CDLL("libc.so.6").mallopt(_ARENA_MAX, 1)


def give_back() -> None:
    """Return to the system what was needed by a job, or by the warm-up, and is free now."""
    gc.collect()
    with contextlib.suppress(OSError, AttributeError):  # another C library keeps what it likes
        ctypes.CDLL("libc.so.6").malloc_trim(0)


def job_ended() -> None:
    """:func:`give_back` now, before the next job takes room beside what is free, and again in a moment, in a thread of
    its own: until the calling thread is gone, some of what its job made is still held."""
    give_back()
    _due.set()
    with _starting:
        _keeper()


@functools.cache
def _keeper() -> threading.Thread:
    """The one thread that waits for jobs to end."""
    def keep() -> None:
        while _due.wait():
            _due.clear()  # before the pause: a job that ends during it has one of its own
            time.sleep(_PAUSE)
            give_back()

    thread = threading.Thread(target=keep, name="memory", daemon=True)
    thread.start()
    return thread


_due = threading.Event()
_starting = threading.Lock()
