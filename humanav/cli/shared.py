"""What every verb prints: its stages as they come, and the files it left."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from humanav.errors import StorageError
from humanav.progress import Event, Progress

if TYPE_CHECKING:
    from humanav.results import Result

Json = Annotated[bool, typer.Option("--json", help="Print one JSON object as the last line.")]
Asf = Annotated[Path | None, typer.Option(help="The skeleton of an .amc file; by default the one beside it.",
                                          show_default=False)]
Map = Annotated[Path | None, typer.Option("--map", help="Names of the file's joints (JSON or YAML), where they are not "
                                          "recognised; `humanav convert --write-map` makes one to fill in.",
                                          show_default=False)]
Devices = Annotated[int | None, typer.Option(
    help="So many GPUs of this machine train together, each on its share of every batch (needs accelerate; without "
         "GPUs, processes on the CPU). On several machines: accelerate launch -m humanav.cli ...", show_default=False)]


def together(devices: int | None, words: list[str], options: dict[str, Any]) -> None:
    """With ``devices``, run the verb ``words`` with these options in so many processes and end with their exit code.

    Args:
        devices: None for this process alone; also when it is one of those already.
        options: by name; None and False are left out, True is a flag.
    """
    from humanav.parallel import launch, launched

    if devices is None or devices == 1 or launched():
        return
    for name, value in options.items():
        if value is not None and value is not False:
            words = [*words, f"--{name}", *([] if value is True else [str(value)])]
    raise typer.Exit(launch(devices, ["-m", "humanav.cli", *words]))


@contextmanager
def whole(path: Path) -> Iterator[Path]:
    """A name beside ``path`` to write under; the file takes its own name when the block ends without an error, and
    nothing of it stays otherwise. Folders that lead to it are made.

    Raises:
        StorageError: the folder cannot be made or written.
    """
    part = path.with_name(f"{path.stem}.part{path.suffix}")
    try:
        if path.is_dir():
            raise IsADirectoryError(None, "it is a folder")
        path.parent.mkdir(parents=True, exist_ok=True)
        part.touch()
        yield part
        os.replace(part, path)
    except (OSError, StorageError) as error:
        why = f" ({error.strerror})" if isinstance(error, OSError) and error.strerror else ""
        raise StorageError(f"{path} cannot be written{why}: choose another file or folder.") from error
    finally:
        with suppress(OSError):  # its folder is none, and so there is nothing of it
            part.unlink(missing_ok=True)


def show_result(result: Result, as_json: bool) -> None:
    """The result's files, how good it is and its warnings, or one JSON object."""
    if as_json:
        typer.echo(json.dumps({"folder": str(result.folder), "id": result.id, "report": result.report,
                               "files": [file.name for file in result.files]}))
        return
    for file in result.downloads:
        opens = f" ({file.opens_in})" if file.opens_in else ""
        typer.echo(f"{file.name:20} {size_in_words(file.size):>9}  {file.purpose}{opens}")
    if quality := result.report.get("quality"):
        typer.echo(quality)
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
        if event.caption and not event.data.get("live"):
            typer.echo(f"      {event.caption} ({event.seconds:.1f} s)", err=True)

    return Progress(steps, say)


def size_in_words(size: int) -> str:
    """Bytes as kB or MB."""
    return f"{size / 1e6:.1f} MB" if size >= 1e5 else f"{size / 1e3:.1f} kB"
