"""The curve under the player: values over the time of an animation, and the moments worth a look."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

BEFORE, AFTER, TRUTH = (214, 122, 26), (29, 148, 121), (128, 134, 144)
"""Colours (sRGB) of what came in, what came out and what it should have been; the first two differ for every eye."""


def curve(
    lines: Mapping[str, tuple[ArrayLike, str]], seconds: float, *, title: str, unit: str = "",
    marks: Sequence[tuple[float, str]] = (), marks_title: str = "Worst moments",
    spans: Sequence[tuple[float, float]] = (), spans_label: str = "", axis: tuple[str, str] | None = None,
) -> dict[str, Any]:
    """What :func:`humanav.view.player_page` draws under the player; plain JSON values.

    Args:
        lines: name to (values, CSS colour); the values are spread evenly over the time, NaN leaves a gap.
        seconds: from the first value to the last; must be that of the animation.
        title, unit: written above and at the values.
        marks: (seconds, words): buttons that go there; dots on the first line.
        marks_title: before the buttons.
        spans: (from, to) in seconds, shaded; spans_label says why.
        axis: words at the left and right end in place of seconds.
    """
    drawn = []
    for name, (values, color) in lines.items():
        numbers = np.atleast_1d(np.asarray(values, dtype=np.float64))
        drawn.append({"name": name, "color": color,
                      "values": [round(float(v), 4) if np.isfinite(v) else None for v in numbers]})
    found: dict[str, Any] = {
        "lines": drawn, "seconds": max(float(seconds), 1e-3), "title": title, "unit": unit, "marksTitle": marks_title,
        "marks": [{"time": round(float(t), 3), "label": label} for t, label in marks],
        "spans": [[round(float(a), 3), round(float(b), 3)] for a, b in spans], "spanLabel": spans_label}
    return found if axis is None else found | {"axis": list(axis)}


def clay(color: tuple[int, int, int], tint: float = 0.55) -> tuple[float, float, float]:
    """A body's material of this colour (sRGB bytes): clay with so much of it, as linear RGB 0..1 for glTF."""
    share = (tint * np.asarray(color, dtype=np.float64) + (1 - tint) * np.array([206, 200, 192])) / 255
    light = np.where(share <= 0.04045, share / 12.92, ((share + 0.055) / 1.055) ** 2.4)
    return (float(light[0]), float(light[1]), float(light[2]))
