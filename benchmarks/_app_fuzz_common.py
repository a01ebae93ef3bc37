"""What the fuzz cases are made of: the case itself, ways to damage bytes, and code that must never run."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

Make = Callable[[Path, random.Random], Any]
Read = Callable[[Any, Path], Any]
Wants = Literal["refuse", "read", "any"]

WORDS = (b"1e999", b"nan", b"-1", b"[]", b"{}", b"null", b'"x"', b"", b"99999999999999999999999", b"\xff\xfe", b"\0",
         b"\n", b",", b"-", b"0", b"[[[[", b"true", b"&a *a", b"!!python/object:os.system", b"\xf0\x9f\x98\x80")


@dataclass(frozen=True)
class Case:
    """One upload.

    Attributes:
        name: what it is, its own among all cases.
        make: writes it into an empty folder and returns what the entry is given.
        read: the entry: what a visitor's upload reaches, with a folder for its results.
        wants: "refuse": it must be refused; "read": it is right; "any": either, as long as it ends well.
    """

    name: str
    make: Make
    read: Read
    wants: Wants = "any"


class Runs:
    """Pickled, it leaves a mark where whoever loads it can be caught."""

    def __reduce__(self) -> tuple[Any, ...]:
        return exec, ("import tempfile, pathlib; pathlib.Path(tempfile.gettempdir(), 'pickled').touch()",)


def damaged(data: bytes, rng: random.Random) -> bytes:
    """Some bytes flipped, taken out, or exchanged for what parsers stumble over."""
    out = bytearray(data)
    for _ in range(rng.randint(1, 4)):
        way, at = rng.random(), rng.randrange(max(1, len(out)))
        if way < 0.35:
            out[at:at + 1] = bytes([rng.randrange(256)])
        elif way < 0.5:
            del out[at:at + rng.randrange(1, 60)]
        elif way < 0.6:
            del out[at:]
        elif way < 0.7:
            out[at:at] = out[(start := rng.randrange(max(1, len(out)))):start + 50]
        else:
            out[at:at + rng.randrange(12)] = rng.choice(WORDS)
    return bytes(out)


def written(name: str, data: bytes | str) -> Make:
    """Makes one file."""
    def make(folder: Path, rng: random.Random) -> Path:
        path = folder / name
        path.write_bytes(data.encode() if isinstance(data, str) else data)
        return path

    return make


def damages(title: str, name: str, whole: Callable[[], bytes], read: Read, count: int) -> Iterator[Case]:
    """A right file, damaged in ``count`` ways."""
    def make(folder: Path, rng: random.Random) -> Path:
        path = folder / name
        path.write_bytes(damaged(whole(), rng))
        return path

    yield from (Case(f"{title} damaged {number}", make, read) for number in range(count))


def cut(title: str, name: str, whole: Callable[[], bytes], read: Read, shares: tuple[float, ...]) -> Iterator[Case]:
    """A right file that breaks off after some shares of it."""
    def maker(share: float) -> Make:
        def make(folder: Path, rng: random.Random) -> Path:
            data = whole()
            (folder / name).write_bytes(data[:int(len(data) * share)])
            return folder / name

        return make

    yield from (Case(f"{title} cut at {share:.0%}", maker(share), read, "refuse" if share == 0 else "any")
                for share in shares)


def made(make: Callable[[Path], Any]) -> Make:
    """A maker that needs no random numbers."""
    return lambda folder, rng: make(folder)
