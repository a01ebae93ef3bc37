"""What people hide in the frames of a camera that moves, taken from the frames before and after."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from humanav.perception.video import Pixels, Video
from humanav.track.cover import Cover
from humanav.track.fill import fill_holes

Array = NDArray[np.float64]
Floats = NDArray[np.float32]
Binary = NDArray[np.bool_]

_STEP = 0.4  # seconds between key frames
_BACK, _AHEAD = 4, 3  # key frames that are looked at
_SIDE = 480  # pixels of the longer side on which frames are aligned
_POINTS, _LEAST = 300, 12
_ENOUGH = 2  # key frames that show a pixel
_EVERY = 5  # rows and columns in which the light is compared


@dataclass
class _Key:
    """A frame that others borrow from: its pixels, where people are in it, and the same with them made up."""

    number: int
    frame: Pixels
    cover: Floats
    filled: Pixels | None = None


def revealed_frames(video: Video, cover: Cover, shots: Sequence[tuple[int, int]]) -> Iterator[Pixels]:
    """Every frame with what ``cover`` hides filled in.

    The video is read twice at the same time, the first reader some key frames ahead, so that few frames are held.
    """
    step = max(1, round(_STEP * video.fps))
    ahead = _Ahead(video, cover, {first for first, _ in shots}, step)
    keys: list[_Key] = []
    with closing(ahead):
        for number, frame in enumerate(video):
            keys += ahead.read_to(number + _AHEAD * step)
            keys = [key for key in keys if key.number >= number - _BACK * step]
            hidden = cover.at(number, video.width, video.height)
            out = _revealed(frame, hidden, [(key, way) for key in keys
                                            if (way := ahead.way(key.number, number)) is not None], number)
            for key in keys:
                if key.number == number:
                    key.filled = out
            yield out


class _Ahead:
    """Reads key frames ahead of time, and how each frame maps onto the one before it."""

    def __init__(self, video: Video, cover: Cover, cuts: set[int], step: int) -> None:
        self._video, self._cover, self._cuts, self._step = video, cover, cuts, step
        self._reader = iter(video)
        self._number = -1
        self._last: tuple[NDArray[np.uint8], Binary] | None = None
        self._steps: list[Array] = []  # (3,3) from each frame to the one before it, full-size pixels
        self._run: list[int] = []  # which run of aligned frames each belongs to

    def close(self) -> None:
        """Close the file."""
        self._reader.close()  # type: ignore[attr-defined]  # a generator

    def read_to(self, number: int) -> list[_Key]:
        """The key frames up to this number that were not read yet."""
        found = []
        while self._number < number:
            frame = next(self._reader, None)
            if frame is None:
                break
            self._number += 1
            self._align(frame)
            if self._number % self._step == 0:
                cover = self._cover.at(self._number, self._video.width, self._video.height)
                found.append(_Key(self._number, frame, cover))
        return found

    def way(self, start: int, end: int) -> Array | None:
        """(3,3) that takes pixels of frame ``start`` to those of frame ``end``; None where it is not known."""
        if start >= len(self._steps) or self._run[start] != self._run[end]:
            return None
        way = np.eye(3)
        for number in range(min(start, end) + 1, max(start, end) + 1):
            way = way @ self._steps[number]
        return way if start >= end else np.asarray(np.linalg.inv(way))

    def _align(self, frame: Pixels) -> None:
        factor = min(1.0, _SIDE / max(frame.shape[:2]))
        small = cv2.resize(frame, None, fx=factor, fy=factor, interpolation=cv2.INTER_AREA)
        gray = np.asarray(cv2.cvtColor(small, cv2.COLOR_RGB2GRAY), dtype=np.uint8)
        free = self._cover.at(self._number, gray.shape[1], gray.shape[0]) < 0.1
        way = None
        if self._last is not None and self._number not in self._cuts:
            way = _homography(gray, free, *self._last)
        self._last = (gray, free)
        if way is None:
            self._steps.append(np.eye(3))
            self._run.append(self._run[-1] + 1 if self._run else 0)
            return
        grow = np.diag([1 / factor, 1 / factor, 1.0])
        self._steps.append(grow @ way @ np.linalg.inv(grow))
        self._run.append(self._run[-1])


def _homography(gray: NDArray[np.uint8], free: Binary, before: NDArray[np.uint8], free_before: Binary) -> Array | None:
    """(3,3) that takes pixels of ``gray`` to those of ``before``, told by the background; None when it cannot be."""
    points = cv2.goodFeaturesToTrack(gray, _POINTS, 0.01, 7, mask=free.astype(np.uint8))
    if points is None or len(points) < _LEAST:
        return None
    moved, found, _ = cv2.calcOpticalFlowPyrLK(gray, before, points, np.zeros_like(points), winSize=(17, 17),
                                               maxLevel=4)
    there = np.round(moved[:, 0]).astype(int)
    inside = ((there >= 0) & (there < np.array(gray.shape[::-1]))).all(axis=1)
    kept = (found[:, 0] > 0) & inside
    kept[kept] = free_before[there[kept, 1], there[kept, 0]]
    if kept.sum() < _LEAST:
        return None
    cv2.setRNGSeed(0)
    way, agree = cv2.findHomography(points[kept], moved[kept], cv2.RANSAC, 1.0)
    if way is None or agree.sum() < _LEAST or agree.mean() < 0.3:
        return None
    return np.asarray(way, dtype=np.float64)


def _revealed(frame: Pixels, hidden: Floats, keys: list[tuple[_Key, Array]], number: int) -> Pixels:
    """One frame, filled from key frames: their own pixels first, then what was made up in them, then made up anew."""
    rows, columns = np.flatnonzero(hidden.any(axis=1)), np.flatnonzero(hidden.any(axis=0))
    if not len(rows):
        return frame
    room = 12  # pixels round the hole, to compare the light in
    height, width = hidden.shape
    top, bottom = max(0, rows[0] - room), min(height, rows[-1] + 1 + room)
    left, right = max(0, columns[0] - room), min(width, columns[-1] + 1 + room)
    part = np.s_[top:bottom, left:right]
    shift = np.array([[1, 0, -left], [0, 1, -top], [0, 0, 1.0]])
    size = (int(right - left), int(bottom - top))
    own, hole = frame[part].astype(np.float32), hidden[part] > 0
    total, weight = np.zeros_like(own), np.zeros(own.shape[:2], dtype=np.float32)
    times = np.zeros(own.shape[:2], dtype=np.int32)
    keys = sorted((pair for pair in keys if pair[0].number != number), key=lambda pair: abs(pair[0].number - number))
    rest = hole.copy()
    for key, way in keys:
        if not rest.any():
            break
        moved, free = _moved(key.frame, key.cover, shift @ way, size)
        share = free * np.float32(1 / abs(key.number - number) ** 2)
        total += share[..., None] * _matched(moved, own, free & ~hole)
        weight += share
        times += free
        rest = hole & (times < _ENOUGH)
    rest = hole & (times == 0)
    for key, way in keys:
        if key.filled is not None and rest.any():
            moved, free = _moved(key.filled, np.zeros_like(key.cover), shift @ way, size)
            take = rest & free
            total[take], weight[take] = _matched(moved, own, free & ~hole)[take], 1
            rest &= ~free
    filled = np.where(weight[..., None] > 0, total / np.maximum(weight, 1e-12)[..., None], own)
    out = frame.copy()
    alpha = np.minimum(2 * hidden[part], 1)[..., None]
    out[part] = np.clip(own + alpha * (filled - own) + 0.5, 0, 255).astype(np.uint8)
    unknown = np.zeros(hidden.shape, dtype=np.bool_)
    unknown[part] = rest
    return fill_holes(out, unknown) if unknown.any() else out


def _moved(image: Pixels, cover: Floats, way: Array, size: tuple[int, int]) -> tuple[Floats, Binary]:
    """The picture in the place of another, and where it shows the background."""
    moved = cv2.warpPerspective(image, way, size, flags=cv2.INTER_LINEAR)
    there = cv2.warpPerspective(cover, way, size, flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_CONSTANT,
                                borderValue=(1.0,))
    return np.asarray(moved, dtype=np.float32), np.asarray(there < 0.02)


def _matched(moved: Floats, own: Floats, free: Binary) -> Floats:
    """The picture in the light of ``own``, told where both are free."""
    a, b = own[::_EVERY, ::_EVERY][free[::_EVERY, ::_EVERY]], moved[::_EVERY, ::_EVERY][free[::_EVERY, ::_EVERY]]
    if len(a) < 20:
        return moved
    ratio = np.median((a + 8) / (b + 8), axis=0)
    return moved * np.clip(ratio, 0.6, 1.6).astype(np.float32)
