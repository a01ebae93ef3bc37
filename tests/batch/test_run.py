"""A batch ends with each item published once or with a sentence; it resumes, tries again, and tells its state."""

from __future__ import annotations

import json
import os
import threading
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from filelock import FileLock

from humanav.batch import BatchOptions, Book, Item, places, run_batch, usual_out
from humanav.batch.page import duration, page
from humanav.batch.value import Outcome, Task
from humanav.batch.work import do
from humanav.errors import Cancelled, HumanavError, InputError, StorageError
from humanav.results import Result
from tests.batch.quick import Here, use_quick, write_texts


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    use_quick(monkeypatch)


def run(folder: Path, out: Path, workers: Here | None = None, **options: Any) -> Book:
    return run_batch(folder, BatchOptions("denoise", **options), out=out, workers=workers or Here())


def events(out: Path, name: str) -> list[str]:
    return [line["event"] for line in places.read_journal(out, name)]


def test_good_and_bad_ones(tmp_path: Path) -> None:
    folder, told = write_texts(tmp_path / "in", one="good", two="bad", three="good"), []
    workers = Here()
    book = run_batch(folder, BatchOptions("denoise"), out=tmp_path / "out", workers=workers,
                     listener=lambda book, item: told.append(item and item.name))
    assert workers.closed
    assert told == [None, "one", "three", "two"]
    assert (book.count("done"), book.count("failed"), book.kept) == (2, 1, 0)
    assert book.items["two"].sentence == "This input is bad: give another one."
    assert book.items["two"].attempts == 1  # it cannot become better
    assert Result.load(tmp_path / "out" / "one").report["quality"] == "It said good."
    assert not (tmp_path / "out" / "two").exists()
    state = json.loads((tmp_path / "out" / "batch.json").read_text())
    assert state["counts"] == {"waiting": 0, "running": 0, "done": 2, "failed": 1}
    assert state["items"][0]["files"] == [["note.txt", 4, "What it said"]]
    assert not list((tmp_path / "out").glob(".one-*"))


def test_a_second_call_keeps_what_is_the_same(tmp_path: Path) -> None:
    folder, out = write_texts(tmp_path / "in", one="good", two="bad", three="good"), tmp_path / "out"
    run(folder, out)
    write_texts(folder, two="better", four="new")
    book = run(folder, out)
    assert (book.count("done"), book.kept) == (4, 2)
    assert events(out, "one") == ["begun", "published"]
    assert events(out, "two") == ["begun", "failed", "begun", "published"]
    write_texts(folder, one="other")  # another question: made anew
    assert run(folder, out).kept == 3
    assert Result.load(out / "one").report["quality"] == "It said other."
    assert run(folder, out, options=["tall=1.8"]).kept == 0
    (out / "one" / "note.txt").unlink()  # half of a result is none
    assert run(folder, out, options={"height": 1.8}).kept == 3


def test_what_may_pass_is_tried_again_at_the_end(tmp_path: Path) -> None:
    folder, out = write_texts(tmp_path / "in", a="memory 2", b="good", c="memory 9", d="crash"), tmp_path / "out"
    workers = Here(1)
    book = run(folder, out, workers, retries=2)
    assert [book.items[name].attempts for name in "abcd"] == [3, 1, 3, 3]
    assert book.items["a"].state == "done"
    assert "not enough memory" in book.items["c"].sentence
    assert "ZeroDivisionError: by nothing" in book.items["d"].sentence
    assert "in run" in places.trace(out, "d").read_text()
    assert events(out, "a") == ["begun", "again", "begun", "again", "begun", "published"]
    assert run(folder, out, retries=0).items["d"].attempts == 1


def test_a_full_disk_stops_the_batch_with_its_state_kept(tmp_path: Path) -> None:
    folder, out = write_texts(tmp_path / "in", a="good", b="full", c="good"), tmp_path / "out"
    with pytest.raises(StorageError, match=r"disk is full.*goes on"):
        run(folder, out, Here(1))
    state = json.loads((out / "batch.json").read_text())
    assert state["counts"] == {"waiting": 1, "running": 0, "done": 1, "failed": 1}
    assert "disk is full" in state["stopped"]
    write_texts(folder, b="good")
    book = run(folder, out)
    assert (book.count("done"), book.kept) == (3, 1)


