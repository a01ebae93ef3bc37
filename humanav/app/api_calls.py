"""What the functions of the API share: files that callers hand over, jobs that are waited for, answers as JSON."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import gradio as gr
from gradio import processing_utils, utils

from humanav.app import kept
from humanav.app.errors import sentence
from humanav.app.limits import limits
from humanav.app.once import Asked
from humanav.app.running import Waiting, require_room, run
from humanav.app.uploads import uploaded
from humanav.app.visitors import key_of
from humanav.errors import InputError
from humanav.motion import CLIP_NAMES
from humanav.progress import Event, Progress
from humanav.results import Result
from humanav.store import Record, id_of, is_id

Answer = dict[str, Any]
Answers = Iterator[Answer]

ABSENT: Any = None
"""No file. Gradio's schema for MCP knows a file only under its plain type, so a file that may be absent has it too."""

_STARTING = "Starting"
_CLOSED = "The caller went away before this was ready."
_LONG = 4000
_KEPT_APART = ("evidence", "quality", "warnings")
_MOTIONS = ("motion.npz", "denoised.npz", "path.npz", "poses.npz")


def local_files(*given: Any) -> list[Path]:
    """The files that a caller handed over, on this machine; None among them is left out.

    Args:
        given: uploads (``{"path": ...}``, which Gradio has checked), http(s) or data addresses, or lists of these.

    Raises:
        InputError: anything else, or an address that cannot be read.
        ImageError: a picture that is too large.
    """
    handed = [item for one in given if one is not None for item in (one if isinstance(one, list) else [one])]
    paths = [_local(item) for item in handed]
    limits().check_files(paths)
    return paths


def _local(given: Any) -> Path:
    if isinstance(given, dict) and isinstance(given.get("path"), str):
        return uploaded(given["path"])
    folder = utils.get_upload_folder()
    try:
        if isinstance(given, str) and given.startswith("data:"):
            return Path(processing_utils.save_base64_to_cache(given, folder))
        if isinstance(given, str) and given.startswith(("http://", "https://")):
            return Path(processing_utils.save_url_to_cache(given, folder))
    except Exception as error:
        raise InputError("A file could not be fetched from the address that was given: check the address, or upload "
                         "the file.") from error
    raise InputError("A file is handed over as an upload, or by its http or https address.")


def call(
    request: gr.Request, identity: str, work: Callable[[Path, Progress], Result], steps: int, *, tab: str, kind: str,
    title: str, inputs: Sequence[Path] = (),
) -> Iterator[Answer]:
    """Do a job in its turn and keep its result; what it says meanwhile first, the answer last.

    Args:
        request: whose.
        identity: content id of the question: what was made before is not made again.
        work: writes the result to the folder that it is given.
        steps: how many stages it has.
        tab, kind, title: see :class:`humanav.store.Record`.
        inputs: the caller's files, of which the record keeps copies.
    """
    key = key_of(request)
    words: dict[str, Any] = {"tab": tab, "kind": kind, "title": title,
                             "values": {"files": list(inputs)} if inputs else {}}
    known = kept.known(key, identity, **words)
    if known is not None:
        yield answer(request, *known)
        return
    store = kept.store()
    require_room(_visitor(request))
    begun = store.owns(key, id_of(key, identity))
    asked = Asked(store.begin(key, identity, needed=kept.NEEDED + kept.size_of(words["values"]), **words))
    record, note = asked.record, _CLOSED
    try:
        for item in follow(request, asked.once(work), steps):
            if isinstance(item, Result):
                record, note = store.finish(record.id), ""
                yield answer(request, record, item)
                return
            begun = begun or item.get("stage", _STARTING) != _STARTING
            yield item | {"id": record.id}
    except Exception as error:
        note = sentence(error)
        if isinstance(error, InputError) and not begun and asked.undo():  # nothing was done, now or before
            note = ""
        raise
    finally:
        asked.leave(note)


