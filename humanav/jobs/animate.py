"""Motions for avatars: named clips or files, and a finished avatar moved by another motion."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from humanav.errors import InputError
from humanav.jobs.animate_captured import animate_captured
from humanav.jobs.films import OPENS_MP4, VIDEO_FPS, film_motion
from humanav.jobs.gaussian_files import Worn, export_gaussians, load_worn, order_files
from humanav.jobs.held import chosen, held_avatars, hold, is_result, motion_of
from humanav.jobs.staging import (
    BACKGROUNDS,
    PLAIN_SIZE,
    SHAPES,
    Staged,
    backdrops,
    originals,
    read_picture,
    stage_before,
    stage_tracked,
)
from humanav.jobs.tracked import TrackedMotion, is_track, load_tracked
from humanav.motion import Motion
from humanav.motion.asf import find_asf
from humanav.progress import Progress
from humanav.results import Result, ResultWriter, content_id

if TYPE_CHECKING:
    from humanav.avatar import Avatar
    from humanav.body import BodyModel

ANIMATE_STAGES = ("Reading the motion", "Animating and exporting")
EXTRA_CLIPS = ("idle", "wave", "walk", "dance")
"""Clips that every avatar file carries beside the chosen motion."""
MAX_SECONDS = 60.0
GLB_FPS = 30.0
"""At most, of a tracked motion in the avatar's file."""

_OPENS_GLB = "Blender, Unity, Unreal, three.js and Windows 3D Viewer"
_OPENS_BVH = "Blender, MotionBuilder, Maya and Cinema 4D"


def resolve_motion(motion: str | Path | Motion | Result, person: int | str | None = None) -> Motion:
    """A clip's name, a motion file, a result that holds a motion, or a Motion, as a Motion.

    Args:
        motion: a clip's name; a file that :func:`humanav.motion.read_motion` reads (npz, npy, BVH, AMC with its ASF in
            the same folder, a text of exponential maps); a result that holds one (a tracked, lifted, cleaned, captured
            or drawn one) or its folder; or a Motion. A single pose is held for two seconds.
        person: whose, of a result of several people; the first by default.

    Raises:
        InputError: when there is no such clip or file, or the motion is longer than a minute (a tracked one: five).
        MotionFileError: when the file is no motion.
    """
    from humanav.motion import CLIP_NAMES, load_clip, load_motion

    if isinstance(motion, Motion):
        found = motion
    elif str(motion) in CLIP_NAMES:
        return load_clip(str(motion))
    elif is_result(motion):
        return motion_of(motion, person)
    elif not isinstance(motion, Result) and Path(motion).is_file():
        found = load_motion(motion)
        found = hold(found if found.name else replace(found, name=Path(motion).stem))
    else:
        raise InputError(f"There is no motion {str(motion)!r}: name a .npz, .npy, .bvh, .amc or .txt file, or one of "
                         f"the clips {', '.join(CLIP_NAMES)}.")
    if found.duration > MAX_SECONDS:
        raise InputError(f"The motion lasts {found.duration:.0f} seconds: cut it to {MAX_SECONDS:.0f} or less.")
    return found


