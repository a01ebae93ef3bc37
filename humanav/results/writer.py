"""A :class:`ResultWriter` fills the folder of a result and publishes it whole."""

from __future__ import annotations

import ctypes
import errno
import json
import os
import shutil
import sys
import tempfile
import time
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Any

from humanav.errors import StorageError
from humanav.progress import Progress
from humanav.results.origin import Origin
from humanav.results.result import FORMAT, MANIFEST, Result, ResultFile, read_manifest

_TRIES = 5
_LITTER = {".DS_Store", "Thumbs.db", "desktop.ini"}
"""What systems leave in folders that people look at."""


@dataclass
class ResultWriter:
    """Fills a result folder; used as a context manager that publishes the folder when the block ends without an error.

    Args:
        target: the folder to make. An earlier result there is replaced; a folder with other things in it is refused.
        kind, id, inputs: see :class:`Result`.

    Raises:
        StorageError: when the disk is full, read-only, or ``target`` holds something else.
    """

    target: Path
    kind: str
    id: str
    inputs: dict[str, Any]
    report: dict[str, Any] = field(default_factory=dict)
    files: list[ResultFile] = field(default_factory=list)
    origin: Origin = field(default_factory=Origin)
    folder: Path = field(init=False)

    def __enter__(self) -> ResultWriter:
        self.target = Path(self.target)
        if self.target.exists() and not is_replaceable(self.target):
            raise StorageError(f"{self.target} holds other files: name a new or an empty folder.")
        with storage_errors(self.target):
            self.target.parent.mkdir(parents=True, exist_ok=True)
            self.folder = Path(tempfile.mkdtemp(prefix=f".{self.target.name}-", dir=self.target.parent))
            self.folder.chmod(0o755)
        return self

    def add(self, name: str, purpose: str, opens_in: str = "", *, preview: bool = False) -> Path:
        """Name a file of the result and return the path to write it to (now, before the block ends)."""
        self.files = [file for file in self.files if file.name != name]
        self.files.append(ResultFile(name, purpose, opens_in, preview=preview))
        return self.folder / name

    def tell(
        self, progress: Progress | None = None, *, settings: Any = None, sources: Mapping[str, Any] | None = None,
        parts: Iterable[str] = (),
    ) -> None:
        """Say what the result comes from; can be said in several steps.

        Args:
            progress: whose stages are timed.
            settings: the options of the job: a dataclass or a mapping.
            sources: the inputs by name: files, folders, arrays, names of built-in motions, Motions, or results, whose
                licences then hold for this one too. None is left out.
            parts: names in :data:`humanav.results.licences.LICENCES` of what is used.
        """
        self.origin.tell(progress, settings, sources or {}, parts)

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        try:
            if error is None:
                with storage_errors(self.target):
                    self._publish()
        finally:
            shutil.rmtree(self.folder, ignore_errors=True)
        if isinstance(error, OSError) and (sentence := _sentence(error, self.target)):
            raise StorageError(sentence) from error

    @property
    def result(self) -> Result:
        """The published result; to be asked after the block."""
        return Result.load(self.target)

    def _publish(self) -> None:
        files = [asdict(file) | {"size": (self.folder / file.name).stat().st_size} for file in self.files]
        manifest = {"format": FORMAT, "id": self.id, "kind": self.kind, "inputs": self.inputs, "files": files,
                    "created": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()), "report": self.report,
                    **self.origin.to_dict()}
        (self.folder / MANIFEST).write_text(json.dumps(manifest, indent=1, allow_nan=False), encoding="utf-8")
        for _ in range(_TRIES):  # another process may publish the same result at the same time
            try:
                os.replace(self.folder, self.target)
                return
            except OSError as error:
                if error.errno not in (errno.ENOTEMPTY, errno.EEXIST, errno.EACCES) or not self.target.is_dir():
                    raise
            if _exchanged(self.folder, self.target):
                return
            old = Path(tempfile.mkdtemp(prefix=f".{self.target.name}-old-", dir=self.target.parent))
            with suppress(FileNotFoundError):
                os.replace(self.target, old)  # onto an empty folder: a rename, so readers keep whole files
            shutil.rmtree(old, ignore_errors=True)
        os.replace(self.folder, self.target)


def is_replaceable(folder: Path) -> bool:
    """Whether a result may take the place of a folder: it is empty, or has the files of an earlier result alone."""
    if not folder.is_dir():
        return False
    there = {path.name for path in folder.iterdir()} - _LITTER
    if not there:
        return True
    try:
        ours = {str(file["name"]) for file in read_manifest(folder)[0]["files"]} | {MANIFEST}
    except (OSError, ValueError, KeyError, TypeError, AttributeError, OverflowError, RecursionError):
        return False
    return there <= ours


def _exchanged(one: Path, other: Path) -> bool:
    """Let two folders change places at once, so that no reader ever finds none; False where the system cannot."""
    if sys.platform != "linux":
        return False
    try:
        rename = ctypes.CDLL(None, use_errno=True).renameat2
    except (OSError, AttributeError):
        return False
    here, exchange = -100, 2  # AT_FDCWD, RENAME_EXCHANGE
    return bool(rename(here, os.fsencode(one), here, os.fsencode(other), exchange) == 0)


@contextmanager
def storage_errors(place: Path) -> Iterator[None]:
    """Turn the operating system's write errors into a StorageError about ``place``."""
    try:
        yield
    except OSError as error:
        sentence = _sentence(error, place)
        if sentence is None:
            raise
        raise StorageError(sentence) from error


def _sentence(error: OSError, place: Path) -> str | None:
    """What a visitor can do about it; None where that is not known."""
    reasons = {
        errno.ENOSPC: f"The disk is full: free some space, or write to another disk than that of {place}.",
        errno.EDQUOT: f"The disk quota is used up: free some space, or write elsewhere than {place}.",
        errno.EROFS: f"{place} lies on a read-only disk: name a folder that can be written.",
        errno.EACCES: f"{place} may not be written: name a folder of your own.",
        errno.EPERM: f"{place} may not be written: name a folder of your own.",
        errno.ENOTDIR: f"{place} cannot be a folder: a file of that name is in the way.",
        errno.EEXIST: f"{place} cannot be a folder: a file of that name is in the way.",
        errno.ENAMETOOLONG: f"The name {place.name[:40]}... is too long for this disk: choose a shorter one.",
    }
    return reasons.get(error.errno or 0)
