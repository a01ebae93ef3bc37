"""Cameras of a capture in space with the people they see, and how well each pair of them agrees, as Plotly figures."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from humanav.body.landmarks import KEYPOINT_SETS
from humanav.camera import Camera
from humanav.view.colors import CENTRE, LEFT, RIGHT, css, person_color, side_color
from humanav.view.figures import _GRID, _INK, _drawn, _dress
from humanav.view.overlay import bones

if TYPE_CHECKING:
    import plotly.graph_objects as go

    from humanav.multiview.doctor_value import Diagnosis
    from humanav.multiview.value import Matched, Person3D, Rig

Array = NDArray[np.float64]

AGREES, UNSURE, WRONG, UNKNOWN = (30, 150, 90), (214, 150, 30), (205, 55, 55), (128, 136, 148)
"""A camera that fits the others, one that may, one that does not, one of which nothing is known."""
_LONG = 0.09  # of the scene: how far a drawn camera reaches
_RAYS = ("nose", "left_shoulder", "right_shoulder", "left_wrist", "right_wrist", "left_hip", "right_hip", "left_knee",
         "right_knee", "left_ankle", "right_ankle")
_GOOD_PX, _USABLE_PX = 0.008, 0.02  # of the picture's longer side: medians of what a view's points are off by


def rig_figure(
    rig: Rig, matched: Matched | None = None, *, frame: int = 0, rays: bool = True, diagnosis: Diagnosis | None = None,
    person: int = 0, title: str = "", height: int = 560,
) -> go.Figure:
    """The cameras where they stand, coloured by how well they fit, and the people of one frame.

    Args:
        rig: the cameras.
        matched: people in space; left limbs blue, right orange, the midline grey.
        frame: which moment is shown, clipped to those there are.
        rays: draw lines of sight from each camera to the points of one person, as it saw them: lines that miss the
            points show by how much.
        diagnosis: gives the cameras' colours; else what the matched points are off by does.
        person: whose lines of sight, by place in ``matched``.
        title: shown above, or "".
        height: in pixels.
    """
    import plotly.graph_objects as go

    people = matched.people if matched is not None else ()
    frame = int(np.clip(frame, 0, max(0, matched.frames - 1))) if matched is not None else 0
    bodies = [body for body in people if len(body.keypoints)]
    points = [body.keypoints[frame, :, :3][body.keypoints[frame, :, 3] > 0] for body in bodies]
    centres = np.array([camera.center for camera in rig.cameras])
    everything = np.concatenate([centres, *points, _under(centres, points)])
    size = float(np.linalg.norm(np.ptp(everything, axis=0)))
    shades = _shades(rig, bodies, diagnosis)
    traces = []
    if rays and bodies:
        traces += _sight_lines(rig, bodies[min(max(person, 0), len(bodies) - 1)], frame, shades)
    corners = []
    for name, camera, (color, words) in zip(rig.names, rig.cameras, shades):
        drawn, ends = _camera(name, camera, max(_LONG * size, 0.05), color, words)
        traces += drawn
        corners.append(ends)
    for body in bodies:
        traces += _skeleton(body, frame)
    everything = np.concatenate([everything, *corners])
    figure = go.Figure([_floor(everything), *traces])
    _dress(figure, _drawn(everything), title, height, min(0.0, float(everything[:, 1].min())))
    figure.update_layout(
        scene_camera={"eye": {"x": 0.62, "y": -0.92, "z": 0.42}, "center": {"x": 0, "y": 0, "z": -0.12}})
    figure.layout.scene.zaxis.showbackground = False  # the floor has lines of its own
    for axis in ("xaxis", "yaxis", "zaxis"):  # a room is larger than a person: whole metres
        ticks = [(value, text) for value, text in zip(figure.layout.scene[axis].tickvals,
                                                      figure.layout.scene[axis].ticktext) if value == round(value)]
        figure.layout.scene[axis].update(tickvals=[value for value, _ in ticks],
                                         ticktext=[text.removesuffix(".0") for _, text in ticks])
    return figure


def residual_figure(diagnosis: Diagnosis, *, title: str = "", height: int | None = None) -> go.Figure:
    """A table of colours: by how many pixels the rays of each pair of views pass each other, green to red by the share
    of the person's height that is."""
    import plotly.graph_objects as go

    from humanav.multiview.doctor_value import DOUBTFUL, GOOD

    names, share = list(diagnosis.names), np.asarray(diagnosis.pair_share)
    top = 2 * DOUBTFUL
    scale = [[0.0, css(AGREES)], [GOOD / top, "rgb(150,190,110)"], [DOUBTFUL / top, css(UNSURE)], [1.0, css(WRONG)]]
    text, hover = [], []
    for i, a in enumerate(names):
        cells = [(diagnosis.pair_px[i, j], diagnosis.pair_m[i, j], share[i, j]) for j in range(len(names))]
        known = [np.isfinite(px) and i != j for j, (px, _, _) in enumerate(cells)]
        text.append([f"{px:.1f} px" if k else "" for k, (px, _, _) in zip(known, cells)])
        hover.append([f"{a} and {b}: {px:.1f} px, {100 * m:.1f} cm, {100 * s:.1f}% of a person's height" if k else
                      a if a == b else f"{a} and {b} share nobody" for k, b, (px, m, s) in zip(known, names, cells)])
    z = np.where(np.eye(len(names), dtype=bool), np.nan, np.minimum(share, top))
    figure = go.Figure(go.Heatmap(
        z=z, x=names, y=names, text=text, texttemplate="%{text}", hovertext=hover, hoverinfo="text", zmin=0.0, zmax=top,
        colorscale=scale, showscale=False, xgap=3, ygap=3, textfont={"size": 13, "color": "white"}))
    line = {"showgrid": False, "zeroline": False, "color": _INK, "ticks": "", "fixedrange": True}
    figure.update_layout(
        height=height or 110 + 46 * len(names), margin={"l": 70, "r": 10, "t": 46 if title else 14, "b": 34},
        template="none", paper_bgcolor="rgba(0,0,0,0)", plot_bgcolor="rgba(128,136,148,0.07)",
        title={"text": title, "x": 0.02, "font": {"size": 16}}, font={"color": _INK, "size": 12},
        xaxis=line, yaxis={**line, "autorange": "reversed"})
    return figure


