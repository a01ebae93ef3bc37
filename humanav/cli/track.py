"""``humanav track``: a video to the motion of the people in it."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

import typer

from humanav.cli.shared import Json, progress, show_result
from humanav.errors import InputError


def track(
    source: Annotated[Path, typer.Argument(help="A video, a folder of pictures, or a subject folder with video.mp4 (or "
                                           "images) and an optional valid_frame_list.txt.", show_default=False)],
    out: Annotated[Path | None, typer.Option(help="Folder for the result. By default named after the clip, beside it.",
                                             show_default=False)] = None,
    mode: Annotated[Literal["fast", "accurate"], typer.Option(
        help="fast, or accurate: the whole clip fitted at once, with hands and face.")] = "fast",
    people: Annotated[str, typer.Option(help="Which people: numbers from 1 (the largest at first), as 1,3; or all.",
                                        show_default=False)] = "",
    start: Annotated[float, typer.Option(help="Seconds into the clip.")] = 0.0,
    end: Annotated[float | None, typer.Option(help="Seconds at which to stop.", show_default=False)] = None,
    fps: Annotated[float | None, typer.Option(help="Most frames a second to look at (30).", show_default=False)] = None,
    moving: Annotated[bool, typer.Option("--moving-camera", help="The camera moves or turns.")] = False,
    camera: Annotated[str | None, typer.Option(help="fx,fy,cx,cy in pixels of the clip, where known.",
                                               show_default=False)] = None,
    height: Annotated[float | None, typer.Option(help="The person's height in metres: settles the scale.",
                                                 show_default=False)] = None,
    betas: Annotated[str | None, typer.Option(help="Shape values with commas, where known.",
                                              show_default=False)] = None,
    tilt: Annotated[str | None, typer.Option(help="pitch,roll of the camera in degrees, where known (looking down is "
                                             "positive).", show_default=False)] = None,
    camera_height: Annotated[float | None, typer.Option(help="Metres of the camera above the floor, where known.",
                                                        show_default=False)] = None,
    lock_feet: Annotated[bool, typer.Option(help="Hold standing feet still.")] = True,
    persona: Annotated[bool, typer.Option("--persona", help="Also write PERSONA's folder layout.")] = False,
    render: Annotated[bool, typer.Option(help="Draw the videos.")] = True,
    detector: Annotated[str, typer.Option(help="mediapipe, or rtmlib where it is installed.")] = "mediapipe",
    as_json: Json = False,
) -> None:
    """Track people through a video: motion on the floor as npz, BVH and GLB, overlay videos, the background.

    A stopped run goes on where it was when the same command is given again.
    """
    from humanav.cli.inputs import numbers
    from humanav.jobs.track import TrackOptions, track_stages, track_video

    lean = numbers(tilt, "tilt", 2)
    options = TrackOptions(
        mode=mode, people=_people(people), fps=fps, start=start, end=end, camera=numbers(camera, "camera", 4) or None,
        moving="moving" if moving else "fixed", height=height, betas=numbers(betas, "betas"),
        tilt=(lean[0], lean[1]) if lean else None, camera_height=camera_height, lock_feet=lock_feet, persona=persona,
        render=render, detector=detector)
    place = source if source.name else source.resolve()  # "." has no name of its own
    target = out or place.with_name(f"{place.stem}_tracked")
    show_result(track_video(source, out=target, options=options, progress=progress(len(track_stages(mode)))), as_json)


def _people(text: str) -> tuple[int, ...] | Literal["all"]:
    """``"1,3"`` or ``"all"``; empty for nothing."""
    if text.strip().lower() == "all":
        return "all"
    try:
        return tuple(int(part) for part in text.replace(" ", "").split(",") if part)
    except ValueError as error:
        raise InputError(f"--people {text} is no list of numbers: write them with commas, as 1,3, or all.") from error
