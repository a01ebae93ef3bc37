"""What every part of the page does: it keeps what was asked for and brings it back, for its owner and for a friend."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import gradio as gr
import pytest

from humanav.app import kept, links, running, shell, visitors
from humanav.app.inputs import held
from humanav.app.job import Job
from humanav.app.part import AGAIN, Part, said_of
from humanav.errors import Cancelled, InputError, StorageError
from humanav.jobs.track_samples import sample_clip
from humanav.progress import Progress
from humanav.results import Result, ResultWriter
from humanav.store import Record, id_of, new_key

WORDS: dict[str, Any] = {"kind": "poses", "title": "Poses"}


@pytest.fixture(scope="module")
def parts() -> dict[str, Part]:
    """Every part of the page."""
    with gr.Blocks():
        return {part.name: part for tab in shell.TABS for part in tab.build() if isinstance(part, Part)}


@pytest.fixture(scope="module")
def links_of(parts: dict[str, Part]) -> Iterator[links.Links]:
    with gr.Blocks():
        with gr.Tabs() as tabs:
            pass
        yield links.Links(tabs, list(parts.values()), "results")


def visitor(name: str) -> Any:
    return type("Request", (), {"session_hash": name})()


def write(folder: Path, progress: Progress, kind: str = "poses") -> Result:
    progress.next("Writing")
    with ResultWriter(folder, kind, "0" * 16, {"count": 1}) as writer:
        for name in ("poses.glb", "poses.npz", "pose_01.png"):
            writer.add(name, "A file").write_bytes(b"x")
        writer.report.update({"distances": [0.5], "seconds": 1.0})
    return writer.result


def job(identity: str, work: Any = write) -> Job:
    return Job(identity, work, 1, "Poses")


def last(updates: Iterator[Any]) -> dict[Any, Any]:
    shown: dict[Any, Any] = {}
    for update in updates:
        shown |= update
    return shown


EXAMPLES: dict[str, dict[str, Any]] = {
    "photo": {"photo": "a.jpg", "clip": "dance", "height": "174 cm", "standing": "The photo decides",
              "flips": ["Left arm"], "swap": True, "texture": "1024 px, quicker", "back": "a.jpg", "kind": "gaussian",
              "minutes": 3},
    "denoise/clean": {"clip": "walk", "files": ["x.amc", "x.asf"], "damage": "Noise", "strength": 1.5,
                      "keep_feet": False, "amount": 2, "seed": 4, "start": 1.5},
    "denoise/random": {"count": 5, "seed": 9},
    "denoise/between": {"source": "Squat", "moment": 10, "seed": 1, "other": "Celebrate", "other_moment": 20,
                        "other_seed": 2, "cleaned": None, "gallery": None},
    "uplift/clip": {"sample": "A photo", "files": ["k.json", "k.mp4"], "person": "The largest", "smooth": False,
                    "drawing": "On a plain ground", "start": 2, "focal": 700, "layout": "The file decides",
                    "names": "nose", "size": "640x480", "fps": 25, "betas": [0.5, -1.0]},
    "track": {"clip": "clip.mp4", "start": 1.0, "end": 3.0, "mode": "accurate", "who": "1", "camera": "It moves",
              "height": "1.8 m", "lock": False, "fps": "15", "focal": "700", "persona": True, "found": 1},
    "capture": {"files": ["a.mp4", "b.mp4", "extri.yml"], "way": "quick", "start": "1", "end": "2", "fps": "10",
                "unit": "Metres", "axis": "z", "sync": False, "mend": False, "people": "2", "height": "",
                "masks": "m.zip"},
}


def plain(value: Any) -> Any:
    return value["value"] if isinstance(value, dict) and value.get("__type__") == "update" else value


@pytest.mark.parametrize("name", EXAMPLES)
def test_inputs_come_back_as_they_were(name: str, parts: dict[str, Part], tmp_path: Path) -> None:
    part, said = parts[name], dict(EXAMPLES[name])
    assert set(part.inputs) >= set(said)
    for key, value in said.items():
        if isinstance(part.inputs[key], gr.File | gr.Image | gr.Video):
            paths = [tmp_path / key / file for file in ([value] if isinstance(value, str) else value)]
            for path in paths:
                path.parent.mkdir(exist_ok=True)
                path.write_bytes(sample_clip().read_bytes() if path.name == "clip.mp4" else f"{key} {path}".encode())
            said[key] = str(paths[0]) if isinstance(value, str) else [str(path) for path in paths]
    key = new_key()
    chosen = {name: part.inputs[name] for name in said}
    record = kept.store().begin(key, "a question", tab=part.name, kind=part.kind, title="A title",
                                values=held(chosen, tuple(said.values())))
    kept.store().end(record.id, "stopped", "It was stopped.")
    mine = part.open(kept.store().find(record.id), key)
    friends = part.open(kept.store().find(record.id), new_key())
    assert "It was stopped. " + AGAIN in mine[part.status]
    assert "Only the browser that made it" in friends[part.status]
    assert set(mine) <= set(part.places)
    for name, component in chosen.items():
        back = plain(mine[component])
        if isinstance(component, gr.File | gr.Image | gr.Video):
            files, were = ([path] if isinstance(path, str) else path for path in (back, said[name]))
            assert [Path(path).read_bytes() for path in files] == [Path(path).read_bytes() for path in were]
            assert [Path(path).name for path in files] == [Path(path).name for path in were]
            assert plain(friends[component]) is None
            assert set(files) <= set(mine[part.restored])
        else:
            assert back == said[name]
            if not isinstance(component, gr.State):
                assert plain(friends[component]) == said[name]


def test_a_job_leaves_a_record_and_is_known_again(parts: dict[str, Part]) -> None:
    part, ann = parts["denoise/random"], visitor("ann")
    shown = last(part.produce(ann, job("poses-1"), {"count": 1}))
    record = kept.store().mine(visitors.key_of(ann))[0]
    assert (record.state, record.tab, record.title, record.values) == ("done", part.name, "Poses", {"count": 1})
    assert shown[part.made].endswith(record.id)
    assert shown[part.after.id] == record.id
    assert shown[part.make]["interactive"]
    known = part._known(job("poses-1", pytest.fail), {}, visitors.key_of(ann))
    assert known[part.after.id] == record.id
    bob = visitors.key_of(visitor("bob"))
    assert part._known(job("poses-1", pytest.fail), {}, bob) == {}
    assert kept.store().mine(bob) == []


def test_every_update_of_a_run_says_how_its_buttons_are(parts: dict[str, Part]) -> None:
    """Gradio's page changes an update that it has not come to into the next one."""
    part, ann = parts["denoise/random"], visitor("busy")
    updates = list(part._started(lambda: job("poses-8"), {})(ann, None))
    assert len(updates) > 3
    for update in updates[:-1]:
        assert update[part.stop]["visible"]
        assert not update[part.make]["interactive"]
    assert not updates[-1][part.stop]["visible"]


