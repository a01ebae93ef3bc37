"""A visitor's list is found without reading everybody's records, and is right whatever happened to the names."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from humanav.store import Record, Store, owner_of
from tests.store.made import ANN, BOB, make
from tests.store.test_local import full


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store(tmp_path / "base", least_free=0)


def ids(store: Store, key: str = ANN) -> set[str]:
    return {record.id for record in store.mine(key)}


def test_a_list_reads_nobody_elses_records(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    mine = {make(store, identity=str(number)).id for number in range(2)}
    others = [make(store, BOB, str(number)).id for number in range(20)]
    read: list[str] = []
    real = Record.__dict__["from_json"].__func__

    def noted(cls: type[Record], text: str) -> Record:
        read.append(text)
        return real(cls, text)

    monkeypatch.setattr(Record, "from_json", classmethod(noted))
    assert ids(store) == mine
    assert len(read) == 2
    assert ids(store, BOB) == set(others)


def test_a_store_that_is_older_or_lost_the_names_makes_them(store: Store) -> None:
    record = make(store)
    shutil.rmtree(store.base / "owners")
    (store.base / ".owners" / "half").mkdir(parents=True)  # somebody was killed while making them
    assert ids(Store(store.base, least_free=0)) == {record.id}
    assert not (store.base / ".owners").exists()
    shutil.rmtree(store.base / "owners")
    other = make(store, identity="run")  # a write makes them whole, too
    assert ids(store) == {record.id, other.id}


def test_names_are_never_believed_over_the_records(store: Store) -> None:
    ann, bob = make(store), make(store, BOB)
    names = store.base / "owners"
    (names / owner_of(ANN) / bob.id).touch()
    (names / owner_of(ANN) / ("z" * 26)).touch()
    (names / owner_of(ANN) / "notes").touch()
    assert ids(store) == {ann.id}
    (names / owner_of(BOB) / bob.id).unlink()
    store.sweep()
    assert ids(store, BOB) == {bob.id}
    assert sorted(path.name for path in (names / owner_of(ANN)).iterdir()) == sorted([ann.id, "notes"])


def test_a_clean_up_forgets_no_record_that_cannot_be_read_just_now(store: Store) -> None:
    record = make(store)
    path = store.base / "records" / f"{record.id}.json"
    text = path.read_text()
    path.write_text("{")
    store.sweep()
    path.write_text(text)
    assert ids(store) == {record.id}


def test_an_owner_out_of_a_strangers_record_is_no_path(store: Store) -> None:
    record = make(store)
    path = store.base / "records" / f"{record.id}.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | {"owner": "../../out"}))
    shutil.rmtree(store.base / "owners")
    assert store.mine(ANN) == []
    store.sweep()
    store.retitle(record.id, "Another")
    store.remove(record.id)
    assert not (store.base.parent / "out").exists()
    assert list((store.base / "owners").iterdir()) == []


def test_on_a_full_disk_the_list_and_the_clean_up_do_without_names(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    record = make(store)
    make(store, BOB)
    shutil.rmtree(store.base / "owners")
    monkeypatch.setattr("humanav.store.owners.os.rename", full)
    assert ids(store) == {record.id}
    store.keep_seconds = -1.0
    assert len(store.sweep().deleted) == 2
