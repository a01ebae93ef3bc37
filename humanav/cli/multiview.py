"""``humanav multiview``: several views of several people to their motions and avatars, in one go or step by step."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from humanav.cli.shared import Json, progress, show_result, whole
from humanav.errors import Cancelled, InputError

if TYPE_CHECKING:
    from humanav.jobs.multiview_options import MultiviewOptions
    from humanav.jobs.multiview_steps import CaptureWork

app = typer.Typer(
    name="multiview", no_args_is_help=True,
    short_help="Several views of several people to their motions, bodies and avatars in one world.", help=(
        "Several views of several people, also in close contact, to their motions, bodies and avatars. "
        "`humanav multiview run CAPTURE` does everything; the other commands are its steps. A CAPTURE is a folder or a "
        "zip of videos (or picture folders) with their calibration, or the files one by one. What one command has "
        "found is kept beside the result (NAME_capture.work), so that the next one goes on from there."))

Capture = Annotated[list[Path], typer.Argument(
    help="A folder or zip of videos and their calibration, or such files one by one.", show_default=False)]
Out = Annotated[Path | None, typer.Option(help="Folder for the result. By default NAME_capture beside the capture.",
                                          show_default=False)]
Calibration = Annotated[Path | None, typer.Option(
    help="The calibration, where it does not lie with the videos: EasyMocap yml, Qualisys, Pose2Sim or Caliscope toml, "
         "Hi4D npz, Panoptic or other JSON. Without any, the cameras are found from the people.", show_default=False)]
Masks = Annotated[Path | None, typer.Option(help="Masks of the people: a folder or zip with a folder a view.",
                                            show_default=False)]
Up = Annotated[str, typer.Option(help="The calibration's upward axis: y, -y, z, -z, x, -x, or auto.")]
Unit = Annotated[str | None, typer.Option(help="Unit of its lengths: m, cm, mm, feet, inches.", show_default=False)]
Sync = Annotated[str, typer.Option(help="auto finds the time offsets between cameras, off takes the videos as they "
                                        "are; or the frames by which each is late, as 0,4,2,4.")]
RefineCameras = Annotated[bool, typer.Option("--refine-cameras/--keep-cameras", help="Move the cameras a little where "
                                             "that lowers the error in frames that it was not found from.")]
People = Annotated[str, typer.Option(help="How many people, or all.")]
Height = Annotated[float | None, typer.Option(help="The people's height in metres: the scale of a capture without "
                                                   "calibration.", show_default=False)]
Focal = Annotated[float | None, typer.Option(help="Focal length in pixels, where known, without calibration.",
                                             show_default=False)]
BoardOf = Annotated[str | None, typer.Option(
    help="The checkerboard, where pictures of one (folders intrinsics, extrinsics) stand in for a calibration: its "
         "inner corners, as 7x4, or with the side of its squares in metres, as 7x4:0.05.", show_default=False)]
Start = Annotated[float, typer.Option(help="Seconds into the videos.")]
End = Annotated[float | None, typer.Option(help="Seconds at which to stop.", show_default=False)]
Fps = Annotated[float | None, typer.Option(help="Most frames a second to look at.", show_default=False)]
Detector = Annotated[str, typer.Option(help="mediapipe, or rtmlib where it is installed.")]
Render = Annotated[bool, typer.Option(help="Draw the videos.")]


def _options(
    calibration: Path | None, masks: Path | None, up: str, unit: str | None, sync: str, refine_cameras: bool,
    people: str, height: float | None, focal: float | None, start: float, end: float | None, fps: float | None,
    detector: str, **more: Any,
) -> MultiviewOptions:
    """What the commands share, as options of the job. Raises InputError for words that mean nothing."""
    from humanav.cli.inputs import numbers
    from humanav.jobs.multiview_options import MultiviewOptions

    known: Any = sync if sync in ("auto", "off") else numbers(sync, "sync")
    try:
        count: Any = "all" if people.strip().lower() == "all" else int(people)
    except ValueError as error:
        raise InputError(f"--people {people} is no number of people: write a number, or all.") from error
    return MultiviewOptions(
        calibration=None if calibration is None else str(calibration), masks=None if masks is None else str(masks),
        up=up, unit=unit, sync=known, refine_cameras=refine_cameras, people=count, height=height, focal=focal,
        start=start, end=end, fps=fps, detector=detector, **more)


def _target(capture: list[Path], out: Path | None) -> Path:
    """Where a capture's result goes."""
    first = capture[0] if capture[0].name not in ("", "..") else capture[0].resolve()
    name = first.parent.name or "capture" if len(capture) > 1 else first.name if first.is_dir() else first.stem
    return out or first.with_name(f"{name}_capture")


def _work(target: Path) -> Path:
    """Where what is found on the way to a result is kept."""
    from humanav.jobs.multiview_source import WORK

    return target.with_name(f"{target.name}{WORK}")


def _source(capture: list[Path]) -> Any:
    return capture[0] if len(capture) == 1 else capture


