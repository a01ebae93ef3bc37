"""The clean-up takes what is over its time, too much or nobody's, and nothing else."""

from __future__ import annotations

import os
import time
from dataclasses import replace
from pathlib import Path

import pytest

from humanav.errors import InputError
from humanav.store import Record, Store
from humanav.store.record import this_process
from humanav.store.space import size_of
from tests.store.made import ANN, WORDS, make, write

DAY = 86400.0


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store(tmp_path / "base", least_free=0, keep_seconds=2 * DAY)


def shift(monkeypatch: pytest.MonkeyPatch, seconds: float) -> None:
    """Let the clock jump."""
    real = time.time
    monkeypatch.setattr("humanav.store.local.time.time", lambda: real() + seconds)


def test_what_nobody_opened_goes(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    old, opened = make(store, identity="old"), make(store, identity="opened")
    shift(monkeypatch, 1.5 * DAY)
    store.find(opened.id)
    shift(monkeypatch, 1.0 * DAY)
    with pytest.raises(InputError, match="its time is over"):
        store.find(old.id)
    assert [record.id for record in store.mine(ANN)] == [opened.id]
    assert store.sweep().deleted == (old.id,)
    assert not store.folder(old.id).exists()
    assert store.find(opened.id).result is not None


def test_a_clock_that_was_ahead_keeps_nothing_for_ever(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    with monkeypatch.context() as ahead:
        shift(ahead, 900 * DAY)
        record = make(store)
    assert store.sweep().deleted == ()
    found = store.read(record.id)
    assert found is not None
    assert abs(found.opened - time.time()) < 60
    shift(monkeypatch, 3 * DAY)
    assert store.sweep().deleted == (record.id,)


def worker(store: Store, identity: str, name: str) -> str:
    """A running entry of another process."""
    record = store.begin(ANN, identity, **WORDS)
    path = store.base / "records" / f"{record.id}.json"
    path.write_text(path.read_text().replace(record.worker, name))
    return record.id


def test_what_broke_off_is_marked_and_what_runs_is_left(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    host, number, _ = this_process().rsplit(":", 2)
    runs = store.begin(ANN, "runs", **WORDS).id
    dead = worker(store, "dead", f"{host}:{number}:1")
    finished = worker(store, "finished", f"{host}:{number}:1")
    write(store.folder(finished))
    elsewhere = worker(store, "elsewhere", "another-machine:1:1")
    assert store.sweep().broken == (dead,)
    states = {record.id: record.state for record in store.mine(ANN)}
    assert states == {runs: "running", dead: "broken", finished: "done", elsewhere: "running"}
    assert "Run it again" in store.find(dead).record.note
    with monkeypatch.context() as later:
        shift(later, 2 * 3600)
        store.find(elsewhere)  # looking at it does not make it live longer
        assert store.sweep().broken == ()
    shift(monkeypatch, 3.1 * 3600)
    assert store.sweep().broken == (elsewhere,)


def aged(path: Path, seconds: float) -> Path:
    """A file or folder that was not touched for so long."""
    if not path.suffix or path.suffix in (".training", ".work"):
        path.mkdir(parents=True)
        (path / "part").write_text("x")
        os.utime(path / "part", (time.time() - seconds,) * 2)
    else:
        path.write_text("x")
    os.utime(path, (time.time() - seconds,) * 2)
    return path


def test_leftovers_of_nobody_go(store: Store) -> None:
    done, runs = make(store, identity="done"), store.begin(ANN, "runs", **WORDS)
    gone = [aged(store.previews / "old.glb", 2 * DAY), aged(store.results / f".{done.id}-abc", 7200),
            aged(store.results / ("z" * 26), 7200), aged(store.base / "inputs" / ("z" * 26), 7200),
            aged(store.results / f"{done.id}.work", 2 * DAY), aged(store.base / "records" / ".part.json", 7200),
            aged(store.results / ".0123.training", 2 * DAY)]
    stays = [aged(store.previews / "new.glb", 3600), aged(store.results / f"{runs.id}.work", 2 * DAY),
             aged(store.results / f".{runs.id}-abc", 7200),
             aged(store.results / ("y" * 26), 60), aged(store.results / ".4567.training", 7200),
             store.folder(done.id) / "note.txt"]
    assert store.sweep().others == len(gone)
    assert not any(path.exists() for path in gone)
    assert all(path.exists() for path in stays)


def test_too_much_goes_with_the_longest_unopened_first(store: Store) -> None:
    ids = [make(store, identity=str(k), text="x" * 1000).id for k in range(4)]
    runs = store.begin(ANN, "runs", **WORDS).id
    store.find(ids[0])
    size = size_of(store.folder(ids[1]))
    store.most_bytes = store.used() - 2 * size + 10
    assert store.sweep().deleted == (ids[1], ids[2])
    assert {record.id for record in store.mine(ANN)} == {ids[0], ids[3], runs}
    assert store.used() <= store.most_bytes
    assert store.sweep().deleted == ()


def test_copies_of_a_sample_take_no_room(store: Store) -> None:
    public = make(store, "everybody", "sample", "x" * 1000)
    before = store.used()
    copies = [store.adopt(f"key {k}", "sample", public.id, **WORDS).id for k in range(3)]
    assert store.used() == before
    store.most_bytes = before
    assert store.sweep().deleted == ()
    store.most_bytes = before - 1
    assert set(store.sweep().deleted) == {public.id, *copies}, "only the last of them makes room"


def test_a_result_whose_record_cannot_be_read_just_now_stays(store: Store) -> None:
    record = make(store)
    path = store.base / "records" / f"{record.id}.json"
    text = path.read_text()
    path.write_text("damaged")
    for item in (*store.folder(record.id).iterdir(), store.folder(record.id)):
        os.utime(item, (time.time() - 20 * DAY,) * 2)
    assert store.sweep().others == 0
    path.write_text(text)
    assert store.find(record.id).result is not None
    path.write_text("damaged")
    os.utime(path, (time.time() - 3 * DAY,) * 2)  # nobody opened it for longer than results are kept
    assert [store.sweep().others, store.sweep().others] == [1, 1]
    assert list(store.results.iterdir()) == []


def test_what_was_opened_or_begun_since_is_not_taken(store: Store) -> None:
    record = make(store)
    store.find(record.id)
    assert not store.remove(record.id, record)
    assert not store.empty(record)
    assert store.find(record.id).result is not None


def test_a_link_out_of_the_folder_is_not_followed(store: Store, tmp_path: Path) -> None:
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "keep.txt").write_text("keep me")
    record = make(store)
    (store.folder(record.id) / "note.txt").unlink()
    (store.folder(record.id) / "manifest.json").unlink()
    store.folder(record.id).rmdir()
    store.folder(record.id).symlink_to(tmp_path / "mine")
    link = store.results / ("z" * 26)
    link.symlink_to(tmp_path / "mine")
    os.utime(link, (time.time() - 7200,) * 2, follow_symlinks=False)
    store.sweep()
    assert not link.is_symlink()
    store.delete(ANN, record.id)
    assert (tmp_path / "mine" / "keep.txt").read_text() == "keep me"


def test_what_was_run_again_since_the_clean_up_looked_is_left(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    def begin() -> Record:
        return store.begin(ANN, "again", **WORDS)

    dead = replace(begin(), worker=f"{this_process()}0")
    monkeypatch.setattr(store, "all", lambda: [dead])
    assert store.sweep().broken == ()
    assert store.required(dead.id).state == "running"
    unfinished, old = store.results / f".{dead.id}.work", time.time() - 3 * DAY
    unfinished.mkdir()
    monkeypatch.setattr(store, "all", lambda: [replace(dead, state="stopped")])
    with store.alone(dead.id, lambda: None):
        pass
    os.utime(unfinished, (old, old))
    os.utime(store.base / "working" / dead.id, (old, old))
    with store.alone(dead.id, lambda: None):
        store.sweep()
        assert (store.base / "working" / dead.id).exists()
        assert unfinished.exists()
    store.end(dead.id, "stopped")
    store.sweep()
    assert not unfinished.exists()