def _floor(everything: Array) -> go.Scatter3d:
    """Lines a metre apart on the floor under all of (N,3)."""
    import plotly.graph_objects as go

    low, high = np.floor(everything[:, [0, 2]].min(axis=0)), np.ceil(everything[:, [0, 2]].max(axis=0))
    step = max(1.0, float(np.ceil((high - low).max() / 40)))
    rows = [((x, low[1]), (x, high[1])) for x in np.arange(low[0], high[0] + 1e-6, step)]
    rows += [((low[0], z), (high[0], z)) for z in np.arange(low[1], high[1] + 1e-6, step)]
    line = np.full((len(rows), 3, 3), np.nan)
    line[:, :2, [0, 2]] = rows
    line[:, :2, 1] = 0
    x, y, z = _drawn(line.reshape(-1, 3)).T
    return go.Scatter3d(x=x, y=y, z=z, mode="lines", name="floor", hoverinfo="skip", line={"color": _GRID, "width": 1})


def _paler(color: tuple[int, int, int]) -> tuple[int, int, int]:
    """A thin line's colour, as if it were half seen through on a light or a dark page."""
    return (round(0.55 * color[0] + 80), round(0.55 * color[1] + 80), round(0.55 * color[2] + 80))


def _under(centres: Array, points: list[Array]) -> Array:
    """A place on the floor, so that the box reaches it."""
    middle = np.concatenate([centres, *points]).mean(axis=0)
    return np.array([[middle[0], 0.0, middle[2]]])


def _shades(
    rig: Rig, people: list[Person3D], diagnosis: Diagnosis | None
) -> list[tuple[tuple[int, int, int], str]]:
    """Colour of each camera and what it says when pointed at."""
    out = []
    for v, (name, camera) in enumerate(zip(rig.names, rig.cameras)):
        color, words = UNKNOWN, name
        if diagnosis is not None and name in diagnosis.names:
            from humanav.multiview.doctor_value import DOUBTFUL, GOOD

            place = diagnosis.names.index(name)
            share, px = float(diagnosis.view_share[place]), float(diagnosis.view_px[place])
            blamed = [f.severity for f in diagnosis.findings if name in f.views and not f.mended]
            if np.isfinite(share):
                color = AGREES if share <= GOOD else UNSURE if share <= DOUBTFUL else WRONG
                words = f"{name}: rays pass the other views' by {px:.1f} px, {100 * share:.1f}% of a person's height"
            if "stops" in blamed:
                color = WRONG
            elif "doubtful" in blamed and color == AGREES:
                color = UNSURE
        elif people:
            values = np.concatenate([body.residual[:, v].ravel() for body in people if v < body.residual.shape[1]])
            values = values[np.isfinite(values)]
            if len(values):
                middle = float(np.median(values))
                part = middle / max(camera.height, camera.width)
                color = AGREES if part <= _GOOD_PX else UNSURE if part <= _USABLE_PX else WRONG
                words = f"{name}: {middle:.1f} px from the points in space (median)"
        out.append((color, words))
    return out


