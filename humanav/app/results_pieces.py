"""Pieces of the tab "My results": a card for each, its picture, and two results beside each other."""

from __future__ import annotations

import html
import logging
import math
import time
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import gradio as gr
from PIL import Image

from humanav.app import kept, pieces
from humanav.app.part import Part
from humanav.errors import HumanavError
from humanav.results import Result
from humanav.store import Record

KINDS = {"avatar": "Avatar", "animation": "Avatar in motion", "denoise": "Cleaned motion", "poses": "Random poses",
         "path": "Way between poses", "uplift": "2D to 3D", "track": "Tracked video", "capture": "Multi-view capture"}
"""Kinds of results in words."""
STATES = {"running": "Being made", "stopped": "Stopped", "broken": "Broke off"}

_SIDE = 480  # pixels of a card's picture
_GROUND = "#f1f0ee"  # under pictures that let the page shine through; the style sheet has the same
_PICTURES = ("poster.png", "preview.png", "contact_after.png", "pose_01.png")
_MOTIONS = ("denoised.npz", "path.npz", "motion.npz", "motion_1.npz")
_log = logging.getLogger(__name__)


def picture_of(record: Record, result: Result) -> Path | None:
    """A small picture of a result, made when it is asked for first; None where nothing can be drawn."""
    path = kept.poster(record.id)
    if path.is_file():
        return path
    try:
        picture = _drawn(result)
    except (HumanavError, OSError, ValueError, KeyError):
        _log.warning("no picture of a result of kind %s", result.kind, exc_info=True)
        return None
    if picture.mode != "RGB":
        clear = picture.convert("RGBA")
        picture = Image.alpha_composite(Image.new("RGBA", clear.size, _GROUND), clear).convert("RGB")
    picture.thumbnail((_SIDE, _SIDE))
    part = path.with_suffix(".part")
    picture.save(part, "JPEG", quality=84)
    part.replace(path)
    return path


def _drawn(result: Result) -> Image.Image:
    """One of its pictures, else a frame of its video, else a pose of its motion."""
    names = [file.name for file in result.files]
    others = [name for name in names if Path(name).suffix in (".png", ".jpg") and "texture" not in name]
    for name in [*(name for name in _PICTURES if name in names), *others]:
        picture = Image.open(result.path(name))
        picture.load()
        return picture
    from humanav.jobs import PoseChoice, draw_pose
    from humanav.perception.video import open_video

    for name in names:
        if name.endswith(".mp4"):
            with open_video(result.path(name)) as video:
                return Image.fromarray(next(iter(video)))
    motion = next(name for name in (*_MOTIONS, *names) if name in names and name.endswith(".npz"))
    path = draw_pose(PoseChoice(result.path(motion), 0.5), kept.store().preview_path(".png"))
    picture = Image.open(path)
    picture.load()
    path.unlink()
    return picture


def card(record: Record, picture: Path | None) -> str:
    """One entry of the list, with everything that can be done with it."""
    title, kind = html.escape(record.title), KINDS.get(record.kind, record.kind.capitalize())
    state = STATES.get(record.state, "")
    shown = (f'<img src="{pieces.file_url(picture)}" alt="" loading="lazy">' if picture is not None else pieces.FIGURE)
    badge = f'<span class="state">{state}</span>' if state else ""
    size = f" · {pieces.size_text(record.size)}" if record.size else ""
    moment = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(record.created))
    note = f'<p class="note">{html.escape(record.note)}</p>' if record.note and state else ""
    done = record.state == "done"
    pick = ('<label class="pick"><input type="checkbox" data-do="pick"> Compare'
            f'<span class="away"> {title}</span></label>' if done else "")
    does = [("open", "Open")] if done or record.state == "running" else []
    does += [("again", "Run again"), ("rename", "Rename"), ("delete", "Delete")] if record.state != "running" else []
    buttons = "".join(f'<button type="button" data-do="{do}">{words}<span class="away"> {title}</span></button>'
                      for do, words in does)
    return (f'<li data-id="{record.id}" data-kind="{html.escape(record.kind)}" data-state="{record.state}">'
            f'<button type="button" class="poster" data-do="{"open" if done else "again"}" tabindex="-1" '
            f'aria-hidden="true">{shown}</button>{badge}'
            f'<div class="words"><b class="title">{title}</b>'
            f'<span>{kind}</span><span><time datetime="{moment}">{moment[:10]}</time>{size}</span>{note}</div>'
            f'<div class="does">{buttons}{pick}</div></li>')


