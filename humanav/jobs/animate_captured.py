"""A Gaussian avatar without a mesh, as a capture leaves one for each of its people, moved by another motion."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path

from humanav.jobs.films import film_motion
from humanav.jobs.gaussian_files import GAUSSIAN_NPZ, PAGE, SPLATS
from humanav.jobs.held import Held
from humanav.motion import Motion
from humanav.progress import Progress
from humanav.results import Result, ResultWriter, content_id


def animate_captured(source: Result, worn: Held, clip: Motion, out: str | Path, progress: Progress) -> Result:
    """Write what the avatar does: avatar.splats, splats.html, avatar.glb (the body in its colours), animation.mp4,
    motion.bvh and motion.npz, and the avatar itself to be moved again.

    Args:
        source: the result that holds the avatar.
        worn: which of its avatars.
        clip: T frames of any body; it is fitted to the avatar's.
        out: the folder of the new result.
        progress: in the stage that this is to fill.

    Raises:
        InputError: the avatar's file is damaged.
        StorageError: ``out`` cannot be written.
    """
    from humanav.avatar.gaussian import GaussianAvatar
    from humanav.body import BodyModel, measure
    from humanav.export import write_avatar_ply, write_avatar_splats
    from humanav.export.people_scene import Actor, write_scene_glb
    from humanav.jobs.multiview_files import vertex_colors
    from humanav.motion import fit_to_shape, ground, save_npz, write_bvh
    from humanav.view import save_splat_page

    body, avatar = BodyModel.load(), GaussianAvatar.load(source.path(worn.file))
    motion = fit_to_shape(ground(clip, body), body, avatar.betas)
    name = clip.name or "motion"
    inputs = {"avatar": source.id, "wearer": worn.person, "motion": clip.name, "seconds": round(clip.duration, 2)}
    with ResultWriter(Path(out), "animation", content_id("animation", source.id, worn.person, clip), inputs) as writer:
        writer.tell(progress, settings=inputs, sources={"avatar": source, "motion": clip}, parts=("body",))
        splats = writer.add(SPLATS, "The Gaussians with skeleton and motions, for the player", preview=True)
        write_avatar_splats(avatar, splats, {name: motion})
        progress.show("The avatar moves; the video follows.", file=splats, title="Avatar")
        save_splat_page(splats, writer.add(PAGE, "A page that plays the avatar, also offline", "every browser"),
                        title="Avatar", motion=name)
        dressed = Actor("avatar", motion, colors=vertex_colors(avatar, body))
        write_scene_glb(body, {"avatar": [dressed]}, writer.add(
            "avatar.glb", "The body in the avatar's colours, moving", "Blender, Unity, three.js"), clip=name)
        film_motion(writer, avatar, motion, progress, (0.2, 0.95))
        write_bvh(motion, writer.add("motion.bvh", f"The motion ({name}) as a skeleton animation",
                                     "Blender, MotionBuilder, Maya and Cinema 4D"), body)
        save_npz(motion, writer.add("motion.npz", f"The motion ({name}) as SMPL-X parameters",
                                    "Python and the SMPL-X add-on of Blender"), "blender")
        write_avatar_ply(avatar, writer.add("avatar.ply", "The Gaussian avatar in the T-pose", "splat viewers"))
        avatar.save(writer.add(GAUSSIAN_NPZ, "The Gaussian avatar itself, to animate it again", "humanav animate"))
        values = asdict(measure(body, avatar.betas))
        writer.report.update({
            "animation": clip.name, "person": worn.person, "warnings": [], "seconds": round(progress.seconds, 1),
            "quality": "The avatar learned its colours from the views of the capture: what no camera saw is a guess.",
            "measurements": {key: round(float(value), 4) for key, value in values.items()
                             if isinstance(value, float | int)}})
    return writer.result
