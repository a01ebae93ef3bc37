"""What can be tracked: a video, a folder of pictures, or a subject folder as PERSONA's tracker takes it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from humanav.errors import InputError

if TYPE_CHECKING:
    from humanav.perception.video import Video

MAX_SIDE = 1280
"""Longer side of the frames that are looked at and drawn on."""
MAX_FPS = 30.0
FRAME_LIST = "valid_frame_list.txt"
_VIDEOS = (".mp4", ".mov", ".webm", ".avi", ".mkv", ".gif", ".m4v")


@dataclass(frozen=True)
class ClipSource:
    """What is read.

    Attributes:
        path: a video, or a folder of pictures.
        frames: numbers of the frames to use, from 0; None for all.
        name: of the clip.
    """

    path: Path
    frames: tuple[int, ...] | None
    name: str

    def open(self, *, fps: float | None = None, start: float = 0.0, end: float | None = None,
             max_side: int = MAX_SIDE) -> Video:
        """The clip's frames.

        Raises:
            InputError: as :func:`humanav.perception.open_video`.
        """
        from humanav.perception.video import open_video

        options: dict[str, Any] = {} if self.frames is None else {"frames": self.frames}
        return open_video(self.path, fps=fps or MAX_FPS, max_side=max_side, start=start or None, end=end, **options)


def find_clip(source: str | Path) -> ClipSource:
    """Find the clip of a source.

    Args:
        source: a video, a folder of pictures, or a subject folder: in this order a ``video`` of any kind, ``images/``,
            or the only video in it; beside it ``valid_frame_list.txt`` may name the frames to use, one a line. Frames
            of a video are counted from 0; pictures that are called by numbers are meant by these.

    Raises:
        InputError: nothing there, several videos of which none is called ``video``, or a bad frame list.
    """
    path = Path(source)
    if not path.exists():
        raise InputError(f"There is no file {path.name or path}: give a video, or a folder of pictures.")
    if not path.is_dir():
        return ClipSource(path, None, path.stem)
    path = path if path.name else path.resolve()
    clip, listed = _clip_in(path), path / FRAME_LIST
    frames = _frame_list(listed) if listed.is_file() else None
    if frames is not None and clip.is_dir():
        frames = _places(frames, clip)
    return ClipSource(clip, frames, path.name)


def detector_parts(detector: str, clips: bool = True) -> tuple[str, ...]:
    """What finds people, in the words of :meth:`humanav.results.ResultWriter.tell`; clips are seen by a larger network.
    """
    if detector == "rtmlib":
        return ("rtmlib",)
    return ("mediapipe", "pose_landmark_heavy") if clips else ("mediapipe",)


def source_bytes(clip: ClipSource) -> Any:
    """What identifies a clip: the file's bytes, hashed in pieces, or the pictures' names, sizes and times."""
    import hashlib

    digest = hashlib.blake2b(digest_size=16)
    if clip.path.is_dir():
        for file in sorted(file for file in clip.path.iterdir() if not file.name.startswith(".")):
            stat = file.stat()
            digest.update(f"{file.name} {stat.st_size} {stat.st_mtime_ns};".encode())
    else:
        with clip.path.open("rb") as stream:
            while block := stream.read(1 << 20):
                digest.update(block)
    return [digest.hexdigest(), list(clip.frames or ())]


def _clip_in(folder: Path) -> Path:
    """The clip of a folder. PERSONA's tracker leaves other videos beside the pictures, which are none."""
    videos = sorted(file for file in folder.iterdir()
                    if file.suffix.lower() in _VIDEOS and file.is_file() and not file.name.startswith("."))
    named = [file for file in videos if file.stem.lower() == "video"]
    if named:
        return named[0]
    images = folder / "images"
    if images.is_dir() and any(images.iterdir()):
        return images
    if len(videos) > 1:
        raise InputError(f"The folder {folder.name} holds {len(videos)} videos: name the one that is meant, or call it "
                         "video.mp4.")
    return videos[0] if videos else folder


def _places(numbers: tuple[int, ...], folder: Path) -> tuple[int, ...]:
    """Where in their order the pictures of these numbers are."""
    from humanav.perception.video import pictures_in

    names = [file.stem for file in pictures_in(folder)]
    if not all(name.isdecimal() for name in names):
        return numbers
    own = {int(name): place for place, name in enumerate(names)}
    lost = next((number for number in numbers if number not in own), None)
    if lost is not None:
        raise InputError(f"There is no picture {lost} in {folder.name}, which {FRAME_LIST} names: write only "
                         f"numbers of its pictures, which are {min(own)} to {max(own)}.")
    return tuple(sorted(own[number] for number in numbers))


def _frame_list(path: Path) -> tuple[int, ...]:
    try:
        lines = [line.strip() for line in path.read_text(encoding="utf-8-sig").splitlines() if line.strip()]
        numbers: Sequence[int] = [int(line) for line in lines]
    except ValueError as error:
        raise InputError(f"{path.name} must hold one frame number a line, such as 0, 1, 2.") from error
    if not numbers or min(numbers) < 0:
        raise InputError(f"{path.name} names no frames: write one frame number a line, from 0 on.")
    return tuple(sorted(set(numbers)))
