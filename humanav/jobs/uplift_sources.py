"""What may be lifted: a photo, a clip, a keypoint file or keypoints; each as a keypoint sequence with its frames."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from humanav.errors import InputError, NoPersonError
from humanav.jobs.track_sources import detector_parts
from humanav.perception.sequence import KeypointSequence

if TYPE_CHECKING:
    from humanav.perception import Person2D
    from humanav.progress import Progress

Source = str | Path | KeypointSequence
MAX_SECONDS = 60.0
MAX_FPS = 30.0
"""Clips are looked at this often at most."""
_MAX_SIDE = 1280
_PICTURES = (".jpg", ".jpeg", ".png", ".webp", ".bmp", ".tif", ".tiff", ".heic", ".heif", ".avif")
_TABLES = (".json", ".npz", ".npy", ".csv", ".tsv", ".txt")


@dataclass(frozen=True)
class Seen:
    """One person's keypoints and the pictures they belong to.

    Attributes:
        sequence: T frames.
        frames: gives the T pictures uint8 RGB anew at each call, at the sequence's size; None where there are none.
        still: whether it is a photo.
        scale: pixels of the sequence over pixels of the source.
        notes: what was done to the source, in sentences.
        parts: what found the person, see :func:`humanav.jobs.track_sources.detector_parts`; empty for given keypoints.
    """

    sequence: KeypointSequence
    frames: Callable[[], Iterable[NDArray[np.uint8]]] | None = None
    still: bool = False
    scale: float = 1.0
    notes: tuple[str, ...] = ()
    parts: tuple[str, ...] = ()


def source_inputs(source: Source) -> Any:
    """What identifies a source: the bytes of a file or of a folder's files, or the keypoints themselves."""
    if isinstance(source, KeypointSequence):
        return source
    path = Path(source)
    if path.is_dir():
        return {file.name: file.read_bytes() for file in sorted(path.iterdir()) if file.is_file()}
    return path.read_bytes() if path.is_file() else str(source)


def look(source: Source, progress: Progress, stage: str, *, person: int | str | None = None,
         keypoint_set: str | None = None, mapping: Mapping[str, int | str] | None = None,
         size: tuple[int, int] | None = None, fps: float | None = None, start: float = 0.0,
         pictures: str | Path | None = None) -> Seen:
    """Find the person in a source.

    Args:
        source: a photo, a clip, a folder of pictures, a keypoint file or folder, or keypoints.
        progress: told of ``stage`` when the person is looked for, and of its parts.
        stage: its name.
        person: which, from 1, where there are several; of a keypoint file also a label, or "largest".
        keypoint_set, mapping, size, fps: of a keypoint file, where it does not say.
        start: seconds into a clip longer than a minute.
        pictures: the clip, folder or photo that keypoints belong to, to be drawn on.

    Raises:
        InputError, ImageError: the source cannot be used.
        NoPersonError: nobody was found.
    """
    if isinstance(source, KeypointSequence):
        progress.next(stage)
        return _with_pictures(Seen(source, still=len(source) == 1), pictures)
    path = Path(source)
    if not path.exists():
        raise InputError(f"There is no file {path.name}: give a photo, a video or a file of keypoints.")
    kind = path.suffix.lower()
    if kind in _TABLES or (path.is_dir() and any(path.glob("*.json"))):
        from humanav.perception.keypoint_files import read_keypoints

        found = read_keypoints(path, keypoint_set=keypoint_set, mapping=mapping, size=size, fps=fps, person=person)
        progress.next(stage)
        seen = Seen(found.sequence, still=len(found.sequence) == 1, notes=tuple(found.notes))
        return _with_pictures(seen, pictures)
    if kind in _PICTURES:
        return _photo(path, progress, stage, _number(person))
    return _clip(path, progress, stage, fps, start, _number(person))


def _number(person: int | str | None) -> int | None:
    """A person's number; None for the largest."""
    if person is None or person == "largest":
        return None
    try:
        return int(person)
    except ValueError as error:
        raise InputError(f"{person!r} is no number of a person: the largest is 1.") from error


