"""The report of a batch: ``OUT/index.html``, one file with its pictures inside as long as they are not very many, with
links to the results beside it."""

from __future__ import annotations

import base64
import os
import time
from functools import lru_cache
from html import escape
from pathlib import Path
from urllib.parse import quote

from humanav.batch import places
from humanav.batch.page_style import SCRIPT, STYLE
from humanav.batch.state import Book, Item

TITLES = {"avatar": "Avatars", "track": "Tracked clips", "uplift": "Lifted to 3D", "denoise": "Cleaned motions"}
_STATES = (("done", "Done"), ("failed", "Failed"), ("running", "At work"), ("waiting", "Waiting"))
_FIRST = 4  # files shown before the others are folded away
_MOST_INSIDE = 300
"""Items whose pictures are inside the page; of more they lie beside it, or no browser would open it any more."""


def write_page(book: Book) -> Path:
    """Write ``index.html`` of a batch, whole."""
    path, part = book.out / places.PAGE, places.unfinished(book.out, places.PAGE)
    part.write_text(page(book), encoding="utf-8", errors="replace")  # names of files can be any bytes
    os.replace(part, path)
    return path


def page(book: Book) -> str:
    """The report as HTML."""
    inside = len(book.items) <= _MOST_INSIDE
    title = f"{TITLES.get(book.job, book.job)} of {book.folder}"
    going = book.count("running") > 0 or (book.count("waiting") > 0 and not book.stopped)
    cards = "\n".join(_card(book.out, item, inside) for item in book.items.values())
    return _PAGE.format(
        title=escape(title), style=STYLE, script=SCRIPT, going="true" if going else "false",
        summary=escape(summary(book)), bar=_bar(book), tabs=_tabs(book), cards=cards, settings=_settings(book),
        stopped=f'<p class="stopped">{escape(book.stopped)}</p>' if book.stopped else "",
        passed=_passed(book), made=time.strftime("%d %B %Y, %H:%M", time.localtime(book.updated)))


def summary(book: Book) -> str:
    """One sentence with the totals."""
    total, done, failed = len(book.items), book.count("done"), book.count("failed")
    left = total - done - failed
    parts = [f"{done} of {total} done"]
    if book.kept:
        parts.append(f"{book.kept} of them were there before")
    if failed:
        parts.append(f"{failed} failed")
    if left:
        parts.append(f"{left} to go")
    return f"{', '.join(parts)}; {duration(book.seconds)} with {book.workers or 'no workers'}."


def duration(seconds: float) -> str:
    """Seconds in words."""
    if seconds < 90:
        return f"{seconds:.1f} s" if seconds < 10 else f"{seconds:.0f} s"
    minutes = seconds / 60
    return f"{minutes:.0f} min" if minutes < 90 else f"{minutes / 60:.1f} h"


def size(count: int) -> str:
    """Bytes in words."""
    return f"{count / 1e6:.1f} MB" if count >= 1e5 else f"{max(count / 1e3, 0.1):.1f} kB"


def _bar(book: Book) -> str:
    total = max(len(book.items), 1)
    return "".join(f'<i class="{state}" style="width:{100 * book.count(state) / total:.3f}%"></i>'  # type: ignore[arg-type]
                   for state, _ in _STATES if book.count(state))  # type: ignore[arg-type]


def _tabs(book: Book) -> str:
    counts = [("all", "All", len(book.items)),
              *((state, words, book.count(state)) for state, words in _STATES)]  # type: ignore[arg-type]
    return "".join(f'<button type="button" data-show="{state}" aria-pressed="{str(state == "all").lower()}">{words} '
                   f"<b>{count}</b></button>" for state, words, count in counts if count)


def _card(out: Path, item: Item, inside: bool) -> str:
    words = dict(_STATES)[item.state]
    link = f'{quote(item.name)}/' if item.state == "done" else ""
    facts = [duration(item.seconds) if item.seconds else "", "made before" if item.kept else "",
             f"{item.attempts} attempts" if item.attempts > 1 else ""]
    shown = _picture(out, item, inside)
    return (f'<article class="{item.state}" data-state="{item.state}">'
            f'<div class="shot">{shown}</div><div class="text">'
            f'<h2 title="{escape(item.source)}">{escape(item.source)}</h2>'
            f'<p class="state"><span class="pill">{words}</span>'
            f'<span>{escape(", ".join(fact for fact in facts if fact))}</span></p>'
            + (f'<p class="said">{escape(item.sentence)}</p>' if item.sentence else "")
            + _notes(item) + (_files(item, link) if link else "") + "</div></article>")


def _picture(out: Path, item: Item, inside: bool) -> str:
    path = places.picture(out, item.name)
    try:
        changed = path.stat().st_mtime_ns if item.state == "done" else 0
        source = "" if not changed else f"data:image/webp;base64,{_encoded(str(path), changed)}" if inside else \
            f"{places.WORK}/{quote(path.name)}"
    except OSError:
        source = ""
    if not source:
        return f'<span class="none">{ {"failed": "No result", "done": "No picture"}.get(item.state, "Not yet") }</span>'
    return f'<img loading="lazy" alt="Result of {escape(item.source)}" src="{source}">'


@lru_cache(maxsize=_MOST_INSIDE)
def _encoded(path: str, changed: int) -> str:
    return base64.b64encode(Path(path).read_bytes()).decode()


def _notes(item: Item) -> str:
    if not item.notes:
        return ""
    said = "".join(f"<li>{escape(note)}</li>" for note in item.notes)
    word = "note" if len(item.notes) == 1 else "notes"
    return f"<details><summary>{len(item.notes)} {word}</summary><ul>{said}</ul></details>"


def _files(item: Item, link: str) -> str:
    lines = [f'<li><a href="{link}{quote(name)}" title="{escape(purpose)}">{escape(name)}</a> '
             f"<span>{size(count)}</span></li>" for name, count, purpose in item.files]
    rest = "".join(lines[_FIRST:])
    word = "file" if len(lines) == _FIRST + 1 else "files"
    more = f"<details><summary>{len(lines) - _FIRST} more {word}</summary><ul>{rest}</ul></details>" if rest else ""
    return f'<ul class="files">{"".join(lines[:_FIRST])}</ul>{more}'


def _settings(book: Book) -> str:
    said = [f"{name} = {value}" for name, value in book.options.items()]
    return escape(", ".join(said) or "the usual ones")


def _passed(book: Book) -> str:
    if not book.passed_over:
        return ""
    lines = "".join(f"<li><b>{escape(name)}</b>: {escape(why)}.</li>" for name, why in book.passed_over[:500])
    count = len(book.passed_over)
    return (f"<details class=\"passed\"><summary>{count} {'entry' if count == 1 else 'entries'} of the folder passed "
            f"over</summary><ul>{lines}</ul></details>")


_PAGE = """<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>{title}</title>
<style>{style}</style>
</head>
<body data-going="{going}">
<main>
<header>
<h1>{title}</h1>
<p class="summary">{summary}</p>
<div class="bar" role="img" aria-label="{summary}">{bar}</div>
{stopped}
</header>
<nav aria-label="Which items to show">{tabs}</nav>
<section class="cards">
{cards}
</section>
{passed}
<footer>
<span>Options: {settings}</span>
<span>Made by humanav, {made}. Links lead to the folders beside this page.</span>
</footer>
</main>
<script>{script}</script>
</body>
</html>
"""
