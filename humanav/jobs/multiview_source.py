"""What a capture is given as: a folder, a zip, or several files; and what identifies it."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from humanav.errors import InputError
from humanav.jobs.multiview_options import MultiviewOptions

if TYPE_CHECKING:
    from humanav.multiview.capture import Capture

Source = str | Path | Sequence[str | Path]


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

    Files that were given are read; those of folders count by name, size and time.
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
    digest.update(f"{path.name};".encode())
    if path.is_dir():
        for file in sorted(file for file in path.rglob("*") if file.is_file() and not file.name.startswith(".")):
            stat = file.stat()
            digest.update(f"{file.relative_to(path)} {stat.st_size} {stat.st_mtime_ns};".encode())
    elif path.is_file():
        with path.open("rb") as stream:
            while block := stream.read(1 << 20):
                digest.update(block)
