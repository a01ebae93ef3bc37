"""``humanav avatar PHOTO``, and the commands that a user of PERSONA knows: train, test, neutral, animate, evaluate."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer
from typer.core import TyperGroup

from humanav.cli.shared import Json, progress, show_result
from humanav.errors import Cancelled, InputError

if TYPE_CHECKING:
    from humanav.jobs.subject import Subject

PHOTO = "photo"


class PhotoOrCommand(TyperGroup):
    """A group whose first word, where it is no command, is the photo that ``photo`` makes an avatar from."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        if args and args[0] not in self.commands and args[0] not in ctx.help_option_names:
            args = [PHOTO, *args]
        return list(super().parse_args(ctx, args))


app = typer.Typer(
    name="avatar", cls=PhotoOrCommand, no_args_is_help=True,
    short_help="A textured, animatable avatar from a photo; or train, animate and measure a Gaussian one.", help=(
        "Make a textured, animatable avatar from a photo: humanav avatar PHOTO [OPTIONS] (they are listed by humanav "
        "avatar photo --help). Or train a Gaussian avatar of a subject and look at it, with folders as PERSONA has "
        "them: humanav avatar train --subject NAME --photo PHOTO, then animate, neutral, test, evaluate."))

Photo = Annotated[Path, typer.Argument(help="A photo of one person, head to feet.", show_default=False)]
Out = Annotated[Path | None, typer.Option(help="Folder for the result. By default named after the input, beside it.",
                                          show_default=False)]
Height = Annotated[float | None, typer.Option(help="The person's height in metres.", show_default=False)]
Standing = Annotated[bool | None, typer.Option(
    "--standing/--no-standing", help="Whether the person stands on both feet; by default the photo decides.",
    show_default=False)]
Flip = Annotated[list[str] | None, typer.Option(
    help="A limb that points forward instead of back or the other way round: left_arm, right_arm, left_leg, "
         "right_leg. May be repeated.", show_default=False)]
Swap = Annotated[bool, typer.Option("--swap-sides", help="The person was seen with left and right exchanged.")]
MotionName = Annotated[str, typer.Option(help="A clip's name (see `humanav clips`), a file: .npz, .npy, .bvh, .txt, or "
                                              ".amc with its .asf beside it; or the folder of a `humanav track`.")]
SubjectName = Annotated[str, typer.Option("--subject", help="The subject's ID: its folder in --root.",
                                          show_default=False)]
Root = Annotated[Path, typer.Option(help="The folder of subjects, as PERSONA has it.")]
Output = Annotated[Path, typer.Option("--out", help="Results go to OUT/ID.")]


@app.command(PHOTO)
def avatar(
    photo: Photo,
    motion: MotionName = "walk",
    out: Out = None,
    back: Annotated[Path | None, typer.Option(help="A second photo, of the person's back.", show_default=False)] = None,
    height: Height = None,
    standing: Standing = None,
    flip: Flip = None,
    swap_sides: Swap = False,
    texture: Annotated[int, typer.Option(help="Texture size in pixels: 1024, 2048 or 4096.")] = 2048,
    gaussian: Annotated[bool, typer.Option("--gaussian", help="Also train a Gaussian avatar on it: splats (.ply, a "
                                           "page that plays them), videos, a GLB in its colours.")] = False,
    minutes: Annotated[float | None, typer.Option(help="Minutes of that training, at most (2).",
                                                  show_default=False)] = None,
    clip: Annotated[Path | None, typer.Option(help="The folder of a `humanav track` of the same person in the same "
                                              "clothes, for the training.", show_default=False)] = None,
    person: Annotated[str, typer.Option(help="Who of that clip: 1, 2, ... or 2b for a later part.",
                                        show_default=False)] = "",
    as_json: Json = False,
) -> None:
    """Make a textured, animatable avatar (GLB, videos, BVH, measurements) from a photo."""
    from humanav.jobs import GaussianOptions, avatar_stages, photo_to_avatar

    lost = [name for name, given in (("--minutes", minutes is not None), ("--clip", clip is not None),
                                     ("--person", bool(person))) if given]
    if lost and not gaussian:
        raise InputError(f"{lost[0]} is for the training of a Gaussian avatar: add --gaussian.")
    if person and clip is None:
        raise InputError("--person says who of a tracked clip is meant: add --clip with the folder of its track.")
    made = GaussianOptions(minutes=2.0 if minutes is None else minutes, clip=str(clip or ""), person=person) \
        if gaussian else None
    result = photo_to_avatar(
        photo, back=back, motion=motion, height=height, standing=standing, flip_limbs=tuple(flip or ()),
        swap_sides=swap_sides, texture_size=texture, gaussian=made,
        out=out or photo.with_name(f"{photo.stem}_avatar"), progress=progress(len(avatar_stages(made))))
    show_result(result, as_json)


