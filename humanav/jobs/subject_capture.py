"""Make a subject's ``captured`` split: from a photo, from frames of a clip, or again for our own body."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from humanav.errors import InputError
from humanav.jobs.photo import STAGES, PhotoOptions, fit_sighting
from humanav.jobs.sight import Sighting, sight
from humanav.jobs.subject import CAPTURED, MESH, OWN_CAPTURED, Split, Subject, about, read_split
from humanav.jobs.subject_files import write_split
from humanav.results import content_id

if TYPE_CHECKING:
    from humanav.avatar import Avatar, View
    from humanav.body import BodyModel
    from humanav.perception import Person2D
    from humanav.progress import Progress

PHOTO_STAGES = STAGES[:6]
TRACK_STAGES = ("Choosing frames of the clip", *STAGES[4:6])
READ_STAGES = ("Reading the subject",)
_MESH_VIEWS = 6
"""Frames of a clip that the mesh is made from, at most."""


@dataclass(frozen=True)
class Source:
    """What a subject is made from: a photo, or the result folder of a track; neither: what its folder holds.

    Attributes:
        photo, track: paths. person: whose of the track. views: frames taken of it, at most.
        options: what is said of the photo.
    """

    photo: Path | None = None
    track: Path | None = None
    person: str = ""
    views: int = 24
    options: PhotoOptions = field(default_factory=PhotoOptions)

    @property
    def key(self) -> str:
        """The same for the same source; empty for none.

        Raises:
            InputError: there is no such photo.
        """
        if self.photo is not None:
            if not self.photo.is_file():
                raise InputError(f"There is no photo {self.photo.name}: check the name.")
            return content_id("captured", self.photo.read_bytes(), self.options)
        if self.track is not None:
            from humanav.results import Result

            return content_id("captured", Result.load(self.track).id, self.person, self.views)
        return ""


def capture_stages(subject: Subject, source: Source, body: BodyModel) -> tuple[str, ...]:
    """The stages that :func:`capture` will go through. Raises InputError as that does."""
    if _ready(subject, source, body):
        return READ_STAGES
    if source.track is not None and source.photo is None:
        return TRACK_STAGES
    if source.photo is None and not subject.captured.is_dir():
        raise InputError(f"There is no subject {subject.name} in {subject.root} yet: give its photo, "
                         f"{subject.command()}")
    if source.photo is None and not read_split(subject, subject.captured, body).foreign:
        return (*READ_STAGES, *STAGES[4:6])
    return PHOTO_STAGES


def capture(subject: Subject, source: Source, body: BodyModel, progress: Progress) -> tuple[Split, Avatar]:
    """The split to learn from and the textured mesh, made where they are not there yet for this source.

    A captured split of PERSONA's own tools stays as it is. Where its shape was told for another body than the one in
    use, the body is fitted to its picture again, with its mask, and kept beside it as ``captured_humanav``.

    Raises:
        InputError, ImageError, NoPersonError: the source cannot be used, or a piece of the split is missing.
        StorageError: the folder cannot be written.
        Cancelled: the user stopped it.
    """
    from humanav.avatar import Avatar
    from humanav.export.files import whole_file

    if _ready(subject, source, body):
        progress.next(READ_STAGES[0])
        return read_split(subject, subject.captured, body), Avatar.load(subject.captured / MESH)
    if source.photo is not None:
        seen = sight(source.photo, progress, STAGES[:3])
        _from_photo(subject, seen, source, body, progress)
    elif source.track is not None:
        from humanav.jobs.track_views import track_views

        progress.next(TRACK_STAGES[0])
        views = track_views(source.track, source.person, source.views, progress=progress)
        _write(subject, views, [], source, body, progress, source.track.name)
    else:
        split = read_split(subject, subject.captured, body)
        if split.foreign:
            view = split.view(0)
            seen = replace(sight(split.images[0], progress, STAGES[:3]), alpha=view.alpha)
            _from_photo(subject, seen, source, body, progress)
        else:
            progress.next(READ_STAGES[0])
            mesh = _mesh(split.views(), body, progress)
            with whole_file(subject.captured / MESH) as part:
                mesh.save(part)
            return split, mesh
    return read_split(subject, subject.captured, body), Avatar.load(subject.captured / MESH)


def _ready(subject: Subject, source: Source, body: BodyModel) -> bool:
    """Whether the split is there; where a source is given, also whole and made from it."""
    folder = subject.captured
    if not (folder / MESH).is_file():
        return False
    if not source.key:
        return True
    try:
        read_split(subject, folder, body)
    except InputError:  # the source makes what is lost
        return False
    return bool(about(folder).get("source") == source.key)


def _from_photo(subject: Subject, seen: Sighting, source: Source, body: BodyModel, progress: Progress) -> None:
    from humanav.avatar import View

    fit = fit_sighting(seen, source.options, body, progress)
    alpha = fit.alpha if fit.alpha is not None else seen.alpha
    warnings = list(dict.fromkeys([*seen.coverage.warnings, *fit.report.warnings]))
    _write(subject, [View(seen.image, alpha, fit.camera, fit.motion)], [fit.person], source, body, progress,
           source.photo.name if source.photo else "images/0", warnings)


def _write(
    subject: Subject, views: Sequence[View], people: Sequence[Person2D], source: Source, body: BodyModel,
    progress: Progress, made_from: str, warnings: Sequence[str] = (),
) -> None:
    mesh = _mesh(views, body, progress)
    told: dict[str, Any] = {"source": source.key, "made_from": made_from, "warnings": list(warnings)}
    folder = subject.folder / CAPTURED
    theirs = folder.is_dir() and any(folder.iterdir()) and not about(folder)
    write_split(subject.folder / OWN_CAPTURED if theirs else folder, views, body, people=people, mesh=mesh, told=told)


def _mesh(views: Sequence[View], body: BodyModel, progress: Progress) -> Avatar:
    """The textured mesh of the views; the first shapes it, others of a clip, from all sides, add to its texture."""
    from humanav.avatar import build_avatar

    step = max(1, -(-len(views) // _MESH_VIEWS))
    return build_avatar(views[::step], views[0].motion.betas, body, progress=progress)
