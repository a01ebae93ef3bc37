"""How far poses stretch an avatar's surface: discs that lie there must be closer, or gaps open between them."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from humanav.avatar.avatar import Avatar, Floats

CLIPS = ("walk", "squat", "dance", "wave")
_POSES, _MOST = 12, 2.5


def face_stretch(avatar: Avatar, faces: NDArray[np.int64], clips: Sequence[str] = CLIPS) -> Floats:
    """(F,) by how much each face grows in area against the T-pose, at most over varied poses; 1..2.5."""
    from humanav.avatar.gaussian.generators import varied_poses

    rest = _area(avatar.vertices, faces)
    grown = np.ones(len(faces))
    for pose in varied_poses(clips, _POSES):
        grown = np.maximum(grown, _area(avatar.pose(pose), faces) / np.maximum(rest, 1e-12))
    return np.minimum(grown, _MOST).astype(np.float32)


def _area(vertices: Floats, faces: NDArray[np.int64]) -> NDArray[np.float64]:
    corner = vertices[faces].astype(np.float64)
    return np.asarray(0.5 * np.linalg.norm(np.cross(corner[:, 1] - corner[:, 0], corner[:, 2] - corner[:, 0]), axis=1))
