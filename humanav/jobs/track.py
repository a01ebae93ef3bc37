"""A video to motion: everybody in it in the world, the files that others read, and the pictures that show how it fits.

``track_video`` joins following, lifting, fitting and standing (:mod:`humanav.track.clip`) with exports and drawings.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import numpy as np

from humanav import __version__
from humanav.errors import InputError, MissingExtraError
from humanav.jobs.track_sources import ClipSource, detector_parts, find_clip, source_bytes
from humanav.progress import Progress
from humanav.results import Result, ResultWriter, content_id, weights_id

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from humanav.perception import Person2D
    from humanav.perception.video import Video

TRACK_STAGES = ("Reading the clip", "Following the people", "Lifting to 3D", "Fitting the clip",
                "Standing on the floor", "Exporting", "Drawing")
WEIGHTS = ("uplift/blazepose33", "uplift/coco17", "mend", "posendf", "pose_prior", "motion_prior")
DETECTORS = ("mediapipe", "rtmlib")
_PREVIEW_SECONDS = 0.5
_WORK = ".work"


@dataclass(frozen=True)
class TrackOptions:
    """What may be said about a clip.

    Attributes:
        mode: "fast" or "accurate".
        people: numbers of the people wanted, 1 the largest at first; empty for the largest alone; or "all".
        fps: most frames per second that are looked at; 30 by default.
        start, end: part of the clip, in seconds.
        camera: fx, fy, cx, cy in pixels of the source, where known.
        moving: "fixed" or "moving" camera.
        height: the people's height in metres, where known.
        betas: their shape, where known.
        tilt: pitch and roll of the camera in degrees, where known (a positive pitch looks down).
        camera_height: metres above the floor, where known.
        lock_feet: hold standing feet still.
        persona: also write each person in PERSONA's folder layout, as a zip.
        render: draw the videos.
        detector: "mediapipe" or "rtmlib".

    Raises:
        InputError: a value is out of range.
    """

    mode: Literal["fast", "accurate"] = "fast"
    people: tuple[int, ...] | Literal["all"] = ()
    fps: float | None = None
    start: float = 0.0
    end: float | None = None
    camera: tuple[float, ...] | None = None
    moving: Literal["fixed", "moving"] = "fixed"
    height: float | None = None
    betas: tuple[float, ...] = ()
    tilt: tuple[float, float] | None = None
    camera_height: float | None = None
    lock_feet: bool = True
    persona: bool = False
    render: bool = True
    detector: str = "mediapipe"

    def __post_init__(self) -> None:
        if self.mode not in ("fast", "accurate"):
            raise InputError(f"The mode is fast or accurate, not {self.mode!r}.")
        if self.moving not in ("fixed", "moving"):
            raise InputError(f"The camera is fixed or moving, not {self.moving!r}.")
        if self.detector not in DETECTORS:
            raise InputError(f"The detector is one of {', '.join(DETECTORS)}, not {self.detector!r}.")
        if self.people != "all" and not all(isinstance(number, int) and number >= 1 for number in self.people):
            raise InputError("People are counted from 1, the largest at first.")
        if self.fps is not None and not 2 <= self.fps <= 240:
            raise InputError(f"The frame rate must be between 2 and 240 frames per second, not {self.fps:g}.")
        if not 0 <= self.start < np.inf or (self.end is not None and not self.end > self.start):
            raise InputError("The part of the clip must begin at 0 seconds or later, and end after it begins.")
        if self.camera and (len(self.camera) != 4 or not np.isfinite(self.camera).all() or min(self.camera[:2]) <= 0):
            raise InputError("The camera is fx, fy, cx, cy: two positive focal lengths and the principal point, in "
                             "pixels.")
        if self.height is not None and not 0.4 <= self.height <= 2.6:
            raise InputError(f"A height of {self.height:g} m is not plausible: give metres between 0.4 and 2.6.")
        if len(self.betas) and not np.isfinite(self.betas).all():
            raise InputError("The shape must be finite numbers.")
        if self.tilt is not None and not (len(self.tilt) == 2 and np.abs(self.tilt).max() <= 85):
            raise InputError("The tilt is the camera's pitch and roll in degrees, each between -85 and 85.")
        if self.camera_height is not None and not 0 < self.camera_height <= 100:
            raise InputError(f"A camera {self.camera_height:g} m above the floor is not plausible: give metres between "
                             "0 and 100.")


def track_stages(mode: str) -> tuple[str, ...]:
    """The stages of a mode: fast mode fits nothing."""
    return TRACK_STAGES if mode == "accurate" else tuple(s for s in TRACK_STAGES if s != "Fitting the clip")


def track_id(source: str | Path, options: TrackOptions | None = None) -> str:
    """The id that :func:`track_video` gives its result: the same clip and options have the same id.

    Raises:
        InputError: nothing there that can be tracked.
    """
    return content_id("track", __version__, weights_id(*WEIGHTS), source_bytes(find_clip(source)),
                      options or TrackOptions())


def first_people(
    source: str | Path, options: TrackOptions | None = None
) -> tuple[NDArray[np.uint8], list[Person2D]]:
    """The first frame that shows anybody, and the people in it, the largest first: those that ``people`` counts.

    Raises:
        InputError: the source cannot be used.
        NoPersonError: nobody is seen.
    """
    from humanav.perception.follow_people import first_people as look

    options = options or TrackOptions()
    with _opened(find_clip(source), options) as video:
        _, frame, people = look(video, options.detector)
    return frame, people


def track_video(
    source: str | Path, *, out: str | Path, options: TrackOptions | None = None, work: str | Path | None = None,
    progress: Progress | None = None,
) -> Result:
    """Track the people in a clip.

    Args:
        source: a video, a folder of pictures, or a subject folder (:func:`humanav.jobs.track_sources.find_clip`).
        out: the folder of the result. For the first person ``motion.npz``, ``motion_amass.npz``, ``motion.bvh``,
            ``body.glb``, ``keypoints.npz``; for others the same with ``_2``, ``_3`` and for later parts ``_b``, ``_c``
            before the ending; ``camera.json`` or, where it moved or there are cuts, ``cameras.npz``; ``background.png``
            or ``background.mp4``; ``track.json``; ``persona.zip`` when asked for; and, drawn, ``original.mp4``,
            ``overlay.mp4`` and ``side_by_side.mp4``.
        options: see :class:`TrackOptions`.
        work: folder for intermediate results, so that a stopped run goes on; by default beside ``out``, removed at the
            end.
        progress: told of :func:`track_stages`; frames with what is found in them are shown about twice a second.

    Raises:
        InputError, ImageError: the source or an option cannot be used.
        NoPersonError: nobody was found.
        StorageError: ``out`` or ``work`` cannot be written.
        Cancelled: ``progress`` was told to stop.
    """
    from humanav.body import BodyModel
    from humanav.jobs import track_files
    from humanav.jobs.track_preview import Preview
    from humanav.track.clip import track_clip
    from humanav.uplift.lift import checked_betas

    options, out = options or TrackOptions(), Path(out)
    out = out if out.name else out.resolve()
    stages = track_stages(options.mode)
    progress = progress or Progress(len(stages))
    progress.steps = len(stages)
    progress.next(stages[0])
    clip = find_clip(source)
    checked_betas(options.betas or None, BodyModel.load())  # now, not when people have been followed
    identity = track_id(source, options)
    with _opened(clip, options) as video:
        place = out.with_name(f"{out.name}{_WORK}") if work is None else Path(work)
        inputs = {"source": clip.name, "mode": options.mode, "start": options.start, "end": options.end}
        with _tidied(place, work is None), ResultWriter(out, "track", identity, inputs) as writer:
            writer.tell(progress, settings=options, sources={"clip": clip.path}, parts=(
                "body", *detector_parts(options.detector), "uplift", "mend", "posendf", "pose_prior", "motion_prior"))
            tracked = track_clip(
                video, mode=options.mode, people=_count(options), chosen=_chosen(options),
                focal=_scaled(options, video), moving=options.moving == "moving", height=options.height,
                betas=options.betas, tilt=options.tilt, camera_height=options.camera_height, lock=options.lock_feet,
                detector=options.detector, work=place, watch=Preview(progress, _PREVIEW_SECONDS), progress=progress)
            notes = [*video.notes, *track_files.coverage(tracked), *tracked.notes]
            progress.next(stages[-2])
            names = track_files.suffixes(tracked)
            track_files.export(writer, tracked, video, names, clip.name, progress, persona=options.persona)
            progress.next(stages[-1])
            if options.render:
                track_files.draw(writer, tracked, video, progress)
            writer.report.update(track_files.report(tracked, notes, progress.seconds))
            track_files.order(writer)
    return writer.result


@contextmanager
def _tidied(work: Path, own: bool) -> Iterator[None]:
    """Remove what is kept in our own ``work`` when the block ends well or the clip is no good; keep it for a run that
    was stopped. Other things in a folder of that name stay."""
    try:
        yield
    except (InputError, MissingExtraError):
        _tidy(work, own)
        raise
    _tidy(work, own)


def _tidy(work: Path, own: bool) -> None:
    if own:
        shutil.rmtree(work / "following", ignore_errors=True)
        for file in work.glob("fit_*.npz"):
            file.unlink(missing_ok=True)
        with suppress(OSError):  # it holds something else, or was never made
            work.rmdir()


def _opened(clip: ClipSource, options: TrackOptions) -> Video:
    return clip.open(fps=options.fps, start=options.start, end=options.end)


def _count(options: TrackOptions) -> int | Literal["all"]:
    return "all" if options.people == "all" else max(1, len(options.people))


def _chosen(options: TrackOptions) -> tuple[int, ...]:
    return () if options.people == "all" or options.people == (1,) else tuple(options.people)


def _scaled(options: TrackOptions, video: Video) -> tuple[float, ...] | None:
    """The camera's numbers in pixels of the frames as they are read."""
    if not options.camera:
        return None
    factor = video.width / video.original_size[0]
    return tuple(value * factor for value in options.camera)
