"""The doctor says where results lie, how full it is, and whether the Hub answers; nothing is made by looking."""

from __future__ import annotations

from pathlib import Path

import pytest

from humanav import doctor
from humanav.store import Store, store_state
from tests.store.fake_hub import FakeHub
from tests.store.made import make


def test_a_folder_that_is_not_made_yet(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HUMANAV_STORAGE", str(tmp_path / "base"))
    state = store_state()
    assert (state.entries, state.used, state.usable, state.problem) == (None, 0, True, "")
    assert "not made yet" in state.sentence()
    assert list(tmp_path.iterdir()) == []


def test_a_folder_with_results(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for others in ("_embedded", "_opt_in"):  # what else the doctor looks at takes seconds
        monkeypatch.setattr(doctor, others, list)
    for name, value in {"STORAGE": str(tmp_path), "KEEP_DAYS": "7", "MOST_GB": "2"}.items():
        monkeypatch.setenv(f"HUMANAV_{name}", value)
    make(Store(tmp_path, least_free=0))
    state = store_state()
    assert state.entries == 1
    assert state.used > 100
    assert state.sentence().endswith("GB free, kept 7 days, at most 2 GB")
    part = next(part for part in doctor.inspect() if part.name == "Results")
    assert part.found
    assert part.where == state.sentence()
    monkeypatch.setenv("HUMANAV_LEAST_FREE_GB", "999999")
    assert "nearly full" in store_state().problem
    monkeypatch.setenv("HUMANAV_KEEP_DAYS", "soon")
    part = next(part for part in doctor.inspect() if part.name == "Results")
    assert not part.found
    assert "HUMANAV_KEEP_DAYS" in part.where


def test_the_hub_is_asked_only_where_it_is_the_place(
    hub: FakeHub, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path))
    monkeypatch.setenv("HUMANAV_LEAST_FREE_GB", "0")
    assert store_state(str(tmp_path)).usable
    assert hub.asked == []
    assert store_state("hf://datasets/ann/results").usable
    assert hub.asked != []
    with hub.failing("GET ", 401):
        assert "does not know who asks" in store_state("hf://datasets/ann/results").sentence()
    monkeypatch.setattr("humanav.store.state._SECONDS", 0.2)
    with hub.failing("GET ", "silence"):
        assert "cannot be reached at the moment" in store_state("hf://datasets/ann/results").problem