def animate_avatar(
    result: Result | str | Path, motion: str | Path | Motion | Result, *, out: str | Path,
    person: int | str | None = None, background: str | Path = "none", shape: str = "avatar",
    wearer: int | str | None = None, progress: Progress | None = None,
) -> Result:
    """Move a finished avatar by another motion; the photo is not fitted again.

    A motion that was tracked can be shown in the clip it came from: the avatar stands where the tracked person stood.
    The result then has ``side_by_side.mp4``, the clip beside the avatar. A Gaussian avatar moves as Gaussians, its
    clothes by what the new poses do to them.

    Args:
        result: a result of :func:`~humanav.jobs.photo_to_avatar`, or of a capture with avatars, or its folder.
        motion: see :func:`resolve_motion`.
        out: the folder of the new result.
        person: who of a track or capture, "1", 2, "2b" (a later part of a track); None takes the only or the first.
        background: "none", a camera that follows the avatar over a stage; "original", the clip without its people;
            "plain", an empty stage seen by the clip's camera; or a picture file. For motions from no clip the last two
            are seen by a camera that stands still.
        shape: "avatar", the avatar keeps its own body, and planted feet stay planted where they were in the picture; or
            "motion", it takes the body shape that comes with the motion and covers the tracked person.
        wearer: whose avatar of a capture; None takes the only or the first.
        progress: told of ``ANIMATE_STAGES``.

    Raises:
        InputError: the result holds no avatar, the motion cannot be used, there is no such person or no background.
        ImageError: the background picture cannot be read.
        StorageError: ``out`` cannot be written.
    """
    from humanav.avatar import Avatar
    from humanav.body import BodyModel
    from humanav.view.composite import fitting_size

    if shape not in SHAPES:
        raise InputError(f"The shape can be {' or '.join(SHAPES)}, not {shape!r}.")
    progress = progress or Progress(len(ANIMATE_STAGES))
    source = result if isinstance(result, Result) else Result.load(result)
    progress.next(ANIMATE_STAGES[0])
    tracked = load_tracked(motion, person) if is_track(motion) else None
    clip = tracked.motion if tracked else resolve_motion(motion, person)
    if not source.has("avatar.npz") and (found := held_avatars(source)):
        if background != "none" or shape != "avatar":
            raise InputError("The avatar of a capture moves before a plain ground in its own shape: leave the "
                             "background and the shape out.")
        progress.next(ANIMATE_STAGES[1])
        return animate_captured(source, chosen(found, wearer, source.folder.name), clip, out, progress)
    picture = _checked(background, tracked, person if not is_result(motion) else None)
    avatar, body = Avatar.load(source.path("avatar.npz")), BodyModel.load()
    worn = load_worn(source, avatar)
    told = {"background": Path(background).name, "shape": shape, "person": tracked.person if tracked else ""}
    plain = tracked is None and background == "none" and shape == "avatar"
    identity = content_id("animation", source.id, clip, *([] if plain else [told, picture]))
    inputs = {"avatar": source.id, "motion": clip.name, "seconds": round(clip.duration, 2)} | told
    progress.next(ANIMATE_STAGES[1])
    with ResultWriter(Path(out), "animation", identity, inputs) as writer:
        writer.tell(progress, settings=told, sources={
            "avatar": source, "motion": tracked.source if tracked else motion,
            "background": None if picture is None else background}, parts=("body",))
        if plain:
            export_motion(writer, avatar, body, clip, progress, worn=worn)
        else:
            if tracked is not None:
                staged = stage_tracked(tracked, avatar, body, shape)
            else:
                size = PLAIN_SIZE if picture is None else fitting_size(picture.shape[1], picture.shape[0])
                staged = stage_before(clip, avatar, body, shape, size)
            export_staged(writer, staged, body, progress, background, tracked, picture,
                          worn and worn.on(avatar, staged.avatar))
        avatar.save(writer.add("avatar.npz", "The avatar itself, to animate it again", "humanav animate"))
        if worn is not None:
            worn.save(writer)
            order_files(writer)
        warnings = [*source.report.get("warnings", ()), *(tracked.notes if tracked else ())]
        writer.report.update(source.report | told | {
            "animation": clip.name, "warnings": warnings, "seconds": round(progress.seconds, 1)})
    return writer.result


def _checked(
    background: str | Path, tracked: TrackedMotion | None, person: int | str | None
) -> NDArray[np.uint8] | None:
    """The background picture that was named, None for none. Raises before any work when something is missing."""
    if tracked is None and person not in (None, ""):
        raise InputError("Only a tracked motion has people to choose from: leave the person out, or give the folder of "
                         "a track.")
    if background == "original":
        if tracked is None:
            raise InputError("This motion was not tracked in a clip, so there is no background to it: choose a plain "
                             "one or a picture.")
        _ = tracked.background
    return None if str(background) in BACKGROUNDS else read_picture(background)


def export_staged(
    writer: ResultWriter, staged: Staged, body: BodyModel, progress: Progress, background: str | Path,
    tracked: TrackedMotion | None = None, picture: NDArray[np.uint8] | None = None, worn: Worn | None = None,
) -> None:
    """Write avatar.glb, animation.mp4, motion.bvh, motion.npz and, of a track, side_by_side.mp4, all the way.

    With ``worn``, on the body of ``staged``, also its files; the videos then show the Gaussians.
    """
    from humanav.export import write_glb, write_mp4
    from humanav.motion import resample
    from humanav.perception.video import open_video
    from humanav.view import animation_frames
    from humanav.view.composite import beside, composite_frames

    avatar, motion = staged.avatar, staged.motion
    name = motion.name or "motion"
    glb = writer.add("avatar.glb", "The avatar with its skeleton, texture and motions", _OPENS_GLB)
    slow = resample(motion, GLB_FPS) if motion.fps > GLB_FPS else motion
    write_glb(avatar, glb, {name: slow})
    progress.show("The avatar moves; the videos follow.", file=glb, title="Avatar")
    if worn is not None:
        export_gaussians(writer, worn, {name: slow}, progress, (0.0, 0.1))
    shown = avatar if worn is None else worn.gaussians
    before = originals(tracked) if tracked is not None and background != "none" else None
    share = 0.75 if before is not None else 0.95
    follow = background == "none"
    video = resample(motion, VIDEO_FPS) if follow and motion.fps > VIDEO_FPS else motion
    frames = (animation_frames(shown, video) if follow else
              composite_frames(shown, motion, staged.cameras, backdrops(staged, background, tracked, picture)))
    path = writer.add("animation.mp4", f"A video of the motion ({name})", OPENS_MP4)
    write_mp4(_shown(frames, len(video), writer, progress), path, video.fps,
              progress=_part(progress, len(video), 0.1, share))
    if before is not None:
        both = writer.add("side_by_side.mp4", "The clip, and the avatar in it", OPENS_MP4)
        with open_video(path) as after:
            write_mp4(beside(before, after), both, motion.fps, progress=_part(progress, len(motion), share, 0.95))
    _write_motion(writer, motion, body)


