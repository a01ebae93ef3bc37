"""The jobs that can be run over a folder: which files each takes, which options, and how it is called."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from importlib import import_module
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


def _kind(
    name: str, takes: str, suffixes: tuple[str, ...], options: str, identity: str, run: str, *, whole: bool = True,
    **more: Any,
) -> Kind:
    """A job of ``humanav.jobs.NAME``, which is loaded when it is needed.

    Args:
        name, takes, suffixes, more: see :class:`Kind`.
        options, identity, run: what they are called there.
        whole: whether ``run`` takes the options as one value, and not each by its name.
    """
    def there(called: str) -> Any:
        return getattr(import_module(f"humanav.jobs.{name}"), called)

    def id_of(source: Path, given: Mapping[str, Any]) -> str:
        return str(there(identity)(source, there(options)(**given)))

    def made(source: Path, out: Path, given: Mapping[str, Any], progress: Progress) -> Result:
        told = {"options": there(options)(**given)} if whole else given
        result: Result = there(run)(source, out=out, progress=progress, **told)
        return result

    return Kind(name, takes, suffixes, lambda: there(options), id_of, made, **more)


KINDS: dict[str, Kind] = {kind.name: kind for kind in (
    Kind("avatar", "photos", PICTURES, _photo_options, _photo_id, _photo, extra=(("motion", "walk"),),
         also=(("texture", "texture_size"), ("flip", "flip_limbs")), check=_photo_check),
    _kind("track", "videos", VIDEOS, "TrackOptions", "track_id", "track_video"),
    _kind("uplift", "photos, videos and keypoint files", (*PICTURES, *VIDEOS, *KEYPOINTS), "UpliftOptions", "uplift_id",
          "uplift_source", left_out=("measurements",)),
    _kind("denoise", "motion files (npz, npy, bvh, amc)", MOTIONS, "DenoiseOptions", "denoise_id", "denoise_motion",
          whole=False, beside=(".asf",)),
)}


def kind_of(job: str) -> Kind:
    """The kind called ``job``. Raises InputError where there is none."""
    if job not in KINDS:
        raise InputError(f"A batch can be made of {', '.join(KINDS)}; there is no job {job!r}.")
    return KINDS[job]
