"""Turn a mesh into a picture: soft studio light, or the colours as they are (``unlit``, for photographed textures)."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from humanav.camera import Camera
from humanav.errors import InputError
from humanav.render import shading
from humanav.render.kernels import KERNEL_LOCK
from humanav.render.mesh import NEAR, MeshBuffers, as_array, check_mesh, rasterize_mesh, vertex_normals

Image = NDArray[np.uint8]
CLAY = (206, 196, 188)
"""Colour of a body without texture (sRGB)."""

_KEY, _RIM = (-0.55, 0.7, 0.75), (0.75, 0.45, -0.6)  # right, up, towards the viewer
_KEY_COLOR, _SKY, _GROUND, _RIM_COLOR = (0.80, 0.77, 0.72), (0.46, 0.50, 0.56), (0.22, 0.20, 0.19), (0.34, 0.36, 0.40)


class TexturePyramid:
    """A texture with its halved copies, so that a small picture of a large texture does not sparkle.

    Build it once and pass it to :func:`render_mesh` instead of the array when many pictures are made.

    Args:
        image: (H,W,3) uint8, first row on top; v = 0 is its bottom row.
    """

    def __init__(self, image: Any, levels: int = 4) -> None:
        base = as_array(image, np.uint8)
        if base.ndim != 3 or base.shape[2] != 3 or 0 in base.shape:
            raise InputError(f"A texture must be an RGB picture (H,W,3); got {base.shape}.")
        self.levels: list[Image] = [_frozen(base)]
        while len(self.levels) < levels and min(self.levels[-1].shape[:2]) >= 128:
            above = self.levels[-1]
            half = np.empty((above.shape[0] // 2, above.shape[1] // 2, 3), dtype=np.uint8)
            with KERNEL_LOCK:
                shading.halve(above, half)
            self.levels.append(_frozen(half))

    def level_for(self, uv: NDArray[np.float32], uv_faces: NDArray[np.int64], triangle: NDArray[np.int32]) -> Image:
        """The level with about one texel per drawn pixel."""
        seen = np.bincount(triangle.ravel()[triangle.ravel() >= 0], minlength=len(uv_faces)) > 0
        a, b, c = (uv[uv_faces[seen, k]].astype(np.float64) for k in range(3))
        area = 0.5 * np.abs((b[:, 0] - a[:, 0]) * (c[:, 1] - a[:, 1]) - (b[:, 1] - a[:, 1]) * (c[:, 0] - a[:, 0])).sum()
        texels = area * self.levels[0].shape[0] * self.levels[0].shape[1] / max(1, int((triangle >= 0).sum()))
        # a seen triangle is often partly hidden, so this overestimates a little: round down
        return self.levels[int(np.clip(np.floor(0.5 * np.log2(max(texels, 1e-6))), 0, len(self.levels) - 1))]


def render_mesh(
    vertices: Any, faces: Any, camera: Camera, *, color: Any = None, vertex_colors: Any = None, texture: Any = None,
    uv: Any = None, uv_faces: Any = None, unlit: bool = False, background: Any = (255, 255, 255), supersample: int = 2,
    normals: Any = None, buffers: MeshBuffers | None = None,
) -> tuple[Image, NDArray[np.float32]]:
    """A picture of a mesh.

    The colour comes from ``texture`` with ``uv`` and ``uv_faces``, else ``vertex_colors``, else ``color``, else clay.
    Colours are sRGB: integers 0..255 or floats 0..1.

    Args:
        vertices, faces: as :func:`~humanav.render.mesh.rasterize_mesh`.
        color: (3,) one colour for all.
        vertex_colors: (V,3).
        texture: (H,W,3) uint8 or a :class:`TexturePyramid`; v = 0 is its bottom row.
        uv, uv_faces: (VT,2) and (F,3).
        unlit: show the colours as they are, without light.
        background: a colour, a picture (H,W,3) uint8 of the camera's size, or None: then rgb is the mesh's own colour
            right up to the edge and 0 elsewhere, ready to be pasted with alpha.
        supersample: n x n samples a pixel, box-filtered.
        normals: (V,3) if known already.
        buffers: result of ``rasterize_mesh(vertices, faces, camera.scaled(supersample))`` if known already.

    Returns:
        rgb uint8 (H,W,3) and alpha float32 (H,W), the covered part of each pixel.

    Raises:
        InputError: as rasterize_mesh; colours, texture or background of the wrong shape.
    """
    v, f = check_mesh(vertices, faces)
    shape = (camera.height, camera.width)
    rgb, alpha = np.zeros((*shape, 3), dtype=np.float32), np.zeros(shape, dtype=np.float32)
    whole, (left, top, right, bottom) = camera, (0, 0, camera.width, camera.height)
    if buffers is None and len(f):  # draw only the part of the picture the mesh can be in
        left, top, right, bottom = _extent(v, camera)
        camera = camera.cropped(left, top, right - left, bottom - top)
    part = np.s_[top:bottom, left:right]
    if len(f):
        if buffers is None:
            buffers = rasterize_mesh(v, f, _supersampled(camera, supersample))
        if buffers.triangle.shape != (camera.height * supersample, camera.width * supersample):
            raise InputError("The given buffers do not belong to this camera and number of samples.")
        colors, color_faces = _colors(color, vertex_colors, len(v), f)
        picture, corner_uv, corner_faces = _texture(texture, uv, uv_faces, f, buffers)
        shading_normals = np.zeros((1, 3), dtype=np.float32)
        if not unlit:
            shading_normals = vertex_normals(v, f) if normals is None else as_array(normals, np.float32)
        near = np.zeros((camera.height, camera.width, 3), np.float32), np.zeros_like(alpha[part], order="C")
        with KERNEL_LOCK:
            shading.shade_pixels(
                buffers.triangle, buffers.barycentric, supersample, f, shading_normals, colors, color_faces, picture,
                corner_uv, corner_faces, texture is not None, unlit, _rays(camera, supersample), _lights(whole),
                *near)
        rgb[part], alpha[part] = near
    if background is None:
        return (np.clip(rgb, 0, 1) * 255 + 0.5).astype(np.uint8), alpha
    below = _background(background, shape)
    out = np.empty((*shape, 3), dtype=np.uint8)
    with KERNEL_LOCK:
        shading.composite(rgb, alpha, below, out)
    return out, alpha


def _supersampled(camera: Camera, samples: int) -> Camera:
    return camera.scaled(samples) if samples > 1 else camera


def _extent(vertices: NDArray[np.float64], camera: Camera) -> tuple[int, int, int, int]:
    """Left, top, right, bottom of the part that can be drawn on: all of it when some vertex is not in front."""
    pixels, depth = camera.project(vertices)
    if depth.min() < 2 * NEAR:
        return 0, 0, camera.width, camera.height
    low, high = np.floor(pixels.min(0)), np.ceil(pixels.max(0))
    left, top = (int(np.clip(low[k] - 1, 0, size - 1)) for k, size in enumerate((camera.width, camera.height)))
    right, bottom = (int(np.clip(high[k] + 1, start + 1, size)) for k, start, size in (
        (0, left, camera.width), (1, top, camera.height)))
    return left, top, right, bottom


def to_srgb(color: Any) -> NDArray[np.float32]:
    """Colours (...,3) as floats 0..1 from integers 0..255 or floats 0..1."""
    array = color.detach().cpu().numpy() if hasattr(color, "detach") else np.asarray(color)
    scale = 255.0 if np.issubdtype(array.dtype, np.integer) else 1.0
    return np.ascontiguousarray(array, dtype=np.float32) / np.float32(scale)


def _colors(
    color: Any, vertex_colors: Any, count: int, faces: NDArray[np.int64]
) -> tuple[NDArray[np.float32], NDArray[np.int64]]:
    if vertex_colors is not None:
        values = to_srgb(vertex_colors)
        if values.shape != (count, 3):
            raise InputError(f"vertex_colors must be ({count}, 3), one colour per vertex; got {values.shape}.")
        return values, faces
    value = to_srgb(CLAY if color is None else color)
    if value.shape != (3,):
        raise InputError(f"A colour has three numbers; got {value.shape}.")
    return value[None], np.zeros_like(faces)


def _texture(
    texture: Any, uv: Any, uv_faces: Any, faces: NDArray[np.int64], buffers: MeshBuffers
) -> tuple[Image, NDArray[np.float32], NDArray[np.int64]]:
    if texture is None:
        return _frozen(np.zeros((1, 1, 3), np.uint8)), np.zeros((1, 2), np.float32), np.zeros((1, 3), np.int64)
    if uv is None or uv_faces is None:
        raise InputError("A textured mesh needs uv and uv_faces.")
    coordinates, corners = as_array(uv, np.float32), as_array(uv_faces, np.int64)
    if corners.shape != faces.shape or coordinates.ndim != 2 or coordinates.shape[1] != 2:
        raise InputError(f"uv must be (VT,2) and uv_faces {faces.shape}; got {coordinates.shape}, {corners.shape}.")
    pyramid = texture if isinstance(texture, TexturePyramid) else TexturePyramid(texture)
    return pyramid.level_for(coordinates, corners, buffers.triangle), coordinates, corners


def _frozen(image: Image) -> Image:
    """The same pixels, read-only: kernels are compiled anew for arrays that may be written to."""
    seen = image.view()
    seen.flags.writeable = False
    return seen


def _rays(camera: Camera, samples: int) -> NDArray[np.float64]:
    inverse = camera.R.T @ np.linalg.inv(camera.K)
    step = 1.0 / samples
    return np.ascontiguousarray([inverse[:, 0] * step, inverse[:, 1] * step, inverse[:, 2],
                                 inverse @ np.array([step / 2, step / 2, 1.0])])


def _lights(camera: Camera) -> NDArray[np.float64]:
    """Light that stands with the camera, upright in the world, so that every view of a turntable is lit well."""
    forward = camera.R[2] * (1.0, 0.0, 1.0)
    forward = forward / np.linalg.norm(forward) if np.linalg.norm(forward) > 1e-3 else camera.R[1] * (-1.0)
    right = np.cross(forward, (0.0, 1.0, 0.0))
    axes = np.stack([right, np.array([0.0, 1.0, 0.0]), -forward])
    key, rim = (np.asarray(d) / np.linalg.norm(d) @ axes for d in (_KEY, _RIM))
    return np.ascontiguousarray([key, _KEY_COLOR, _SKY, _GROUND, rim, _RIM_COLOR], dtype=np.float64)


def _background(background: Any, shape: tuple[int, int]) -> Image:
    array = np.asarray(background)
    if array.shape == (3,):
        return np.ascontiguousarray(to_srgb(array) * 255 + 0.5, dtype=np.float32).astype(np.uint8).reshape(1, 1, 3)
    if array.shape != (*shape, 3):
        raise InputError(f"The background must be a colour or a picture of shape {(*shape, 3)}; got {array.shape}.")
    return np.ascontiguousarray(array, dtype=np.uint8)
