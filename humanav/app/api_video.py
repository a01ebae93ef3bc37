"""Functions of the API about videos: one camera, and several."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

import gradio as gr
from gradio import FileData

from humanav.app import multiview_pieces, track_pieces, uplift_pieces
from humanav.app.api_calls import ABSENT, Answers, call, local_files
from humanav.app.limits import limits
from humanav.errors import InputError
from humanav.jobs import MultiviewOptions, TrackOptions, multiview_id, multiview_stages, track_id, track_stages
from humanav.jobs import reconstruct_capture as reconstruct
from humanav.jobs import track_video as track_clip


def track_video(
    clip: FileData, mode: Literal["fast", "accurate"] = "fast", everybody: bool = False, start: float = 0.0,
    end: float | None = None, camera: Literal["fixed", "moving"] = "fixed", height: float | None = None,
    lock_feet: bool = True, fps: float | None = None, focal_length: float | None = None, request: gr.Request = ABSENT,
) -> Answers:
    """Track the people of a video: their motion on a floor in metres, with hands.

    The answer's files are each person's motion as npz and BVH, the body as GLB, the camera, and videos.

    Args:
        clip: a video of one or more people.
        mode: "fast", or "accurate", which fits the whole clip at once: steadier feet and truer depth, at more time.
        everybody: track everybody, not only the largest person.
        start: where to begin, in seconds.
        end: where to stop, in seconds; by default 20 seconds after the start.
        camera: whether it is "fixed" (stands still) or "moving".
        height: of the person in metres, where it is known.
        lock_feet: feet that stand do not slide.
        fps: at most so many frames per second are looked at; fewer are quicker.
        focal_length: of the camera, in pixels, where it is known.
    """
    (path,) = local_files(clip)
    limits().check_seconds(start, end)
    looked = track_pieces.clip_of(path)
    until = end or start + track_pieces.MOST_SECONDS
    options = TrackOptions(
        mode=mode, people="all" if everybody else (), fps=fps, start=start,
        end=None if until >= looked.seconds - 0.1 else until,
        camera=uplift_pieces.camera_of(focal_length, looked.size) or None, moving=camera, height=height,
        lock_feet=lock_feet)
    yield from call(request, f"track-{track_id(path, options)}",
                    lambda out, progress: track_clip(path, out=out, options=options, progress=progress),
                    len(track_stages(mode)), tab="track", kind="track",
                    title=f"{path.stem.replace('_', ' ').capitalize()}, tracked", inputs=[path])


def reconstruct_capture(
    files: list[FileData], refine: Literal["off", "quick", "full"] = "quick", start: float = 0.0,
    end: float | None = None, fps: float | None = None, unit: Literal["", "m", "cm", "mm", "feet", "inches"] = "",
    up: Literal["auto", "y", "z", "-y", "-z", "x", "-x"] = "auto", find_offsets: bool = True, mend_cameras: bool = True,
    people: int = 0, height: float | None = None, request: gr.Request = ABSENT,
) -> Answers:
    """Reconstruct the people that several cameras filmed: everybody's motion in one space, with contact.

    The answer's files are each person's motion as npz and BVH, points as TRC and C3D, bodies and avatars as GLB, the
    cameras, and a video of each view.

    Args:
        files: the videos of all cameras and their calibration, or one zip of them.
        refine: "off"; "quick" or "full" refine with an avatar of each person, so that bodies do not go into each other.
        start: where to begin, in seconds.
        end: where to stop, in seconds; by default as far as one job may go.
        fps: at most so many frames per second are looked at.
        unit: of the calibration, where it is not as the file says.
        up: the calibration's upward axis.
        find_offsets: look for videos that did not begin together.
        mend_cameras: move the cameras a little where rays then meet better.
        people: how many there are; 0 for all that are found.
        height: of the people in metres: gives the scale where there is no calibration.
    """
    paths = [str(path) for path in local_files(files)]
    if not paths:
        raise InputError("There is no capture: give the videos of all cameras and their calibration, or a zip of them.")
    limits().check_seconds(start, end, limits().capture_seconds)
    options = MultiviewOptions(
        refine=refine, start=start, end=end or start + limits().capture_seconds, fps=fps, unit=unit or None, up=up,
        sync="auto" if find_offsets else "off", refine_cameras=mend_cameras, people=people or "all", height=height,
        budget=multiview_pieces.budget())
    yield from call(request, f"capture-{multiview_id(paths, options)}",
                    lambda out, progress: reconstruct(paths, out=out, options=options, progress=progress),
                    len(multiview_stages(options)), tab="capture", kind="capture",
                    title=f"Capture {Path(paths[0]).stem}", inputs=[Path(path) for path in paths])
