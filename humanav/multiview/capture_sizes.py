"""Videos of another size than the calibration's: padded or cropped by a codec, shrunk, or of another mode."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from humanav.camera import Camera

_BLOCK = 16
"""Codecs work in blocks: up to this many columns or rows are added or left away at the right and the bottom."""
_SAME_SHAPE = 0.004  # relative difference of the two scales of a resized picture
_SHRUNK = 1.15  # a picture's size over twice the principal point; beyond this the calibration was of another size


def fit_size(camera: Camera, size: tuple[int, int], *, known: bool = True) -> tuple[Camera, str, bool]:
    """The camera for pictures of that (width, height).

    A picture of the same shape was resized: K is scaled. One that differs by a few columns or rows was padded or
    cropped by its codec, at the right and the bottom: the principal point stays. One of the same width or height was
    cropped round its middle. Measured on real recordings: 1080 of 1088 columns are the left ones.

    Args:
        camera: as calibrated.
        size: of the pictures.
        known: whether the calibration says its size; else the principal point is taken for its middle.

    Returns:
        The camera, a sentence on what was done ("" for nothing), and whether it can be used so.
    """
    width, height = size
    if known and (camera.width, camera.height) == size:
        return camera, "", True
    same = replace(camera, width=width, height=height)
    across, down = width / camera.width, height / camera.height
    words = f"its pictures are {width} x {height}"
    if not known:
        if max(across, 1 / across) < _SHRUNK or max(down, 1 / down) < _SHRUNK:
            return same, "", True
        if abs(across / down - 1) > 0.1:
            return same, (f"{words}, and the principal point of the calibration lies far from their middle: it seems "
                          "to be of another camera or another picture size"), False
        scale = _simple(np.sqrt(across * down))
        return _scaled(same, scale, scale), (f"{words}, but the calibration seems to be of pictures {1 / scale:.3g} "
                                             f"times as large: it is scaled by {scale:.4g}"), True
    words += f", but the calibration's {camera.width} x {camera.height}"
    if abs(across / down - 1) <= _SAME_SHAPE and max(abs(width - camera.width), abs(height - camera.height)) > 1:
        return (_scaled(same, across, down),
                f"{words}: taken as resized, the calibration is scaled by {across:.4g}", True)
    more = np.array([width - camera.width, height - camera.height])
    if np.abs(more).max() <= _BLOCK:
        parts = [f"{abs(int(n))} {line}{'s' if abs(n) > 1 else ''} {'more' if n > 0 else 'fewer'} at the {side}"
                 for n, line, side in zip(more, ("column", "row"), ("right", "bottom")) if n]
        return same, (f"{words}: taken as cut by the codec ({' and '.join(parts)}), the principal point stays where "
                      "it is"), True
    if (width == camera.width) != (height == camera.height):
        K = camera.K.copy()
        K[:2, 2] += more / 2
        return replace(same, K=K), (f"{words}: taken as cut round the middle, the principal point moves by "
                                    f"{more[0] / 2:g}, {more[1] / 2:g} pixels"), True
    if abs(width / camera.height - height / camera.width) / (width / camera.height) < 0.02:
        return same, f"{words}: they lie on their side, turn the video or calibrate with pictures held as it is", False
    return same, (f"{words}, another shape: calibrate in the mode the videos were recorded in, or give the calibration "
                  "of this mode"), False


def _scaled(camera: Camera, across: float, down: float) -> Camera:
    K = camera.K.copy()
    K[0] *= across
    K[1] *= down
    return replace(camera, K=K)


def _simple(scale: float) -> float:
    """A half, a third, twice...: the whole-numbered scale that is near, else the scale itself."""
    whole = round(1 / scale) if scale < 1 else round(scale)
    simple = (1 / whole if scale < 1 else float(whole)) if whole else scale
    return simple if abs(simple / scale - 1) < 0.1 else float(scale)
