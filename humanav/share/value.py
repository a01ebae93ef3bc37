"""What a share page is made of: parts that are embedded once, and views that show them."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, field
from functools import cached_property

Smaller = tuple[bytes, str]
"""Fewer bytes, and the sentence that says what was left out of them."""
Way = Callable[[bytes], Smaller | None]
"""Makes a part's bytes smaller; None where it has nothing to take away."""


@dataclass(frozen=True)
class Cut:
    """The way that makes motions shorter: to the least when it must, and to any length that there is room for.

    Attributes:
        least: seconds.
        at: makes the way that keeps only the first so many seconds.
        length: seconds of the longest motion in a part's bytes.
    """

    least: float
    at: Callable[[float], Way]
    length: Callable[[bytes], float]

    def __call__(self, data: bytes) -> Smaller | None:
        return self.at(self.least)(data)


PREFIX = "humanav-part:"
"""Begins the address of a part in a view's page; the script puts the true one in its place."""


def address(key: str) -> str:
    """What a view's page writes where it means the part of this key."""
    return PREFIX + key


@dataclass(frozen=True)
class Part:
    """One embedded file.

    Attributes:
        key: its name in the page: letters, digits, dots, dashes.
        mime: its media type.
        data: the bytes.
        words: what it is, for the sentence that says it was left out; "" for what a page cannot do without.
        ways: how it is made smaller, the mildest first.
        rank: of two that can be left out the one of the higher rank goes first.
        serves: of a script, the media type of the parts that it plays; without any of them it is not embedded.
    """

    key: str
    mime: str
    data: bytes
    words: str = ""
    ways: tuple[Way, ...] = ()
    rank: int = 0
    serves: str = ""

    @cached_property
    def plain(self) -> bool:
        """Whether it stands in the page as the text that it is, rather than as base64."""
        return self.mime == "text/javascript" and not re.search(rb"<!--|</?script", self.data, re.IGNORECASE)

    @property
    def size(self) -> int:
        """Bytes in the page."""
        data = len(self.data) if self.plain else -(-len(self.data) // 3) * 4
        return data + len(self.key) + len(self.mime) + 80


@dataclass(frozen=True)
class View:
    """One way of looking at the result, a page of its own in a frame.

    Attributes:
        name: on its button.
        page: the frame's HTML, given the keys of the parts that there are; None where it needs one that is gone.
        hint: a line below it, plain text.
        below: HTML that belongs to it: curves, a gallery.
        legend: HTML right below it: whose colour is whose.
        tall: whether it sets its own height (players in step), instead of filling the room that there is.
    """

    name: str
    page: Callable[[Collection[str]], str | None]
    hint: str = ""
    below: str = ""
    legend: str = ""
    tall: bool = False


@dataclass(frozen=True)
class Wipe:
    """Two pictures of one shape on the two sides of a line that is moved: their keys, a title, a sentence."""

    before: str
    after: str
    title: str
    said: str


@dataclass
class Content:
    """Everything a page shows.

    Attributes:
        what: the kind of result in a few words, such as "An avatar from a photo".
        said: one honest sentence on how good it is, or "".
        parts, views: see there; the first view is shown first.
        notes: what is to be known, in sentences.
        facts: (name, value) in words.
        table: HTML of a table of numbers, or "".
        wipe: two pictures to compare, or None.
        pictures: (key, title, caption) of pictures of how it was made.
        poster: key of a picture for readers without scripts, or "".
        licences: sentences beside the page's own.
    """

    what: str
    said: str = ""
    parts: list[Part] = field(default_factory=list)
    views: list[View] = field(default_factory=list)
    notes: Sequence[str] = ()
    facts: list[tuple[str, str]] = field(default_factory=list)
    table: str = ""
    wipe: Wipe | None = None
    pictures: list[tuple[str, str, str]] = field(default_factory=list)
    poster: str = ""
    licences: list[str] = field(default_factory=list)

    def add(self, part: Part | None) -> str:
        """Embed a part; its key, or "" for none."""
        if part is None:
            return ""
        if all(other.key != part.key for other in self.parts):
            self.parts.append(part)
        return part.key
