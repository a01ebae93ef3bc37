"""Write frames as an MP4 that browsers and phones play."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import numpy as np

from humanav.errors import InputError, StorageError
from humanav.export.files import whole_file


def write_mp4(
    frames: Iterable[Any], path: str | Path, fps: float = 30.0, *, crf: int = 20,
    progress: Callable[[int], None] | None = None, key_seconds: float | None = None,
) -> Path:
    """Write uint8 RGB frames (H,W,3) as H.264, 4:2:0, index first so that playing starts before the download ends.

    Args:
        frames: any iterable; consumed one frame at a time. An odd last row or column is cut off.
        path: the .mp4 file.
        fps: frames per second.
        crf: quality, lower is better (18 is visually lossless, 28 is small).
        progress: called with the number of frames written so far.
        key_seconds: a key frame at least so often, for players that are scrubbed; by default as the encoder likes.

    Returns:
        The path.

    Raises:
        InputError: no frames, frames of different sizes, smaller than 2 x 2, or not RGB.
        StorageError: the file cannot be written.
    """
    from fractions import Fraction

    import av

    rate = Fraction(float(fps)).limit_denominator(1001)
    if rate <= 0:
        raise InputError(f"A video needs a positive frame rate, not {fps}.")
    size: tuple[int, int] | None = None
    count = 0
    try:
        with whole_file(path) as temporary, \
                av.open(str(temporary), "w", format="mp4", options={"movflags": "+faststart"}) as container:
            stream: Any = None
            for frame in frames:
                image = np.asarray(frame)
                if image.ndim != 3 or image.shape[2] != 3 or image.dtype != np.uint8 or min(image.shape[:2]) < 2:
                    raise InputError(f"Video frames must be RGB pictures of bytes; got {image.dtype} {image.shape}.")
                height, width = image.shape[0] // 2 * 2, image.shape[1] // 2 * 2
                if size is None:
                    size = (height, width)
                    stream = container.add_stream(_encoder(), rate=rate)
                    stream.width, stream.height, stream.pix_fmt = width, height, "yuv420p"
                    stream.options = {"crf": str(crf), "preset": "veryfast"}
                    if key_seconds is not None:
                        stream.options |= {"g": str(max(1, round(key_seconds * float(rate))))}
                    stream.codec_context.color_range = 1  # studio range, as every player assumes
                elif size != (height, width):
                    raise InputError(f"The video's frames differ in size: {size} and {(height, width)}.")
                pixels = np.ascontiguousarray(image[:height, :width])
                for packet in stream.encode(av.VideoFrame.from_ndarray(pixels, format="rgb24")):
                    container.mux(packet)
                count += 1
                if progress is not None:
                    progress(count)
            if stream is None:
                raise InputError("There are no frames to make a video of.")
            for packet in stream.encode():
                container.mux(packet)
    except av.FFmpegError as error:
        raise StorageError(f"{Path(path).name} cannot be written ({error.strerror}); free some space and try again.") \
            from error
    return Path(path)


def _encoder() -> str:
    """libx264 (in PyAV's wheels), else whatever H.264 encoder this build of FFmpeg has."""
    import av

    try:
        return str(av.Codec("libx264", "w").name)
    except av.codec.codec.UnknownCodecError:
        return "h264"
