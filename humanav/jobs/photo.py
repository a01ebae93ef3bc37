"""One photo (and perhaps one of the back) to an avatar that moves."""

from __future__ import annotations

import json
import os
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from humanav import __version__
from humanav.errors import InputError
from humanav.jobs.animate import export_motion, extra_motions, motion_inputs, resolve_motion
from humanav.jobs.sight import Sighting, sight
from humanav.motion import Motion
from humanav.progress import Progress
from humanav.results import Result, ResultWriter, content_id

if TYPE_CHECKING:
    from humanav.avatar import Avatar
    from humanav.body import BodyModel
    from humanav.perception.images import ImageSource
    from humanav.track import PhotoFit

STAGES = ("Reading the photo", "Finding the person", "Cutting out", "Fitting the body", "Shaping clothes and hair",
          "Painting the texture", "Animating and exporting")
MEASURE_STAGES = STAGES[:4]
LIMBS = ("left_arm", "right_arm", "left_leg", "right_leg")
TEXTURE_SIZES = (1024, 2048, 4096)
TURNTABLE_SECONDS, TURNTABLE_FPS = 4.0, 15.0


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
    photo: ImageSource, options: PhotoOptions, motion: str | Path | Motion = "walk", back: ImageSource | None = None
) -> str:
    """The id that :func:`photo_to_avatar` gives its result: the same inputs and options have the same id."""
    return content_id("avatar", __version__, _source(photo), None if back is None else _source(back), asdict(options),
                      motion_inputs(motion))


def photo_to_avatar(
    photo: ImageSource, *, out: str | Path, back: ImageSource | None = None, motion: str | Path | Motion = "walk",
    height: float | None = None, standing: bool | None = None, flip_limbs: Sequence[str] = (),
    swap_sides: bool = False, texture_size: int = 2048, progress: Progress | None = None,
) -> Result:
    """Make a textured avatar that moves.

    Args:
        photo: one person, best from head to feet (anything that :func:`~humanav.perception.load_image` reads).
        out: the folder of the result.
        back: a second photo, of the person's back.
        motion: a clip's name, a motion file, or a Motion; see :func:`resolve_motion`.
        height, standing, flip_limbs, swap_sides, texture_size: see :class:`PhotoOptions`.
        progress: told of ``STAGES``; events carry the evidence pictures, and the fitted body as a GLB as soon as there
            is one (inside the unfinished result: copy it to keep it).

    Raises:
        ImageError: a photo cannot be used.
        NoPersonError: nobody was found in it.
        InputError, MotionFileError: an option or the motion cannot be used.
        StorageError: ``out`` cannot be written.
        Cancelled: ``progress`` was told to stop.
    """
    from humanav.body import BodyModel, measure

    progress = progress or Progress(len(STAGES))
    options = PhotoOptions(height, standing, tuple(flip_limbs), swap_sides, texture_size)
    clip = resolve_motion(motion)
    inputs = asdict(options) | {"photo": _name(photo), "motion": clip.name,
                                "back": None if back is None else _name(back), "flip_limbs": list(options.flip_limbs)}
    with ResultWriter(Path(out), "avatar", photo_id(photo, options, motion, back), inputs) as writer:
        progress = _Recorder(progress, writer)
        seen = sight(photo, progress, (STAGES[0], STAGES[1], STAGES[2]))
        body = BodyModel.load()
        fit = fit_sighting(seen, options, body, progress)
        _preview_body(writer, fit, body, clip, progress)
        fits = [(seen, fit)]
        if back is not None:
            fits.append(_fit_back(back, fit, body, progress))
        avatar = _build(fits, body, options, progress)
        progress.next(STAGES[6])
        avatar.save(writer.add("avatar.npz", "The avatar itself, to animate it again", "humanav animate"))
        export_motion(writer, avatar, body, clip, progress, extra_motions(clip, avatar, body), (0.0, 0.6))
        _turntable(writer, avatar, progress)
        measured = asdict(measure(body, fit.motion.betas))
        values = {name: round(float(value), 4) for name, value in measured.items() if isinstance(value, float | int)}
        writer.add("measurements.json", "Body measurements in metres", "any program").write_text(
            json.dumps(values, indent=1))
        writer.report.update(_report(seen, fit, avatar, values, progress.seconds))
        _order_files(writer)
    return writer.result


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


def _build(
    fits: Sequence[tuple[Sighting, PhotoFit]], body: BodyModel, options: PhotoOptions, progress: Progress
) -> Avatar:
    from humanav.avatar import View, build_avatar

    views = [View(seen.image, fit.alpha if fit.alpha is not None else seen.alpha, fit.camera, fit.motion)
             for seen, fit in fits]
    avatar = build_avatar(views, fits[0][1].motion.betas, body, texture_size=options.texture_size, progress=progress)
    progress.show(f"{seen_share(avatar):.0%} of the surface was seen in the photo, the rest is filled in to match.",
                  avatar.texture, title="Texture", name="texture")
    return avatar


def _turntable(writer: ResultWriter, avatar: Avatar, progress: Progress) -> None:
    from humanav.export import write_mp4
    from humanav.view import contact_sheet, poster, turntable

    path = writer.add("turntable.mp4", "A video that walks once round the avatar", "every browser and phone")
    frames = []
    for frame in turntable(avatar, seconds=TURNTABLE_SECONDS, fps=TURNTABLE_FPS):
        frames.append(frame)
        progress.update(0.6 + 0.4 * min(len(frames) / (TURNTABLE_SECONDS * TURNTABLE_FPS), 1.0))
    write_mp4(frames, path, TURNTABLE_FPS)
    save_picture(poster(avatar), writer.add("poster.png", "A picture of the avatar", "everything", preview=True))
    quarter = len(frames) / 4
    sides = contact_sheet([frames[round(k * quarter)] for k in range(4)], columns=2)
    progress.show("From the front, both sides and behind.", sides, title="All the way round", name="round")


