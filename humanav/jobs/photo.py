"""One photo (and perhaps one of the back) to an avatar that moves."""

from __future__ import annotations

import json
import os
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from humanav import __version__
from humanav.errors import InputError
from humanav.jobs.animate import export_motion, extra_motions, motion_inputs, on_body, resolve_motion
from humanav.jobs.films import film_round
from humanav.jobs.gaussian import GaussianOptions, add_gaussians, gaussian_inputs, gaussian_stages, match_words
from humanav.jobs.gaussian_files import order_files
from humanav.jobs.photo_report import Recorder, photo_report, save_picture, seen_share
from humanav.jobs.sight import Sighting, sight
from humanav.motion import Motion
from humanav.progress import Progress
from humanav.results import Result, ResultWriter, content_id

if TYPE_CHECKING:
    from humanav.avatar import Avatar, View
    from humanav.body import BodyModel
    from humanav.perception.images import ImageSource
    from humanav.track import PhotoFit

STAGES = ("Reading the photo", "Finding the person", "Cutting out", "Fitting the body", "Shaping clothes and hair",
          "Painting the texture", "Animating and exporting")
MEASURE_STAGES = STAGES[:4]
LIMBS = ("left_arm", "right_arm", "left_leg", "right_leg")
TEXTURE_SIZES = (1024, 2048, 4096)


@dataclass(frozen=True)
class PhotoOptions:
    """What the visitor may say about the photo.

    Attributes:
        height: metres, or None to estimate it.
        standing: whether the person stands on both feet; None lets the photo decide.
        flip_limbs: limbs (names of ``LIMBS``) whose depth is to be reversed.
        swap_sides: whether left and right were exchanged.
        texture_size: 1024, 2048 or 4096 pixels.

    Raises:
        InputError: when a value is out of range.
    """

    height: float | None = None
    standing: bool | None = None
    flip_limbs: tuple[str, ...] = ()
    swap_sides: bool = False
    texture_size: int = 2048

    def __post_init__(self) -> None:
        if self.height is not None and not 0.5 <= self.height <= 2.6:
            raise InputError(f"A height of {self.height:g} m is not a person's: give metres between 0.5 and 2.6.")
        unknown = sorted(set(self.flip_limbs) - set(LIMBS))
        if unknown:
            raise InputError(f"{unknown[0]!r} is no limb that can be flipped: use {', '.join(LIMBS)}.")
        if self.texture_size not in TEXTURE_SIZES:
            raise InputError(f"The texture can be {', '.join(map(str, TEXTURE_SIZES))} pixels, "
                             f"not {self.texture_size}.")
        object.__setattr__(self, "flip_limbs", tuple(sorted(set(self.flip_limbs))))


def photo_id(
    photo: ImageSource, options: PhotoOptions, motion: str | Path | Motion = "walk", back: ImageSource | None = None,
    gaussian: GaussianOptions | None = None,
) -> str:
    """The id that :func:`photo_to_avatar` gives its result: the same inputs and options have the same id."""
    return content_id("avatar", __version__, _source(photo), None if back is None else _source(back), asdict(options),
                      motion_inputs(motion), *([] if gaussian is None else [gaussian_inputs(gaussian)]))


def avatar_stages(gaussian: GaussianOptions | None = None) -> tuple[str, ...]:
    """The stages that :func:`photo_to_avatar` goes through."""
    return STAGES if gaussian is None else (*STAGES, *gaussian_stages(gaussian))


