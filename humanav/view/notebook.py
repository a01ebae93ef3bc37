"""What the notebooks draw with: pictures as JPEG, bodies to turn, pages in a frame; all of it small, as a file must be.

Nothing here is needed outside a notebook. IPython comes with whatever runs one.
"""

from __future__ import annotations

import base64
import gzip
import html
import io
import os
import sys
from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from humanav.camera import Camera
from humanav.export.gltf import Skinned, SkinnedMesh
from humanav.motion import Motion
from humanav.render.mesh import as_array, rasterize_mesh
from humanav.view.colors import BODY, css
from humanav.view.sheet import contact_sheet

if TYPE_CHECKING:
    import plotly.graph_objects as go

    from humanav.body import BodyModel

_FINE, _CELLS = (0.006, 0.012), (0.010, 0.020, 0.040)  # metres: how long edges are, and the cubes to match
_SKIN = ((201, 190, 174), (96, 150, 214), (226, 142, 74), (112, 176, 122), (190, 112, 158), (150, 150, 158))
_UNPACK = (
    "<script>(async()=>{const b=Uint8Array.from(atob('%s'),c=>c.charCodeAt(0));"
    "const t=await new Response(new Blob([b]).stream().pipeThrough(new DecompressionStream('gzip'))).text();"
    "document.open();document.write(t);document.close()})()</script>"
)


def prepare() -> None:
    """Choose how Plotly shows figures: Colab's own way there; else one that JupyterLab, VS Code and web pages know."""
    import plotly.io as pio
    from plotly.io.base_renderers import MimetypeRenderer

    class Both(MimetypeRenderer):
        """The figure as data, for JupyterLab and VS Code, and as a packed page, for exports and nbviewer."""

        def to_mimebundle(self, figure: dict[str, Any]) -> dict[str, Any]:
            height = figure.get("layout", {}).get("height") or 450
            page = pio.to_html(figure, include_plotlyjs="cdn", include_mathjax=False, auto_play=False, validate=False,
                               config={"responsive": True, "displaylogo": False})
            return {"application/vnd.plotly.v1+json": {"config": {"displaylogo": False}, **figure},
                    "text/html": framed(page, height=height + 20, title="Figure").data}

    pio.renderers["humanav"] = Both()
    pio.renderers.default = "colab" if "google.colab" in sys.modules else "humanav"


def minutes(usual: float) -> float:
    """How long a training may take: ``HUMANAV_NOTEBOOK_MINUTES`` where it is set, as in the tests."""
    return float(os.environ.get("HUMANAV_NOTEBOOK_MINUTES", usual))


def picture(pixels: Any, *, quality: int = 82) -> Any:
    """uint8 RGB (H,W,3) as a JPEG to show: a tenth of the PNG that a notebook would keep."""
    from IPython.display import Image as Shown
    from PIL import Image

    data = io.BytesIO()
    Image.fromarray(np.asarray(pixels)).convert("RGB").save(data, "JPEG", quality=quality)
    return Shown(data.getvalue())


def sheet(
    pictures: Sequence[Any], labels: Sequence[str] | None = None, *, columns: int = 6, height: int = 300,
    width: int = 1400,
) -> Any:
    """Pictures in a grid with labels under them; options as :func:`humanav.view.contact_sheet`."""
    return picture(contact_sheet(pictures, labels, columns=columns, height=height, max_width=width))


def bodies(
    people: Mapping[str, Any], body: BodyModel, *, frame: int = 0, apart: float = 1.0, height: int = 420,
    faces: Any = None, colors: Sequence[tuple[int, int, int]] = _SKIN,
) -> go.Figure:
    """Bodies beside each other, to turn. The mesh is drawn coarser than it is, which keeps the notebook small.

    Args:
        people: by the name written over each: a Motion, of which ``frame`` is drawn, or vertices (V,3) in metres, y up.
        apart: metres from one to the next along x; 0 leaves all where they are.
        faces: (F,3), for vertices that are not ``body``'s.
        colors: RGB, taken in turn.
    """
    import plotly.graph_objects as go

    figure, shown = go.Figure(), []
    for number, (name, who) in enumerate(people.items()):
        posed = body.from_motion(who[frame]).vertices if isinstance(who, Motion) else who
        points = as_array(posed, np.float32).reshape(-1, 3)
        reference = as_array(body.v_template, np.float32) if len(points) == len(body.v_template) else points
        kept, triangles = coarser(reference, body.faces if faces is None else faces, 1.0 if len(people) < 2 else 1.25)
        v = points[kept].copy()
        if apart:
            middle = (v.max(axis=0) + v.min(axis=0)) / 2
            v[:, [0, 2]] -= middle[[0, 2]]
            v[:, 0] += apart * number
        v = np.rint(1000 * np.stack([v[:, 0], -v[:, 2], v[:, 1]], axis=-1)).clip(-32000, 32000).astype(np.int16)
        shown.append(v)
        color = css(colors[number % len(colors)] if len(people) > 1 else BODY)
        figure.add_trace(go.Mesh3d(
            x=v[:, 0], y=v[:, 1], z=v[:, 2], i=triangles[:, 0], j=triangles[:, 1], k=triangles[:, 2], color=color,
            hoverinfo="name", name=name, lighting={"ambient": 0.55, "diffuse": 0.7, "specular": 0.12, "roughness": 0.7},
            lightposition={"x": -2000, "y": -4000, "z": 4000}))
        if len(people) > 1:
            figure.add_trace(go.Scatter3d(
                x=[np.ptp(v[:, 0]) / 2 + v[:, 0].min()], y=[np.ptp(v[:, 1]) / 2 + v[:, 1].min()],
                z=[v[:, 2].max() + 120],
                mode="text", text=[name], hoverinfo="skip", showlegend=False, textfont={"size": 13}))
    _look(figure, np.concatenate(shown), height)
    return figure


