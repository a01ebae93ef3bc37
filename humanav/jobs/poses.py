"""Poses out of nothing, and the way from one pose to another."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from humanav import __version__
from humanav.errors import InputError
from humanav.jobs.animate import motion_inputs
from humanav.jobs.denoise import degrees, open_motion
from humanav.motion import Motion
from humanav.progress import Progress
from humanav.results import Result, ResultWriter, content_id, weights_id

if TYPE_CHECKING:
    from torch import Tensor

    from humanav.body import BodyModel

GENERATE_STAGES = ("Dreaming up poses", "Drawing them")
INTERPOLATE_STAGES = ("Reading the poses", "Walking along the manifold", "Exporting")
MAX_POSES = 48
PATH_FRAMES, PATH_FPS, HOLD = 61, 30.0, 12
"""Frames of a path between two poses, their rate, and how many frames either end is held."""

_GLB = "Blender, Unity, three.js and Windows 3D Viewer"
_NPZ = "Python and the SMPL-X add-on of Blender"
_PICTURE = (264, 324)


@dataclass(frozen=True)
class PoseChoice:
    """One pose that somebody chose.

    Attributes:
        source: a clip's name, a motion file, a Motion, or None for a random pose.
        moment: where in the motion, 0 (first frame) to 1 (last).
        seed: of the random pose.

    Raises:
        InputError: the moment is not between 0 and 1.
    """

    source: str | Path | Motion | None
    moment: float = 0.0
    seed: int = 0

    def __post_init__(self) -> None:
        if not 0 <= self.moment <= 1:
            raise InputError(f"The moment must lie between 0 and 1, not at {self.moment:g}.")


def poses_id(count: int, seed: int) -> str:
    """The id that :func:`generate_poses` gives its result."""
    return content_id("poses", __version__, weights_id("posendf"), count, seed)


def path_id(start: PoseChoice | Motion, end: PoseChoice | Motion) -> str:
    """The id that :func:`interpolate_poses` gives its result: the same two poses have the same id."""
    ends = [pose if isinstance(pose, Motion) else
            [None if pose.source is None else motion_inputs(pose.source), pose.moment, pose.seed]
            for pose in (start, end)]
    return content_id("path", __version__, weights_id("posendf"), ends)


def generate_poses(
    count: int = 12, *, seed: int = 0, out: str | Path, progress: Progress | None = None
) -> Result:
    """Random poses of the manifold.

    Args:
        count: 1 to 48.
        seed: the same seed makes the same poses.
        out: the folder of the result: ``poses.npz`` (one pose a frame), ``poses.glb`` (one animation for each) and the
            previews ``pose_01.png``...; the report holds "distances" (degrees per joint).
        progress: told of ``GENERATE_STAGES``.

    Raises:
        InputError: no such count.
        StorageError: ``out`` cannot be written.
        Cancelled: ``progress`` was told to stop.
    """
    from humanav.body import BodyModel
    from humanav.export import write_body_glb
    from humanav.motion import save_npz
    from humanav.posendf import PoseNDF
    from humanav.posendf.generate import generate
    from humanav.view import AFTER, clay, pose_pictures

    if not 1 <= count <= MAX_POSES:
        raise InputError(f"Between 1 and {MAX_POSES} poses can be made at once, not {count}.")
    progress = progress or Progress(len(GENERATE_STAGES))
    identity = poses_id(count, seed)
    with ResultWriter(Path(out), "poses", identity, {"count": count, "seed": seed}) as writer:
        writer.tell(progress, settings={"count": count, "seed": seed}, parts=("body", "posendf"))
        progress.next(GENERATE_STAGES[0])
        field, body = PoseNDF.load(), BodyModel.load()
        quats = generate(field, count, seed=seed)
        distances = degrees(field.value_and_gradient(quats)[0])
        progress.next(GENERATE_STAGES[1])
        poses = _standing(_motion_of(quats, f"{count} poses", fps=1.0), body)
        for k, picture in enumerate(pose_pictures(body, poses, _PICTURE)):
            name = f"pose_{k + 1:02d}.png"
            _save(picture, writer.add(name, f"Pose {k + 1}", preview=True))
            progress.update((k + 1) / count)
        save_npz(poses, writer.add("poses.npz", "All poses, one a frame, as SMPL-X parameters", _NPZ), "blender")
        write_body_glb(body, None, {f"Pose {k + 1}": poses[k] for k in range(count)},
                       writer.add("poses.glb", "A body with one animation for each pose", _GLB), color=clay(AFTER))
        writer.report.update({"distances": np.round(distances, 2).tolist(), "seconds": round(progress.seconds, 2)})
    return writer.result


def choose_pose(choice: PoseChoice) -> Motion:
    """The chosen pose as a Motion of one frame, facing the viewer.

    Raises:
        InputError, MotionFileError: as :func:`humanav.jobs.denoise.open_motion`.
    """
    from humanav.posendf import PoseNDF
    from humanav.posendf.generate import generate

    if choice.source is None:
        return _motion_of(generate(PoseNDF.load(), 1, seed=choice.seed), "random")
    motion = open_motion(choice.source).motion
    return _facing(motion[round(choice.moment * (len(motion) - 1))])


def draw_pose(choice: PoseChoice, out: str | Path) -> Path:
    """A small picture (PNG, transparent) of a chosen pose; raises as :func:`choose_pose`."""
    from humanav.body import BodyModel
    from humanav.view import pose_pictures

    _save(next(pose_pictures(BodyModel.load(), choose_pose(choice), _PICTURE)), Path(out))
    return Path(out)


def interpolate_poses(
    start: PoseChoice | Motion, end: PoseChoice | Motion, *, out: str | Path, progress: Progress | None = None
) -> Result:
    """The way from one pose to another: each joint turned straight (slerp), and along the manifold.

    Args:
        start, end: the poses; of a Motion the first frame.
        out: the folder of the result: ``path.npz``, ``path.glb`` (along the manifold) and ``comparison.glb``; the
            report holds "curves" (degrees per joint, one value a frame), "mean", "people" and "duration".
        progress: told of ``INTERPOLATE_STAGES``.

    Raises:
        InputError, MotionFileError: a pose cannot be used.
        StorageError: ``out`` cannot be written.
        Cancelled: ``progress`` was told to stop.
    """
    from humanav.body import BodyModel
    from humanav.export import Companion, write_body_glb, write_people_glb
    from humanav.motion import save_npz
    from humanav.posendf import PoseNDF
    from humanav.posendf.interpolate import interpolate
    from humanav.posendf.poses import motion_to_quats
    from humanav.posendf.quaternions import slerp
    from humanav.view import AFTER, BEFORE, clay

    progress = progress or Progress(len(INTERPOLATE_STAGES))
    progress.next(INTERPOLATE_STAGES[0])
    ends = [choose_pose(pose) if isinstance(pose, PoseChoice) else _facing(pose[0]) for pose in (start, end)]
    names = [pose.name or "pose" for pose in ends]
    identity = path_id(start, end)
    with ResultWriter(Path(out), "path", identity, {"start": names[0], "end": names[1]}) as writer:
        chosen = {"start": start, "end": end}
        writer.tell(progress, settings={name: pose for name, pose in chosen.items() if isinstance(pose, PoseChoice)},
                    sources={name: pose.source if isinstance(pose, PoseChoice) else pose
                             for name, pose in chosen.items()}, parts=("body", "posendf"))
        import torch

        field, body = PoseNDF.load(), BodyModel.load()
        a, b = (motion_to_quats(pose)[0] for pose in ends)
        progress.next(INTERPOLATE_STAGES[1])
        part = torch.linspace(0, 1, PATH_FRAMES)[:, None, None]
        ways = {"Straight": slerp(a[None], b[None], part), "Along the manifold": interpolate(field, a, b, PATH_FRAMES)}
        progress.next(INTERPOLATE_STAGES[2])
        curves = {name: degrees(field.value_and_gradient(quats)[0]) for name, quats in ways.items()}
        roots = _roots(ends[0], ends[1])
        motions = {name: _held(_standing(replace(_motion_of(quats, name, PATH_FPS), global_orient=roots), body))
                   for name, quats in ways.items()}
        path = replace(motions["Along the manifold"], name=f"{names[0]} to {names[1]}")
        save_npz(path, writer.add("path.npz", "The way along the manifold as SMPL-X parameters", _NPZ), "blender")
        write_body_glb(body, None, {path.name: path}, writer.add("path.glb", "A body that goes that way", _GLB))
        colors = dict(zip(motions, (BEFORE, AFTER)))
        write_people_glb(body, None, {name: Companion(motion, clay(colors[name])) for name, motion in motions.items()},
                         writer.add("comparison.glb", "Both ways side by side", _GLB))
        writer.report.update({
            "people": list(motions), "duration": (len(path) - 1) / path.fps, "names": names,
            "curves": {name: np.pad(values, HOLD, mode="edge").round(3).tolist() for name, values in curves.items()},
            "mean": {name: round(float(values.mean()), 2) for name, values in curves.items()},
            "seconds": round(progress.seconds, 2)})
    return writer.result


def _motion_of(quats: Tensor, name: str, fps: float = 30.0) -> Motion:
    from humanav.posendf.poses import with_quats

    rest = Motion.from_full_pose(np.zeros((len(quats), 55, 3), dtype=np.float32), fps, name=name)
    return with_quats(rest, quats)


def _standing(motion: Motion, body: BodyModel) -> Motion:
    """Every frame's lowest point on the floor, the pelvis over the origin."""
    from humanav.motion import floor_heights

    motion = replace(motion, transl=np.zeros_like(motion.transl))
    lift = np.zeros((len(motion), 3), dtype=np.float32)
    lift[:, 1] = -floor_heights(motion, body)
    return replace(motion, transl=lift)


