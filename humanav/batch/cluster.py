"""Workers on many machines: the processes of a Dask cluster that is already running.

Each worker needs the same humanav, and must see the folder of inputs and that of results under the same paths. When a
worker is lost, Dask gives its item to another one; the item's lock and its published result keep it from being made
twice (:mod:`humanav.batch.work`).
"""

from __future__ import annotations

import contextlib
import logging
import queue
import threading
import time
import uuid
from pathlib import Path
from typing import Any

from humanav import __version__
from humanav.batch import places
from humanav.batch.value import Outcome, Task
from humanav.batch.work import do
from humanav.errors import HumanavError, InputError, MissingExtraError

_CONNECT, _FIRST_WORKER = 10.0, 30.0  # seconds
_NO_WORKERS = 120.0  # seconds: a nanny, or whoever looks after the machines, starts one anew before
_FETCH = 30.0  # seconds for what a worker has to say
_LOST = "The connection to the cluster was lost. What is finished is kept: the same command goes on from there."


class Cluster:
    """The workers of a Dask scheduler; one item at a time for each worker process.

    Args:
        address: of the scheduler, such as ``tcp://192.168.0.10:8786``.
        out: the folder of the batch, in which a mark is set that the workers must see.
        most: at most so many items at a time; None for as many as there are workers.

    Raises:
        MissingExtraError: dask is not installed.
        InputError: the scheduler cannot be reached, has no workers, or has some that lack humanav or the folders.
    """

    def __init__(self, address: str, out: Path, most: int | None = None) -> None:
        try:
            import distributed
        except ImportError as error:
            raise MissingExtraError("--cluster needs Dask, which is not installed: pip install "
                                    "'humanav[cluster]'.") from error
        self.address, self.most = address, most
        logging.getLogger("distributed.client").setLevel(logging.CRITICAL)  # a lost connection is told in a sentence
        try:
            self._client: Any = distributed.Client(address, timeout=_CONNECT, set_as_default=False)
        except (OSError, TimeoutError, ValueError) as error:
            raise InputError(f"The cluster at {address} cannot be reached: start its scheduler (dask scheduler), and "
                             "give the address that it prints, such as tcp://192.168.0.10:8786.") from error
        self._running: dict[Any, Task] = {}
        self._ended: queue.SimpleQueue[Any] = queue.SimpleQueue()
        self._counted, self._workers, self._worked = 0.0, 0, time.monotonic()
        try:
            self._client.wait_for_workers(1, timeout=_FIRST_WORKER)
        except (OSError, TimeoutError) as error:
            self.close()
            raise InputError(f"The cluster at {address} has no workers: start some with "
                             f"dask worker {address} --nworkers 4 --nthreads 1.") from error
        try:
            self._check(out)
        except BaseException:
            self.close()
            raise

    @property
    def words(self) -> str:
        """What does the work."""
        count = self._count()
        return f"{count} {'worker' if count == 1 else 'workers'} of the cluster at {self.address}"

    @property
    def room(self) -> int:
        """How many more items may be handed over."""
        count = self._count()
        return (count if self.most is None else min(count, self.most)) - len(self._running)

    def submit(self, task: Task) -> None:
        """Hand over an item."""
        key = f"humanav-{task.name}-{uuid.uuid4().hex}"
        try:
            future = self._client.submit(work, task, pure=False, key=key)
        except Exception as error:
            self._look()
            raise HumanavError(f"The cluster took no work ({type(error).__name__}: {error})."[:300]) from error
        self._wait_for(future, task)

    def finished(self, seconds: float) -> list[tuple[Task, Outcome]]:
        """What has ended; waits at most so long for the first.

        Raises:
            HumanavError: the connection was lost, or for minutes there was no worker.
        """
        with contextlib.suppress(queue.Empty):
            self._ended.put(self._ended.get(timeout=seconds))
        self._look()
        found = []
        while not self._ended.empty():
            future = self._ended.get()
            task = self._running.pop(future)
            outcome = self._outcome(future, task)
            if outcome is None:
                self._wait_for(future, task)
            else:
                found.append((task, outcome))
        return found

    def _wait_for(self, future: Any, task: Task) -> None:
        self._running[future] = task
        future.add_done_callback(self._ended.put)

    def _outcome(self, future: Any, task: Task) -> Outcome | None:
        """What came of an item; None where the worker was lost before it had said it: another one will."""
        if future.status == "error":
            return Outcome(task.name, "failed", _why(future.exception()))
        if future.status == "cancelled":
            raise HumanavError(_LOST)
        if future.status != "finished":
            return None
        try:
            found: Outcome = future.result(timeout=_FETCH)
        except TimeoutError:
            return None
        return found

    def _look(self) -> None:
        """Raise HumanavError when there is nobody to wait for."""
        if self._client.status not in ("running", "connecting"):
            raise HumanavError(_LOST)
        if self._count():
            self._worked = time.monotonic()
        elif time.monotonic() - self._worked > _NO_WORKERS:
            raise HumanavError(f"The cluster at {self.address} has had no workers for {_NO_WORKERS / 60:.0f} minutes. "
                               "What is finished is kept: start workers, and the same command goes on from there.")

    def close(self) -> None:
        """Leave the cluster; what still waits there is taken back."""
        with contextlib.suppress(Exception):
            self._client.cancel(list(self._running), force=True)
        with contextlib.suppress(Exception):
            self._client.close(timeout=5)
        self._running.clear()

    def _count(self) -> int:
        """Worker processes; asked again every second, since workers come and go."""
        if time.monotonic() - self._counted > 1.0:
            with contextlib.suppress(OSError, TimeoutError):
                self._workers = len(self._client.nthreads())
            self._counted = time.monotonic()
        return self._workers

    def _check(self, out: Path) -> None:
        """Raise InputError unless every worker has this humanav and sees the folder."""
        mark = places.work(out) / f"mark-{uuid.uuid4().hex}"
        mark.touch()
        try:
            answers: dict[str, Any] = self._client.run(look, str(mark), on_error="return")
        finally:
            mark.unlink(missing_ok=True)
        for worker, answer in answers.items():
            if isinstance(answer, ImportError | AttributeError) or not isinstance(answer, tuple):
                raise InputError(f"The worker {worker} cannot run humanav ({answer}): install the same humanav there.")
            version, sees = answer
            if version != __version__:
                raise InputError(f"The worker {worker} has humanav {version}, this machine {__version__}: install the "
                                 "same on all.")
            if not sees:
                raise InputError(f"The worker {worker} does not see {out}: put inputs and results on a disk that all "
                                 "machines reach under the same path.")


def look(mark: str) -> tuple[str, bool]:
    """On a worker: which humanav this is, and whether it sees a file."""
    return __version__, Path(mark).is_file()


def work(task: Task) -> Outcome:
    """On a worker: :func:`humanav.batch.work.do` with the threads that the worker was given."""
    _share()
    return do(task)


_SHARED = threading.Event()


def _share() -> None:
    """Once a process: no more threads in the numerical libraries than the worker was started with."""
    if _SHARED.is_set():
        return
    from distributed import get_worker

    from humanav.batch.pool import use_threads

    use_threads(get_worker().state.nthreads)
    _SHARED.set()


def _why(error: BaseException | None) -> str:
    if type(error).__name__ == "KilledWorker":
        return ("Several workers were ended while they made this, most often because memory ran out: give the workers "
                "more of it.")
    return f"The cluster could not run it ({type(error).__name__}: {error})."[:300]
