"""The verbs of the whole program, and the entry point.

Heavy packages load inside the commands, so that help answers at once. A user's error is one sentence on stderr and
exit code 2; ``--debug`` shows where it came from.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Annotated, Any

import typer

from humanav import __version__
from humanav.cli import avatar, multiview, posendf, results, uplift
from humanav.cli.avatar import Height, MotionName, Out, Photo, Standing
from humanav.cli.batch import batch
from humanav.cli.convert import convert
from humanav.cli.share import share
from humanav.cli.shared import Json, progress, show_result
from humanav.cli.track import track
from humanav.errors import HumanavError, InputError

app = typer.Typer(name="humanav", no_args_is_help=True, add_completion=False, pretty_exceptions_enable=False,
                  help="From one photo to a person you can turn, animate, measure and download.")
app.add_typer(avatar.app)
app.add_typer(posendf.app)
app.add_typer(uplift.app)
app.add_typer(multiview.app)
app.add_typer(results.app)
app.command()(convert)
app.command()(track)
app.command()(share)
app.command()(batch)


def _version(wanted: bool) -> None:
    if wanted:
        typer.echo(__version__)
        raise typer.Exit


@app.callback()
def _options(
    version: Annotated[bool, typer.Option("--version", help="Print the version and stop.", is_eager=True,
                                          callback=_version)] = False,
    debug: Annotated[bool, typer.Option("--debug", help="Show where an error came from.")] = False,
) -> None:
    pass


@app.command()
def animate(
    result: Annotated[Path, typer.Argument(help="A result folder of `humanav avatar`.", show_default=False)],
    motion: MotionName = "walk",
    out: Out = None,
    person: Annotated[str, typer.Option(help="Who of a tracked clip: 1, 2, ... or 2b for a later part.",
                                        show_default=False)] = "",
    use_background: Annotated[bool, typer.Option("--use-background", help="Show the avatar in the tracked clip, in the "
                                                 "place of the person.")] = False,
    background: Annotated[str, typer.Option(help="'plain', or a picture to show the avatar in.",
                                            show_default=False)] = "",
    shape: Annotated[str, typer.Option(help="Whose body: 'avatar' keeps the avatar's own, 'motion' takes the one that "
                                            "comes with the motion.")] = "avatar",
    as_json: Json = False,
) -> None:
    """Give a finished avatar another motion, without fitting the photo again."""
    from humanav.jobs import ANIMATE_STAGES, animate_avatar

    if use_background and background:
        raise InputError("Choose one background: --use-background for the clip's own, or --background for another.")
    target = out or result.with_name(f"{result.name}_{Path(motion).stem}")
    done = animate_avatar(result, motion, out=target, person=person, shape=shape,
                          background="original" if use_background else background or "none",
                          progress=progress(len(ANIMATE_STAGES)))
    show_result(done, as_json)


@app.command()
def measure(
    photo: Photo, height: Height = None, standing: Standing = None, as_json: Json = False,
) -> None:
    """Estimate body measurements from a photo (give --height for their scale)."""
    from humanav.jobs import MEASURE_STAGES, measure_photo

    values = measure_photo(photo, height=height, standing=standing, progress=progress(len(MEASURE_STAGES)))
    if as_json:
        typer.echo(json.dumps(values))
        return
    for name, value in values.items():
        typer.echo(f"{name.replace('_', ' '):24} {value:8.1f} kg" if name == "mass" else
                   f"{name.replace('_', ' '):24} {100 * value:8.1f} cm")


@app.command()
def clips() -> None:
    """List the motions that come with humanav."""
    from humanav.motion import CLIP_NAMES

    typer.echo("\n".join(CLIP_NAMES))


@app.command()
def doctor(as_json: Json = False) -> None:
    """Say what this installation has, where, and what each optional part would add."""
    from dataclasses import asdict

    from humanav import doctor as findings

    if as_json:
        typer.echo(json.dumps({"machine": findings.machine(), "parts": [asdict(p) for p in findings.inspect()]}))
    else:
        typer.echo(findings.report())


@app.command()
def bench(
    name: Annotated[str, typer.Argument(help="Which measurement: photo, body, ...", show_default=False)],
    quick: Annotated[bool, typer.Option("--quick", help="A small run that only shows that it works.")] = False,
    seed: Annotated[int | None, typer.Option(help="Seed of the random inputs.", show_default=False)] = None,
    people: Annotated[int | None, typer.Option(help="How many synthetic people.", show_default=False)] = None,
    poses: Annotated[str | None, typer.Option(help="Poses of the photo benchmark: authored or cmu (held out).",
                                              show_default=False)] = None,
    prior: Annotated[str | None, typer.Option(help="Prior of the photo benchmark's fit: gmm or manifold.",
                                              show_default=False)] = None,
    start: Annotated[str | None, typer.Option(help="Start of the photo benchmark's fit: lift, uplift or both.",
                                              show_default=False)] = None,
    as_json: Json = False,
    write: Annotated[bool, typer.Option("--write", help="Store the numbers and write BENCHMARKS.md.")] = False,
) -> None:
    """Measure: runs benchmarks/NAME.py and prints its numbers."""
    from humanav import bench as benches

    options: dict[str, Any] = {"quick": quick, "seed": seed, "people": people, "poses": poses,
                               "prior": prior, "start": start}
    numbers = benches.run(name, **options)
    if write:
        benches.store(name, numbers, options)
        typer.echo(f"wrote {benches.write_markdown().name}", err=True)
    typer.echo(json.dumps(numbers, indent=None if as_json else 1))


def main(arguments: list[str] | None = None) -> None:
    """Run the command line; exit code 2 and one sentence for an error of the user's."""
    words = list(sys.argv[1:] if arguments is None else arguments)
    debug = "--debug" in words
    try:
        app([word for word in words if word != "--debug"], prog_name="humanav")
    except HumanavError as error:
        if debug:
            raise
        typer.echo(f"humanav: {error}", err=True)
        sys.exit(2)
    except OSError as error:  # a full disk, or a folder that may not be written, wherever it was met
        if debug or error.strerror is None:
            raise
        place = error.filename or "A file"
        typer.echo(f"humanav: {place} cannot be read or written ({error.strerror}): choose another place.", err=True)
        sys.exit(2)