def _camera(
    name: str, camera: Camera, long: float, color: tuple[int, int, int], words: str
) -> tuple[list[go.Scatter3d], Array]:
    """A frustum with a notch on its upper edge and the camera's name, and its corners (4,3) in the world."""
    import plotly.graph_objects as go

    w, h = camera.width, camera.height
    pixels = np.array([[0, 0], [w, 0], [w, h], [0, h], [0.4 * w, 0], [0.5 * w, -0.14 * h], [0.6 * w, 0]], dtype=float)
    xy = (pixels - camera.K[:2, 2]) / np.diag(camera.K)[:2]
    longest = float(np.abs(xy[:4]).max())
    depth = long / max(1.0, 1.4 * longest)
    world = (np.concatenate([xy, np.ones((7, 1))], axis=1) * depth - camera.t) @ camera.R
    centre = camera.center
    corner = world[:4]
    order = [corner[0], corner[1], corner[2], corner[3], corner[0], None, *(
        part for c in corner for part in (centre, c, None)), *world[4:7]]
    line = np.array([[np.nan] * 3 if p is None else p for p in order])
    x, y, z = _drawn(line).T
    shown = [go.Scatter3d(x=x, y=y, z=z, mode="lines", name=name, hoverinfo="text", text=words,
                          line={"color": css(color), "width": 4})]
    cx, cy, cz = _drawn(centre[None]).T
    shown.append(go.Scatter3d(x=cx, y=cy, z=cz, mode="markers+text", text=[name], hovertext=[words], hoverinfo="text",
                              name=name, textposition="top center", textfont={"color": css(color), "size": 13},
                              marker={"size": 4, "color": css(color)}))
    return shown, world[:4]


def _skeleton(body: Person3D, frame: int) -> list[go.Scatter3d]:
    """One person's points joined by bones, and their number over the head."""
    import plotly.graph_objects as go

    names = KEYPOINT_SETS[body.keypoint_set]
    points = body.keypoints[frame]
    known = (points[:, 3] > 0) & np.isfinite(points[:, :3]).all(axis=1)
    if not known.any():
        return []
    lines: dict[tuple[int, int, int], list[Any]] = {CENTRE: [], LEFT: [], RIGHT: []}
    place = {name: k for k, name in enumerate(names)}
    middle = {half: (points[place[f"left_{half}"], :3] + points[place[f"right_{half}"], :3]) / 2
              for half in ("hip", "shoulder")
              if f"left_{half}" in place and known[place[f"left_{half}"]] and known[place[f"right_{half}"]]}
    for a, b in bones(names):
        if known[place[a]] and known[place[b]]:
            lines[side_color(a, b)] += [points[place[a], :3], points[place[b], :3], np.full(3, np.nan)]
    if len(middle) == 2:
        lines[CENTRE] += [middle["hip"], middle["shoulder"], np.full(3, np.nan)]
    out = []
    for color, parts in lines.items():
        if parts:
            x, y, z = _drawn(np.array(parts)).T
            out.append(go.Scatter3d(x=x, y=y, z=z, mode="lines", name=f"person {body.person_id}", hoverinfo="skip",
                                    line={"color": css(color), "width": 7}))
    top = points[known][points[known, 1].argmax(), :3] + [0, 0.12, 0]
    x, y, z = _drawn(top[None]).T
    shade = css(person_color(body.person_id))
    out.append(go.Scatter3d(x=x, y=y, z=z, mode="text", text=[body.person_id], hoverinfo="skip",
                            textfont={"color": shade, "size": 15}, name=f"person {body.person_id}"))
    return out


def _sight_lines(
    rig: Rig, body: Person3D, frame: int, shades: list[tuple[tuple[int, int, int], str]]
) -> list[go.Scatter3d]:
    """Lines from each camera along what it saw of a person to where it passes the points nearest."""
    import plotly.graph_objects as go

    from humanav.multiview.rays import undistorted

    names = KEYPOINT_SETS[body.keypoint_set]
    chosen = [names.index(name) for name in _RAYS if name in names]
    points = body.keypoints[frame, chosen]
    seen = body.observed[frame] if len(body.observed) > frame else None
    used = body.used[frame] if len(body.used) > frame else np.zeros((len(rig), len(names)), bool)
    out = []
    for v, (camera, (color, _)) in enumerate(zip(rig.cameras, shades)):
        if v >= len(used):
            break
        ends = []
        for k, point in zip(chosen, points):
            if not (point[3] > 0 and np.isfinite(point[:3]).all() and (used[v, k] or seen is not None)):
                continue
            end = point[:3]
            if seen is not None:
                if seen[v, k, 2] <= 0:
                    continue
                ray = np.append(undistorted(camera, seen[v, k, :2]), 1.0) @ camera.R
                ray = ray / np.linalg.norm(ray)
                end = camera.center + ray * max(0.0, float(ray @ (point[:3] - camera.center)))
            ends += [camera.center, end, np.full(3, np.nan)]
        if ends:
            x, y, z = _drawn(np.array(ends)).T
            out.append(go.Scatter3d(x=x, y=y, z=z, mode="lines", hoverinfo="skip", name="lines of sight",
                                    line={"color": css(_paler(color)), "width": 1.5}))
    return out


__all__ = ["AGREES", "UNKNOWN", "UNSURE", "WRONG", "residual_figure", "rig_figure"]
