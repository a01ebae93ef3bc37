"""Small pictures of an avatar while it is trained."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from humanav.avatar.gaussian.frames import TrainFrame
from humanav.avatar.gaussian.value import GaussianAvatar
from humanav.camera import Camera

SIDES = (0, 90, 180)


def preview(avatar: GaussianAvatar, frames: Sequence[TrainFrame], height: int = 300) -> NDArray[np.uint8]:
    """The person as in the first captured frame, from there, from the side and from behind, side by side (H,W,3)."""
    frame: Any = next((f for f in frames if f.kind == "captured"), frames[0])
    posed = avatar.pose(frame.full_pose, frame.transl)
    low, high = np.quantile(posed.means, 0.001, axis=0), np.quantile(posed.means, 0.999, axis=0)
    target = (low + high) / 2
    width, focal = round(0.62 * height), 2.0 * height
    away = frame.camera.center - target
    yaw, distance = float(np.degrees(np.arctan2(away[0], away[2]))), 1.12 * float(high[1] - low[1]) * focal / height
    pictures = []
    for side in SIDES:
        camera = Camera.orbit(target, distance, yaw + side, 4.0, width, height, focal)
        drawn = avatar.render(camera, frame.full_pose, frame.transl, background=(0.93, 0.94, 0.95))
        pictures.append((drawn.rgb * 255 + 0.5).astype(np.uint8))
    return np.concatenate(pictures, axis=1)
