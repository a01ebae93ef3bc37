"""What a batch knows of its items: ``OUT/batch.json``, replaced whole as results come."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

from humanav import __version__
from humanav.batch import places
from humanav.batch.value import Outcome, State
from humanav.errors import InputError

FORMAT = 1


@dataclass(frozen=True)
class Item:
    """One input and what came of it.

    Attributes:
        name: of its folder in the batch's.
        source: path of the input relative to the batch's input folder.
        state: waiting, running, done or failed.
        kept: whether this call found the result as an earlier one had made it.
        id, seconds, sentence, files, notes, worker: of the last outcome; see :class:`humanav.batch.value.Outcome`.
        attempts: how often it was handed to a worker in this call.
    """

    name: str
    source: str
    state: State = "waiting"
    kept: bool = False
    id: str = ""
    seconds: float = 0.0
    sentence: str = ""
    files: tuple[tuple[str, int, str], ...] = ()
    notes: tuple[str, ...] = ()
    worker: str = ""
    attempts: int = 0

    def after(self, outcome: Outcome, final: bool) -> Item:
        """The item after an attempt; ``final`` when there will be no other."""
        if outcome.end in ("done", "kept"):
            return replace(self, state="done", kept=outcome.end == "kept", id=outcome.id, seconds=outcome.seconds,
                           sentence=outcome.sentence, files=outcome.files, notes=outcome.notes, worker=outcome.worker)
        if outcome.end == "stopped":
            return replace(self, state="waiting")
        return replace(self, state="failed" if final else "waiting", sentence=outcome.sentence, id="", files=(),
                       notes=(), seconds=outcome.seconds, worker=outcome.worker)


@dataclass
class Book:
    """The state of a batch.

    Attributes:
        out: the batch's folder.
        job, options: what is made.
        folder: name of the folder of inputs.
        items: by name, in order.
        names: {source: name} of all inputs that the batch has ever met, so that names stay.
        passed_over: what of the folder is no input, and why.
        created, updated: seconds since 1970.
        seconds: this call has worked so long.
        workers: what does the work, in words.
        stopped: why the batch ended before its last item, or "".
    """

    out: Path
    job: str
    options: Mapping[str, Any]
    folder: str
    items: dict[str, Item] = field(default_factory=dict)
    names: dict[str, str] = field(default_factory=dict)
    passed_over: tuple[tuple[str, str], ...] = ()
    created: float = field(default_factory=time.time)
    updated: float = field(default_factory=time.time)
    seconds: float = 0.0
    workers: str = ""
    stopped: str = ""

    def count(self, state: State) -> int:
        """How many items are in a state."""
        return sum(item.state == state for item in self.items.values())

    @property
    def kept(self) -> int:
        """How many were there before this call."""
        return sum(item.kept for item in self.items.values())

    def save(self) -> Path:
        """Write ``batch.json``, whole."""
        self.updated = time.time()
        data = {"format": FORMAT, "version": __version__, "job": self.job, "options": dict(self.options),
                "folder": self.folder, "created": round(self.created, 2), "updated": round(self.updated, 2),
                "seconds": round(self.seconds, 2), "workers": self.workers, "stopped": self.stopped,
                "counts": {state: self.count(state) for state in ("waiting", "running", "done", "failed")},
                "passed_over": [list(part) for part in self.passed_over],
                "items": [asdict(item) for item in self.items.values()], "names": self.names}
        path, part = self.out / places.STATE, places.unfinished(self.out, places.STATE)
        part.write_text(json.dumps(data, indent=1, default=str), encoding="utf-8")
        os.replace(part, path)
        return path


def names_before(out: Path, job: str) -> dict[str, str]:
    """{source: name} of the batch that lies in ``out``; nothing where there is none.

    Raises:
        InputError: another job's batch lies there, one of a newer format, or a damaged ``batch.json``.
    """
    path = out / places.STATE
    try:
        data = json.loads(path.read_text(encoding="utf-8"))
        names = {str(source): str(name) for source, name in data["names"].items()}
        there, version = str(data["job"]), int(data["format"])
        if any(name.startswith(".") or set(name) & set("/\\:\0") for name in names.values()):
            raise ValueError("a name leads out of the folder")
    except (FileNotFoundError, NotADirectoryError):
        return {}
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise InputError(f"{path} is damaged: remove it, and the batch finds the finished results again.") from error
    if version > FORMAT:
        raise InputError(f"{out} was written by a newer version of humanav: update to go on with it.")
    if there != job:
        raise InputError(f"{out} holds a batch of {there}: name another folder with --out for {job}.")
    return names
