"""Parts of a page into the bytes that there are: the largest is made smaller first, what is least needed left out, and
what was cut short made as long as there is room for."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from math import floor
from typing import NamedTuple

from humanav.errors import InputError
from humanav.share.value import Cut, Part, Way


class _Step(NamedTuple):
    """A part as one way made it: what is said of it, and the way."""

    part: Part
    said: str
    way: Way


@dataclass
class _Shrinking:
    """A part on its way: what it was, and each step, smaller than the one before it."""

    whole: Part
    ways: list[Way]
    steps: list[_Step] = field(default_factory=list)

    @property
    def now(self) -> Part:
        return self.steps[-1].part if self.steps else self.whole

    @property
    def said(self) -> dict[str, str]:
        """What it lacks; of sentences that differ by their numbers alone the last."""
        return {re.sub(r"\d[\d,]*", "", step.said): step.said for step in self.steps}

    @property
    def cut(self) -> bool:
        return _cuts([step.way for step in self.steps])

    def shrink(self) -> None:
        """Go the next way; where it has nothing to take away, nothing happens."""
        self.steps = _gone(self.whole, self.steps, [self.ways.pop(0)])

    def grow(self, spare: int) -> None:
        """Undo the last steps, and make a cut longer, as far as the part then takes at most ``spare`` bytes."""
        while self.steps and self._before(len(self.steps) - 1).size <= spare:
            self.steps.pop()
        at = max((k for k, step in enumerate(self.steps) if isinstance(step.way, Cut)), default=-1)
        if at < 0:
            return
        before, (cut, *later) = self.steps[:at], [step.way for step in self.steps[at:]]
        assert isinstance(cut, Cut)
        low, high, over = cut.least, cut.length(self._before(at).data), False
        uncut = _gone(self.whole, before, later)
        most = uncut[-1].part.size if uncut else self.whole.size
        if most <= spare:  # what was cut is not there any more: another motion
            self.steps = uncut
            self.grow(spare)
            return
        for _ in range(8):
            # between two known lengths each second takes about as much; where motions end in between, half is surer
            share = 0.5 if over else (spare - self.now.size) / max(most - self.now.size, 1)
            seconds = floor(low + min(share, 1.0) * (high - low))
            if seconds <= low:
                return
            steps = _gone(self.whole, before, [cut.at(seconds), *later])
            size = steps[-1].part.size if steps else self.whole.size
            over = size > spare and not over
            if size <= spare:
                low, self.steps = seconds, steps
            else:
                high, most = seconds, size

    def _before(self, step: int) -> Part:
        """What a step began with."""
        return self.steps[step - 1].part if step else self.whole


def _cuts(ways: Sequence[Way]) -> bool:
    return any(isinstance(way, Cut) for way in ways)


def _gone(whole: Part, steps: Sequence[_Step], ways: Sequence[Way]) -> list[_Step]:
    """The steps, and those of more ways."""
    steps = list(steps)
    for way in ways:
        part = steps[-1].part if steps else whole
        smaller = way(part.data)
        if smaller is not None and len(smaller[0]) < len(part.data):
            steps.append(_Step(replace(part, data=smaller[0]), smaller[1], way))
    return steps


def fit(parts: Sequence[Part], room: int) -> tuple[list[Part], list[str], list[str]]:
    """The parts, made so small that together they take at most ``room`` bytes of the page; sentences on what they lack,
    and on what is gone altogether.

    Raises:
        InputError: what a page cannot do without is still too large.
    """
    kept = {part.key: _Shrinking(part, list(part.ways)) for part in parts}
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
    first = min((one.whole.rank for one in kept.values() if one.cut), default=None)
    for one in kept.values():  # for a cut one to be made longer, less important ones are cut as well
        while first is not None and first < one.whole.rank and not one.cut and _cuts(one.ways):
            one.shrink()
    by_rank = sorted(kept.values(), key=lambda one: one.whole.rank)
    for one in by_rank:  # what was not needed in the end
        one.grow(room - _total(kept) + one.now.size)
    return _embedded(kept), _lacking(by_rank), list(dict.fromkeys(gone))


def _lacking(kept: Sequence[_Shrinking]) -> list[str]:
    """What the parts lack, the most important first; where another one lacks more or less than it, it is named."""
    told: dict[str, str] = {}
    others: list[str] = []
    for number, one in enumerate(kept):
        words = one.whole.words
        second = _cuts(one.whole.ways) and any(_cuts(other.whole.ways) for other in kept[:number])
        for kind, said in one.said.items():
            if told.get(kind) == said:
                continue
            if words and (second or kind in told):
                too = " too" if kind in told else ""
                others.append(f"{words} smaller{too}: {said[0].lower()}{said[1:]}")
            elif kind in told:
                others.append(said)
            else:
                told[kind] = said
    return list(dict.fromkeys([*told.values(), *others]))


def _total(kept: dict[str, _Shrinking]) -> int:
    return sum(part.size for part in _embedded(kept))


def _embedded(kept: dict[str, _Shrinking]) -> list[Part]:
    """What goes into the page: all but scripts that nothing needs."""
    played = {one.now.mime for one in kept.values()}
    return [one.now for one in kept.values() if not one.now.serves or one.now.serves in played]
