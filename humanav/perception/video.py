"""Videos, animated pictures and folders of pictures as upright RGB frames at a constant rate, one at a time."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from humanav.errors import ImageError, InputError
from humanav.perception.video_stream import decoded, opened, quarter_turns, scanned

Pixels = NDArray[np.uint8]

MAX_FRAMES = 20_000
"""Longer videos are refused: cut them, or ask for fewer frames per second."""
MAX_FPS = 60.0
"""More frames per second are given out only when they are asked for."""
_PICTURES = (".jpg", ".jpeg", ".png", ".webp", ".bmp", ".tif", ".tiff")
_FOLDER_FPS = 30.0
_MOST_PIXELS = 120_000_000  # of a picture of a folder
_HELD = 1.5  # frames that the last one is held for
_STEADY = 0.25  # frames at most this share of their spacing off a constant rate are at a constant rate


@dataclass(frozen=True)
class Video:
    """A clip whose frames are read as they are asked for; it can be iterated more than once.

    ``for frame in video`` gives uint8 RGB (height, width, 3), upright, at a constant ``fps``. Use it as a context
    manager, or call :meth:`close`: a reader that stops half-way holds the file until then.

    Attributes:
        path: the file or folder.
        fps: frames per second as given out.
        width, height: of the frames, in pixels.
        original_size: (width, height) before ``max_side``, upright.
        duration: in seconds, of the part that was asked for.
        notes: sentences on what was done to the frames.
    """

    path: Path
    fps: float
    width: int
    height: int
    original_size: tuple[int, int]
    notes: tuple[str, ...]
    _times: NDArray[np.float64]  # of the frames to give, seconds from the first
    _zero: float = 0.0  # the first frame's own time
    _pictures: tuple[Path, ...] = ()
    _open: list[Any] = field(default_factory=list, repr=False, compare=False)

    def __len__(self) -> int:
        return len(self._times)

    @property
    def duration(self) -> float:
        """Seconds."""
        return len(self) / self.fps

    @property
    def name(self) -> str:
        """The file's name without its ending."""
        return self.path.stem

    @property
    def times(self) -> NDArray[np.float64]:
        """(T,) when each frame is, in seconds from the first of the file."""
        return self._times.copy()

    def __iter__(self) -> Iterator[Pixels]:
        return self.read()

    def read(self, first: int = 0) -> Iterator[Pixels]:
        """The frames from number ``first`` on."""
        return self._folder_frames(first) if self._pictures else self._frames(first)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Close the file; calling it twice is harmless."""
        while self._open:
            self._open.pop().close()

    def _folder_frames(self, first: int) -> Iterator[Pixels]:
        for time in self._times[first:]:
            yield _picture(self._pictures[round(time * _FOLDER_FPS)], (self.width, self.height))

    def _frames(self, first: int) -> Iterator[Pixels]:
        """The frame nearest to each time: each is held back until the one after it is known."""
        given, last, last_time = first, None, -math.inf
        if given >= len(self):
            return
        container = opened(self.path)
        self._open.append(container)
        try:
            begin = float(self._times[first])
            if begin > 1:
                container.seek(round((self._zero + begin) * 1e6))  # to the key frame before it
            for frame, time in decoded(container, self._zero):
                while last is not None and given < len(self) and self._times[given] <= (last_time + time) / 2:
                    yield self._upright(last)
                    given += 1
                if given == len(self):
                    return
                last, last_time = frame, time
            if last is None:
                raise InputError(f"No frame of {self.path.name} can be decoded: the video is damaged.")
            for time in self._times[given:]:
                if time > last_time + _HELD / self.fps:  # a damaged end: fewer frames, not the same one over and over
                    return
                yield self._upright(last)
        finally:
            container.close()
            if container in self._open:
                self._open.remove(container)

    def _upright(self, frame: Any) -> Pixels:
        turns = quarter_turns(frame)
        width, height = (self.height, self.width) if turns % 2 else (self.width, self.height)
        rgb = frame.reformat(width, height, "rgb24", interpolation="AREA").to_ndarray()
        return np.ascontiguousarray(np.rot90(rgb, turns))


def open_video(
    path: str | Path, *, fps: float | None = None, max_side: int | None = None, start: float | None = None,
    end: float | None = None, frames: Sequence[int] | None = None, max_frames: int = MAX_FRAMES,
) -> Video:
    """Open a video (mp4, mov, webm, avi, gif and whatever else FFmpeg reads) or a folder of pictures, in their order.

    The camera's rotation is applied and pixels made square. Recordings of a varying rate are resampled to their usual.
    An end that cannot be decoded is left away, and ``notes`` say so.

    Args:
        path: file or folder.
        fps: at most this many frames per second are given, at even spacing; by default 60.
        max_side: shrink frames to this many pixels on the longer side.
        start, end: part to read, in seconds.
        frames: numbers of the file's frames (from 0, rising) to read, and no others; they are taken to follow each
            other, at the clip's rate over their usual distance.
        max_frames: longer clips are refused.

    Raises:
        InputError: no such file, no video in it, damaged, no frames (in that part), too long, too large, or a bad
            argument.
        ImageError: a picture of the folder cannot be read.
    """
    path = Path(path)
    for value, words in ((fps, "frame rate"), (max_side, "largest side")):
        if value is not None and not (math.isfinite(value) and value > 0):
            raise InputError(f"The {words} must be a positive number, not {value}.")
    low, high = start or 0.0, math.inf if end is None else end
    if not 0 <= low < high:
        raise InputError(f"The part from {low:g} to {high:g} seconds is empty: the start must lie before the end.")
    if not path.exists():
        raise InputError(f"There is no file {path.name}: check the name and the folder.")
    pictures: tuple[Path, ...] = ()
    notes: list[str] = []
    zero = 0.0
    if path.is_dir() or path.suffix.lower() in _PICTURES:
        pictures = pictures_in(path) if path.is_dir() else (path,)
        first = _picture(pictures[0])
        size = (int(first.shape[1]), int(first.shape[0]))
        given = np.arange(len(pictures)) / _FOLDER_FPS
        if path.is_dir():
            notes.append(f"The pictures are taken as {_FOLDER_FPS:g} frames per second.")
    else:
        given, zero, size = scanned(path, notes)
    if frames is None:
        times, rate = _constant_rate(given, notes)
    else:
        times, rate = _listed(given, frames, path.name, notes)
    keep = (times >= low - 1e-6) & (times < high)
    if not keep.any():
        raise InputError(f"{path.name} lasts {times[-1] + 1 / rate:.1f} seconds: there is no frame after {low:g} s.")
    times = times[keep]
    most = MAX_FPS * 1.02 if fps is None else fps
    if most < rate * 0.999:
        wanted = MAX_FPS if fps is None else float(fps)
        count = max(1, math.ceil(len(times) / rate * wanted - 1e-6))
        notes.append(f"The clip has {rate:.4g} frames per second; {wanted:g} are used.")
        numbers = np.arange(count) * rate / wanted
        # between frames of an even rate a time is as good as the next; listed frames are kept as they are
        times = times[0] + np.arange(count) / wanted if frames is None else times[numbers.astype(int)]
        rate = wanted
    if len(times) > max_frames:
        raise InputError(f"{path.name} has {len(times)} frames ({len(times) / rate:.0f} s), more than {max_frames}: "
                         "give a start and an end, or a lower frame rate.")
    factor = 1.0 if max_side is None else min(1.0, max_side / max(size))
    if factor < 1:
        notes.append(f"Frames are shrunk from {size[0]} x {size[1]} pixels.")
    width, height = (max(2, round(side * factor)) for side in size)
    return Video(path, rate, width, height, size, tuple(notes), times, zero, pictures)


def _constant_rate(times: NDArray[np.float64], notes: list[str]) -> tuple[NDArray[np.float64], float]:
    """Times at a constant rate over the same span, and that rate; said in ``notes`` when frames move."""
    if len(times) == 1:
        notes.append("There is one frame only.")
        return times, 30.0
    rate = (len(times) - 1) / float(times[-1] - times[0])
    even = np.arange(len(times)) / rate
    if np.abs(even - times).max() * rate <= _STEADY:
        return even, rate
    usual = 1 / float(np.median(np.diff(times)))
    rate = min(max(usual, rate), 120.0)
    count = int(times[-1] * rate + 1e-6) + 1
    notes.append(f"The frames come at a varying rate: they are resampled to {rate:.4g} per second.")
    return np.arange(count) / rate, rate


def _listed(
    given: NDArray[np.float64], frames: Sequence[int], name: str, notes: list[str]
) -> tuple[NDArray[np.float64], float]:
    """Times of the listed frames, and the rate at which they follow each other."""
    numbers = np.asarray(frames)
    if numbers.ndim != 1 or not len(numbers) or numbers.dtype.kind not in "iu":
        raise InputError("The list of frames must hold whole numbers, at least one.")
    if (np.diff(numbers) <= 0).any():
        raise InputError("The list of frames must rise, each number once.")
    if numbers[0] < 0 or numbers[-1] >= len(given):
        wrong = numbers[0] if numbers[0] < 0 else numbers[-1]
        raise InputError(f"There is no frame {wrong} in {name}: it has {len(given)}, counted from 0.")
    rate = 1 / float(np.median(np.diff(given))) if len(given) > 1 else _FOLDER_FPS
    step = int(np.bincount(np.diff(numbers)).argmax()) if len(numbers) > 1 else 1
    if len(numbers) < len(given):
        notes.append(f"{len(numbers)} of {len(given)} frames are used, as listed.")
    if len(numbers) > 1 and (np.diff(numbers) != step).any():
        notes.append("The listed frames have gaps: they are taken to follow each other.")
    return given[numbers], rate / step


def pictures_in(folder: Path) -> tuple[Path, ...]:
    """The pictures of a folder in their order. Raises InputError when there are none."""
    found = [file for file in folder.iterdir() if file.suffix.lower() in _PICTURES and not file.name.startswith(".")]
    if not found:
        raise InputError(f"There are no pictures in the folder {folder.name}: JPEG or PNG files are needed.")
    return tuple(sorted(found, key=natural_order))


def natural_order(file: Path) -> list[tuple[int, str]]:
    """Sort key by which ``a2`` comes before ``a10``."""
    return [(int(part), "") if part.isdigit() else (-1, part) for part in re.split(r"(\d+)", file.name.lower())]


def _picture(file: Path, size: tuple[int, int] | None = None) -> Pixels:
    from PIL import Image, ImageOps

    from humanav.perception.images import picture_kinds

    try:
        with Image.open(file, formats=picture_kinds()) as image:
            if image.width * image.height > _MOST_PIXELS:
                raise ImageError(f"The picture {file.name} is {image.width} x {image.height} pixels: make it smaller "
                                 "first.")
            upright = ImageOps.exif_transpose(image).convert("RGB")
            if size is not None and upright.size != size:
                if abs(upright.width / upright.height - size[0] / size[1]) > 0.02:
                    raise ImageError(f"The picture {file.name} has another shape than the first: the frames of one "
                                     "clip are needed.")
                upright = upright.resize(size, Image.Resampling.BOX)
            return np.asarray(upright)
    except ImageError:
        raise
    except Exception as error:  # decoders raise OSError, SyntaxError, struct.error, ValueError and more
        raise ImageError(f"The picture {file.name} cannot be read: it is damaged or of an unknown kind.") from error
