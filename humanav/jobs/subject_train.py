"""Train the Gaussian avatar of a subject, from its folder to a result; an interrupted training goes on."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from humanav import __version__
from humanav.errors import InputError
from humanav.jobs.gaussian import GAUSSIAN_STAGES
from humanav.jobs.gaussian_files import GAUSSIAN_NPZ
from humanav.jobs.photo_report import save_picture
from humanav.jobs.subject import Subject, about
from humanav.jobs.subject_capture import Source, capture, capture_stages
from humanav.jobs.subject_generated import GENERATORS, Given, Kept, given_frames
from humanav.progress import Progress
from humanav.results import Result, ResultWriter, content_id

if TYPE_CHECKING:
    from humanav.avatar import Avatar, View
    from humanav.avatar.gaussian import Built, GaussianAvatar, GaussianTraining, Generator
    from humanav.body import BodyModel

KIND = "gaussian avatar"
OUTPUT, AVATAR, SNAPSHOT = "output", "avatar", "snapshot.pth"
_FULL_STEPS = 6000
_CHECKPOINT_EVERY = 10.0
_OPENS_PLY = "SuperSplat, PlayCanvas and other splat viewers"


@dataclass(frozen=True)
class SubjectTraining:
    """How a subject is trained.

    Attributes:
        minutes: of training, at most; None for no limit. steps: at most; None: by the minutes (full: 6000).
        full: PERSONA's triplane network for the clothes instead of the small one; for a GPU or patience.
        generator: "teacher", "vace", "animate" or "inpaint"; "" takes generated splits that PERSONA's tools left in the
            folder, else the best that the machine's GPU can hold, else the teacher.
        count: of Gaussians. size: of the longer side of the training pictures, pixels. generated: generated frames.
        seed: of everything random.

    Raises:
        InputError: a value is out of range.
    """

    minutes: float | None = 2.0
    steps: int | None = None
    full: bool = False
    generator: str = ""
    count: int = 30_000
    size: int = 640
    generated: int = 24
    seed: int = 0

    def __post_init__(self) -> None:
        if self.minutes is not None and not 0 < self.minutes <= 10_000:
            raise InputError(f"{self.minutes:g} minutes of training are not possible: give a number above 0.")
        if self.steps is not None and self.steps < 1:
            raise InputError("Training needs at least one step.")
        if self.generator not in ("", *GENERATORS):
            raise InputError(f"There is no generator {self.generator!r}: choose {', '.join(GENERATORS)}.")
        if not 200 <= self.count <= 1_000_000:
            raise InputError(f"An avatar can have 200 to 1,000,000 Gaussians, not {self.count}.")
        if not 64 <= self.size <= 2048:
            raise InputError(f"Training pictures can be 64 to 2048 pixels high, not {self.size}.")
        if self.generated < 0:
            raise InputError("The number of generated frames cannot be below 0.")

    def settings(self) -> GaussianTraining:
        """Those of :func:`humanav.avatar.gaussian.train`."""
        from humanav.avatar.gaussian import GaussianTraining

        usual = GaussianTraining()
        steps = self.steps or (_FULL_STEPS if self.full or self.minutes is None else
                               max(usual.steps, round(usual.steps * self.minutes / (usual.minutes or 2.0))))
        kind: Literal["full", "lite"] = "full" if self.full else "lite"
        return replace(usual, steps=steps, minutes=self.minutes, deformation=kind, seed=self.seed,
                       checkpoint_every=_CHECKPOINT_EVERY)


def train_stages(subject: Subject, source: Source) -> tuple[str, ...]:
    """The stages that :func:`train_subject` will go through. Raises InputError as that does."""
    from humanav.body import BodyModel

    return (*capture_stages(subject, source, BodyModel.load()), *GAUSSIAN_STAGES)


def train_subject(
    subject: Subject, source: Source | None = None, training: SubjectTraining | None = None, *,
    out: str | Path = OUTPUT, progress: Progress | None = None,
) -> Result:
    """Train a subject's Gaussian avatar.

    The state of its two parts is kept as ``OUT/ID/snapshot.first.pth`` and ``snapshot.pth``: the same command goes on
    from them. With more minutes or steps the first part goes on; the second, whose frames show what came of the first,
    begins anew. Where memory runs out, pictures are halved, and a note says so.

    Args:
        source: a photo or a track to make the ``captured`` split from; None for what the folder holds.
        out: results go to ``OUT/ID/avatar``.
        progress: told of :func:`train_stages`.

    Raises:
        InputError, ImageError, NoPersonError: see :func:`~humanav.jobs.subject_capture.capture`.
        StorageError: a folder cannot be written.
        Cancelled: the user stopped it.
    """
    from humanav.avatar.gaussian import build_gaussian_avatar, captured
    from humanav.body import BodyModel
    source, training = source or Source(), training or SubjectTraining()
    body = BodyModel.load()
    stages = (*capture_stages(subject, source, body), *GAUSSIAN_STAGES)
    progress = progress or Progress(len(stages))
    progress.steps = len(stages)
    home = Path(out) / subject.name
    split, mesh = capture(subject, source, body, progress)
    views = split.views()
    photo = captured(views[:1], training.size)[0]
    generator, notes = _generator(subject, mesh, photo, body, training)
    identity = content_id(KIND, __version__, about(subject.captured).get("source", ""), training,
                          [view.image for view in views[:1]])
    with ResultWriter(home / AVATAR, KIND, identity, {"subject": subject.name, **asdict(training)}) as writer:
        writer.tell(progress, settings=training, sources={
            "photo": source.photo, "track": None if source.track is None else Result.load(source.track),
            "subject": None if source.photo or source.track else split.folder},
            parts=("body", "mediapipe", "lift", "pose_prior"))
        built = build_gaussian_avatar(
            mesh, views, training.settings(), count=training.count, generator=generator,
            generated=len(generator.frames) if isinstance(generator, Given) else training.generated,
            size=training.size, body=body, checkpoint=home / SNAPSHOT, progress=progress)
        theirs = isinstance(generator, Given) or not about(split.folder)
        writer.tell(parts=[*(["persona"] if theirs else []), *(name for name in GENERATORS if name in generator.name)])
        progress.next(GAUSSIAN_STAGES[3])
        notes += generator.notes if isinstance(generator, Kept) else []
        told = [*about(subject.captured).get("warnings", ()), *split.notes, *built.trained.avatar.notes, *notes]
        avatar = replace(built.trained.avatar, notes=tuple(dict.fromkeys(told)))
        _write(writer, avatar, mesh, views, built, generator.name, progress)
    return writer.result


def _generator(
    subject: Subject, mesh: Avatar, photo: Any, body: BodyModel, training: SubjectTraining
) -> tuple[Generator, list[str]]:
    """The generator and what is to be said of it."""
    from humanav.avatar.gaussian import best_generator

    if not training.generator:
        frames, notes = given_frames(subject, body, mesh.betas, training.size, training.generated)
        if frames:
            given: Any = Given(frames)
            return given, notes
    taken = {folder.name for folder in subject.generated if not about(folder)}
    number = next(k for k in range(len(taken) + 1) if f"generated_{k}" not in taken)
    kept: Any = Kept(training.generator or best_generator(), mesh, photo.full_pose, subject,
                     subject.folder / f"generated_{number}", body, training.size)
    return kept, []


def _write(
    writer: ResultWriter, avatar: GaussianAvatar, mesh: Avatar, views: list[View], built: Built, generator: str,
    progress: Progress,
) -> None:
    from humanav.export import write_avatar_ply

    trained, motion = built.trained, views[0].motion
    avatar.save(writer.add(GAUSSIAN_NPZ, "The Gaussian avatar itself", "humanav avatar animate"))
    mesh.save(writer.add("avatar.npz", "The textured mesh it began on", "humanav animate"))
    write_avatar_ply(avatar, writer.add("avatar.ply", "The Gaussians in the T-pose", _OPENS_PLY))
    write_avatar_ply(avatar, writer.add("avatar_posed.ply", "The Gaussians in the photo's pose", _OPENS_PLY),
                     motion.full_pose[0], motion.transl[0])
    picture, error = beside_photo(avatar, views[0], trained.poses[0], trained.transl[0])
    save_picture(picture, writer.add("preview.jpg", "The photo, and the avatar from there, the side and behind"))
    progress.show(f"Photo and avatar from four sides; their colours differ by {error:.1%}.", picture,
                  title="Gaussian avatar", name="preview")
    writer.report.update({
        "count": len(avatar), "steps": trained.steps, "seconds": round(trained.seconds, 1), "captured": len(views),
        "generated": built.generated, "rejected": [r.reason for r in built.rejected], "generator": generator,
        "photo_error": round(error, 4), "history": [list(row) for row in trained.history],
        "warnings": list(avatar.notes)})
    writer.add("report.json", "Numbers and notes of the training", "any program").write_text(
        json.dumps(writer.report, indent=1))


def beside_photo(avatar: GaussianAvatar, photo: View, pose: Any, transl: Any) -> tuple[np.ndarray[Any, Any], float]:
    """Photo and avatar over white, then the avatar from the side and behind (H,W,3); mean colour error inside, 0..1."""
    from humanav.avatar.gaussian.frames import captured_frame
    from humanav.avatar.gaussian.preview import preview

    frame = captured_frame(photo, 640)
    cover = frame.alpha[..., None]
    true = frame.image * cover + 1 - cover
    drawn = avatar.render(frame.camera, pose, transl, background=(1, 1, 1)).rgb
    error = float(np.abs(drawn - true)[frame.alpha > 0.5].mean())
    pair = (np.concatenate([true, drawn], axis=1) * 255 + 0.5).clip(0, 255).astype(np.uint8)
    return np.concatenate([pair, preview(avatar, [frame], height=pair.shape[0])], axis=1), error
