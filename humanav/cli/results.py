"""`humanav results`: the store of this user, from a shell, and results that go to the Hub and come back.

Whoever may read the folder of the store is its owner and sees everybody's entries; visitors of the app never do.
"""

from __future__ import annotations

import json
import os
import time
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from humanav.cli.shared import Json, size_in_words
from humanav.errors import InputError

if TYPE_CHECKING:
    from humanav.results import Result
    from humanav.store import Record, Store

app = typer.Typer(name="results", no_args_is_help=True, help="Results that were kept: list, show, open, rename, "
                                                             "delete, and copy to the Hugging Face Hub and back.")

Which = Annotated[str, typer.Argument(help="An id of `humanav results list` (its beginning is enough), or a result's "
                                           "folder.", show_default=False)]
Entry = Annotated[str, typer.Argument(help="An id of `humanav results list`; its beginning is enough.",
                                      show_default=False)]
Storage = Annotated[str, typer.Option(help="The store: a folder, hf://datasets/USER/NAME or hf://buckets/USER/NAME; by "
                                           "default what HUMANAV_STORAGE says.", show_default=False)]
Place = Annotated[str, typer.Argument(help="hf://datasets/USER/NAME or hf://buckets/USER/NAME.", show_default=False)]


@app.command("list")
def list_(storage: Storage = "", as_json: Json = False) -> None:
    """List what is kept, the latest first."""
    store = _store(storage)
    records = store.all()
    if as_json:
        typer.echo(json.dumps([_told(record) for record in records]))
        return
    for record in records:
        when = time.strftime("%Y-%m-%d %H:%M", time.localtime(record.created))
        typer.echo(f"{record.id[:10]}  {when}  {record.state:8} {record.kind:10} {size_in_words(record.size):>9}  "
                   f"{record.title}")
    typer.echo(f"{len(records)} in {store.base}, {size_in_words(store.used())}", err=True)


@app.command()
def show(which: Which, storage: Storage = "", as_json: Json = False) -> None:
    """Say what a result holds, what it was made from, by what, in which time, and under which terms."""
    record, result = _find(which, storage)
    if as_json:
        typer.echo(json.dumps((_told(record) if record else {}) | _manifest(result)))
        return
    lines = [f"{record.title} ({record.state}, {record.id})"] if record else []
    if record and record.note:
        lines.append(record.note)
    if result is not None:
        lines += _lines(result)
    typer.echo("\n".join(lines))


@app.command("open")
def open_(which: Which, storage: Storage = "") -> None:
    """Print the folder of a result and open it on the screen, where there is one."""
    _, result = _find(which, storage)
    if result is None:
        raise InputError("This was not finished, so there is nothing to open: run it again.")
    typer.echo(str(result.folder))
    typer.launch(str(result.folder))


@app.command()
def rename(entry: Entry, title: Annotated[str, typer.Argument(help="The new name.", show_default=False)],
           storage: Storage = "") -> None:
    """Give a result another name."""
    store = _store(storage)
    record = store.retitle(_record(store, entry).id, title)
    _wait(store)
    typer.echo(record.title)


@app.command()
def delete(entries: Annotated[list[str], typer.Argument(help="Ids of `humanav results list`.", show_default=False)],
           storage: Storage = "") -> None:
    """Delete results with their files and the copies of their inputs, for good."""
    store = _store(storage)
    for record in [_record(store, entry) for entry in entries]:
        store.remove(record.id)
        typer.echo(f"deleted {record.id[:10]} {record.title}")
    _wait(store)


@app.command()
def sweep(storage: Storage = "", as_json: Json = False) -> None:
    """Clean up as the app does every hour: what is over its time, too much, broken off or nobody's."""
    store = _store(storage)
    done = store.sweep()
    _wait(store)
    if as_json:
        typer.echo(json.dumps({"deleted": done.deleted, "broken": done.broken, "emptied": done.emptied,
                               "others": done.others, "used": store.used()}))
        return
    typer.echo(f"{len(done.deleted)} deleted, {len(done.broken)} had broken off, {done.others} leftovers removed; "
               f"{size_in_words(store.used())} in {store.base}")


