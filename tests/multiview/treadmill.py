"""The real captures' keypoints and their calibration, where the test material is there."""

from __future__ import annotations

import numpy as np

from humanav.multiview import Sightings
from humanav.multiview.calibration import read_calibration

NAMES = ("cam01", "cam02", "cam03", "cam04")


def treadmill(shared, people=1):
    """The rig and what a detector saw of one person (every frame) or two (every other frame)."""
    folder = shared / "testset"
    rig = read_calibration(folder / ("mv_single" if people == 1 else "mv_multi") / "Calib.qca.txt")
    name = "mv_single_mediapipe.npz" if people == 1 else "mv_multi_mediapipe_tracks.npz"
    data = np.load(folder / "reference" / name)
    if people == 1:
        points = np.stack([data[f"kp_{cam}"][:, None, :, :3] for cam in NAMES], axis=1).astype(float)
    else:
        points = np.stack([data[cam] for cam in NAMES], axis=1).astype(float)
        points[~np.isfinite(points).all(-1)] = 0
    tracks = np.broadcast_to(np.arange(points.shape[2]), points.shape[:3]).copy()
    return rig, Sightings(points, "blazepose33", NAMES, 60.0, tracks=tracks)
