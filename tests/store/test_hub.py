"""Results on the Hub: they come back on an empty disk, and nothing that goes wrong there harms what is here.

Datasets are tested over HTTP to the last byte. The contents of buckets go by Xet, which is replaced within the client.
"""

from __future__ import annotations

import json
import shutil
import time
from pathlib import Path
from typing import Any

import pytest

from humanav.errors import InputError, MissingExtraError, StorageError
from humanav.store import Store, id_of, open_remote, open_store, parse_place, push_result
from humanav.store.sending import NOT_STORED
from tests.store.fake_hub import READ, SILENCE, WRITE, FakeHub, FakeXet, Repo
from tests.store.made import ANN, BOB, WORDS, make, write

DATASET, BUCKET = "hf://datasets/ann/results", "hf://buckets/ann/results"
REPOS = {DATASET: "datasets/ann/results", BUCKET: "buckets/ann/results"}
PLACES = pytest.mark.parametrize("place", [DATASET, BUCKET])


def mirrored(base: Path, place: str = DATASET, **options: Any) -> Store:
    """A store on this disk, as after a start, that is mirrored and does not wait long between attempts."""
    store = Store(base, least_free=0, remote=open_remote(place), **options)
    assert store.mirror is not None
    store.mirror._waits = (0.0,)
    return store


def flushed(store: Store) -> bool:
    assert store.mirror is not None
    return store.mirror.flush(20)


@PLACES
@pytest.mark.usefixtures("xet")
def test_a_link_opens_after_a_restart_with_an_empty_disk(hub: FakeHub, tmp_path: Path, place: str) -> None:
    (tmp_path / "photo.jpg").write_bytes(b"a photo")
    store = mirrored(tmp_path / "first", place)
    record = make(store, values={"photo": tmp_path / "photo.jpg"})
    assert flushed(store)
    assert hub.repos[REPOS[place]].private
    assert not [path for path in store.base.rglob("*") if path.is_file() and WRITE.encode() in path.read_bytes()]
    shutil.rmtree(store.base)

    again = mirrored(tmp_path / "second", place)
    kept = again.find(record.id)
    assert kept.result is not None
    assert kept.result.path("note.txt").read_text() == "hello"
    assert kept.record.title == "A walk"
    assert (again.input_files(ANN, record.id) / kept.record.values["photo"]["file"]).read_bytes() == b"a photo"
    assert again.known(ANN, "walk") == kept.result
    hub.asked.clear()
    assert again.find(record.id).result == kept.result
    assert hub.asked == [], "what is here is not asked for again"


@PLACES
@pytest.mark.usefixtures("xet")
def test_lists_renames_and_deletions_are_those_of_the_place(hub: FakeHub, tmp_path: Path, place: str) -> None:
    store = mirrored(tmp_path / "first", place)
    ids = [make(store, identity=str(k)).id for k in range(3)]
    other = make(store, BOB)
    assert flushed(store)
    store.rename(ANN, ids[0], "Renamed")
    store.delete(ANN, ids[1])
    assert flushed(store)
    files = hub.files(REPOS[place])
    assert not [name for name in files if ids[1] in name]

    again = mirrored(tmp_path / "second", place)
    hub.asked.clear()
    assert {record.id: record.title for record in again.mine(ANN)} == {ids[0]: "Renamed", ids[2]: "A walk"}
    assert not [line for line in hub.asked if other.id in line], "another's entries are not even asked for"
    assert again.find(ids[2]).result is not None
    with pytest.raises(InputError, match="no such result"):
        again.find(ids[1])
    assert all(ANN.encode() not in data for data in files.values())


def test_a_result_is_one_commit_and_what_is_replaced_is_gone(hub: FakeHub, tmp_path: Path) -> None:
    store = mirrored(tmp_path / "base")
    record = make(store)
    assert flushed(store)
    assert hub.repos["datasets/ann/results"].commits == ["Store 1 result"]
    hub.files()[f"results/{record.id}/old.bin"] = b"of an earlier version"
    write(store.folder(record.id), "again")
    store.finish(record.id)
    assert flushed(store)
    assert {name for name in hub.files() if name.startswith("results/")} == {
        f"results/{record.id}/note.txt", f"results/{record.id}/manifest.json"}
    assert hub.files()[f"results/{record.id}/note.txt"] == b"again"


FAILURES = [(401, "does not know who asks"), (403, "may not write"), (404, "There is no hf://"), (409, "same time"),
            (412, "same time"), (429, "asks for a pause"), (500, "has trouble"), (503, "has trouble"),
            (400, "refused what was asked"), ("cut", "cannot be reached")]


