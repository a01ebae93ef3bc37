"""Files of a store: copies that take no room where the disk can do that, and deletions that nobody sees half done."""

from __future__ import annotations

import os
import shutil
import uuid
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path
from typing import Any

from humanav.results import MANIFEST, Result, storage_errors


def keep_inputs(value: Any, folder: Path, place: str) -> Any:
    """A value for a record: each path in it, also in a list, becomes a copy in a folder of its own.

    Args:
        value: a path, a list, or something else, which stays as it is.
        folder: of the entry's inputs.
        place: the value's own folder in there.

    Raises:
        OSError: the disk is full, or cannot be written.
    """
    if isinstance(value, list | tuple):
        return [keep_inputs(item, folder, f"{place}/{number}") for number, item in enumerate(value)]
    if not isinstance(value, Path):
        return value
    target = folder / place / value.name
    target.parent.mkdir(parents=True, exist_ok=True)
    if value.is_file() and value.absolute() != target:
        part = target.with_name(f".{uuid.uuid4().hex}")
        _link_or_copy(value, part)
        os.replace(part, target)
    return {"file": f"{place}/{value.name}"}


def copy_result(result: Result, target: Path) -> None:
    """Copy a result, whole or not at all; one that is there already stays.

    Raises:
        StorageError: the disk is full, or cannot be written.
    """
    part = target.with_name(f".{target.name}-{uuid.uuid4().hex[:8]}")
    try:
        with storage_errors(target.parent):
            part.mkdir()
            for name in (*(file.name for file in result.files), MANIFEST):
                _link_or_copy(result.folder / name, part / name)
        with suppress(OSError):  # another of the visitor's pages was first
            os.replace(part, target)
    finally:
        shutil.rmtree(part, ignore_errors=True)


def write_whole(path: Path, text: str) -> None:
    """Write a small file so that a reader finds the old one or the new one. Raises OSError."""
    part = path.with_name(f".{uuid.uuid4().hex}")
    try:
        part.write_text(text, encoding="utf-8")
        os.replace(part, path)
    finally:
        part.unlink(missing_ok=True)


def put_aside(places: Iterable[Path]) -> list[Path]:
    """Give files and folders names that nobody knows, at once, so that they can be deleted in peace; where they are."""
    aside = []
    for place in places:
        target = place.with_name(f".{uuid.uuid4().hex}")
        try:
            os.rename(place, target)
        except FileNotFoundError:
            continue
        except OSError:  # where what is open cannot be renamed
            target = place
        aside.append(target)
    return aside


def delete(places: Iterable[Path]) -> None:
    """Delete files and folders. What cannot be deleted is left to the next clean-up."""
    for place in places:
        if place.is_dir() and not place.is_symlink():
            shutil.rmtree(place, ignore_errors=True)
        else:
            with suppress(OSError):
                place.unlink()


def _link_or_copy(source: Path, target: Path) -> None:
    """A second name for a file, or a copy of it; results are replaced whole, never written into."""
    try:
        os.link(os.path.realpath(source), target)
    except OSError:
        shutil.copyfile(source, target)
