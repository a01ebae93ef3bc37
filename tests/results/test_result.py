"""A result folder is whole or absent, says what is in it, and names the reason when it cannot be written."""

from __future__ import annotations

import errno
import json
import os
import threading
from contextlib import suppress
from pathlib import Path

import numpy as np
import pytest

from humanav.errors import InputError, StorageError
from humanav.results import MANIFEST, Result, ResultWriter, content_id


def write(target: Path, text: str = "hello", **options: object) -> Result:
    with ResultWriter(target, "test", content_id("test", text), {"text": text}) as writer:
        writer.add("note.txt", "a note", "any editor").write_text(text)
        writer.add("view.txt", "a preview", preview=True).write_text("seen")
        writer.report["length"] = len(text)
    return writer.result


def test_a_result_is_read_back(tmp_path: Path) -> None:
    result = write(tmp_path / "out")
    assert result.kind == "test"
    assert result.report == {"length": 5}
    assert result.inputs == {"text": "hello"}
    assert [(f.name, f.purpose, f.opens_in, f.size) for f in result.downloads] == [
        ("note.txt", "a note", "any editor", 5)]
    assert result.path("note.txt").read_text() == "hello"
    assert Result.load(tmp_path / "out") == result
    assert sorted(p.name for p in tmp_path.iterdir()) == ["out"]


def test_an_earlier_result_is_replaced_and_an_empty_folder_used(tmp_path: Path) -> None:
    target = tmp_path / "out"
    target.mkdir()
    write(target, "first")
    assert write(target, "second").path("note.txt").read_text() == "second"
    assert sorted(p.name for p in tmp_path.iterdir()) == ["out"]


def test_a_folder_of_other_files_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "mine.txt").write_text("keep me")
    with pytest.raises(StorageError, match="holds other files"):
        write(tmp_path)
    assert (tmp_path / "mine.txt").read_text() == "keep me"


@pytest.mark.parametrize("name", ["scene.blend", MANIFEST])
def test_what_somebody_else_keeps_there_is_left_alone(tmp_path: Path, name: str) -> None:
    target = tmp_path / "out"
    write(target)
    (target / "Thumbs.db").write_text("left by the system, and no reason to refuse")
    write(target, "again")
    (target / name).write_text('{"name": "a page of mine"}')
    with pytest.raises(StorageError, match="holds other files"):
        write(target, "and again")
    assert (target / name).read_text() == '{"name": "a page of mine"}'
    assert (target / "note.txt").read_text() == "again"


def test_an_incomplete_result_is_replaced(tmp_path: Path) -> None:
    write(tmp_path / "out").path("note.txt").unlink()
    assert write(tmp_path / "out", "again").path("note.txt").read_text() == "again"


def test_a_result_of_a_newer_version_says_so(tmp_path: Path) -> None:
    data = json.loads((write(tmp_path / "out").folder / MANIFEST).read_text())
    data["files"][0]["colour"] = "of a later version"
    (tmp_path / "out" / MANIFEST).write_text(json.dumps(data | {"format": 2}))
    with pytest.raises(InputError, match="newer version"):
        Result.load(tmp_path / "out")


def test_a_failure_leaves_nothing(tmp_path: Path) -> None:
    def fail() -> None:
        with ResultWriter(tmp_path / "out", "test", "0", {}) as writer:
            writer.add("note.txt", "a note").write_text("half")
            raise InputError("Something is wrong.")

    with pytest.raises(InputError, match="Something is wrong"):
        fail()
    assert list(tmp_path.iterdir()) == []


def test_an_earlier_result_survives_a_failure(tmp_path: Path) -> None:
    write(tmp_path / "out", "good")
    with pytest.raises(FileNotFoundError), ResultWriter(tmp_path / "out", "test", "0", {}) as writer:
        writer.add("never_written.txt", "a note")
    assert Result.load(tmp_path / "out").path("note.txt").read_text() == "good"


@pytest.mark.parametrize(("number", "words"), [
    (errno.ENOSPC, "disk is full"), (errno.EROFS, "read-only disk"), (errno.EACCES, "may not be written"),
    (errno.ENAMETOOLONG, "too long")])
def test_a_disk_that_cannot_be_written_is_named(tmp_path: Path, number: int, words: str) -> None:
    def fail() -> None:
        with ResultWriter(tmp_path / "out", "test", "0", {}):
            raise OSError(number, os.strerror(number))

    with pytest.raises(StorageError, match=words):
        fail()
    assert list(tmp_path.iterdir()) == []


def test_a_file_in_the_way_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(StorageError, match="in the way"):
        write(tmp_path / "file" / "out")


def test_a_damaged_result_is_refused(tmp_path: Path) -> None:
    result = write(tmp_path / "out")
    result.path("note.txt").unlink()
    with pytest.raises(InputError, match="incomplete"):
        Result.load(tmp_path / "out")
    (tmp_path / "out" / MANIFEST).write_text("{")
    with pytest.raises(InputError, match="not a result folder"):
        Result.load(tmp_path / "out")
    with pytest.raises(InputError, match="has no file other"):
        result.path("other")


def test_the_id_depends_on_every_part() -> None:
    array = np.arange(6, dtype=np.float32)
    ids = [content_id("a", array, {"x": 1}), content_id("b", array, {"x": 1}), content_id("a", array + 1, {"x": 1}),
           content_id("a", array.reshape(2, 3), {"x": 1}), content_id("a", array, {"x": 2}), content_id("a", b"x"),
           content_id("a", "x"), content_id("a", ("x",)), content_id("a", None)]
    assert len(set(ids)) == len(ids)
    assert content_id("a", array, {"x": 1, "y": 2}) == content_id("a", array.copy(), {"y": 2, "x": 1})


@pytest.mark.parametrize("at_once", [True, False])
def test_a_reader_finds_a_whole_result_while_it_is_replaced(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, at_once: bool
) -> None:
    if not at_once:  # as on systems that cannot let folders change places
        monkeypatch.setattr("humanav.results.writer._exchanged", lambda *_: False)
    target, found = tmp_path / "out", []
    write(target, "0")

    def read() -> None:
        while not found or found[-1] != "49":
            with suppress(InputError, FileNotFoundError):
                found.append(Result.load(target).path("note.txt").read_text())

    reader = threading.Thread(target=read)
    reader.start()
    for number in range(1, 50):
        write(target, str(number))
    reader.join(20)
    assert found[-1] == "49"
    assert found == sorted(found, key=int)
    assert [path.name for path in tmp_path.iterdir()] == ["out"]