def follow(request: gr.Request, work: Callable[[Progress], Any], steps: int) -> Iterator[Any]:
    """Do a job in its turn: what it says as plain JSON, and what ``work`` returned last."""
    last: Answer = {"state": "working", "stage": _STARTING, "fraction": 0.0}
    for item in run(request.session_hash or "", work, steps, visitor=_visitor(request)):
        if isinstance(item, Waiting):
            yield {"state": "waiting", "jobs_before": item.before}
        elif item is None or isinstance(item, Event):
            if item is not None:
                last = {"state": "working", "stage": item.stage, "fraction": round(item.fraction, 3)}
            yield last
        else:
            yield item


def _visitor(request: gr.Request) -> str:
    """Who asks. Callers over MCP share one session of Gradio's, so each call is a visitor's of its own."""
    shared = (request.headers or {}).get("x-gradio-user") == "mcp"
    return f"mcp-{os.urandom(8).hex()}" if shared else key_of(request)


def answer(request: gr.Request, record: Record, result: Result) -> Answer:
    """A result as plain JSON: files are uploads of Gradio's, which clients download."""
    report = result.report
    files = [{"name": file.name, "purpose": file.purpose, "opens_in": file.opens_in, "size": file.size,
              "file": upload(result.path(file.name))} for file in result.downloads]
    return {"state": "done", "id": record.id, "link": link(request, record.id), "kind": record.kind,
            "title": record.title, "quality": str(report.get("quality", "")),
            "warnings": [str(line) for line in report.get("warnings", ())],
            "report": {name: value for name, value in report.items() if name not in _KEPT_APART and _short(value)},
            "files": files}


def upload(path: Path) -> dict[str, Any]:
    """A file of a result as Gradio's clients know it."""
    return gr.FileData(path=str(path), orig_name=path.name, size=path.stat().st_size).model_dump()


def link(request: gr.Request, id: str) -> str:
    """The address of a result: of the Space where there is one, else as the caller reached the app."""
    host = os.environ.get("SPACE_HOST", "")
    base = f"https://{host}" if host else str(request.request.base_url).rstrip("/") if request.request else ""
    return f"{base}/?result={id}"


def result_of(id: str) -> tuple[Record, Result]:
    """A finished result by its id.

    Raises:
        InputError: there is none, or it is not ready.
    """
    found = kept.store().find(_bare(id))
    if found.result is None:
        raise InputError(found.record.note or "This result is still being made: ask again in a while.")
    return found.record, found.result


def _bare(id: str) -> str:
    """An id, also out of a link to it."""
    return id.strip().rpartition("result=")[2].partition("&")[0]


def state_of(request: gr.Request, id: str) -> Answer:
    """What there is of a result.

    Raises:
        InputError: nothing, or it was stopped.
    """
    found = kept.store().find(_bare(id))
    if found.result is None and found.record.state == "running":
        return {"state": "running", "id": found.record.id, "kind": found.record.kind, "title": found.record.title}
    return answer(request, *result_of(id))


def motion_of(name: str) -> str:
    """The built-in clip or the file of a result that a caller names; never another file of this machine.

    Raises:
        InputError: there is none.
    """
    if name in CLIP_NAMES:
        return name
    found = _handed_on(name)
    if found is None:
        raise InputError(f"There is no motion {name[:40]!r}: name one of the clips {', '.join(CLIP_NAMES)}, or give "
                         "the id of a result.")
    return str(found)


def track_of(name: str) -> Result | None:
    """The result of a track of this id, which brings its camera and background; None for anything else."""
    if name in CLIP_NAMES or _handed_on(name) is None:
        return None
    _, result = result_of(name)
    return result if result.has("track.json") else None


def _handed_on(name: str) -> Path | None:
    """The motion in the result that ``name`` is the id or the link of; None when it is no id.

    Raises:
        InputError: the result has no motion.
    """
    if not is_id(_bare(name)):
        return None
    _, result = result_of(name)
    for file in _MOTIONS:
        if result.has(file):
            return result.path(file)
    raise InputError(f"The result {_bare(name)} ({result.kind}) has no motion.")


def _short(value: Any) -> bool:
    try:
        return len(json.dumps(value, allow_nan=False)) <= _LONG
    except (TypeError, ValueError):
        return False

