"""Small pieces of the page: status line, evidence strip, downloads, measurements, viewer."""

from __future__ import annotations

import base64
import html
import io
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import quote

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from humanav.results import Result, ResultFile
from humanav.view.look import PLAYER_COLORS, dressed
from humanav.view.player import SCRIPT, player_page

FIGURE = ('<svg viewBox="0 0 96 168" fill="none" stroke="currentColor" stroke-width="5" stroke-linecap="round" '
          'stroke-linejoin="round" aria-hidden="true"><circle cx="48" cy="20" r="14"/><path d="M48 40v56M48 50 22 64 '
          '12 92M48 50l26 14 10 28M48 96 34 128l-4 34M48 96l14 32 4 34"/></svg>')

_WIDE = 1.15
"""A picture so many times as wide as high takes the room of two."""


@dataclass(frozen=True)
class Evidence:
    """One picture of the strip: what was done, what was found, and the picture as uint8 RGB (H,W,3)."""

    title: str
    caption: str
    image: NDArray[np.uint8]


def file_url(path: str | Path) -> str:
    """The address, relative to the page, under which the app serves a file."""
    return "gradio_api/file=" + quote(str(Path(path).resolve()))


def image_url(image: NDArray[np.uint8], side: int) -> str:
    """A picture as a JPEG data address, at most ``side`` pixels high or wide."""
    picture = Image.fromarray(image)
    picture.thumbnail((side, side))
    buffer = io.BytesIO()
    picture.save(buffer, "JPEG", quality=86)
    return "data:image/jpeg;base64," + base64.b64encode(buffer.getvalue()).decode()


IDLE = "Choose a photo, or one of the samples, and press the button."


def idle(sentence: str = IDLE) -> str:
    """What the status line says before anything happened."""
    return f'<div class="status idle">{html.escape(sentence)}</div>'


def working(stage: str, step: int, steps: int, seconds: float, expected: float, fraction: float) -> str:
    """The status line of a running job."""
    left = max(expected, seconds)
    return (f'<div class="status" role="status"><div class="row"><b>{html.escape(stage)}</b>'
            f"<span>step {step} of {steps} · {seconds:.0f} s of about {left:.0f} s</span></div>"
            f'<div class="bar"><i style="width:{100 * min(max(fraction, 0.02), 1):.0f}%"></i></div></div>')


def waiting(words: str) -> str:
    """The status line of a job whose turn has not come."""
    return (f'<div class="status" role="status"><div class="row"><b>{html.escape(words)}</b>'
            '<span>It begins by itself</span></div><div class="bar"></div></div>')


def done(lead: str, said: str, warnings: Iterable[str]) -> str:
    """The status line of a finished job: what was made, how good it is, what to know."""
    notes = "".join(f"<li>{html.escape(text)}</li>" for text in warnings)
    return (f'<div class="status done" role="status"><div class="lead">{html.escape(lead)}</div>'
            f'<div class="said">{html.escape(said)}</div></div>' + (f'<ul class="notes">{notes}</ul>' if notes else ""))


def stopped(sentence: str) -> str:
    """The status line after an error or a stop."""
    return f'<ul class="notes" role="alert"><li>{html.escape(sentence)}</li></ul>'


def empty_stage() -> str:
    """The viewer before there is anything to see."""
    return (f'<div class="stage empty">{FIGURE}<b>Your avatar stands here</b>'
            "<span>Turn it, play it, take it with you.</span></div>")


def picture_stage(image: NDArray[np.uint8]) -> str:
    """The viewer while only a picture is there."""
    return f'<div class="stage picture"><img alt="the photo so far" src="{image_url(image, 900)}"></div>'


def strip(evidence: Sequence[Evidence]) -> str:
    """Pictures of what each stage found, side by side."""
    figures = []
    for item in evidence:
        address = image_url(item.image, 720)
        wide = ' class="wide"' if item.image.shape[1] > _WIDE * item.image.shape[0] else ""
        figures.append(
            f'<figure{wide}><a href="{address}" download="{quote(item.title)}.jpg" title="Save this picture">'
            f'<img src="{address}" alt="{html.escape(item.title)}"></a>'
            f"<figcaption><b>{html.escape(item.title)}</b>{html.escape(item.caption)}</figcaption></figure>")
    return f'<div class="strip">{"".join(figures)}</div>' if figures else ""


def downloads(result: Result) -> str:
    """The result's files, each with its size and what opens it."""
    return f'<h3 class="part">Downloads</h3>{cards(result, result.downloads)}'


def cards(result: Result, files: Sequence[ResultFile], first: bool = True) -> str:
    """Some of the result's files; ``first`` marks the first as the one to take."""
    parts = []
    for number, file in enumerate(files):
        opens = f" Opens in {file.opens_in}." if file.opens_in else ""
        parts.append(
            f'<a class="{"first" if number == 0 and first else ""}" href="{file_url(result.path(file.name))}" '
            f'download="{html.escape(file.name)}"><div class="top">{html.escape(file.name)}'
            f"<span>{size_text(file.size)}</span></div><small>{html.escape(file.purpose)}.{html.escape(opens)}</small></a>")
    return f'<div class="files">{"".join(parts)}</div>'


def measurements(values: Mapping[str, float], note: str) -> str:
    """Body measurements (metres, and kilograms for "mass") as a list."""
    rows = "".join(f"<div><span>{html.escape(name.replace('_', ' ').capitalize())}</span>"
                   f"<b>{f'{value:.0f} kg' if name == 'mass' else f'{100 * value:.0f} cm'}</b></div>"
                   for name, value in values.items())
    return (f'<h3 class="part">Body measurements</h3><p class="hint">{html.escape(note)}</p>'
            f'<div class="measures">{rows}</div>')


def size_text(size: int) -> str:
    """A file size in words."""
    return f"{size / 1e6:.1f} MB" if size >= 1e5 else f"{max(size / 1e3, 0.1):.1f} kB"


def stored_evidence(result: Result) -> list[Evidence]:
    """The evidence that a result kept."""
    return [Evidence(item["title"], item["caption"], np.asarray(Image.open(result.path(item["file"])).convert("RGB")))
            for item in result.report.get("evidence", ()) if result.has(item["file"])]


def player(glb: Path, title: str, clip: str | None = None, **options: Any) -> str:
    """The viewer playing a GLB, which the app must be allowed to serve; options as :func:`player_page`."""
    page = player_page(file_url(glb), script=file_url(SCRIPT), title=title, clip=clip, **options)
    return framed(page, title)


def framed(page: str, title: str) -> str:
    """A player's page in the viewer, in this page's colours."""
    page = dressed(page, PLAYER_COLORS)
    return (f'<iframe title="{html.escape(title)}" srcdoc="{html.escape(page)}" allow="fullscreen" loading="eager">'
            "</iframe>")