def photo_to_avatar(
    photo: ImageSource, *, out: str | Path, back: ImageSource | None = None, motion: str | Path | Motion = "walk",
    height: float | None = None, standing: bool | None = None, flip_limbs: Sequence[str] = (),
    swap_sides: bool = False, texture_size: int = 2048, gaussian: GaussianOptions | None = None,
    progress: Progress | None = None,
) -> Result:
    """Make a textured avatar that moves, and on request a Gaussian one.

    The mesh avatar comes first. A training that was interrupted (its state is kept beside ``out``) is gone on with when
    the same photo and options are given again.

    Args:
        photo: one person, best from head to feet (anything that :func:`~humanav.perception.load_image` reads).
        out: the folder of the result.
        back: a second photo, of the person's back.
        motion: a clip's name, a motion file, or a Motion; see :func:`resolve_motion`.
        height, standing, flip_limbs, swap_sides, texture_size: see :class:`PhotoOptions`.
        gaussian: how to make a Gaussian avatar of the mesh avatar; None: the mesh avatar is all.
        progress: told of :func:`avatar_stages`; events carry the evidence pictures, and the fitted body and the mesh
            avatar as a GLB as soon as there is one (inside the unfinished result: copy it to keep it). During training,
            ``live`` ones show the Gaussians with ``data["step"]`` and ``data["loss"]``.

    Raises:
        ImageError: a photo cannot be used.
        NoPersonError: nobody was found in it.
        InputError, MotionFileError: an option or the motion cannot be used.
        StorageError: ``out`` cannot be written.
        Cancelled: ``progress`` was told to stop.
    """
    from humanav.body import BodyModel, measure

    progress = progress or Progress(len(avatar_stages(gaussian)))
    options = PhotoOptions(height, standing, tuple(flip_limbs), swap_sides, texture_size)
    clip = resolve_motion(motion)
    identity = photo_id(photo, options, motion, back, gaussian)
    inputs = asdict(options) | {"photo": _name(photo), "motion": clip.name,
                                "back": None if back is None else _name(back), "flip_limbs": list(options.flip_limbs)}
    if gaussian is not None:
        inputs["gaussian"] = asdict(gaussian) | {"clip": Path(gaussian.clip).name}
    with ResultWriter(Path(out), "avatar", identity, inputs) as writer:
        writer.tell(progress, settings=inputs, sources={"photo": photo, "back": back, "motion": motion},
                    parts=("body", "mediapipe", "lift", "pose_prior", "clips"))
        progress = Recorder(progress, writer)
        seen = sight(photo, progress, (STAGES[0], STAGES[1], STAGES[2]))
        body = BodyModel.load()
        fit = fit_sighting(seen, options, body, progress)
        _preview_body(writer, fit, body, clip, progress)
        fits = [(seen, fit)]
        if back is not None:
            fits.append(_fit_back(back, fit, body, progress))
        views = [_view(seen, fit) for seen, fit in fits]
        avatar = _build(views, fit.motion.betas, body, options, progress)
        progress.next(STAGES[6])
        avatar.save(writer.add("avatar.npz", "The avatar itself, to animate it again", "humanav animate"))
        others = extra_motions(clip, avatar, body)
        export_motion(writer, avatar, body, clip, progress, others, (0.0, 0.6))
        _turntable(writer, avatar, progress)
        measured = asdict(measure(body, fit.motion.betas))
        values = {name: round(float(value), 4) for name, value in measured.items() if isinstance(value, float | int)}
        writer.add("measurements.json", "Body measurements in metres", "any program").write_text(
            json.dumps(values, indent=1))
        made = None
        if gaussian is not None:
            motions = {clip.name or "motion": on_body(clip, avatar, body), **others}
            made = add_gaussians(writer, avatar, views, motions, body, gaussian, progress,
                                 _training(Path(out).absolute(), identity))
        report = photo_report(seen, fit, avatar, values, progress.seconds)
        if made is not None:
            report["quality"] += " " + match_words(writer.report["gaussian"])
            report["warnings"] = list(dict.fromkeys([*report["warnings"], *made.notes]))
        writer.report.update(report)
        order_files(writer)
    return writer.result


def _training(out: Path, identity: str) -> Path:
    """Where the state of a training is kept: beside its own result, so that nobody else's run meets it there."""
    return out.with_name(f".{out.name}.{identity}.training")


def measure_photo(
    photo: ImageSource, *, height: float | None = None, standing: bool | None = None, progress: Progress | None = None
) -> dict[str, float]:
    """Body measurements (metres; "mass" in kilograms) of the person in a photo. Raises as :func:`photo_to_avatar`."""
    from humanav.body import BodyModel, measure

    progress = progress or Progress(len(MEASURE_STAGES))
    options = PhotoOptions(height, standing)
    seen = sight(photo, progress, (STAGES[0], STAGES[1], STAGES[2]))
    body = BodyModel.load()
    fit = fit_sighting(seen, options, body, progress)
    return {name: float(value) for name, value in asdict(measure(body, fit.motion.betas)).items()
            if isinstance(value, float | int)}


