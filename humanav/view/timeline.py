"""A tracked clip over time: a timeline of confidence and standing feet, and players in step, which are the clip, the
bodies over it and the 3D player moved by one set of controls."""

from __future__ import annotations

import html
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from humanav.errors import InputError
from humanav.paths import asset
from humanav.view.angles import _GRID, _INK, angles_html
from humanav.view.colors import LEFT, RIGHT, css, person_color
from humanav.view.look import dressed
from humanav.view.player import player_page

if TYPE_CHECKING:
    import plotly.graph_objects as go

SYNCED = asset("viewer", "synced.js")
"""What keeps the players in step; ``synced.css`` beside it lays them out."""

_LANES = ((-0.27, LEFT, "Left foot"), (-0.54, RIGHT, "Right foot"))  # middle of the bars below the curve
_BAR = 0.2  # their height, of the curve's
_MOST_POINTS = 1500  # of a curve; more would be invisible
_ROW, _EDGES = 128, 62  # pixels



def figure_timeline(track: Mapping[str, Any], *, names: Mapping[str, str] | None = None, title: str = "") -> go.Figure:
    """Confidence over time of each person, bars for the feet that stand, hatching where the person is not seen, and
    lines at the cuts between shots.

    Args:
        track: what ``track.json`` holds: ``fps``, ``frames``, ``shots`` and ``takes``.
        names: person's id to what is written at the row; by default "Person 1".
        title: shown above, or "".

    Raises:
        InputError: there is no take in it.
    """
    from plotly.subplots import make_subplots

    takes: Sequence[Mapping[str, Any]] = track.get("takes", ())
    if not takes:
        raise InputError("There is nobody in this track: there is nothing to draw.")
    fps, frames = float(track["fps"]), int(track["frames"])
    people = list(dict.fromkeys(str(take["person_id"]) for take in takes))
    said = {person: (names or {}).get(person, f"Person {person}") for person in people}
    figure = make_subplots(len(people), 1, shared_xaxes=True, subplot_titles=[said[person] for person in people],
                           vertical_spacing=0.3 / max(len(people), 2))
    for row, person in enumerate(people, 1):
        own = sorted((take for take in takes if str(take["person_id"]) == person), key=lambda take: int(take["start"]))
        for take in own:
            figure.add_trace(_curve(take, fps, person_color(person)), row, 1)
            for k, (middle, color, words) in enumerate(_LANES):
                stands = np.asarray(take["contacts"], dtype=np.float64).reshape(-1, 2)[:, k] > 0.5
                spans = [(a + take["start"], b + take["start"]) for a, b in runs(stands)]
                if spans:
                    figure.add_trace(_bars(spans, fps, middle - _BAR / 2, _BAR, words, color), row, 1)
        gaps = _gaps(own)
        if gaps:
            hidden = _bars(gaps, fps, 0.0, 1.0, "Not seen", (140, 146, 156))
            hidden.marker.color, hidden.marker.pattern = "rgba(0,0,0,0)", {
                "shape": "/", "fgcolor": "rgba(140,146,156,0.9)", "size": 7, "solidity": 0.25}
            figure.add_trace(hidden, row, 1)
    for first, _ in list(track.get("shots", ()))[1:]:
        figure.add_vline(float(first) / fps, line={"color": _INK, "width": 1.5, "dash": "4px,3px"})
    last = max(frames - 1, 1) / fps
    figure.update_xaxes(range=[0, last], fixedrange=True, gridcolor=_GRID, color=_INK, zeroline=False, ticksuffix=" s",
                        nticks=7)
    figure.update_yaxes(range=[_LANES[1][0] - 0.16, 1.06], fixedrange=True, gridcolor=_GRID, color=_INK, zeroline=False,
                        tickvals=[lane[0] for lane in _LANES[::-1]] + [0, 1], showgrid=False,
                        ticktext=["right foot", "left foot", "0%", "100%"])
    figure.update_annotations(font={"size": 13.5, "color": _INK}, xanchor="left", x=0)
    figure.update_layout(
        height=_ROW * len(people) + _EDGES + (28 if title else 0), barmode="overlay", bargap=0, showlegend=False,
        margin={"l": 70, "r": 12, "t": 48 if title else 26, "b": 28}, template="none", paper_bgcolor="rgba(0,0,0,0)",
        plot_bgcolor="rgba(0,0,0,0)", dragmode=False, font={"color": _INK, "size": 12},
        title={"text": title, "x": 0.02, "font": {"size": 16}})
    return figure


