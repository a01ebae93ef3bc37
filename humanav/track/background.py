"""The scene without the people: one picture of it for a camera that stands still, and every frame with them removed."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from typing import Any

import cv2
import numpy as np
from numba import njit, prange
from numpy.typing import NDArray

from humanav.errors import InputError
from humanav.perception.takes import People
from humanav.perception.video import Pixels, Video
from humanav.progress import Progress
from humanav.render.kernels import KERNEL_LOCK
from humanav.track.cover import Cover
from humanav.track.fill import fill_holes

Binary = NDArray[np.bool_]
Floats = NDArray[np.float32]

SAMPLES = 40
"""Frames of which a plate is made, unless it is told otherwise."""
_MEMORY = 320_000_000  # bytes of frames held at once: fewer frames of a very large video
_CANDIDATES = 240  # frames whose covers are looked at
_OFTEN = 5  # a pixel that is free in so many frames needs no more
_SMALL = 96  # pixels of the longer side, where light and covers are compared
_BRIGHTEST, _DARKEST = 1.6, 0.6  # how much the light may change from frame to frame


def background_plate(
    video: Video, people: People, *, samples: int = SAMPLES, shot: tuple[int, int] | None = None,
    progress: Progress | None = None,
) -> tuple[Pixels, Binary]:
    """The scene as a camera that stands still sees it without the people.

    Each pixel is the median over frames in which no followed person is there; changes of exposure are evened out. What
    is never free is made up from the rest of the picture. Shadows and reflections of the people may stay.

    Args:
        video: the clip; its frames are read once, and at most ``samples`` of them are held.
        people: whom to leave out.
        samples: how many frames to use; those are preferred that show what others hide.
        shot: (first, after last) frame of the shot to look at; by default the longest.
        progress: told of the parts done.

    Returns:
        plate uint8 RGB (H,W,3) of the video's size, and seen bool (H,W), False where it was made up.

    Raises:
        InputError: the shot has no frames, or they cannot be read.
        Cancelled: ``progress`` was told to stop.
    """
    first, last = shot or max(people.shots or ((0, len(video)),), key=lambda span: span[1] - span[0])
    last = min(last, len(video))
    if not 0 <= first < last:
        raise InputError(f"The shot from frame {first} to {last} has no frames: the clip has {len(video)}.")
    cover = Cover(people)
    count = max(4, min(samples, _MEMORY // (video.width * video.height * 3)))
    chosen = _chosen(cover, first, last, count)
    frames = np.empty((len(chosen), video.height, video.width, 3), dtype=np.uint8)
    free = np.empty(frames.shape[:3], dtype=np.bool_)
    k = 0
    with closing(iter(video)) as reader:  # type: ignore[type-var]  # a generator
        for number, frame in enumerate(reader):
            if progress is not None:
                progress.update(0.7 * number / (chosen[-1] + 1))
            if number == chosen[k]:
                frames[k], free[k] = frame, cover.at(number, video.width, video.height) < 0.5
                k += 1
                if k == len(chosen):
                    break
    frames, free = frames[:k], free[:k]  # a damaged file may end early
    plate = np.zeros(frames.shape[1:], dtype=np.uint8)
    seen = np.zeros(plate.shape[:2], dtype=np.bool_)
    with KERNEL_LOCK:
        _medians(frames, free, _gains(frames, free), plate, seen)
    if progress is not None:
        progress.update(0.85)
    plate = fill_holes(plate, ~seen)
    if progress is not None:
        progress.update(1.0)
    return plate, seen


def inpainted_frames(
    video: Video, people: People, plate: Pixels | None = None, *, progress: Progress | None = None
) -> Iterator[Pixels]:
    """Every frame of the clip with the followed people removed; everybody and everything else stays.

    Args:
        video: the clip.
        people: whom to remove.
        plate: :func:`background_plate` of a camera that stands still; None for one that moves: then what the people
            hide is taken from the frames before and after, moved into place, and made up where it is hidden there too.
        progress: told of the parts done.

    Yields:
        uint8 RGB of the video's size.

    Raises:
        InputError: the plate has another size, or a frame cannot be read.
        Cancelled: ``progress`` was told to stop.
    """
    if plate is not None and plate.shape != (video.height, video.width, 3):
        raise InputError(f"The background has {plate.shape[1]} x {plate.shape[0]} pixels, the clip {video.width} x "
                         f"{video.height}: make it from this clip.")
    cover = Cover(people)
    if plate is None:
        from humanav.track.moving_background import revealed_frames

        filled = revealed_frames(video, cover, people.shots)
    else:
        filled = (_pasted(frame, plate, cover.at(number, video.width, video.height))
                  for number, frame in enumerate(video))
    for number, frame in enumerate(filled):
        if progress is not None:
            progress.update((number + 1) / len(video))
        yield frame


def _pasted(frame: Pixels, plate: Pixels, cover: Floats) -> Pixels:
    """The plate over the covered part of a frame, in the frame's light, with a soft rim."""
    rows, columns = np.flatnonzero(cover.any(axis=1)), np.flatnonzero(cover.any(axis=0))
    if not len(rows):
        return frame
    size = _small_size(frame.shape)
    here, there, hidden = (cv2.resize(image, size, interpolation=cv2.INTER_AREA).astype(np.float32)
                           for image in (frame, plate, cover))
    gain = light_ratio(here, there, hidden < 0.05)
    part = np.s_[rows[0]:rows[-1] + 1, columns[0]:columns[-1] + 1]
    alpha = np.minimum(2 * cover[part], 1)[..., None]
    out = frame.copy()
    out[part] = np.clip(frame[part] + alpha * (plate[part] * gain - frame[part]) + 0.5, 0, 255).astype(np.uint8)
    return out