def test_cancel_works_as_soon_as_it_is_seen(parts: dict[str, Part]) -> None:
    part, ann = parts["denoise/random"], visitor("hasty")
    updates = part._started(lambda: job("poses-9", lambda *_: pytest.fail("it works")), {})(ann, None)
    assert next(updates)[part.stop]["visible"]
    assert running.cancel("hasty", part.name)
    shown = last(updates)
    assert "Stopped" in shown[part.status]
    assert not shown[part.stop]["visible"]


def test_what_was_stopped_or_refused_is_told(parts: dict[str, Part]) -> None:
    part, ann = parts["denoise/random"], visitor("stops")
    key = visitors.key_of(ann)

    def stop(folder: Path, progress: Progress) -> Result:
        progress.next("Writing")
        raise Cancelled("Stopped. Your input is still here: press the button.")

    def refuse(folder: Path, progress: Progress) -> Result:
        raise InputError("Nothing of this can be read.")

    shown = last(part.produce(ann, job("poses-2", stop), {}))
    assert "Stopped" in shown[part.status]
    assert not shown[part.stop]["visible"]
    assert [record.state for record in kept.store().mine(key)] == ["stopped"]
    with pytest.raises(InputError):
        last(part.produce(ann, job("poses-3", refuse), {}))
    assert [record.state for record in kept.store().mine(key)] == ["stopped"]
    steps = part.produce(ann, job("poses-4", lambda folder, progress: _wait(progress)), {})
    next(steps)
    steps.close()  # type: ignore[attr-defined]
    assert "closed" in kept.store().find(id_of(key, "poses-4")).record.note


