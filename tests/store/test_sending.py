"""What is to be stored or deleted remotely is not lost in a crash or a race, and nothing waits for what is refused."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from humanav.errors import InputError, StorageError
from humanav.store import Record, Store
from humanav.store.marks import Marks
from humanav.store.mirror import Mirror
from tests.store.made import ANN, BOB, WORDS, make, write

ID, OTHER = "a" * 26, "b" * 26


class Shelf:
    """A remote place in memory; ``before`` is called with the names of each write."""

    place = "hf://datasets/ann/shelf"

    def __init__(self) -> None:
        self.files: dict[str, bytes] = {}
        self.before: Callable[[Sequence[str]], None] = lambda names: None

    def prepare(self) -> None:
        """It is there."""

    def write(self, add: Mapping[str, Path | bytes], delete: Sequence[str], words: str) -> None:
        data = {name: item if isinstance(item, bytes) else item.read_bytes() for name, item in add.items()}
        self.before([*data, *delete])
        for name in delete:
            del self.files[name]
        self.files |= data

    def names(self, folder: str) -> list[str]:
        return [name for name in self.files if name.startswith(f"{folder}/")]

    def read(self, name: str) -> bytes | None:
        return self.files.get(name)

    def fetch(self, names: Sequence[str], target: Path) -> None:
        for name in names:
            (target / name).parent.mkdir(parents=True, exist_ok=True)
            (target / name).write_bytes(self.files[name])

    def url(self, folder: str = "") -> str:
        return folder


@pytest.fixture
def shelf() -> Shelf:
    return Shelf()


def shelved(base: Path, shelf: Shelf) -> tuple[Store, Mirror]:
    store = Store(base, least_free=0, remote=shelf)
    assert store.mirror is not None
    store.mirror._waits = (0.0,)
    return store, store.mirror


def refuse(word: str, status: int | None) -> Callable[[Sequence[str]], None]:
    """A place that will not have files with this word in their names."""
    def look(names: Sequence[str]) -> None:
        if any(word in name for name in names):
            cause: Any = ValueError("no such name here")
            cause.response = SimpleNamespace(status_code=status) if status else None
            raise StorageError("Refused.") from cause
    return look


@pytest.mark.parametrize("status", [400, None])
def test_one_that_is_refused_holds_up_no_other(
    shelf: Shelf, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, status: int | None
) -> None:
    monkeypatch.setattr("humanav.store.sending._MOST_AT_ONCE", 3)
    store, mirror = shelved(tmp_path, shelf)
    shelf.before = refuse("", 503)
    ids = [make(store, identity=str(k)).id for k in range(5)]
    assert not mirror.flush(5)
    bad = min(ids)
    shelf.before = refuse(bad, status)
    mirror.wake()
    assert not mirror.flush(5)
    assert mirror.problem == "Refused."
    assert [id for id in ids if f"records/{id}.json" not in shelf.files] == [bad]
    shelf.before = lambda names: None
    mirror.sweep()
    assert mirror.flush(5)
    assert f"records/{bad}.json" in shelf.files


def test_a_crash_while_a_job_is_finished(shelf: Shelf, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    store, mirror = shelved(tmp_path, shelf)
    record = store.begin(ANN, "walk", **WORDS)
    write(store.folder(record.id))
    with monkeypatch.context() as killed:
        killed.setattr(mirror, "keep", lambda _: 1 / 0)
        with pytest.raises(ZeroDivisionError):
            store.finish(record.id)
    assert [entry.state for entry in store.all()] == ["running"], "else nobody would store it any more"
    assert store.end(record.id, "broken").state == "done"  # as the next clean-up does
    assert mirror.flush(5)
    assert f"results/{record.id}/note.txt" in shelf.files


def test_a_new_name_that_is_given_while_the_old_one_is_stored(shelf: Shelf, tmp_path: Path) -> None:
    store, mirror = shelved(tmp_path, shelf)
    asked: list[Record] = []

    def rename(_: Sequence[str]) -> None:
        if not asked:
            asked.append(store.rename(ANN, store.all()[0].id, "A new name"))

    shelf.before = rename
    record = make(store)
    assert mirror.flush(5)
    assert b"A new name" in shelf.files[f"records/{record.id}.json"]


def test_what_is_deleted_and_made_again_stays(shelf: Shelf, tmp_path: Path) -> None:
    store, mirror = shelved(tmp_path / "base", shelf)
    (tmp_path / "old.jpg").write_text("old")
    make(store, values={"photo": tmp_path / "old.jpg"})
    assert mirror.flush(5)
    shelf.before = refuse("", 503)
    (record,) = store.all()
    store.delete(ANN, record.id)
    make(store)
    assert not mirror.flush(1)
    shelf.before = lambda names: None
    mirror.wake()
    assert mirror.flush(5)
    assert {name.partition("/")[0] for name in shelf.files} == {"results", "records", "owners"}


def test_what_is_deleted_while_it_is_made_again_goes_there_too(shelf: Shelf, tmp_path: Path) -> None:
    store, mirror = shelved(tmp_path, shelf)
    record = make(store)
    assert mirror.flush(5)
    store.begin(ANN, "walk", **WORDS)
    store.delete(ANN, record.id)
    assert mirror.flush(5)
    assert shelf.files == {}


def test_damaged_files_of_one_are_no_news_for_others(shelf: Shelf, tmp_path: Path) -> None:
    store, mirror = shelved(tmp_path / "first", shelf)
    bad, good = make(store), make(store, BOB)
    assert mirror.flush(5)
    del shelf.files[f"results/{bad.id}/note.txt"]
    again, _ = shelved(tmp_path / "second", shelf)
    with pytest.raises(InputError, match="are damaged"):
        again.find(bad.id)
    assert again.find(good.id).result is not None


def test_all_that_is_over_its_time_goes_there(
    shelf: Shelf, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    store, mirror = shelved(tmp_path / "first", shelf)
    for k in range(3):
        make(store, identity=str(k))
    assert mirror.flush(5)
    monkeypatch.setattr("humanav.store.mirror._MOST_OLD", 1)
    again, _ = shelved(tmp_path / "second", shelf)
    again.keep_seconds = -1.0
    for _ in range(3):
        assert again.mirror is not None
        again.mirror.sweep()
        assert again.mirror._old is not None
        again.mirror._old.join(5)
        assert again.mirror.flush(5)
    assert shelf.files == {}


def test_a_mark_says_what_is_to_be_done(tmp_path: Path) -> None:
    marks = Marks(tmp_path / "marks")
    marks.keep(ID, files=True)
    marks.keep(ID, files=False)
    marks.keep(OTHER, files=False)
    first, second = marks.all()
    assert (first.id, first.files, first.owner) == (ID, True, None)
    assert (second.id, second.files) == (OTHER, False)
    marks.keep(ID, files=False)
    assert not marks.clear(first), "it was marked again since"
    assert marks.clear(second)
    assert not marks.clear(second)
    marks.erase(ID, "whose")
    assert marks.is_gone(ID)
    assert not marks.has(ID)
    assert [(mark.id, mark.owner) for mark in marks.all()] == [(ID, "whose")]
    marks.keep(ID, files=True)
    assert not marks.is_gone(ID)
    (tmp_path / "marks" / "notes.txt").write_text("of somebody")
    assert marks.count() == 1
