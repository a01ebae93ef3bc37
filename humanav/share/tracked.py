"""What the page of a tracked clip shows: the bodies over it in step with everybody in their world."""

from __future__ import annotations

import json
import math
import tempfile
from collections.abc import Collection, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from humanav.errors import HumanavError, InputError
from humanav.results import Result
from humanav.share.charts import Lane, Line, chart
from humanav.share.frames import synced_frame
from humanav.share.media import film_part, poster_part, read
from humanav.share.value import Content, View
from humanav.share.views import add_mesh, legend_of, mesh_view
from humanav.view.colors import LEFT, RIGHT, css, person_color
from humanav.view.timeline import runs

_MOST_TAKES = 6
_FEET = (("Left foot on the floor", LEFT), ("Right foot on the floor", RIGHT))


def track_content(result: Result, pictures: bool = True) -> Content:
    """A tracked clip.

    Raises:
        InputError: its ``track.json`` is damaged, or nobody is in it.
    """
    track = _told(result)
    takes = sorted(track["takes"], key=lambda take: -int(take["frames"]))
    shown = sorted(takes[:_MOST_TAKES], key=lambda take: (int(take["start"]), str(take["person_id"])))
    people = list(dict.fromkeys(str(take["person_id"]) for take in shown))
    report = result.report
    content = Content("People tracked in a video" if len(people) > 1 else "A person tracked in a video",
                      str(report.get("quality", "")), notes=list(report.get("warnings", ())))
    if len(takes) > len(shown):
        content.notes = [*content.notes, f"{len(takes) - len(shown)} shorter appearances are not on this page."]
    start = 0.0 if len(shown) > 1 else int(shown[0]["start"]) / track["fps"]
    scene = read(result, f"body{shown[0]['suffix']}.glb") if len(shown) == 1 else _everybody(result, track, shown)
    glb = add_mesh(content, scene, "world")
    yaw, legend = _yaw(result, shown[0]), legend_of(people)
    charts = "".join(_chart(track, person, shown) for person in people)
    below = f'<h2>How sure, and which feet stand</h2><p class="hint">Press a curve to go to that moment.</p>{charts}'
    solid = mesh_view("In their world" if len(people) > 1 else "In 3D", glb, title="In their world", yaw=yaw,
                      below="" if start else below, legend=legend)
    films = _films(content, result) if pictures else []
    if films:
        def in_step(have: Collection[str]) -> str | None:
            original, overlay = (key if key in have else None for key in ("original", "overlay"))
            if original is None and overlay is None:
                return None
            return synced_frame(original, overlay, glb, fps=track["fps"], frames=track["frames"], glb_start=start,
                                size=(track["width"], track["height"]), yaw=yaw, labels=("Before", "After", "In 3D"),
                                title="The clip before and after, and its world")

        content.views.append(View("Before and after", in_step, "The clip, the bodies over it and their world play in "
                                  "step.", below, legend, tall=True))
    content.views.append(solid)
    content.facts = _facts(track, report, len(people))
    if pictures:
        content.poster = content.add(poster_part(result, "preview.png"))
    return content


def _told(result: Result) -> dict[str, Any]:
    try:
        track: dict[str, Any] = json.loads(read(result, "track.json"))
        for take in track["takes"]:
            _ = take["person_id"], take["suffix"], int(take["start"]), int(take["frames"])
        _ = float(track["fps"]), int(track["frames"]), int(track["width"]), int(track["height"])
    except (ValueError, KeyError, TypeError) as error:
        raise InputError("The track.json of this result is damaged: track the clip again.") from error
    if not track["takes"]:
        raise InputError("Nobody was tracked in this clip, so there is nothing to show.")
    return track


def _films(content: Content, result: Result) -> list[str]:
    """The clip with the bodies over it, and as it was."""
    return [content.add(part) for part in (
        film_part(result, "overlay.mp4", "overlay", "The video with the bodies over it is", 5),
        film_part(result, "original.mp4", "original", "The clip as it was is", 6)) if part is not None]


