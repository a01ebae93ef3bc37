"""Where one part of the person covers another: along such seams a photo's colours easily go to the wrong part."""

from __future__ import annotations

from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

_THRESHOLD = 0.02
_STEEP = 6.0
"""A surface turned so far away that its place changes this many times faster than in front counts as a seam."""
_WIDTH = 0.015
SPAN = 2.0
"""Metres that the canonical map's 0..1 stands for."""


def canonical_colors(means: NDArray[Any]) -> NDArray[np.float32]:
    """(N,3) rest positions (N,3) mapped into 0..1, to be splatted as colours."""
    middle = (means.min(axis=0) + means.max(axis=0)) / 2
    return np.asarray((means - middle) / SPAN + 0.5, dtype=np.float32)


def seam_map(canonical: NDArray[Any], alpha: NDArray[Any]) -> NDArray[np.bool_]:
    """(H,W) True near seams: PERSONA's boundary map.

    The rest position under each pixel jumps where one part of the body lies in front of another. The person's outline
    is no seam: nothing of the person is behind it.

    Args:
        canonical: (H,W,3) splatted :func:`canonical_colors` (composited over 0).
        alpha: (H,W).
    """
    inside = np.asarray(alpha) > 0.5
    if not inside.any():
        return inside
    place = np.asarray(canonical, dtype=np.float32) / np.maximum(np.asarray(alpha, dtype=np.float32), 0.1)[..., None]
    from humanav.avatar.visibility import nearest_fill

    place = np.ascontiguousarray(nearest_fill(place, inside)[0])
    slope = np.zeros(inside.shape, dtype=np.float32)
    for channel in range(3):
        dx, dy = (cv2.Sobel(np.ascontiguousarray(place[..., channel]), cv2.CV_32F, *order, ksize=3) / 8
                  for order in ((1, 0), (0, 1)))
        slope += np.hypot(dx, dy) / 3
    height = float(max(np.ptp(rows) for rows in np.nonzero(inside))) + 1
    # the same surface changes faster from pixel to pixel in a small picture
    limit = max(_THRESHOLD, _STEEP * 0.5 * 1.7 / SPAN / height)
    side = max(3, round(_WIDTH * height) | 1)
    seam = cv2.dilate(((slope > limit) & inside).astype(np.uint8), np.ones((side, side), np.uint8)) > 0
    return seam & inside
