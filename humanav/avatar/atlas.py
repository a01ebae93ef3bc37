"""The texture atlas: where every chart lies, which surface point each texel shows, and the gutter round the charts."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray
from scipy.sparse.csgraph import connected_components

from humanav.avatar.surface import adjacency_matrix
from humanav.render import rasterize_uv

Floats = NDArray[np.float32]
BODY_SHARE = 0.78
"""Side of the body's charts when a skirt takes the strip above them."""
_FREE_CORNER = (0.70, 0.865, 0.99, 0.99)


@dataclass(frozen=True)
class Texels:
    """Every texel that lies on the surface.

    Attributes:
        size: side of the texture in texels.
        place: (T,) flat index into the texture, row by row from the top.
        face: (T,) face of the mesh; ``barycentric``: (T,3) place in it.
    """

    size: int
    place: NDArray[np.int64]
    face: NDArray[np.int32]
    barycentric: Floats

    def picture(self, values: NDArray[Any]) -> NDArray[Any]:
        """(S,S,...) picture of per-texel values (T,...); 0 off the charts."""
        flat = np.zeros((self.size * self.size, *values.shape[1:]), dtype=values.dtype)
        flat[self.place] = values
        return flat.reshape(self.size, self.size, *values.shape[1:])


def texels(uv: Floats, uv_faces: NDArray[Any], size: int) -> Texels:
    """The texels of a ``size`` x ``size`` texture."""
    buffers = rasterize_uv(uv, uv_faces, size)
    place = np.flatnonzero(buffers.triangle.ravel() >= 0)
    return Texels(size, place, buffers.triangle.ravel()[place], buffers.barycentric.reshape(-1, 3)[place])


def fill_gutter(texture: NDArray[np.uint8], atlas: Texels) -> NDArray[np.uint8]:
    """Texels off the charts take the colour of the nearest texel on one, so that filtering shows no seams."""
    outside = np.ones(texture.shape[:2], dtype=np.uint8)
    outside.ravel()[atlas.place] = 0
    _, labels = cv2.distanceTransformWithLabels(outside, cv2.DIST_L2, 3, labelType=cv2.DIST_LABEL_PIXEL)
    source = np.zeros(int(labels.max()) + 1, dtype=np.int64)
    source[labels.ravel()[atlas.place]] = atlas.place
    return texture.reshape(-1, 3)[source[labels.ravel()]].reshape(texture.shape)


def charts(uv: Floats, uv_faces: NDArray[Any]) -> NDArray[np.int64]:
    """(F,) chart of each face."""
    _, label = connected_components(adjacency_matrix(np.asarray(uv_faces, dtype=np.int64), len(uv)), directed=False)
    return label[uv_faces[:, 0]]


def enlarge_eyes(uv: Floats, uv_faces: NDArray[Any], faces: NDArray[Any], rest: Floats, eyes: Floats) -> Floats:
    """The charts of the eyeballs' fronts, blown up into the free corner of the atlas where there is room.

    The body's own layout gives an eye some twenty texels; a face needs more.

    Args:
        eyes: (2,3) rest positions of the eye joints.
    """
    label = charts(uv, uv_faces)
    centres = rest[faces].mean(axis=1)
    moved = uv.copy()
    fronts = []
    for chart in np.unique(label):
        member = label == chart
        centre = centres[member].mean(axis=0)
        away = np.linalg.norm(eyes - centre, axis=1)
        spread = np.ptp(uv[np.unique(uv_faces[member])], axis=0).max()
        if away.min() < 0.025 and spread < 0.02 and centre[2] > eyes[away.argmin(), 2]:
            fronts.append((centre[0], chart))
    x0, y0, x1, y1 = _FREE_CORNER
    coarse = rasterize_uv(uv, uv_faces, 512).triangle
    corner = coarse[int((1 - y1) * 512): int((1 - y0) * 512), int(x0 * 512): int(x1 * 512)]
    used = np.unique(label[corner[corner >= 0]])
    if len(fronts) != 2 or any(np.ptp(uv[np.unique(uv_faces[label == c])], axis=0).max() > 0.02 for c in used):
        return moved
    side = (y1 - y0) * 0.56
    for k, (_, chart) in enumerate(sorted(fronts)):
        corners = np.unique(uv_faces[label == chart])
        low, extent = uv[corners].min(axis=0), np.ptp(uv[corners], axis=0).max()
        # above the row of small charts that already lies in the corner
        moved[corners] = (uv[corners] - low) / extent * side + (x0 + 0.16 + k * (side + 0.01), y0 - 0.01)
    others = [c for c in used if c not in {chart for _, chart in fronts}]
    for k, chart in enumerate(others):
        corners = np.unique(uv_faces[label == chart])
        moved[corners] = uv[corners] - uv[corners].min(axis=0) + (x0 + 0.01 + 0.03 * k, y1 - 0.02)
    return moved


def make_room(uv: Floats) -> Floats:
    """The body's charts scaled into the lower left, which leaves a strip above them for a skirt."""
    return (uv * BODY_SHARE).astype(np.float32)


def strip_uv(u: Floats, v: Floats) -> Floats:
    """Coordinates (N,2) in the strip above the body's charts, from ``u``, ``v`` in 0..1."""
    margin = 0.004
    bottom = BODY_SHARE + margin
    return np.stack([margin + u * (1 - 2 * margin), bottom + v * (1 - margin - bottom)], axis=1).astype(np.float32)
