"""The HTML of a page to send: one file, no address outside it, every word from outside escaped."""

from __future__ import annotations

import base64
import html
import json
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from humanav import __version__
from humanav.paths import asset
from humanav.share.media import size_of
from humanav.share.value import Content, Part, View, Wipe

POLICY = ("default-src 'none'; script-src 'unsafe-inline' blob: data:; style-src 'unsafe-inline'; img-src data: blob:; "
          "media-src data: blob:; connect-src data: blob:; base-uri 'none'; form-action 'none'")
"""What the page and the views in it may load: nothing that is not in the file."""
BELONGS = ("What is shown here belongs to the people in it and to those who photographed or filmed them: ask them "
           "before you pass it on.")
PLAYERS = "The players on this page are part of humanav (Apache-2.0) and contain three.js (MIT)."
_MONTHS = ("January", "February", "March", "April", "May", "June", "July", "August", "September", "October", "November",
           "December")
_HALF = ('<svg viewBox="0 0 24 24" width="22" height="22" aria-hidden="true"><path d="M12 3a9 9 0 1 0 0 18a9 9 0 1 0 '
         '0-18zM12 3v18" fill="none" stroke="currentColor" stroke-width="2"/><path d="M12 3a9 9 0 0 1 0 18z" '
         'fill="currentColor"/></svg>')
_PICTURE = "image/"


@dataclass(frozen=True)
class Head:
    """What stands above and below. Attributes: title: or "" for the kind alone. created: ISO 8601. link: or ""."""

    title: str
    created: str
    link: str = ""


def page(content: Content, parts: Sequence[Part], head: Head, left_out: Sequence[str] = ()) -> str | None:
    """The whole page of the parts that there are; None when no view is left though there were some.

    Args:
        content: what is shown.
        parts: what is embedded, of ``content.parts``.
        head: title, date and link.
        left_out: sentences on what is not on the page.
    """
    have = {part.key: part for part in parts}
    built = [(view, shown) for view in content.views if (shown := view.page(have.keys())) is not None]
    if content.views and not built:
        return None
    views = [{"name": view.name, "page": shown, "tall": view.tall} for view, shown in built]
    name = head.title or content.what
    kind = f"{_text(content.what)} · " if head.title else ""
    body = (
        f'<header class="top"><div><h1 dir="auto">{_text(name)}</h1><p class="meta">{kind}'
        f'<time datetime="{_text(head.created)}">{date(head.created)}</time></p></div>'
        f'<button id="theme" type="button" aria-label="Dark page" aria-pressed="false" title="Light or dark" hidden>'
        f"{_HALF}</button></header><main>{_stage(content, [view for view, _ in built], have)}{_words(content, have)}"
        f"{_notes(content, left_out)}</main>{_footer(content, head)}")
    blocks = "".join(_block(part) for part in parts if not part.mime.startswith(_PICTURE))
    sheet, script = (asset("viewer", file).read_text(encoding="utf-8") for file in ("share.css", "share.js"))
    return (
        '<!doctype html><html lang="en"><head><meta charset="utf-8">'
        f'<meta http-equiv="Content-Security-Policy" content="{POLICY}"><title>{_text(name)}</title>'
        '<meta name="viewport" content="width=device-width, initial-scale=1"><meta name="robots" content="noindex">'
        f'<meta name="generator" content="humanav {__version__}"><link rel="icon" href="data:,"><style>{sheet}</style>'
        f'</head><body>{body}{blocks}<script type="application/json" id="views">{as_data(views)}</script>'
        f"<script>{script}</script></body></html>")


def as_data(value: Any) -> str:
    """JSON that can stand in a script."""
    return json.dumps(value, ensure_ascii=False).replace("<", "\\u003c")


def date(created: str) -> str:
    """A day in words: "29 November 2026"; what cannot be read as one stays as it is."""
    found = re.match(r"(\d{4})-(\d{2})-(\d{2})", created)
    if not found or not 1 <= int(found[2]) <= 12:
        return _text(created)
    return f"{int(found[3])} {_MONTHS[int(found[2]) - 1]} {found[1]}"


def _stage(content: Content, views: Sequence[View], have: dict[str, Part]) -> str:
    """The buttons of the views, the stage, how good the result is, and what belongs to each view."""
    said = f'<p class="said">{_text(content.said)}</p>' if content.said else ""
    if not views:
        return said
    tabs = "".join(
        f'<button type="button" role="tab" id="tab-{k}" aria-controls="stage" aria-selected='
        f'"{"false" if k else "true"}" tabindex="{-1 if k else 0}">{_text(view.name)}</button>'
        for k, view in enumerate(views))
    bar = f'<div id="tabs" class="views" role="tablist" aria-label="Ways to look at it">{tabs}</div>' \
        if len(views) > 1 else ""
    role = ' role="tabpanel"' if len(views) > 1 else ""
    still = f'<img alt="" src="{_inline(have["poster"])}"><br>' if "poster" in have else ""
    hints = _of_each(view.legend + (f'<p class="hint">{_text(view.hint)}</p>' if view.hint else "") for view in views)
    below = _of_each(_pictured(view.below, have) for view in views)
    quiet = f'<noscript><p class="still">{still}To see it move, open this file in a browser.</p></noscript>'
    return (f'{bar}<div id="stage" class="stage"{role}><p class="waiting" hidden>Getting ready ...</p>{quiet}</div>'
            f"{hints}{said}{below}")


