"""Cuts between the shots of a clip, told from fast motion and from flashes by looking a few frames ahead."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from humanav.perception.video import Pixels

Array = NDArray[np.float32]

AHEAD = 3
"""Frames looked ahead: a flash this short is no cut."""
_SIDE = 64  # pixels of the longer side of the pictures compared
_UNLIKE = 0.5  # change from one frame to the next above which they may be of two shots
_BACK = 0.35  # change below which a later frame shows the same scene again
_CONTRAST = 12.0  # grey levels
_FLAT = 0.02  # variance of the contrasts of a picture that shows next to nothing
_SHIFT = 0.45  # of the picture's sides: the camera turns no farther between two frames
_OTHER_COLOURS = 0.06
_LEAPS = 2.2  # times the change between the frames before


@dataclass(frozen=True)
class Glance:
    """A frame as cuts are found: the grey picture (h,w) less its local mean, and colour histograms (P,B) of parts."""

    grey: Array
    colours: Array


def glance(frame: Pixels) -> Glance:
    """What of an RGB frame (H,W,3) is compared."""
    factor = _SIDE / max(frame.shape[:2])
    size = tuple(max(8, round(side * factor)) for side in frame.shape[1::-1])
    small = cv2.resize(frame, size, interpolation=cv2.INTER_AREA)
    grey = cv2.cvtColor(small, cv2.COLOR_RGB2GRAY).astype(np.float32)
    grey = cv2.GaussianBlur(grey, (0, 0), 1.0) - cv2.GaussianBlur(grey, (0, 0), 6.0)
    grey = np.tanh(grey / _CONTRAST)  # one strong edge that moves is not the whole picture
    parts = [part for row in np.array_split(small, 2) for part in np.array_split(row, 2, axis=1)]
    colours = [cv2.calcHist([np.ascontiguousarray(part)], [0, 1, 2], None, [6, 6, 6], [0, 256] * 3).ravel()
               / (part.shape[0] * part.shape[1]) for part in parts]
    return Glance(grey, np.asarray(colours, dtype=np.float32))


def change(a: Glance, b: Glance) -> float:
    """How unlike two frames are: 0 the same picture .. 1 nothing in common, in its forms and in its colours."""
    alike = _correlation(a.grey, b.grey)
    if alike < 0.9:
        window = cv2.createHanningWindow(a.grey.shape[::-1], cv2.CV_32F)
        (dx, dy), _ = cv2.phaseCorrelate(a.grey, b.grey, window)
        h, w = a.grey.shape
        x, y = int(np.clip(round(dx), -_SHIFT * w, _SHIFT * w)), int(np.clip(round(dy), -_SHIFT * h, _SHIFT * h))
        one = a.grey[max(0, -y):h - max(0, y), max(0, -x):w - max(0, x)]
        two = b.grey[max(0, y):h - max(0, -y), max(0, x):w - max(0, -x)]
        alike = max(alike, _correlation(one, two))
    return 1 - max(alike, 0.0)


def colour_change(a: Glance, b: Glance) -> float:
    """How unlike the colours of two frames are, 0..1: the mean over the quarters of the picture."""
    return float(1 - np.sqrt(a.colours * b.colours).sum(axis=1).mean())


def _correlation(a: Array, b: Array) -> float:
    a, b = a - a.mean(), b - b.mean()
    floor = _FLAT * a.size  # two flat pictures are alike
    return (float((a * b).sum()) + floor) / (float(np.sqrt(float((a * a).sum() * (b * b).sum()))) + floor)


def with_cuts(frames: Iterable[Pixels], before: Pixels | None = None) -> Iterator[tuple[Pixels, bool]]:
    """Each frame, and whether a new shot begins with it.

    Args:
        frames: uint8 RGB (H,W,3); up to :data:`AHEAD` are held back.
        before: the frame before the first, when there is one.
    """
    waiting: deque[tuple[Pixels, Glance]] = deque()
    past: deque[Glance] = deque([] if before is None else [glance(before)], maxlen=AHEAD + 1)
    usual: deque[float] = deque(maxlen=5)  # the changes between the frames before
    for frame in frames:
        waiting.append((frame, glance(frame)))
        if len(waiting) > AHEAD:
            yield _next(waiting, past, usual)
    while waiting:
        yield _next(waiting, past, usual)


def _next(
    waiting: deque[tuple[Pixels, Glance]], past: deque[Glance], usual: deque[float]
) -> tuple[Pixels, bool]:
    frame, now = waiting[0]
    step = change(past[-1], now) if past else 0.0
    cut = (step > _UNLIKE and step > _LEAPS * float(np.median(usual or [0.0]))
           and all(_apart(before, later) for before in past for _, later in waiting))
    if cut:
        usual.clear()
        past.clear()
    else:
        usual.append(step)
    past.append(waiting.popleft()[1])
    return frame, cut


def _apart(a: Glance, b: Glance) -> bool:
    return change(a, b) > _BACK and colour_change(a, b) > _OTHER_COLOURS
