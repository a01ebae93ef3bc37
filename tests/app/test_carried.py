"""A tracked motion is carried to the avatar's tab, seen there, used and let go."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import gradio as gr
import pytest

from humanav.app import carried, photo_tab
from humanav.body import BodyModel
from humanav.errors import InputError
from humanav.jobs import ANIMATE_STAGES
from humanav.progress import Progress
from humanav.results import Result
from tests.jobs.track_folders import TakeOf, bare_avatar, still_camera, walker, write_track


@pytest.fixture(scope="module")
def body() -> BodyModel:
    return BodyModel.load()


@pytest.fixture(scope="module")
def track(tmp_path_factory: pytest.TempPathFactory, body: BodyModel) -> Result:
    takes = [TakeOf(walker(body, frames=4)), TakeOf(walker(body, "dance", frames=3, at=(-1, -1)), "2")]
    return write_track(tmp_path_factory.mktemp("carried") / "track", takes, still_camera(160, 120), body)


@pytest.fixture
def page() -> dict[str, Any]:
    """A page of two tabs, the one that offers built before the one that receives."""
    place: dict[str, Any] = {}
    with gr.Blocks() as blocks, gr.Tabs() as tabs:
        with gr.Tab("Video", id="track"):
            made, button, person = gr.State(None), gr.Button("Animate my avatar"), gr.Textbox()
            place["event"] = carried.offer(button, made, person)
            place["state"] = carried.carried()
        with gr.Tab("Photo", id=carried.AVATAR_TAB):
            place["tab"] = photo_tab.PhotoTab()
    return place | {"blocks": blocks, "tabs": tabs}


def test_both_tabs_mean_the_same_state(page: dict[str, Any]) -> None:
    assert page["tab"].chip.state is page["state"]
    with gr.Blocks():
        assert carried.carried() is not page["state"]


def carry(page: dict[str, Any], folder: Any, who: Any) -> Any:
    sent = [f for f in page["blocks"].fns.values() if page["tabs"] in f.outputs and page["state"] in f.outputs]
    assert len(sent) == 1
    return sent[0].fn(folder, who)


def test_the_button_carries_the_motion_and_opens_the_tab(page: dict[str, Any], track: Result) -> None:
    found, tabs = carry(page, str(track.folder), "2")
    assert found == carried.Carried(str(track.folder), "2")
    assert tabs["selected"] == "photo"
    assert len(found.load().motion) == 3
    assert carry(page, str(track.folder), None)[0].person == ""


@pytest.mark.parametrize(("folder", "who", "words"), [
    (None, "", "no tracked motion yet"), ("gone", "", "no longer here"), ("", "9", "no tracked motion yet")])
def test_what_cannot_be_carried_is_said(
    folder: Any, who: str, words: str, page: dict[str, Any], track: Result, tmp_path: Path
) -> None:
    with pytest.raises(gr.Error, match=words):
        carry(page, str(tmp_path / folder) if folder else folder, who)
    with pytest.raises(gr.Error, match="choose one of 1, 2"):
        carry(page, str(track.folder), "9")


def test_the_chip_says_what_it_holds(track: Result, tmp_path: Path) -> None:
    shown, words, button = carried._described(carried.Carried(str(track.folder), "2"), None)
    assert shown["visible"]
    assert "Motion: tracked clip" in words
    assert "(clip, 0.1 s, person 2)" in words
    assert "Make an avatar from a photo" in words
    assert not button["interactive"]
    _, words, button = carried._described(carried.Carried(str(track.folder)), "an avatar's folder")
    assert "Make an avatar" not in words
    assert button["interactive"]
    shown, words, button = carried._described(carried.Carried(str(tmp_path / "gone")), "an avatar's folder")
    assert "no longer here" in words
    assert not button["interactive"]
    assert not carried._described(None, None)[0]["visible"]


def test_the_avatar_moves_in_its_clip(
    page: dict[str, Any], track: Result, body: BodyModel, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("humanav.app.photo_tab.result_folder", lambda identity: tmp_path / identity)
    avatar, tab = bare_avatar(body, tmp_path / "avatar"), page["tab"]
    done: list[Result] = []

    def at_once(session: str, kind: str, work: Any, steps: int) -> Iterator[Any]:
        assert (kind, steps) == ("clip", len(ANIMATE_STAGES))
        done.append(work(Progress(steps)))
        yield tab._finished(done[-1], [])

    monkeypatch.setattr(tab, "_follow", at_once)
    visitor: Any = type("Request", (), {"session_hash": "visitor"})()
    found = carried.Carried(str(track.folder), "2")
    update = list(tab._animate_tracked(str(avatar.folder), found, True, True, visitor))[-1]
    assert done[0].inputs["background"] == "original"
    assert done[0].inputs["shape"] == "motion"
    assert done[0].inputs["person"] == "2"
    assert update[tab.animation]["value"].endswith("side_by_side.mp4")
    assert not update[tab.turntable]["visible"]
    assert not update[tab.strip]["visible"]
    assert "in the clip" in update[tab.status]
    for made, motion in ((None, found), (str(avatar.folder), None)):
        with pytest.raises(InputError):
            next(tab._animate_tracked(made, motion, True, False, visitor))
