"""How much room folders take. A file with several names, as a copy of a sample is, takes it once."""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path

Files = dict[tuple[int, int | str], int]
"""Bytes by file, however many names it has."""


def files_below(*places: Path) -> Files:
    """The files in folders and below; those that go away meanwhile do not count."""
    found: Files = {}
    for place in places:
        for folder, _, names in os.walk(place):
            for name in names:
                path = os.path.join(folder, name)
                with suppress(OSError):
                    stat = os.lstat(path)
                    found[stat.st_dev, stat.st_ino or path] = stat.st_size
    return found


def size_of(*places: Path) -> int:
    """Bytes of all files in folders and below."""
    return sum(files_below(*places).values())