def timeline_html(
    track: Mapping[str, Any], *, player: str = "", script: str | None = None, names: Mapping[str, str] | None = None,
    title: str = "Confidence and standing feet over time",
) -> str:
    """The timeline as an ``<iframe srcdoc>`` whose playhead follows the players; a click moves them.

    Args:
        track: what ``track.json`` holds.
        player: CSS selector, in the page, of the iframe of :func:`synced_players_html` (or of a 3D player whose
            animation begins with the clip), or "" for none.
        script: address at which :func:`humanav.view.plotly_script` is served; None puts plotly.js into the frame.
        names: as :func:`figure_timeline`.
        title: read out by screen readers.

    Raises:
        InputError: there is no take in it.
    """
    fps, frames = float(track["fps"]), int(track["frames"])
    return angles_html(figure_timeline(track, names=names), max(frames - 1, 1) / fps, player=player, fps=fps,
                       script=script, title=title)


def synced_players_html(
    original: str | None, overlay: str | None, glb: str | Path | bytes | None, *, fps: float, frames: int,
    glb_start: float = 0.0, size: tuple[int, int] | None = None, script: str | None = None, height: int = 520,
    autoplay: bool = True, labels: tuple[str, str, str] = ("Original", "Tracked", "In 3D"),
    title: str = "The tracked clip", element: str = "", yaw: float = 20.0, style: str = "", player_style: str = "",
) -> str:
    """The clip, the bodies drawn over it and the 3D player as one ``<iframe srcdoc>``, played, scrubbed and looped in
    step by one set of controls.

    The frame makes itself as high as it needs; beside each other where there is room, stacked on a phone. Its window
    has ``humanavPlayer`` like the 3D player's, whose time is the clip's, and it takes the same messages
    (``postMessage({humanav: "player", time, play, view, clip})``), so a timeline or curve can follow it.

    Args:
        original, overlay: addresses of the videos, of the same frames; None leaves one out.
        glb: address, file or bytes of the animated body; None leaves the 3D player out.
        fps, frames: of the videos.
        glb_start: seconds into the clip at which the animation of the GLB begins.
        size: width and height of the videos, to lay them out before they are loaded.
        script: address at which :data:`humanav.view.player.SCRIPT` is served; None puts it into the page.
        height: pixels of the players beside each other.
        autoplay: start at once (not for visitors who asked their system for less motion).
        labels: what is written on the three.
        title: read out by screen readers.
        element: id of the iframe, for :func:`timeline_html`'s ``player``.
        yaw: degrees from the person's front towards their left from which they are first seen in 3D.
        style, player_style: more CSS for the page, and for that of the 3D player.

    Raises:
        InputError: nothing to play, or the GLB file cannot be read.
    """
    if original is None and overlay is None and glb is None:
        raise InputError("There is nothing to play: give a video or a 3D file.")
    if not fps > 0 or frames < 1:
        raise InputError(f"The clip needs a frame rate and frames, not {fps:g} and {frames}.")
    panes = [video_pane(url, words) for url, words in ((original, labels[0]), (overlay, labels[1])) if url is not None]
    videos = len(panes)
    if glb is not None:
        panes.append(world_pane(glb, labels[2], style=player_style, script=script, yaw=yaw))
    return synced_frame("".join(panes), fps=fps, frames=frames, videos=videos, start=glb_start, size=size,
                        height=height, autoplay=autoplay, title=title, element=element, style=style)


def video_pane(url: str, words: str) -> str:
    """A video among players in step."""
    said = html.escape(words)
    return (f'<figure class="pane"><video src="{html.escape(url)}" muted playsinline preload="auto" '
            f'aria-label="{said}"></video><figcaption>{said}</figcaption></figure>')


def world_pane(glb: str | Path | bytes, words: str, *, style: str = "", **options: Any) -> str:
    """The 3D player among players in step, with more CSS; options as :func:`humanav.view.player_page`."""
    inner = dressed(player_page(glb, title=words, autoplay=False, **options),
                    f".hp-bar{{display:none!important}}.hp{{border-radius:0}}{style}")
    return (f'<figure class="pane" id="pane-world"><iframe id="world" title="{html.escape(words)}" '
            f'srcdoc="{html.escape(inner, quote=True)}" allow="fullscreen"></iframe>'
            f"<figcaption>{html.escape(words)}</figcaption></figure>")


