"""Arrays in npz files from strangers: numbers and words only, within a size."""

from __future__ import annotations

import zipfile
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from humanav.errors import InputError

MAX_BYTES = 2**30
"""Files that unpack to more are refused."""


def load_arrays(path: Path, *keys: str) -> dict[str, NDArray[Any]]:
    """Arrays of an npz file; those of objects, and those that are not there, are left out.

    Raises:
        InputError: the file is missing, damaged or too large, or lacks one of ``keys``.
    """
    name = f"{path.parent.name}/{path.name}"
    found: dict[str, NDArray[Any]] = {}
    try:
        with zipfile.ZipFile(path) as archive:
            size = sum(info.file_size for info in archive.infolist())
        if size > MAX_BYTES:
            raise InputError(f"{name} unpacks to {size / 1e9:.1f} GB, which no data set's file does: it is refused.")
        with np.load(path, allow_pickle=False) as data:
            for key in data.files:
                try:
                    found[key] = np.asarray(data[key])
                except ValueError:  # an array of objects
                    continue
    except InputError:
        raise
    except Exception as error:  # zip, zlib and numpy's header reader raise a dozen kinds, MemoryError among them
        raise InputError(f"{name} is missing or damaged: check the file.") from error
    missing = [key for key in keys if key not in found]
    if missing:
        raise InputError(f"{name} has no {' and no '.join(missing)}: it is damaged, holds objects instead of numbers, "
                         "or is another file; get it again.")
    return found
