"""Where the app keeps results: a folder in the system's temporary directory, emptied of what is older than a day."""

from __future__ import annotations

import os
import shutil
import tempfile
import time
import uuid
from pathlib import Path

from humanav.errors import InputError, StorageError
from humanav.results import Result

KEEP_SECONDS = 24 * 3600.0


def root() -> Path:
    """The folder of all results of this user; made when absent."""
    user = os.getuid() if hasattr(os, "getuid") else 0
    folder = Path(tempfile.gettempdir()) / f"humanav-results-{user}"
    try:
        folder.mkdir(mode=0o700, exist_ok=True)
    except OSError as error:
        raise StorageError(f"Results cannot be kept in {folder}: make it writable, or set TMPDIR.") from error
    return folder


def result_folder(identity: str) -> Path:
    """The folder of the result with this id."""
    return root() / "".join(c if c.isalnum() or c in "-_" else "_" for c in identity)


def known_result(identity: str) -> Result | None:
    """The finished result of this id, or None."""
    try:
        return Result.load(result_folder(identity))
    except InputError:
        return None


def preview_path(suffix: str) -> Path:
    """A fresh file name for a preview."""
    folder = root() / "previews"
    folder.mkdir(exist_ok=True)
    return folder / f"{uuid.uuid4().hex}{suffix}"


def forget_old(keep_seconds: float = KEEP_SECONDS) -> int:
    """Delete what is older than ``keep_seconds``; returns how many results and previews went."""
    limit, gone = time.time() - keep_seconds, 0
    for path in [*root().iterdir(), *(root() / "previews").glob("*")]:
        if path.name != "previews" and path.stat().st_mtime < limit:
            shutil.rmtree(path, ignore_errors=True) if path.is_dir() else path.unlink(missing_ok=True)
            gone += 1
    return gone
