"""From fitted pictures and the mesh avatar to a trained Gaussian avatar: the whole way in one call."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from humanav.avatar.avatar import Avatar
from humanav.avatar.gaussian.cloth import looseness_of
from humanav.avatar.gaussian.config import GaussianTraining
from humanav.avatar.gaussian.frames import TrainFrame, captured
from humanav.avatar.gaussian.generators import LOOSE, Generator, Rejection, accept, plan_poses
from humanav.avatar.gaussian.sampling import from_mesh
from humanav.avatar.gaussian.teacher import SyntheticTeacher
from humanav.avatar.gaussian.training import STAGE, Trained, train
from humanav.avatar.views import View
from humanav.body import BodyModel
from humanav.progress import Progress

STAGES = ("Learning from the pictures", "Making training frames", STAGE)


@dataclass(frozen=True)
class Built:
    """What :func:`build_gaussian_avatar` gives.

    Attributes:
        trained: see there. rejected: generated frames that disagreed with the body. generated: number of those kept.
    """

    trained: Trained
    rejected: tuple[Rejection, ...]
    generated: int


def build_gaussian_avatar(
    mesh: Avatar, views: Sequence[View], settings: GaussianTraining | None = None, *, count: int = 30_000,
    generator: Generator | None = None, generated: int = 24, size: int = 640, body: BodyModel | None = None,
    checkpoint: str | Path | None = None, progress: Progress | None = None,
) -> Built:
    """A Gaussian avatar of the person in the views.

    First the Gaussians on the mesh learn from the views alone. What they look like then is what the synthetic teacher
    shows moving and from all sides, so that generated frames do not contradict the views; from both together the
    avatar learns what the pose does to the clothes, and what no view shows.

    Args:
        mesh: the person's textured mesh, which the Gaussians begin on.
        views: one photo, several, or frames of a tracked clip (:func:`~humanav.avatar.gaussian.frames.clip_views`).
        count: of Gaussians.
        generator: of pose-rich frames; the synthetic teacher by default.
        generated: how many frames it makes. size: of the longer side of all training pictures, pixels: of about the
            size that the avatar will be looked at.
        body: the body the mesh was built on; the built-in one by default.
        checkpoint: see :func:`~humanav.avatar.gaussian.training.train`; a second file beside it keeps the first part.
        progress: told of ``STAGES``.

    Raises:
        InputError: no views, or views that do not fit; too few Gaussians.
        Cancelled: the user stopped it.
    """
    settings = settings or GaussianTraining()
    if progress is not None:
        progress.next(STAGES[0])
    start = from_mesh(mesh, count, body=body)
    real = captured(views, size)
    share = settings.alone if generated > 0 else 1.0
    first = None
    if share > 0:
        state = None if checkpoint is None else Path(checkpoint).with_suffix(".first" + Path(checkpoint).suffix)
        first = train(start, real, settings.part(share, pose_driven=False), checkpoint=state, progress=progress,
                      stage=None)
        start, real = first.avatar, first.corrected(real)
        if generated == 0:
            return Built(first, (), 0)
    if progress is not None:
        progress.next(STAGES[1])
    teacher = SyntheticTeacher(mesh, looseness_of(mesh, LOOSE, real[0].full_pose), splats=start)
    maker = generator or teacher
    if isinstance(maker, SyntheticTeacher):
        maker = maker if maker.splats is not None else replace(maker, splats=start)
    elif hasattr(maker, "splats"):  # it asks a teacher itself
        maker.splats = start
    wanted = plan_poses(mesh, generated, size, seed=settings.seed, own_pose=real[0].full_pose)
    drawn = maker.generate(views[0], wanted, seed=settings.seed, progress=progress)
    made, rejected = accept(drawn, mesh)
    taught = maker.name == teacher.name
    instead: list[TrainFrame] = []
    if rejected and not taught and len(drawn) == len(wanted):
        # no side shall go without a frame because a network got it wrong
        instead = teacher.generate(views[0], [wanted[one.frame] for one in rejected], seed=settings.seed)
    trained = train(start, [*real, *made, *instead], settings.part(1 - share), checkpoint=checkpoint, progress=progress)
    if first is not None:
        trained = trained.after(first)
    notes = [f"{len(rejected)} generated pictures disagreed with the body and were left out"
             f"{'; the synthetic teacher drew these poses' if instead else ''}."] if rejected else []
    imagined = sorted({str(frame.provenance["model"]) for frame in made if frame.provenance.get("model")})
    if imagined:
        notes.append(f"What no picture shows was partly imagined by {', '.join(imagined)}.")
    if taught:
        notes.append("How its clothes move was learned from a simple model of cloth, not from this person.")
    avatar = replace(trained.avatar, notes=(*trained.avatar.notes, *notes))
    return Built(replace(trained, avatar=avatar), tuple(rejected), len(made))