@app.command()
def train(
    subject: SubjectName,
    root: Root = Path("data/subjects"),
    photo: Annotated[Path | None, typer.Option(help="A photo of the person, head to feet; makes the split `captured`. "
                                               "Not needed again.", show_default=False)] = None,
    video: Annotated[Path | None, typer.Option(help="A clip of the person instead, tracked first.",
                                               show_default=False)] = None,
    track: Annotated[Path | None, typer.Option(help="The folder of a `humanav track` instead.",
                                               show_default=False)] = None,
    person: Annotated[str, typer.Option(help="Who of the clip: 1, 2, ... or 2b for a later part.",
                                        show_default=False)] = "",
    views: Annotated[int, typer.Option(help="Frames taken of the clip, at most.")] = 24,
    minutes: Annotated[float | None, typer.Option(help="Minutes of training, at most (2; with --full no limit).",
                                                  show_default=False)] = None,
    steps: Annotated[int | None, typer.Option(help="Steps of training, at most.", show_default=False)] = None,
    full: Annotated[bool, typer.Option("--full", help="PERSONA's network for the clothes (6000 steps; for a GPU or "
                                       "patience) instead of the small one.")] = False,
    generator: Annotated[str, typer.Option(
        help="Who makes the pose-rich training frames: teacher (always there), vace, animate or inpaint (diffusers). "
             "By default the folder's own ones, else the best for the GPU that is there, else the teacher.",
        show_default=False)] = "",
    count: Annotated[int, typer.Option(help="Number of Gaussians.")] = 30_000,
    size: Annotated[int, typer.Option(help="Longer side of the training pictures in pixels.")] = 640,
    generated: Annotated[int, typer.Option(help="Number of generated frames.")] = 24,
    height: Height = None,
    standing: Standing = None,
    flip: Flip = None,
    swap_sides: Swap = False,
    seed: Annotated[int, typer.Option(help="Seed of everything random.")] = 0,
    out: Output = Path("output"),
    as_json: Json = False,
) -> None:
    """Train the Gaussian avatar of a subject. A stopped training goes on when the same command is given again."""
    from humanav.jobs.photo import PhotoOptions
    from humanav.jobs.subject_capture import Source
    from humanav.jobs.subject_train import SubjectTraining, train_stages, train_subject

    given = [name for name, value in (("--photo", photo), ("--video", video), ("--track", track)) if value is not None]
    if len(given) > 1:
        raise InputError(f"Choose one of {' and '.join(given)}: a subject is made from one of them.")
    who = _subject(root, subject)
    allowed = minutes if minutes is not None or full else 2.0
    training = SubjectTraining(allowed, steps, full, generator, count, size, generated, seed)
    with _resumable():
        source = Source(photo, _tracked(video, person, out / subject) if video else track, person, views,
                        PhotoOptions(height, standing, tuple(flip or ()), swap_sides))
        result = train_subject(who, source, training, out=out, progress=progress(len(train_stages(who, source))))
    show_result(result, as_json)


@app.command("test")
def compare(
    subject: SubjectName, root: Root = Path("data/subjects"), out: Output = Path("output"), as_json: Json = False,
) -> None:
    """Draw the trained avatar beside the pictures of the split `test`, or, with none, of `captured`."""
    from humanav.jobs.subject_show import TEST_STAGES, compare_subject

    show_result(compare_subject(_subject(root, subject), out=out, progress=progress(len(TEST_STAGES))), as_json)


@app.command()
def neutral(
    subject: SubjectName,
    root: Root = Path("data/subjects"),
    views: Annotated[int, typer.Option(help="Pictures of the turn.")] = 50,
    size: Annotated[int, typer.Option(help="Their sides in pixels.")] = 1024,
    refined: Annotated[bool, typer.Option("--refined", help="With what the pose does to the clothes.")] = False,
    out: Output = Path("output"),
    as_json: Json = False,
) -> None:
    """Draw the trained avatar all round in the neutral pose (video and 3DGS .ply)."""
    from humanav.jobs.subject_show import NEUTRAL_STAGES, neutral_subject

    if not 1 <= views <= 360 or not 16 <= size <= 4096:
        raise InputError("The turn can have 1 to 360 views, and sides of 16 to 4096 pixels.")
    show_result(neutral_subject(_subject(root, subject), out=out, views=views, side=size, refined=refined,
                                progress=progress(len(NEUTRAL_STAGES))), as_json)


