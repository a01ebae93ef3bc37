"""A person put into a clip: drawn by the clip's own camera over each background, with a shadow on the floor.

Everything is done one frame at a time, so that a long clip needs no more memory than a short one.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from humanav.camera import Camera
from humanav.errors import InputError
from humanav.motion import Motion
from humanav.render import (
    LIGHT,
    SHADOW_SIDE,
    MeshBuffers,
    StageColors,
    TexturePyramid,
    contact_shadow,
    interpolate,
    paint_stage,
    rasterize_mesh,
    render_mesh,
    vertex_areas,
    vertex_normals,
)
from humanav.render.mesh import NEAR, as_array
from humanav.view.splat_frames import GaussianFigure
from humanav.view.turntable import Poseable

if TYPE_CHECKING:
    from humanav.avatar.gaussian import GaussianAvatar, PosedGaussians

Frame = NDArray[np.uint8]
Floats = NDArray[np.float64]

MAX_SIDE = 1280
"""Longer side of composited frames in pixels."""
SHADOW = 0.62
"""How much of the floor's light is taken at most, under a foot."""
PLAIN = replace(LIGHT, line=LIGHT.floor)
"""A stage without a grid."""

_SIGMAS = 3.33  # where an opaque Gaussian falls under 1/255, and is drawn no more
_FILL = 0.8  # of the picture, for a camera that is placed
_USUAL = 0.2  # mean linear light of a well exposed picture
_ADAPT, _TINT = 0.3, 0.2  # how far a person follows the scene's brightness and colour
_DARKEST, _BRIGHTEST = 0.7, 1.06
_ABOVE, _NEAR_FLOOR = 0.07, 0.18  # light more on surfaces that look up and less on others; less close to the floor


def fitting_size(width: int, height: int, max_side: int = MAX_SIDE) -> tuple[int, int]:
    """Width and height, even, with the longer side at most ``max_side``."""
    factor = min(1.0, max_side / max(width, height))
    return max(2, round(width * factor / 2) * 2), max(2, round(height * factor / 2) * 2)


def resized(picture: Frame, size: tuple[int, int]) -> Frame:
    """The whole picture (H,W,3) at another (width, height)."""
    import cv2

    if (picture.shape[1], picture.shape[0]) == size:
        return picture
    smaller = picture.shape[1] * picture.shape[0] > size[0] * size[1]
    return np.asarray(cv2.resize(picture, size, interpolation=cv2.INTER_AREA if smaller else cv2.INTER_CUBIC))


def cropped_to(picture: Frame, size: tuple[int, int]) -> Frame:
    """The middle of the picture (H,W,3), as large as possible, in the shape of (width, height) and of that size."""
    height, width = picture.shape[:2]
    factor = min(width / size[0], height / size[1])
    w, h = max(1, round(size[0] * factor)), max(1, round(size[1] * factor))
    left, top = (width - w) // 2, (height - h) // 2
    return resized(np.ascontiguousarray(picture[top: top + h, left: left + w]), size)


def for_size(camera: Camera, size: tuple[int, int]) -> Camera:
    """The camera for the same picture at another (width, height)."""
    K = camera.K.copy()
    K[0] *= size[0] / camera.width
    K[1] *= size[1] / camera.height
    return replace(camera, K=K, width=size[0], height=size[1])


def standing_camera(points: Any, size: tuple[int, int], yaw: float = 20.0, pitch: float = 6.0) -> Camera:
    """A camera that stands still, a little above, and sees all ``points`` (N,3) of the world; angles in degrees."""
    points = np.asarray(points, dtype=np.float64).reshape(-1, 3)
    low, high = points.min(axis=0), points.max(axis=0)
    middle, distance = (low + high) / 2, float(np.linalg.norm(high - low)) + 1.0
    for _ in range(12):
        camera = Camera.orbit(middle, distance, yaw, pitch, *size, 1.5 * max(size))
        xy, _ = camera.project(points)
        off = (xy.min(axis=0) + xy.max(axis=0) - size) / 2
        middle = middle + camera.R[:2].T @ (off / camera.focal * distance)
        distance *= float((np.ptp(xy, axis=0) / size).max()) / _FILL
    return camera


