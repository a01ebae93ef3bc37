"""Joint angles over time as Plotly curves: a panel for each kind of joint, left in blue and right in orange, with a
playhead that follows a player beside it."""

from __future__ import annotations

import html
import json
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import ArrayLike

from humanav.errors import InputError
from humanav.paths import asset
from humanav.view.colors import CENTRE, LEFT, RIGHT, css

if TYPE_CHECKING:
    import plotly.graph_objects as go

PANELS: tuple[tuple[str, str], ...] = (
    ("knee_flexion", "Knee bend"), ("hip_flexion", "Hip bend"), ("elbow_flexion", "Elbow bend"),
    ("shoulder_elevation", "Arm raised"))
"""The angles of :func:`humanav.motion.joint_angles` that are drawn, without their side, and the panels' titles."""

_INK, _GRID = "rgb(128,136,148)", "rgba(128,136,148,0.28)"
FOLLOW = asset("viewer", "angles.js")
"""What moves the playhead and takes the clicks."""


def figure_angles(
    angles: Mapping[str, ArrayLike], fps: float, *, panels: Sequence[tuple[str, str]] = PANELS, columns: int = 1,
    title: str = "", height: int | None = None,
) -> go.Figure:
    """Curves of joint angles, left and right of a joint in one panel.

    Args:
        angles: name to degrees (T,); NaN leaves a gap.
        fps: frames per second.
        panels: (name without its side, title) of what is drawn; a panel without any curve is left out.
        columns: panels beside each other.
        title: shown above, or "".
        height: in pixels; by default 132 for each row.

    Raises:
        InputError: none of the angles is there.
    """
    import plotly.graph_objects as go
    from plotly.subplots import make_subplots

    found = [(words, {name: angles[name] for name in (f"left_{kind}", f"right_{kind}", kind) if name in angles})
             for kind, words in panels]
    found = [(words, curves) for words, curves in found if curves]
    if not found:
        raise InputError("There is no angle to draw: give at least one of " + ", ".join(k for k, _ in panels) + ".")
    rows = -(-len(found) // columns)
    figure = make_subplots(rows, columns, shared_xaxes=True, subplot_titles=[words for words, _ in found],
                           vertical_spacing=0.34 / max(rows, 2), horizontal_spacing=0.09)
    said: set[str] = set()
    for k, (words, curves) in enumerate(found):
        for name, values in curves.items():
            side = name.split("_")[0] if name.startswith(("left_", "right_")) else "middle"
            degrees = np.asarray(values, dtype=np.float64)
            figure.add_trace(go.Scatter(
                x=(np.arange(len(degrees)) / fps).round(4), y=degrees.round(2), name=side.capitalize(), mode="lines",
                legendgroup=side, showlegend=side not in said, connectgaps=False,
                line={"color": css({"left": LEFT, "right": RIGHT}.get(side, CENTRE)), "width": 2},
                hovertemplate=f"{side.capitalize()} {words.lower()} %{{y:.0f}}° at %{{x:.2f}} s<extra></extra>",
            ), k // columns + 1, k % columns + 1)
            said.add(side)
    last = max(len(np.asarray(values)) for _, curves in found for values in curves.values()) - 1
    figure.update_xaxes(range=[0, max(last, 1) / fps], fixedrange=True, gridcolor=_GRID, color=_INK, zeroline=False,
                        ticksuffix=" s", nticks=6)
    figure.update_yaxes(fixedrange=True, gridcolor=_GRID, color=_INK, zerolinecolor=_INK, ticksuffix="°", nticks=5,
                        rangemode="tozero")
    figure.update_annotations(font={"size": 13.5, "color": _INK}, xanchor="left")
    for k, note in enumerate(figure.layout.annotations):
        axis = figure.layout["xaxis" if k == 0 else f"xaxis{k + 1}"]
        note.x = axis.domain[0]
    figure.update_layout(
        height=height or 132 * rows + 62 + (30 if title else 0), margin={"l": 46, "r": 10, "t": 50 if title else 30,
                                                                         "b": 26},
        template="none", paper_bgcolor="rgba(0,0,0,0)", plot_bgcolor="rgba(0,0,0,0)", dragmode=False,
        font={"color": _INK, "size": 12}, title={"text": title, "x": 0.02, "font": {"size": 16}},
        legend={"orientation": "h", "x": 1, "xanchor": "right", "y": 1, "yref": "container", "yanchor": "top",
                "font": {"size": 13.5}})
    return figure


def angles_html(
    figure: go.Figure, seconds: float, *, player: str = "", fps: float = 30.0, script: str | None = None,
    title: str = "Joint angles over time",
) -> str:
    """The curves as an ``<iframe srcdoc>`` whose playhead follows a player on the same page; a click moves the player.

    Args:
        figure: of :func:`figure_angles`.
        seconds: from the first to the last frame.
        player: CSS selector of the player's iframe in the page, or "" for none: then a click moves the playhead alone.
        fps: frames per second, for the arrow keys.
        script: address at which :func:`humanav.view.plotly_script` is served; None puts plotly.js itself into the
            frame.
        title: read out by screen readers.
    """
    options = json.dumps({"player": player, "seconds": max(float(seconds), 1e-3), "fps": fps}).replace("<", "\\u003c")
    page = figure.to_html(full_html=True, include_plotlyjs=script if script is not None else True,
                          config={"displayModeBar": False, "responsive": True})
    code = FOLLOW.read_text(encoding="utf-8")
    style = ("<style>html,body{margin:0;background:transparent;overflow:hidden}#head i{position:fixed;width:2px;"
             "margin-left:-1px;background:#1d9479;pointer-events:none;border-radius:1px}"
             ".nsewdrag{cursor:pointer!important}</style>")
    page = page.replace("<head>", f"<head>{style}", 1)
    ending = f"<script>const OPTIONS = {options};\n{code}</script></body>"
    page = page.replace("</body>", '<div id="head"></div>' + ending, 1)
    pixels = int(figure.layout.height or 480)
    return (f'<iframe title="{html.escape(title)}" srcdoc="{html.escape(page, quote=True)}" '
            f'style="width:100%;height:{pixels + 4}px;border:0;display:block"></iframe>')
