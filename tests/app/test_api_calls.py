"""A job that a program asks for: what is kept of it when it ends, is refused, or is known already."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from humanav.app import kept, visitors
from humanav.app.api_calls import call, state_of
from humanav.errors import InputError, StorageError
from humanav.progress import Progress
from humanav.results import Result
from tests.app.test_part import visitor, write


def caller(name: str) -> Any:
    request = visitor(name)
    request.headers, request.request = {}, None
    return request


def ask(request: Any, work: Callable[[Path, Progress], Result], identity: str = "poses-1") -> list[dict[str, Any]]:
    return list(call(request, identity, work, 1, tab="denoise/random", kind="poses", title="Poses"))


def test_a_job_is_told_as_it_goes_and_known_again() -> None:
    ann = caller("ann's program")
    *_, first = ask(ann, write)
    assert first["state"] == "done"
    again, = ask(ann, pytest.fail)  # type: ignore[arg-type]
    assert again["id"] == first["id"] == state_of(caller("a friend's"), first["link"])["id"]
    *_, others = ask(caller("bob's program"), write)
    assert others["id"] != first["id"]


def test_nothing_is_kept_of_what_was_refused_at_once_and_the_rest_is_told() -> None:
    def refuse(folder: Path, progress: Progress) -> Result:
        raise InputError("Nothing of this can be read.")

    def fail(folder: Path, progress: Progress) -> Result:
        progress.next("Writing")
        raise StorageError("The disk is full.")

    request = caller("refused")
    with pytest.raises(InputError, match="can be read"):
        ask(request, refuse)
    assert kept.store().mine(visitors.key_of(request)) == []
    with pytest.raises(StorageError):
        ask(request, fail)
    record, = kept.store().mine(visitors.key_of(request))
    assert (record.state, record.note) == ("stopped", "The disk is full.")
    with pytest.raises(InputError, match="The disk is full"):
        state_of(request, record.id)