def _everybody(result: Result, track: Mapping[str, Any], takes: Sequence[Mapping[str, Any]]) -> bytes:
    """All takes in one .glb, over the whole time of the clip; who is not there in a frame is not seen.

    Raises:
        InputError: a motion of the result cannot be read.
    """
    from humanav.body import BodyModel
    from humanav.export.people_scene import Actor, write_scene_glb
    from humanav.motion import Motion, load_motion

    frames, actors = int(track["frames"]), []
    for take in takes:
        motion = load_motion(result.path(f"motion{take['suffix']}.npz"))
        start = int(take["start"])
        frames = max(frames, start + len(motion))
        there = np.zeros(frames, dtype=np.bool_)
        there[start: start + len(motion)] = True
        index = np.clip(np.arange(frames) - start, 0, len(motion) - 1)
        long = Motion.from_full_pose(motion.full_pose[index], float(track["fps"]), motion.transl[index], motion.betas,
                                     name=motion.name)
        color = [float((value / 255) ** 2.2) for value in person_color(take["person_id"])]
        actors.append(Actor(f"person {take['person_id']}", long, color, there))
    with tempfile.TemporaryDirectory() as place:
        return write_scene_glb(BodyModel.load(), {"people": actors}, Path(place) / "everybody.glb").read_bytes()


def _chart(track: Mapping[str, Any], person: str, takes: Sequence[Mapping[str, Any]]) -> str:
    """One person's confidence and standing feet over the clip."""
    fps, frames = float(track["fps"]), int(track["frames"])
    sure = np.full(frames, np.nan)
    feet = np.zeros((frames, 2), dtype=np.bool_)
    for take in takes:
        if str(take["person_id"]) != person:
            continue
        start = int(take["start"])
        values = np.array([np.nan if c is None else c for c in take.get("confidence", ())], np.float64)
        values = values[: frames - start]
        sure[start: start + len(values)] = 100 * values.clip(0, 1)
        stands = np.asarray(take.get("contacts", ()), np.float64).reshape(-1, 2)[: frames - start] > 0.5
        feet[start: start + len(stands)] |= stands
    lanes = [Lane(words, css(color), [(a / fps, b / fps) for a, b in runs(feet[:, k])])
             for k, (words, color) in enumerate(_FEET)]
    seconds = max(frames - 1, 1) / fps
    return chart(f"Person {person}", [Line("Confidence", css(person_color(person)), sure)], seconds, unit=" %",
                 lanes=lanes, span=(0, 100))


def _facts(track: Mapping[str, Any], report: Mapping[str, Any], people: int) -> list[tuple[str, str]]:
    facts = [("People", str(people)), ("Length", f"{track['frames'] / track['fps']:.1f} s"),
             ("Frames a second", f"{track['fps']:.4g}"),
             ("The camera", "moved" if track.get("camera") == "moving" else "stood still")]
    for key, words, scale, form in (("reprojection_px", "Off the 2D points", 1, "{:.1f} px"),
                                    ("seen_share", "Frames that show them", 100, "{:.0f}%"),
                                    ("confidence", "How sure, on the whole", 100, "{:.0f}%")):
        if isinstance(report.get(key), int | float):
            facts.append((words, form.format(scale * report[key])))
    return facts


def _yaw(result: Result, take: Mapping[str, Any]) -> float:
    """Degrees from the person's front at which the clip's camera stood at first, so that all players look alike."""
    from humanav.camera import Camera
    from humanav.motion import load_motion
    from humanav.view.people3d import yaw_of

    try:
        motion = load_motion(result.path(f"motion{take['suffix']}.npz"))
        if result.has("camera.json"):
            camera = Camera.load(result.path("camera.json"))
        else:
            with np.load(result.path("cameras.npz"), allow_pickle=False) as data:
                at = int(take["start"])
                camera = Camera(data["K"], data["R"][at], data["t"][at], int(data["width"]), int(data["height"]))
        yaw = yaw_of(motion, camera)
    except (HumanavError, OSError, KeyError, ValueError, IndexError):
        return 20.0  # seen from another side is no reason to have no page
    return yaw if math.isfinite(yaw) else 20.0
