"""From fitted pictures and the mesh avatar to a trained Gaussian avatar: the whole way in one call."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from humanav.avatar.avatar import Avatar
from humanav.avatar.gaussian.cloth import looseness_of
from humanav.avatar.gaussian.config import GaussianTraining
from humanav.avatar.gaussian.frames import captured
from humanav.avatar.gaussian.generators import Generator, Rejection, accept, plan_poses
from humanav.avatar.gaussian.sampling import from_mesh
from humanav.avatar.gaussian.teacher import SyntheticTeacher
from humanav.avatar.gaussian.training import STAGE, Trained, train
from humanav.avatar.views import View
from humanav.body import BodyModel
from humanav.progress import Progress

_LOOSE = 0.5
"""How far the teacher's clothes move by default: how loose they really are a photo does not say."""
STAGES = ("Placing Gaussians", "Making training frames", STAGE)


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
    generator: Generator | None = None, generated: int = 32, size: int = 512, body: BodyModel | None = None,
    checkpoint: str | Path | None = None, progress: Progress | None = None,
) -> Built:
    """A Gaussian avatar of the person in the views.

    Args:
        mesh: the person's textured mesh, which the Gaussians begin on.
        views: one photo, several, or frames of a tracked clip (:func:`~humanav.avatar.gaussian.frames.clip_views`).
        count: of Gaussians.
        generator: of pose-rich frames; the synthetic teacher on ``mesh`` by default.
        generated: how many frames it makes. size: of the longer side of all training pictures, pixels.
        body: the body the mesh was built on; the built-in one by default.
        checkpoint: see :func:`~humanav.avatar.gaussian.training.train`.
        progress: told of ``STAGES``.

    Raises:
        InputError: no views, or views that do not fit; too few Gaussians.
        Cancelled: the user stopped it.
    """
    settings = settings or GaussianTraining()
    if progress is not None:
        progress.next(STAGES[0])
    start = from_mesh(mesh, count, body=body)
    if progress is not None:
        progress.next(STAGES[1])
    real = captured(views, size)
    maker = generator or SyntheticTeacher(mesh, looseness_of(mesh, _LOOSE, real[0].full_pose))
    wanted = plan_poses(mesh, generated, size, seed=settings.seed, own_pose=real[0].full_pose)
    made, rejected = accept(maker.generate(views[0], wanted, seed=settings.seed, progress=progress), mesh)
    trained = train(start, [*real, *made], settings, checkpoint=checkpoint, progress=progress)
    notes = [f"{len(rejected)} generated pictures disagreed with the body and were left out."] if rejected else []
    if isinstance(maker, SyntheticTeacher):
        notes.append("What no picture shows was learned from the textured mesh, moved by a simple model of cloth.")
    avatar = replace(trained.avatar, notes=(*trained.avatar.notes, *notes))
    return Built(replace(trained, avatar=avatar), tuple(rejected), len(made))
