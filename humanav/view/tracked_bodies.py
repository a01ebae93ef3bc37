"""People of a clip, posed frame by frame, and how they are drawn into a picture: bodies, and rings on the floor."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from humanav.body.names import JOINT_INDEX
from humanav.camera import Camera
from humanav.errors import InputError
from humanav.motion import Motion
from humanav.render import MeshBuffers, rasterize_mesh, render_mesh
from humanav.render.mesh import NEAR, as_array
from humanav.view.colors import BODY, LEFT, RIGHT

if TYPE_CHECKING:
    from humanav.body import BodyModel

Picture = NDArray[np.uint8]
Floats = NDArray[np.float32]

UNSEEN = (150, 154, 160)
"""A body in frames that do not show the person."""
RING = 0.12
"""Radius in metres of the ring round a foot that stands."""
FEET = (("left_ankle", "left_foot", LEFT), ("right_ankle", "right_foot", RIGHT))
"""Ankle, ball and colour of the feet, in the order of contacts."""
SHIFT = 4
"""Binary digits of a pixel in which cv2 takes places."""

_CHUNK = 16
_SURE = 0.35  # confidence from which a body has its full colour
_OUTLINE = 0.5  # of the light taken by lines round bodies


@dataclass(frozen=True)
class TrackedBody:
    """One person's motion in the world, and where in the clip it lies; T frames.

    Attributes:
        motion: y up, the floor at y = 0.
        start: number of its first frame in the clip.
        keypoints: (T,K,3) x, y, confidence in pixels of the clip's frames, or None.
        keypoint_set: layout of the keypoints.
        color: sRGB bytes.
        confidence: (T,) 0..1, 0 in frames that do not show the person; None for sure.
        contacts: (T,2) whether the left and the right foot stand, or None.
    """

    motion: Motion
    start: int = 0
    keypoints: NDArray[Any] | None = None
    keypoint_set: str = "blazepose33"
    color: tuple[int, int, int] = BODY
    confidence: NDArray[Any] | None = None
    contacts: NDArray[Any] | None = None

    def __post_init__(self) -> None:
        for name in ("keypoints", "confidence", "contacts"):
            value = getattr(self, name)
            if value is not None and len(value) != len(self.motion):
                raise InputError(f"The {name} have {len(value)} frames, the motion {len(self.motion)}: give those of "
                                 "the same take.")

    @property
    def stop(self) -> int:
        """Number of the frame after its last."""
        return self.start + len(self.motion)

    def paint(self, t: int) -> Floats:
        """(3,) its colour in its frame ``t``, 0..1: grey where it is not seen, paler where it is doubtful."""
        sure = 1.0 if self.confidence is None else min(float(self.confidence[t]) / _SURE, 1.0)
        return ((sure * np.array(self.color) + (1 - sure) * np.array(UNSEEN)) / 255).astype(np.float32)


@dataclass(frozen=True)
class Present:
    """Somebody in one frame: who, at which of their frames, with posed vertices (V,3) and joints (55,3)."""

    who: TrackedBody
    t: int
    vertices: NDArray[np.float64]
    joints: NDArray[np.float64]


class Cast:
    """Poses the bodies of a clip frame by frame, some frames at a time."""

    def __init__(self, bodies: Sequence[TrackedBody], body: BodyModel) -> None:
        self.bodies, self.faces = tuple(bodies), as_array(body.faces, np.int64)
        self._body = body
        self._posed: dict[int, tuple[int, NDArray[Any], NDArray[Any]]] = {}

    def at(self, number: int) -> list[Present]:
        """Everybody in the clip's frame of this number."""
        found = []
        for k, who in enumerate(self.bodies):
            if who.start <= number < who.stop:
                t = number - who.start
                begin, vertices, joints = self._posed.get(k, (-1, None, None))
                if begin != t - t % _CHUNK:
                    begin = t - t % _CHUNK
                    out = self._body.from_motion(who.motion, slice(begin, begin + _CHUNK))
                    vertices, joints = as_array(out.vertices, np.float32), as_array(out.joints, np.float64)
                    self._posed[k] = (begin, vertices, joints)
                assert vertices is not None
                assert joints is not None
                found.append(Present(who, t, vertices[t - begin].astype(np.float64), joints[t - begin]))
            elif number >= who.stop:
                self._posed.pop(k, None)
        return found