@pytest.mark.parametrize(("status", "words"), FAILURES)
def test_nothing_that_fails_there_fails_a_job(
    hub: FakeHub, tmp_path: Path, caplog: pytest.LogCaptureFixture, status: int | str, words: str
) -> None:
    store = mirrored(tmp_path / "base")
    assert store.mirror is not None
    with hub.failing("POST .*/commit/", status):
        record = make(store)
        assert record.state == "done"
        store.mirror.flush(5)
        deadline = time.monotonic() + 10
        while store.mirror._thread is not None and time.monotonic() < deadline:
            time.sleep(0.01)
    assert words in store.mirror.problem
    assert store.mirror.problem.count("\n") == 0
    assert words in caplog.text
    assert WRITE not in caplog.text
    found = store.find(record.id)
    assert found.result is not None
    assert found.record.note == NOT_STORED
    assert store.mirror.waiting() == 1
    assert hub.files() == {}, "nothing or all of it"
    again = mirrored(tmp_path / "base")  # a restart; the next clean-up tries again
    again.sweep()
    assert flushed(again)
    assert f"records/{record.id}.json" in hub.files()
    assert again.find(record.id).record.note == ""
    assert again.mirror is not None
    assert again.mirror.problem == ""


def test_a_failure_that_passes_is_not_noticed(hub: FakeHub, tmp_path: Path) -> None:
    store = mirrored(tmp_path / "base")
    with hub.failing("POST .*/commit/", 503, 1):
        record = make(store)
        assert flushed(store)
    assert store.find(record.id).record.note == ""


