"""``humanav batch``: a job over every file of a folder."""

from __future__ import annotations

import json
import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from humanav.cli.shared import Json
from humanav.errors import InputError

if TYPE_CHECKING:
    from humanav.batch import Book, Item


def batch(
    folder: Annotated[Path, typer.Argument(help="A folder of inputs.", show_default=False)],
    job: Annotated[Literal["avatar", "track", "uplift", "denoise"], typer.Option(
        help="avatar: from photos; track: from videos; uplift: from photos, videos or keypoint files; denoise: from "
             "motion files (npz, npy, bvh, amc).", show_default=False)],
    out: Annotated[Path | None, typer.Option(help="Folder for the results. By default FOLDER_JOB beside the inputs.",
                                             show_default=False)] = None,
    workers: Annotated[int | None, typer.Option(help="Items at a time. By default one for every core, as far as each "
                                                "has 2 GB of memory; on a cluster one for every worker.",
                                                show_default=False)] = None,
    cluster: Annotated[str | None, typer.Option(help="Address of a Dask scheduler, such as tcp://192.168.0.10:8786: "
                                                "its workers do the work.", show_default=False)] = None,
    retries: Annotated[int, typer.Option(help="How often an item is tried again when a failure may pass.")] = 2,
    option: Annotated[list[str] | None, typer.Option(help="An option of the job, as name=value: height=1.75. May be "
                                                     "repeated.", show_default=False)] = None,
    motion: Annotated[str | None, typer.Option(help="Of avatars: a clip's name or a motion file (walk).",
                                               show_default=False)] = None,
    mode: Annotated[str | None, typer.Option(help="Of tracks: fast or accurate.", show_default=False)] = None,
    recursive: Annotated[bool, typer.Option("--recursive", help="Look into folders below it too.")] = False,
    limit: Annotated[int | None, typer.Option(help="Only the first so many inputs.", show_default=False)] = None,
    as_json: Json = False,
) -> None:
    """Run a job over every file of a folder, several at a time.

    Each input gets a folder of its own in OUT; OUT/index.html shows them all, OUT/batch.json has the same for programs.
    One bad file does not stop the others. Ctrl-C stops; the same command goes on: what is finished is kept, what failed
    is tried once more. A result for another input of the same name, or for other options, is made anew. The exit code
    is 1 when something failed.

    On several machines, start `dask scheduler` on one and `dask worker tcp://ADDRESS:8786 --nworkers 4 --nthreads 1` on
    each, with inputs and results on a disk that all see under the same path.
    """
    from humanav.batch import BatchOptions, run_batch, usual_out
    from humanav.batch.page import summary

    words = _options(option or [], job, motion, mode)
    plan = BatchOptions(job, words, workers, cluster, retries, recursive, limit)
    with _Bar() as bar, _ended_gently():
        book = run_batch(folder, plan, out=out or usual_out(folder, job), listener=bar.told)
    if as_json:
        typer.echo(json.dumps(_told(book)))
    else:
        typer.echo(summary(book))
        typer.echo(str(book.out / "index.html"))
    if book.count("failed"):
        raise typer.Exit(1)


def _options(option: list[str], job: str, motion: str | None, mode: str | None) -> list[str]:
    """All options of the job as name=value."""
    for name, value, owner in (("motion", motion, "avatar"), ("mode", mode, "track")):
        if value is not None and job != owner:
            raise InputError(f"--{name} is for --job {owner}, not for {job}.")
    return [*option, *(f"{name}={value}" for name, value in (("motion", motion), ("mode", mode)) if value is not None)]


@contextmanager
def _ended_gently() -> Iterator[None]:
    """A request to end, as job systems and containers send it, stops like Ctrl-C."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


class _Bar:
    """A line that fills up on stderr, with a sentence for each failure."""

    def __init__(self) -> None:
        self._line: Any = None

    def __enter__(self) -> _Bar:
        return self

    def __exit__(self, *_: object) -> None:
        if self._line is not None:
            self._line.close()

    def told(self, book: Book, item: Item | None) -> None:
        """A listener of :func:`humanav.batch.run_batch`."""
        from tqdm import tqdm

        if item is None:
            for name, why in book.passed_over[:20]:
                typer.echo(f"Passed over: {name} ({why})", err=True)
            if len(book.passed_over) > 20:
                typer.echo(f"Passed over: {len(book.passed_over) - 20} more", err=True)
            typer.echo(f"{len(book.items)} inputs, {book.workers}", err=True)
            self._line = tqdm(total=len(book.items), unit="item", desc=book.job, dynamic_ncols=True)
            return
        if item.state == "failed":
            self._line.write(f"{item.source}: {item.sentence}", file=self._line.fp)
        elif item.state == "waiting" and item.sentence:
            self._line.write(f"{item.source}: {item.sentence} It is tried again.", file=self._line.fp)
        if item.state in ("done", "failed"):
            self._line.set_postfix(failed=book.count("failed"), refresh=False)
            self._line.update()


def _told(book: Book) -> dict[str, Any]:
    """What ``--json`` prints."""
    return {"out": str(book.out), "job": book.job, "items": len(book.items), "done": book.count("done"),
            "kept": book.kept, "failed": book.count("failed"), "waiting": book.count("waiting"),
            "seconds": round(book.seconds, 2), "workers": book.workers, "passed_over": len(book.passed_over),
            "report": str(book.out / "index.html"), "state": str(book.out / "batch.json"),
            "results": {item.source: {"folder": item.name, "state": item.state, "seconds": item.seconds,
                                      "sentence": item.sentence, "files": [name for name, _, _ in item.files]}
                        for item in book.items.values()}}