def draw_bodies(
    picture: Picture, present: Sequence[Present], faces: NDArray[np.int64], camera: Camera, opacity: float = 1.0,
    supersample: int = 2,
) -> None:
    """Draw people into a picture of the camera's size, in place; one mesh of all, so that the nearest is seen."""
    import cv2

    if not present:
        return
    vertices = np.concatenate([one.vertices for one in present])
    box = _box(vertices, camera)
    if box is None:
        return
    left, top, right, bottom = box
    count = len(present[0].vertices)
    joined = np.concatenate([faces + k * count for k in range(len(present))])
    colors = np.concatenate([np.broadcast_to(one.who.paint(one.t), (count, 3)) for one in present])
    window = camera.cropped(left, top, right - left, bottom - top)
    buffers = rasterize_mesh(vertices, joined, window.scaled(supersample))
    coarse, alpha = _one_sample(buffers, supersample)
    rgb, _ = render_mesh(vertices, joined, window, vertex_colors=colors, background=None, supersample=1, buffers=coarse)
    owner = np.where(buffers.triangle >= 0, buffers.triangle // len(faces) + 1, 0).astype(np.int16)
    edge = np.zeros(owner.shape, dtype=np.float32)
    edge[:, 1:] += owner[:, 1:] != owner[:, :-1]
    edge[1:] += owner[1:] != owner[:-1]
    line = cv2.resize(np.minimum(edge, 1), (window.width, window.height), interpolation=cv2.INTER_AREA)
    part = picture[top:bottom, left:right]
    mixed = part + (alpha * np.float32(opacity))[..., None] * (rgb.astype(np.float32) - part)
    mixed *= 1 - np.float32(_OUTLINE) * line[..., None]
    part[:] = (mixed + 0.5).astype(np.uint8)


def _one_sample(buffers: MeshBuffers, samples: int) -> tuple[MeshBuffers, Floats]:
    """One covered sample of each pixel, and how much of the pixel is covered: outlines stay smooth, and shading, most
    of the cost, is done once a pixel."""
    height, width = (side // samples for side in buffers.triangle.shape)
    triangle = np.full((height, width), -1, dtype=np.int32)
    barycentric = np.zeros((height, width, 3), dtype=np.float32)
    alpha = np.zeros((height, width), dtype=np.float32)
    for k in range(samples * samples):
        part = np.s_[k // samples::samples, k % samples::samples]
        found = buffers.triangle[part]
        first = (triangle < 0) & (found >= 0)
        triangle[first] = found[first]
        barycentric[first] = buffers.barycentric[part][first]
        alpha += found >= 0
    return MeshBuffers(triangle, barycentric, buffers.depth[::samples, ::samples]), alpha / samples**2


def draw_rings(picture: Picture, one: Present, camera: Camera) -> None:
    """A ring on the floor, in place, round each foot of a person that stands: left blue, right orange."""
    if one.who.contacts is None:
        return
    for (ankle, ball, color), stands in zip(FEET, one.who.contacts[one.t]):
        if stands:
            middle = (one.joints[JOINT_INDEX[ankle]] + one.joints[JOINT_INDEX[ball]]) / 2
            draw_disc(picture, camera, middle, RING, color, max(1, round(len(picture) / 320)))


def draw_disc(
    picture: Picture, camera: Camera, place: Any, radius: float, color: tuple[int, int, int], width: int,
    fill: float = 0.25,
) -> None:
    """A disc on the floor y = 0 below ``place`` (3,), in place: its rim ``width`` pixels wide, its inside tinted."""
    import cv2

    turn = np.linspace(0, 2 * np.pi, 40, endpoint=False)
    rim = np.stack([place[0] + radius * np.cos(turn), np.zeros(40), place[2] + radius * np.sin(turn)], axis=1)
    pixels, depth = camera.project(rim)
    if depth.min() < 0.1 or np.abs(pixels).max() > 20_000:
        return
    path = np.round((pixels - 0.5) * 2**SHIFT).astype(np.int32)
    low, high = np.floor(pixels.min(axis=0)).astype(int) - 2, np.ceil(pixels.max(axis=0)).astype(int) + 2
    low, high = np.maximum(low, 0), np.minimum(high, picture.shape[1::-1])
    if (high <= low).any():
        return
    part = picture[low[1]:high[1], low[0]:high[0]]
    path -= (low * 2**SHIFT).astype(np.int32)
    tinted = np.ascontiguousarray(part)
    cv2.fillPoly(tinted, [path], color, lineType=cv2.LINE_AA, shift=SHIFT)
    part[:] = (part + fill * (tinted.astype(np.float32) - part) + 0.5).astype(np.uint8)
    if width:
        drawn = np.ascontiguousarray(part)
        cv2.polylines(drawn, [path], True, color, width, cv2.LINE_AA, SHIFT)
        part[:] = drawn


def _box(vertices: NDArray[np.float64], camera: Camera) -> tuple[int, int, int, int] | None:
    """Left, top, right, bottom of the part of the picture the vertices can be in; None when outside of it."""
    pixels, depth = camera.project(vertices)
    if depth.max() < NEAR:
        return None
    if depth.min() < 2 * NEAR:
        return 0, 0, camera.width, camera.height
    size = np.array([camera.width, camera.height])
    left, top = (int(v) for v in np.clip(np.floor(pixels.min(axis=0)) - 2, 0, size))
    right, bottom = (int(v) for v in np.clip(np.ceil(pixels.max(axis=0)) + 2, 0, size))
    return (left, top, right, bottom) if right > left and bottom > top else None
