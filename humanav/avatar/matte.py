"""Mend a cut-out with what the fitted body says: background that slipped in beside an arm or between the legs goes."""

from __future__ import annotations

from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from humanav.avatar.avatar import Floats
from humanav.avatar.head import lab
from humanav.avatar.views import Frame
from humanav.render import silhouette

WORK = 640


def tighten(frame: Frame, posed: Floats, faces: NDArray[Any]) -> None:
    """Remove from the frame's alpha what lies outside the body and looks like the background beside it.

    A doubtful pixel is compared with the colours of the nearby body and of the nearby background; it goes only when the
    background explains it much better, so clothes wider than the body stay.
    """
    factor = min(1.0, WORK / max(frame.small_alpha.shape))
    camera = frame.small_camera.scaled(factor)
    size = (camera.width, camera.height)
    tones = lab(cv2.resize(frame.small, size, interpolation=cv2.INTER_AREA).reshape(-1, 3)).reshape(size[1], size[0], 3)
    inside = cv2.resize(frame.small_alpha, size, interpolation=cv2.INTER_AREA) > 0.5
    body = silhouette(posed, faces, camera)
    unit = max(frame.height * factor, 100.0)
    core = cv2.erode(body.astype(np.uint8), _disc(0.008 * unit)) > 0
    sure, outside = core & inside, cv2.erode((~inside).astype(np.uint8), _disc(0.006 * unit)) > 0
    doubtful = inside & ~core
    if sure.sum() < 100 or outside.sum() < 100 or not doubtful.any():
        return
    # at two reaches: what is close counts, what is farther fills in where nothing is close
    far_in, near_in = _misfit(tones, sure, 0.10 * unit), _misfit(tones, sure, 0.035 * unit)
    far_out, near_out = _misfit(tones, outside, 0.10 * unit), _misfit(tones, outside, 0.035 * unit)
    as_body = np.fmin(near_in, far_in)
    as_ground = np.fmin(near_out, far_out)
    with np.errstate(invalid="ignore"):
        drop = doubtful & (as_body > 3 * as_ground + 5.0) & (as_body > 7.0)
    drop = cv2.morphologyEx(drop.astype(np.uint8), cv2.MORPH_OPEN, _disc(0.0025 * unit)) > 0
    if drop.sum() > 0.12 * inside.sum():
        return  # so much would go that the body does not fit this cut-out
    keep = 1 - cv2.GaussianBlur(cv2.dilate(drop.astype(np.float32), _disc(0.0025 * unit)), (0, 0), 0.8)
    for name, camera_ in (("small_alpha", frame.small_camera), ("alpha", frame.camera)):
        full = cv2.resize(keep, (camera_.width, camera_.height), interpolation=cv2.INTER_LINEAR)
        setattr(frame, name, (getattr(frame, name) * full).astype(np.float32))


def _disc(radius: float) -> NDArray[np.uint8]:
    side = 2 * max(1, round(radius)) + 1
    return np.asarray(cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (side, side)), dtype=np.uint8)


def _misfit(tones: Floats, member: NDArray[np.bool_], radius: float) -> Floats:
    """(H,W) squared normalised distance of each pixel to the colours of the members around it, NaN where none are."""
    side = 2 * round(radius) + 1
    weight = member.astype(np.float32)
    count = cv2.blur(weight, (side, side))
    safe = np.maximum(count, 1e-6)
    mean = cv2.blur(tones * weight[..., None], (side, side)) / safe[..., None]
    square = cv2.blur(tones * tones * weight[..., None], (side, side)) / safe[..., None]
    variance = np.maximum(square - mean * mean, 0) + 40.0
    misfit = ((tones - mean) ** 2 / variance).sum(axis=2)
    return np.where(count * side * side > 12, misfit, np.nan).astype(np.float32)