def plain_backgrounds(cameras: Iterable[Camera], center: Any, colors: StageColors = PLAIN) -> Iterator[Frame]:
    """An empty stage with its floor at y = 0 as each camera sees it; round ``center`` (3,) there is floor."""
    last: Camera | None = None
    stage: Frame | None = None
    for camera in cameras:
        if stage is None or camera is not last:
            stage, last = paint_stage(camera, center, colors=colors), camera
        yield stage


def composite_frames(
    avatar: Poseable | GaussianAvatar, motion: Motion, cameras: Iterable[Camera], backgrounds: Iterable[Frame], *,
    supersample: int = 2, shadow: float = SHADOW,
) -> Iterator[Frame]:
    """The person over each background, as each frame's camera sees it.

    Nothing but the person and the shadow is painted: other pixels keep their values exactly.

    Args:
        avatar: an Avatar, a GaussianAvatar, or a :class:`~humanav.view.turntable.BodyFigure`.
        motion: T frames in the world, the floor at y = 0.
        cameras: the camera of each frame, of the background's size.
        backgrounds: the picture (H,W,3) uint8 behind each frame.
        supersample: n x n samples a pixel, for smooth edges.
        shadow: the darkest shadow on the floor, 0 (none) to 1.

    Raises:
        InputError: a background of another size than its camera, or fewer cameras or backgrounds than frames.
    """
    from humanav.avatar.gaussian import GaussianAvatar

    painter = _SplatPainter(avatar, shadow) if isinstance(avatar, GaussianAvatar) else _Painter(avatar, supersample,
                                                                                                shadow)
    places, pictures = iter(cameras), iter(backgrounds)
    light: Floats | None = None
    for t in range(len(motion)):
        camera, picture = next(places, None), next(pictures, None)
        if camera is None or picture is None:
            raise InputError(f"The motion has {len(motion)} frames, but its background only {t}: track the clip again.")
        if picture.shape != (camera.height, camera.width, 3):
            raise InputError(f"A background of {picture.shape[1]} x {picture.shape[0]} pixels does not fit a camera of "
                             f"{camera.width} x {camera.height}.")
        light = scene_light(picture) if light is None else light
        yield painter.over(picture, motion, t, camera, light)


def scene_light(picture: Frame) -> Floats:
    """By how much (3,) a person's colours are multiplied in a scene: darker in dark ones, a little of its tint."""
    linear = (picture[::8, ::8].astype(np.float64) / 255) ** 2.2
    mean = linear.reshape(-1, 3).mean(axis=0)
    luminance = max(float(mean @ (0.2126, 0.7152, 0.0722)), 1e-3)
    gain = np.clip((luminance / _USUAL) ** _ADAPT, _DARKEST, _BRIGHTEST)
    tint = 1 + _TINT * (np.clip(mean / luminance, 0.5, 1.5) - 1)
    return np.asarray((gain * tint) ** (1 / 2.2))