def fit_sighting(seen: Sighting, options: PhotoOptions, body: BodyModel, progress: Progress) -> PhotoFit:
    """Fit the body to one person, and show how it sits over the photo and from the side."""
    from humanav.track import fit_photo
    from humanav.view import draw_overlay, draw_side_view

    progress.next(STAGES[3])
    fit = fit_photo(seen.image, seen.person, seen.alpha, body=body, height=options.height, standing=options.standing,
                    flip_limbs=options.flip_limbs, swap_sides=options.swap_sides, progress=progress)
    posed = body.from_motion(fit.motion).vertices
    assert posed is not None
    vertices = posed[0].detach().numpy()
    report = fit.report
    progress.show(f"The body sits within {report.reprojection_px:.0f} px of the points and covers "
                  f"{report.iou:.0%} of the outline.",
                  draw_overlay(seen.image, vertices, body.faces, fit.camera, side_view=False),
                  title="Body over the photo", name="overlay", warnings=report.warnings)
    aside = "it should not lean" if report.standing else "the view that shows depth"
    progress.show(f"The same body from the side: {aside}.",
                  draw_side_view(vertices, body.faces, fit.camera, up=report.up), title="From the side", name="side")
    return fit


def _fit_back(back: ImageSource, front: PhotoFit, body: BodyModel, progress: Progress) -> tuple[Sighting, PhotoFit]:
    from humanav.body import measure
    from humanav.track import fit_photo
    from humanav.view import draw_matte

    quiet = Progress(3, None, None)
    seen = sight(back, quiet, (STAGES[0], STAGES[1], STAGES[2]), "from behind")
    progress.check()
    fit = fit_photo(seen.image, seen.person, seen.alpha, body=body, height=measure(body, front.motion.betas).height)
    progress.show("The second photo, cut out.", draw_matte(seen.image, seen.alpha), title="From behind",
                  name="back_matte")
    return seen, fit


def _preview_body(writer: ResultWriter, fit: PhotoFit, body: BodyModel, clip: Motion, progress: Progress) -> None:
    from humanav.export import write_body_glb
    from humanav.motion import fit_to_shape, ground

    motion = fit_to_shape(ground(clip, body), body, fit.motion.betas)
    path = writer.add("body.glb", "The fitted body without clothes", preview=True)
    write_body_glb(body, fit.motion.betas, {clip.name or "motion": motion}, path)
    progress.show("The fitted body moves already.", file=path, title="Fitted body")


def _view(seen: Sighting, fit: PhotoFit) -> View:
    from humanav.avatar import View

    return View(seen.image, fit.alpha if fit.alpha is not None else seen.alpha, fit.camera, fit.motion)


def _build(views: Sequence[View], betas: Any, body: BodyModel, options: PhotoOptions, progress: Progress) -> Avatar:
    from humanav.avatar import build_avatar

    avatar = build_avatar(views, betas, body, texture_size=options.texture_size, progress=progress)
    progress.show(f"{seen_share(avatar):.0%} of the surface was seen in the photo, the rest is filled in to match.",
                  avatar.texture, title="Texture", name="texture")
    return avatar


def _turntable(writer: ResultWriter, avatar: Avatar, progress: Progress) -> None:
    from humanav.view import poster

    sides = film_round(writer, avatar, progress, (0.6, 1.0))
    save_picture(poster(avatar), writer.add("poster.png", "A picture of the avatar", "everything", preview=True))
    progress.show("From the front, both sides and behind.", sides, title="All the way round", name="round")


def _source(photo: ImageSource) -> Any:
    if isinstance(photo, str | os.PathLike):
        path = Path(photo)
        return path.read_bytes() if path.is_file() else str(path)
    if isinstance(photo, bytes | bytearray | memoryview):
        return bytes(photo)
    return np.asarray(photo)


def _name(photo: ImageSource) -> str:
    return Path(photo).name if isinstance(photo, str | os.PathLike) else "photo"
