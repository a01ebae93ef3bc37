"""A tracked motion as the tracker left it in its result folder: whose, where in the clip, and the cameras."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeGuard

import numpy as np

from humanav.errors import InputError
from humanav.motion import Motion
from humanav.results import Result

if TYPE_CHECKING:
    from humanav.camera import Camera

KIND = "track"
MAX_TRACKED_SECONDS = 300.0


@dataclass(frozen=True)
class TrackedMotion:
    """One take of one person, T frames.

    Attributes:
        source: the result of the track.
        motion: in the world (y up, floor y = 0), named after the clip.
        person: whose, as it can be asked for: "1", or "1b" for this person's second part.
        start: frame of the clip at which it begins.
        size: (width, height) of the clip's frames in pixels.
        cameras: the camera of each frame (T of them; the same one again and again when it stood still).
        moving: whether the camera moved.
        notes: sentences on what was left out.
        told: what ``track.json`` says of this take (confidence, frames seen, ..., as far as it does).
    """

    source: Result
    motion: Motion
    person: str
    start: int
    size: tuple[int, int]
    cameras: Sequence[Camera]
    moving: bool
    notes: tuple[str, ...] = ()
    told: Mapping[str, Any] = field(default_factory=dict)

    @property
    def background(self) -> Path:
        """The clip without its people: a picture, or a video for a moving camera.

        Raises:
            InputError: the track kept none.
        """
        name = "background.mp4" if self.moving else "background.png"
        if not self.source.has(name):
            raise InputError(f"The track {self.source.folder.name} kept no background: track the clip again, or choose "
                             "a plain background or a picture.")
        return self.source.path(name)

    @property
    def original(self) -> Path | None:
        """The clip itself, None when it was not kept."""
        return self.source.path("original.mp4") if self.source.has("original.mp4") else None


def is_track(motion: Any) -> TypeGuard[Result | str | Path]:
    """Whether a motion argument is the result of a track, or its folder.

    Raises InputError for a folder that is no result at all.
    """
    from humanav.motion import CLIP_NAMES

    if isinstance(motion, Result):
        return motion.kind == KIND
    return isinstance(motion, str | Path) and str(motion) not in CLIP_NAMES and Path(motion).is_dir() \
        and Result.load(motion).kind == KIND


def load_tracked(place: Result | str | Path, person: int | str | None = None) -> TrackedMotion:
    """Read one person's motion from the result of a track.

    Args:
        place: the result or its folder.
        person: "1", 2, "2b"; of a person with several parts, the longest is taken when none is named ("2a" is the
            first). None or "" means the only or the first person.

    Raises:
        InputError: no track, no such person, a damaged file, or longer than five minutes.
        MotionFileError, CameraError: the motion or the camera cannot be read.
    """
    from humanav.motion import load_motion

    source = place if isinstance(place, Result) else Result.load(place)
    if source.kind != KIND:
        raise InputError(f"{source.folder.name} holds no tracked motion (it is of the kind {source.kind!r}): give the "
                         "folder that `humanav track` wrote.")
    told = _told(source)
    take, notes = _take(told["takes"], str(person or ""), source.folder.name)
    motion = replace(load_motion(source.path(f"motion{take['suffix']}.npz")), name=_name(source))
    if motion.duration > MAX_TRACKED_SECONDS:
        raise InputError(f"The tracked motion lasts {motion.duration:.0f} seconds: track a part of "
                         f"{MAX_TRACKED_SECONDS:.0f} seconds or less.")
    start = int(take["start"])
    moving = source.has("cameras.npz")
    cameras = _moving(source, start, len(motion)) if moving else [_fixed(source)] * len(motion)
    return TrackedMotion(source, motion, _label(take), start, (cameras[0].width, cameras[0].height), cameras, moving,
                         notes, take)


def people_of(place: Result | str | Path) -> tuple[str, ...]:
    """What :func:`load_tracked` may be asked for, in the track's order. Raises InputError as that does."""
    source = place if isinstance(place, Result) else Result.load(place)
    return tuple(_label(take) for take in _told(source)["takes"])


def _told(source: Result) -> dict[str, Any]:
    try:
        told = json.loads(source.path("track.json").read_text())
        for take in told["takes"]:
            _ = take["person_id"], take["suffix"], _label(take)
            if min(int(take[key]) for key in ("start", "frames")) < 0:
                raise ValueError("a negative number of frames")
    except (OSError, ValueError, KeyError, TypeError, AttributeError, OverflowError, RecursionError) as error:
        raise InputError(f"The track.json in {source.folder.name} is damaged: track the clip again.") from error
    if not told["takes"]:
        raise InputError(f"Nobody was tracked in {source.folder.name}: track a clip that shows a person.")
    return dict(told)


def _label(take: dict[str, Any]) -> str:
    """A take as it can be asked for: the person, with the letter of a later part."""
    from humanav.perception.takes import part_letter

    return f"{take['person_id']}{part_letter(int(take.get('part') or 0))}"


def _take(takes: list[dict[str, Any]], person: str, folder: str) -> tuple[dict[str, Any], tuple[str, ...]]:
    """The take that was asked for, and what is to be said of it."""
    wanted = person.strip().lower() or str(takes[0]["person_id"])
    for take in takes:
        label = _label(take)
        if wanted == (label if label != str(take["person_id"]) else f"{label}a"):
            return take, ()
    parts = [take for take in takes if str(take["person_id"]) == wanted]
    if not parts:
        known = ", ".join(dict.fromkeys(_label(take) for take in takes))
        raise InputError(f"There is no person {person!r} in {folder}: choose one of {known}.")
    longest = max(parts, key=lambda take: int(take["frames"]))
    if len(parts) == 1:
        return longest, ()
    others = ", ".join(_label(take) for take in parts if take is not longest)
    return longest, (f"This person was out of sight for a while: the longest part is animated (the others are {others}"
                     ").",)


def _name(source: Result) -> str:
    """The clip's name."""
    for key in ("source", "clip", "video", "name"):
        if source.inputs.get(key):
            return Path(str(source.inputs[key])).stem
    return "tracked"


def _fixed(source: Result) -> Camera:
    from humanav.camera import Camera

    return Camera.load(source.path("camera.json"))


def _moving(source: Result, start: int, frames: int) -> list[Camera]:
    from humanav.camera import Camera

    try:
        with np.load(source.path("cameras.npz"), allow_pickle=False) as data:
            R, t, K = data["R"], data["t"], data["K"]
            width, height = int(data["width"]), int(data["height"])
        if len(R) < start + frames or len(t) != len(R):
            raise ValueError(f"{len(R)} cameras for {start + frames} frames")
    except Exception as error:  # zip, zlib and numpy's header reader raise a dozen kinds
        raise InputError(f"The cameras.npz in {source.folder.name} is damaged: track the clip again.") from error
    return [Camera(K, R[f], t[f], width, height) for f in range(start, start + frames)]
