"""What is missing or odd about the clips of a capture, file by file."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from itertools import pairwise
from pathlib import Path
from statistics import median_low

from humanav.errors import InputError
from humanav.multiview.capture_layout import picture_numbers, pictures_of
from humanav.perception.video import Video, open_video

_ANY_LENGTH = 10_000_000
_SHOWN = 4  # gaps named in one sentence


@dataclass(frozen=True)
class Problem:
    """Something missing or odd.

    Attributes:
        stops: whether nothing can be done before it is mended; else it is good to know.
        text: what is wrong and what to do.
        file: the file, folder or camera it is about.
    """

    stops: bool
    text: str
    file: str = ""


@dataclass(frozen=True)
class Clip:
    """One view: number of frames, frames per second (30 for pictures), width and height in pixels, upright."""

    frames: int
    fps: float
    width: int
    height: int


def clip_of(source: Path, max_side: int | None = None, frames: list[int] | None = None) -> Video:
    """A video or folder of pictures with all its frames, or the listed ones; what is known of a file is kept.

    Raises:
        InputError: it cannot be read.
    """
    if source.is_dir():
        return open_video(source, fps=_ANY_LENGTH, max_frames=_ANY_LENGTH, max_side=max_side, frames=frames)
    if not source.is_file():
        raise InputError(f"There is no file {source.name}: check the name and the folder.")
    stat = source.stat()
    known = _scanned(source.absolute(), stat.st_size, stat.st_mtime_ns)
    factor = 1.0 if max_side is None else min(1.0, max_side / max(known.original_size))
    width, height = (max(2, round(side * factor)) for side in known.original_size)
    return replace(known, width=width, height=height, _open=[])


@lru_cache(maxsize=64)
def _scanned(source: Path, size: int, changed: int) -> Video:
    """Scanning decodes the end of a video: once for each file as it is now."""
    return open_video(source, fps=_ANY_LENGTH, max_frames=_ANY_LENGTH)


def probed(view: str, source: Path, problems: list[Problem]) -> Clip | None:
    """Open a view's clip; None, and a problem, when it cannot be read."""
    try:
        video = clip_of(source)
        problems += [Problem(False, f"{view}: {note}", source.name) for note in video.notes
                     if "cannot be decoded" in note or "varying rate" in note]
        return Clip(len(video), video.fps, video.width, video.height)
    except InputError as error:
        problems.append(Problem(True, f"The view {view} cannot be read: {error}", source.name))
        return None


def compared(views: Sequence[str], clips: Sequence[Clip | None], problems: list[Problem]) -> None:
    """Add what differs between the views: rates, lengths, sizes."""
    known = [(view, clip) for view, clip in zip(views, clips) if clip is not None]
    if len(known) < 2:
        return
    rates = [clip.fps for _, clip in known]
    if max(rates) / min(rates) > 1.001:
        problems.append(Problem(False, f"The frame rates differ ({_each((v, f'{c.fps:.4g}') for v, c in known)}): all "
                                f"are read at {min(rates):.4g} frames per second."))
    seconds = [clip.frames / clip.fps for _, clip in known]
    if max(seconds) - min(seconds) > 0.5 / min(rates):
        frames = _each((view, str(clip.frames)) for view, clip in known)
        problems.append(Problem(False, f"The views are not equally long ({frames} frames): the part that all have is "
                                "used. Check that they begin at the same moment, or let the time offsets be found."))
    if any(clip.frames == 1 for _, clip in known) and max(seconds) > 1:
        problems.append(Problem(True, "A view has one frame only while others are films: give its video."))
    sizes = {(clip.width, clip.height) for _, clip in known}
    if len(sizes) > 1:
        pixels = _each((view, f"{clip.width} x {clip.height}") for view, clip in known)
        problems.append(Problem(False, f"The pictures differ in size ({pixels}): fine if the cameras are of different "
                                "kinds, else check how the videos were exported."))


def numbering(sources: dict[str, Path]) -> list[Problem]:
    """Gaps in the numbers of pictures, and views whose numbers are not the same."""
    found, numbers = [], {}
    for view, source in sources.items():
        files = pictures_of(source)
        if not files:
            continue
        listed = picture_numbers(files)
        if listed is None:
            found.append(Problem(False, f"The pictures of {view} are not numbered one after the other: they are taken "
                                 "in the order of their names.", source.name))
            continue
        numbers[view] = set(listed)
        usual = median_low([b - a for a, b in pairwise(listed)] or [1])
        gaps = [(a, round((b - a) / usual) - 1) for a, b in pairwise(listed)]  # the numbers may be times, of any size
        count = sum(lost for _, lost in gaps)
        if count:
            missing = [a + usual * k for a, lost in gaps for k in range(1, min(lost, _SHOWN) + 1)]
            more = f" and {count - _SHOWN} more" if count > _SHOWN else ""
            found.append(Problem(False, f"Pictures are missing in {view}: {', '.join(map(str, missing[:_SHOWN]))}"
                                 f"{more}. The moments that every view has are used.", source.name))
    if len(numbers) > 1 and not set.intersection(*numbers.values()):
        spans = _each((view, f"{min(one)} to {max(one)}") for view, one in numbers.items())
        found.append(Problem(True, f"No number of a picture is there in every view ({spans}): name the pictures of one "
                             "moment alike."))
    elif len(numbers) > 1 and len({frozenset(one) for one in numbers.values()}) > 1 and not found:
        found.append(Problem(False, "The views' pictures do not have the same numbers: the moments that every view has "
                             "are used."))
    return found


def _each(pairs: object) -> str:
    return ", ".join(f"{view} {value}" for view, value in pairs)  # type: ignore[attr-defined]