def _facing(pose: Motion) -> Motion:
    """One frame turned about the vertical to face +z, without its travel."""
    from scipy.spatial.transform import Rotation

    turn = Rotation.from_rotvec(pose.global_orient[0])
    front = turn.apply([0.0, 0.0, 1.0])
    if np.hypot(front[0], front[2]) > 0.1:
        turn = Rotation.from_rotvec([0.0, -np.arctan2(front[0], front[2]), 0.0]) * turn
    return replace(pose, global_orient=turn.as_rotvec()[None].astype(np.float32), transl=np.zeros_like(pose.transl))


def _roots(start: Motion, end: Motion) -> Any:
    from scipy.spatial.transform import Rotation, Slerp

    turns = Rotation.from_rotvec(np.concatenate([start.global_orient, end.global_orient]))
    return Slerp([0, 1], turns)(np.linspace(0, 1, PATH_FRAMES)).as_rotvec().astype(np.float32)


def _held(motion: Motion) -> Motion:
    """The motion with its first and last frame held for a moment."""
    index = np.pad(np.arange(len(motion)), HOLD, mode="edge")
    return Motion.from_full_pose(motion.full_pose[index], motion.fps, motion.transl[index], motion.betas,
                                 name=motion.name)


def _save(picture: Any, path: Path) -> None:
    from PIL import Image

    Image.fromarray(picture).save(path, optimize=True)
