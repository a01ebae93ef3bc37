"""Read text files of unknown encoding and line ends."""

from __future__ import annotations

import codecs
from pathlib import Path

import numpy as np

from humanav.errors import MotionFileError

MAX_BYTES = 400_000_000
MAX_FRAMES = 200_000

_MARKS = ((codecs.BOM_UTF8, "utf-8-sig"), (codecs.BOM_UTF32_LE, "utf-32"), (codecs.BOM_UTF32_BE, "utf-32"),
          (codecs.BOM_UTF16_LE, "utf-16"), (codecs.BOM_UTF16_BE, "utf-16"))


def read_text(path: str | Path) -> str:
    """The file's text: UTF-8, UTF-16 or UTF-32 by its mark, else UTF-8 with foreign bytes replaced.

    Raises:
        MotionFileError: the file cannot be opened, is empty or larger than 400 MB.
    """
    file = Path(path)
    try:
        size = file.stat().st_size
        if size > MAX_BYTES:
            raise MotionFileError(f"{file.name} is too large ({size / 1e6:.0f} MB); cut the motion first.")
        data = file.read_bytes()
    except OSError as error:
        raise MotionFileError(f"The file {file.name} cannot be opened: {error.strerror or error}.") from error
    if not data.strip():
        raise MotionFileError(f"The file {file.name} is empty: choose another, or write it again.")
    return decode(data)


def require_plain(text: str, most: int = 1_000_000, deepest: int = 60) -> None:
    """Raise ValueError for a text that YAML's reader would take for ever to read: longer than ``most`` characters, or
    with lists in lists, deeper than ``deepest``."""
    depth = np.cumsum([1 if c in "[{" else -1 for c in text[:most] if c in "[]{}"]) if any(c in text for c in "[{") \
        else np.zeros(1)
    if len(text) > most or depth.max(initial=0) > deepest or f"{'- ' * deepest}" in text or " " * 1000 in text:
        raise ValueError("too long, or too deep")


def decode(data: bytes) -> str:
    """Bytes as text: see :func:`read_text`."""
    encoding = next((name for mark, name in _MARKS if data.startswith(mark)), None)
    if encoding is None and b"\0" in data[:64]:  # UTF-16 without a mark: text of numbers has every other byte zero
        encoding = "utf-16-le" if data[1:2] == b"\0" else "utf-16-be"
    return data.decode(encoding or "utf-8", errors="replace").lstrip("\ufeff")