def _wait(progress: Progress) -> Result:
    while True:
        progress.check()


def test_a_full_disk_is_refused_before_anything_starts(
    parts: dict[str, Part], monkeypatch: pytest.MonkeyPatch
) -> None:
    part, ann = parts["denoise/random"], visitor("full")
    monkeypatch.setattr("shutil.disk_usage", lambda _: type("Usage", (), {"free": 10, "total": 100, "used": 90})())
    steps = part.produce(ann, job("poses-5", lambda *_: pytest.fail("it works")), {})
    shown = next(steps)
    with pytest.raises(StorageError, match="nearly full"):
        list(steps)
    assert "nothing was started" in shown[part.status]
    assert kept.store().mine(visitors.key_of(ann)) == []


def test_what_the_samples_made_becomes_the_visitors_own(parts: dict[str, Part]) -> None:
    store = kept.store()
    sample = store.begin(kept.PUBLIC, "poses-6", tab="denoise/random", **WORDS)
    write(store.folder(sample.id), Progress(1))
    store.finish(sample.id)
    key = new_key()
    shown = parts["denoise/random"]._known(job("poses-6", pytest.fail), {"count": 4}, key)
    record, = store.mine(key)
    assert shown[parts["denoise/random"].after.id] == record.id != sample.id
    assert record.values == {"count": 4}
    store.delete(key, record.id)
    assert store.find(sample.id).result is not None


def test_links_open_their_part_or_say_why_not(parts: dict[str, Part], links_of: links.Links) -> None:
    part, ann = parts["denoise/random"], visitor("opens")
    last(part.produce(ann, job("poses-7"), {"count": 7, "seed": 1}))
    key, stranger = visitors.key_of(ann), new_key()
    id = id_of(key, "poses-7")
    for who in (key, stranger):
        shown = links_of.open(id, who)
        assert shown[links_of.opened] == f"denoise {id} pose-viewer"
        assert part.switch is not None
        assert shown[part.switch] == "random"
        assert shown[part.count] == 7  # type: ignore[attr-defined]
        assert shown[part.after.delete]["visible"] is (who == key)
    again = links_of.again(id, key)
    assert AGAIN in again[part.status]
    assert not again[part.after.box]["visible"]
    with pytest.raises(InputError, match="no such result"):
        links_of.again(id, stranger)
    with pytest.raises(InputError, match="no such result"):
        links_of.open("a" * 26, key)
    made = kept.store().begin(key, "by a program", tab="api", kind="track", title="A clip")
    assert links_of.part_of(made) is parts["track"]


def test_a_link_that_leads_nowhere_is_told(parts: dict[str, Part], links_of: links.Links) -> None:
    for asked, part in (({"result": "a" * 26}, "photo"), ({"result": "../x", "tab": "track"}, "track")):
        request: Any = type("Request", (), {"session_hash": "lost", "query_params": asked})()
        assert "no such result" in links_of.asked_for(request)[parts[part].status]
    request = type("Request", (), {"session_hash": "lost", "query_params": {"tab": "results"}})()
    opened: Any = links_of.asked_for(request)
    assert opened[links_of.tabs]["selected"] == "results"


def test_states_in_words() -> None:
    record = Record("a" * 26, "o", "track", "track", "A clip", 0.0, 0.0, note="It broke off. Run it again: really.")
    assert "being made for" in said_of(record, own=True)
    broken = said_of(Record(**{**record.__dict__, "state": "broken"}), own=True)
    assert "It broke off. Your inputs are back" in broken
    assert "really" not in broken
