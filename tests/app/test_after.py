"""The row under a result: the page that is sent, and that nobody deletes what is another's."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import gradio as gr
import pytest

from humanav import share
from humanav.app import kept, visitors
from humanav.app.after import Send, file_name
from humanav.app.poses_tab import RandomPart
from humanav.errors import InputError
from humanav.progress import Progress
from humanav.store import Record
from tests.app.test_part import visitor, write


class Sending(RandomPart):
    sends = (Send("Go on", "on"), Send("Not with this", "not", lambda result: False))


@pytest.fixture(scope="module")
def part() -> RandomPart:
    with gr.Blocks():
        return Sending()


@pytest.fixture
def record() -> Record:
    store = kept.store()
    begun = store.begin(visitors.key_of(visitor("ann")), "poses", tab="denoise/random", kind="poses",
                        title='My "poses" <b>/..')
    write(store.folder(begun.id), Progress(1))
    return store.finish(begun.id)


def test_names_of_files_suit_every_system() -> None:
    assert file_name('My "poses" <b>/..\\x\n', ".html") == "My poses b x.html"
    assert file_name("...", ".html") == "result.html"
    assert len(file_name("word " * 99, ".html")) < 90


def test_only_buttons_that_fit_are_shown(part: RandomPart, record: Record) -> None:
    result = kept.store().find(record.id).result
    assert result is not None
    shown = part.after.shown(record, result, own=False)
    assert [shown[part.after.sending[name]]["visible"] for name in ("on", "not")] == [True, False]
    assert not shown[part.after.delete]["visible"]
    assert set(shown) <= set(part.places)


def test_a_page_is_made_and_downloads(part: RandomPart, record: Record, monkeypatch: pytest.MonkeyPatch) -> None:
    def page(result: Any, path: Path, *, title: str, link: str) -> Path:
        path.write_text(f"{title} {link}")
        return path

    monkeypatch.setattr(share, "write_share_page", page)
    *_, last = part.after._share(record.id, "https://here/?result=1")
    said = last[part.after.said]
    assert 'download="My poses b.html"' in said
    assert "<b>/.." not in said
    monkeypatch.setattr(share, "write_share_page", None)
    *_, again = part.after._share(record.id, "https://here/?result=1")
    assert again[part.after.said] == said  # the same page
    with pytest.raises(InputError, match="no such result"):
        list(part.after._share("a" * 26, "https://here"))


def test_only_the_owner_deletes(part: RandomPart, record: Record) -> None:
    page = kept.store().previews / f"share-{record.id}-1.html"
    for path in (kept.poster(record.id), page):
        path.write_bytes(b"x")
    with pytest.raises(gr.Error, match="no such result"):
        part.after._delete(record.id, visitor("bob"))
    assert kept.poster(record.id).exists()
    shown = part.after._delete(record.id, visitor("ann"))
    assert shown[part.made] is None
    assert shown[part.after.id] == ""
    with pytest.raises(InputError):
        kept.store().find(record.id)
    assert not kept.poster(record.id).exists()
    assert not page.exists()
