"""From a photo's mesh avatar to a Gaussian avatar: training, and the files it leaves."""

from __future__ import annotations

import glob
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from humanav.errors import InputError
from humanav.jobs.films import film_motion, film_round
from humanav.jobs.gaussian_files import GAUSSIAN_MP4, GAUSSIAN_ROUND, Worn, export_gaussians, write_network, write_plys
from humanav.jobs.tracked import load_tracked
from humanav.motion import Motion
from humanav.progress import Progress
from humanav.results import ResultWriter

if TYPE_CHECKING:
    from humanav.avatar import Avatar, View
    from humanav.avatar.gaussian import Built, GaussianAvatar, GaussianTraining
    from humanav.body import BodyModel

GAUSSIAN_STAGES = ("Learning from the pictures", "Making training frames", "Training the avatar",
                   "Exporting the Gaussians")
"""Those of :data:`humanav.avatar.gaussian.build.STAGES`, named here without loading torch, and the export."""
CLIP_STAGE = "Choosing frames of the clip"
"""Before them, where there is a clip."""


@dataclass(frozen=True)
class GaussianOptions:
    """How a Gaussian avatar is made from a photo.

    Attributes:
        minutes: of training, at most.
        count: of Gaussians. size: of the longer side of the training pictures, pixels.
        steps: of training at most; None: as many as fit into the minutes on two cores.
        generated: number of generated training frames.
        deformation: "lite", or "full" (PERSONA's network: much slower without a GPU).
        clip: the result folder of a ``humanav track`` of the same person in the same clothes, to learn from as well.
        person: whose of that clip; "" for the only or the first. views: at most so many of its frames.

    Raises:
        InputError: a value is out of range.
    """

    minutes: float = 2.0
    count: int = 30_000
    size: int = 640
    steps: int | None = None
    generated: int = 24
    deformation: str = "lite"
    clip: str = ""
    person: str = ""
    views: int = 24

    def __post_init__(self) -> None:
        if not 0 < self.minutes <= 600:
            raise InputError(f"{self.minutes:g} minutes of training are not possible: give a number up to 600.")
        if not 200 <= self.count <= 1_000_000:
            raise InputError(f"An avatar can have 200 to 1,000,000 Gaussians, not {self.count}.")
        if not 64 <= self.size <= 2048:
            raise InputError(f"Training pictures can be 64 to 2048 pixels high, not {self.size}.")
        if self.deformation not in ("lite", "full"):
            raise InputError(f"The deformation can be lite or full, not {self.deformation!r}.")
        if (self.steps is not None and self.steps < 1) or self.generated < 0 or self.views < 1:
            raise InputError("Training needs at least one step and one view, and no fewer than 0 generated frames.")

    def training(self) -> GaussianTraining:
        """The settings of :func:`humanav.avatar.gaussian.train`."""
        from humanav.avatar.gaussian import GaussianTraining

        usual = GaussianTraining()
        steps = self.steps or max(usual.steps, round(usual.steps * self.minutes / (usual.minutes or 2.0)))
        return GaussianTraining(steps=steps, minutes=self.minutes, deformation=self.deformation)  # type: ignore[arg-type]


def gaussian_stages(options: GaussianOptions) -> tuple[str, ...]:
    """The stages that :func:`add_gaussians` goes through."""
    return (CLIP_STAGE, *GAUSSIAN_STAGES) if options.clip else GAUSSIAN_STAGES


def gaussian_inputs(options: GaussianOptions) -> dict[str, Any]:
    """What identifies the options for a content id. Raises InputError when there is no such clip or person in it."""
    clip = load_tracked(options.clip, options.person).source.id if options.clip else ""
    return {**vars(options), "clip": clip}


def add_gaussians(
    writer: ResultWriter, mesh: Avatar, views: Sequence[View], motions: Mapping[str, Motion], body: BodyModel,
    options: GaussianOptions, progress: Progress, checkpoint: Path,
) -> GaussianAvatar:
    """Train a Gaussian avatar on what a mesh avatar was made from, and add its files to the same result.

    Args:
        mesh: of the person, with its ``avatar.glb`` in ``writer``.
        views: the photos it was made from.
        motions: those of its files, on its own body; the first is the one of the video.
        progress: told of :func:`gaussian_stages`.
        checkpoint: the training's state, kept when it is interrupted; removed at the end, with what begins like it.

    Raises:
        InputError, StorageError, Cancelled: as :func:`~humanav.avatar.gaussian.build_gaussian_avatar`.
    """
    from humanav.avatar.gaussian import build_gaussian_avatar

    writer.tell(sources={"clip": load_tracked(options.clip, options.person).source if options.clip else None},
                parts=("teacher", "player"))
    clip = clip_frames(options, mesh, body, progress)
    built = build_gaussian_avatar(
        mesh, [*views, *clip], options.training(), count=options.count, generated=options.generated,
        size=options.size, body=body, checkpoint=checkpoint, progress=progress)
    avatar = built.trained.avatar
    _show_match(writer, avatar, mesh, views[0], built, progress)
    progress.next(GAUSSIAN_STAGES[3])
    write_plys(writer, avatar, views[0])
    worn = _worn(writer, avatar, mesh)
    worn.save(writer)
    export_gaussians(writer, worn, motions, progress, (0.1, 0.4))
    _films(writer, avatar, next(iter(motions.values())), progress)
    write_network(writer, avatar)
    writer.report["gaussian"] |= {"count": len(avatar), "steps": built.trained.steps, "clip_views": len(clip),
                                  "seconds": round(built.trained.seconds, 1), "generated": built.generated,
                                  "rejected": len(built.rejected), "history": [list(h) for h in built.trained.history]}
    for state in checkpoint.parent.glob(f"{glob.escape(checkpoint.stem)}*{checkpoint.suffix}"):
        with suppress(OSError):
            state.unlink(missing_ok=True)
    return avatar


