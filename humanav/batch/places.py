"""The files with which a batch keeps its books, below ``OUT/.batch``; every item has its own, so nobody waits."""

from __future__ import annotations

import json
import os
import socket
import time
from pathlib import Path
from typing import Any

WORK = ".batch"
STATE, PAGE = "batch.json", "index.html"


def work(out: Path) -> Path:
    """The folder of the books."""
    return out / WORK


def batch_lock(out: Path) -> Path:
    """Held by the one call that works on a batch. No item's name begins with a dot, so none has this file."""
    return work(out) / ".lock"


def unfinished(out: Path, name: str) -> Path:
    """Where the state and the report are written, before they take their place at once."""
    return work(out) / f".{name}"


def stop_file(out: Path) -> Path:
    """While it is there, workers stop what they do."""
    return work(out) / "stop"


def lock_file(out: Path, name: str) -> Path:
    """Held by the one worker that works on an item; the system lets go of it when that worker ends, however."""
    return work(out) / f"{name}.lock"


def journal(out: Path, name: str) -> Path:
    """One line for each thing that happened to an item: begun, published, kept, failed, again, stopped."""
    return work(out) / f"{name}.jsonl"


def picture(out: Path, name: str) -> Path:
    """The small picture of an item's result for the report."""
    return work(out) / f"{name}.webp"


def trace(out: Path, name: str) -> Path:
    """Where an unexpected error came from."""
    return work(out) / f"{name}.error.txt"


def this_worker() -> str:
    """This machine and process."""
    return f"{socket.gethostname()} {os.getpid()}"


def note(out: Path, name: str, event: str, **values: Any) -> None:
    """Add a line to an item's journal; it is on the disk when this returns."""
    line = json.dumps({"event": event, "at": round(time.time(), 3), "worker": this_worker(), **values})
    with journal(out, name).open("a", encoding="utf-8") as stream:
        stream.write(line + "\n")
        stream.flush()
        os.fsync(stream.fileno())


def read_journal(out: Path, name: str) -> list[dict[str, Any]]:
    """The lines of an item's journal; a half written one, of a worker that was killed, is left out."""
    try:
        lines = journal(out, name).read_text(encoding="utf-8").splitlines()
    except FileNotFoundError:
        return []
    found = []
    for line in lines:
        try:
            found.append(json.loads(line))
        except ValueError:
            continue
    return found