def _photo(path: Path, progress: Progress, stage: str, person: int | None) -> Seen:
    from humanav.perception import load_photo, make_detector

    picture = load_photo(path)
    progress.next(stage)
    with make_detector() as detector:
        people = detector.detect(picture.pixels, max_people=max(3, person or 1))
    notes: list[str] = []
    chosen = _chosen(people, person, path.name, notes)
    height, width = picture.pixels.shape[:2]
    sequence = KeypointSequence(_whole(chosen), chosen.keypoint_set, MAX_FPS, width, height, name=path.stem)
    return Seen(sequence, lambda: [picture.pixels], True, width / picture.original_size[0], tuple(notes),
                detector_parts("mediapipe", clips=False))


def _chosen(people: list[Person2D], number: int | None, name: str, notes: list[str]) -> Person2D:
    if not people:
        raise NoPersonError(f"No person was found in {name}: choose a well lit picture of one whole person.")
    if number is not None and not 1 <= number <= len(people):
        raise InputError(f"There is no person {number} in {name}: {len(people)} were found, the largest first.")
    if number is None and len(people) > 1:
        notes.append(f"There are {len(people)} people in {name}; the largest was lifted. Choose another by number.")
    return people[(number or 1) - 1]


def _whole(person: Person2D) -> NDArray[np.float32]:
    """Keypoints (1,K,3) of a detection, (0,0,0) where there is none."""
    points = np.asarray(person.keypoints, dtype=np.float32)[None].copy()
    points[~np.isfinite(points).all(axis=-1) | (points[..., 2] <= 0)] = 0
    return points


def _clip(path: Path, progress: Progress, stage: str, fps: float | None, start: float, person: int | None) -> Seen:
    from humanav.perception.follow import follow_person
    from humanav.perception.video import open_video

    video = open_video(path, fps=min(fps or MAX_FPS, MAX_FPS), max_side=_MAX_SIDE, start=start or None)
    notes = list(video.notes)
    if video.duration > MAX_SECONDS:
        notes.append(f"The clip lasts {start + video.duration:.0f} seconds; seconds {start:.0f} to "
                     f"{start + MAX_SECONDS:.0f} were used.")
        video.close()
        video = open_video(path, fps=min(fps or MAX_FPS, MAX_FPS), max_side=_MAX_SIDE, start=start or None,
                           end=start + MAX_SECONDS)
    progress.next(stage)
    found = follow_person(video, person=person, progress=progress)
    sequence = replace(found.sequence, name=found.sequence.name or path.stem)
    return Seen(sequence, lambda: video, False, video.width / video.original_size[0], (*notes, *found.notes),
                detector_parts("mediapipe"))


def _with_pictures(seen: Seen, pictures: str | Path | None) -> Seen:
    """``seen`` with the frames that lie elsewhere."""
    if pictures is None:
        return seen
    from humanav.perception import load_photo
    from humanav.perception.video import open_video

    path, sequence = Path(pictures), seen.sequence
    if not path.exists():
        raise InputError(f"There is no file {path.name} to draw on.")
    if path.suffix.lower() in _PICTURES:
        photo = load_photo(path).pixels
        return replace(seen, frames=lambda: (_fitting(photo, sequence) for _ in range(len(sequence))))
    video = open_video(path)
    return replace(seen, frames=lambda: (_fitting(frame, sequence) for frame in video))


def _fitting(picture: NDArray[np.uint8], sequence: KeypointSequence) -> NDArray[np.uint8]:
    """A picture at the size that the keypoints lie in."""
    from PIL import Image

    wanted = (sequence.width, sequence.height)
    if picture.shape[1::-1] == wanted:
        return picture
    if abs(picture.shape[1] / picture.shape[0] - wanted[0] / wanted[1]) > 0.02:
        raise InputError(f"The pictures to draw on have {picture.shape[1]} x {picture.shape[0]} pixels, the keypoints "
                         f"lie in {wanted[0]} x {wanted[1]}: they do not belong together.")
    return np.asarray(Image.fromarray(picture).resize(wanted, Image.Resampling.LANCZOS))