def match_words(report: Mapping[str, Any]) -> str:
    """One sentence on how the Gaussians match the photo, from ``report["gaussian"]`` of a result."""
    ours, theirs = float(report["photo_error"]), float(report["photo_error_mesh"])
    told = f"In the photo's view the Gaussians' colours are {ours:.1%} off, the mesh's {theirs:.1%}"
    return f"{told}." if ours <= theirs else f"{told}: train for longer to come closer."


def clip_frames(options: GaussianOptions, mesh: Avatar, body: BodyModel, progress: Progress) -> list[View]:
    """The views of the tracked clip, their bodies given the avatar's shape: its feet stand where the person's did.

    ``progress`` is told of ``CLIP_STAGE`` when there is a clip. Raises as
    :func:`humanav.jobs.track_views.track_views`.
    """
    from humanav.jobs.track_views import track_views
    from humanav.motion import fit_to_shape
    from humanav.motion.shapes import leg_ratio

    if not options.clip:
        return []
    progress.next(CLIP_STAGE)
    found = []
    for view in track_views(options.clip, options.person, options.views, progress=progress):
        ratio = leg_ratio(body, view.motion.betas[: body.num_betas], mesh.betas)
        found.append(replace(view, motion=fit_to_shape(view.motion, body, mesh.betas),
                             camera=replace(view.camera, t=view.camera.t * ratio)))
    return found


def _worn(writer: ResultWriter, avatar: GaussianAvatar, mesh: Avatar) -> Worn:
    """The avatar with its colours baked into the mesh's texture."""
    from humanav.avatar.gaussian.bake import bake_texture

    baked = bake_texture(avatar, mesh)
    writer.report["gaussian"] |= {"baked_share": round(baked.covered, 3), "baked_change": round(baked.change, 2)}
    return Worn(avatar, replace(mesh, texture=baked.texture))


def _films(writer: ResultWriter, avatar: GaussianAvatar, motion: Motion, progress: Progress) -> None:
    film_motion(writer, avatar, motion, progress, (0.4, 0.75), GAUSSIAN_MP4, ", Gaussians")
    sides = film_round(writer, avatar, progress, (0.75, 1.0), GAUSSIAN_ROUND, "the Gaussian avatar")
    progress.show("The Gaussians from the front, both sides and behind.", sides, title="Gaussians, all round",
                  name="gaussian_round")


def _show_match(
    writer: ResultWriter, avatar: GaussianAvatar, mesh: Avatar, photo: View, built: Built, progress: Progress
) -> None:
    """Photo, mesh and Gaussians from the photo's own camera, and how far their colours are off."""
    from humanav.avatar.gaussian.frames import captured_frame
    from humanav.render import render_mesh

    frame = captured_frame(photo, 640)
    pose, transl = built.trained.poses[0], built.trained.transl[0]
    ours = avatar.render(frame.camera, pose, transl, background=(1, 1, 1)).rgb
    theirs, _ = render_mesh(mesh.pose(frame.full_pose, frame.transl), mesh.faces, frame.camera, texture=mesh.texture,
                            uv=mesh.uv, uv_faces=mesh.uv_faces, unlit=True, supersample=2, background=(255, 255, 255))
    true = frame.image * frame.alpha[..., None] + (1 - frame.alpha)[..., None]
    inside = frame.alpha > 0.5
    off = [float(np.abs(picture - true)[inside].mean()) for picture in (theirs / 255, ours)]
    writer.report["gaussian"] = {"photo_error": round(off[1], 4), "photo_error_mesh": round(off[0], 4)}
    row = np.concatenate([true, theirs / 255, ours], axis=1)
    progress.show(f"From the photo's side: photo, mesh ({off[0]:.1%} off in colour), Gaussians ({off[1]:.1%} off).",
                  (row * 255 + 0.5).clip(0, 255).astype(np.uint8), title="Against the photo", name="gaussian_match")
