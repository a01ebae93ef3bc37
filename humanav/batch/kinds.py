"""The jobs that can be run over a folder: which files each takes, which options, and how it is called."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from humanav.errors import InputError
from humanav.progress import Progress

if TYPE_CHECKING:
    from humanav.results import Result

PICTURES = (".jpg", ".jpeg", ".png", ".webp", ".bmp", ".tif", ".tiff", ".heic", ".heif", ".avif")
VIDEOS = (".mp4", ".mov", ".webm", ".avi", ".mkv", ".gif", ".m4v")
KEYPOINTS = (".json", ".npz", ".npy", ".csv", ".tsv")
MOTIONS = (".npz", ".npy", ".bvh", ".amc")


@dataclass(frozen=True)
class Kind:
    """A job as a batch sees it.

    Attributes:
        name: as ``--job`` takes it.
        takes: what it is made from, in words.
        suffixes: endings of its inputs, in small letters.
        beside: endings of files that belong to an input and are no input themselves.
        options: the dataclass of its options.
        left_out: options that a batch does not take, because they are of one input.
        extra: name and default of options that are no field of ``options``.
        also: other names of options, as the verb of the job has them.
        check: looks at all options before anything is done, and returns them as a worker elsewhere needs them.
        identity: (source, options) to the content id of the result.
        run: (source, folder of the result, options, progress) to the result.
    """

    name: str
    takes: str
    suffixes: tuple[str, ...]
    options: Callable[[], type]
    identity: Callable[[Path, Mapping[str, Any]], str]
    run: Callable[[Path, Path, Mapping[str, Any], Progress], Result]
    beside: tuple[str, ...] = ()
    left_out: tuple[str, ...] = ()
    extra: tuple[tuple[str, str], ...] = ()
    also: tuple[tuple[str, str], ...] = ()
    check: Callable[[dict[str, Any]], dict[str, Any]] | None = None


def _photo_options() -> type:
    from humanav.jobs.photo import PhotoOptions

    return PhotoOptions


def _photo_id(source: Path, options: Mapping[str, Any]) -> str:
    from humanav.jobs.photo import PhotoOptions, photo_id

    own = {name: value for name, value in options.items() if name != "motion"}
    return photo_id(source, PhotoOptions(**own), options["motion"])


def _photo_check(options: dict[str, Any]) -> dict[str, Any]:
    """The motion must be there; a file's path is made absolute."""
    from humanav.jobs.animate import resolve_motion

    motion = options["motion"]
    resolve_motion(motion)
    return options | {"motion": str(Path(motion).absolute()) if Path(motion).exists() else motion}


def _photo(source: Path, out: Path, options: Mapping[str, Any], progress: Progress) -> Result:
    from humanav.jobs.photo import photo_to_avatar

    return photo_to_avatar(source, out=out, progress=progress, **options)


def _track_options() -> type:
    from humanav.jobs.track import TrackOptions

    return TrackOptions


def _track_id(source: Path, options: Mapping[str, Any]) -> str:
    from humanav.jobs.track import TrackOptions, track_id

    return track_id(source, TrackOptions(**options))


def _track(source: Path, out: Path, options: Mapping[str, Any], progress: Progress) -> Result:
    from humanav.jobs.track import TrackOptions, track_video

    return track_video(source, out=out, options=TrackOptions(**options), progress=progress)


def _uplift_options() -> type:
    from humanav.jobs.uplift import UpliftOptions

    return UpliftOptions


def _uplift_id(source: Path, options: Mapping[str, Any]) -> str:
    from humanav.jobs.uplift import UpliftOptions, uplift_id

    return uplift_id(source, UpliftOptions(**options))


def _uplift(source: Path, out: Path, options: Mapping[str, Any], progress: Progress) -> Result:
    from humanav.jobs.uplift import UpliftOptions, uplift_source

    return uplift_source(source, out=out, options=UpliftOptions(**options), progress=progress)


def _denoise_options() -> type:
    from humanav.jobs.denoise import DenoiseOptions

    return DenoiseOptions


def _denoise_id(source: Path, options: Mapping[str, Any]) -> str:
    from humanav.jobs.denoise import DenoiseOptions, denoise_id

    return denoise_id(source, DenoiseOptions(**options))


def _denoise(source: Path, out: Path, options: Mapping[str, Any], progress: Progress) -> Result:
    from humanav.jobs.denoise import denoise_motion

    return denoise_motion(source, out=out, progress=progress, **options)


KINDS: dict[str, Kind] = {kind.name: kind for kind in (
    Kind("avatar", "photos", PICTURES, _photo_options, _photo_id, _photo, extra=(("motion", "walk"),),
         also=(("texture", "texture_size"), ("flip", "flip_limbs")), check=_photo_check),
    Kind("track", "videos", VIDEOS, _track_options, _track_id, _track),
    Kind("uplift", "photos, videos and keypoint files", (*PICTURES, *VIDEOS, *KEYPOINTS), _uplift_options, _uplift_id,
         _uplift, left_out=("measurements",)),
    Kind("denoise", "motion files (npz, npy, bvh, amc)", MOTIONS, _denoise_options, _denoise_id, _denoise,
         beside=(".asf",)),
)}


def kind_of(job: str) -> Kind:
    """The kind called ``job``. Raises InputError where there is none."""
    if job not in KINDS:
        raise InputError(f"A batch can be made of {', '.join(KINDS)}; there is no job {job!r}.")
    return KINDS[job]
