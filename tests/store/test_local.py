"""A store keeps each visitor's results apart, finds them again, and survives what happens to folders."""

from __future__ import annotations

import json
import multiprocessing
import os
import shutil
import stat
from collections import namedtuple
from pathlib import Path
from typing import Any

import pytest

from humanav.errors import HumanavError, InputError, StorageError
from humanav.store import Store, id_of, open_store
from tests.store.made import ANN, BOB, WORDS, make, write


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store(tmp_path / "base", least_free=0)


def test_a_result_is_found_again_after_a_restart(store: Store) -> None:
    record = make(store, values={"height": 1.7})
    again = Store(store.base, least_free=0)
    kept = again.find(record.id)
    assert kept.result is not None
    assert kept.result.path("note.txt").read_text() == "hello"
    assert (kept.record.title, kept.record.values, kept.record.state) == ("A walk", {"height": 1.7}, "done")
    assert kept.record.size == 5
    assert again.known(ANN, "walk") == kept.result
    assert [entry.id for entry in again.mine(ANN)] == [record.id]


def test_visitors_are_kept_apart(store: Store) -> None:
    ann, bob = make(store), make(store, BOB, "walk")
    assert ann.id != bob.id
    assert [entry.id for entry in store.mine(BOB)] == [bob.id]
    assert store.mine("key of nobody") == []
    assert store.known(BOB, "run") is None
    for forbidden in (lambda: store.rename(BOB, ann.id, "Mine"), lambda: store.delete(BOB, ann.id),
                      lambda: store.input_files(BOB, ann.id)):
        with pytest.raises(InputError, match="no such result"):
            forbidden()
    text = (store.base / "records" / f"{ann.id}.json").read_text()
    assert ANN not in text, "who reads a record must not become its owner"


def test_rename_and_delete(store: Store) -> None:
    record = make(store)
    assert store.rename(ANN, record.id, " A\nlong walk ").title == "A long walk"
    with pytest.raises(InputError, match="name is empty"):
        store.rename(ANN, record.id, "\n")
    store.delete(ANN, record.id)
    assert [path for path in store.base.rglob("*") if path.is_file() and path.name != ".lock"] == []
    with pytest.raises(InputError, match="no such result"):
        store.find(record.id)


@pytest.mark.parametrize("id", ["", "..", "../records", "a" * 26, None, "x" * 5000])
def test_what_is_no_id_finds_nothing(store: Store, id: Any) -> None:
    with pytest.raises(InputError, match="no such result"):
        store.find(id)
    assert not store.owns(ANN, id)


def test_inputs_are_copied_and_their_owners_alone_get_them(store: Store, tmp_path: Path) -> None:
    for place in ("one", "two"):
        (tmp_path / place).mkdir()
        (tmp_path / place / "photo.jpg").write_text(place)
    photos = [tmp_path / "one" / "photo.jpg", tmp_path / "two" / "photo.jpg"]
    record = make(store, values={"photo": photos[0], "views": photos, "count": 3})
    shutil.rmtree(tmp_path / "one")
    folder = store.input_files(ANN, record.id)
    files = [record.values["photo"], *record.values["views"]]
    assert [(folder / item["file"]).read_text() for item in files] == ["one", "one", "two"]
    make(store, values={"photo": folder / record.values["photo"]["file"]})  # run again from the copies
    assert (folder / record.values["photo"]["file"]).read_text() == "one"


def test_a_sample_is_given_to_everybody_without_making_it_again(store: Store) -> None:
    public = make(store, "everybody", "sample", "a sample")
    mine = store.adopt(ANN, "sample", public.id, **WORDS)
    assert mine.id == id_of(ANN, "sample")
    assert store.find(mine.id).result is not None
    store.delete(ANN, mine.id)
    assert store.known("everybody", "sample") is not None