@app.command()
def push(which: Which, place: Place, storage: Storage = "", as_json: Json = False) -> None:
    """Copy a result to your own dataset or bucket on the Hugging Face Hub; a private one is made where there is none.

    Log in first with `hf auth login`, or set HF_TOKEN.
    """
    from humanav.store import parse_place, push_result

    parse_place(place)
    _, result = _find(which, storage)
    if result is None:
        raise InputError("This was not finished, so there is nothing to copy: run it again.")
    typer.echo(f"Copying {len(result.files)} files to {place}.", err=True)
    url = push_result(result, place)
    typer.echo(json.dumps({"url": url}) if as_json else url)


@app.command()
def pull(
    place: Place,
    name: Annotated[str, typer.Argument(help="The folder of one result there; without it, what is there is listed.",
                                        show_default=False)] = "",
    out: Annotated[Path | None, typer.Option(help="The folder to make; by default one of the same name here.",
                                             show_default=False)] = None,
    as_json: Json = False,
) -> None:
    """Fetch a result that `humanav results push` copied to the Hugging Face Hub."""
    from humanav.store import pull_result, pushed_results

    if not name:
        found = pushed_results(place)
        typer.echo(json.dumps(found) if as_json else "\n".join(found) or f"There are no results in {place}.")
        return
    result = pull_result(place, name, out or Path(name))
    typer.echo(json.dumps({"folder": str(result.folder), **_manifest(result)}) if as_json else str(result.folder))


def _store(storage: str) -> Store:
    from humanav.store import open_store

    return open_store(storage or None)


def _wait(store: Store) -> None:
    """What is mirrored is stored there before the program ends, or that is said."""
    if store.mirror is not None and not store.mirror.flush():
        typer.echo(f"Note: not stored remotely yet. {store.mirror.problem}", err=True)


def _record(store: Store, entry: str) -> Record:
    found = [record for record in store.all() if record.id.startswith(entry.lower())] if entry else []
    if len(found) != 1:
        said = entry[:40]
        raise InputError(f"There is no result {said!r} in {store.base}: see `humanav results list`." if not found else
                         f"{said!r} is the beginning of {len(found)} ids: write more of it.")
    return found[0]


def _find(which: str, storage: str) -> tuple[Record | None, Result | None]:
    """An entry of the store with its result, or the result of a folder."""
    from humanav.results import Result
    from humanav.store import is_id

    if os.path.isdir(which):  # whatever was typed
        return None, Result.load(which)
    store = _store(storage)
    kept = store.find(which if is_id(which) else _record(store, which).id)
    return kept.record, kept.result


def _told(record: Record) -> dict[str, Any]:
    return {"id": record.id, "state": record.state, "kind": record.kind, "title": record.title, "tab": record.tab,
            "created": record.created, "opened": record.opened, "bytes": record.size, "note": record.note}


def _manifest(result: Result | None) -> dict[str, Any]:
    if result is None:
        return {}
    return {"folder": str(result.folder), "files": [file.name for file in result.files], "sources": result.sources,
            "settings": result.settings, "versions": result.versions, "timings": result.timings,
            "licences": [{"part": one.part, "licence": one.licence, "notice": one.notice} for one in result.licences]}


def _lines(result: Result) -> list[str]:
    lines = [f"{result.kind}, made {result.created}, {size_in_words(sum(file.size for file in result.files))}",
             str(result.folder), "", "Files"]
    lines += [f"  {file.name:24} {size_in_words(file.size):>9}  {file.purpose}" for file in result.downloads]
    if result.sources:
        lines += ["", "Made from"]
    for name, told in result.sources.items():
        what = told.get("file") or told.get("clip") or told.get("result") or "data"
        lines.append(f"  {name}: {what}" + (f", SHA-256 {told['sha256'][:16]}..." if "sha256" in told else ""))
    if result.settings:
        lines += ["", "Settings", *(f"  {name}: {value}" for name, value in result.settings.items())]
    if result.timings:
        lines += ["", "Time", *(f"  {stage}: {seconds:.1f} s" for stage, seconds in result.timings)]
    versions = [f"{name} {version}" for name, version in result.versions.items() if isinstance(version, str)]
    if versions:
        lines += ["", "Versions", f"  {', '.join(versions)}"]
    if result.licences:
        lines += ["", "Terms", *(f"  {one.part}: {one.licence}" + (f". {one.notice}" if one.notice else "")
                                 for one in result.licences)]
    return lines
