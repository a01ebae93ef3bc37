"""The files of a tracked clip: motions, cameras, the background, videos, and what is said of them."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from humanav.camera import Camera
from humanav.motion import Motion
from humanav.perception.takes import part_letter

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from humanav.perception.video import Video
    from humanav.progress import Progress
    from humanav.results import ResultWriter
    from humanav.track.clip import TrackedClip, TrackedTake
    from humanav.view.tracked_bodies import TrackedBody

_BLENDER = "Python and the SMPL-X add-on of Blender"
_AMASS = "tools that read AMASS (SMPL-H)"
_BVH = "Blender, MotionBuilder, Maya and Cinema 4D"
_GLB = "Blender, Unity, three.js and Windows 3D Viewer"
_MP4 = "every browser and phone"
_PERSONA = "PERSONA's animate.py, humanav"
_HEIGHT = 720
_MOMENTS = 6
_NOTABLE = 0.5  # seconds
_EVERY = 1000.0  # frames per second: all there are


def suffixes(tracked: TrackedClip) -> list[str]:
    """What follows "motion" and "body" in each take's file names: "", "_2", "_b", "_2_b"."""
    order = list(dict.fromkeys(take.take.person_id for take in tracked.takes))
    names = []
    for take in tracked.takes:
        number = order.index(take.take.person_id)
        person = "" if number == 0 else f"_{number + 1}"
        letter = part_letter(take.take.part)
        names.append(person + (f"_{letter}" if letter else ""))
    return names


def export(
    writer: ResultWriter, tracked: TrackedClip, video: Video, names: Sequence[str], clip: str, progress: Progress, *,
    persona: bool,
) -> None:
    """Motions, cameras, keypoints, the background and, when asked for, PERSONA's layout."""
    from humanav.body import BodyModel
    from humanav.export import write_body_glb
    from humanav.motion import save_npz, write_bvh
    from humanav.perception.keypoint_writing import write_keypoints
    from humanav.view.colors import person_color

    body = BodyModel.load()
    for number, (take, name) in enumerate(zip(tracked.takes, names, strict=True)):
        motion, who = take.motion, _who(take, tracked)
        glb = writer.add(f"body{name}.glb", f"The body{who}, moving, on the floor", _GLB)
        color = [(value / 255) ** 2.2 for value in person_color(take.take.person_id)]
        write_body_glb(body, motion.betas, {motion.name or "motion": motion}, glb, color=color)
        if number == 0:
            progress.show("The tracked body moves; the files and videos follow.", file=glb, live=True, title="Body",
                          name="body")
        save_npz(motion, writer.add(f"motion{name}.npz", f"The motion{who} as SMPL-X parameters, on the floor",
                                    _BLENDER), "blender")
        save_npz(motion, writer.add(f"motion{name}_amass.npz", f"The same{who} in the style of AMASS", _AMASS), "amass")
        write_bvh(motion, writer.add(f"motion{name}.bvh", f"The motion{who} as a skeleton animation", _BVH), body)
        write_keypoints(take.take.sequence, writer.add(f"keypoints{name}.npz", f"The 2D keypoints{who}", "Python"))
        progress.update(0.3 * (number + 1) / len(tracked.takes))
    _cameras(writer, tracked)
    told = describe(tracked, names)
    writer.add("track.json", "Who is where in the clip, foot contacts and confidence", "any program").write_text(
        json.dumps(told, allow_nan=False))
    plate = _background(writer, tracked, video, progress)
    if persona:
        _persona(writer, tracked, video, names, plate, body, clip, progress)
    progress.update(1.0)


def describe(tracked: TrackedClip, names: Sequence[str]) -> dict[str, Any]:
    """What ``track.json`` holds: rates, shots, and each take's contacts, confidence and error, frame by frame."""
    people = tracked.people
    takes = []
    for take, name in zip(tracked.takes, names, strict=True):
        trust = _trust(take)
        takes.append({
            "person_id": take.take.person_id, "part": take.take.part, "suffix": name, "start": take.take.start,
            "frames": len(take.motion), "contacts": take.contacts.astype(int).tolist(),
            "confidence": np.round(trust, 3).tolist(), "seen": take.take.seen.astype(int).tolist(),
            "reprojection_px": [round(float(e), 2) if np.isfinite(e) else None for e in take.reprojection],
            "stature_m": round(_stature(take.motion), 3)})
    return {"fps": people.fps, "width": people.width, "height": people.height, "frames": people.frames,
            "shots": [list(shot) for shot in people.shots], "mode": tracked.mode,
            "camera": "fixed" if isinstance(tracked.cameras, Camera) else "moving", "takes": takes}


