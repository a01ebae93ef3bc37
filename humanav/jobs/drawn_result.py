"""A drawn skeleton's pose as a result of its own, which an avatar can take and other jobs can go on with."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from humanav import __version__
from humanav.jobs.drawn_pose import Drawing, lift_drawing_motion
from humanav.progress import Progress
from humanav.results import Result, ResultWriter, content_id, weights_id

DRAWN_STAGES = ("Lifting the pose",)


def drawing_id(drawing: Drawing) -> str:
    """The id that :func:`keep_drawing` gives its result: the same drawing has the same id."""
    return content_id("pose", __version__, weights_id("uplift/blazepose33"), drawing)


def keep_drawing(drawing: Drawing, *, out: str | Path, progress: Progress | None = None) -> Result:
    """Lift a drawn skeleton and keep the pose: motion.npz (one frame, standing on the floor), pose.bvh and body.glb.

    Raises:
        InputError: fewer than four points are seen.
        StorageError: ``out`` cannot be written.
        Cancelled: ``progress`` was told to stop.
    """
    from PIL import Image

    from humanav.body import BodyModel
    from humanav.export import write_body_glb
    from humanav.jobs.uplift import placed
    from humanav.motion import save_npz, write_bvh
    from humanav.view.poses import pose_pictures

    progress = progress or Progress(len(DRAWN_STAGES))
    progress.next(DRAWN_STAGES[0])
    body = BodyModel.load()
    pose = placed(replace(lift_drawing_motion(drawing, body=body), name="pose"), body)
    with ResultWriter(Path(out), "pose", drawing_id(drawing), {"points": int((drawing.points[:, 2] > 0).sum())}) as \
            writer:
        writer.tell(progress, sources={"drawing": drawing.points}, parts=("body", "uplift"))
        save_npz(pose, writer.add("motion.npz", "The pose as SMPL-X parameters",
                                  "Python and the SMPL-X add-on of Blender"), "blender")
        write_bvh(pose, writer.add("pose.bvh", "The pose as a skeleton", "Blender, MotionBuilder and Maya"), body)
        write_body_glb(body, pose.betas, {"pose": pose}, writer.add("body.glb", "The body in this pose",
                                                                    "Blender, Unity and three.js"))
        picture = next(pose_pictures(body, pose, (360, 440)))
        Image.fromarray(picture).save(writer.add("preview.png", "The pose", "everything", preview=True))
        writer.report.update({"quality": "A pose from a drawing: its depth is the likeliest, not a measured one.",
                              "warnings": [], "seconds": round(progress.seconds, 2)})
    return writer.result