def _of_each(pieces: Iterable[str]) -> str:
    """HTML for each view, of which that of the shown one is seen."""
    return "".join(f'<div data-of="{k}"{" hidden" if k else ""}>{piece}</div>'
                   for k, piece in enumerate(pieces) if piece)


def _words(content: Content, have: dict[str, Part]) -> str:
    """Facts, numbers and pictures."""
    out = ""
    if content.facts:
        rows = "".join(f"<div><dt>{_text(name)}</dt><dd>{_text(value)}</dd></div>" for name, value in content.facts)
        out += f'<dl class="facts">{rows}</dl>'
    if content.table:
        out += f'<div class="scroll">{content.table}</div>'
    if content.wipe and content.wipe.before in have and content.wipe.after in have:
        out += _wipe(content.wipe, have)
    figures = "".join(
        f'<figure{_wide(have[key])}><img loading="lazy" src="{_inline(have[key])}" alt="{_text(title)}"><figcaption><b>'
        f"{_text(title)}</b>{_text(caption)}</figcaption></figure>" for key, title, caption in content.pictures
        if key in have)
    return out + (f'<h2>How it was made</h2><div class="strip">{figures}</div>' if figures else "")


def _wipe(wipe: Wipe, have: dict[str, Part]) -> str:
    """Two pictures on the two sides of a line."""
    before, after = have[wipe.before], have[wipe.after]
    width, height = size_of(before)
    return (f'<h2>{_text(wipe.title)}</h2><p class="hint">{_text(wipe.said)}</p><div class="wipe" style="--at:50%;'
            f'--shape:{width / height:.3f}"><img src="{_inline(after)}" alt="After"><img class="over" '
            f'src="{_inline(before)}" alt="Before"><span>Before</span><span>After</span><input type="range" min="0" '
            'max="100" value="50" aria-label="Between before and after"></div>')


def _notes(content: Content, left_out: Sequence[str]) -> str:
    out = ""
    for heading, notes in (("Good to know", content.notes), ("Not on this page", left_out)):
        if notes:
            out += f'<h2>{heading}</h2><ul class="notes">{"".join(f"<li>{_text(str(n))}</li>" for n in notes)}</ul>'
    return out


def _footer(content: Content, head: Head) -> str:
    link = f' · <a href="{_text(head.link)}" rel="noopener noreferrer">{_text(head.link)}</a>' if head.link else ""
    three = asset("viewer", "LICENSE-three.txt").read_text(encoding="utf-8")
    lines = "".join(f"<p>{_text(line)}</p>" for line in [*content.licences, PLAYERS])
    return (f'<footer><p>{_text(BELONGS)}</p>{lines}<p>Made with <span class="name">human<b>av</b></span> '
            f"{__version__}{link}. This page is complete in itself: it works offline and sends nothing.</p>"
            f"<details><summary>Licence of three.js</summary><pre>{html.escape(three)}</pre></details></footer>")


def _block(part: Part) -> str:
    """A part as a block of data that the page's script reads."""
    names = f'type="text/plain" data-part="{part.key}" data-mime="{part.mime}"'
    if part.plain:
        return f'<script {names} data-text="true">{part.data.decode("utf-8")}</script>'
    return f"<script {names}>{base64.b64encode(part.data).decode()}</script>"


def _pictured(below: str, have: dict[str, Part]) -> str:
    """HTML whose ``<img data-part>`` show their parts; those that are gone leave."""
    def put(found: re.Match[str]) -> str:
        return f'<img src="{_inline(have[found[1]])}"' if found[1] in have else '<img hidden'

    return re.sub(r'<img data-part="([^"]*)"', put, below)


def _inline(part: Part) -> str:
    return f"data:{part.mime};base64,{base64.b64encode(part.data).decode()}"


def _wide(part: Part) -> str:
    width, height = size_of(part)
    return ' class="wide"' if width > 1.15 * height else ""


def _text(words: str) -> str:
    """Words from outside, fit for HTML: escaped, without control and direction characters."""
    return html.escape("".join(c for c in " ".join(str(words).split()) if c.isprintable()), quote=True)

