"""What a mirror has still to do: a folder with one small file for each entry that is to be stored or deleted there.

A mark is named as its entry and says what is to be stored; that of a deleted one ends in ``.gone`` and says whose it
was. Marks are made while the store is locked, so that none is lost between two processes, or in a crash.
"""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from humanav.store.files import write_whole
from humanav.store.record import is_id

_FILES, _RECORD, _GONE = "files", "record", ".gone"


@dataclass(frozen=True)
class Mark:
    """One entry that is to be stored or deleted.

    Attributes:
        name: of the mark.
        id: of the entry.
        owner: of a deleted entry; None of one that is to be stored.
        files: whether its files are to be stored, beside its record.
        stamp: another one after the entry was marked again.
    """

    name: str
    id: str
    owner: str | None
    files: bool
    stamp: tuple[int, int]


class Marks:
    """The marks in a folder, which is made where it is absent."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        folder.mkdir(mode=0o700, exist_ok=True)

    def keep(self, id: str, *, files: bool) -> None:
        """An entry is to be stored; without ``files`` its record only, unless its files are waiting already."""
        with suppress(FileNotFoundError):
            files = files or (self._folder / id).read_text() == _FILES
        write_whole(self._folder / id, _FILES if files else _RECORD)
        (self._folder / f"{id}{_GONE}").unlink(missing_ok=True)

    def erase(self, id: str, owner: str) -> None:
        """An entry is to be deleted."""
        write_whole(self._folder / f"{id}{_GONE}", owner)
        (self._folder / id).unlink(missing_ok=True)

    def has(self, id: str) -> bool:
        """Whether an entry is to be stored."""
        return (self._folder / id).exists()

    def is_gone(self, id: str) -> bool:
        """Whether an entry is to be deleted."""
        return (self._folder / f"{id}{_GONE}").exists()

    def count(self) -> int:
        """How many there are."""
        return len(self._names())

    def all(self) -> list[Mark]:
        """All of them, in the order of their names."""
        found = []
        for name in self._names():
            with suppress(FileNotFoundError):  # another process was faster
                stamp, words = self._stamp(name), (self._folder / name).read_text()
                gone = name.endswith(_GONE)
                found.append(Mark(name, name.removesuffix(_GONE), words if gone else None, words == _FILES, stamp))
        return found

    def clear(self, mark: Mark) -> bool:
        """What a mark asked for is done. False where the entry was marked again since, or another was faster."""
        with suppress(FileNotFoundError):
            if self._stamp(mark.name) == mark.stamp:
                (self._folder / mark.name).unlink()
                return True
        return False

    def _names(self) -> list[str]:
        return sorted(path.name for path in self._folder.iterdir() if is_id(path.name.removesuffix(_GONE)))

    def _stamp(self, name: str) -> tuple[int, int]:
        stat = (self._folder / name).stat()
        return stat.st_ino, stat.st_mtime_ns  # a clock's tick may be longer than the time between two marks