def _shown(
    frames: Iterator[NDArray[np.uint8]], total: int, writer: ResultWriter, progress: Progress
) -> Iterator[NDArray[np.uint8]]:
    """The frames; the one in the middle is kept as a picture and shown."""
    from PIL import Image

    for number, frame in enumerate(frames):
        if number == total // 2:
            Image.fromarray(frame).save(writer.add("preview.png", "The avatar in the middle of it", preview=True))
            progress.show("The avatar in the middle of the clip.", frame, title="In the clip", name="clip")
        yield frame


def _part(progress: Progress, total: int, low: float, high: float) -> Callable[[int], None]:
    """Tells ``progress`` of frames done, some hundred times in all, as the part from ``low`` to ``high``."""
    every = max(1, total // 100)

    def done(count: int) -> None:
        progress.check()
        if count % every == 0:
            progress.update(low + (high - low) * min(count / total, 1.0))

    return done


def export_motion(
    writer: ResultWriter, avatar: Avatar, body: BodyModel, clip: Motion, progress: Progress,
    others: Mapping[str, Motion] | None = None, share: tuple[float, float] = (0.0, 1.0), worn: Worn | None = None,
) -> None:
    """Write avatar.glb, animation.mp4, motion.bvh and motion.npz of one motion on the avatar's own body.

    ``share`` is the part of the present stage that this takes, for the progress bar. With ``worn`` also its files; the
    video then shows the Gaussians.
    """
    from humanav.export import write_glb

    fitted = on_body(clip, avatar, body)
    name = clip.name or "motion"
    glb = writer.add("avatar.glb", "The avatar with its skeleton, texture and motions", _OPENS_GLB)
    motions = {name: fitted, **(others or {})}
    write_glb(avatar, glb, motions)
    progress.show("The avatar moves; the videos follow.", file=glb, title="Avatar")
    begun = share[0] + 0.2 * (share[1] - share[0])
    if worn is not None:
        export_gaussians(writer, worn, motions, progress, (share[0], begun))
    progress.update(begun)
    film_motion(writer, avatar if worn is None else worn.gaussians, fitted, progress, (begun, share[1]))
    _write_motion(writer, fitted, body)


def _write_motion(writer: ResultWriter, motion: Motion, body: BodyModel) -> None:
    from humanav.motion import save_npz, write_bvh

    name = motion.name or "motion"
    write_bvh(motion, writer.add("motion.bvh", f"The motion ({name}) as a skeleton animation", _OPENS_BVH), body)
    save_npz(motion, writer.add("motion.npz", f"The motion ({name}) as SMPL-X parameters",
                                "Python and the SMPL-X add-on of Blender"), "blender")


def on_body(clip: Motion, avatar: Avatar, body: BodyModel) -> Motion:
    """The clip for the avatar's body shape, its feet on the floor."""
    from humanav.motion import fit_to_shape, ground

    return fit_to_shape(ground(clip, body), body, avatar.betas)


def extra_motions(clip: Motion, avatar: Avatar, body: BodyModel) -> dict[str, Motion]:
    """The clips that go into every avatar file, without the chosen one."""
    from humanav.motion import CLIP_NAMES, load_clip

    return {name: on_body(load_clip(name), avatar, body) for name in EXTRA_CLIPS
            if name in CLIP_NAMES and name != clip.name}


def motion_inputs(motion: str | Path | Motion | Result) -> Any:
    """What identifies a motion argument: a clip's name, a file's bytes (and those of the skeleton beside an .amc), a
    result's id, or the Motion itself."""
    if isinstance(motion, Motion):
        return motion
    if is_result(motion):
        source = motion if isinstance(motion, Result) else Result.load(motion)
        return {"track" if is_track(source) else "result": source.id}
    path = Path(str(motion))
    if not path.is_file():
        return str(motion)
    data = path.read_bytes()
    try:
        return [data, find_asf(path)[0].read_bytes()] if path.suffix.lower() == ".amc" else data
    except (InputError, OSError):  # there is none beside it
        return data