def test_ctrl_c_keeps_what_is_done(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("humanav.batch.run._PATIENCE", 0.1)
    folder, out = write_texts(tmp_path / "in", a="good", b="stop", c="good"), tmp_path / "out"
    with pytest.raises(Cancelled, match="the same command goes on"):
        run(folder, out, Here(1))
    state = json.loads((out / "batch.json").read_text())
    assert [item["state"] for item in state["items"]] == ["done", "waiting", "waiting"]
    write_texts(folder, b="good")
    assert run(folder, out).kept == 1


def test_other_things_in_the_way_are_left_alone(tmp_path: Path) -> None:
    folder, out = write_texts(tmp_path / "in", a="good", b="good"), tmp_path / "out"
    write_texts(out / "a", diary="mine")
    book = run(folder, out)
    assert (book.items["a"].state, book.items["b"].state) == ("failed", "done")
    assert "holds other files" in book.items["a"].sentence
    assert (out / "a" / "diary.txt").read_text() == "mine"


def test_refused_before_anything_is_done(tmp_path: Path) -> None:
    folder, out = write_texts(tmp_path / "in", a="good"), tmp_path / "out"
    run(folder, out)
    (folder / "a.jpg").touch()
    with pytest.raises(InputError, match="holds a batch of denoise"):
        run_batch(folder, BatchOptions("avatar"), out=out, workers=Here())
    with FileLock(places.batch_lock(out)), pytest.raises(InputError, match="Another batch is at work"):
        run(folder, out)
    state = json.loads((out / "batch.json").read_text())
    for wrong in ("../a", ".batch", "c:a"):
        (out / "batch.json").write_text(json.dumps(state | {"names": {"a.txt": wrong}}))
        with pytest.raises(InputError, match="is damaged: remove it"):
            run(folder, out)
    (out / "batch.json").write_text("{")
    with pytest.raises(InputError, match="is damaged: remove it"):
        run(folder, out)
    (tmp_path / "file").touch()
    with pytest.raises(StorageError):
        run(folder, tmp_path / "file" / "out")
    for odd in ({"workers": 0}, {"retries": -1}, {"limit": 0}):
        with pytest.raises(InputError):
            BatchOptions("denoise", **odd)


def test_a_limit_and_where_it_goes(tmp_path: Path) -> None:
    folder = write_texts(tmp_path / "in", a="good", b="good")
    assert list(run(folder, tmp_path / "out", limit=1).items) == ["a"]
    assert usual_out(folder, "track") == tmp_path / "in_track"
    assert usual_out(folder / "..", "track") == tmp_path.with_name(f"{tmp_path.name}_track")


def test_inputs_may_be_called_like_the_batch_s_own_files(tmp_path: Path) -> None:
    latin = os.fsdecode(b"caf\xe9")
    names = ["batch", "stop", "index", "batch.part", "index.part", "batch.json", "index.html", latin]
    book = run(write_texts(tmp_path / "in", **dict.fromkeys(names, "good")), tmp_path / "out")
    assert book.count("done") == len(names)
    assert "caf" in (tmp_path / "out" / "index.html").read_text()


def test_an_input_that_may_not_be_read_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def closed(path: Path) -> bytes:
        raise PermissionError(13, "Permission denied")

    folder = write_texts(tmp_path / "in", a="good")
    monkeypatch.setattr(Path, "read_bytes", closed)
    monkeypatch.setattr("humanav.batch.work.os.access", lambda *_: False)
    book = run(folder, tmp_path / "out")
    assert (book.items["a"].sentence, book.items["a"].attempts) == ("a.txt may not be read: change who may.", 1)


def test_a_worker_without_locks_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def lacking(*_: Any, **__: Any) -> None:
        raise NotImplementedError("no flock here")

    folder, out = write_texts(tmp_path / "in", a="good"), tmp_path / "out"
    places.work(out).mkdir(parents=True)
    monkeypatch.setattr(FileLock, "acquire", lacking)
    done = do(Task("a", "denoise", str(folder / "a.txt"), str(out)))
    assert done.end == "again"
    assert "NotImplementedError: no flock here" in done.sentence


def test_two_workers_with_the_same_item_publish_once(tmp_path: Path) -> None:
    folder, out = write_texts(tmp_path / "in", a="good"), tmp_path / "out"
    places.work(out).mkdir(parents=True)
    (out / ".a-abcd1234").mkdir()  # what a killed worker leaves
    task, found = Task("a", "denoise", str(folder / "a.txt"), str(out)), list[Outcome]()
    with FileLock(places.lock_file(out, "a")):
        late = threading.Thread(target=lambda: found.append(do(task)))
        late.start()
        late.join(0.3)
        assert late.is_alive()  # it waits for the other one
    late.join(10)
    assert found[0].end == "done"
    assert do(task).end == "kept"
    assert do(replace(task, since=0.0)).end == "done"  # as another worker of the same call finds it
    assert events(out, "a").count("published") == 1
    assert sorted(path.name for path in out.iterdir()) == [".batch", "a"]
    places.stop_file(out).touch()
    with FileLock(places.lock_file(out, "a")):
        assert do(task).end == "stopped"


def test_a_lost_connection_leaves_the_items_waiting(tmp_path: Path) -> None:
    class Lost(Here):
        def finished(self, seconds: float) -> list[tuple[Task, Outcome]]:
            raise HumanavError("The connection was lost.")

    folder, out = write_texts(tmp_path / "in", a="good", b="good"), tmp_path / "out"
    with pytest.raises(HumanavError, match="connection was lost"):
        run(folder, out, Lost())
    assert json.loads((out / "batch.json").read_text())["counts"]["waiting"] == 2


def test_the_report(tmp_path: Path) -> None:
    folder, out = write_texts(tmp_path / "a & b", **{"one": "good", "two<i>": "bad"}), tmp_path / "out"
    (folder / "other.md").touch()
    run(folder, out)
    text = (out / "index.html").read_text()
    assert "Cleaned motions of a &amp; b" in text
    assert "1 of 2 done, 1 failed" in text
    assert 'href="one/note.txt"' in text
    assert "It said good." in text
    assert "All &lt;b&gt; is well." in text
    assert "This input is bad: give another one." in text
    assert "two&lt;i&gt;.txt" in text
    assert "<i>.txt" not in text
    assert "other.md" in text
    assert "http" not in text.replace("http-equiv", "")  # nothing from the network
    assert 'data-going="false"' in text
    book = Book(out, "track", {}, "clips", {"x": Item("x", "x.mp4", "running")})
    assert 'data-going="true"' in page(book)
    picture = places.picture(out, "one")
    picture.write_bytes(b"webp")
    items = {name: Item(name, name, "done") for name in ["one", *map(str, range(300))]}
    few, many = (page(Book(out, "track", {}, "clips", dict(list(items.items())[:count]))) for count in (300, 301))
    assert 'src="data:image/webp;base64,d2VicA=="' in few
    assert 'src=".batch/one.webp"' in many  # so many inside no browser would open
    assert [duration(value) for value in (3.21, 42, 600, 9000)] == ["3.2 s", "42 s", "10 min", "2.5 h"]