def listing(records: Sequence[Record], pictures: Mapping[str, Path | None]) -> str:
    """All cards, the newest first; a friendly sentence when there are none."""
    if not records:
        return (f'<div class="stage empty none">{pieces.FIGURE}<b>Nothing here yet</b><span>What you make in the other '
                "tabs waits for you here: to open again, to compare, to send to a friend.</span></div>")
    cards = "".join(card(record, pictures.get(record.id)) for record in records)
    return ('<div class="pair" hidden role="status"><span></span><button type="button" data-do="compare" disabled>'
            f'Compare the two</button></div><ul class="results">{cards}</ul>')


def compared(entries: Sequence[tuple[Record, Result]], part: Part) -> str:
    """Two results of one kind beside each other, and a table of what differs."""
    panes = "".join(f'<figure><figcaption>{html.escape(record.title)}</figcaption><div class="viewer">'
                    f'{part.finished(result)[part.viewer]}</div></figure>' for record, result in entries)
    (one, first), (two, second) = entries
    rows = [*_settings(one, two, part), *_numbers(first, second)]
    cells = (tuple(map(html.escape, row)) for row in rows)
    lines = "".join(f'<tr><th scope="row">{name}</th><td>{a}</td><td>{b}</td></tr>' for name, a, b in cells)
    heads = "".join(f'<th scope="col">{html.escape(record.title)}</th>' for record, _ in entries)
    table = (f'<div class="scroll"><table class="numbers sides"><thead><tr><td></td>{heads}</tr></thead>'
             f"<tbody>{lines}</tbody></table></div>" if rows else
             '<p class="hint">They were asked for in the same way, and no number differs.</p>')
    return (f'<div class="compared"><div class="head"><h3 class="part">Two results beside each other</h3>'
            f'<button type="button" data-do="close">Close</button></div><div class="panes">{panes}</div>'
            f'<h3 class="part">What differs</h3>{table}</div>')


def _settings(one: Record, two: Record, part: Part) -> Iterator[tuple[str, str, str]]:
    """Settings that differ: their label, and both values in words."""
    for name, component in part.inputs.items():
        a, b = (_in_words(record.values.get(name), component) for record in (one, two))
        if a != b and not isinstance(component, gr.State):
            yield str(component.label or name.replace("_", " ").capitalize()), a, b


def _in_words(value: Any, component: Any) -> str:
    if isinstance(value, list):
        return ", ".join(_in_words(item, component) for item in value) or "none"
    if isinstance(value, dict):
        return Path(str(value.get("file", ""))).name or "none"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if value is None or value == "":
        return "none"
    if isinstance(value, int | float):
        return f"{value:.4g}"
    choices = getattr(component, "choices", None) or ()
    return next((str(words) for words, chosen in choices if chosen == value), str(value))


def _numbers(first: Result, second: Result) -> Iterator[tuple[str, str, str]]:
    """Numbers of both reports that differ."""
    a, b = (dict(_walk(result.report)) for result in (first, second))
    for name in a:
        if name in b and _number(a[name]) != _number(b[name]):
            yield name, _number(a[name]), _number(b[name])


def _walk(report: Mapping[str, Any], above: str = "", depth: int = 0) -> Iterator[tuple[str, float]]:
    for key, value in report.items():
        name = f"{above}, {key.replace('_', ' ')}" if above else key.replace("_", " ").capitalize()
        if isinstance(value, bool | str) or value is None:
            continue
        if isinstance(value, int | float) and math.isfinite(value):
            yield name, float(value)
        elif isinstance(value, Mapping) and depth < 2:
            yield from _walk(value, name, depth + 1)
        elif isinstance(value, list) and key == "measures":
            for row in value:
                yield f"{row['name']}, after, {row['unit']}", float(row["after"])


def _number(value: float) -> str:
    return f"{value:,.0f}" if abs(value) >= 1000 else f"{value:.3g}"


def load(record: Record) -> Result:
    """The files of an entry. Raises InputError when they are gone."""
    return Result.load(kept.store().folder(record.id))