def synced_frame(
    panes: str, *, fps: float, frames: int, videos: int, start: float = 0.0, size: tuple[int, int] | None = None,
    height: int = 520, autoplay: bool = True, title: str = "", element: str = "", kind: str = "", style: str = "",
    code: str = "",
) -> str:
    """Panes of videos, and of at most one 3D player, with one set of controls, as :func:`synced_players_html`.

    Args:
        panes: of :func:`video_pane` and :func:`world_pane`.
        videos: how many of them are videos.
        start: seconds into the clip at which the animation of the 3D player begins.
        kind, style, code: a class of the players' own, its style sheet, and a script that runs at the end.
    """
    speeds = "".join(f'<option value="{v:g}"{" selected" * (v == 1)}>{v:g}x</option>' for v in (0.25, 0.5, 1, 1.5, 2))
    bar = ('<div id="bar"><button id="play" type="button" aria-label="Play"><svg viewBox="0 0 24 24" width="20" '
           'height="20" aria-hidden="true"><path fill="currentColor" d="M8 5v14l11-7z"/></svg></button>'
           '<input id="scrub" type="range" min="0" max="1000" value="0" aria-label="Position in the clip">'
           f'<span id="time">0:00.0</span><select id="speed" aria-label="Speed">{speeds}</select></div>')
    aspect = round(size[0] / size[1], 4) if size else 1.7778
    sheet = SYNCED.with_suffix(".css").read_text(encoding="utf-8")
    options = json.dumps({"fps": float(fps), "seconds": frames / fps, "start": float(start), "aspect": aspect,
                          "autoplay": autoplay}).replace("<", "\\u003c")
    page = (f'<!doctype html><html lang="en"><head><meta charset="utf-8"><title>{html.escape(title)}</title>'
            f'<meta name="viewport" content="width=device-width, initial-scale=1"><style>{sheet}{style}</style></head>'
            f'<body><div id="synced" class="{kind}" style="--tall:{height}px;--videos:{max(videos, 1)}" '
            f'data-state="loading" data-width="wide">{panes}{bar}</div>'
            f"<script>const OPTIONS = {options};\n{SYNCED.read_text(encoding='utf-8')}{code}</script></body></html>")
    name = f' id="{html.escape(element)}"' if element else ""
    return (f'<iframe{name} title="{html.escape(title)}" srcdoc="{html.escape(page, quote=True)}" '
            f'allow="fullscreen; autoplay" style="width:100%;height:{height + 62}px;border:0;display:block"></iframe>')


def runs(values: NDArray[Any]) -> list[tuple[int, int]]:
    """(first, after last) of each stretch of True in (T,)."""
    padded = np.concatenate([[False], np.asarray(values, dtype=np.bool_), [False]])
    edges = np.flatnonzero(padded[1:] != padded[:-1])
    return [(int(a), int(b)) for a, b in zip(edges[::2], edges[1::2])]


def _gaps(takes: Sequence[Mapping[str, Any]]) -> list[tuple[int, int]]:
    """Where a person who comes back is not seen: frames of the clip."""
    begin, end = int(takes[0]["start"]), max(int(take["start"]) + int(take["frames"]) for take in takes)
    seen = np.zeros(end - begin, dtype=np.bool_)
    for take in takes:
        at = int(take["start"]) - begin
        there = np.asarray(take.get("seen", np.ones(int(take["frames"]))), dtype=np.float64) > 0.5
        seen[at: at + len(there)] |= there
    return [(a + begin, b + begin) for a, b in runs(~seen)]


def _curve(take: Mapping[str, Any], fps: float, color: tuple[int, int, int]) -> go.Scatter:
    import plotly.graph_objects as go

    values = np.clip(np.asarray(take["confidence"], dtype=np.float64), 0, 1)
    times = (np.arange(len(values)) + int(take["start"])) / fps
    every = -(-len(values) // _MOST_POINTS)
    if every > 1:  # the lowest of each few, so that no lapse is lost
        cuts = np.arange(0, len(values), every)
        values, times = np.minimum.reduceat(values, cuts), times[cuts]
    return go.Scatter(x=times.round(4), y=values.round(3), mode="lines", fill="tozeroy",
                      line={"color": css(color), "width": 1.6}, fillcolor=css(color).replace("rgb", "rgba").replace(
                          ")", ",0.28)"), hovertemplate="Confidence %{y:.0%} at %{x:.2f} s<extra></extra>")


def _bars(
    spans: Sequence[tuple[int, int]], fps: float, base: float, tall: float, words: str, color: tuple[int, int, int]
) -> go.Bar:
    """Bars over stretches of frames."""
    import plotly.graph_objects as go

    first, after = np.array(spans, dtype=np.float64).T / fps
    begin, end = first - 0.5 / fps, after - 0.5 / fps  # a frame's mark lies in the middle of its bar
    said = [f"{words} {a:.2f} to {b:.2f} s" for a, b in zip(first, after - 1 / fps)]
    return go.Bar(x=(begin + end) / 2, width=end - begin, y=np.full(len(first), tall), base=np.full(len(first), base),
                  marker={"color": css(color), "line": {"width": 0}}, hovertext=said, hoverinfo="text", name=words)