def coarser(vertices: Any, faces: Any, scale: float = 1.0) -> tuple[NDArray[np.int64], NDArray[np.uint16]]:
    """A mesh with fewer vertices: all within one small cube become the one nearest their middle.

    Cubes are small where the mesh is fine (face, fingers), and large where it is not. What cannot be seen from outside
    (the mouth, the backs of the eyes) is left away.

    Args:
        vertices: (V,3) metres.
        faces: (F,3).
        scale: of the cubes; more is coarser.

    Returns:
        (M,) the vertices kept, and (F,3) the faces among them.
    """
    kept, triangles, _, order = _coarser(*_bytes(vertices, faces), scale)
    return kept, np.take_along_axis(triangles, order, axis=1)


@lru_cache(maxsize=16)
def _coarser(
    vertex_bytes: bytes, face_bytes: bytes, scale: float = 1.0
) -> tuple[NDArray[np.int64], NDArray[np.uint16], NDArray[np.int64], NDArray[np.int64]]:
    """The vertices kept, faces with their corners in the old places, which face (F,) each was, and the places (F,3) in
    which its corners must be taken to look outwards."""
    v, f = np.frombuffer(vertex_bytes).reshape(-1, 3), np.frombuffer(face_bytes, np.int64).reshape(-1, 3)
    seen = np.flatnonzero(_outside(v, f))
    f = f[seen]
    ends = np.concatenate([f[:, [0, 1]], f[:, [1, 2]], f[:, [2, 0]]])
    length = np.linalg.norm(v[ends[:, 0]] - v[ends[:, 1]], axis=1)
    edge = np.bincount(ends[:, 0], length, len(v)) / np.maximum(np.bincount(ends[:, 0], minlength=len(v)), 1)
    level = np.searchsorted(_FINE, edge)
    cube = np.floor(v / (scale * np.array(_CELLS))[level][:, None]).astype(np.int64)
    _, owner = np.unique(np.concatenate([level[:, None], cube], axis=1), axis=0, return_inverse=True)
    owner = owner.reshape(-1)
    middle = np.stack([np.bincount(owner, v[:, k]) for k in range(3)], axis=1) / np.bincount(owner)[:, None]
    order = np.lexsort([np.linalg.norm(v - middle[owner], axis=1), owner])
    chosen = order[np.unique(owner[order], return_index=True)[1]]
    joined = owner[f]
    whole = (joined[:, 0] != joined[:, 1]) & (joined[:, 1] != joined[:, 2]) & (joined[:, 2] != joined[:, 0])
    joined, source = joined[whole], seen[whole]
    against = (_normals(v, chosen[joined]) * _normals(v, f[whole])).sum(axis=1) < 0  # turned over by the move
    first = np.unique(_turned(joined), axis=0, return_index=True)[1]
    used, joined = np.unique(joined[first], return_inverse=True)
    order = np.where(against[first, None], [2, 1, 0], [0, 1, 2])
    return chosen[used], joined.reshape(-1, 3).astype(np.uint16), source[first], order


def _outside(v: NDArray[np.float64], f: NDArray[np.int64]) -> NDArray[np.bool_]:
    """(F,) whether a face, or one beside it, is seen from any of some directions all round."""
    middle, size = (v.max(axis=0) + v.min(axis=0)) / 2, float(np.ptp(v, axis=0).max())
    seen = np.zeros(len(v), bool)
    for yaw, pitch in ((yaw, pitch) for pitch in (-40, 5, 50) for yaw in range(0, 360, 60)):
        camera = Camera.orbit(middle, 3 * size, yaw, pitch, 640, 640, focal=1700)
        triangle = rasterize_mesh(v, f, camera).triangle
        seen[f[np.unique(triangle[triangle >= 0])]] = True
    return seen[f].any(axis=1)


