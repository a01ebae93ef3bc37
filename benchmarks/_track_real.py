"""The treadmill clips: tracked from each camera alone, against the triangulation from all four.

``pa_mpjpe_mm``: shoulders, elbows, wrists, hips, knees and ankles after the best similarity of every frame, against
the landmarks that the detector's keypoints in four views give with refined calibration, which is no exact truth: its
bones vary by 4 % and its frames of camera 3 lie two late. ``flips_left``: frames of 100 whose 12 points lie nearer to
the reference's projection when left and right are exchanged; ``legs_flipped``: the same of knees and ankles alone.
``pixels``: median distance from that projection in the frames of 1080 x 1920. ``restless_mm``: mean length of second
differences of the points about their middle, per frame squared at 60 frames per second. ``baseline``: the detector's
own 3D, frame by frame.
"""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch
from _uplift_mediapipe import NAMES, ORDER
from numpy.typing import NDArray

from humanav.errors import InputError
from humanav.paths import home
from humanav.uplift.measures import aligned

Array = NDArray[np.float64]

CAMERAS = ("cam01", "cam02", "cam03", "cam04")
_LEGS = [NAMES.index(name) for name in NAMES if "knee" in name or "ankle" in name]
_OTHER = [NAMES.index(name.replace("left", "?").replace("right", "left").replace("?", "right")) for name in NAMES]


class Reference(NamedTuple):
    """What four cameras say: ``points`` (T,12,3) metres, and ``pixels`` by camera (T,12,2) of its full-size frames."""

    points: Array
    pixels: dict[str, Array]


def treadmill() -> tuple[dict[str, Path], Reference]:
    """The four clips and their reference.

    Raises:
        InputError: they are not on this machine.
    """
    folder = home().parent / "shared" / "testset"
    file = folder / "reference" / "mv_single_mediapipe.npz"
    if not file.is_file():
        raise InputError("The treadmill clips are not here: put mv_single and reference in ../shared/testset.")
    with np.load(file) as data:
        points = data["xyz_refined_calib"][:, ORDER].astype(np.float64)
        whole = np.concatenate([points, np.ones((*points.shape[:2], 1))], axis=-1)
        flat = {name: whole @ matrix.T for name, matrix in zip(CAMERAS, data["P_refined"], strict=True)}
    pixels = {name: values[..., :2] / values[..., 2:] for name, values in flat.items()}
    return {name: folder / "mv_single" / f"{name}.mp4" for name in CAMERAS}, Reference(points, pixels)


def against(
    points: Array, pixels: Array, seen: NDArray[np.bool_], reference: Reference, camera: str
) -> dict[str, float]:
    """The row of one camera.

    Args:
        points: (T,12,3) tracked, in any frame, metres.
        pixels: (T,12,2) where they are seen in the full-size picture.
        seen: (T,) frames in which the person was tracked.
        reference: of the clip, T frames or more.
        camera: its name.
    """
    reference = Reference(reference.points[:len(seen)], {name: at[:len(seen)] for name, at in reference.pixels.items()})
    good = seen & np.isfinite(reference.points).all(axis=(1, 2))
    a, b = (torch.from_numpy(1000 * values[good]) for values in (points, reference.points))
    target = reference.pixels[camera]
    straight, swapped = (np.linalg.norm(some - target, axis=-1)[good] for some in (pixels, pixels[:, _OTHER]))
    share = 100 / max(int(good.sum()), 1)
    return {"pa_mpjpe_mm": float((aligned(a, b) - b).norm(dim=-1).mean()),
            "restless_mm": _restlessness(points, seen), "reference_restless_mm": _restlessness(reference.points, good),
            "flips_left": share * float((swapped.mean(axis=1) < straight.mean(axis=1)).sum()),
            "legs_flipped": share * float((swapped[:, _LEGS].mean(axis=1) < straight[:, _LEGS].mean(axis=1)).sum()),
            "pixels": float(np.median(straight)), "missed_share": float((~seen).mean())}


def _restlessness(points: Array, seen: NDArray[np.bool_]) -> float:
    """Mean length of second differences of points about their middle, millimetres per frame squared."""
    inside = 1000 * (points - points.mean(axis=1, keepdims=True))
    trio = seen[2:] & seen[1:-1] & seen[:-2]
    return float(np.linalg.norm(inside[2:] - 2 * inside[1:-1] + inside[:-2], axis=-1)[trio].mean())
