"""The generated splits of a subject: made once, kept with their provenance, read again; and those of others."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from humanav.errors import MissingExtraError
from humanav.jobs.subject import Split, Subject, about, placed_on_mask, read_split
from humanav.jobs.subject_files import generated_view, write_split
from humanav.results import content_id

if TYPE_CHECKING:
    from humanav.avatar import Avatar, View
    from humanav.avatar.gaussian import GaussianAvatar, PoseFrame, TrainFrame
    from humanav.body import BodyModel
    from humanav.progress import Progress

GENERATORS = ("teacher", "vace", "animate", "inpaint")
"""Those of :mod:`humanav.avatar.gaussian.diffusion`, named here without loading it."""


@dataclass
class Kept:
    """A generator whose frames are kept in the subject's folder; asked again for the same, it reads them there.

    The synthetic teacher draws its frames anew instead: they come with exact depth and normals, which files lack. It
    takes the place of a network that cannot be used, and a note says so.

    Attributes:
        wanted: one of ``GENERATORS``. mesh: the person. own_pose: (55,3) the photo's.
        subject, folder: where the frames are kept. body: of the avatar. size: of the frames that are read.
        splats: what the teacher is to draw; :func:`~humanav.avatar.gaussian.build_gaussian_avatar` sets it.
        notes: what happened, in sentences. name: who made the frames, once they are made.
    """

    wanted: str
    mesh: Avatar
    own_pose: Any
    subject: Subject
    folder: Path
    body: BodyModel
    size: int = 640
    splats: GaussianAvatar | None = None
    notes: list[str] = field(default_factory=list)
    name: str = ""

    def generate(
        self, reference: View, pose_frames: Sequence[PoseFrame], *, seed: int = 0, progress: Progress | None = None
    ) -> list[TrainFrame]:
        from humanav.avatar.gaussian.diffusion import download_notice, make_generator
        from humanav.avatar.gaussian.teacher import SyntheticTeacher

        if not pose_frames:
            return []
        asked = [seed, reference.image, [[p.full_pose, p.transl, p.camera.to_dict()] for p in pose_frames]]
        if self.wanted != "teacher":
            if about(self.folder).get("key") == content_id("generated", self.wanted, *asked):
                return self._read()
            if progress is not None:
                progress.show(download_notice(self.wanted))
        inner, note = make_generator(self.wanted, self.mesh, own_pose=self.own_pose)
        frames: list[TrainFrame] = []
        if not isinstance(inner, SyntheticTeacher):
            try:
                frames = inner.generate(reference, pose_frames, seed=seed, progress=progress)
            except MissingExtraError as error:
                inner, _ = make_generator("teacher", self.mesh, own_pose=self.own_pose)
                note = f"{error} The synthetic teacher made the training frames instead."
        exact, self.name = isinstance(inner, SyntheticTeacher), inner.name
        if isinstance(inner, SyntheticTeacher):
            inner = replace(inner, splats=self.splats)
            frames = inner.generate(reference, pose_frames, seed=seed, progress=progress)
            asked += [] if self.splats is None else [self.splats.means, self.splats.rgb]
        self.notes += [note] if note else []
        key = content_id("generated", "teacher" if exact else self.wanted, *asked)
        if about(self.folder).get("key") != key:
            write_split(self.folder, [generated_view(frame, self.mesh.betas) for frame in frames], self.body, told={
                "key": key, "generator": inner.name, "seed": seed, "notes": self.notes,
                "provenance": [frame.provenance for frame in frames]})
        return frames if exact else self._read()

    def _read(self) -> list[TrainFrame]:
        told = about(self.folder)
        self.name = str(told.get("generator", self.wanted))
        split = read_split(self.subject, self.folder, self.body)
        return frames_of_split(split, self.body, self.mesh.betas, self.size, told.get("provenance"))


@dataclass(frozen=True)
class Given:
    """A generator that hands out the generated splits of PERSONA's own tools, whatever poses it is asked for."""

    frames: Sequence[TrainFrame]
    name: str = "the subject's own generated frames"

    def generate(
        self, reference: View, pose_frames: Sequence[PoseFrame], *, seed: int = 0, progress: Progress | None = None
    ) -> list[TrainFrame]:
        return list(self.frames)


def given_frames(
    subject: Subject, body: BodyModel, betas: Any, size: int, most: int
) -> tuple[list[TrainFrame], list[str]]:
    """Frames of the generated splits that we did not make, evenly chosen, at most so many; and notes on them.

    Raises:
        InputError: a split lacks a piece.
    """
    frames: list[TrainFrame] = []
    notes: list[str] = []
    splits = [read_split(subject, folder, body) for folder in subject.generated if not about(folder)]
    total = sum(len(split) for split in splits)
    wanted = set(np.linspace(0, max(total - 1, 0), min(most, total)).round().astype(int).tolist())
    start = 0
    for split in splits:
        rows = [k for k in range(len(split)) if start + k in wanted]
        start += len(split)
        frames += frames_of_split(split, body, betas, size, None, rows)
        notes += split.notes
    return frames, list(dict.fromkeys(notes))


def frames_of_split(
    split: Split, body: BodyModel, betas: Any, size: int, provenance: Sequence[Any] | None = None,
    rows: Sequence[int] | None = None,
) -> list[TrainFrame]:
    """A split's frames as generated training frames, cropped to the person, ``size`` pixels on the longer side."""
    from humanav.avatar.gaussian.frames import captured_frame

    out = []
    for k in range(len(split)) if rows is None else rows:
        view = split.view(k)
        if split.foreign:
            view = replace(view, motion=placed_on_mask(view, body, betas))
        frame = captured_frame(view, size)
        told = dict(provenance[k]) if provenance and k < len(provenance) else {
            "generator": f"given in {split.folder.name}", "frame": split.numbers[k]}
        out.append(replace(frame, kind="generated", expression=None, provenance=told))
    return out
