"""A crude figure that walks and turns, as 2D keypoints of any layout."""

from __future__ import annotations

import numpy as np

from humanav.body.landmarks import KEYPOINT_SETS

_HEIGHTS = {"shoulder": 1.4, "neck": 1.42, "elbow": 1.15, "wrist": 0.9, "pinky": 0.8, "index": 0.8, "thumb": 0.85,
            "hip": 0.95, "pelvis": 0.95, "knee": 0.5, "ankle": 0.1, "heel": 0.05, "foot_index": 0.03, "big_toe": 0.03,
            "small_toe": 0.03, "head_top": 1.75}


def walker(frames=60, fps=30.0, yaw=0.3, names=KEYPOINT_SETS["blazepose33"], noise=1.5, middle=(320.0, 230.0)):
    """(T,K,3) x, y in pixels (340 px tall, 400 x 400 about ``middle``), confidence 0.9; it turns by ``yaw`` rad/s."""
    rng = np.random.default_rng(3)
    rest, swings = np.zeros((len(names), 3)), np.zeros(len(names))
    for number, name in enumerate(names):
        side, part = name.split("_", 1) if name.startswith(("left_", "right_")) else ("", name)
        sign, height = {"left": 1, "right": -1}.get(side, 0), _HEIGHTS.get(part, 1.6)
        rest[number] = [sign * {"shoulder": 0.2, "hip": 0.12}.get(part, 0.22 if height < 1.3 else 0.05), height, 0]
        swings[number] = sign * ((0.95 - height) if height < 0.8 else -0.3 if height < 1.3 else 0)
    points = np.zeros((frames, len(names), 3))
    for t in range(frames):
        depth = 0.6 * np.sin(2 * np.pi * t / fps) * swings
        turn = yaw * t / fps
        across = rest[:, 0] * np.cos(turn) + depth * np.sin(turn)
        points[t] = np.column_stack([middle[0] + 200 * across, middle[1] + 170 - 200 * rest[:, 1],
                                     np.full(len(names), 0.9)])
    points[..., :2] += rng.normal(0, noise, points[..., :2].shape)
    return points.astype(np.float32)
