"""What a capture is given as: a folder, a zip, or several files; and what identifies it."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from humanav.errors import InputError
from humanav.jobs.multiview_options import MultiviewOptions
from humanav.results import MANIFEST

if TYPE_CHECKING:
    from humanav.multiview.capture import Capture

Source = str | Path | Sequence[str | Path]

WORK = ".work"
"""Ends the name of the folder beside a result in which what was found on the way is kept."""
_WHOLE, _PIECES = 1 << 20, 16  # bytes of a folder's file up to which all of it counts, and pieces of larger ones


def sources_of(source: Source) -> tuple[Path, ...]:
    """The source as paths that are there, in the order of their names. Raises InputError for one that is not."""
    paths = tuple(sorted((Path(part) for part in ([source] if isinstance(source, str | Path) else source)),
                         key=lambda path: path.name))
    if not paths:
        raise InputError("There is no capture yet: give a folder, a zip, or the videos of all cameras.")
    for path in paths:
        if not path.exists():
            raise InputError(f"There is no {path.name or path}: give a folder, a zip, or the videos of all cameras.")
    return paths


def source_key(source: Source, options: MultiviewOptions) -> str:
    """Hexadecimal digits that depend on every file of a source, and on the calibration and masks that were named.

    Contents count and times do not, so that a copy has the same digits. Of the large files of a folder sixteen pieces
    count; hidden ones, results and what is kept beside them do not, so that a result may lie in the capture's folder.

    Raises:
        InputError: the source is not there.
    """
    digest = hashlib.blake2b(digest_size=12)
    for path in (*sources_of(source), *(Path(p) for p in (options.calibration, options.masks) if p)):
        _feed(digest, path)
    return digest.hexdigest()


def read_capture(source: Source, options: MultiviewOptions, work: Path) -> Capture:
    """The capture of a source, checked.

    Args:
        source: a folder or zip with videos and, as a rule, a calibration; or such files one by one.
        options: where calibration and masks are, when they do not lie with the videos, and how to read them.
        work: folder in which a zip is unpacked and single files are laid together.

    Raises:
        InputError: nothing that can be used, one camera only, or what the capture's first problem says.
    """
    from humanav.multiview.capture import find_capture

    paths = sources_of(source)
    place: Any = paths[0] if len(paths) == 1 else list(paths)
    return find_capture(place, calibration=options.calibration, masks=options.masks, work=work / "capture",
                        up=options.up, unit=options.unit).check()


def _feed(digest: Any, path: Path) -> None:
    digest.update(f"{path.name or path.resolve().name};".encode())
    if path.is_file():
        _read(digest, path)
    for file in _files(path) if path.is_dir() else ():
        size = file.stat().st_size
        digest.update(f"{file.relative_to(path).as_posix()} {size};".encode())
        if size <= _WHOLE:
            _read(digest, file)
            continue
        length = _WHOLE // _PIECES
        with file.open("rb") as stream:
            for piece in range(_PIECES):
                stream.seek(piece * (size - length) // (_PIECES - 1))
                digest.update(stream.read(length))


def _files(folder: Path) -> Iterator[Path]:
    """The files of a folder and of those in it, in the order of their names, without ours."""
    home = folder.resolve()
    for item in sorted(folder.iterdir(), key=lambda item: item.name):
        if item.name.startswith(".") or (item.is_symlink() and item.resolve() in (home, *home.parents)):
            continue
        if item.is_file():
            yield item
        elif item.is_dir() and not item.name.endswith(WORK) and not (item / MANIFEST).is_file():
            yield from _files(item)


def _read(digest: Any, file: Path) -> None:
    with file.open("rb") as stream:
        while block := stream.read(1 << 20):
            digest.update(block)
