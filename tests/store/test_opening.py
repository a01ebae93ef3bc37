"""A link, ``?result=<id>``, opens after a restart of a Space whose disk is empty, in a browser that never made it."""

from __future__ import annotations

import shutil
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from humanav.app import kept
from humanav.app.links import Links
from humanav.store import open_store
from tests.store.fake_hub import FakeHub
from tests.store.made import ANN, make


def test_a_link_is_followed_to_the_hub(hub: FakeHub, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path))
    monkeypatch.setenv("HUMANAV_STORAGE", "hf://datasets/ann/results")
    monkeypatch.setenv("HUMANAV_LEAST_FREE_GB", "0")
    kept.store.cache_clear()
    store = open_store()
    record = make(store)
    assert store.mirror is not None
    assert store.mirror.flush(20)
    shutil.rmtree(store.base)
    shown: list[Any] = []
    part = SimpleNamespace(open=lambda found, key: shown.append((found, key)) or {}, tab="photo", name="photo")
    links = Links.__new__(Links)
    monkeypatch.setattr(links, "parts", {"photo": part}, raising=False)
    monkeypatch.setattr(links, "_to", lambda part, id: {"id": id})
    monkeypatch.setattr(links, "part_of", lambda record: part)
    try:
        assert links.open(record.id, "another visitor's key") == {"id": record.id}
    finally:
        kept.store.cache_clear()
    found, key = shown[0]
    assert found.result.path("note.txt").read_text() == "hello"
    assert found.record.title == "A walk"
    assert not kept.store.cache_info().currsize
    assert key != ANN
