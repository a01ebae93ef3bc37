"""``humanav uplift``: 2D keypoints to 3D joint rotations, from training to a lifted clip."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated, Literal

import typer

from humanav.cli.shared import Devices, Json, progress, show_result, together
from humanav.errors import InputError

app = typer.Typer(name="uplift", no_args_is_help=True,
                  help="2D keypoints to 3D joint rotations: prepare, train, eval, run, anthropometrics.")


@app.callback()
def _group() -> None:
    pass


@app.command()
def prepare(
    kind: Annotated[Literal["amass", "fit3d"], typer.Argument(help="Which data set.", show_default=False)],
    place: Annotated[Path, typer.Argument(help="Its folder.", show_default=False)],
    out: Annotated[Path, typer.Option(help="The folder to make; an interrupted run goes on there.")],
    body: Annotated[Path | None, typer.Option(help="SMPLX_NEUTRAL.npz, whose shapes fit3D's are.",
                                              show_default=False)] = None,
    fps: Annotated[float, typer.Option(help="Frame rate of AMASS's takes; fit3D's are at 50.")] = 30.0,
    seed: Annotated[int, typer.Option(help="Of AMASS's split by subjects.")] = 0,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace what other data left there.")] = False,
    as_json: Json = False,
) -> None:
    """Make AMASS or fit3D into takes to train on: `humanav uplift train --data FOLDER`."""
    from humanav.uplift.fit3d import prepare_fit3d
    from humanav.uplift.prepare import STAGES, prepare_amass
    from humanav.uplift.prepared import describe

    if kind == "amass":
        made = prepare_amass(place, out, fps=fps, seed=seed, overwrite=overwrite, progress=progress(STAGES))
    elif body is None:
        raise InputError("fit3D's shapes belong to SMPL-X: give --body SMPLX_NEUTRAL.npz.")
    else:
        made = prepare_fit3d(place, out, body=body, overwrite=overwrite, progress=progress(STAGES))
    typer.echo(json.dumps(made) if as_json else "\n".join(describe(made)))


@app.command("train-autoencoder")
def train_autoencoder(
    cmu: Annotated[Path, typer.Option(help="The compact CMU npz.")] = Path("cmu_subset.npz"),
    out: Annotated[Path, typer.Option(help="Folder for the weights.")] = Path("runs/pose_autoencoder"),
    steps: Annotated[int, typer.Option(help="Of the optimiser.", min=1)] = 9000,
    minutes: Annotated[float | None, typer.Option(help="Processor time, instead of steps.", show_default=False)] = None,
    seed: Annotated[int, typer.Option(help="Of all random numbers.")] = 0,
    resume: Annotated[bool, typer.Option("--resume", help="Go on where a run in the same folder stopped.")] = False,
    as_json: Json = False,
) -> None:
    """Train the pose decoder that the variant V-2 holds fixed."""
    from humanav.uplift.pose_autoencoder import cmu_poses
    from humanav.uplift.pose_autoencoder import train_autoencoder as run

    made = run(*cmu_poses(cmu), out, steps=steps, minutes=minutes, seed=seed, resume=resume, progress=progress(1))
    typer.echo(json.dumps(made) if as_json else "\n".join(f"{name:18} {value:g}" for name, value in made.items()))


@app.command()
def train(
    config: Annotated[str, typer.Option(help="A YAML file, or a shipped one, such as tcn or tcn-coco17.")] = "tcn",
    cmu: Annotated[Path | None, typer.Option("--data", "--cmu", help="The compact CMU npz, or a folder that `prepare` "
                                             "made.", show_default=False)] = None,
    out: Annotated[Path | None, typer.Option(help="Folder for the weights.", show_default=False)] = None,
    init: Annotated[Path | None, typer.Option(help="Folder of a network, of any layout, to start from.",
                                              show_default=False)] = None,
    seed: Annotated[int | None, typer.Option(help="Of all random numbers.", show_default=False)] = None,
    minutes: Annotated[float | None, typer.Option(help="Processor time, instead of the configured steps.",
                                                  show_default=False)] = None,
    resume: Annotated[bool, typer.Option("--resume", help="Go on where a run in the same folder stopped.")] = False,
    devices: Devices = None,
    as_json: Json = False,
) -> None:
    """Train a network on captured motion seen by random cameras through a simulated detector."""
    together(devices, ["uplift", "train"], {"config": config, "data": cmu, "out": out, "init": init, "seed": seed,
                                            "minutes": minutes, "resume": resume, "json": as_json})
    from humanav.parallel import rank
    from humanav.uplift.config import UpliftConfig
    from humanav.uplift.training import STAGES
    from humanav.uplift.training import train as run

    plan = UpliftConfig.load(config).changed(init=init, seed=seed)
    done = run(plan, cmu=cmu, out=out, minutes=minutes, resume=resume, progress=progress(STAGES))
    if rank():
        return  # the first process tells
    typer.echo(json.dumps({"folder": str(done.folder), **done.report}) if as_json else
               "\n".join([*(f"{name:16} {value:g}" for name, value in done.report["validation"].items()),
                          str(done.folder)]))


@app.command(name="eval")
def evaluate(
    cmu: Annotated[Path, typer.Option("--data", "--cmu", help="The compact CMU npz, or a folder that `prepare` made.")
                   ] = Path("cmu_subset.npz"),
    keypoint_set: Annotated[str, typer.Option(help="A layout of keypoints.")] = "blazepose33",
    checkpoint: Annotated[Path | None, typer.Option(help="Folder of a network, instead of the shipped one.",
                                                    show_default=False)] = None,
    validation: Annotated[bool, typer.Option("--validation", help="Subjects 07 and 94, not 03 and 135.")] = False,
    noise: Annotated[float, typer.Option(help="Level of the detector's errors: 0 none, 1 as measured.")] = 1.0,
    frames: Annotated[int, typer.Option(help="Length of a clip; 1 for photos.")] = 81,
    views: Annotated[int, typer.Option(help="Random cameras for every clip.")] = 1,
    no_focal: Annotated[bool, typer.Option("--no-focal", help="Keep the camera from the network.")] = False,
    per_joint: Annotated[bool, typer.Option("--per-joint", help="Add a row for each joint.")] = False,
    kpts_37: Annotated[bool, typer.Option("--kpts-37", help="Score points on hands, feet and face too.")] = False,
    seed: Annotated[int, typer.Option(help="Of bodies, cameras and noise.")] = 0,
    as_json: Json = False,
) -> None:
    """Measure a network on people whom no training has seen, before new random cameras."""
    from humanav.uplift.evaluate import lines, score

    found = score(keypoint_set, cmu, checkpoint=checkpoint, split="validation" if validation else "test", noise=noise,
                  frames=frames, views=views, seed=seed, focal_known=not no_focal,
                  points="evaluation37" if kpts_37 else None)
    if not per_joint:
        del found["joints"]
    typer.echo(json.dumps(found) if as_json else "\n".join(lines(found)))


@app.command()
def run(
    source: Annotated[Path, typer.Argument(help="A photo, a video, a keypoint file (JSON, npz, CSV), or a folder of "
                                           "pictures or OpenPose files.", show_default=False)],
    out: Annotated[Path | None, typer.Option(help="Folder for the files; by default SOURCE_lifted beside it.",
                                             show_default=False)] = None,
    betas: Annotated[str | None, typer.Option(help="Shape of the person, as 0.5,-1,...", show_default=False)] = None,
    anthropometrics: Annotated[Path | None, typer.Option(help="JSON of measurements in metres, for the shape.",
                                                         show_default=False)] = None,
    camera: Annotated[str | None, typer.Option(help="fx,fy,cx,cy in pixels.", show_default=False)] = None,
    pelvis: Annotated[Path | None, typer.Option(help="A .npy (frames, 3): where the pelvis is in the camera's frame, "
                                                "metres.", show_default=False)] = None,
    keypoint_set: Annotated[str | None, typer.Option(help="Layout of a keypoint file.", show_default=False)] = None,
    mapping: Annotated[Path | None, typer.Option(help="JSON {our landmark: number or name of the file's point}.",
                                                 show_default=False)] = None,
    person: Annotated[str | None, typer.Option(help="Which person: a number from 1, or a file's own name.",
                                               show_default=False)] = None,
    size: Annotated[str | None, typer.Option(help="Size of the picture keypoints lie in, as 1920x1080.",
                                             show_default=False)] = None,
    fps: Annotated[float | None, typer.Option(help="Frames per second of a keypoint file.", show_default=False)] = None,
    start: Annotated[float, typer.Option(help="Seconds into a clip longer than a minute.")] = 0.0,
    pictures: Annotated[Path | None, typer.Option(help="The clip or photo that keypoints belong to.",
                                                  show_default=False)] = None,
    render: Annotated[bool, typer.Option(help="Draw the body.")] = True,
    on_image: Annotated[bool, typer.Option("--on-image/--plain", help="Over the frames, or without them.")] = True,
    side_by_side: Annotated[bool, typer.Option(help="Also a video with the view from the side.")] = True,
    smooth: Annotated[bool, typer.Option(help="Smooth the motion.")] = True,
    as_json: Json = False,
) -> None:
    """Lift one person of a photo, a clip or a keypoint file to a body that moves."""
    from humanav.cli.inputs import array, numbers, point_names
    from humanav.jobs.uplift import UPLIFT_STAGES, UpliftOptions, uplift_source
    from humanav.uplift.measurement_input import read_measurements

    options = UpliftOptions(
        numbers(betas, "betas"), None if anthropometrics is None else read_measurements(anthropometrics),
        numbers(camera, "camera", 4), person, keypoint_set, numbers(size, "size", 2), fps, start, smooth,
        ("image" if on_image else "plain") if render else "none", side_by_side)
    show_result(uplift_source(
        source, out=out or source.with_name(f"{source.stem}_lifted"), options=options,
        mapping=point_names(mapping),
        pelvis=array(pelvis, "pelvis"), pictures=pictures, progress=progress(len(UPLIFT_STAGES))), as_json)


_Metres = Annotated[float | None, typer.Option(help="In metres; centimetres and inches are recognised.",
                                               show_default=False)]


@app.command()
def anthropometrics(
    file: Annotated[Path | None, typer.Argument(help="JSON {name: metres} or {person: {name: metres}}, or CSV.",
                                                show_default=False)] = None,
    height: _Metres = None, waist: _Metres = None, chest: _Metres = None, hip: _Metres = None, neck: _Metres = None,
    shoulder_width: _Metres = None, weight: Annotated[float | None, typer.Option(help="In kilograms.")] = None,
    other: Annotated[list[str] | None, typer.Option("--set", help="Any of the 36, as 'left hand length=0.19'. May be "
                                                    "repeated.", show_default=False)] = None,
    person: Annotated[str | None, typer.Option(help="Whose, in a file of several.", show_default=False)] = None,
    unit: Annotated[str | None, typer.Option(help="Of the lengths: m, cm, mm or in.", show_default=False)] = None,
    method: Annotated[str, typer.Option(help="ridge, mlp or linear.")] = "ridge",
    out: Annotated[Path | None, typer.Option(help="The JSON to write.", show_default=False)] = None,
    glb: Annotated[bool, typer.Option("--glb", help="Write the body beside --out too.")] = False,
    as_json: Json = False,
) -> None:
    """Find the body shape that has given measurements; a few are enough."""
    from humanav.cli.inputs import named_values
    from humanav.jobs.shape import shape_lines, shape_report, write_shape
    from humanav.uplift.anthropometrics import betas_from_measurements
    from humanav.uplift.measurement_input import read_measurements

    given = {"height": height, "waist": waist, "chest": chest, "hip": hip, "neck circumference": neck,
             "shoulder width": shoulder_width, "weight": weight}
    values = {**(read_measurements(file, person) if file else {}), **named_values(other or [], "set"),
              **{name: value for name, value in given.items() if value is not None}}
    shape = betas_from_measurements(values, method=method, unit=unit)
    written = write_shape(shape, out or Path("shape.json"), glb) if out or glb else []
    typer.echo(json.dumps(shape_report(shape) | {"files": [str(path) for path in written]}) if as_json else
               "\n".join([*shape_lines(shape), *(str(path) for path in written)]))


@app.command("train-anthropometrics")
def train_anthropometrics(
    out: Annotated[Path, typer.Option(help="The folder to write.", show_default=False)],
    body: Annotated[Path | None, typer.Option(help="A body file; by default the built-in body.",
                                              show_default=False)] = None,
    shapes: Annotated[int, typer.Option(help="How many random shapes to measure.", min=100)] = 8000,
    epochs: Annotated[int, typer.Option(help="Of the network.", min=1)] = 60,
    held_out: Annotated[int, typer.Option(help="Shapes to compare the methods on.", min=10)] = 100,
    seed: Annotated[int, typer.Option(help="Of all random numbers.")] = 0,
    as_json: Json = False,
) -> None:
    """Learn a body's shapes from its measurements: random shapes, measured. Needs no data."""
    from humanav.body import BodyModel
    from humanav.uplift.anthropometric_training import STAGES
    from humanav.uplift.anthropometric_training import train_anthropometrics as run

    config = run(out, BodyModel.load(body), shapes=shapes, epochs=epochs, seed=seed, held_out=held_out,
                 progress=progress(len(STAGES)))
    typer.echo(json.dumps(config) if as_json else "\n".join(
        [*(f"{name:26} {errors['mean_mm']:7.2f} mm" for name, errors in config["metrics"].items()), str(out)]))