def test_a_place_that_is_silent_keeps_nobody_waiting(
    hub: FakeHub, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from huggingface_hub import constants

    monkeypatch.setattr("humanav.store.mirror._ANSWER_SECONDS", 0.2)
    monkeypatch.setattr(constants, "HF_HUB_ETAG_TIMEOUT", 20)
    store = mirrored(tmp_path / "base")
    here = make(store)
    assert flushed(store)
    with hub.failing("(GET|HEAD) ", "silence"):
        begun = time.monotonic()
        with pytest.raises(InputError, match="cannot be reached at the moment"):
            store.find("a" * 26)
        with pytest.raises(InputError, match="cannot be reached at the moment"):
            store.find("b" * 26)
        assert [record.id for record in store.mine(ANN)] == [here.id]
        assert store.find(here.id).result is not None
        assert store.begin(ANN, "another", **WORDS).state == "running"
        assert time.monotonic() - begun < SILENCE


def test_a_place_that_is_not_there_at_all(tmp_path: Path, hub: FakeHub, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HF_ENDPOINT", "http://127.0.0.1:9")  # nobody listens
    store = mirrored(tmp_path / "base")
    assert store.mirror is not None
    record = make(store)
    assert not store.mirror.flush(3)
    assert store.find(record.id).result is not None
    with pytest.raises(InputError, match="cannot be reached"):
        store.find("a" * 26)
    with pytest.raises(StorageError, match="cannot be reached"):
        push_result(write(tmp_path / "mine"), DATASET)


@pytest.mark.parametrize(("token", "words"), [("", "does not know who asks"), ("wrong", "does not know who asks"),
                                              (READ, "may not write")])
def test_tokens_that_are_not_good_enough(
    hub: FakeHub, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, token: str, words: str
) -> None:
    hub.repos["datasets/ann/results"] = Repo()
    monkeypatch.setenv("HF_TOKEN", token)
    with pytest.raises(StorageError, match=words):
        push_result(write(tmp_path / "mine"), DATASET)


@PLACES
@pytest.mark.usefixtures("xet")
def test_a_public_place_is_refused_for_visitors_results(hub: FakeHub, tmp_path: Path, place: str) -> None:
    hub.repos[REPOS[place]] = Repo(private=False)
    store = mirrored(tmp_path / "base", place)
    assert store.mirror is not None
    make(store)
    assert not store.mirror.flush(5)
    assert "is public, so everybody could read" in store.mirror.problem
    assert hub.files(REPOS[place]) == {}


@PLACES
@pytest.mark.usefixtures("xet")
def test_a_result_goes_to_the_visitors_own_account(hub: FakeHub, tmp_path: Path, place: str) -> None:
    result = write(tmp_path / "mine")
    url = push_result(result, place)
    assert url.startswith(f"{hub.endpoint}/{REPOS[place]}/tree/")
    assert url.endswith("avatar-0123456789abcdef")
    assert set(hub.files(REPOS[place])) == {"avatar-0123456789abcdef/note.txt", "avatar-0123456789abcdef/manifest.json"}
    assert hub.repos[REPOS[place]].private
    write(tmp_path / "mine", "again")
    assert push_result(result, place) == url
    assert hub.files(REPOS[place])["avatar-0123456789abcdef/note.txt"] == b"again"


def test_another_token_can_be_given(hub: FakeHub, tmp_path: Path) -> None:
    hub.repos["datasets/ann/results"] = Repo()
    with pytest.raises(StorageError, match="may not write"):
        push_result(write(tmp_path / "mine"), DATASET, READ)


def test_what_is_over_its_time_goes_there_too(
    hub: FakeHub, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = mirrored(tmp_path / "first", keep_seconds=1000.0)
    here, elsewhere = make(store), make(store, identity="run")
    assert flushed(store)
    shutil.rmtree(tmp_path / "first")
    again = mirrored(tmp_path / "second", keep_seconds=1000.0)
    assert again.find(here.id).result is not None
    real = time.time
    monkeypatch.setattr("humanav.store.local.time.time", lambda: real() + 2000)
    with pytest.raises(InputError, match="no such result"):
        again.find(elsewhere.id)
    assert again.sweep().deleted == (here.id,)
    deadline = time.monotonic() + 10
    while hub.files() and time.monotonic() < deadline:
        flushed(again)
        time.sleep(0.02)
    assert hub.files() == {}


def test_a_deletion_holds_while_the_place_cannot_be_reached(hub: FakeHub, tmp_path: Path) -> None:
    store = mirrored(tmp_path / "base")
    record = make(store)
    assert flushed(store)
    with hub.failing("POST .*/commit/", 503):
        store.delete(ANN, record.id)
        with pytest.raises(InputError, match="no such result"):
            store.find(record.id)
        assert store.mine(ANN) == []
        assert store.mirror is not None
        store.mirror.flush(1)
    store.sweep()
    assert flushed(store)
    assert hub.files() == {}


def test_a_small_disk_keeps_what_is_opened_and_fetches_the_rest(hub: FakeHub, tmp_path: Path) -> None:
    store = mirrored(tmp_path / "base")
    ids = [make(store, identity=str(k), text="x" * 1000).id for k in range(3)]
    assert flushed(store)
    store.most_bytes = store.used() - 10
    assert store.sweep().emptied == (ids[0],)
    assert not store.folder(ids[0]).exists()
    assert len(store.mine(ANN)) == 3
    assert store.find(ids[0]).result is not None


def test_files_of_others_hands_there_do_no_harm(hub: FakeHub, tmp_path: Path) -> None:
    store = mirrored(tmp_path / "first")
    record = make(store)
    assert flushed(store)
    files = hub.files()
    hub.files()["records/" + "b" * 26 + ".json"] = files[f"records/{record.id}.json"]  # another's id in it
    hub.files()["records/" + "c" * 26 + ".json"] = b"\xff{"
    hub.files()[f"owners/{record.owner}/not an id"] = b""
    hub.files()[f"owners/{record.owner}/{'b' * 26}"] = b""
    hub.files()[f"results/{record.id}/../../../evil.txt"] = b"evil"
    again = mirrored(tmp_path / "deep" / "second")
    assert [entry.id for entry in again.mine(ANN)] == [record.id]
    for id in ("b" * 26, "c" * 26):
        with pytest.raises(InputError, match="no such result"):
            again.find(id)
    assert again.find(record.id).result is not None
    assert not list(tmp_path.rglob("evil.txt"))
    data = json.loads(hub.files()[f"results/{record.id}/manifest.json"])
    data["files"][0]["name"] = "../../records/x.json"
    hub.files()[f"results/{record.id}/manifest.json"] = json.dumps(data).encode()
    with pytest.raises(InputError, match="are damaged"):
        mirrored(tmp_path / "third").find(record.id)


def test_the_setting_names_the_place(hub: FakeHub, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path))
    monkeypatch.setenv("HUMANAV_STORAGE", DATASET)
    monkeypatch.setenv("HUMANAV_LEAST_FREE_GB", "0")
    store = open_store()
    assert store.base == tmp_path / "humanav" / "mirrors" / "datasets--ann--results"
    assert hub.asked == [], "nothing is asked before there is something to ask"
    record = make(store)
    assert flushed(store)
    assert record.id == id_of(ANN, "walk")


@pytest.mark.parametrize("text", ["hf://ann/results", "hf://datasets/ann", "hf://datasets/../x", "s3://bucket/x",
                                  "hf://models/ann/x", "hf://datasets/ann/x/y", "https://huggingface.co/datasets/a/b"])
def test_other_places_are_refused(text: str) -> None:
    with pytest.raises(InputError, match="is no place for results"):
        parse_place(text)
    with pytest.raises(InputError, match="is no place for results"):
        open_store(text)


def test_buckets_need_a_client_that_knows_them(monkeypatch: pytest.MonkeyPatch) -> None:
    from huggingface_hub import HfApi

    monkeypatch.delattr(HfApi, "batch_bucket_files")
    with pytest.raises(MissingExtraError, match="pip install -U huggingface_hub"):
        open_remote(BUCKET)


def test_a_bucket_never_names_files_that_are_not_there(hub: FakeHub, xet: FakeXet, tmp_path: Path) -> None:
    store = mirrored(tmp_path / "base", BUCKET)
    assert store.mirror is not None
    hub.repos["buckets/ann/results"] = Repo()
    seen: list[set[str]] = []
    write_batch = store.mirror.remote.api.batch_bucket_files  # type: ignore[attr-defined]

    def watched(*args: Any, **named: Any) -> None:
        write_batch(*args, **named)
        seen.append({name.partition("/")[0] for name in hub.files("buckets/ann/results")})

    store.mirror.remote.api.batch_bucket_files = watched  # type: ignore[attr-defined]
    make(store)
    assert flushed(store)
    assert seen == [{"results"}, {"results", "records", "owners"}]
