"""What one tab made is taken in hand, seen in the tray, and used by another tab."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import gradio as gr
import pytest

from humanav.app import hand, hand_chip, kept, tray
from humanav.app.denoise_tab import CleanPart
from humanav.app.hand import Item
from humanav.app.part import Part
from humanav.app.photo_tab import PhotoTab
from humanav.body import BodyModel
from humanav.errors import InputError
from humanav.progress import Progress
from humanav.results import Result, ResultWriter
from humanav.store import Record, Store, new_key
from tests.export.test_gaussian_avatar import small_avatar
from tests.jobs.track_folders import TakeOf, bare_avatar, still_camera, walker, write_track

KEY = new_key()


@pytest.fixture(scope="module")
def body() -> BodyModel:
    return BodyModel.load()


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Store]:
    """A store of these tests alone, which is the app's meanwhile."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("HUMANAV_STORAGE", str(tmp_path_factory.mktemp("store")))
        kept.store.cache_clear()
        yield kept.store()
    kept.store.cache_clear()


def begin(store: Store, identity: str, title: str) -> Record:
    return store.begin(KEY, identity, tab="", kind="", title=title)


@pytest.fixture(scope="module")
def track(store: Store, body: BodyModel) -> Record:
    """Two people, tracked."""
    record = begin(store, "track", "A walk & a dance")
    takes = [TakeOf(walker(body, frames=4)), TakeOf(walker(body, "dance", frames=3, at=(-1, -1)), "2")]
    write_track(store.folder(record.id), takes, still_camera(160, 120), body)
    return store.finish(record.id)


@pytest.fixture(scope="module")
def avatar(store: Store, body: BodyModel) -> Record:
    record = begin(store, "avatar", "Avatar, shirt")
    bare_avatar(body, store.folder(record.id))
    return store.finish(record.id)


@pytest.fixture(scope="module")
def capture(store: Store, body: BodyModel) -> Record:
    record = begin(store, "capture", "A hug")
    with ResultWriter(store.folder(record.id), "capture", "0" * 16, {}) as writer:
        for person in ("1", "2"):
            small_avatar(body, deforms=False).save(writer.add(f"avatar_{person}.npz", "an avatar"))
        writer.report["people"] = ["1", "2"]
    return store.finish(record.id)


@pytest.fixture(scope="module")
def parts(store: Store) -> dict[str, Part]:
    """The two parts that take something in hand."""
    with gr.Blocks():
        return {part.name: part for part in (PhotoTab(), CleanPart())}


def test_what_the_browser_tells_is_checked(track: Record) -> None:
    for wrong in (None, 3, [], {"motion": 3}, {"motion": {"id": "../../etc"}}, {"motion": {"person": "1"}}):
        assert hand.taken(wrong, "motion") is None
    item = Item("motion", track.id, "2")
    assert hand.taken({"motion": item.to_json()}, "motion") == item
    assert len(hand.taken({"motion": {"id": track.id, "person": "x" * 99}}, "motion").person) == 20  # type: ignore[union-attr]


def test_a_motion_and_an_avatar_fit_in_one_hand(track: Record, avatar: Record) -> None:
    motion, worn = Item("motion", track.id), Item("avatar", avatar.id)
    value = hand.put(hand.put({}, "motion", motion), "avatar", worn)
    assert hand.taken(value, "motion") == motion
    assert hand.taken(value, "avatar") == worn
    assert hand.put(value, "motion", None) == {"avatar": worn.to_json()}
    assert hand.checked(Item("motion", track.id, "2a")) == Item("motion", track.id, "2")  # as a track's page says it


def test_every_kind_of_result_goes_where_it_can(store: Store, track: Record, avatar: Record, capture: Record) -> None:
    fits = {name: [send.name for send in (hand.CLEAN, hand.MOVE, hand.WEAR) if send.fits(store.find(record.id).result)]
            for name, record in (("track", track), ("avatar", avatar), ("capture", capture))}  # type: ignore[arg-type]
    assert fits == {"track": ["to-clean", "to-avatar"], "avatar": ["to-motion"], "capture": ["to-motion"]}


