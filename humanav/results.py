"""A :class:`Result` is what a job leaves behind: a folder with a manifest, complete or not there at all.

The folder is filled under a temporary name beside its final place and renamed at the end, so that a reader never sees
half of one. Its id is a hash of the inputs and options: the same question has the same id.
"""

from __future__ import annotations

import errno
import hashlib
import json
import os
import shutil
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from functools import lru_cache
from pathlib import Path
from types import TracebackType
from typing import Any

import numpy as np

from humanav.errors import InputError, StorageError
from humanav.paths import checkpoint

MANIFEST = "manifest.json"
FORMAT = 1


@dataclass(frozen=True)
class ResultFile:
    """One file of a result.

    Attributes:
        name: file name inside the folder.
        purpose: what it is, in a few words.
        opens_in: programs that open it, in words, or "".
        size: bytes.
        preview: whether it is evidence or a preview rather than something to take away.
    """

    name: str
    purpose: str
    opens_in: str = ""
    size: int = 0
    preview: bool = False


@dataclass(frozen=True)
class Result:
    """A finished job's folder.

    Attributes:
        folder: where it lies.
        id: 16 hexadecimal digits, the hash of kind, inputs and options.
        kind: the job, such as ``"avatar"``.
        created: UTC time, ISO 8601.
        inputs: names and options of the inputs (plain JSON values).
        files: the files, in the order in which they were added.
        report: numbers and sentences about the result (plain JSON values).
    """

    folder: Path
    id: str
    kind: str
    created: str
    inputs: dict[str, Any]
    files: tuple[ResultFile, ...]
    report: dict[str, Any]

    def path(self, name: str) -> Path:
        """Path of the file ``name``. Raises InputError when the result has none of that name."""
        if all(file.name != name for file in self.files):
            names = ", ".join(file.name for file in self.files)
            raise InputError(f"The result {self.id} has no file {name}; it has {names}.")
        return self.folder / name

    def has(self, name: str) -> bool:
        """Whether the result lists the file ``name``."""
        return any(file.name == name for file in self.files)

    @property
    def downloads(self) -> tuple[ResultFile, ...]:
        """The files to take away: everything that is no preview."""
        return tuple(file for file in self.files if not file.preview)

    @classmethod
    def load(cls, folder: str | Path) -> Result:
        """Read a result folder.

        Raises:
            InputError: when the folder is no result, is of a newer format, or lacks a file its manifest names.
        """
        folder = Path(folder)
        try:
            data = json.loads((folder / MANIFEST).read_text())
            files = tuple(ResultFile(**file) for file in data["files"])
            result = cls(folder, data["id"], data["kind"], data["created"], data["inputs"], files, data["report"])
            version = int(data["format"])
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise InputError(f"{folder.name} is not a result folder: its {MANIFEST} is missing or damaged.") from error
        if version > FORMAT:
            raise InputError(f"{folder.name} was written by a newer version of humanav: update to read it.")
        missing = [file.name for file in files if not (folder / file.name).is_file()]
        if missing:
            raise InputError(f"The result {folder.name} is incomplete: {', '.join(missing)} is missing.")
        return result


def content_id(kind: str, *parts: Any) -> str:
    """16 hexadecimal digits that depend on every part: bytes, arrays, dataclasses, and plain JSON values."""
    digest = hashlib.blake2b(kind.encode(), digest_size=8)
    for part in parts:
        _feed(digest, part)
    return digest.hexdigest()


@lru_cache
def weights_id(*checkpoints: str) -> str:
    """The id of the shipped weights of these names, so that results made with other weights have other ids."""
    files = [path for name in checkpoints for path in sorted(checkpoint(name).glob("*.safetensors"))]
    return content_id("weights", *(path.read_bytes() for path in files))


def _feed(digest: Any, part: Any) -> None:
    if isinstance(part, bytes):
        digest.update(b"b%d:" % len(part) + part)
    elif isinstance(part, np.ndarray):
        digest.update(f"a{part.dtype.str}{part.shape}".encode() + np.ascontiguousarray(part).tobytes())
    elif isinstance(part, Mapping):
        for key in sorted(part):
            digest.update(f"k{key}".encode())
            _feed(digest, part[key])
    elif isinstance(part, (list, tuple)):
        digest.update(f"l{len(part)}".encode())
        for item in part:
            _feed(digest, item)
    elif hasattr(part, "__dataclass_fields__"):
        _feed(digest, {name: getattr(part, name) for name in part.__dataclass_fields__})
    else:
        digest.update(f"v{json.dumps(part, default=str)};".encode())


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
    folder: Path = field(init=False)

    def __enter__(self) -> ResultWriter:
        self.target = Path(self.target)
        if self.target.exists() and not self._replaceable():
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

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        try:
            if error is None:
                with storage_errors(self.target):
                    self._publish()
        finally:
            shutil.rmtree(self.folder, ignore_errors=True)
        if isinstance(error, OSError):
            raise _storage_error(error, self.target) from error

    @property
    def result(self) -> Result:
        """The published result; to be asked after the block."""
        return Result.load(self.target)

    def _replaceable(self) -> bool:
        return self.target.is_dir() and ((self.target / MANIFEST).is_file() or not any(self.target.iterdir()))

    def _publish(self) -> None:
        files = [asdict(file) | {"size": (self.folder / file.name).stat().st_size} for file in self.files]
        manifest = {"format": FORMAT, "id": self.id, "kind": self.kind, "inputs": self.inputs, "files": files,
                    "created": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()), "report": self.report}
        (self.folder / MANIFEST).write_text(json.dumps(manifest, indent=1, allow_nan=False))
        if self.target.exists():
            old = Path(tempfile.mkdtemp(prefix=f".{self.target.name}-old-", dir=self.target.parent))
            os.replace(self.target, old)  # onto an empty folder: a rename, so readers keep whole files
            os.replace(self.folder, self.target)
            shutil.rmtree(old, ignore_errors=True)
        else:
            os.replace(self.folder, self.target)


@contextmanager
def storage_errors(place: Path) -> Iterator[None]:
    """Turn the operating system's write errors into a StorageError about ``place``."""
    try:
        yield
    except OSError as error:
        raise _storage_error(error, place) from error


def _storage_error(error: OSError, place: Path) -> Exception:
    reasons = {
        errno.ENOSPC: f"The disk is full: free some space, or write to another disk than that of {place}.",
        errno.EDQUOT: f"The disk quota is used up: free some space, or write elsewhere than {place}.",
        errno.EROFS: f"{place} lies on a read-only disk: name a folder that can be written.",
        errno.EACCES: f"{place} may not be written: name a folder of your own.",
        errno.EPERM: f"{place} may not be written: name a folder of your own.",
        errno.ENOTDIR: f"{place} cannot be a folder: a file of that name is in the way.",
        errno.EEXIST: f"{place} cannot be a folder: a file of that name is in the way.",
    }
    sentence = reasons.get(error.errno or 0)
    return StorageError(sentence) if sentence else error
