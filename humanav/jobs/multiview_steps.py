"""The steps of a capture's reconstruction. Each keeps what it found in the work folder, so that a stopped run, or the
next command, goes on from there."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

import numpy as np
from numpy.typing import NDArray

from humanav import __version__
from humanav.errors import CameraError, HumanavError, InputError, NoPersonError
from humanav.jobs.multiview_options import CHECKING, FINDING, FITTING, MATCHING, READING, REFINING, MultiviewOptions
from humanav.jobs.multiview_source import Source, read_capture, source_key
from humanav.jobs.multiview_store import Store
from humanav.multiview.value import Fitted, Matched, Rig, Sightings
from humanav.progress import Progress
from humanav.results import content_id, weights_id

if TYPE_CHECKING:
    from humanav.jobs.multiview_refine import Refinement
    from humanav.multiview.capture import Capture
    from humanav.multiview.doctor import Diagnosis
    from humanav.multiview.footage import Footage
    from humanav.multiview.sync import Offsets

WEIGHTS = ("mend", "pose_prior", "motion_prior")
USUAL_HEIGHT = 1.7
"""Metres: of people of whom nothing is known, where only they give the scale."""
_LATE = 0.5  # frames from which a view's offset is worth taking out


@dataclass(frozen=True)
class Moments:
    """A capture's pictures as the cameras saw them: offsets between views taken out, so that frame ``t`` is one moment
    everywhere, and mirrored or turned pictures put right.

    Satisfies :class:`humanav.multiview.value.Pictures`.
    """

    footage: Footage
    numbers: NDArray[np.int64]  # (V,T) frame of the footage
    mirrored: tuple[str, ...] = ()
    turned: dict[str, int] = field(default_factory=dict)  # quarter turns clockwise that a view's picture needs

    def __len__(self) -> int:
        return int(self.numbers.shape[1])

    def frame(self, view: int, t: int) -> NDArray[np.uint8]:
        """The picture (h,w,3) of a view."""
        picture = self.footage.frame(view, int(self.numbers[view, t]))
        name = self.footage.names[view]
        turns = self.turned.get(name, 0)
        picture = np.rot90(picture, -turns) if turns else picture  # first, as keypoints are
        return np.ascontiguousarray(picture[:, ::-1] if name in self.mirrored else picture)

    def read(self, view: int) -> Iterator[NDArray[np.uint8]]:
        """The pictures of one view in their order."""
        for t in range(len(self)):
            yield self.frame(view, t)


class CaptureWork:
    """A capture being worked on; use it as a context manager. Steps are done when their values are first asked for, in
    this order: ``capture``, ``footage``, ``seen``, ``offsets``, ``sightings``, ``rig``, ``matched``, ``fitted``,
    ``refined``.

    Args:
        source: see :func:`humanav.jobs.multiview_source.read_capture`.
        options: what is wanted.
        work: folder of what is kept.
        progress: told of the stages as they begin.

    Raises:
        InputError: the capture cannot be used.
    """

    def __init__(self, source: Source, options: MultiviewOptions, work: Path, progress: Progress) -> None:
        self.source, self.options, self.work, self.progress = source, options, Path(work), progress
        self.store = Store(self.work)
        self.key = content_id("capture", __version__, source_key(source, options), options.start, options.end,
                              options.fps)
        self._files = ExitStack()
        self._begun: set[str] = set()
        self.notes: list[str] = []
        self.cameras_hold = False  # whether moving the cameras was tried and gained nothing
        self.camera_notes: list[str] = []
        self.details: list[str] = []  # what the views alone said: for the file, not for the page

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        self._files.close()

    def stage(self, name: str) -> None:
        """Begin a stage, once."""
        if name not in self._begun:
            self._begun.add(name)
            self.progress.next(name)

    @cached_property
    def capture(self) -> Capture:
        """Videos and calibration, checked; without one, the cameras that board pictures give."""
        self.stage(READING)
        capture = self._by_boards(read_capture(self.source, self.options, self.work))
        self.camera_notes += capture.notes
        return capture

    @cached_property
    def footage(self) -> Footage:
        """The pictures as they lie in the files."""
        from humanav.multiview.footage import open_footage

        options = self.options
        footage = open_footage(self.capture, fps=options.fps, start=options.start, end=options.end)
        self.notes += footage.notes
        return self._files.enter_context(footage)

    @cached_property
    def sizes(self) -> tuple[tuple[int, int], ...]:
        """(width, height) of the pictures that keypoints are told in."""
        return self.footage.sizes

    @cached_property
    def seen(self) -> Sightings:
        """What every view saw, before offsets are taken out."""
        options, footage = self.options, self.footage
        self.stage(FINDING)
        key = content_id("find", self.key, options.detector, options.people)
        found = self.store.load("sightings", key)
        if found is None:
            from humanav.jobs.multiview_preview import Preview
            from humanav.multiview.detect import detect

            found = detect(footage, people=options.people, detector=options.detector, work=self.work / "detection",
                           watch=Preview(self.progress, footage.names), progress=self.progress)
            self.store.save("sightings", key, found)
        if self.capture.masks:
            from humanav.multiview.masks import with_masks

            found = with_masks(found, self.capture.masks, self.sizes, number=footage.number)
        self.details += found.notes
        return found

    @cached_property
    def examined(self) -> Diagnosis | None:
        """What the doctor says of a calibration before anybody is matched; None without one."""
        from humanav.multiview.doctor import examine

        seen = self.seen
        self.stage(CHECKING)
        return None if self.capture.rig is None else examine(self.capture.rig, seen, sizes=self.sizes)

    @cached_property
    def told_offsets(self) -> Offsets:
        """What the people's movement says of the time offsets, whether it matters or not."""
        from humanav.multiview.sync import find_offsets

        seen = self.seen
        self.stage(CHECKING)
        return find_offsets(seen, self.capture.rig)

    @cached_property
    def offsets(self) -> Offsets | None:
        """The time offsets that are taken out; None for none."""
        from humanav.multiview.sync import Offsets

        options, seen = self.options, self.seen
        self.stage(CHECKING)
        if options.sync == "off":
            return None
        if options.sync == "auto":
            if self.examined is not None:
                return self.examined.offsets
            return self.told_offsets if np.abs(self.told_offsets.frames).max() >= _LATE else None
        views = len(seen.names)
        if len(options.sync) != views:
            raise InputError(f"One time offset in frames is needed for each of the {views} views; "
                             f"{len(options.sync)} were given.")
        return Offsets(seen.names, np.array(options.sync, np.float64), np.ones(views), np.ones(views, np.bool_),
                       np.full((views, views), np.nan))

    @cached_property
    def sightings(self) -> Sightings:
        """What every view saw, frame by frame at the same moments, mirrored and turned pictures put right."""
        from humanav.multiview.sync import shifted

        seen, offsets = self.seen, self.offsets
        if self.examined is not None:
            seen = replace(self.examined, offsets=None).mended(seen)
        if offsets is None or not offsets.frames.any():
            return seen
        said = ", ".join(f"{name} {value:+.1f}" for name, value in zip(offsets.names, offsets.frames))
        self.notes.append(f"The cameras do not run alike: these frames of offset were taken out: {said}.")
        return shifted(seen, offsets)

    @cached_property
    def moments(self) -> Moments:
        """The pictures at the moments of :attr:`sightings`."""
        late = np.zeros(len(self.footage.names)) if self.offsets is None else self.offsets.frames
        first = int(np.ceil(-min(0.0, float(late.min())) - 1e-9))
        times = first + np.arange(self.sightings.frames)
        numbers = np.clip(np.rint(times + late[:, None] + 1e-9).astype(np.int64), 0, self.footage.frames - 1)
        if self.examined is None:
            return Moments(self.footage, numbers)
        return Moments(self.footage, numbers, self.examined.mirrored, self.examined.turned)

    @cached_property
    def given(self) -> Rig:
        """The cameras: from the calibration, with what the doctor could mend, or found from the people."""
        if self.examined is not None:
            assert self.capture.rig is not None
            return self.examined.corrected or self.capture.rig
        from humanav.multiview.self_calibrate import calibrate_from_people

        sightings = self.sightings
        self.stage(CHECKING)
        key = content_id("cameras", self._seen_key, self.options.height, self.options.focal)
        rig = self.store.load("rig", key)
        if rig is None:
            rig = calibrate_from_people(sightings, self.sizes, height=self.options.height or USUAL_HEIGHT,
                                        focal=self.options.focal)
            self.store.save("rig", key, rig)
        tall = f"{self.options.height:g} m" if self.options.height else f"{USUAL_HEIGHT} m, which is a guess"
        self.camera_notes.append("There is no calibration: the cameras were found from the people's own movement, and "
                                 f"the size of everything from their height ({tall}).")
        return rig

    @cached_property
    def rig(self) -> Rig:
        """The cameras that are used."""
        if not self.options.refine_cameras:
            return self.given
        from humanav.multiview.adjust import refine_cameras

        try:
            adjusted = refine_cameras(self.given, self.sightings, self._first_match)
        except InputError:  # too little is seen to judge the cameras by
            self.camera_notes.append("The cameras stay as they are: too little is seen by several of them at once.")
            return self.given
        self.camera_notes += adjusted.notes
        self.cameras_hold = not adjusted.kept
        return adjusted.rig

    @cached_property
    def diagnosis(self) -> Diagnosis:
        """What the doctor says of the cameras."""
        from humanav.multiview.doctor import examine

        sizes = [(camera.width, camera.height) for camera in self.rig.cameras]
        return examine(self.rig, self.sightings, self.matched, sizes)

    @cached_property
    def matched(self) -> Matched:
        """Everybody in 3D."""
        same = self.rig is self.given  # nothing was moved: matching again would find the same
        found = self._first_match if same else self._match(self.rig, "rematched")
        self.notes += found.notes
        return found

    @cached_property
    def fitted(self) -> Fitted:
        """Everybody as a body."""
        from humanav.multiview.fit import FitSettings, fit_people

        matched = self.matched
        self.stage(FITTING)
        key = self._fit_key
        found = self.store.load("fitted", key)
        if found is None:
            found = fit_people(matched, self.sightings, self.rig, settings=FitSettings(height=self.options.height),
                               progress=self.progress)
            self.store.save("fitted", key, found)
        self.notes += found.notes
        return found

    @cached_property
    def refined(self) -> Refinement | None:
        """Everybody refined through their avatars; None where that is not wanted."""
        if self.options.refine == "off" or self.options.until is not None:
            return None
        from humanav.jobs.multiview_refine import refined

        fitted = self.fitted
        self.stage(REFINING)
        found = refined(self, fitted, self._fit_key)
        self.notes += found.notes
        return found

    @property
    def bodies(self) -> Fitted:
        """The best bodies there are."""
        return self.fitted if self.refined is None else self.refined.fitted

    def _by_boards(self, capture: Capture) -> Capture:
        """The capture with cameras from the board pictures that lie in it, where it has no calibration."""
        from humanav.multiview.boards import named_board
        from humanav.multiview.capture_boards import with_boards, with_rig

        named = self.options.board
        if capture.rig is not None or not (named or capture.boards.places):
            return capture
        key = content_id("boards", self.key, named)
        rig = self.store.load("rig", key)
        if rig is not None:
            return with_rig(capture, rig)
        try:
            found = with_boards(capture, named_board(named) if named else None, progress=self.progress.update).check()
        except InputError as error:
            if named:
                raise
            return replace(capture, notes=(*capture.notes, f"The pictures of a board were of no use: {error}"))
        assert found.rig is not None
        self.store.save("rig", key, found.rig)
        return found

    @cached_property
    def _first_match(self) -> Matched:
        return self._match(self.given, "matched")

    def _match(self, rig: Rig, name: str) -> Matched:
        from humanav.multiview.match import match_people
        from humanav.multiview.match_settings import MatchSettings

        sightings = self.sightings
        self.stage(MATCHING)
        key = self._match_key(rig)
        found = self.store.load(name, key)
        if found is None:
            most = None if self.options.people == "all" else self.options.people
            try:
                found = match_people(sightings, rig, MatchSettings(people=most), progress=self.progress)
            except NoPersonError as error:
                raise self._explained(error) from error
            self.store.save(name, key, found)
        return found

    def _explained(self, error: HumanavError) -> HumanavError:
        """The doctor's gravest finding where the cameras are why nobody was matched, else the error itself."""
        if self.examined is not None and self.examined.severity == "stops":
            grave = next(f for f in self.examined.findings if f.severity == "stops" and not f.mended)
            return CameraError(grave.text)
        return error

    def _match_key(self, rig: Rig) -> str:
        return content_id("match", self._seen_key, [camera.to_dict() for camera in rig.cameras])

    @property
    def _fit_key(self) -> str:
        return content_id("fit", self._match_key(self.rig), self.options.height, weights_id(*WEIGHTS))

    @property
    def _seen_key(self) -> str:
        """What the sightings depend on."""
        late: Any = "none" if self.offsets is None else self.offsets.frames
        return content_id("seen", self.key, self.options.detector, self.options.people, bool(self.capture.masks), late,
                          [] if self.examined is None else [self.examined.mirrored, self.examined.turned])