def light_ratio(image: Floats, other: Floats, free: Binary) -> Floats:
    """(3,) by how much ``image`` is brighter than ``other`` (H,W,3) in each channel, over the pixels ``free`` (H,W)."""
    usable = free & (image.max(axis=2) < 250) & (other.min(axis=2) > 12) & (other.max(axis=2) < 250)
    if usable.sum() < 30:
        return np.ones(3, dtype=np.float32)
    ratio = np.median(image[usable] / other[usable], axis=0)
    return np.asarray(np.clip(ratio, _DARKEST, _BRIGHTEST), dtype=np.float32)


def _chosen(cover: Cover, first: int, last: int, count: int) -> list[int]:
    """Numbers of the frames to use, in order: half of them evenly, the others where they show what is seldom free."""
    if last - first <= count:
        return list(range(first, last))
    numbers = np.unique(np.linspace(first, last - 1, max(_CANDIDATES, count)).round().astype(int))
    small = [cover.small(int(number)) for number in numbers]
    factor = min(1.0, _SMALL / max(small[0].shape))
    free = np.array([cv2.resize(image, None, fx=factor, fy=factor, interpolation=cv2.INTER_AREA) < 0.1
                     for image in small]).reshape(len(numbers), -1)
    taken = np.zeros(len(numbers), dtype=np.bool_)
    taken[np.linspace(0, len(numbers) - 1, count - count // 2).round().astype(int)] = True
    times = free[taken].sum(axis=0)
    while taken.sum() < count:
        worth = free @ np.where(times < _OFTEN, 1.0 / (1 + times), 0.0)
        worth[taken] = -1
        best = int(np.argmax(worth))
        if worth[best] <= 0:  # everything is seen often: the widest gap in time
            gaps = np.diff(np.flatnonzero(taken))
            best = int(np.flatnonzero(taken)[np.argmax(gaps)] + gaps.max() // 2)
            if taken[best]:
                break
        taken[best] = True
        times = times + free[best]
    return [int(number) for number in numbers[taken]]


def _gains(frames: Pixels, free: Binary) -> Floats:
    """(N,3) what each frame is multiplied by so that all are equally light."""
    size = _small_size(frames.shape[1:])
    small = np.array([cv2.resize(frame, size, interpolation=cv2.INTER_AREA) for frame in frames], dtype=np.float32)
    clear = np.array([cv2.resize(mask.astype(np.float32), size, interpolation=cv2.INTER_AREA) > 0.95 for mask in free])
    usual = np.median(small, axis=0)
    return np.array([light_ratio(usual, image, mask) for image, mask in zip(small, clear)], dtype=np.float32)


def _small_size(shape: tuple[int, ...]) -> tuple[int, int]:
    factor = min(1.0, _SMALL / max(shape[:2]))
    return max(1, round(shape[1] * factor)), max(1, round(shape[0] * factor))


@njit(cache=True, parallel=True, nogil=True)
def _medians(frames: Any, free: Any, gains: Any, plate: Any, seen: Any) -> None:
    """``plate`` (H,W,3) the median over the free of ``frames`` (N,H,W,3) times their gains; ``seen`` where any is."""
    count, height, width = free.shape
    for y in prange(height):
        values = np.empty(count, dtype=np.uint8)
        coarse = np.empty(16, dtype=np.int32)
        for x in range(width):
            for c in range(3):
                n = 0
                coarse[:] = 0
                for k in range(count):
                    if free[k, y, x]:
                        values[n] = np.uint8(min(frames[k, y, x, c] * gains[k, c] + 0.5, 255.0))
                        coarse[values[n] >> 4] += 1
                        n += 1
                if n == 0:
                    continue
                seen[y, x] = True
                rank, below, high = (n - 1) // 2, 0, 0  # the lower median, by its upper and then its lower four bits
                while below + coarse[high] <= rank:
                    below += coarse[high]
                    high += 1
                coarse[:] = 0
                for k in range(n):
                    if values[k] >> 4 == high:
                        coarse[values[k] & 15] += 1
                low = 0
                while below + coarse[low] <= rank:
                    below += coarse[low]
                    low += 1
                plate[y, x, c] = high * 16 + low
