"""How fast clips are tracked, and how much memory long ones take, each in a process of its own.

``frames_per_s``: frames of the clip over wall seconds of the tracking alone (networks are loaded before; no files and
no videos are written), at 1280x720 on whatever else the machine is doing; ``cpu_ms``: processor time of a frame, all
threads. ``peak_mb``: the process's largest resident size, by the system.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from humanav.paths import home

SIZE = (1280, 720)
_CHILD = """
import json, resource, sys, time
sys.path[:0] = {path!r}
from _track_ours import follow_clip
warm, video, mode = {warm!r}, {video!r}, {mode!r}
if warm:
    follow_clip(warm, mode)
wall, processor = time.perf_counter(), time.process_time()
frames = follow_clip(video, mode).people.frames
print(json.dumps({{"frames": frames, "wall": time.perf_counter() - wall, "processor": time.process_time() - processor,
                   "peak": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024}}))
"""


def speed(
    video: Path, modes: tuple[str, ...], most: int | None = None, first: int = 20
) -> dict[str, dict[str, float]]:
    """A row for each mode.

    Args:
        video: a clip; it is tracked at 1280x720.
        modes: "fast", "accurate".
        most: frames that are tracked; all of the clip's by default.
        first: frames that are tracked before, to load what is needed.
    """
    rows = {}
    with tempfile.TemporaryDirectory() as folder:
        whole = _made(Path(folder) / "whole.mp4", _first(_fitted(video, 1), most))
        warm = _made(Path(folder) / "warm.mp4", _first(_fitted(video, 1), first))
        for mode in modes:
            spent = _in_process(whole, mode, warm)
            rows[mode] = {"frames_per_s": spent["frames"] / spent["wall"],
                          "cpu_ms": 1000 * spent["processor"] / spent["frames"], "frames": spent["frames"]}
    return rows


RATES = {"fast": 30, "accurate": 10}
"""Frames per second of the clips that memory is measured with: thirty in accurate mode would take more than an hour."""


def memory(video: Path, modes: tuple[str, ...], seconds: tuple[int, int] = (30, 300),
           say: Callable[[str], None] = lambda text: None) -> dict[str, dict[str, float]]:
    """A row for each mode: the peak of a short and a long clip, which repeat the video to and fro, and their ratio."""
    rows = {}
    with tempfile.TemporaryDirectory() as folder:
        for mode in modes:
            peaks = []
            for length in seconds:
                rate = RATES[mode]
                clip = _made(Path(folder) / f"{length}_{rate}.mp4", _first(_fitted(video, 10**6), rate * length), rate)
                peaks.append(_in_process(clip, mode)["peak"])
                say(f"peak memory of {length} s, {mode}: {peaks[-1]:.0f} MB")
            rows[mode] = {"frames_per_s": RATES[mode], f"peak_mb_{seconds[0]}s": peaks[0],
                          f"peak_mb_{seconds[1]}s": peaks[1], "ratio": peaks[1] / peaks[0]}
    return rows


def _in_process(video: Path, mode: str, warm: Path | None = None) -> dict[str, float]:
    code = _CHILD.format(path=[str(home() / "benchmarks"), str(home())], video=str(video), mode=mode,
                         warm="" if warm is None else str(warm))
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise RuntimeError(f"Tracking {video.name} in a process of its own failed: {done.stderr[-2000:]}")
    return dict(json.loads(done.stdout.splitlines()[-1]))


def _fitted(video: Path, rounds: int) -> Iterator[NDArray[np.uint8]]:
    """The video's frames at 1280x720 between grey borders, forwards and backwards in turn."""
    import cv2

    from humanav.perception import open_video

    with open_video(video) as opened:
        frames = [np.asarray(frame) for frame in opened]
    factor = min(SIZE[0] / frames[0].shape[1], SIZE[1] / frames[0].shape[0])
    width, height = round(frames[0].shape[1] * factor), round(frames[0].shape[0] * factor)
    left, top = (SIZE[0] - width) // 2, (SIZE[1] - height) // 2
    for turn in range(rounds):
        for frame in frames[::-1] if turn % 2 else frames:
            picture = np.full((SIZE[1], SIZE[0], 3), 128, np.uint8)
            picture[top:top + height, left:left + width] = cv2.resize(frame, (width, height))
            yield picture


def _first(frames: Iterator[NDArray[np.uint8]], count: int | None) -> Iterator[NDArray[np.uint8]]:
    for number, frame in enumerate(frames):
        if number == count:
            return
        yield frame


def _made(path: Path, frames: Any, rate: float = 30.0) -> Path:
    from humanav.export.video import write_mp4

    return write_mp4(frames, path, rate)
