"""A visitor is known by the key of their browser; nobody can take another's, and nobody's is everybody's."""

from __future__ import annotations

from typing import Any

import gradio as gr
import pytest

from humanav.app import kept, visitors
from humanav.store import new_key


def asks(session: str | None) -> Any:
    return type("Request", (), {"session_hash": session})()


def test_a_page_is_remembered_and_keeps_its_key() -> None:
    first = visitors.remember(None, asks("one"))
    assert visitors.key_of(asks("one")) == first
    assert visitors.remember(first, asks("two")) == first == visitors.key_of(asks("two"))
    visitors.leave(asks("one"))
    assert visitors.key_of(asks("one")) == first  # a phone that slept is still who it was


def test_a_job_that_starts_before_the_page_told_its_key_has_that_key(monkeypatch: pytest.MonkeyPatch) -> None:
    visitors.meet(None, asks("early"))  # a first visit: its browser has none yet
    early = visitors.key_of(asks("early"))
    visitors.meet(None, asks("early"))
    assert visitors.remember(None, asks("early")) == early == visitors.key_of(asks("early"))
    assert visitors.remember(None, asks("early")) != early, "it is told once"
    monkeypatch.setattr(visitors, "_keys", type(visitors._keys)())  # the program was started anew under an open page
    visitors.meet(early, asks("early"))
    assert visitors.key_of(asks("early")) == early
    visitors.meet(new_key(), asks("early"))
    assert visitors.key_of(asks("early")) == early, "who is known cannot be made another"
    visitors.meet(early, asks(None))
    visitors.meet(kept.PUBLIC, asks("a liar"))
    assert visitors.key_of(asks("a liar")) not in (early, kept.PUBLIC)


def test_callers_without_a_page_are_kept_apart() -> None:
    ann, bob = visitors.key_of(asks("a caller")), visitors.key_of(asks("another"))
    assert ann == visitors.key_of(asks("a caller")) != bob
    assert visitors.key_of(asks(None)) != visitors.key_of(asks(None))


@pytest.mark.parametrize("told", [None, "", kept.PUBLIC, "x" * 42, "x" * 44, "ä" * 43, 7, ["k"], {"key": "k"}])
def test_what_is_no_key_is_replaced(told: Any) -> None:
    key = visitors.remember(told, asks("somebody"))
    assert key not in (told, kept.PUBLIC)
    assert len(key) == len(new_key())


def test_only_so_many_are_remembered(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(visitors, "MOST", 3)
    monkeypatch.setattr(visitors, "_keys", type(visitors._keys)())
    keys = {name: visitors.remember(None, asks(name)) for name in "abc"}
    visitors.leave(asks("c"))
    visitors.remember(None, asks("d"))
    assert [visitors.key_of(asks(name)) == key for name, key in keys.items()] == [True, True, False]
    assert len(visitors._keys) == 3


def test_the_browser_finds_its_key_after_a_restart() -> None:
    pages = []
    for _ in range(2):
        with gr.Blocks():
            pages.append(visitors.browser_key())
            assert visitors.browser_key() is pages[-1]
    one, two = pages
    assert (one.storage_key, one.secret) == (two.storage_key, two.secret)
