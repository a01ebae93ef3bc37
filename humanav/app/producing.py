"""Runs what a part asks for, and turns what the job says into updates of the page; a record tells how it went."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from typing import TYPE_CHECKING, Any

import gradio as gr

from humanav.app import kept, pieces
from humanav.app.errors import sentence
from humanav.app.following import follow
from humanav.app.job import Job
from humanav.app.once import Asked
from humanav.app.running import CLOSED, require_room
from humanav.app.visitors import key_of
from humanav.errors import Cancelled, InputError
from humanav.results import Result
from humanav.store import id_of

if TYPE_CHECKING:
    from humanav.app.part import Part, Updates


def produce(part: Part, request: gr.Request, job: Job, values: dict[str, Any]) -> Iterator[Updates]:
    """Run a job of a part.

    Args:
        part: what is updated.
        request: whose.
        job: what is asked for; what another window of the same visitor asks for already is waited for.
        values: what the record keeps of the inputs.

    Raises:
        StorageError: before it starts, when the disk is nearly full.
    """
    store, key, watch = kept.store(), key_of(request), part.watch(job)
    asked: Asked | None = None
    begun, words = store.owns(key, id_of(key, job.identity)), CLOSED
    try:
        require_room(key)
        asked = Asked(store.begin(key, job.identity, tab=part.name, kind=job.kind or part.kind, title=job.title,
                                  values=values, needed=kept.NEEDED + kept.size_of(values)))
        with closing(follow(
                request.session_hash or "", job.sort or job.kind or part.kind, asked.once(job.work), job.steps,
                job.expected or part.expected, training=job.training, visitor=key, part=part.name)) as steps:
            for status, item in steps:
                if isinstance(item, Result):
                    part.learn(item)
                    record, words = store.finish(asked.record.id), ""
                    yield part.page(record, item, own=True)
                    return
                begun = begun or item is not None
                update = part.busy() if status is None else part.busy() | {part.status: status}
                yield update | (watch.seen(item) if item is not None else {})
    except Cancelled as error:
        words = watch.stopped(error)
        yield part.ready() | {part.status: pieces.stopped(words)}
    except Exception as error:
        words = sentence(error)
        if isinstance(error, InputError) and not begun and asked is not None and asked.undo():  # nothing was ever done
            words = ""
        yield part.ready() | part.failed(error) | {part.status: pieces.stopped(sentence(error))}
        raise
    finally:
        if asked is not None:
            asked.leave(words)
