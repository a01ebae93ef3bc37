"""A photo, a clip or keypoints to a body that moves, with the pictures and numbers that say how well it fits."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from humanav import __version__
from humanav.errors import InputError
from humanav.jobs.uplift_sources import MAX_SECONDS, Seen, Source, look, source_inputs
from humanav.motion import Motion
from humanav.progress import Progress
from humanav.results import Result, ResultWriter, content_id, weights_id

if TYPE_CHECKING:
    from humanav.body import BodyModel
    from humanav.camera import Camera
    from humanav.uplift.lift import Lifted

UPLIFT_STAGES = ("Reading the source", "Finding the person", "Lifting to 3D", "Exporting", "Drawing")
RENDERS = ("image", "plain", "none")
"""Draw the body over the frames, over a plain ground, or not at all."""
_HEIGHT = 720
_MOST_VALUES = 3600  # frames of curves that go into the report

_BLENDER = "Python and the SMPL-X add-on of Blender"
_AMASS = "tools that read AMASS (SMPL-H)"
_BVH = "Blender, MotionBuilder, Maya and Cinema 4D"
_GLB = "Blender, Unity, three.js and Windows 3D Viewer"
_MP4 = "every browser and phone"


@dataclass(frozen=True)
class UpliftOptions:
    """What may be said about a source.

    Attributes:
        betas: shape of the person, or empty for the mean body.
        measurements: body measurements by name, from which the shape is told
            (:func:`humanav.uplift.betas_from_measurements`), or None.
        camera: fx, fy, cx, cy in pixels of the source, or None where they are not known.
        person: which, from 1, where there are several; of a keypoint file also the label that its error names, or
            "largest".
        keypoint_set, size, fps: layout, width and height, and frame rate of a keypoint file, where it does not say;
            ``fps`` also limits how often a clip is looked at.
        start: seconds into a clip longer than a minute.
        smooth: smooth the motion.
        render: "image", "plain" or "none".
        side_by_side: also write the video with the view from the side.

    Raises:
        InputError: a value is out of range, or both betas and measurements are given.
    """

    betas: tuple[float, ...] = ()
    measurements: Mapping[str, Any] | None = None
    camera: tuple[float, ...] | None = None
    person: int | str | None = None
    keypoint_set: str | None = None
    size: tuple[float, ...] | None = None
    fps: float | None = None
    start: float = 0.0
    smooth: bool = True
    render: str = "image"
    side_by_side: bool = True

    def __post_init__(self) -> None:
        if self.render not in RENDERS:
            raise InputError(f"The drawing is one of {', '.join(RENDERS)}, not {self.render!r}.")
        if len(self.betas) and self.measurements:
            raise InputError("Give the shape or the measurements, not both.")
        if self.camera and (len(self.camera) != 4 or not np.isfinite(self.camera).all() or min(self.camera[:2]) <= 0):
            raise InputError("The camera is fx, fy, cx, cy: two positive focal lengths and the principal point, in "
                             "pixels.")
        if self.fps is not None and not (np.isfinite(self.fps) and self.fps > 0):
            raise InputError(f"The frame rate must be a positive number, not {self.fps}.")
        if not 0 <= self.start < np.inf:
            raise InputError(f"The start must be some seconds into the clip, not {self.start:g}.")
        if self.size and (len(self.size) != 2 or not np.isfinite(self.size).all() or min(self.size) < 1):
            raise InputError("The size is the picture's width and height in pixels.")


def uplift_id(
    source: Source, options: UpliftOptions, *, mapping: Mapping[str, int | str] | None = None,
    pelvis: NDArray[Any] | None = None, pictures: str | Path | None = None,
) -> str:
    """The id that :func:`uplift_source` gives its result: the same inputs and options have the same id."""
    return content_id("uplift", __version__, weights_id("uplift/blazepose33", "uplift/coco17", "anthropometrics"),
                      source_inputs(source), options, mapping, None if pelvis is None else np.asarray(pelvis),
                      None if pictures is None else source_inputs(pictures))


def uplift_source(
    source: Source, *, out: str | Path, options: UpliftOptions | None = None,
    mapping: Mapping[str, int | str] | None = None, pelvis: NDArray[Any] | None = None,
    pictures: str | Path | None = None, progress: Progress | None = None,
) -> Result:
    """Lift one person.

    Args:
        source: a photo, a clip, a folder of pictures; a keypoint file or a folder of OpenPose files; or a
            :class:`~humanav.perception.KeypointSequence`, such as one edited by hand.
        out: the folder of the result: ``motion.npz``, ``motion_amass.npz``, ``motion.bvh``, ``body.glb``,
            ``joint_angles.csv``, ``keypoints.npz``, ``camera.json`` and, drawn, ``reprojection`` and ``side_by_side``
            as mp4 or, of a photo, as png.
        options: see :class:`UpliftOptions`.
        mapping: {our landmark name: number or name of the file's point}, for keypoint files of other layouts.
        pelvis: (T,3) its known place in the camera's frame, metres.
        pictures: the clip, folder or photo that keypoints belong to.
        progress: told of ``UPLIFT_STAGES``; the body over the middle frame and the GLB are shown as soon as they are
            there.

    Raises:
        InputError, ImageError: the source or an option cannot be used.
        NoPersonError: nobody was found.
        StorageError: ``out`` cannot be written.
        Cancelled: ``progress`` was told to stop.
    """
    from humanav.body import BodyModel
    from humanav.uplift.lift import lift_sequence

    progress, options = progress or Progress(len(UPLIFT_STAGES)), options or UpliftOptions()
    progress.next(UPLIFT_STAGES[0])
    identity = uplift_id(source, options, mapping=mapping, pelvis=pelvis, pictures=pictures)
    name = source.name if not isinstance(source, str | Path) else Path(source).name
    with ResultWriter(Path(out), "uplift", identity, {"source": name, "smooth": options.smooth}) as writer:
        writer.tell(progress, settings=options, sources={"source": source, "pictures": pictures, "pelvis": pelvis,
                                                         "mapping": mapping}, parts=("body", "uplift"))
        seen = look(source, progress, UPLIFT_STAGES[1], person=options.person, keypoint_set=options.keypoint_set,
                    mapping=mapping, size=_size(options), fps=options.fps, start=options.start, pictures=pictures)
        writer.tell(parts=(*seen.parts, *(("anthropometrics",) if options.measurements else ())))
        progress.next(UPLIFT_STAGES[2])
        body = BodyModel.load()
        betas, said = _shape(options, body)
        lifted = lift_sequence(seen.sequence, camera=_camera(options, seen), betas=betas, pelvis=pelvis,
                               smooth=options.smooth, level=True, body=body, progress=progress)
        notes = [*seen.notes, *said, *lifted.notes]
        _show(progress, lifted, seen, body, options)
        progress.next(UPLIFT_STAGES[3])
        _export(writer, lifted, seen, body, progress)
        progress.next(UPLIFT_STAGES[4])
        if options.render != "none":
            _draw(writer, lifted, seen, body, options, progress, notes)
        writer.report.update(_report(lifted, seen, body, notes, progress.seconds))
        _order(writer)
    return writer.result


def _size(options: UpliftOptions) -> tuple[int, int] | None:
    return (round(options.size[0]), round(options.size[1])) if options.size else None


def _camera(options: UpliftOptions, seen: Seen) -> Camera | None:
    from humanav.camera import Camera

    if not options.camera:
        return None
    fx, fy, cx, cy = (value * seen.scale for value in options.camera)
    level = np.diag([1.0, -1.0, -1.0])
    return Camera(np.array([[fx, 0, cx], [0, fy, cy], [0, 0, 1]]), level, np.zeros(3), seen.sequence.width,
                  seen.sequence.height)


def _shape(options: UpliftOptions, body: BodyModel) -> tuple[Sequence[float] | None, list[str]]:
    """Shape values, or None for the mean body, and what is to be said of them."""
    if not options.measurements:
        return (list(options.betas) or None), []
    from humanav.uplift.anthropometrics import betas_from_measurements

    shape = betas_from_measurements(dict(options.measurements), body)
    count = len(options.measurements)
    return np.asarray(shape.betas).tolist(), [f"The shape follows from {count} measurement{'s' * (count > 1)}."]


def placed(motion: Motion, body: BodyModel) -> Motion:
    """The motion with its feet on the floor y = 0 and the middle of its path at the origin."""
    from humanav.motion import ground

    middle = np.median(motion.transl, axis=0) * np.array([1, 0, 1], dtype=np.float32)
    return ground(replace(motion, transl=motion.transl - middle), body)


def _export(writer: ResultWriter, lifted: Lifted, seen: Seen, body: BodyModel, progress: Progress) -> None:
    from humanav.export import write_angles, write_body_glb
    from humanav.motion import save_npz, write_bvh
    from humanav.perception.keypoint_writing import write_keypoints

    motion, floor = lifted.motion, placed(lifted.motion, body)
    glb = writer.add("body.glb", "The body, moving, on a floor", _GLB)
    write_body_glb(body, motion.betas, {motion.name or "motion": floor}, glb)
    progress.show("The lifted body moves; the tables and videos follow.", file=glb, title="Body", name="body")
    progress.update(0.4)
    save_npz(motion, writer.add("motion.npz", "The motion as SMPL-X parameters, before the camera", _BLENDER),
             "blender")
    save_npz(motion, writer.add("motion_amass.npz", "The same in the style of AMASS", _AMASS), "amass")
    write_bvh(floor, writer.add("motion.bvh", "The motion as a skeleton animation, on a floor", _BVH), body)
    write_angles(motion, writer.add("joint_angles.csv", "Joint angles in degrees, one row a frame", "spreadsheets"),
                 body)
    progress.update(0.8)
    write_keypoints(seen.sequence, writer.add("keypoints.npz", "The 2D keypoints that were lifted", "Python"))
    lifted.camera.save(writer.add("camera.json", "The camera of motion.npz", "any program"))
    progress.update(1.0)


def _show(progress: Progress, lifted: Lifted, seen: Seen, body: BodyModel, options: UpliftOptions) -> None:
    """The body over the frame in the middle of those that show the person."""
    from humanav.view.lifted import reprojection_frames

    if options.render == "none":
        return
    there = np.flatnonzero(np.isfinite(lifted.reprojection))
    middle = int(there[len(there) // 2])
    part = one_frame(lifted, middle)
    picture = None
    if seen.frames is not None and options.render == "image":
        picture = next((frame for number, frame in enumerate(seen.frames()) if number == middle), None)
    drawn = next(reprojection_frames(part, body, None if picture is None else [picture], max_height=_HEIGHT))
    progress.show(f"The body sits within {np.nanmean(lifted.reprojection):.0f} px of the keypoints.", drawn,
                  title="Body over the keypoints", name="overlay")


def one_frame(lifted: Lifted, frame: int) -> Lifted:
    """A single frame of a lifted sequence."""
    part = slice(frame, frame + 1)
    return replace(lifted, motion=lifted.motion[part], joints=lifted.joints[part], confidence=lifted.confidence[part],
                   reprojection=lifted.reprojection[part], keypoints=lifted.keypoints[part])


def _draw(
    writer: ResultWriter, lifted: Lifted, seen: Seen, body: BodyModel, options: UpliftOptions, progress: Progress,
    notes: list[str],
) -> None:
    """The videos, or the pictures of a single frame, and a sheet of the most telling moments."""
    from PIL import Image

    from humanav.export import write_mp4
    from humanav.perception.video import open_video
    from humanav.view import contact_sheet
    from humanav.view.lifted import reprojection_frames, side_by_side, side_frames

    frames = seen.frames if options.render == "image" else None
    if options.render == "image" and frames is None:
        notes.append("There are no pictures with these keypoints: the body was drawn on a plain ground.")
    over = "the frames" if frames is not None else "a plain ground"
    if len(lifted.motion) == 1:
        left = next(reprojection_frames(lifted, body, None if frames is None else frames(), max_height=_HEIGHT))
        both = next(side_by_side([left], side_frames(lifted, body, height=len(left))))
        Image.fromarray(left).save(writer.add("reprojection.png", f"The body over {over}", "everything"))
        if options.side_by_side:
            Image.fromarray(both).save(writer.add("side_by_side.png", "With the view from the side", "everything"))
        Image.fromarray(both).save(writer.add("preview.png", "The body and its view from the side", preview=True))
        return
    limit = round(MAX_SECONDS * lifted.motion.fps)
    if len(lifted.motion) > limit:
        notes.append(f"The videos show the first {MAX_SECONDS:.0f} seconds.")
    shown, fps = _thinned(lifted, limit)
    every = round(lifted.motion.fps / fps)
    pictures = None if frames is None else (frame for number, frame in enumerate(frames()) if number % every == 0)
    share, total = (0.6 if options.side_by_side else 0.95), len(shown.motion)
    video = writer.add("reprojection.mp4", f"The body over {over}", _MP4)
    write_mp4(reprojection_frames(shown, body, pictures, max_height=_HEIGHT), video, fps,
              progress=lambda count: progress.update(share * count / total))
    rows = [frame for number, frame in enumerate(open_video(video)) if number in _moments(total)]
    Image.fromarray(contact_sheet(rows, [f"{k / fps:.1f} s" for k in sorted(_moments(total))], columns=3)).save(
        writer.add("preview.png", "Moments of the clip", preview=True))
    if options.side_by_side:
        path = writer.add("side_by_side.mp4", "The frames, and the body from the side", _MP4)
        write_mp4(side_by_side(open_video(video), side_frames(shown, body, height=rows[0].shape[0])), path, fps,
                  progress=lambda count: progress.update(share + (1 - share) * count / total))


def _thinned(lifted: Lifted, limit: int) -> tuple[Lifted, float]:
    """At most ``limit`` frames, every n-th of them so that there are no more than some 30 a second; their rate."""
    part = slice(0, limit, max(1, round(lifted.motion.fps / 30)))
    fps = lifted.motion.fps / part.step
    return replace(lifted, motion=replace(lifted.motion[part], fps=fps), joints=lifted.joints[part],
                   confidence=lifted.confidence[part], reprojection=lifted.reprojection[part],
                   keypoints=lifted.keypoints[part]), fps


def _moments(frames: int) -> set[int]:
    return set(np.linspace(0, frames - 1, min(6, frames)).round().astype(int).tolist())


def _report(lifted: Lifted, seen: Seen, body: BodyModel, notes: list[str], seconds: float) -> dict[str, Any]:
    from humanav.motion import joint_angles

    motion = lifted.motion
    angles = joint_angles(motion, body)
    error, share = float(np.nanmean(lifted.reprojection)), float((lifted.confidence.max(axis=1) > 0).mean())
    size = _person_size(lifted)
    return {
        "frames": len(motion), "fps": round(motion.fps, 4), "duration": round(motion.duration, 3),
        "still": seen.still, "keypoint_set": seen.sequence.keypoint_set, "lifted_as": lifted.keypoints.keypoint_set,
        "reprojection_px": round(error, 2), "reprojection_pct_size": round(100 * error / size, 2),
        "seen_share": round(share, 4), "confidence": round(float(lifted.confidence.mean()), 3),
        "angles": {name: {"least": round(float(v.min()), 1), "most": round(float(v.max()), 1)}
                   for name, v in angles.items()},
        "curves": {name: np.round(v, 1).tolist() for name, v in angles.items()} if len(motion) <= _MOST_VALUES else {},
        "quality": quality(100 * error / size, share, float(lifted.confidence[lifted.confidence > 0].mean())),
        "warnings": notes, "seconds": round(seconds, 2)}


def _person_size(lifted: Lifted) -> float:
    """Median diagonal in pixels of the box round the seen keypoints."""
    points = lifted.keypoints.keypoints
    seen = points[..., 2:] > 0
    rows = seen.any(axis=1)[:, 0]
    high = np.where(seen, points[..., :2], -np.inf).max(axis=1)[rows]
    low = np.where(seen, points[..., :2], np.inf).min(axis=1)[rows]
    return max(float(np.median(np.linalg.norm(high - low, axis=1))), 1.0)


def quality(off: float, seen: float, sure: float) -> str:
    """One honest sentence from the reprojection error (% of the person's size), the share of frames that show the
    person and the mean confidence where they do."""
    words = ("The body follows the keypoints closely" if off < 2.0 else "The body follows the keypoints" if off < 4.0
             else "The body follows the keypoints only roughly: look at the drawing, and check the layout and size")
    hidden = "" if seen > 0.98 else f" {1 - seen:.0%} of the frames do not show the person."
    doubt = "" if sure > 0.5 else " Depth is doubtful in much of it."
    return f"{words} ({off:.1f}% of the person's size off).{hidden}{doubt}"


def _order(writer: ResultWriter) -> None:
    first = ["reprojection.mp4", "reprojection.png", "side_by_side.mp4", "side_by_side.png", "body.glb", "motion.bvh",
             "motion.npz", "motion_amass.npz", "joint_angles.csv", "keypoints.npz", "camera.json"]
    writer.files.sort(key=lambda file: first.index(file.name) if file.name in first else len(first))