def framed(content: str, *, height: int = 460, title: str = "3D") -> Any:
    """A page, or a part of one, in a frame of its own. It is packed, and the reader's browser unpacks it.

    Args:
        content: HTML, such as that of ``player_page``, ``player_iframe`` or ``splat_page``.
        height: in pixels.
    """
    from IPython.display import HTML

    page = content if "<html" in content[:200].lower() else (
        f'<!doctype html><meta charset="utf-8"><style>body{{margin:0}}</style><body>{content}</body>')
    packed = base64.b64encode(gzip.compress(page.encode(), 9, mtime=0)).decode()
    # the <div> keeps IPython from advising its own IFrame, which can only show an address
    return HTML(f'<div><iframe title="{html.escape(title)}" srcdoc="{html.escape(_UNPACK % packed)}" '
                f'allow="fullscreen" style="width:100%;height:{height}px;border:0;display:block"></iframe></div>')


def lighter(avatar: Skinned) -> SkinnedMesh:
    """An avatar with a :func:`coarser` mesh and all of its texture, to be played inside a notebook."""
    kept, faces, source, order = _coarser(*_bytes(avatar.vertices, avatar.faces))
    corners = None if avatar.uv_faces is None else np.take_along_axis(avatar.uv_faces[source], order, axis=1)
    return SkinnedMesh(
        avatar.vertices[kept], np.take_along_axis(faces, order, axis=1).astype(np.int64), avatar.joints,
        avatar.skin_index[kept], avatar.skin_weight[kept], avatar.uv, corners, avatar.texture)


def table(
    rows: Mapping[str, Sequence[Any]], columns: Sequence[str], *, height: int | None = None, first: float = 1.6
) -> go.Figure:
    """A table: rows of cells by their name, under the names of the columns; ``first`` is the width of the names."""
    import plotly.graph_objects as go

    cells = [list(rows), *([str(row[k]) for row in rows.values()] for k in range(len(columns)))]
    sides = ["left", *["right"] * len(columns)]
    figure = go.Figure(go.Table(
        header={"values": ["", *columns], "align": sides, "font": {"size": 13}},
        cells={"values": cells, "align": sides, "font": {"size": 13}, "height": 26},
        columnwidth=[first, *[1] * len(columns)]))
    return figure.update_layout(height=height or 60 + 27 * len(rows), margin={"t": 6, "b": 0, "l": 0, "r": 0})


def _bytes(vertices: Any, faces: Any) -> tuple[bytes, bytes]:
    return (np.ascontiguousarray(as_array(vertices, np.float64)).tobytes(),
            np.ascontiguousarray(as_array(faces, np.int64)).tobytes())


def _normals(v: NDArray[np.float64], f: NDArray[np.int64]) -> NDArray[np.float64]:
    return np.asarray(np.cross(v[f[:, 1]] - v[f[:, 0]], v[f[:, 2]] - v[f[:, 0]]))


def _turned(faces: NDArray[np.int64]) -> NDArray[np.int64]:
    """Faces with their smallest number first, the sense of rotation kept: so equal ones can be told."""
    start = faces.argmin(axis=1)
    return np.take_along_axis(faces, (start[:, None] + np.arange(3)) % 3, axis=1)


def _look(figure: go.Figure, points: NDArray[Any], height: int) -> None:
    """Equal axes without numbers (millimetres), seen from a little above, the floor shown."""
    low, high = points.min(axis=0) - [100.0, 100.0, 20.0], points.max(axis=0) + [100.0, 100.0, 200.0]
    size = (high - low) / (high - low)[2]
    away = max(1.35, 0.62 * float(size[0]))
    hidden = {"showgrid": False, "showticklabels": False, "title": "", "zeroline": False, "showbackground": False}
    floor = {**hidden, "showbackground": True, "backgroundcolor": "rgb(232,235,238)"}
    figure.update_layout(
        height=height, margin={"l": 0, "r": 0, "t": 0, "b": 0}, showlegend=False,
        scene={"aspectmode": "manual", "aspectratio": dict(zip("xyz", size.tolist())),
               "camera": {"eye": {"x": 0.3 * away, "y": -away, "z": 0.22 * away}},
               **{f"{axis}axis": {**(floor if axis == "z" else hidden), "range": [float(low[k]), float(high[k])]}
                  for k, axis in enumerate("xyz")}})