def test_a_sample_that_cannot_be_copied_leaves_nothing(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    public = make(store, "everybody", "sample", "a sample")
    monkeypatch.setattr("humanav.store.files.os.link", full)
    monkeypatch.setattr("humanav.store.files.shutil.copyfile", full)
    with pytest.raises(StorageError, match="disk is full"):
        store.adopt(ANN, "sample", public.id, **WORDS)
    assert store.mine(ANN) == []
    assert [path.name for path in store.results.iterdir()] == [public.id]


def test_a_job_that_ends_without_a_result(store: Store) -> None:
    record = store.begin(ANN, "walk", **WORDS)
    assert store.find(record.id).result is None
    with pytest.raises(InputError, match="not a result folder"):
        store.finish(record.id)
    assert store.end(record.id, "stopped", "Stopped.").note == "Stopped."
    assert store.mine(ANN)[0].state == "stopped"
    write(store.folder(record.id))  # the same was asked on another page, and finished there
    assert store.end(record.id, "stopped", "Closed.").state == "done"


def test_deleting_while_the_job_runs(store: Store) -> None:
    record = store.begin(ANN, "walk", **WORDS)
    store.delete(ANN, record.id)
    write(store.folder(record.id))
    with pytest.raises(InputError, match="no such result"):
        store.finish(record.id)
    assert store.mine(ANN) == []


def test_a_result_whose_files_are_gone_says_so(store: Store) -> None:
    record = make(store)
    (store.folder(record.id) / "note.txt").unlink()
    with pytest.raises(InputError, match="damaged or were deleted"):
        store.find(record.id)
    assert store.known(ANN, "walk") is None


def test_what_is_damaged_is_made_again(store: Store) -> None:
    record = make(store)
    (store.folder(record.id) / "manifest.json").write_text("{")
    make(store)
    assert store.find(record.id).result is not None
    assert [path.name for path in store.results.iterdir()] == [record.id]


def test_deleting_while_a_friend_opens_it(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    record, read = make(store), store.result
    asked: list[str] = []

    def deleted_just_then(id: str) -> Any:
        asked.append(id)
        found = read(id)
        if len(asked) == 2:
            store.remove(id)
        return found

    monkeypatch.setattr(store, "result", deleted_just_then)
    with pytest.raises(InputError, match="no such result"):
        store.find(record.id)
    assert store.all() == []


def test_its_picture_is_deleted_too(store: Store) -> None:
    record, other = make(store), make(store, BOB)
    pictures = [store.previews / f"poster-{entry.id}.jpg" for entry in (record, other)]
    for picture in pictures:
        picture.write_text("a face")
    store.delete(ANN, record.id)
    assert [picture.exists() for picture in pictures] == [False, True]


def test_settings_that_are_too_long_are_not_kept(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("humanav.store.register._MOST_RECORD", 2000)
    record = make(store, values={"text": "x" * 3000})
    found = store.find(record.id)
    assert found.result is not None
    assert found.record.values == {}


def test_records_of_others_hands_do_no_harm(store: Store) -> None:
    record, other = make(store), make(store, BOB)
    records = store.base / "records"
    (records / f"{other.id}.json").write_text((records / f"{record.id}.json").read_text())  # another's id in it
    (records / "notes.json").write_text("{}")
    (records / f"{'b' * 26}.json").write_bytes(b"\xff\xfe")
    (records / f"{'c' * 26}.json").mkdir()
    (records / f"{'d' * 26}.json").symlink_to("/dev/zero")
    assert [entry.id for entry in store.all()] == [record.id]
    assert store.mine(BOB) == []
    store.sweep()
    data = json.loads((records / f"{record.id}.json").read_text()) | {"values": {"photo": {"file": "../../x"}}}
    (records / f"{record.id}.json").write_text(json.dumps(data))
    assert store.find(record.id).result is not None


def test_nobody_else_on_the_machine_may_look(store: Store) -> None:
    folders = [store.base, *(store.base / name for name in ("results", "records", "inputs", "previews"))]
    assert {stat.S_IMODE(folder.stat().st_mode) for folder in folders} == {0o700}


def test_a_full_disk_is_refused_before_the_work(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    usage = namedtuple("usage", "total used free")
    monkeypatch.setattr(shutil, "disk_usage", lambda _: usage(10**12, 10**12 - 2 * 10**9, 2 * 10**9))
    store.least_free = 10**9
    assert store.begin(ANN, "small", **WORDS, needed=10**8).state == "running"
    with pytest.raises(StorageError, match=r"nearly full \(2.0 GB free\).*nothing was started"):
        store.begin(ANN, "large", **WORDS, needed=2 * 10**9)
    store.least_free = 16 * 10**8
    with pytest.raises(StorageError, match="nothing was started"):
        store.begin(ANN, "clip", **{**WORDS, "kind": "track"})  # longer work of which more is kept
    assert [entry.id for entry in store.mine(ANN)] == [id_of(ANN, "small")]


def test_a_place_that_cannot_be_used_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(StorageError, match=r"cannot be kept in .*HUMANAV_STORAGE"):
        Store(tmp_path / "file" / "base")


def test_the_settings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    place = str(tmp_path / "s")
    for name, value in {"STORAGE": place, "KEEP_DAYS": "2", "LEAST_FREE_GB": "0.5", "MOST_GB": "3"}.items():
        monkeypatch.setenv(f"HUMANAV_{name}", value)
    store = open_store()
    assert (store.base, store.keep_seconds, store.least_free, store.most_bytes) == (
        tmp_path / "s", 2 * 86400, 5 * 10**8, 3 * 10**9)
    monkeypatch.setenv("HUMANAV_KEEP_DAYS", "soon")
    with pytest.raises(InputError, match="HUMANAV_KEEP_DAYS is 'soon'"):
        open_store()
    monkeypatch.setenv("HUMANAV_KEEP_DAYS", "nan")
    with pytest.raises(InputError, match="not negative"):
        open_store()
    for nothing in ("0", "0.0"):  # else every result would be deleted at once
        monkeypatch.setenv("HUMANAV_KEEP_DAYS", nothing)
        with pytest.raises(InputError, match="KEEP_DAYS is '0': give a number of days above zero"):
            open_store()


def _visit(base: Path, number: int) -> int:
    """What one of several processes does: makes results of its own and one that all make, renames, cleans up."""
    store, made = Store(base, least_free=0), 0
    for k in range(6):
        make(store, f"key {number}", f"own {k}")
        shared = make(store, "everybody", "shared", "the same")
        store.rename("everybody", shared.id, f"by {number}")
        store.find(shared.id)
        store.sweep()
        made += 1
    return made


def test_several_processes_share_a_folder(store: Store) -> None:
    with multiprocessing.get_context("fork").Pool(3) as pool:
        assert pool.starmap(_visit, [(store.base, number) for number in range(3)]) == [6, 6, 6]
    assert [len(store.mine(f"key {number}")) for number in range(3)] == [6, 6, 6]
    shared = store.find(id_of("everybody", "shared"))
    assert shared.result is not None
    assert shared.record.title.startswith("by ")
    left = [name for name in os.listdir(store.results) if name.startswith(".")]
    assert left == []


def full(*_: Any, **__: Any) -> None:
    raise OSError(28, "No space left on device")


def test_errors_are_sentences(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("humanav.store.files.os.link", full)
    monkeypatch.setattr("humanav.store.files.shutil.copyfile", full)
    photo = store.base / "photo.jpg"
    photo.write_text("x")
    with pytest.raises(HumanavError, match="disk is full"):
        store.begin(ANN, "walk", **WORDS, values={"photo": photo})
    monkeypatch.setattr("humanav.store.files.os.replace", full)
    with pytest.raises(StorageError, match=r"cannot be kept in .*\(No space left"):
        store.begin(ANN, "walk", **WORDS)


def test_who_has_the_lock_may_ask_for_it_again(store: Store) -> None:
    with store.locked(), store.locked():
        assert make(store).state == "done"
    assert store.find(id_of(ANN, "walk")).result is not None
