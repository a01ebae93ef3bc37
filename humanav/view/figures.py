"""Plotly figures: a motion as an animated skeleton, a body as a mesh. Equal axes, y up, metres.

Plotly turns scenes about its own z axis, so a world point (x, y, z) is drawn at (x, -z, y); the axes are named after
the world. Left is blue, right orange, the midline grey; dots on the floor are feet that stand.
"""

from __future__ import annotations

import html
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from humanav.body.names import JOINT_INDEX, JOINT_NAMES, PARENTS
from humanav.motion import Motion
from humanav.render.mesh import as_array, check_mesh
from humanav.view.colors import BODY, CENTRE, LEFT, RIGHT, css, side_color

if TYPE_CHECKING:
    import plotly.graph_objects as go

    from humanav.body import BodyModel

Floats = NDArray[np.float32]

_INK, _GRID = "rgb(128,136,148)", "rgb(186,192,202)"
_FEET = tuple(JOINT_INDEX[name] for name in ("left_ankle", "right_ankle", "left_foot", "right_foot"))
_STANDS, _LOW = 0.25, 0.05  # m/s, and m above the foot's lowest point


def figure_motion(
    motion: Motion, body: BodyModel, *, max_frames: int = 150, follow: bool | None = None, title: str = "",
    height: int = 520,
) -> go.Figure:
    """An animated skeleton with play, pause and a slider.

    Args:
        max_frames: longer motions are thinned evenly.
        follow: keep the person in the middle; by default when it walks farther than 2.5 m.
        title: shown above, or "".
        height: in pixels.
    """
    from humanav.body.landmarks import landmark_positions

    posed = body.from_motion(motion, vertices=False)
    joints = as_array(posed.joints, np.float64)
    standing = foot_contacts(joints, motion.fps)
    crown = landmark_positions(joints, as_array(posed.rotations, np.float64), ("head_top",))
    joints = np.concatenate([joints, crown], axis=1)
    step = max(1, -(-len(joints) // max_frames))
    shown, seconds = joints[::step].copy(), np.arange(len(joints))[::step] / motion.fps
    if follow is None:
        follow = bool(np.ptp(joints[:, 0, [0, 2]], axis=0).max() > 2.5)
    if follow:
        shown[..., [0, 2]] -= shown[:, :1, [0, 2]]
    return _animated(shown, standing[::step], seconds, title or motion.name, height)


def foot_contacts(joints: NDArray[Any], fps: float) -> NDArray[np.bool_]:
    """(T,4) whether left ankle, right ankle, left and right ball of the foot (T,55,3) stand: low and slow."""
    feet = joints[:, _FEET]
    speed = np.zeros(feet.shape[:2])
    if len(feet) > 1:
        speed = np.linalg.norm(np.gradient(feet, 1 / fps, axis=0), axis=-1)
    lowest = np.percentile(feet[..., 1], 2, axis=0)
    pair = np.minimum(lowest[[0, 2]], lowest[[1, 3]])[[0, 0, 1, 1]]  # left and right share a floor
    return (feet[..., 1] < pair + _LOW) & (speed < _STANDS)


def figure_body(
    vertices: Any, faces: Any, *, color: tuple[int, int, int] = BODY, vertex_colors: Any = None, title: str = "",
    height: int = 520,
) -> go.Figure:
    """One body mesh, shaded; colours as bytes, one for all or one per vertex (V,3)."""
    import plotly.graph_objects as go

    v, f = check_mesh(vertices, faces)
    v = _drawn(v).astype(np.float32)
    index = f.astype(np.uint16 if len(v) < 65536 else np.uint32)
    paint: dict[str, Any] = {"color": css(color)}
    if vertex_colors is not None:
        paint = {"vertexcolor": np.asarray(vertex_colors, dtype=np.uint8)}
    mesh = go.Mesh3d(
        x=v[:, 0], y=v[:, 1], z=v[:, 2], i=index[:, 0], j=index[:, 1], k=index[:, 2], hoverinfo="skip",
        flatshading=False, lighting={"ambient": 0.55, "diffuse": 0.7, "specular": 0.12, "roughness": 0.7,
                                     "fresnel": 0.15}, lightposition={"x": -2000, "y": -4000, "z": 4000}, **paint)
    figure = go.Figure(mesh)
    _dress(figure, v, title, height)
    return figure


def plotly_html(
    figure: go.Figure, height: int | None = None, *, script: str | None = None, title: str = "Figure"
) -> str:
    """The figure as an ``<iframe srcdoc>``, frames, buttons and slider alive (a plain Plotly component drops frames).

    Args:
        height: pixels; by default the figure's own.
        script: address at which :func:`plotly_script` is served; None puts plotly.js itself (about 4.5 MB) into the
            frame, which works offline too.
    """
    page = figure.to_html(full_html=True, include_plotlyjs=script if script is not None else True, auto_play=False,
                          config={"displayModeBar": False, "responsive": True})
    page = page.replace("<head>", "<head><style>html,body{margin:0;background:transparent}</style>", 1)
    pixels = height or figure.layout.height or 520
    return (f'<iframe title="{html.escape(title)}" srcdoc="{html.escape(page, quote=True)}" '
            f'style="width:100%;height:{pixels + 4}px;border:0;display:block"></iframe>')


def plotly_script() -> Path:
    """The plotly.js that belongs to the installed plotly: serve it once and give its address to :func:`plotly_html`."""
    import plotly

    return Path(plotly.__file__).parent / "package_data" / "plotly.min.js"


def _drawn(points: NDArray[Any]) -> NDArray[Any]:
    """World (...,3) to Plotly's axes."""
    return np.stack([points[..., 0], -points[..., 2], points[..., 1]], axis=-1)


def _bone_groups() -> list[tuple[str, tuple[int, int, int], list[tuple[int, int]]]]:
    groups: dict[tuple[int, int, int], list[tuple[int, int]]] = {CENTRE: [], LEFT: [], RIGHT: []}
    for j, parent in enumerate(PARENTS):
        if j:
            groups[side_color(JOINT_NAMES[j])].append((parent, j))
    groups[CENTRE].append((JOINT_INDEX["head"], len(JOINT_NAMES)))  # the crown, put after the joints
    return [("middle", CENTRE, groups[CENTRE]), ("left", LEFT, groups[LEFT]), ("right", RIGHT, groups[RIGHT])]


def _animated(
    joints: NDArray[Any], standing: NDArray[Any], seconds: NDArray[Any], title: str, height: int
) -> go.Figure:
    import plotly.graph_objects as go

    floor = float(joints[:, _FEET, 1].min()) - 0.02
    points = _drawn(joints).astype(np.float32).round(3)
    groups = _bone_groups()

    def traces(t: int) -> list[go.Scatter3d]:
        out = []
        for name, color, pairs in groups:
            line = np.full((len(pairs), 3, 3), np.nan, dtype=np.float32)
            line[:, :2] = points[t][np.array(pairs)]
            x, y, z = line.reshape(-1, 3).T
            out.append(go.Scatter3d(x=x, y=y, z=z, mode="lines", name=name, hoverinfo="skip",
                                    line={"color": css(color), "width": 7}))
        on_floor = points[t][list(_FEET)][standing[t]].copy()
        out.append(go.Scatter3d(x=on_floor[:, 0], y=on_floor[:, 1], z=np.full(len(on_floor), floor + 0.02, np.float32),
                                mode="markers", name="standing", hoverinfo="skip",
                                marker={"size": 6, "color": "rgb(30,150,90)"}))
        return out

    figure = go.Figure(traces(0))
    figure.frames = [go.Frame(data=traces(t), name=f"{seconds[t]:.2f}") for t in range(len(points))]
    _dress(figure, points.reshape(-1, 3), title, height, floor)
    if len(points) > 1:
        pace = 1000 * float(seconds[1] - seconds[0])
        go_on = {"frame": {"duration": pace, "redraw": True}, "transition": {"duration": 0}, "fromcurrent": True}
        stop = {"frame": {"duration": 0, "redraw": True}, "transition": {"duration": 0}, "mode": "immediate"}
        steps = [{"args": [[frame.name], stop], "label": frame.name, "method": "animate"} for frame in figure.frames]
        figure.update_layout(
            margin={"b": 70},
            updatemenus=[{"type": "buttons", "direction": "left", "showactive": False, "x": 0, "xanchor": "left",
                          "y": -0.02, "yanchor": "top", "pad": {"t": 14}, "font": {"color": "rgb(52,64,84)"},
                          "bgcolor": "rgb(242,244,247)", "bordercolor": _GRID, "buttons": [
                              {"label": "Play", "method": "animate", "args": [None, go_on]},
                              {"label": "Pause", "method": "animate", "args": [[None], stop]}]}],
            sliders=[{"steps": steps, "x": 0.2, "len": 0.8, "y": -0.02, "yanchor": "top", "pad": {"t": 6},
                      "currentvalue": {"prefix": "", "suffix": " s", "xanchor": "right", "font": {"size": 13}},
                      "ticklen": 0, "minorticklen": 0, "font": {"color": "rgba(0,0,0,0)", "size": 1},
                      "bgcolor": _GRID, "activebgcolor": css(LEFT), "borderwidth": 0}])
        figure.layout.sliders[0].currentvalue.font.color = _INK
    return figure


def _dress(figure: go.Figure, points: NDArray[Any], title: str, height: int, floor: float | None = None) -> None:
    """Equal axes in metres, no clutter, readable on a light and on a dark page."""
    low, high = points.min(0) - 0.15, points.max(0) + 0.15
    if floor is not None:
        low[2] = floor
    size = np.maximum(high - low, (1.2, 1.2, 0.5))
    middle = (low + high) / 2
    middle[2] = low[2] + size[2] / 2
    axes = {}
    for k, (axis, name) in enumerate((("xaxis", "x (m)"), ("yaxis", "z (m)"), ("zaxis", "y (m)"))):
        span = [float(middle[k] - size[k] / 2), float(middle[k] + size[k] / 2)]
        ticks = np.arange(np.ceil(span[0] * 2) / 2, span[1] + 1e-6, 0.5)
        labels = [f"{abs(t) if abs(t) < 1e-6 else -t if axis == 'yaxis' else t:.1f}" for t in ticks]
        axes[axis] = {"range": span, "title": {"text": name}, "tickvals": ticks, "gridcolor": _GRID, "zeroline": False,
                      "ticktext": labels, "showspikes": False, "showbackground": axis == "zaxis",
                      "backgroundcolor": "rgba(128,136,148,0.07)", "color": _INK}
    figure.update_layout(
        height=height, margin={"l": 0, "r": 0, "t": 40 if title else 10, "b": 10}, showlegend=False, template="none",
        title={"text": title, "x": 0.02, "font": {"size": 16}}, paper_bgcolor="rgba(0,0,0,0)",
        font={"color": _INK, "size": 12},
        scene={**axes, "aspectmode": "manual", "dragmode": "turntable",
               "aspectratio": dict(zip("xyz", (size / size.max()).tolist())),
               "camera": {"eye": {"x": 0.66, "y": -1.4, "z": 0.3}, "center": {"x": 0, "y": 0, "z": -0.09}}})
