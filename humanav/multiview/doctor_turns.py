"""Pictures that were mirrored or turned before they reached us, undone on keypoints."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from humanav.multiview.sync_tracks import sides

Array = NDArray[np.float64]


def turned_over(
    points: Array, size: tuple[int, int], mirror: bool, turns: int, names: tuple[str, ...]
) -> Array:
    """Keypoints (...,K,3) of a picture as its camera sees them.

    Args:
        size: (width, height) of the camera's picture, after all is undone.
        mirror: the picture is mirrored left to right: a detector then calls the person's left right.
        turns: quarter turns clockwise that bring the picture upright, 0 to 3; a mirror is undone after them.
        names: of the K points.
    """
    width, height = size
    out = points.copy()
    wide, tall = (width, height) if turns % 2 == 0 else (height, width)  # of the picture as it is
    for _ in range(turns % 4):
        x, y = out[..., 0].copy(), out[..., 1].copy()
        out[..., 0], out[..., 1] = tall - y, x
        wide, tall = tall, wide
    if mirror:
        out[..., 0] = width - out[..., 0]
        out = out[..., sides(names), :]
    return out