def bodies(tracked: TrackedClip) -> list[TrackedBody]:
    """Everybody, as the pictures take them, each person in a colour of their own."""
    from humanav.view.colors import person_color
    from humanav.view.tracked_bodies import TrackedBody

    return [TrackedBody(take.motion, take.take.start, take.take.sequence.keypoints, take.take.sequence.keypoint_set,
                        person_color(take.take.person_id), _trust(take), take.contacts)
            for take in tracked.takes]


def draw(writer: ResultWriter, tracked: TrackedClip, video: Video, progress: Progress) -> None:
    """The clip, the bodies over it, and both beside the world, as videos; and a sheet of moments."""
    from PIL import Image

    from humanav.body import BodyModel
    from humanav.export import write_mp4
    from humanav.perception.video import open_video
    from humanav.view import contact_sheet
    from humanav.view.composite import resized
    from humanav.view.tracked import overlay_frames, side_by_side
    from humanav.view.tracked_world import world_frames

    body, everybody, total = BodyModel.load(), bodies(tracked), tracked.people.frames
    fps = tracked.people.fps
    overlay = writer.add("overlay.mp4", "The bodies over the clip", _MP4)
    write_mp4(overlay_frames(video, everybody, tracked.cameras, body, max_height=_HEIGHT), overlay, fps,
              progress=lambda count: progress.update(0.5 * count / total))
    moments = set(np.linspace(0, total - 1, min(_MOMENTS, total)).round().astype(int).tolist())
    rows = [frame for number, frame in enumerate(open_video(overlay, fps=_EVERY)) if number in moments]
    sheet = contact_sheet(rows, [f"{k / fps:.1f} s" for k in sorted(moments)], columns=3)
    Image.fromarray(sheet).save(writer.add("preview.png", "Moments of the clip", preview=True))
    progress.show("The bodies lie over the clip; the view of the world follows.", sheet, live=True,
                  title="Over the clip", name="overlay")
    size = (rows[0].shape[1], rows[0].shape[0])
    original = writer.add("original.mp4", "The part of the clip that was tracked", _MP4, preview=True)
    write_mp4((resized(frame, size) for frame in video), original, fps,
              progress=lambda count: progress.update(0.5 + 0.15 * count / total))
    seen = tracked.cameras if isinstance(tracked.cameras, Camera) else tracked.cameras[0]
    world = world_frames(everybody, body, frames=total, camera=seen, height=size[1])
    both = writer.add("side_by_side.mp4", "The clip, the bodies over it, and their world", _MP4)
    write_mp4(side_by_side(open_video(original, fps=_EVERY), open_video(overlay, fps=_EVERY), world), both, fps,
              progress=lambda count: progress.update(0.65 + 0.35 * count / total))


def report(tracked: TrackedClip, notes: Sequence[str], seconds: float) -> dict[str, Any]:
    """Numbers and sentences on a tracked clip."""
    people = tracked.people
    size = max(_person_size(tracked), 1.0)
    error = _mean_or_none(np.concatenate([take.reprojection for take in tracked.takes]), 2)
    off = None if error is None else 100 * error / size
    seen = float(np.concatenate([take.take.seen for take in tracked.takes]).mean())
    sure = float(np.concatenate([_trust(take)[take.take.seen] for take in tracked.takes]).mean())
    return {"mode": tracked.mode, "fps": round(people.fps, 4), "frames": people.frames,
            "duration": round(people.frames / people.fps, 3), "people": _takes(tracked),
            "shots": len(people.shots), "camera": "moving" if tracked.moving else "fixed",
            "reprojection_px": error, "reprojection_pct_size": None if off is None else round(off, 2),
            "seen_share": round(seen, 4), "confidence": round(sure, 3), "quality": quality(tracked, off),
            "warnings": list(dict.fromkeys(notes)), "seconds": round(seconds, 2)}


def quality(tracked: TrackedClip, off: float | None) -> str:
    """One honest sentence: who was tracked for how long, how well the body lies on the points (``off`` in % of the
    person's size, None where not known), and what is missing."""
    who = len(dict.fromkeys(take.take.person_id for take in tracked.takes))
    people = "One person" if who == 1 else f"{who} people"
    seen = np.concatenate([take.take.seen for take in tracked.takes])
    covered = np.zeros(tracked.people.frames, dtype=bool)
    for take in tracked.takes:
        covered[take.take.start:take.take.stop] = True
    part = "" if covered.all() else f"{covered.sum()} of "
    length = f"{part}{len(covered)} frame{'s' if len(covered) != 1 else ''}"
    if off is None:
        return f"{people} tracked through {length}; how well cannot be told: look at the overlay."
    close = "closely" if off < 2.0 else "well" if off < 4.0 else "only roughly: look at the overlay"
    hidden = "" if seen.mean() > 0.98 else f" {1 - seen.mean():.0%} of the frames do not show them: a guess."
    return (f"{people} tracked through {length}; the body follows the picture {close} "
            f"({off:.1f}% of the person's size off).{hidden}")


