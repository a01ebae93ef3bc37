"""Small pictures of poses, all at one scale, with a transparent background for light and dark pages alike."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from humanav.camera import Camera
from humanav.motion import Motion
from humanav.render import render_mesh
from humanav.render.mesh import as_array
from humanav.view.curve import AFTER

if TYPE_CHECKING:
    from humanav.body import BodyModel

_FOCAL, _TALL = 3.0, 2.0  # of the picture's height; metres that fit into it


def pose_pictures(
    body: BodyModel, motion: Motion, size: tuple[int, int] = (220, 270), *, yaw: float = 25.0, pitch: float = 6.0,
    color: tuple[int, int, int] = AFTER, tint: float = 0.55,
) -> Iterator[NDArray[np.uint8]]:
    """One picture of each frame's body, its middle in the middle.

    Args:
        body: the body model.
        motion: T poses; the frames need not follow each other.
        size: width and height in pixels.
        yaw, pitch: degrees, from where they are seen; yaw 0 is the front of a body that faces +z.
        color: sRGB bytes; so much of it (``tint`` 0..1) is mixed into clay.

    Yields:
        uint8 RGBA (H,W,4).
    """
    width, height = size
    clay = tint * np.asarray(color, dtype=np.float64) + (1 - tint) * np.array([206, 200, 192])
    faces = as_array(body.faces, np.int64)
    for t in range(len(motion)):
        posed = body.from_motion(motion[t]).vertices
        assert posed is not None
        vertices = as_array(posed[0], np.float64)
        low, high = vertices.min(0), vertices.max(0)
        middle = (low + high) / 2
        aside = float(np.hypot(*(high - low)[[0, 2]]))
        tall = max(_TALL, float(high[1] - low[1]) * 1.06, aside * height / width * 0.98)
        camera = Camera.orbit(middle, _FOCAL * tall, yaw, pitch, width, height, _FOCAL * height)
        rgb, alpha = render_mesh(vertices, faces, camera, color=np.round(clay).astype(np.uint8), background=None)
        yield np.dstack([rgb, (alpha * 255 + 0.5).astype(np.uint8)])
