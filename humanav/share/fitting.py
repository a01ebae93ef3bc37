"""Parts of a page into the bytes that there are: the largest is made smaller first, what is least needed left out."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from humanav.errors import InputError
from humanav.share.value import Part


@dataclass
class _Shrinking:
    """A part on its way: what it was before, each smaller than the one before it, with what is said of it."""

    steps: list[tuple[Part, str]]
    ways: list[int] = field(default_factory=list)

    @property
    def now(self) -> Part:
        return self.steps[-1][0]

    def shrink(self) -> None:
        """Go the next way; where it has nothing to take away, nothing happens."""
        part = self.now
        smaller = part.ways[self.ways.pop(0)](part.data)
        if smaller is not None and len(smaller[0]) < len(part.data):
            self.steps.append((replace(part, data=smaller[0]), smaller[1]))


def fit(parts: Sequence[Part], room: int) -> tuple[list[Part], list[str], list[str]]:
    """The parts, made so small that together they take at most ``room`` bytes of the page; sentences on what they lack,
    and on what is gone altogether.

    Raises:
        InputError: what a page cannot do without is still too large.
    """
    kept = {part.key: _Shrinking([(part, "")], list(range(len(part.ways)))) for part in parts}
    gone: list[str] = []
    while (total := _total(kept)) > room:
        largest = max((one for one in kept.values() if one.ways or one.now.words), key=lambda one: one.now.size,
                      default=None)
        if largest is None:
            raise InputError(f"What this page shows takes {total / 1e6:.1f} MB at least, and there is room for "
                             f"{max(room, 0) / 1e6:.1f} MB: allow more bytes, or share a shorter part.")
        if largest.ways:
            largest.shrink()
        else:
            least = max((one.now for one in kept.values() if one.now.words and not one.ways),
                        key=lambda part: (part.rank, part.size))
            gone.append(f"{least.words[0].upper()}{least.words[1:]} left out.")
            del kept[least.key]
    _give_back(kept, room)
    said = [one.steps[-1][1] for one in kept.values() if one.steps[-1][1]]
    return _embedded(kept), list(dict.fromkeys(said)), list(dict.fromkeys(gone))


def _give_back(kept: dict[str, _Shrinking], room: int) -> None:
    """Undo what was not needed in the end, the most important part first."""
    for one in sorted(kept.values(), key=lambda one: one.now.rank):
        spare = room - _total(kept) + one.now.size
        while len(one.steps) > 1 and one.steps[-2][0].size <= spare:
            one.steps.pop()


def _total(kept: dict[str, _Shrinking]) -> int:
    return sum(part.size for part in _embedded(kept))


def _embedded(kept: dict[str, _Shrinking]) -> list[Part]:
    """What goes into the page: all but scripts that nothing needs."""
    played = {one.now.mime for one in kept.values()}
    return [one.now for one in kept.values() if not one.now.serves or one.now.serves in played]
