"""``humanav uplift``: 2D keypoints to 3D joint rotations, from training to a lifted clip."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import typer

from humanav.cli.shared import Json, progress

app = typer.Typer(name="uplift", no_args_is_help=True,
                  help="2D keypoints to 3D joint rotations: prepare, train, eval, run, anthropometrics.")


@app.callback()
def _group() -> None:
    pass


@app.command()
def train(
    config: Annotated[str, typer.Option(help="A YAML file, or a shipped one, such as tcn or tcn-coco17.")] = "tcn",
    cmu: Annotated[Path | None, typer.Option(help="The compact CMU npz.", show_default=False)] = None,
    out: Annotated[Path | None, typer.Option(help="Folder for the weights.", show_default=False)] = None,
    init: Annotated[Path | None, typer.Option(help="Folder of a network, of any layout, to start from.",
                                              show_default=False)] = None,
    seed: Annotated[int | None, typer.Option(help="Of all random numbers.", show_default=False)] = None,
    minutes: Annotated[float | None, typer.Option(help="Processor time, instead of the configured steps.",
                                                  show_default=False)] = None,
    resume: Annotated[bool, typer.Option("--resume", help="Go on where a run in the same folder stopped.")] = False,
    as_json: Json = False,
) -> None:
    """Train a network on captured motion seen by random cameras through a simulated detector."""
    from humanav.uplift.config import UpliftConfig
    from humanav.uplift.training import STAGES
    from humanav.uplift.training import train as run

    plan = UpliftConfig.load(config).changed(init=init, seed=seed)
    done = run(plan, cmu=cmu, out=out, minutes=minutes, resume=resume, progress=progress(STAGES))
    typer.echo(json.dumps({"folder": str(done.folder), **done.report}) if as_json else
               "\n".join([*(f"{name:16} {value:g}" for name, value in done.report["validation"].items()),
                          str(done.folder)]))


@app.command(name="eval")
def evaluate(
    cmu: Annotated[Path, typer.Option(help="The compact CMU npz.")] = Path("cmu_subset.npz"),
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
