"""Why people were matched as they were: the affinities of a frame as a heat map, and epipolar lines on its pictures."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw

from humanav.view.colors import css, person_color
from humanav.view.sheet import label_font

if TYPE_CHECKING:
    import plotly.graph_objects as go

    from humanav.multiview.match_evidence import FrameEvidence

Picture = NDArray[np.uint8]

_HEIGHT = 560
_GAP = 6


def affinity_figure(evidence: FrameEvidence, *, height: int = 460) -> go.Figure:
    """The affinities of all detections of a frame, person by person; a frame round each person's block.

    Args:
        evidence: of :func:`humanav.multiview.explain`.
        height: in pixels.
    """
    import plotly.graph_objects as go

    order = evidence.order
    labels = [_label(evidence, int(i)) for i in order]
    table = evidence.affinity[np.ix_(order, order)]
    same = evidence.views[order][:, None] == evidence.views[order][None]
    shown = np.where(same, np.nan, table)  # nobody is compared within a view
    text = [[f"{a} and {b}<br>" + ("same view" if same[i, j] else f"affinity {table[i, j]:.2f}")
             for j, b in enumerate(labels)] for i, a in enumerate(labels)]
    figure = go.Figure(go.Heatmap(
        z=shown, x=labels, y=labels, zmin=0, zmax=1, colorscale="Blues", text=text, hoverinfo="text", xgap=1, ygap=1,
        colorbar={"title": "affinity", "thickness": 12}))
    for name, begin, end in _blocks(evidence, order):
        figure.add_shape(type="rect", x0=begin - 0.5, x1=end - 0.5, y0=begin - 0.5, y1=end - 0.5,
                         line={"color": css(person_color(name)), "width": 3})
    figure.update_yaxes(autorange="reversed", scaleanchor="x", constrain="domain")
    figure.update_xaxes(constrain="domain", tickangle=-45)
    figure.update_layout(height=height, margin={"l": 10, "r": 10, "t": 36, "b": 10}, plot_bgcolor="rgb(232,235,240)",
                         title={"text": f"Who goes with whom, frame {evidence.frame}", "font": {"size": 14}})
    return figure


def epipolar_picture(
    images: Sequence[Any], evidence: FrameEvidence, *, keypoint: str = "left_wrist", view: int = 0,
    detection: int | None = None, height: int = _HEIGHT,
) -> Picture:
    """All views side by side: a keypoint of one of them, and in the others its ray and how far everybody's is from it.

    Args:
        images: the V pictures (h,w,3) of the frame, of any size.
        evidence: of the frame.
        keypoint: the point's name.
        view: in which view it is marked.
        detection: of which detection; all of the view's by default.
        height: of the picture, pixels.

    Raises:
        InputError: there is no such keypoint.
    """
    lines = evidence.lines(keypoint)
    k = evidence.landmark_names.index(keypoint)
    sources = [int(i) for i in np.flatnonzero(evidence.views == view)
               if detection is None or evidence.detections[i] == detection]
    panels = []
    for number, image in enumerate(images):
        camera = evidence.rig.cameras[number]
        picture = Image.fromarray(np.asarray(image, dtype=np.uint8)).convert("RGB")
        size = (max(1, round(picture.width * height / picture.height)), height)
        picture = Image.blend(picture.resize(size, Image.Resampling.LANCZOS), Image.new("RGB", size), 0.25)
        scale = np.array([size[0] / camera.width, size[1] / camera.height])
        draw, stroke = ImageDraw.Draw(picture), max(1, round(height / 280))
        font = label_font(max(11, height // 40))
        arriving = [line for line in lines if line.view == number and line.source in sources]
        for line in arriving:
            if len(line.pixels) > 1:
                draw.line([tuple(point) for point in line.pixels * scale], fill=_color(evidence, line.source),
                          width=stroke)
        taken: list[tuple[float, float, float, float]] = []
        marks = []
        for member in (int(i) for i in np.flatnonzero(evidence.views == number)):
            if evidence.keypoints[member, k, 2] <= 0:
                continue
            x, y = evidence.keypoints[member, k, :2] * scale
            words = [(_short(evidence, member), (245, 246, 248))]
            words += [(_distance(line.metres[member]), _color(evidence, line.source)) for line in arriving
                      if member in line.metres]
            _write(draw, (x, y), words, font, size, taken, 5 * stroke)
            marks.append((x, y, member))
        for x, y, member in marks:
            reach = 3 * stroke
            draw.ellipse([x - reach, y - reach, x + reach, y + reach], fill=_color(evidence, member),
                         outline=(255, 255, 255), width=stroke)
        title = f"{evidence.names[number]}: {keypoint.replace('_', ' ')}"
        title += " (the rays start here)" if number == view else ", distance from each ray"
        _write(draw, (0, 0), [(title, (245, 246, 248))], font, size, [], 6)
        panels.append(np.asarray(picture))
    gap = np.full((height, _GAP, 3), 255, dtype=np.uint8)
    return np.concatenate([part for panel in panels for part in (panel, gap)][:-1], axis=1)


def _blocks(evidence: FrameEvidence, order: NDArray[np.int64]) -> list[tuple[str, int, int]]:
    """Person, first place and place after the last of each person in the order shown."""
    names = [evidence.people[i] or ("" if any(evidence.people) or evidence.groups[i] < 0
                                    else str(int(evidence.groups[i]) + 1)) for i in order]
    out: list[tuple[str, int, int]] = []
    for place, name in enumerate(names):
        if name and out and out[-1][0] == name:
            out[-1] = (name, out[-1][1], place + 1)
        elif name:
            out.append((name, place, place + 1))
    return out


def _label(evidence: FrameEvidence, member: int) -> str:
    person = evidence.people[member]
    return evidence.labels[member] + (f" (person {person})" if person else "")


def _short(evidence: FrameEvidence, member: int) -> str:
    person = evidence.people[member]
    return f"person {person}" if person else f"#{evidence.detections[member]}"


def _color(evidence: FrameEvidence, member: int) -> tuple[int, int, int]:
    name = evidence.people[member] or (str(int(evidence.groups[member]) + 1) if evidence.groups[member] >= 0 else "")
    return person_color(name) if name else (150, 150, 150)


def _distance(metres: float) -> str:
    return f"{100 * metres:.0f} cm" if np.isfinite(metres) else "never meets"


def _write(
    draw: Any, place: tuple[float, float], words: Sequence[tuple[str, tuple[int, int, int]]], font: Any,
    size: tuple[int, int], taken: list[tuple[float, float, float, float]], away: float,
) -> None:
    """Words in their colours beside a place, on a dark ground, where no others stand (``taken`` is added to)."""
    gap = draw.textlength("  ", font=font)
    width = sum(draw.textlength(text, font=font) for text, _ in words) + gap * (len(words) - 1)
    top, bottom = font.getbbox("Ag0")[1::2]
    height = bottom - top
    x = place[0] + away if place[0] + away + width < size[0] - 4 else place[0] - away - width
    x = min(max(x, 4), max(4, size[0] - 4 - width))
    y = min(max(place[1] - height / 2, 6), size[1] - height - 6)
    while any(x < x1 and x + width > x0 and y < y1 and y + height > y0 for x0, y0, x1, y1 in taken) and (
            y + 2 * height < size[1]):
        y += height + 5
    taken.append((x - 3, y - 3, x + width + 3, y + height + 3))
    draw.rectangle(taken[-1], fill=(20, 24, 30))
    for text, color in words:
        draw.text((x, y - top), text, font=font, fill=color)
        x += draw.textlength(text, font=font) + gap