def coverage(tracked: TrackedClip) -> list[str]:
    """Sentences on people who come later than the clip begins, or leave before it ends."""
    people, said = tracked.people, []
    for person in people.person_ids:
        takes = list(people.of(person))
        begin, end = takes[0].start / people.fps, takes[-1].stop / people.fps
        if max(begin, people.frames / people.fps - end) > _NOTABLE:
            who = "The person" if len(people.person_ids) == 1 else f"Person {person}"
            said.append(f"{who} is seen from {begin:.1f} to {end:.1f} s only.")
    return said


def order(writer: ResultWriter) -> None:
    """The files as a visitor looks for them: pictures first, then motions, then data."""
    first = ("overlay", "side_by_side", "body", "motion", "background", "persona", "keypoints", "camera", "track")

    def place(name: str) -> int:
        return next((k for k, start in enumerate(first) if name.startswith(start)), len(first))

    writer.files.sort(key=lambda file: place(file.name))


def _takes(tracked: TrackedClip) -> list[dict[str, Any]]:
    """What is known of each take, as the report tells it."""
    return [{"person": take.label, "frames": len(take.motion), "start": take.take.start,
             "seen_share": round(float(take.take.seen.mean()), 4),
             "reprojection_px": _mean_or_none(take.reprojection, 2),
             "confidence": round(float(take.motion.confidence[:, :22].mean()), 3)  # type: ignore[index]
             } for take in tracked.takes]


def _mean_or_none(values: NDArray[Any], digits: int) -> float | None:
    """The mean of those values that are known, None when none is."""
    known = values[np.isfinite(values)]
    return round(float(known.mean()), digits) if len(known) else None


def _who(take: TrackedTake, tracked: TrackedClip) -> str:
    if len(tracked.takes) == 1:
        return ""
    return f" of person {take.label}"


def _trust(take: TrackedTake) -> Any:
    assert take.motion.confidence is not None
    return take.motion.confidence[:, :22].mean(axis=1)


def _stature(motion: Motion) -> float:
    from humanav.body import BodyModel

    vertices = BodyModel.load().rest(motion.betas)[0]
    return float(vertices[:, 1].max() - vertices[:, 1].min())


def _person_size(tracked: TrackedClip) -> float:
    """Median diagonal in pixels of the people's boxes."""
    boxes = np.concatenate([take.take.boxes[take.take.seen] for take in tracked.takes])
    return float(np.median(np.hypot(boxes[:, 2] - boxes[:, 0], boxes[:, 3] - boxes[:, 1])))


def _cameras(writer: ResultWriter, tracked: TrackedClip) -> None:
    if isinstance(tracked.cameras, Camera):
        tracked.cameras.save(writer.add("camera.json", "The camera that saw the clip", "any program"))
        return
    first = tracked.cameras[0]
    np.savez_compressed(writer.add("cameras.npz", "The camera of every frame", "Python"),
                        R=np.array([c.R for c in tracked.cameras]), t=np.array([c.t for c in tracked.cameras]),
                        K=first.K, width=first.width, height=first.height)


def _background(writer: ResultWriter, tracked: TrackedClip, video: Video, progress: Progress) -> Any:
    """The clip without its people: a picture where the camera stood still, else a video."""
    from PIL import Image

    from humanav.export import write_mp4
    from humanav.track.background import background_plate, inpainted_frames

    if isinstance(tracked.cameras, Camera):
        plate, _ = background_plate(video, tracked.people)
        Image.fromarray(plate).save(writer.add("background.png", "The clip without its people", "everything"))
        progress.show("What stands behind the people.", plate, live=True, title="Background",
                      name="background")
        return plate
    total = tracked.people.frames
    path = writer.add("background.mp4", "The clip without its people", _MP4)
    write_mp4(inpainted_frames(video, tracked.people), path,
              tracked.people.fps, progress=lambda count: progress.update(0.3 + 0.4 * count / total))
    return None


def _persona(
    writer: ResultWriter, tracked: TrackedClip, video: Video, names: Sequence[str], plate: Any, body: Any, clip: str,
    progress: Progress,
) -> None:
    """``persona.zip``: a folder a person in PERSONA's layout."""
    from humanav.export.persona import write_persona, zip_folder
    from humanav.track.background import inpainted_frames

    with tempfile.TemporaryDirectory(dir=writer.folder.parent) as place:
        root = Path(place) / (clip or "clip")
        root.mkdir()
        for take, name in zip(tracked.takes, names, strict=True):
            folder = root if len(tracked.takes) == 1 else root / f"person{name or '_1'}"
            write_persona(folder, take.motion, tracked.cameras, video, take.take,
                          inpainted_frames(video, tracked.people, plate), body=body)
        zip_folder(root, writer.add("persona.zip", "Everything in PERSONA's folder layout", _PERSONA))
