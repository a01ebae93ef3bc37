"""Curves over the time of a motion as plain SVG; ``assets/viewer/share.js`` moves a playhead over them."""

from __future__ import annotations

import html
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

_MOST = 900  # points of a curve; more would be invisible
_ROOM = 0.06  # above the highest and below the lowest value, of their range


@dataclass(frozen=True)
class Line:
    """A curve: its name, its CSS colour, (T,) values spread evenly over the time; NaN or None leaves a gap."""

    name: str
    color: str
    values: ArrayLike


@dataclass(frozen=True)
class Lane:
    """Bars under the curves: a name, a CSS colour and (from, to) in seconds."""

    name: str
    color: str
    spans: Sequence[tuple[float, float]]


def chart(
    title: str, lines: Sequence[Line], seconds: float, *, unit: str = "", lanes: Sequence[Lane] = (),
    span: tuple[float, float] | None = None, offset: float = 0.0, length: float | None = None,
) -> str:
    """One panel.

    Args:
        title: above it.
        lines: at least one.
        seconds: the time of the whole panel.
        unit: written behind the values of its scale.
        lanes: bars below the curves.
        span: lowest and highest value of the scale; by default those of the curves.
        offset, length: seconds at which the curves begin and that they last; by default all of the panel.
    """
    seconds = max(float(seconds), 1e-3)
    numbers = [_thinned(line.values) for line in lines]
    known = np.concatenate([v[np.isfinite(v)] for v in numbers] or [np.zeros(0)])
    low, high = span or (min(0.0, float(known.min())), float(known.max())) if len(known) else (0.0, 1.0)
    room = _ROOM * max(high - low, 1e-6)
    bottom, top = (low, high) if span else (low - room * (low < 0), high + room)
    long = seconds if length is None else length
    drawn = "".join(
        f'<path d="{_path(v, offset / seconds, long / seconds, bottom, top)}" stroke="{html.escape(line.color)}"/>'
        for line, v in zip(lines, numbers))
    scale = "".join(f'<span style="bottom:{100 * (value - bottom) / (top - bottom):.1f}%">{_number(value)}'
                    f"{html.escape(unit)}</span>" for value in _ticks(low, high))
    rules = "".join(f'<line x1="0" x2="1000" y1="{_y(value, bottom, top)}" y2="{_y(value, bottom, top)}"/>'
                    for value in _ticks(low, high))
    bars = "".join(
        f'<div class="lane"><small>{html.escape(lane.name)}</small>'
        + "".join(f'<i style="left:{100 * a / seconds:.2f}%;width:{max(100 * (b - a) / seconds, 0.25):.2f}%;'
                  f'background:{html.escape(lane.color)}"></i>' for a, b in lane.spans) + "</div>" for lane in lanes)
    keys = "".join(f'<span><i style="background:{html.escape(line.color)}"></i>{html.escape(line.name)}</span>'
                   for line in lines if line.name)
    return (
        f'<figure class="chart"><figcaption>{html.escape(title)}<span class="keys">{keys}</span></figcaption>'
        f'<div class="plot" role="slider" tabindex="0" aria-label="Moment, in the curve {html.escape(title)}" '
        f'aria-valuemin="0" aria-valuemax="{seconds:.2f}" aria-valuenow="0" data-seconds="{seconds:.4f}">'
        f'<div class="scale" aria-hidden="true">{scale}</div><div class="field"><svg viewBox="0 0 1000 100" '
        f'preserveAspectRatio="none" aria-hidden="true"><g class="rules">{rules}</g>{drawn}</svg>{bars}'
        f'<b class="head"></b></div></div></figure>')


def angle_charts(curves: Mapping[str, ArrayLike], fps: float) -> str:
    """Joint angles, left and right of a joint in one panel; "" for none."""
    from humanav.view.angles import PANELS
    from humanav.view.colors import LEFT, RIGHT, css

    panels = []
    for kind, words in PANELS:
        lines = [Line(side.capitalize(), css(color), curves[f"{side}_{kind}"])
                 for side, color in (("left", LEFT), ("right", RIGHT)) if f"{side}_{kind}" in curves]
        if lines:
            count = max(len(np.atleast_1d(np.asarray(line.values))) for line in lines)
            panels.append(chart(words, lines, (count - 1) / fps, unit="°"))
    return ('<h2>Joint angles</h2><p class="hint">Press a curve to go to that moment. 0 is straight, or hanging for '
            f'the arm.</p><div class="charts">{"".join(panels)}</div>') if panels else ""


def _thinned(values: ArrayLike) -> NDArray[np.float64]:
    """At most so many values that they can be told apart, the one farthest from the middle of each few."""
    given = np.atleast_1d(np.asarray(values, dtype=object))
    numbers = np.array([np.nan if value is None else value for value in given], dtype=np.float64)
    every = -(-len(numbers) // _MOST)
    if every == 1:
        return numbers
    known = numbers[np.isfinite(numbers)]
    middle = float(np.median(known)) if len(known) else 0.0
    chosen = []
    for begin in range(0, len(numbers), every):
        part = numbers[begin: begin + every]
        away = np.where(np.isfinite(part), np.abs(part - middle), -1)
        chosen.append(part[int(away.argmax())])
    return np.array(chosen)


def _path(values: NDArray[np.float64], start: float, share: float, bottom: float, top: float) -> str:
    text, pen = "", False
    last = max(len(values) - 1, 1)
    for k, value in enumerate(values):
        if not np.isfinite(value):
            pen = False
            continue
        text += f"{'L' if pen else 'M'}{1000 * (start + share * k / last):.1f} {_y(float(value), bottom, top)}"
        pen = True
    return text


def _y(value: float, bottom: float, top: float) -> str:
    return f"{100 * (1 - (min(max(value, bottom), top) - bottom) / (top - bottom)):.1f}"


def _ticks(low: float, high: float) -> list[float]:
    """Three or four round values from low to high."""
    if high - low < 1e-9:
        return [low]
    rough = (high - low) / 2.5
    power = 10.0 ** np.floor(np.log10(rough))
    step = next(k * power for k in (1, 2, 2.5, 5, 10) if k * power >= rough * 0.999)
    first = np.ceil(low / step - 1e-9)
    return [float(k * step) for k in range(int(first), int(np.floor(high / step + 1e-9)) + 1)]


def _number(value: float) -> str:
    return f"{value:.3g}".replace("-", "−")