def cast_shadow(picture: Frame, shade: NDArray[Any], camera: Camera, center: Any, floor: float = 0.0) -> Frame:
    """A copy of the picture with a shadow on its floor.

    Args:
        shade: from :func:`humanav.render.contact_shadow` with the same centre and floor.
        center: (3,) world position over the middle of the shadow.
        floor: height of the floor, metres. A camera below it sees no shadow.
    """
    import cv2

    out = picture.copy()
    if camera.center[1] <= floor or not shade.any():
        return out
    cell = SHADOW_SIDE / len(shade)
    corner = np.asarray(center, dtype=np.float64)[[0, 2]] - SHADOW_SIDE / 2 + cell / 2  # of the first cell's middle
    plane = np.array([[cell, 0, corner[0]], [0, 0, floor], [0, cell, corner[1]]])  # cell numbers to the world
    onto = camera.K @ (camera.R @ plane + np.outer(camera.t, (0, 0, 1)))
    onto = np.array([[1, 0, -0.5], [0, 1, -0.5], [0, 0, 1]]) @ onto  # cv2 counts from the middle of the first pixel
    ends = onto @ np.array([[x, y, 1] for x in (0, len(shade)) for y in (0, len(shade))], dtype=np.float64).T
    left, top, right, bottom = 0, 0, camera.width, camera.height
    if ends[2].min() > NEAR:
        low, high = np.floor((ends[:2] / ends[2]).min(axis=1)), np.ceil((ends[:2] / ends[2]).max(axis=1)) + 1
        left, top = (int(np.clip(v, 0, side)) for v, side in zip(low, (right, bottom)))
        right, bottom = (int(np.clip(v, 0, side)) for v, side in zip(high, (right, bottom)))
    if right <= left or bottom <= top:
        return out
    onto = np.array([[1, 0, -left], [0, 1, -top], [0, 0, 1]]) @ onto
    dark = cv2.warpPerspective(shade, onto, (right - left, bottom - top), flags=cv2.INTER_LINEAR)
    back = np.linalg.inv(onto)[2]
    ahead = (np.arange(right - left) * back[0])[None] + (np.arange(bottom - top) * back[1])[:, None] + back[2] > 0
    dark = np.where(ahead, np.minimum(dark, 1), 0)[..., None]
    part = out[top:bottom, left:right]
    part[:] = np.where(dark > 0, part * (1 - dark) + 0.5, part).astype(np.uint8)
    return out


def beside(left: Iterable[Frame], right: Iterable[Frame], max_side: int = 960) -> Iterator[Frame]:
    """Pairs of frames side by side, each at most ``max_side`` pixels; the left one takes the right one's height."""
    for a, b in zip(left, right):
        width, height = fitting_size(b.shape[1], b.shape[0], max_side)
        across = max(2, round(a.shape[1] * height / a.shape[0] / 2) * 2)
        yield np.concatenate([resized(a, (across, height)), resized(b, (width, height))], axis=1)


class _Painter:
    """Draws one person; keeps what does not change from frame to frame."""

    def __init__(self, avatar: Poseable, supersample: int, shadow: float) -> None:
        self.avatar, self.supersample, self.shadow = avatar, supersample, shadow
        self.faces = as_array(avatar.faces, np.int64)
        self.areas = vertex_areas(as_array(avatar.vertices, np.float64), self.faces)
        self.pelvis = as_array(avatar.joints, np.float64)[0]
        self.texture = None if avatar.texture is None else TexturePyramid(avatar.texture)

    def over(self, picture: Frame, motion: Motion, frame: int, camera: Camera, light: Floats) -> Frame:
        posed = self._posed(motion, frame)
        vertices = self._points(posed)
        center = self.pelvis + motion.transl[frame]
        shade = contact_shadow(vertices, self.areas, center, strength=self.shadow)
        out = cast_shadow(picture, shade, camera, center)
        box = _box(self._reach(posed, camera), camera)
        if box is None:
            return out
        left, top, right, bottom = box
        color, cover = self._drawn(posed, camera.cropped(left, top, right - left, bottom - top), light)
        part = out[top:bottom, left:right]
        seen = cover > 0
        amount = cover[seen][:, None]
        part[seen] = (color[seen] * amount + part[seen] * (1 - amount) + 0.5).astype(np.uint8)
        return out

    def _posed(self, motion: Motion, frame: int) -> Any:
        return as_array(self.avatar.pose(motion.full_pose[frame], motion.transl[frame]), np.float64)

    def _points(self, posed: Any) -> Floats:
        """(V,3) in the world."""
        return np.asarray(posed, dtype=np.float64)

    def _reach(self, posed: Any, camera: Camera) -> Floats:
        """(V,3) in the world: their box in the camera's picture holds everything that is drawn."""
        return self._points(posed)

    def _drawn(self, vertices: Any, camera: Camera, light: Floats) -> tuple[NDArray[Any], NDArray[np.float32]]:
        """Colours (H,W,3) 0..255 in a soft light from above, and how much of each pixel is covered (H,W)."""
        samples = self.supersample
        buffers = rasterize_mesh(vertices, self.faces, camera.scaled(samples))
        rgb, alpha = render_mesh(
            vertices, self.faces, camera, texture=self.texture, uv=self.avatar.uv, uv_faces=self.avatar.uv_faces,
            color=getattr(self.avatar, "color", None), unlit=self.texture is not None, buffers=buffers,
            supersample=samples, background=None)
        level = np.ones((*alpha.shape, 1), dtype=np.float32)
        if self.texture is not None:  # it was lit when it was photographed: only a little more
            up, height = vertex_normals(vertices, self.faces)[:, 1], np.maximum(vertices[:, 1], 0)
            one = MeshBuffers(*(np.ascontiguousarray(values[::samples, ::samples]) for values in (
                buffers.triangle, buffers.barycentric, buffers.depth)))
            level = interpolate(one, self.faces, _from_above(up, height), 1.0)
        return np.minimum(rgb * (level * light.astype(np.float32)), 255), alpha