@contextmanager
def _opened(capture: list[Path], out: Path | None, options: MultiviewOptions, steps: int) -> Iterator[CaptureWork]:
    """A capture whose steps are done as they are asked for; Ctrl-C ends with a sentence."""
    from humanav.jobs.multiview_steps import CaptureWork

    work = _work(_target(capture, out))
    with _resumable(), CaptureWork(_source(capture), options, work, progress(steps)) as job:
        yield job


@contextmanager
def _resumable() -> Iterator[None]:
    """Ctrl-C ends with a sentence: what was done is kept."""
    try:
        yield
    except KeyboardInterrupt as error:
        raise Cancelled("Stopped. The same command goes on from here.") from error


@app.command()
def check(
    capture: Capture, calibration: Calibration = None, masks: Masks = None, up: Up = "auto", unit: Unit = None,
    sync: Sync = "auto", refine_cameras: RefineCameras = False, people: People = "all", height: Height = None,
    focal: Focal = None, board: BoardOf = None, start: Start = 0.0, end: End = None, fps: Fps = None,
    detector: Detector = "mediapipe",
    rig: Annotated[Path | None, typer.Option(help="Also write the cameras in space to this .html page.",
                                             show_default=False)] = None,
    out: Out = None, as_json: Json = False,
) -> None:
    """Examine a capture: files, units, upward axis, image sizes, time offsets, and how far rays miss each other."""
    from humanav.jobs.multiview_report import findings

    options = _options(calibration, masks, up, unit, sync, refine_cameras, people, height, focal, start, end, fps,
                       detector, board=board, until="match")
    with _opened(capture, out, options, 4) as job:
        found = findings(job)
        if rig is not None:
            from humanav.view.rig import rig_figure

            with whole(rig) as page:
                rig_figure(job.rig, job.matched, diagnosis=job.diagnosis).write_html(page, include_plotlyjs=True)
        if as_json:
            typer.echo(json.dumps({"views": list(job.rig.names), "cameras": job.rig.kind, "findings": found,
                                   "diagnosis": job.diagnosis.to_dict(), "notes": list(dict.fromkeys(job.notes))}))
            return
        for item in found:
            typer.echo(f"{item['severity'].capitalize():8} {item['text']}")
        for note in dict.fromkeys(job.notes):
            typer.echo(f"Note: {note}")


@app.command("sync")
def synchronise(
    capture: Capture, calibration: Calibration = None, masks: Masks = None, up: Up = "auto", unit: Unit = None,
    people: People = "all", board: BoardOf = None, start: Start = 0.0, end: End = None, fps: Fps = None,
    detector: Detector = "mediapipe", out: Out = None, as_json: Json = False,
) -> None:
    """Find by how many frames each camera is late, from the people's movement."""
    options = _options(calibration, masks, up, unit, "auto", False, people, None, None, start, end, fps, detector,
                       board=board, until="match")
    with _opened(capture, out, options, 3) as job:
        found = job.told_offsets
        if as_json:
            typer.echo(json.dumps({
                "names": list(found.names), "frames": [round(float(v), 3) for v in found.frames],
                "confidence": [round(float(v), 3) for v in found.confidence], "before_px": found.before_px,
                "after_px": found.after_px, "fps": job.footage.fps, "notes": list(found.notes)}))
            return
        for name, frames, sure in zip(found.names, found.frames, found.confidence):
            typer.echo(f"{name:16} {frames:+7.2f} frames ({1000 * frames / job.footage.fps:+.0f} ms), "
                       f"{sure:.0%} sure")
        if found.before_px is not None and found.after_px is not None:
            typer.echo(f"Rays miss each other by {found.before_px:.1f} px without and {found.after_px:.1f} px with "
                       "these offsets.")
        for note in found.notes:
            typer.echo(note)


@app.command()
def match(
    capture: Capture, calibration: Calibration = None, masks: Masks = None, up: Up = "auto", unit: Unit = None,
    sync: Sync = "auto", refine_cameras: RefineCameras = True, people: People = "all", height: Height = None,
    focal: Focal = None, board: BoardOf = None, start: Start = 0.0, end: End = None, fps: Fps = None,
    detector: Detector = "mediapipe", out: Out = None, as_json: Json = False,
) -> None:
    """Match people over the views and find them in 3D: keypoints as npz, TRC, C3D and OpenPose JSON."""
    options = _options(calibration, masks, up, unit, sync, refine_cameras, people, height, focal, start, end, fps,
                       detector, board=board, until="match", refine="off")
    _reconstruct(capture, out, options, as_json, keep=True)


@app.command()
def fit(
    capture: Capture, calibration: Calibration = None, masks: Masks = None, up: Up = "auto", unit: Unit = None,
    sync: Sync = "auto", refine_cameras: RefineCameras = True, people: People = "all", height: Height = None,
    focal: Focal = None, board: BoardOf = None, start: Start = 0.0, end: End = None, fps: Fps = None,
    detector: Detector = "mediapipe", render: Render = True, out: Out = None, as_json: Json = False,
) -> None:
    """Match people and fit a body to each: motions as npz and BVH, bodies as GLB, AvatarPose's files, overlays."""
    options = _options(calibration, masks, up, unit, sync, refine_cameras, people, height, focal, start, end, fps,
                       detector, board=board, until="fit", refine="off", render=render)
    _reconstruct(capture, out, options, as_json, keep=True)


