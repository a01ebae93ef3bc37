"""A lifted motion to look at: the body over the frames it was lifted from, or without them, and from the side."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace
from itertools import repeat
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from humanav.perception import Person2D
from humanav.render.mesh import as_array
from humanav.view.colors import BODY
from humanav.view.overlay import draw_keypoints, draw_overlay
from humanav.view.turntable import BodyFigure, animation_frames

if TYPE_CHECKING:
    from humanav.body import BodyModel
    from humanav.uplift.lift import Lifted

Picture = NDArray[np.uint8]

PAPER = (255, 255, 255)
"""Behind the body where there is no frame."""
UNSEEN = (150, 154, 160)
"""The body in frames that do not show the person."""
_CHUNK = 16
_SIDE_SHARE = 0.62  # width of the side view over its height


def reprojection_frames(
    lifted: Lifted, body: BodyModel, frames: Iterable[Any] | None = None, *, max_height: int = 720,
    opacity: float = 0.72, points: bool = True,
) -> Iterator[Picture]:
    """The body over each frame as the camera sees it, with the keypoints it was lifted from.

    Args:
        lifted: T frames.
        body: the body model.
        frames: T pictures uint8 RGB of the camera's size, or None for a plain ground.
        max_height: of the pictures given out.
        opacity: of the body over the frames.
        points: draw the keypoints.
    """
    if frames is None:
        lifted = _closer(lifted, max_height)
    blank = np.full((lifted.camera.height, lifted.camera.width, 3), PAPER, dtype=np.uint8)
    shown: Iterator[Any] = iter(frames) if frames is not None else repeat(blank)
    sure = lifted.confidence.max(axis=1) > 0
    for begin in range(0, len(lifted.motion), _CHUNK):
        vertices = body.from_motion(lifted.motion, slice(begin, begin + _CHUNK)).vertices
        assert vertices is not None
        for t, posed in enumerate(as_array(vertices, np.float64), begin):
            picture = next(shown, blank)
            drawn = draw_overlay(picture, posed, body.faces, lifted.camera, BODY if sure[t] else UNSEEN,
                                 opacity=opacity if frames is not None else 1.0, side_view=False, crop=False,
                                 max_height=max_height)
            yield _with_points(drawn, lifted, t) if points else drawn


def side_frames(
    lifted: Lifted, body: BodyModel, *, height: int = 720, yaw: float = 90.0, supersample: int = 2
) -> Iterator[Picture]:
    """The body from the side, on a floor, where errors of depth show; the camera of the frames lies to the left.

    Args:
        yaw: degrees about the vertical from the frames' camera towards the right of its picture.
    """
    forward = lifted.camera.R[2]
    behind = float(np.degrees(np.arctan2(-forward[0], -forward[2])))
    figure = BodyFigure(body, lifted.motion.betas, BODY)
    return animation_frames(figure, lifted.motion, (round(height * _SIDE_SHARE), height), yaw=behind + yaw,
                            supersample=supersample)


def side_by_side(left: Iterable[Picture], right: Iterable[Picture], gap: int = 6) -> Iterator[Picture]:
    """Pictures of two rows of frames next to each other, at the height of the left ones."""
    for a, b in zip(left, right, strict=False):
        if len(b) != len(a):
            width = max(1, round(b.shape[1] * len(a) / len(b)))
            b = np.asarray(Image.fromarray(b).resize((width, len(a)), Image.Resampling.LANCZOS))
        yield np.concatenate([a, np.full((len(a), gap, 3), 255, dtype=np.uint8), b], axis=1)


def _with_points(picture: Picture, lifted: Lifted, frame: int) -> Picture:
    """The keypoints of one frame, drawn thin over a picture of any size of that frame."""
    scale = picture.shape[0] / lifted.camera.height
    points = lifted.keypoints.keypoints[frame] * np.array([scale, scale, 1], dtype=np.float32)
    return draw_keypoints(picture, Person2D(points, lifted.keypoints.keypoint_set, np.zeros(4, np.float32), 1.0),
                          max_height=len(picture), crop=False, dim=0.0)


def _closer(lifted: Lifted, tall: int) -> Lifted:
    """The part of the picture in which the person moves, ``tall`` pixels high, as a camera and keypoints of its own."""
    points = lifted.keypoints.keypoints
    seen = points[points[..., 2] > 0][:, :2]
    size = np.array([lifted.camera.width, lifted.camera.height])
    low, high = np.clip(seen.min(axis=0), 0, size), np.clip(seen.max(axis=0), 0, size)
    room = 0.2 * float((high - low).max())
    low, high = np.floor(np.maximum(low - room, 0)), np.ceil(np.minimum(high + room, size))
    if (high - low).min() < 16:
        return lifted
    camera = lifted.camera.cropped(low[0], low[1], *(int(side) for side in high - low))
    factor = tall / camera.height
    camera = camera.scaled(factor)
    moved = points.copy()
    moved[..., :2] = (moved[..., :2] - low.astype(np.float32)) * np.float32(factor) * (points[..., 2:] > 0)
    keypoints = replace(lifted.keypoints, keypoints=moved, width=camera.width, height=camera.height)
    return replace(lifted, camera=camera, keypoints=keypoints)
