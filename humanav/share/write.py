"""A result as one HTML file to send to somebody."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from urllib.parse import urlsplit

from humanav.errors import InputError
from humanav.results import Result
from humanav.share.avatars import avatar_content, trained_content
from humanav.share.captured import capture_content
from humanav.share.fitting import fit
from humanav.share.motions import denoise_content, path_content, poses_content, uplift_content
from humanav.share.others import other_content
from humanav.share.page import Head, as_data, page
from humanav.share.tracked import track_content
from humanav.share.value import Content

MOST_BYTES = 12_000_000
"""A page of more bytes is refused by many mail servers and slow on phones."""
_KINDS: dict[str, Callable[[Result, bool], Content]] = {
    "avatar": avatar_content, "animation": avatar_content, "denoise": denoise_content, "path": path_content,
    "poses": poses_content, "uplift": uplift_content, "track": track_content, "capture": capture_content,
    "gaussian avatar": trained_content}
_MOST_TITLE = 160
_TOLD = ("The data used", "Copyright", "Commercial use", "Pictures and bodies")  # notices that go on with a result
_ROOM_OF_VIEW = 1000  # bytes of its button, its line and what is round it
_ROOM_OF_LACKS = 600  # and of the sentences on what is not on the page


def write_share_page(
    result: Result, path: str | Path, *, title: str | None = None, most_bytes: int = MOST_BYTES,
    link: str | None = None, pictures: bool = True,
) -> Path:
    """Write a page that shows a result anywhere, offline, on a phone or a desk: turn, play, scrub, choose a motion or
    a view, before and after, with date, licence and how good it is.

    What would make the page too large is made smaller or left out, and the page says so.

    Args:
        result: any job's.
        path: the file to write, such as ``share.html``.
        title: at the top; by default what kind of result it is.
        most_bytes: of the page.
        link: an address (http or https) at which the result can be found, shown at the end.
        pictures: with the photos, videos and pictures that went into it; False leaves them out, so that only the
            bodies are seen.

    Raises:
        InputError: the result lacks what a page is made of or is damaged, the link is no address, or the page cannot be
            made small enough.
        StorageError: the file cannot be written.
    """
    from humanav.export.files import whole_file

    text = share_page(result, title=title, most_bytes=most_bytes, link=link, pictures=pictures)
    with whole_file(path) as temporary:
        temporary.write_text(text, encoding="utf-8")
    return Path(path)


def share_page(
    result: Result, *, title: str | None = None, most_bytes: int = MOST_BYTES, link: str | None = None,
    pictures: bool = True,
) -> str:
    """The page of :func:`write_share_page` as text; arguments and errors as there, but nothing is written."""
    if link and not _is_address(link):
        raise InputError(f"The link {link[:60]!r} is no address of a page: it begins with http:// or https://.")
    make = _KINDS.get(result.kind, other_content)
    head = Head(" ".join((title or "").split())[:_MOST_TITLE], result.created, link or "")
    try:
        content = make(result, pictures)
        content.licences = _terms(result)
        return _fitted(content, head, most_bytes)  # what the views need of the report is asked for here
    except (KeyError, TypeError, ValueError, IndexError, AttributeError, ArithmeticError) as error:
        raise InputError(f"The result {result.folder.name} is damaged or of another version: make it again.") from error


def _is_address(link: str) -> bool:
    try:
        parts = urlsplit(link)
    except ValueError:  # such as http://[
        return False
    return parts.scheme in ("http", "https") and bool(parts.netloc)


def _terms(result: Result) -> list[str]:
    """Under which terms what the result rests on comes, in sentences; of older results the body alone is known."""
    told = [item.notice for item in result.licences if item.notice.startswith(_TOLD)]
    licences = [item for item in result.licences if item.licence != "yours"]
    if not licences:
        return ["The body is made from the MakeHuman community's data (CC0 1.0).", *told]
    named: dict[str, list[str]] = {}
    for item in licences:
        first, rest = item.part[:1], item.part[1:]
        plain = rest.split(" ")[0].islower()  # and no name such as MediaPipe
        named.setdefault(item.licence, []).append((first.lower() if plain else first) + rest)
    parts = "; ".join(f"{', '.join(parts)} ({licence})" for licence, parts in named.items())
    return [f"It rests on: {parts}.", *dict.fromkeys(told)]


def _fitted(content: Content, head: Head, most: int) -> str:
    """The page, its parts made so small that it fits."""
    whole = fit(content.parts, sum(part.size for part in content.parts))[0]
    if sum(len(part.data) for part in whole) <= most:
        text = page(content, whole, head, [])
        if text is not None and len(text.encode()) <= most:
            return text
    bare = page(replace(content, views=[]), [], head) or ""
    keys = {part.key for part in content.parts}
    views = sum(len(as_data(shown).encode()) + len((view.below + view.legend).encode()) + _ROOM_OF_VIEW
                for view in content.views if (shown := view.page(keys)) is not None)
    room = most - len(bare.encode()) - views - _ROOM_OF_LACKS
    for _ in range(4):
        parts, lacking, gone = fit(content.parts, room)
        text = page(content, parts, head, [*lacking, *gone])
        if text is None:
            raise InputError("This result is too large for a page: allow more bytes, or share a shorter part.")
        size = len(text.encode())
        if size <= most:
            return text
        room -= size - most + 1000
    raise InputError(f"This page cannot be made smaller than {size / 1e6:.1f} MB: allow more bytes, or share a shorter "
                     "part.")
