"""Moving pictures of a person: a turntable, an animation seen by a camera that follows, and a still poster.

Everything here yields uint8 RGB frames for :func:`humanav.export.write_mp4`.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np
from numpy.typing import NDArray

from humanav.body.names import JOINT_INDEX
from humanav.camera import Camera
from humanav.motion import Motion
from humanav.render import LIGHT, StageColors, TexturePyramid, contact_shadow, paint_stage, render_mesh, vertex_areas
from humanav.render.mesh import as_array
from humanav.view.splat_frames import StagePainter

if TYPE_CHECKING:
    from humanav.avatar.gaussian import GaussianAvatar
    from humanav.body import BodyModel

Frame = NDArray[np.uint8]
_FOCAL = 2.2  # of the picture's height: a portrait lens, about 26 degrees upright
_STRAY = 0.1  # percent of the points that may lie under the floor: a stray one would let the feet hang above it


class Poseable(Protocol):
    """A person that can be posed: an Avatar, or a :class:`BodyFigure`."""

    @property
    def vertices(self) -> NDArray[Any]: ...  # (V,3) at rest
    @property
    def faces(self) -> NDArray[Any]: ...  # (F,3)
    @property
    def joints(self) -> NDArray[Any]: ...  # (55,3) at rest
    @property
    def uv(self) -> NDArray[Any] | None: ...
    @property
    def uv_faces(self) -> NDArray[Any] | None: ...
    @property
    def texture(self) -> NDArray[Any] | None: ...
    def pose(self, full_pose: Any, transl: Any) -> Any: ...  # -> (V,3)


@dataclass(frozen=True)
class BodyFigure:
    """The bare body of one shape, drawn in one colour."""

    body: BodyModel
    betas: Any
    color: tuple[int, int, int] | None = None
    uv: None = None
    uv_faces: None = None
    texture: None = None

    @property
    def vertices(self) -> NDArray[Any]:
        """(V,3) at rest."""
        return as_array(self.body.rest(self.betas)[0], np.float64)

    @property
    def joints(self) -> NDArray[Any]:
        """(55,3) at rest."""
        return as_array(self.body.rest(self.betas)[1], np.float64)

    @property
    def faces(self) -> NDArray[Any]:
        """(F,3)."""
        return as_array(self.body.faces, np.int64)

    def pose(self, full_pose: Any, transl: Any) -> NDArray[Any]:
        """Vertices (V,3) of a pose (55,3) and root translation (3,)."""
        motion = Motion.from_full_pose(np.asarray(full_pose)[None], transl=np.asarray(transl)[None], betas=self.betas)
        vertices = self.body.from_motion(motion).vertices
        assert vertices is not None
        return as_array(vertices[0], np.float64)


def relaxed_pose() -> Motion:
    """One frame: standing upright, arms hanging a little away from the body."""
    pose = np.zeros((1, 55, 3), dtype=np.float32)
    for side, sign in (("left", 1), ("right", -1)):
        pose[0, JOINT_INDEX[f"{side}_shoulder"], 2] = -1.12 * sign
        pose[0, JOINT_INDEX[f"{side}_collar"], 2] = -0.08 * sign
        pose[0, JOINT_INDEX[f"{side}_elbow"], 1] = -0.22 * sign
        for finger in ("index", "middle", "ring", "pinky"):
            for k in (1, 2, 3):
                pose[0, JOINT_INDEX[f"{side}_{finger}{k}"], 2] = -0.18 * sign
    return Motion.from_full_pose(pose, name="relaxed")


def animation_frames(
    avatar: Poseable | GaussianAvatar, motion: Motion, size: tuple[int, int] = (480, 640), *, yaw: float = 20.0,
    pitch: float = 7.0, unlit: bool | None = None, supersample: int = 2, colors: StageColors = LIGHT,
) -> Iterator[Frame]:
    """The motion, one picture a frame, seen by a camera that follows the root and keeps the whole person in view.

    Args:
        size: width and height in pixels.
        yaw, pitch: where the camera stands, degrees; yaw 0 sees the front of a person who faces +z.
        unlit: show the texture as it is; by default so when there is one. Gaussians are drawn by the splatter, always
            as they are and with one sample a pixel.
    """
    painter = _painter(avatar, unlit, supersample, colors)
    path, floor, reach = _plan(painter, motion, yaw)
    camera_of = _framing(size, reach, floor, pitch)
    for t in range(len(motion)):
        yield painter.frame(painter.posed(motion, t), camera_of(path[t], yaw), path[t], floor)


def turntable(
    avatar: Poseable | GaussianAvatar, size: tuple[int, int] = (480, 640), *, pose: Motion | None = None,
    seconds: float = 4.0, fps: float = 25.0, yaw: float = 0.0, pitch: float = 7.0, unlit: bool | None = None,
    supersample: int = 2, colors: StageColors = LIGHT,
) -> Iterator[Frame]:
    """Once round the person: ``seconds * fps`` pictures that join into a loop.

    Args:
        pose: its first frame is shown, by default :func:`relaxed_pose`.
        yaw: degrees, where the camera starts; it then moves towards the person's left side.
    """
    painter = _painter(avatar, unlit, supersample, colors)
    motion = (pose if pose is not None else relaxed_pose())[0]
    path, floor, reach = _plan(painter, motion)
    camera_of = _framing(size, reach, floor, pitch)
    posed = painter.posed(motion, 0)
    count = max(1, round(seconds * fps))
    for k in range(count):
        yield painter.frame(posed, camera_of(path[0], yaw + 360.0 * k / count), path[0], floor)


def poster(
    avatar: Poseable | GaussianAvatar, size: tuple[int, int] = (720, 960), *, pose: Motion | None = None,
    yaw: float = 25.0, pitch: float = 7.0, unlit: bool | None = None, colors: StageColors = LIGHT,
) -> Frame:
    """One still picture of the person on the stage."""
    frames = turntable(avatar, size, pose=pose, seconds=1, fps=1, yaw=yaw, pitch=pitch, unlit=unlit, supersample=3,
                       colors=colors)
    return next(frames)


class _Painter:
    """Draws posed vertices on the stage; keeps what does not change from frame to frame."""

    def __init__(self, avatar: Poseable, unlit: bool | None, supersample: int, colors: StageColors) -> None:
        self.avatar, self.supersample, self.colors = avatar, supersample, colors
        self.faces = as_array(avatar.faces, np.int64)
        rest = as_array(avatar.vertices, np.float64)
        self.areas = vertex_areas(rest, self.faces)
        self.pelvis = as_array(avatar.joints, np.float64)[0]
        self.height = float(np.ptp(rest[:, 1]))
        self.texture = None if avatar.texture is None else TexturePyramid(avatar.texture)
        self.unlit = self.texture is not None if unlit is None else unlit

    def posed(self, motion: Motion, frame: int) -> NDArray[np.float64]:
        return as_array(self.avatar.pose(motion.full_pose[frame], motion.transl[frame]), np.float64)

    def points(self, posed: NDArray[np.float64]) -> NDArray[np.float64]:
        return posed

    def frame(self, vertices: NDArray[np.float64], camera: Camera, center: NDArray[Any], floor: float) -> Frame:
        shadow = contact_shadow(vertices, self.areas, center, floor)
        stage = paint_stage(camera, center, floor, shadow, self.colors)
        rgb, _ = render_mesh(
            vertices, self.faces, camera, texture=self.texture, uv=self.avatar.uv, uv_faces=self.avatar.uv_faces,
            color=getattr(self.avatar, "color", None), unlit=self.unlit, background=stage, supersample=self.supersample)
        return rgb


def _painter(
    avatar: Poseable | GaussianAvatar, unlit: bool | None, supersample: int, colors: StageColors
) -> Any:
    from humanav.avatar.gaussian import GaussianAvatar

    if isinstance(avatar, GaussianAvatar):
        return StagePainter(avatar, colors)
    return _Painter(avatar, unlit, supersample, colors)


def _plan(
    painter: Any, motion: Motion, yaw: float | None = None
) -> tuple[NDArray[np.float64], float, tuple[float, float, float]]:
    """Smoothed root path (T,3), floor height, and reach: to the sides, upwards and towards the camera.

    The camera stands at ``yaw`` degrees, or goes all the way round (None).
    """
    from scipy.ndimage import gaussian_filter1d

    root = painter.pelvis + motion.transl
    path = gaussian_filter1d(root.astype(np.float64), 0.4 * motion.fps, axis=0, mode="nearest")
    steps = range(0, len(motion), max(1, len(motion) // 12))
    samples = [(t, painter.points(painter.posed(motion, t))) for t in steps]
    low = np.array([np.percentile(v[:, 1], _STRAY) for _, v in samples])
    floor = float(np.percentile(low, 10))  # a jump's frames stand above it
    top = max(float(v[:, 1].max()) for _, v in samples) - floor
    away = [(v - path[t])[:, [0, 2]] for t, v in samples]
    if yaw is None:
        side = towards = max(float(np.hypot(*a.T).max()) for a in away)
    else:
        sine, cosine = np.sin(np.radians(yaw)), np.cos(np.radians(yaw))
        side = max(float(np.abs(a @ (cosine, -sine)).max()) for a in away)
        towards = max(float((a @ (sine, cosine)).max()) for a in away)
    return path, floor, (side, top, max(towards, 0.0))


def _framing(size: tuple[int, int], reach: tuple[float, float, float], floor: float, pitch: float) -> Any:
    """Camera for a root position and yaw: upright, far enough for the whole person."""
    width, height = size
    side, top, towards = reach
    focal = _FOCAL * height
    distance = max(focal * top * 1.14 / height, focal * 2 * side * 1.03 / width) + towards * 0.4

    def camera(root: NDArray[np.float64], yaw: float) -> Camera:
        target = np.array([root[0], floor + 0.49 * top, root[2]])
        return Camera.orbit(target, distance, yaw, pitch, width, height, focal)

    return camera
