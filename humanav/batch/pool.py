"""Workers on this machine: processes of their own, each with its share of the cores.

Every worker is a pool of one, so that it is known which item a killed one had, and the others go on undisturbed.
"""

from __future__ import annotations

import os
import signal
import sys
import threading
import time
from collections.abc import Iterator
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager, suppress
from multiprocessing import get_context
from pathlib import Path

from humanav.batch.value import Outcome, Task
from humanav.batch.work import do

DIED = "Its worker process was ended from outside, most often because memory ran out: use fewer workers."
_LIMITS = ("/sys/fs/cgroup/memory.max", "/sys/fs/cgroup/memory/memory.limit_in_bytes")  # of a container
_THREADS = ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS", "NUMBA_NUM_THREADS", "VECLIB_MAXIMUM_THREADS")


class Pool:
    """Processes on this machine.

    Args:
        workers: how many.
        threads: of the numerical libraries in each; by default the cores shared out.
    """

    def __init__(self, workers: int, threads: int | None = None) -> None:
        self.workers = workers
        self.threads = threads or max(1, cores() // workers)
        self._slots: list[ProcessPoolExecutor | None] = [None] * workers
        self._running: dict[Future[Outcome], tuple[int, Task]] = {}

    @property
    def words(self) -> str:
        """What does the work."""
        return f"{self.workers} {'process' if self.workers == 1 else 'processes'} on this machine"

    @property
    def room(self) -> int:
        """How many more items may be handed over."""
        return self.workers - len(self._running)

    def submit(self, task: Task) -> None:
        """Hand over an item."""
        busy = {slot for slot, _ in self._running.values()}
        slot = next(number for number in range(self.workers) if number not in busy)
        for _ in range(2):  # a worker that was ended while it had nothing to do is replaced
            try:
                future = self._executor(slot).submit(do, task, os.getpid())
                break
            except (BrokenProcessPool, OSError):  # the latter: the system starts no more processes
                self._drop(slot)
        else:
            future = Future()
            future.set_exception(BrokenProcessPool())
        self._running[future] = slot, task

    def finished(self, seconds: float) -> list[tuple[Task, Outcome]]:
        """What has ended; waits at most so long for the first."""
        ended, _ = wait(self._running, timeout=seconds, return_when=FIRST_COMPLETED)
        found = []
        for future in ended:
            slot, task = self._running.pop(future)
            error = future.exception()
            outcome = future.result() if error is None else Outcome(
                task.name, "again", DIED if isinstance(error, BrokenProcessPool) else
                f"Its worker stopped with an unexpected error ({type(error).__name__}: {error})."[:300])
            if outcome.end == "again":  # a new process: the old one may be short of memory
                self._drop(slot)
            found.append((task, outcome))
        return found

    def close(self) -> None:
        """End all workers; those that still work are killed, which leaves nothing but a folder to tidy up."""
        busy = {slot for slot, _ in self._running.values()}
        for slot in range(self.workers):
            self._drop(slot, kill=slot in busy, wait=True)
        self._running.clear()

    def _executor(self, slot: int) -> ProcessPoolExecutor:
        found = self._slots[slot]
        if found is None:
            found = ProcessPoolExecutor(1, get_context("spawn"), _begin, (self.threads, os.getpid()))
            self._slots[slot] = found
            with _environment(self.threads):  # read once, when the libraries are loaded
                found.submit(os.getpid)  # starts the process now
        return found

    def _drop(self, slot: int, kill: bool = False, wait: bool = False) -> None:
        executor, self._slots[slot] = self._slots[slot], None
        if executor is None:
            return
        if kill:  # also one that has not answered yet: it would do its item first
            for process in list((getattr(executor, "_processes", None) or {}).values()):
                process.kill()
        # waited for at the end: Python, on its way out, stumbles over an executor that is just closing its pipe
        executor.shutdown(wait=wait, cancel_futures=True)


def usual_workers() -> int:
    """One for every core, as far as each has 2 GB of memory: a job is quickest for its cost on one core."""
    return max(1, min(cores(), int(_memory() / 2e9)))


def _memory() -> float:
    """Bytes that this machine has, or that its container may use; endless where that is not known."""
    known = []
    with suppress(AttributeError, ValueError, OSError):  # not on this system
        known.append(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES"))
    for file in _LIMITS:
        with suppress(ValueError, OSError):  # "max": no limit
            known.append(int(Path(file).read_text()))
    return min(known, default=1e15)


def cores() -> int:
    """Cores that this process may use."""
    from joblib import cpu_count

    return int(cpu_count())


@contextmanager
def _environment(threads: int) -> Iterator[None]:
    before = {name: os.environ.get(name) for name in _THREADS}
    os.environ.update({name: str(threads) for name in _THREADS})
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                os.environ.pop(name, None)
            else:
                os.environ[name] = value


def _begin(threads: int, leader: int) -> None:
    """In a new worker: leave Ctrl-C to the leader, end with it, and use no more than the share of the cores."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    threading.Thread(target=_follow, args=(leader,), daemon=True).start()
    use_threads(threads)


def use_threads(threads: int) -> None:
    """Limit the numerical libraries of this process: those that are loaded, and those that will be."""
    if (torch := sys.modules.get("torch")) is not None:
        torch.set_num_threads(threads)
    if (numba := sys.modules.get("numba")) is not None:
        numba.set_num_threads(min(threads, numba.get_num_threads()))
    os.environ.update({name: str(threads) for name in _THREADS if numba is None or not name.startswith("NUMBA")})


def _follow(leader: int) -> None:
    while os.getppid() == leader:
        time.sleep(1.0)
    time.sleep(5.0)  # what heeds the stop may still tidy up
    os._exit(1)