class _SplatPainter(_Painter):
    """Draws a Gaussian avatar."""

    def __init__(self, avatar: GaussianAvatar, shadow: float) -> None:
        self.figure, self.shadow = GaussianFigure(avatar), shadow
        self.areas, self.pelvis = self.figure.areas, self.figure.pelvis

    def _posed(self, motion: Motion, frame: int) -> Any:
        return self.figure.posed(motion, frame)

    def _points(self, posed: Any) -> Floats:
        return np.asarray(posed.means, dtype=np.float64)

    def _reach(self, posed: Any, camera: Camera) -> Floats:
        means, axes = self._points(posed), camera.R[:2]
        wide = _SIGMAS * np.sqrt(np.einsum("kc,ncd,kd->kn", axes, posed.covars.astype(np.float64), axes))
        return np.concatenate([means + sign * wide[k, :, None] * axes[k] for sign in (-1, 1) for k in (0, 1)])

    def _drawn(self, posed: PosedGaussians, camera: Camera, light: Floats) -> tuple[NDArray[Any], NDArray[np.float32]]:
        level = _from_above(posed.normals[:, 1], np.maximum(posed.means[:, 1], 0))
        rgb, alpha = self.figure.drawn(posed, camera, level[:, None] * light)
        return np.minimum(255 * rgb / np.maximum(alpha, 1e-6)[..., None], 255), alpha


def _from_above(up: NDArray[Any], height: NDArray[Any]) -> NDArray[Any]:
    """How a soft light from above falls on surfaces that look up (-1..1) at a height (metres) above the floor."""
    return 1 + _ABOVE * up - _NEAR_FLOOR * np.exp(-height / 0.12)


def _box(vertices: Floats, camera: Camera) -> tuple[int, int, int, int] | None:
    """Left, top, right, bottom of the part of the picture the person can be in; None when outside of it."""
    pixels, depth = camera.project(vertices)
    if depth.max() < NEAR:
        return None
    if depth.min() < 2 * NEAR:
        return 0, 0, camera.width, camera.height
    low, high = np.floor(pixels.min(axis=0)) - 2, np.ceil(pixels.max(axis=0)) + 2  # smoothed edges as well
    left, top = (int(np.clip(v, 0, side)) for v, side in zip(low, (camera.width, camera.height)))
    right, bottom = (int(np.clip(v, 0, side)) for v, side in zip(high, (camera.width, camera.height)))
    return (left, top, right, bottom) if right > left and bottom > top else None
