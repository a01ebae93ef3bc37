"""Short clips to track, made from real footage and from the film that comes with the package."""

from __future__ import annotations

import struct
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import av
import cv2
import numpy as np
from numpy.typing import NDArray

from humanav.export import write_mp4
from humanav.jobs.track_samples import sample_clip
from humanav.perception import open_video

Pixels = NDArray[np.uint8]

SQUAT = "testset/mono_video/pose_squats_5s.mp4"
"""A man squats: 25 frames, 5 a second, 720 x 1280."""
FIGURE = "testset/mono_video/pose_1.mp4"
"""A small rendered figure walks: 120 frames of 576 x 576."""


def frames_of(source: str | Path, part: slice = slice(None), size: tuple[int, int] | None = None) -> list[Pixels]:
    """Some frames of a clip, fitted into ``size`` (width, height) with black at the sides."""
    with open_video(source) as video:
        frames = list(video)[part]
    return frames if size is None else [fitted(frame, size) for frame in frames]


def film(count: int, step: int = 2, name: str = "walk_and_squat", side: int = 400) -> list[Pixels]:
    """The first frames of a sample film, every ``step``-th, with ``side`` pixels on the longer side."""
    frames = frames_of(sample_clip(name), slice(0, count * step, step))
    factor = side / max(frames[0].shape)
    return [np.asarray(cv2.resize(frame, None, fx=factor, fy=factor, interpolation=cv2.INTER_AREA), np.uint8)
            for frame in frames]


def empty_street(side: int = 400) -> Pixels:
    """The place of the film without its walker, who is on the left at first and on the right in the end."""
    first, last = film(2, 150, side=side)
    split = side // 3
    return np.concatenate([last[:, :split], first[:, split:]], axis=1)


def fitted(frame: Pixels, size: tuple[int, int]) -> Pixels:
    """A frame as large as it goes into ``size`` (width, height), in the middle of black."""
    factor = min(size[0] / frame.shape[1], size[1] / frame.shape[0])
    small = cv2.resize(frame, None, fx=factor, fy=factor, interpolation=cv2.INTER_AREA)
    out = np.zeros((size[1], size[0], 3), dtype=np.uint8)
    x, y = (size[0] - small.shape[1]) // 2, (size[1] - small.shape[0]) // 2
    out[y:y + small.shape[0], x:x + small.shape[1]] = small
    return out


def grey(count: int, size: tuple[int, int] = (320, 240)) -> list[Pixels]:
    """Frames in which nobody is."""
    row = np.linspace(60, 200, size[0], dtype=np.uint8)
    return [np.ascontiguousarray(np.broadcast_to(row[None, :, None], (size[1], size[0], 3)))] * count


def write_clip(path: Path, frames: Iterable[Pixels], fps: float = 15.0, **options: Any) -> Path:
    """An MP4 of the frames."""
    return write_mp4(frames, path, fps, crf=18, **options)


def write_pictures(folder: Path, frames: Iterable[Pixels], numbers: Sequence[int]) -> Path:
    """A folder of pictures called by their numbers."""
    folder.mkdir(parents=True)
    for number, frame in zip(numbers, frames, strict=True):
        cv2.imwrite(str(folder / f"{number}.png"), frame[..., ::-1])
    return folder


def write_sound(path: Path) -> Path:
    """A second of silence, and no picture."""
    with av.open(str(path), "w") as container:
        stream = container.add_stream("aac", rate=44100)
        frame = av.AudioFrame.from_ndarray(np.zeros((1, 44100), dtype=np.float32), format="fltp", layout="mono")
        frame.sample_rate = 44100
        container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    return path


def turn_upright(path: Path) -> Path:
    """Tell players to turn a lying mp4 by 90 degrees clockwise, as phones do."""
    data = bytearray(path.read_bytes())
    place = data.index(b"tkhd") + 4 + 40
    data[place:place + 36] = struct.pack(">9i", 0, 65536, 0, -65536, 0, 0, 64 << 16, 0, 1 << 30)
    path.write_bytes(bytes(data))
    return path
