"""`humanav results`: what is kept, from a shell, and copies on the Hub."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from humanav.cli import main
from humanav.cli import results as verbs
from humanav.store import Store
from tests.store.fake_hub import FakeHub
from tests.store.made import ANN, BOB, WORDS, make, write

PLACE = "hf://datasets/ann/shared"


@pytest.fixture
def store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Store:
    monkeypatch.setenv("HUMANAV_STORAGE", str(tmp_path / "base"))
    monkeypatch.setenv("HUMANAV_LEAST_FREE_GB", "0")
    return Store(tmp_path / "base", least_free=0)


def told(capsys: pytest.CaptureFixture[str], *words: str) -> str:
    with pytest.raises(SystemExit) as stop:
        main(["results", *words])
    assert stop.value.code == 0
    return capsys.readouterr().out


def refused(capsys: pytest.CaptureFixture[str], *words: str) -> str:
    with pytest.raises(SystemExit) as stop:
        main(["results", *words])
    assert stop.value.code == 2
    error = capsys.readouterr().err.strip().splitlines()
    return error[-1]


def test_list_show_rename_delete_and_sweep(store: Store, capsys: pytest.CaptureFixture[str]) -> None:
    ann, bob = make(store), make(store, BOB, "run", title="A run")
    store.begin(ANN, "runs", **WORDS)
    lines = told(capsys, "list").splitlines()
    assert len(lines) == 3
    assert any(line.startswith(bob.id[:10]) and line.endswith("A run") for line in lines)
    listed = json.loads(told(capsys, "list", "--json"))
    assert {entry["state"] for entry in listed} == {"done", "running"}
    assert all("owner" not in entry for entry in listed)
    shown = told(capsys, "show", ann.id[:6])
    assert "A walk (done" in shown
    assert "note.txt" in shown
    assert "humanav " in shown
    assert json.loads(told(capsys, "show", ann.id, "--json"))["files"] == ["note.txt"]
    assert told(capsys, "rename", ann.id[:8], "Two walks").strip() == "Two walks"
    assert f"deleted {bob.id[:10]} A run" in told(capsys, "delete", bob.id)
    assert [record.title for record in store.all() if record.state == "done"] == ["Two walks"]
    assert json.loads(told(capsys, "sweep", "--json"))["deleted"] == []
    assert told(capsys, "sweep").startswith("0 deleted, 0 had broken off")


def test_open_prints_the_folder(
    store: Store, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    opened: list[str] = []
    monkeypatch.setattr(verbs.typer, "launch", opened.append)
    record = make(store)
    assert told(capsys, "open", record.id).strip() == str(store.folder(record.id)) == opened[0]
    running = store.begin(ANN, "runs", **WORDS)
    assert "was not finished" in refused(capsys, "open", running.id)


def test_what_is_not_there_is_said(store: Store, capsys: pytest.CaptureFixture[str]) -> None:
    make(store)
    make(store, BOB)
    assert "There is no result 'zzz'" in refused(capsys, "show", "zzz")
    assert "There is no result 'zzzz" in refused(capsys, "show", "z" * 5000)
    assert "There is no result ''" in refused(capsys, "rename", "", "x")
    assert "no such result" in refused(capsys, "show", "a" * 26)
    assert "is no place for results" in refused(capsys, "push", "x", "hf://nowhere")
    assert "is no place for results" in refused(capsys, "list", "--storage", "s3://x/y")


def test_a_folder_goes_to_the_hub_and_comes_back(
    hub: FakeHub, store: Store, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    write(tmp_path / "mine", "my result")
    url = told(capsys, "push", str(tmp_path / "mine"), PLACE).strip()
    name = url.rpartition("/")[2]
    record = make(store, text="kept")
    monkeypatch.chdir(tmp_path)
    assert json.loads(told(capsys, "push", record.id, PLACE, "--json"))["url"] == url, "the same question"
    assert told(capsys, "pull", PLACE).split() == [name]
    assert told(capsys, "pull", PLACE, name).strip() == name
    assert (tmp_path / name / "note.txt").read_text() == "kept"
    assert "is there already" in refused(capsys, "pull", PLACE, name)
    assert told(capsys, "pull", PLACE, name, "--out", str(tmp_path / "b")).strip() == str(tmp_path / "b")
    for wrong in ("nothing", "..", "a/b"):
        assert "There is no result" in refused(capsys, "pull", PLACE, wrong)
    assert told(capsys, "pull", "hf://datasets/ann/empty").startswith("There are no results")
    monkeypatch.setenv("HF_TOKEN", "wrong")
    assert "does not know who asks" in refused(capsys, "push", str(tmp_path / "mine"), PLACE)


def test_a_mirrored_store_waits_until_it_is_stored(
    hub: FakeHub, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    from humanav.store import open_store

    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "data"))
    monkeypatch.setenv("HUMANAV_STORAGE", PLACE)
    monkeypatch.setenv("HUMANAV_LEAST_FREE_GB", "0")
    record = make(open_store())
    told(capsys, "rename", record.id, "Renamed here")
    assert b"Renamed here" in hub.files("datasets/ann/shared")[f"records/{record.id}.json"]
    told(capsys, "delete", record.id)
    assert hub.files("datasets/ann/shared") == {}
