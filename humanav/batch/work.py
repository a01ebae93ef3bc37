"""What a worker does with one item: one worker at a time, one published result, every event written down.

An item's lock is held by the operating system for the process that works on it, and goes with that process, so a
killed worker blocks nobody. A result is published by one rename; whoever comes later finds it and makes it no more.
"""

from __future__ import annotations

import contextlib
import os
import re
import shutil
import threading
import time
import traceback
from collections.abc import Callable, Iterator
from pathlib import Path

from humanav.batch import places
from humanav.batch.kinds import kind_of
from humanav.batch.pictures import draw_picture
from humanav.batch.value import Outcome, Task
from humanav.errors import Cancelled, HumanavError, InputError, MissingExtraError, StorageError
from humanav.progress import Progress
from humanav.results import Result, is_replaceable

_ONE = threading.Lock()
"""One item at a time in a process, whatever its number of threads: the numerical libraries' own are shared."""
_TEMPORARY = r"\.{name}-(old-)?[a-z0-9_]{{8}}"


def do(task: Task, leader: int = 0) -> Outcome:
    """Make the result of one item, or find it made.

    Args:
        task: the item.
        leader: the process on this machine whose end stops the work; 0 for none.

    Returns:
        What came of it. Errors are outcomes too: nothing but the end of the process keeps one from coming.
    """
    out, start = Path(task.out), time.perf_counter()
    with _ONE:
        try:
            with _claimed(task, _stopped(out, leader)):
                return _do(task, out, _stopped(out, leader), start)
        except Cancelled:
            return Outcome(task.name, "stopped", worker=places.this_worker())
        except OSError as error:  # the books themselves cannot be written
            return Outcome(task.name, "full", f"{out} cannot be written ({error.strerror or error}): free some space, "
                           "or name another folder.", worker=places.this_worker())
        except Exception:  # a lock that this system does not have, say: the others go on
            return Outcome(task.name, "again", _unexpected(out, task.name), worker=places.this_worker())


def _do(task: Task, out: Path, stopped: Callable[[], bool], start: float) -> Outcome:
    kind, source, worker = kind_of(task.job), Path(task.source), places.this_worker()

    def ended(end: str, sentence: str = "") -> Outcome:
        seconds = round(time.perf_counter() - start, 2)
        places.note(out, task.name, {"full": "failed"}.get(end, end), sentence=sentence, seconds=seconds)
        return Outcome(task.name, end, sentence, seconds=seconds, worker=worker)  # type: ignore[arg-type]

    try:
        identity = kind.identity(source, task.options)
        there = _published(out / task.name, identity)
        if there is not None:
            last = (places.read_journal(out, task.name) or [{"event": ""}])[-1]
            if last["event"] not in ("published", "kept"):
                places.note(out, task.name, "kept", id=identity)
            # by a worker of this call that ended before it had said so
            new = last["event"] == "published" and last["at"] >= task.since
            return _good(task, out, there, "done" if new else "kept", float(there.report.get("seconds", 0.0)))
        _tidy(out, task.name)
        places.note(out, task.name, "begun", id=identity, attempt=task.attempt)
        result = kind.run(source, out / task.name, task.options, Progress(1, cancelled=stopped))
        seconds = round(time.perf_counter() - start, 2)
        places.note(out, task.name, "published", id=result.id, seconds=seconds)
        return _good(task, out, result, "done", seconds)
    except Cancelled:
        return ended("stopped")
    except (InputError, MissingExtraError) as error:
        return ended("failed", str(error))
    except StorageError as error:
        return ended("failed" if _foreign(out / task.name) else "full", str(error))
    except HumanavError as error:
        return ended("failed", str(error))
    except MemoryError:
        return ended("again", "There was not enough memory: use fewer workers, or smaller inputs.")
    except Exception as error:  # a defect of ours or of a library: told, and no reason to lose the others
        if isinstance(error, OSError) and not os.access(source, os.R_OK):
            return ended("failed", f"{source.name} may not be read: change who may." if os.path.lexists(source) else
                         f"{source.name} is no longer there.")
        return ended("again", _unexpected(out, task.name))


def _good(task: Task, out: Path, result: Result, end: str, seconds: float) -> Outcome:
    with contextlib.suppress(Exception):  # a report without one picture is still a report
        draw_picture(result, places.picture(out, task.name), again=end == "done")
    files = tuple((file.name, file.size, file.purpose) for file in result.downloads)
    notes = tuple(str(note) for note in result.report.get("warnings", ()))
    return Outcome(task.name, end, str(result.report.get("quality", "")), result.id, seconds,  # type: ignore[arg-type]
                   files, notes, places.this_worker())


def _published(folder: Path, identity: str) -> Result | None:
    """The result of the same question, where there is a whole one."""
    try:
        result = Result.load(folder)
    except InputError:
        return None
    return result if result.id == identity else None


def _foreign(folder: Path) -> bool:
    """Whether a folder of other things is in the way of the result."""
    return folder.exists() and not is_replaceable(folder)


def _unexpected(out: Path, name: str) -> str:
    text = traceback.format_exc()
    with contextlib.suppress(OSError):
        places.trace(out, name).write_text(text, encoding="utf-8")
    return (f"It stopped with an unexpected error ({text.strip().splitlines()[-1][:160]}); "
            f"{places.WORK}/{places.trace(out, name).name} says where.")


def _tidy(out: Path, name: str) -> None:
    """Remove what a killed worker left of this item: it is ours alone now."""
    pattern = re.compile(_TEMPORARY.format(name=re.escape(name)))
    for path in out.iterdir():
        if pattern.fullmatch(path.name) and path.is_dir():
            shutil.rmtree(path, ignore_errors=True)


@contextlib.contextmanager
def _claimed(task: Task, stopped: Callable[[], bool]) -> Iterator[None]:
    """Hold the item's lock; wait for it while another worker has it. Raises Cancelled when stopped meanwhile."""
    from filelock import FileLock, Timeout

    lock = FileLock(places.lock_file(Path(task.out), task.name))
    while True:
        if stopped():
            raise Cancelled("Stopped.")
        try:
            lock.acquire(timeout=0.5)
            break
        except Timeout:
            continue
    try:
        yield
    finally:
        lock.release()


def _stopped(out: Path, leader: int) -> Callable[[], bool]:
    """Says whether the batch was stopped; looks at most ten times a second."""
    last, answer = 0.0, False

    def ask() -> bool:
        nonlocal last, answer
        now = time.monotonic()
        if now - last > 0.1:
            last, answer = now, places.stop_file(out).exists() or bool(leader and os.getppid() != leader)
        return answer

    return ask
