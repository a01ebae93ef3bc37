"""Pieces of the page that show motions and poses: bodies side by side, the table of measures, the gallery."""

from __future__ import annotations

import html
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from humanav.app import pieces
from humanav.motion import CLIP_NAMES
from humanav.results import Result
from humanav.view import AFTER, BEFORE, TRUTH, curve
from humanav.view.colors import css

COLORS = {"Before": css(BEFORE), "After": css(AFTER), "Truth": css(TRUTH), "Straight": css(BEFORE),
          "Along the manifold": css(AFTER)}
"""The colour of each person's body, name and curve."""

CLIPS = [(name.replace("_", " ").capitalize(), name) for name in CLIP_NAMES]
"""The built-in motions: their words and their names."""
DISTANCE = "Distance from real poses"
_UNITS = {"°": "°", "%": " %"}
_RUNNERS = ('<svg viewBox="0 0 200 168" fill="none" stroke="currentColor" stroke-width="5" stroke-linecap="round" '
            'stroke-linejoin="round" aria-hidden="true"><g stroke-dasharray="3 9"><circle cx="50" cy="22" r="14"/>'
            '<path d="M48 42v50M48 54 18 60 26 26M48 54l30-6 8 34M48 92 28 122l-2 38M48 92l18 34 20 30"/></g>'
            '<circle cx="150" cy="22" r="14"/><path d="M150 42v52M150 52l-26 14-6 30M150 52l26 14 6 30M150 94l-14 32'
            ' -2 36M150 94l14 32 2 36"/></svg>')
SHOW_POSE = """
element.addEventListener("click", (event) => {
  const card = event.target.closest("[data-pose]");
  if (!card) return;
  for (const other of element.querySelectorAll("[data-pose]"))
    other.setAttribute("aria-pressed", String(other === card));
  const player = document.querySelector("#pose-viewer iframe");
  if (!player) return;
  player.contentWindow.postMessage({ humanav: "player", clip: card.dataset.pose }, "*");
  const box = player.getBoundingClientRect();
  if (box.top < 0 || box.bottom > innerHeight + 200) player.scrollIntoView({ behavior: "smooth", block: "center" });
});
"""
"""Runs in the page: a click on a pose of the gallery shows it in the player."""


def empty(title: str, line: str) -> str:
    """A viewer before there is anything to see."""
    return (f'<div class="stage empty wide">{_RUNNERS}<b>{html.escape(title)}</b>'
            f"<span>{html.escape(line)}</span></div>")


def comparison(
    glb: Path, people: Sequence[str], curves: Mapping[str, Sequence[float]], seconds: float, *,
    worst: Sequence[Mapping[str, Any]] = (), spans: Sequence[Sequence[float]] = (), axis: tuple[str, str] | None = None,
    title: str = DISTANCE, name: str = "Bodies side by side",
) -> str:
    """The player with people side by side, the truth on demand, over the curve of their distance (degrees a joint)."""
    drawn = curve({line: (values, COLORS[line]) for line, values in curves.items()}, seconds, title=title, unit="°",
                  marks=[(moment["time"], ", ".join(moment["joints"])) for moment in worst],
                  spans=[(span[0], span[1]) for span in spans], spans_label="repaired", axis=axis)
    return pieces.player(glb, name, colors={person: COLORS[person] for person in people}, curve=drawn, yaw=15.0,
                         optional="Truth" if "Truth" in people else None)


def cleaned(result: Result) -> str:
    """The player of a cleaned motion."""
    report = result.report
    curves = {name: values for name, values in report["curves"].items() if name != "Truth"}
    return comparison(result.path("comparison.glb"), report["people"], curves, report["duration"],
                      worst=report["worst"], spans=report["spans"], name="The motion before and after")


def measures_table(rows: Sequence[Mapping[str, Any]]) -> str:
    """What became of a motion, one row a measure."""
    truth = any("truth" in row for row in rows)
    heads = "".join(f'<th scope="col">{name}</th>' for name in ("Before", "After", *(["Truth"] if truth else [])))
    lines = []
    for row in rows:
        unit = _UNITS.get(row["unit"], f" <small>{row['unit']}</small>")
        keys = ("before", "after", *(["truth"] if truth else []))
        digits = 1 if max(abs(row.get(key, 0)) for key in keys) < 100 and row["unit"] != "mm" else 0
        cells = "".join(f"<td>{row[key]:,.{digits}f}{unit}</td>" if key in row else "<td></td>" for key in keys)
        words = f"{html.escape(row['name'])}<small>{html.escape(_HINTS.get(row['name'], ''))}</small>"
        lines.append(f'<tr><th scope="row">{words}</th>{cells}</tr>')
    return (f'<h3 class="part">In numbers</h3><table class="numbers"><thead><tr><td></td>{heads}</tr></thead>'
            f"<tbody>{''.join(lines)}</tbody></table>")


_HINTS = {
    "Distance from real poses": "mean angle per joint; less is better",
    "Error against the truth": "mean distance of the joints; less is better",
    "Jitter": "how abruptly joints change their course; less is calmer",
    "Feet sliding": "speed of feet that should stand; less is better",
    "Size of the movement": "100% keeps it all; far less is smoothed away, more is noise",
}


def gallery(result: Result) -> str:
    """Pictures of generated poses; a click shows one in the player (see :data:`SHOW_POSE`)."""
    cards = []
    for k, distance in enumerate(result.report["distances"]):
        name = f"Pose {k + 1}"
        picture = pieces.file_url(result.path(f"pose_{k + 1:02d}.png"))
        cards.append(f'<button type="button" data-pose="{name}" aria-pressed="{"true" if k == 0 else "false"}">'
                     f'<img src="{picture}" alt="{name}" loading="lazy"><span>{name}<small>{distance:.1f}°</small>'
                     "</span></button>")
    return f'<div class="poses">{"".join(cards)}</div>'


def pose_card(picture: Path, title: str) -> str:
    """A chosen pose, small."""
    return (f'<div class="chosen"><img src="{pieces.file_url(picture)}" alt="{html.escape(title)}">'
            f"<span>{html.escape(title)}</span></div>")