def test_the_tray_shows_what_is_in_hand(track: Record, capture: Record) -> None:
    hidden = tray.Tray._shown({})
    assert not hidden[0]["visible"]
    value = {"motion": Item("motion", track.id, "2").to_json(), "avatar": Item("avatar", capture.id, "1").to_json()}
    box, words, whose, wearer, clean, move = tray.Tray._shown(value)
    assert box["visible"]
    assert clean["visible"]
    assert move["value"] == "Move the avatar"
    assert "A walk &amp; a dance" in words
    assert "person 2" in words
    assert whose["choices"] == wearer["choices"] == [("Person 1", "1"), ("Person 2", "2")]
    assert (whose["value"], wearer["value"]) == ("2", "1")
    assert tray._person("motion", value, "1")["motion"] == {"id": track.id, "person": "1"}
    assert not tray.Tray._shown({"motion": {"id": "a" * 26}})[0]["visible"]  # gone


def test_the_chip_says_what_moves_whom(track: Record, capture: Record, avatar: Record, store: Store) -> None:
    motion = {"motion": Item("motion", track.id).to_json()}
    box, words, clip, background, _, animate, source = hand_chip.described(motion, None)
    assert source is None
    assert box["visible"]
    assert background["visible"]
    assert not animate["interactive"]
    assert not clip["visible"]
    assert "Make an avatar" in words
    assert hand_chip.described(motion, str(store.folder(avatar.id)))[5]["interactive"]
    worn = {"avatar": Item("avatar", capture.id, "2").to_json()}
    _, words, clip, background, _, animate, _ = hand_chip.described(worn, None)
    assert "A hug, person 2" in words
    assert clip["visible"]
    assert not background["visible"]
    assert animate["interactive"]
    assert "deleted" in hand_chip.described({"motion": {"id": "a" * 26}}, None)[1]
    assert not hand_chip.described({}, "anything")[0]["visible"]


def test_without_an_avatar_on_the_tab_a_motion_moves_the_visitors_last_one(track: Record, avatar: Record,
                                                                         store: Store) -> None:
    motion = {"motion": Item("motion", track.id).to_json()}
    *_, words, _, _, _, animate, source = hand_chip.described(motion, None, KEY)
    assert "Your last avatar (Avatar, shirt) will move like this" in words
    assert animate["interactive"]
    assert source == str(store.folder(avatar.id))
    assert hand_chip.described(motion, "mine", KEY)[-1] == "mine"
    for told in (None, new_key(), "no key"):
        assert hand_chip.described(motion, None, told)[-1] is None


def run(job: Any, folder: Path) -> Result:
    made: Result = job.work(folder, Progress(job.steps))
    return made


def test_a_tracked_motion_moves_the_avatar_of_the_tab(
    parts: dict[str, Part], store: Store, track: Record, avatar: Record, tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    tab = parts["photo"]
    assert isinstance(tab, PhotoTab)
    value = {"motion": Item("motion", track.id, "2").to_json()}
    job = tab._in_hand(str(store.folder(avatar.id)), value, "dance", True, True)
    done = run(job, tmp_path / "moved")
    assert (done.inputs["background"], done.inputs["shape"], done.inputs["person"]) == ("original", "motion", "2")
    update = tab.finished(done)
    assert update[tab.animation]["value"].endswith("side_by_side.mp4")
    assert job.values is not None
    record = store.begin(KEY, job.identity, tab="photo", kind="animation", title=job.title, values=job.values)
    monkeypatch.setattr(tab, "finished", lambda result: {})  # of the bare avatar, which has no film
    restored = tab.restore(record, tmp_path)
    assert restored[tab.made] == str(store.folder(avatar.id))
    assert restored[tab.chip.state] == value
    with pytest.raises(InputError, match="no avatar yet"):
        tab._in_hand(None, value, "dance", True, True)


def test_the_avatar_of_a_capture_takes_a_clip(parts: dict[str, Part], capture: Record, tmp_path: Path) -> None:
    tab = parts["photo"]
    assert isinstance(tab, PhotoTab)
    job = tab._in_hand(None, {"avatar": Item("avatar", capture.id, "2").to_json()}, "wave", True, True)
    done = run(job, tmp_path / "moved")
    assert done.report["person"] == "2"
    assert tab.finished(done)[tab.status]


def test_a_tracked_motion_is_cleaned(parts: dict[str, Part], track: Record, tmp_path: Path) -> None:
    part = parts["denoise/clean"]
    assert isinstance(part, CleanPart)
    value = {"motion": Item("motion", track.id, "2").to_json()}
    job = part._clean_hand(value, 1.0, True, None)
    assert job.title == "A walk & a dance, cleaned"
    assert run(job, tmp_path / "clean").kind == "denoise"
    with pytest.raises(InputError, match="no motion in hand"):
        part._clean_hand({}, 1.0, True, None)