@app.command()
def refine(
    capture: Capture, effort: Annotated[Literal["quick", "full"], typer.Option(help="quick, or full: more Gaussians, "
                                                                              "frames and rounds.")] = "quick",
    calibration: Calibration = None, masks: Masks = None, up: Up = "auto", unit: Unit = None, sync: Sync = "auto",
    refine_cameras: RefineCameras = True, people: People = "all", height: Height = None, focal: Focal = None,
    board: BoardOf = None, start: Start = 0.0, end: End = None, fps: Fps = None, detector: Detector = "mediapipe",
    render: Render = True, out: Out = None, as_json: Json = False,
) -> None:
    """Refine the fitted people through their own avatars, and export the avatars too."""
    options = _options(calibration, masks, up, unit, sync, refine_cameras, people, height, focal, start, end, fps,
                       detector, board=board, refine=effort, render=render)
    _reconstruct(capture, out, options, as_json, keep=True)


@app.command()
def run(
    capture: Capture, refinement: Annotated[Literal["off", "quick", "full"], typer.Option(
        "--refine", help="Effort of the refinement through the people's avatars.")] = "quick",
    calibration: Calibration = None, masks: Masks = None, up: Up = "auto", unit: Unit = None, sync: Sync = "auto",
    refine_cameras: RefineCameras = True, people: People = "all", height: Height = None, focal: Focal = None,
    board: BoardOf = None, start: Start = 0.0, end: End = None, fps: Fps = None, detector: Detector = "mediapipe",
    render: Render = True, out: Out = None, as_json: Json = False,
) -> None:
    """Everything, from the videos to motions and avatars. A stopped run goes on when the command is given again."""
    options = _options(calibration, masks, up, unit, sync, refine_cameras, people, height, focal, start, end, fps,
                       detector, board=board, refine=refinement, render=render)
    _reconstruct(capture, out, options, as_json, keep=False)


def _reconstruct(
    capture: list[Path], out: Path | None, options: MultiviewOptions, as_json: bool, *, keep: bool
) -> None:
    """Run the job; ``keep`` leaves what was found on the way for the next command."""
    from humanav.jobs.multiview import multiview_stages, reconstruct_capture

    target = _target(capture, out)
    options = replace(options, render=options.render and options.until != "match")
    with _resumable():
        result = reconstruct_capture(
            _source(capture), out=target, options=options, progress=progress(len(multiview_stages(options))),
            work=_work(target) if keep else None)
    show_result(result, as_json)


@app.command("eval")
def evaluate(
    found: Annotated[Path, typer.Argument(help="A result: a folder of `humanav multiview`, of AvatarPose (kpts_*, "
                                               "skel19_*), or 4D Association's skel.txt.", show_default=False)],
    truth: Annotated[Path, typer.Argument(help="The truth: a sequence of Hi4D, CHI3D, Shelf or Panoptic, AvatarPose's "
                                               "prepared folder, or another result.", show_default=False)],
    kind: Annotated[str, typer.Option(help="Layout of the truth, where it is not told from the folder; result for "
                                           "another result.")] = "auto",
    sequence: Annotated[str | None, typer.Option(help="Which of several sequences in the folder.",
                                                 show_default=False)] = None,
    keypoints: Annotated[str, typer.Option(help="Keypoint set to compare in, such as skel19.")] = "auto",
    score: Annotated[Literal["auto", "bodies", "keypoints"], typer.Option(help="What of a result to score.")] = "auto",
    start: Annotated[int | None, typer.Option(help="Number of the truth's frame that is the result's first.",
                                              show_default=False)] = None,
    contact: Annotated[bool, typer.Option(help="Measure how the bodies meet.")] = True,
    as_json: Json = False,
) -> None:
    """Measure a result against the truth: MPJPE, PCP, PCK, AP, F1, identities, and how bodies meet."""
    from humanav.multiview.evaluate_folders import evaluate_folders

    told = evaluate_folders(found, truth, kind=kind, sequence=sequence, keypoint_set=keypoints, start=start,
                            points=score, contact=contact)
    if as_json:
        typer.echo(json.dumps(told))
        return
    typer.echo(f"{told['frames']} frames of {told['truth']} ({told['kind']}), {len(told['points'])} points.")
    columns = list(dict.fromkeys(name for row in told["rows"].values() for name in row))
    wide = max(len(name) for name in columns)
    typer.echo(" " * wide + "".join(f"  {row:>22}" for row in told["rows"]))
    for name in columns:
        values = (row.get(name) for row in told["rows"].values())
        typer.echo(f"{name:{wide}}" + "".join(f"  {'' if value is None else value:>22}" for value in values))
    for note in told["notes"]:
        typer.echo(f"Note: {note}")
