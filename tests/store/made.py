"""Small results in a store, as a job would leave them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from humanav.results import Result, ResultWriter
from humanav.store import Record, Store

ANN, BOB = "key of Ann", "key of Bob"
WORDS: dict[str, Any] = {"tab": "photo", "kind": "avatar", "title": "A walk"}


def write(folder: Path, text: str = "hello", kind: str = "avatar") -> Result:
    """The result of a job that writes one text."""
    with ResultWriter(folder, kind, "0123456789abcdef", {"text": text}) as writer:
        writer.add("note.txt", "A note").write_text(text)
    return writer.result


def make(store: Store, key: str = ANN, identity: str = "walk", text: str = "hello", **words: Any) -> Record:
    """A finished entry."""
    record = store.begin(key, identity, **{**WORDS, **words})
    write(store.folder(record.id), text)
    return store.finish(record.id)
