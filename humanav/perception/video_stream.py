"""The frames of a video file: opening it, when its frames are shown, decoding them, and where a damaged end begins."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from humanav.errors import InputError

MAX_PIXELS = 8192 * 4320
_TAIL = 300 * 1280 * 720  # pixels of frames decoded to see whether the end of a clip is whole


def opened(path: Path) -> Any:
    """A container of PyAV that has pictures; the caller closes it. Raises InputError for anything else."""
    import av

    try:
        container = av.open(str(path))
    except av.FFmpegError as error:
        if path.stat().st_size == 0:
            raise InputError(f"{path.name} is empty: choose a video.") from error
        raise InputError(f"{path.name} is no video that can be read, or it is damaged: choose an mp4, mov, webm, avi "
                         "or gif.") from error
    if not container.streams.video:
        container.close()
        raise InputError(f"There is no picture in {path.name}, only sound or text: choose a video.")
    container.streams.video[0].thread_type = "AUTO"
    return container


def scanned(path: Path, notes: list[str]) -> tuple[NDArray[np.float64], float, tuple[int, int]]:
    """Time of every frame (T,) in seconds from the first, the first's own time, and the upright (width, height).

    The first frame is decoded, and those at the end; what of them cannot be is left away and said in ``notes``.
    """
    container = opened(path)
    try:
        promised = int(container.streams.video[0].frames)
        packets = list(_packet_times(container))
        stamps = np.unique([time for time, _ in packets])
    except _ffmpeg_error() as error:
        raise _damaged(path) from error
    finally:
        container.close()
    if not len(stamps):
        raise _damaged(path)
    container = opened(path)
    try:
        frame = next(decoded(container), None)
        wide = float(container.streams.video[0].sample_aspect_ratio or 1)
    except _ffmpeg_error() as error:
        raise _damaged(path) from error
    finally:
        container.close()
    if frame is None:
        raise _damaged(path)
    image = frame[0]
    if image.width * image.height > MAX_PIXELS:
        raise InputError(f"{path.name} has frames of {image.width} x {image.height} pixels: make it smaller first.")
    size = (max(2, round(image.width * wide)), image.height)
    keys = np.unique([time for time, key in packets if key])
    whole = _whole_end(path, stamps, keys, image.width * image.height)
    lost = max(promised, len(stamps)) - whole
    if lost > 0 and (whole < len(stamps) or lost > 2):  # some files promise a frame or two too many
        notes.append(f"The last {lost} frames of {path.name} cannot be decoded: they are left away.")
    stamps = stamps[:whole]
    return stamps - stamps[0], float(stamps[0]), size[::-1] if quarter_turns(image) % 2 else size


def _damaged(path: Path) -> InputError:
    return InputError(f"{path.name} has no frames that can be decoded, or is damaged: save or download it again.")


def _whole_end(path: Path, stamps: NDArray[np.float64], keys: NDArray[np.float64], pixels: int) -> int:
    """How many of the frames, counted from the first, there are before an end that cannot be decoded."""
    for key in keys[::-1]:
        begin = int(np.searchsorted(stamps, key - 1e-6))
        if (len(stamps) - begin) * pixels > _TAIL:
            break
        container = opened(path)
        try:
            container.seek(round(key * 1e6))
            found = [frame for frame, _ in decoded(container)]
        except _ffmpeg_error():
            found = []
        finally:
            container.close()
        if any(frame.time is None for frame in found):
            break
        times = [frame.time for frame in found if not frame.is_corrupt]
        if times and max(times) >= key - 1e-6:
            return int(np.searchsorted(stamps, max(times) + 1e-6))
    return len(stamps)


def _packet_times(container: Any) -> Iterator[tuple[float, bool]]:
    """When each packet is shown, and whether it is a key frame."""
    stream = container.streams.video[0]
    step = 1 / float(stream.average_rate or stream.guessed_rate or 25)
    number = 0
    for packet in _packets(container, stream):
        if packet.size == 0 or packet.is_discard:
            continue
        stamp = packet.pts if packet.pts is not None else packet.dts
        yield number * step if stamp is None else float(stamp * packet.time_base), bool(packet.is_keyframe)
        number += 1


def decoded(container: Any, zero: float = 0.0) -> Iterator[tuple[Any, float]]:
    """Frames and their seconds after ``zero``; damaged packets are passed over."""
    import av

    stream = container.streams.video[0]
    step = 1 / float(stream.average_rate or stream.guessed_rate or 25)
    number = 0
    for packet in _packets(container, stream):
        try:
            frames = packet.decode()
        except av.InvalidDataError:
            continue
        for frame in frames:
            time = number * step if frame.time is None else float(frame.time) - zero
            number += 1
            yield frame, time


def _packets(container: Any, stream: Any) -> Iterator[Any]:
    """The packets up to the end, or to where the file is cut off."""
    packets, any_yet = container.demux(stream), False
    while True:
        try:
            packet = next(packets)
        except StopIteration:
            return
        except _ffmpeg_error():
            if any_yet:
                return
            raise
        any_yet = True
        yield packet


def _ffmpeg_error() -> type[Exception]:
    import av

    error: type[Exception] = av.FFmpegError
    return error


def quarter_turns(frame: Any) -> int:
    """How many quarter turns, counter-clockwise, make the frame upright."""
    return round(float(getattr(frame, "rotation", 0) or 0) / 90) % 4
