"""Motions for avatars: named clips or files, and a finished avatar moved by another motion."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from humanav.errors import InputError
from humanav.motion import Motion
from humanav.progress import Progress
from humanav.results import Result, ResultWriter, content_id

if TYPE_CHECKING:
    from humanav.avatar import Avatar
    from humanav.body import BodyModel

ANIMATE_STAGES = ("Reading the motion", "Animating and exporting")
EXTRA_CLIPS = ("idle", "wave", "walk", "dance")
"""Clips that every avatar file carries beside the chosen motion."""
MAX_SECONDS = 60.0
VIDEO_SECONDS, VIDEO_FPS = 5.0, 20.0

_OPENS_GLB = "Blender, Unity, Unreal, three.js and Windows 3D Viewer"
_OPENS_MP4 = "every browser and phone"
_OPENS_BVH = "Blender, MotionBuilder, Maya and Cinema 4D"


def resolve_motion(motion: str | Path | Motion) -> Motion:
    """A clip's name, a motion file, or a Motion, as a Motion.

    Args:
        motion: a clip's name; a file that :func:`humanav.motion.read_motion` reads (npz, npy, BVH, AMC with its ASF in
            the same folder, a text of exponential maps); or a Motion.

    Raises:
        InputError: when there is no such clip or file, or the motion is longer than a minute.
        MotionFileError: when the file is no motion.
    """
    from humanav.motion import CLIP_NAMES, load_clip, load_motion

    if isinstance(motion, Motion):
        found = motion
    elif str(motion) in CLIP_NAMES:
        return load_clip(str(motion))
    elif Path(motion).is_file():
        found = load_motion(motion)
        found = found if found.name else replace(found, name=Path(motion).stem)
    else:
        raise InputError(f"There is no motion {str(motion)!r}: name a .npz, .npy, .bvh, .amc or .txt file, or one of "
                         f"the clips {', '.join(CLIP_NAMES)}.")
    if found.duration > MAX_SECONDS:
        raise InputError(f"The motion lasts {found.duration:.0f} seconds: cut it to {MAX_SECONDS:.0f} or less.")
    return found


def animate_avatar(
    result: Result | str | Path, motion: str | Path | Motion, *, out: str | Path, progress: Progress | None = None
) -> Result:
    """Move a finished avatar by another motion; the photo is not fitted again.

    Args:
        result: a result of :func:`~humanav.jobs.photo_to_avatar`, or its folder.
        motion: see :func:`resolve_motion`.
        out: the folder of the new result.
        progress: told of ``ANIMATE_STAGES``.

    Raises:
        InputError: the result holds no avatar, or the motion cannot be used.
        StorageError: ``out`` cannot be written.
    """
    from humanav.avatar import Avatar
    from humanav.body import BodyModel

    progress = progress or Progress(len(ANIMATE_STAGES))
    source = result if isinstance(result, Result) else Result.load(result)
    progress.next(ANIMATE_STAGES[0])
    clip = resolve_motion(motion)
    avatar, body = Avatar.load(source.path("avatar.npz")), BodyModel.load()
    identity = content_id("animation", source.id, clip)
    inputs = {"avatar": source.id, "motion": clip.name, "seconds": round(clip.duration, 2)}
    progress.next(ANIMATE_STAGES[1])
    with ResultWriter(Path(out), "animation", identity, inputs) as writer:
        export_motion(writer, avatar, body, clip, progress)
        avatar.save(writer.add("avatar.npz", "The avatar itself, to animate it again", "humanav animate"))
        writer.report.update(source.report | {"animation": clip.name, "seconds": round(progress.seconds, 1)})
    return writer.result


def export_motion(
    writer: ResultWriter, avatar: Avatar, body: BodyModel, clip: Motion, progress: Progress,
    others: Mapping[str, Motion] | None = None, share: tuple[float, float] = (0.0, 1.0),
) -> None:
    """Write avatar.glb, animation.mp4, motion.bvh and motion.npz of one motion on the avatar's own body.

    ``share`` is the part of the present stage that this takes, for the progress bar.
    """
    from humanav.export import write_glb, write_mp4
    from humanav.motion import resample, save_npz, write_bvh
    from humanav.view import animation_frames

    fitted = on_body(clip, avatar, body)
    name = clip.name or "motion"
    glb = writer.add("avatar.glb", "The avatar with its skeleton, texture and motions", _OPENS_GLB)
    write_glb(avatar, glb, {name: fitted, **(others or {})})
    progress.show("The avatar moves; the videos follow.", file=glb, title="Avatar")
    progress.update(share[0] + 0.2 * (share[1] - share[0]))
    video = resample(fitted[: max(1, round(VIDEO_SECONDS * fitted.fps))], VIDEO_FPS)
    total = len(video)

    def frame_done(count: int) -> None:
        progress.update(share[0] + (0.2 + 0.8 * min(count / total, 1.0)) * (share[1] - share[0]))

    path = writer.add("animation.mp4", f"A video of the motion ({name})", _OPENS_MP4)
    write_mp4(animation_frames(avatar, video), path, VIDEO_FPS, progress=frame_done)
    write_bvh(fitted, writer.add("motion.bvh", f"The motion ({name}) as a skeleton animation", _OPENS_BVH), body)
    save_npz(fitted, writer.add("motion.npz", f"The motion ({name}) as SMPL-X parameters",
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


def motion_inputs(motion: str | Path | Motion) -> Any:
    """What identifies a motion argument: a clip's name, a file's bytes, or the Motion itself."""
    if isinstance(motion, Motion):
        return motion
    path = Path(motion)
    return path.read_bytes() if path.is_file() else str(motion)
