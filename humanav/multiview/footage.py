"""The frames of all views of a capture on one clock: frame ``t`` is the same moment in every view."""

from __future__ import annotations

import math
import threading
from collections import OrderedDict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Self

import numpy as np
from numpy.typing import NDArray

from humanav.errors import InputError
from humanav.multiview.capture import Capture
from humanav.multiview.capture_checks import clip_of
from humanav.multiview.capture_layout import picture_numbers, pictures_of
from humanav.perception.video import MAX_FPS, MAX_FRAMES, Video

Pixels = NDArray[np.uint8]

CACHE_BYTES = 256 * 2**20
"""Decoded frames kept, over all views."""
_AHEAD = 48  # frames decoded and passed over rather than opening the file anew
_SAME_RATE = 0.01  # relative difference of rates below which equally long clips are one and the same rate


@dataclass
class Footage:
    """Pictures of a capture by view and frame; decoded as they are asked for, the latest kept.

    Satisfies :class:`humanav.multiview.Pictures`; several threads may ask. The frames are read-only. Use it as a
    context manager, or call :meth:`close`.

    Attributes:
        names: of the V views.
        fps: frames per second of every view, as given out.
        sizes: (width, height) of each view's frames, after ``max_side``.
        notes: sentences on what was done to bring the views together.
    """

    names: tuple[str, ...]
    fps: float
    sizes: tuple[tuple[int, int], ...]
    notes: tuple[str, ...]
    _videos: tuple[Video, ...]
    _numbers: NDArray[np.int64]  # (V,T) the video's own frame at each frame of ours
    _listed: tuple[list[int] | None, ...]  # pictures of the folder that the video's own frames are, where chosen
    _cache: OrderedDict[tuple[int, int], Pixels] = field(default_factory=OrderedDict, repr=False)
    _lock: threading.RLock = field(default_factory=threading.RLock, repr=False)
    _running: dict[int, tuple[Iterator[Pixels], int]] = field(default_factory=dict, repr=False)

    def __len__(self) -> int:
        return int(self._numbers.shape[1])

    @property
    def frames(self) -> int:
        """T."""
        return len(self)

    def frame(self, view: int, t: int) -> Pixels:
        """The picture (h,w,3) RGB of a view at frame ``t``. Raises InputError when there is none."""
        if not (0 <= view < len(self.names) and 0 <= t < len(self)):
            raise InputError(f"There is no frame {t} of view {view}: there are {len(self)} frames of "
                             f"{len(self.names)} views, counted from 0.")
        number = int(self._numbers[view, t])
        with self._lock:
            kept = self._cache.get((view, number))
            if kept is None:
                return self._decode(view, number)
            self._cache.move_to_end((view, number))
            return kept

    def read(self, view: int, first: int = 0) -> Iterator[Pixels]:
        """The pictures of one view in their order, from frame ``first`` on."""
        for t in range(first, len(self)):
            yield self.frame(view, t)

    def number(self, view: int, t: int) -> int:
        """Which frame of the view's own video, or picture of its folder, frame ``t`` is, counted from 0."""
        number = int(self._numbers[view, t])
        listed = self._listed[view]
        return number if listed is None else listed[number]

    def _decode(self, view: int, number: int) -> Pixels:
        running, at = self._running.pop(view, (None, 0))
        most = 0 if self._videos[view].path.is_dir() else _AHEAD  # a picture of a folder costs the same everywhere
        if running is None or not 0 <= number - at <= most:
            if running is not None:
                running.close()  # type: ignore[attr-defined]
            running, at = self._videos[view].read(number), number
        for found in range(at, number + 1):
            image = next(running, None)
            if image is None:
                raise InputError(f"Frame {found} of {self._videos[view].path.name} cannot be decoded: the file is "
                                 "damaged there, give an end before it.")
            image.flags.writeable = False
            self._keep((view, found), image)
        self._running[view] = running, number + 1
        return self._cache[view, number]

    def _keep(self, key: tuple[int, int], image: Pixels) -> None:
        self._cache[key] = image
        held = sum(frame.nbytes for frame in self._cache.values())
        while held > CACHE_BYTES and len(self._cache) > 1:
            held -= self._cache.popitem(last=False)[1].nbytes

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Close the files; calling it twice is harmless."""
        with self._lock:
            self._running.clear()
            self._cache.clear()
            for video in self._videos:
                video.close()


def open_footage(
    capture: Capture, *, fps: float | None = None, start: float = 0.0, end: float | None = None,
    offsets: Sequence[float] = (), max_side: int | None = None, picture_fps: float = 30.0,
) -> Footage:
    """Open the videos and picture folders of a capture as one clip of several views.

    Args:
        capture: its ``sources`` are read, in its views' order.
        fps: frames per second to give out; by default the lowest rate among the views, at most 60.
        start, end: part to read, in seconds of the common clock.
        offsets: for each view, in frames at the rate given out: the moment of frame ``t`` is frame ``t + offset`` of
            its file, as :func:`humanav.multiview.sync.find_offsets` tells it. Fractions go to the nearest frame.
        max_side: shrink frames to this many pixels on the longer side.
        picture_fps: frames per second of folders of pictures.

    Raises:
        InputError: a video that cannot be read, a bad argument, no moment that all views show, or more frames than
            :data:`humanav.perception.video.MAX_FRAMES`.
    """
    videos: list[Video] = []
    for value, words in ((fps, "frame rate"), (picture_fps, "frame rate of pictures"), (max_side, "largest side")):
        if value is not None and not (math.isfinite(value) and value > 0):
            raise InputError(f"The {words} must be a positive number, not {value}.")
    numbers = _common_pictures(capture.sources)
    try:
        for source, frames in zip(capture.sources, numbers):
            videos.append(clip_of(source, max_side, frames))
        return _together(capture, videos, tuple(numbers), fps, start, end, offsets, picture_fps)
    except BaseException:
        for video in videos:
            video.close()
        raise


def _common_pictures(sources: Sequence[Path]) -> list[list[int] | None]:
    """For folders of pictures whose numbers differ: the places in each of the numbers that all have."""
    listed = [picture_numbers(pictures_of(source)) if source.is_dir() else None for source in sources]
    numbers = [one for one in listed if one is not None]
    if len(numbers) < len(sources) or all(one == numbers[0] for one in numbers):
        return [None] * len(sources)
    shared = set.intersection(*(set(one) for one in numbers))
    return [[place for place, number in enumerate(one) if number in shared] for one in numbers]


def _together(
    capture: Capture, videos: list[Video], listed: tuple[list[int] | None, ...], fps: float | None, start: float,
    end: float | None, offsets: Sequence[float], picture_fps: float,
) -> Footage:
    late = np.asarray(offsets if len(offsets) else np.zeros(len(videos)), dtype=np.float64)
    if late.shape != (len(videos),) or not np.isfinite(late).all():
        raise InputError(f"One time offset in frames is needed for each of the {len(videos)} views, a number each.")
    if not (math.isfinite(start) and start >= 0 and (end is None or end > start)):
        raise InputError(f"The part from {start:g} to {end if end is None else f'{end:g}'} seconds is empty: the start "
                         "must lie before the end.")
    notes: list[str] = []
    rates = np.array([picture_fps if video.path.is_dir() else video.fps for video in videos])
    lengths = np.array([len(video) for video in videos])
    common = float(rates.min())
    if rates.max() / common < 1 + _SAME_RATE and len(set(lengths)) == 1:
        common = float(np.median(rates))  # cameras on one trigger: frame by frame, whatever their clocks say
        rates = np.full(len(videos), common)
    if rates.max() / common > 1.001:
        notes.append("The views have different frame rates ("
                     + ", ".join(f"{name} {rate:.4g}" for name, rate in zip(capture.names, rates))
                     + f"): all are read at {common:.4g} frames per second.")
    rate = min(common, MAX_FPS if fps is None else float(fps))
    rate = common if abs(rate / common - 1) < _SAME_RATE / 2 else rate
    if fps is not None and fps > common * 1.001:
        notes.append(f"{fps:g} frames per second were asked for; the slowest view has {common:.4g}.")
    shift = late / rate  # seconds
    first = max(0.0, float(-shift.min()))  # the common clock's zero is the first moment that every view has
    last = float((lengths / rates - shift).min())
    begin, stop = first + start, last if end is None else min(last, first + end)
    count = math.ceil((stop - begin) * rate - 1e-6)
    if count < 1:
        raise InputError("There is no moment that all views show: check the time offsets, the part asked for and the "
                         "lengths of the videos.")
    if count > MAX_FRAMES:
        raise InputError(f"The capture has {count} frames ({count / rate:.0f} s), more than {MAX_FRAMES}: give a start "
                         "and an end, or a lower frame rate.")
    if len(set(lengths)) > 1 or late.any():
        spare = lengths / rates - (last - first)
        if spare.max() > 1.5 / common:
            notes.append(f"Not all views last equally long: the {last - first:.2f} seconds that all of them show are "
                         "used.")
    moments = begin + np.arange(count) / rate
    numbers = np.rint((moments + shift[:, None]) * rates[:, None] + 1e-6).astype(np.int64)
    numbers = np.clip(numbers, 0, lengths[:, None] - 1)
    sizes = tuple((video.width, video.height) for video in videos)
    return Footage(tuple(capture.names), rate, sizes, tuple(notes), tuple(videos), numbers, listed)