@app.command()
def animate(
    subject: SubjectName,
    motion: Annotated[str, typer.Option(help="A clip's name (see `humanav clips`), a motion file, the folder of a "
                                             "`humanav track`, or one in PERSONA's layout (smplx/params).")] = "walk",
    root: Root = Path("data/subjects"),
    person: Annotated[str, typer.Option(help="Who of a tracked clip.", show_default=False)] = "",
    use_background: Annotated[bool, typer.Option("--use-background", "--use_bkg", help="Before what was filmed, "
                                                 "without the person.")] = False,
    out: Output = Path("output"),
    as_json: Json = False,
) -> None:
    """Move the trained avatar, beside the photo (video)."""
    from humanav.jobs.subject_show import MOVE_STAGES, move_subject

    show_result(move_subject(_subject(root, subject), motion, out=out, person=person, use_background=use_background,
                             progress=progress(len(MOVE_STAGES))), as_json)


@app.command()
def evaluate(
    subject: SubjectName,
    dataset: Annotated[Literal["subject", "neuman", "xhumans"], typer.Option(
        help="subject: its split `test`; neuman, xhumans: the data set's test pictures.")] = "subject",
    data: Annotated[Path | None, typer.Option(help="The scene's or subject's folder in the data set (data/NeuMan/ID, "
                                              "data/XHumans/ID).", show_default=False)] = None,
    root: Root = Path("data/subjects"),
    every: Annotated[int, typer.Option(help="Only each so many pictures.")] = 1,
    limit: Annotated[int | None, typer.Option(help="At most so many pictures.", show_default=False)] = None,
    fit: Annotated[bool, typer.Option("--fit/--no-fit", help="Also fit the poses to the pictures.")] = True,
    size: Annotated[int, typer.Option(help="Pixels of the person in the fit.")] = 512,
    perceptual: Annotated[Literal["auto", "lpips", "gmsd"], typer.Option(
        help="lpips (needs its package and AlexNet's weights), gmsd, or what is there.")] = "auto",
    out: Output = Path("output"),
    as_json: Json = False,
) -> None:
    """Measure PSNR, SSIM and LPIPS (or GMSD), with and without pose fit and ground-truth mask: all four cells."""
    from humanav.jobs.subject_evaluate import EVALUATE_STAGES, Measuring, evaluate_subject

    testing = Measuring(dataset, data, every, limit, fit, size, perceptual)
    result = evaluate_subject(_subject(root, subject), testing, out=out, progress=progress(len(EVALUATE_STAGES)))
    if not as_json:
        typer.echo(result.report["table"])
        typer.echo(result.report["conditions"])
    show_result(result, as_json)


@app.command()
def weights(
    again: Annotated[bool, typer.Option("--again", help="Also when the field is there.")] = False,
    as_json: Json = False,
) -> None:
    """Make the diffused skinning field of the body once; it is kept, and training takes it from there."""
    import json
    import time

    from humanav.avatar.gaussian.weights import field_path, weight_field
    from humanav.body import BodyModel

    body, start = BodyModel.load(), time.perf_counter()
    made = again or not field_path(body).is_file()
    field, path = weight_field(body, recompute=again)
    told = {"path": None if path is None else str(path), "made": made, "cells": list(field.grid.shape[:3]),
            "joints": field.grid.shape[3], "seconds": round(time.perf_counter() - start, 2)}
    if as_json:
        typer.echo(json.dumps(told))
        return
    typer.echo(f"The field of {' x '.join(map(str, field.grid.shape[:3]))} cells and {told['joints']} joints "
               f"{'was made' if made else 'was there'} ({told['seconds']} s).")
    typer.echo(told["path"] or "It cannot be kept: no folder for it can be written (set HUMANAV_CACHE).")


def _subject(root: Path, name: str) -> Subject:
    from humanav.jobs.subject import Subject

    return Subject(root, name)


def _tracked(video: Path, person: str, out: Path) -> Path:
    """The result folder of a track of the video, made where it is not there yet."""
    from humanav.jobs.track import TrackOptions, track_id, track_stages, track_video
    from humanav.results import Result

    wanted = TrackOptions(people=(int(person),) if person.isdigit() else ())
    target = out / "track"
    if target.is_dir():
        try:
            if Result.load(target).id == track_id(video, wanted):
                return target
        except InputError:
            pass  # something else, or half of one: track_video says so
    return track_video(video, out=target, options=wanted, progress=progress(len(track_stages("fast")))).folder


@contextmanager
def _resumable() -> Iterator[None]:
    """Ctrl-C ends with a sentence: what was done is kept."""
    try:
        yield
    except KeyboardInterrupt as error:
        raise Cancelled("Stopped. The same command goes on from here.") from error
