"""What every verb prints: its stages as they come, and the files it left."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Annotated

import typer

from humanav.progress import Event, Progress

if TYPE_CHECKING:
    from humanav.results import Result

Json = Annotated[bool, typer.Option("--json", help="Print one JSON object as the last line.")]


def show_result(result: Result, as_json: bool) -> None:
    """The result's files and warnings, or one JSON object."""
    if as_json:
        typer.echo(json.dumps({"folder": str(result.folder), "id": result.id, "report": result.report,
                               "files": [file.name for file in result.files]}))
        return
    for file in result.downloads:
        opens = f" ({file.opens_in})" if file.opens_in else ""
        typer.echo(f"{file.name:20} {_size(file.size):>9}  {file.purpose}{opens}")
    for sentence in result.report.get("warnings", ()):
        typer.echo(f"Note: {sentence}")
    typer.echo(str(result.folder))


def progress(steps: int) -> Progress:
    """A progress that names each stage on stderr."""
    last = [0]

    def say(event: Event) -> None:
        if event.step != last[0]:
            last[0] = event.step
            typer.echo(f"[{event.step}/{event.steps}] {event.stage}", err=True)
        if event.caption:
            typer.echo(f"      {event.caption} ({event.seconds:.1f} s)", err=True)

    return Progress(steps, say)


def _size(size: int) -> str:
    return f"{size / 1e6:.1f} MB" if size >= 1e5 else f"{size / 1e3:.1f} kB"
