"""The place a person stands in: a soft backdrop, a floor with a grid in metres, and the shadow under the feet."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numba import njit, prange
from numpy.typing import NDArray

from humanav.camera import Camera
from humanav.render.kernels import KERNEL_LOCK

Floats = NDArray[np.float32]

SHADOW_SIDE = 2.6
"""Side of a shadow map in metres."""

_CELLS = 128  # a side of a shadow map


@dataclass(frozen=True)
class StageColors:
    """sRGB bytes of the backdrop (top and horizon), the floor and the grid lines."""

    top: tuple[int, int, int] = (226, 229, 233)
    horizon: tuple[int, int, int] = (246, 247, 248)
    floor: tuple[int, int, int] = (238, 239, 241)
    line: tuple[int, int, int] = (198, 203, 210)


LIGHT = StageColors()
DARK = StageColors((24, 26, 31), (44, 47, 54), (38, 41, 47), (74, 79, 88))


@njit(cache=True, parallel=True, nogil=True)
def _paint(
    rays: Any, eye: Any, floor: float, center: Any, reach: float, shadow: Any, extent: float, focal: float, colors: Any,
    out: Any,
) -> None:
    height, width = out.shape[0], out.shape[1]
    cells = shadow.shape[0]
    for y in prange(height):
        backdrop = min(1.0, max(0.0, (y + 0.5) / height * 1.25))
        for x in range(width):
            dx = rays[2, 0] + (x + 0.5) * rays[0, 0] + (y + 0.5) * rays[1, 0]
            dy = rays[2, 1] + (x + 0.5) * rays[0, 1] + (y + 0.5) * rays[1, 1]
            dz = rays[2, 2] + (x + 0.5) * rays[0, 2] + (y + 0.5) * rays[1, 2]
            mix, line, dark, s, px, pz = 0.0, 0.0, 0.0, 0.0, 0.0, 0.0
            if dy < -1e-4 and eye[1] > floor:
                s = (floor - eye[1]) / dy
                px, pz = eye[0] + s * dx, eye[2] + s * dz
                from_center = np.sqrt((px - center[0]) ** 2 + (pz - center[2]) ** 2)
                if from_center < 2.5 * reach:
                    mix = np.exp(-((from_center / reach) ** 2))
            if mix > 0.004:
                length = np.sqrt(dx * dx + dy * dy + dz * dz)
                footprint = s * length / focal * 0.7
                for axis in range(2):
                    p = px if axis == 0 else pz
                    stretch = footprint * (1.0 if axis == 0 else min(12.0, length / -dy))
                    for step in range(2):
                        spacing = 0.5 if step == 0 else 1.0
                        wide = 0.006 if step == 0 else 0.012
                        away = abs(p / spacing - np.round(p / spacing)) * spacing
                        blur = max(wide, stretch)
                        value = wide / blur * max(0.0, 1.0 - away / (blur * 1.2)) * (0.55 if step == 0 else 1.0)
                        line = max(line, min(1.0, value * 1.4))
                u = ((px - center[0]) / extent + 0.5) * cells - 0.5
                v = ((pz - center[2]) / extent + 0.5) * cells - 0.5
                if 0 <= u < cells - 1 and 0 <= v < cells - 1:
                    i, j = int(u), int(v)
                    a, b = u - i, v - j
                    dark = ((1 - a) * (1 - b) * shadow[j, i] + a * (1 - b) * shadow[j, i + 1]
                            + (1 - a) * b * shadow[j + 1, i] + a * b * shadow[j + 1, i + 1])
            for c in range(3):
                back = (1 - backdrop) * colors[0, c] + backdrop * colors[1, c]
                ground = colors[2, c] + line * (colors[3, c] - colors[2, c])
                value = back + mix * (ground - back)
                out[y, x, c] = np.uint8(value * (1.0 - dark) + 0.5)


def paint_stage(
    camera: Camera, center: Any, floor: float = 0.0, shadow: Floats | None = None, colors: StageColors = LIGHT,
    reach: float = 3.2,
) -> NDArray[np.uint8]:
    """The empty stage (H,W,3) uint8 as ``camera`` sees it.

    Args:
        center: (3,) where the person stands; the floor fades out around it.
        floor: height of the floor, metres.
        shadow: from :func:`contact_shadow` with the same centre.
        colors: :data:`LIGHT` or :data:`DARK`.
        reach: metres over which the floor fades.
    """
    rays = np.ascontiguousarray((camera.R.T @ np.linalg.inv(camera.K)).T)
    out = np.empty((camera.height, camera.width, 3), dtype=np.uint8)
    palette = np.array([colors.top, colors.horizon, colors.floor, colors.line], dtype=np.float64)
    dark = np.zeros((2, 2), dtype=np.float32) if shadow is None else shadow
    with KERNEL_LOCK:
        _paint(rays, np.ascontiguousarray(camera.center), float(floor), np.asarray(center, dtype=np.float64),
               float(reach), dark, SHADOW_SIDE, camera.focal, palette, out)
    return out


def vertex_areas(vertices: Any, faces: Any) -> Floats:
    """A third of the faces' areas at each vertex (V,), square metres: the weights of :func:`contact_shadow`."""
    v, f = np.asarray(vertices, dtype=np.float64), np.asarray(faces)
    area = np.linalg.norm(np.cross(v[f[:, 1]] - v[f[:, 0]], v[f[:, 2]] - v[f[:, 0]]), axis=1) / 6
    return np.bincount(f.ravel(), np.repeat(area, 3), len(v)).astype(np.float32)


def contact_shadow(
    vertices: NDArray[Any], areas: Floats, center: Any, floor: float = 0.0, strength: float = 0.5
) -> Floats:
    """How much light a body takes from the floor beneath it, a square map of 0..strength.

    Parts close to the floor cast a small dark shadow, high ones a wide faint one, as under a large soft lamp.
    """
    from scipy.ndimage import gaussian_filter

    at = ((vertices[:, [0, 2]] - np.asarray(center, dtype=np.float64)[[0, 2]]) / SHADOW_SIDE + 0.5) * _CELLS
    cell = np.floor(at).astype(np.int64)
    inside = ((cell >= 0) & (cell < _CELLS)).all(1)
    index = cell[inside, 1] * _CELLS + cell[inside, 0]
    height = np.maximum(vertices[inside, 1] - floor, 0)
    cell_area = (SHADOW_SIDE / _CELLS) ** 2
    light = np.ones((_CELLS, _CELLS))
    for reach, blur, depth in ((0.04, 0.016, 0.45), (0.22, 0.06, 0.22), (1.2, 0.24, 0.22)):
        weight = areas[inside] * np.exp(-height / reach)
        layer = np.bincount(index, weight, _CELLS * _CELLS).reshape(_CELLS, _CELLS) / cell_area
        light *= 1 - depth * (1 - np.exp(-1.5 * gaussian_filter(layer, blur / SHADOW_SIDE * _CELLS)))
    return (strength / 0.5 * np.minimum(1 - light, 0.75)).astype(np.float32)
