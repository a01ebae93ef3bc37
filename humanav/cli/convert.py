"""``humanav convert``: any motion file to npz, BVH or GLB."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from humanav.cli.shared import Asf, Json, Map, whole
from humanav.errors import InputError

if TYPE_CHECKING:
    from humanav.motion import Motion

Axis = Literal["y", "z"]
Style = Literal["humanav", "smplx", "amass", "blender"]

In = Annotated[Path, typer.Argument(help="A motion: .npz, .npy, .bvh, .amc, or a text of exponential maps.",
                                    show_default=False)]
Out = Annotated[Path | None, typer.Argument(help="What to write: .npz, .bvh or .glb (our body, animated).",
                                            show_default=False)]
WriteMap = Annotated[Path | None, typer.Option(help="Write such a mapping to fill in, with the names found.",
                                               show_default=False)]
Fps = Annotated[float | None, typer.Option(help="Frames per second to write; by default the file's.",
                                           show_default=False)]
Source = Annotated[float | None, typer.Option(help="Frames per second of the file, where it does not say.",
                                              show_default=False)]
Up = Annotated[Axis | None, typer.Option(help="Vertical axis of the npz to write; by default the style's.",
                                         show_default=False)]
SourceUp = Annotated[Axis | None, typer.Option(help="Vertical axis of the file, when known.", show_default=False)]
Quats = Annotated[Literal["wxyz", "xyzw"] | None, typer.Option(help="Order of the file's quaternions, when known.",
                                                               show_default=False)]


def convert(
    source: In, out: Out = None, asf: Asf = None, joint_map: Map = None, write_map: WriteMap = None, fps: Fps = None,
    style: Annotated[Style, typer.Option(help="Keys of the npz.")] = "smplx", up: Up = None, source_fps: Source = None,
    source_up: SourceUp = None, quats: Quats = None,
    ground: Annotated[bool, typer.Option("--ground", help="Set the body on the floor, y = 0.")] = False,
    as_json: Json = False,
) -> None:
    """Convert a motion between npz, BVH, ASF/AMC, exponential maps and GLB, and say what had to be assumed."""
    from humanav.motion import frame_quality, read_motion
    from humanav.motion.files import read_skeleton
    from humanav.motion.skeletons import write_joint_map

    if write_map is not None:
        typer.echo(str(write_joint_map(read_skeleton(source, asf), write_map)))
        if out is None:
            return
    if out is None or out.suffix.lower() not in (".npz", ".bvh", ".glb"):
        raise InputError("Say what to write: a file that ends in .npz, .bvh or .glb.")
    loaded = read_motion(source, asf=asf, joint_map=joint_map, fps=source_fps, up=source_up, quats=quats)
    if fps is not None:
        loaded = loaded.at(fps)
    motion = loaded.motion
    with whole(out) as part:
        _write(motion, part, style, up, ground)
    quality = frame_quality(motion, loaded.missing)
    if as_json:
        typer.echo(json.dumps({"file": str(out), "frames": len(motion), "fps": motion.fps, "notes": loaded.notes,
                               "missing_frames": int(loaded.missing.any(axis=1).sum()),
                               "usable_frames": int(quality.usable.sum()), "quality": quality.summary()}))
        return
    for note in (*loaded.notes, quality.summary()):
        typer.echo(f"Note: {note}")
    typer.echo(f"{out}: {len(motion)} frames, {motion.fps:g} frames per second, {motion.duration:.2f} s")


def _write(motion: Motion, out: Path, style: Style, up: Axis | None, ground: bool) -> None:
    from humanav.body import BodyModel
    from humanav.export import write_body_glb
    from humanav.motion import ground as on_floor
    from humanav.motion import save_npz, write_bvh

    body = BodyModel.load()
    motion = on_floor(motion, body) if ground else motion
    match out.suffix.lower():
        case ".npz":
            save_npz(motion, out, style, up=up, body=body)
        case ".bvh":
            write_bvh(motion, out, body)
        case _:
            write_body_glb(body, motion.betas, {motion.name or "motion": motion}, out, name=motion.name or "motion")
