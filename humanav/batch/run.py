"""A job over a folder: finds the inputs, hands them to workers, tries again what may pass, and keeps the books."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Protocol

from humanav.batch import places
from humanav.batch.find import find_sources, folder_names
from humanav.batch.kinds import kind_of
from humanav.batch.options import read_options
from humanav.batch.page import write_page
from humanav.batch.state import Book, Item, names_before
from humanav.batch.value import Outcome, Task
from humanav.errors import Cancelled, HumanavError, InputError, StorageError
from humanav.results import storage_errors

RETRIES = 2
_TICK = 0.5  # seconds
_PATIENCE = 20.0  # seconds for workers to heed a stop


class Workers(Protocol):
    """Who does the work: :class:`humanav.batch.pool.Pool` or :class:`humanav.batch.cluster.Cluster`."""

    @property
    def words(self) -> str: ...
    @property
    def room(self) -> int: ...
    def submit(self, task: Task) -> None: ...
    def finished(self, seconds: float) -> list[tuple[Task, Outcome]]: ...
    def close(self) -> None: ...


@dataclass(frozen=True)
class BatchOptions:
    """How a batch is run.

    Attributes:
        job: avatar, track, uplift or denoise.
        options: of the job, as {name: value} or ``["name=value", ...]``.
        workers: processes on this machine, or items at a time on a cluster; None: as many as fit.
        cluster: address of a Dask scheduler; None for this machine alone.
        retries: how often an item is tried again after a failure that may pass (memory, a killed worker, an
            unexpected error); bad inputs are not.
        recursive: also look into folders below.
        limit: only the first so many inputs.

    Raises:
        InputError: a number is out of range.
    """

    job: str
    options: Mapping[str, Any] | Sequence[str] = ()
    workers: int | None = None
    cluster: str | None = None
    retries: int = RETRIES
    recursive: bool = False
    limit: int | None = None

    def __post_init__(self) -> None:
        if self.workers is not None and not 1 <= self.workers <= 1024:
            raise InputError(f"The number of workers is between 1 and 1024, not {self.workers}.")
        if not 0 <= self.retries <= 20:
            raise InputError(f"A batch tries again 0 to 20 times, not {self.retries}.")
        if self.limit is not None and self.limit < 1:
            raise InputError(f"The limit is at least 1 input, not {self.limit}.")


Listener = Callable[[Book, Item | None], None]
"""Called with the state at the start (None), and with each item that has ended or is tried again."""


def run_batch(
    folder: str | Path, batch: BatchOptions, *, out: str | Path, listener: Listener | None = None,
    workers: Workers | None = None,
) -> Book:
    """Run a job over the files of a folder.

    Each input becomes a result folder below ``out``. A result that is there for the same input, options and version
    is kept; one of another question is made anew; other things in its place are left alone, and the item fails.
    ``out/batch.json`` and ``out/index.html`` tell the state at any time.

    Args:
        folder: with the inputs.
        batch: what to do and how.
        out: the folder of the batch; made when absent.
        listener: told of the progress.
        workers: who does the work, instead of what ``batch`` says; closed at the end.

    Returns:
        The state at the end. Items that failed are no error of the batch; ``stopped`` says why it ended early.

    Raises:
        InputError: nothing to do, an option that is no good, ``out`` is another job's batch or one that is at work, or
            the cluster cannot be used.
        MissingExtraError: a cluster without dask.
        StorageError: ``out`` cannot be written.
        Cancelled: Ctrl-C. Everything that is finished is kept; the same call goes on.
    """
    folder, out = Path(folder).absolute(), Path(out).absolute()
    kind = kind_of(batch.job)
    options = read_options(kind, batch.options)
    found = find_sources(folder, kind, recursive=batch.recursive, without=out)
    sources, before = found.sources[: batch.limit], names_before(out, batch.job)
    names = folder_names(found.sources, before)
    book = Book(out, batch.job, options, folder.name, names=before | names, passed_over=found.passed_over)
    book.items = {names[source]: Item(names[source], source) for source in sources}
    with storage_errors(out):
        places.work(out).mkdir(parents=True, exist_ok=True)
    with _alone(out):
        places.stop_file(out).unlink(missing_ok=True)
        _Run(folder, book, batch.retries, listener or (lambda book, item: None)).with_workers(
            workers or _workers(batch, out, len(sources)))
    return book


def _workers(batch: BatchOptions, out: Path, items: int) -> Workers:
    if batch.cluster is not None:
        from humanav.batch.cluster import Cluster

        return Cluster(batch.cluster, out, batch.workers)
    from humanav.batch.pool import Pool, usual_workers

    return Pool(min(batch.workers or usual_workers(), items))


class _Run:
    """The loop of one call."""

    def __init__(self, folder: Path, book: Book, retries: int, listener: Listener) -> None:
        self.book, self.retries, self.listener = book, retries, listener
        now = time.time()
        self.waiting = deque(Task(item.name, book.job, str(folder / item.source), str(book.out), book.options,
                                  since=now) for item in book.items.values())
        self.running: dict[str, Task] = {}
        self.start = time.monotonic()
        self._next_page = 0.0

    def with_workers(self, workers: Workers) -> None:
        """Work until all is done, or until it must stop."""
        try:
            self.book.workers = workers.words
            self._write(whole=True)
            self.listener(self.book, None)
            self._loop(workers)
        except KeyboardInterrupt as error:
            self._stop(workers, "It was stopped.")
            raise Cancelled("Stopped. What is finished is kept, and the same command goes on from here.") from error
        except HumanavError as error:
            self.book.stopped = str(error)
            raise
        finally:
            workers.close()
            for name in list(self.running):
                self._set(replace(self.book.items[name], state="waiting"))
            self._write(whole=True)

    def _loop(self, workers: Workers) -> None:
        while self.waiting or self.running:
            while self.waiting and workers.room > 0:
                self._hand_over(workers, self.waiting.popleft())
            for task, outcome in workers.finished(_TICK):
                self._record(task, outcome)
                if outcome.end == "full":
                    self._stop(workers, outcome.sentence)
                    raise StorageError(f"{outcome.sentence} What is finished is kept; the same command goes on.")
            self._write()

    def _hand_over(self, workers: Workers, task: Task) -> None:
        self.running[task.name] = task  # first: Ctrl-C may come between the two
        item = self.book.items[task.name]
        self._set(replace(item, state="running", attempts=item.attempts + 1))
        workers.submit(task)

    def _record(self, task: Task, outcome: Outcome) -> None:
        del self.running[task.name]
        again = outcome.end == "again" and task.attempt <= self.retries
        item = self.book.items[task.name].after(outcome, final=not again)
        self._set(item)
        if again:
            self.waiting.append(task.again())  # at the end: whatever was in the way may have passed by then
        self.listener(self.book, item)

    def _stop(self, workers: Workers, why: str) -> None:
        """Ask all workers to stop, and take what they still finish."""
        self.book.stopped = why
        places.stop_file(self.book.out).touch()
        self.waiting.clear()
        deadline = time.monotonic() + _PATIENCE
        with suppress(HumanavError, KeyboardInterrupt):  # a second Ctrl-C does not wait
            while self.running and time.monotonic() < deadline:
                for task, outcome in workers.finished(_TICK):
                    self._record(task, replace(outcome, end="stopped") if outcome.end == "again" else outcome)

    def _set(self, item: Item) -> None:
        self.book.items[item.name] = item

    def _write(self, whole: bool = False) -> None:
        """The state and the report; seldom where they have become long."""
        now = time.monotonic()
        if not whole and now < self._next_page:
            return
        self.book.seconds = now - self.start
        with storage_errors(self.book.out):
            self.book.save()
            write_page(self.book)
        took = time.monotonic() - now
        self._next_page = time.monotonic() + max(1.0, 20 * took)


@contextmanager
def _alone(out: Path) -> Iterator[None]:
    """Hold the batch's own lock. Raises InputError when another call works on the same folder."""
    from filelock import FileLock, Timeout

    lock = FileLock(places.batch_lock(out))
    with storage_errors(out):
        try:
            lock.acquire(timeout=0)
        except Timeout as error:
            raise InputError(f"Another batch is at work in {out}: wait for it, or name another folder.") from error
    try:
        yield
    finally:
        lock.release()


def usual_out(folder: Path, job: str) -> Path:
    """The batch's folder where none is named: ``FOLDER_job`` beside it."""
    place = folder if folder.name not in ("", "..") else folder.resolve()
    return place.with_name(f"{place.name}_{job}")