def seen_share(avatar: Avatar) -> float:
    """How much of the avatar's surface a photo showed, 0..1, by area."""
    corners = avatar.vertices[avatar.faces]
    area = np.linalg.norm(np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0]), axis=1)
    size = avatar.confidence.shape[0]
    centre = avatar.uv[avatar.uv_faces].mean(1)
    column, row = (np.clip((value * size).astype(int), 0, size - 1) for value in (centre[:, 0], 1 - centre[:, 1]))
    return float((area * (avatar.confidence[row, column] > 76)).sum() / area.sum())


def outline_iou(avatar: Avatar, fit: PhotoFit, seen: Sighting) -> float:
    """How well the dressed avatar, in the photo's pose, fills the person's outline: intersection over union, 0..1."""
    from humanav.render import silhouette

    scale = min(1.0, 640 / max(seen.alpha.shape))
    camera = fit.camera.scaled(scale)
    posed = avatar.pose(fit.motion.full_pose[0], fit.motion.transl[0])
    covered = silhouette(posed, avatar.faces, camera)
    rows = ((np.arange(camera.height) + 0.5) / scale).astype(int).clip(0, seen.alpha.shape[0] - 1)
    columns = ((np.arange(camera.width) + 0.5) / scale).astype(int).clip(0, seen.alpha.shape[1] - 1)
    person = seen.alpha[np.ix_(rows, columns)] > 0.5
    return float((covered & person).sum() / max((covered | person).sum(), 1))


def _report(
    seen: Sighting, fit: PhotoFit, avatar: Avatar, measurements: dict[str, float], seconds: float
) -> dict[str, Any]:
    report = fit.report
    warnings = list(dict.fromkeys([*seen.coverage.warnings, *report.warnings, *avatar.notes]))
    outline = outline_iou(avatar, fit, seen)
    return {"quality": quality(outline, report.reprojection_pct_height, seen_share(avatar)), "warnings": warnings,
            "body_iou": round(float(report.iou), 4), "avatar_iou": round(outline, 4),
            "reprojection_px": round(float(report.reprojection_px), 2),
            "reprojection_pct_height": round(float(report.reprojection_pct_height), 3),
            "standing": bool(report.standing), "missing_parts": list(report.missing_parts),
            "seen_share": round(seen_share(avatar), 3), "measurements": measurements, "seconds": round(seconds, 1)}


def quality(outline: float, reprojection_pct_height: float, seen: float) -> str:
    """One honest sentence, from how the avatar fills the person's outline (IoU 0..1), how far the joints are off (% of
    the height) and how much of the surface a photo showed (0..1)."""
    if outline >= 0.95 and reprojection_pct_height <= 1.0:
        words = "It follows the photo closely"
    elif outline >= 0.88 and reprojection_pct_height <= 2.0:
        words = "It follows the photo well, with small gaps"
    else:
        words = "It follows the photo only roughly: compare the side view, and try the options or another photo"
    return (f"{words} ({outline:.0%} of the outline, {reprojection_pct_height:.1f} % off at the joints). "
            f"The photo showed {seen:.0%} of the surface; the rest is an educated guess.")


def _order_files(writer: ResultWriter) -> None:
    first = ["avatar.glb", "animation.mp4", "turntable.mp4", "motion.bvh", "motion.npz", "measurements.json"]
    writer.files.sort(key=lambda file: first.index(file.name) if file.name in first else len(first))


class _Recorder(Progress):
    """Passes everything on, and keeps the evidence pictures as previews of the result."""

    def __init__(self, inner: Progress, writer: ResultWriter) -> None:
        super().__init__(inner.steps)
        self._inner, self._writer = inner, writer

    @property
    def seconds(self) -> float:
        return self._inner.seconds

    def check(self) -> None:
        self._inner.check()

    def next(self, stage: str) -> None:
        self._inner.next(stage)
        self.step, self.stage = self._inner.step, self._inner.stage

    def update(self, part: float) -> None:
        self._inner.update(part)

    def show(self, caption: str, image: Any = None, file: Path | None = None, live: bool = False, **data: Any) -> None:
        if image is not None and data.get("name"):
            title, file_name = data.get("title", caption), f"{data['name']}.jpg"
            save_picture(image, self._writer.add(file_name, title, preview=True))
            self._writer.report.setdefault("evidence", []).append(
                {"title": title, "caption": caption, "file": file_name})
        self._inner.show(caption, image, file, live, **data)


def _source(photo: ImageSource) -> Any:
    if isinstance(photo, str | os.PathLike):
        path = Path(photo)
        return path.read_bytes() if path.is_file() else str(path)
    if isinstance(photo, bytes | bytearray | memoryview):
        return bytes(photo)
    return np.asarray(photo)


def _name(photo: ImageSource) -> str:
    return Path(photo).name if isinstance(photo, str | os.PathLike) else "photo"


def save_picture(image: NDArray[np.uint8], path: Path, side: int = 1280) -> None:
    """Write a picture as JPEG or PNG by the file's name, at most ``side`` pixels high or wide."""
    from PIL import Image

    picture = Image.fromarray(image)
    picture.thumbnail((side, side))
    picture.save(path, quality=88)
