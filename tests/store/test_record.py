"""Ids cannot be guessed and stay the same; records that were written by others are refused or put right."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from dataclasses import replace
from typing import Any

import pytest

from humanav.errors import InputError
from humanav.store.record import (
    Record,
    clean_title,
    id_of,
    is_alive,
    is_id,
    new_key,
    owner_of,
    this_process,
)

RECORD = Record(id_of("key", "walk"), owner_of("key"), "photo", "avatar", "A walk", 1.0, 2.0, values={"height": 1.7})


def test_an_id_depends_on_the_key_and_the_question() -> None:
    assert id_of("key", "walk") == id_of("key", "walk")
    ids = {id_of(key, question) for key in ("a", "b", new_key()) for question in ("walk", "run", "walk ")}
    assert len(ids) == 9
    assert all(is_id(id) for id in ids)
    assert len({new_key() for _ in range(50)}) == 50
    assert "key" not in owner_of("key")
    assert owner_of("a") != owner_of("b")


@pytest.mark.parametrize("text", ["", "a" * 25, "a" * 27, "A" * 26, "a" * 25 + "1", "../" + "a" * 23, "a" * 26 + "\n",
                                  None, 3, b"a" * 26])
def test_nothing_else_is_an_id(text: Any) -> None:
    assert not is_id(text)


def test_a_record_is_read_as_it_was_written() -> None:
    assert Record.from_json(RECORD.to_json()) == RECORD
    assert Record.from_json(json.dumps(json.loads(RECORD.to_json()) | {"of a later version": 1})) == RECORD


@pytest.mark.parametrize("change", [
    {"id": "../../etc"}, {"id": None}, {"state": "eaten"}, {"state": []}, {"values": []}, {"title": 3}, {"owner": None},
    {"created": "1"}, {"opened": float("nan")}, {"opened": float("inf")}, {"created": -1}, {"created": True},
    {"size": 1.5}, {"size": -1}, {"worker": 3}, {"opened": 1e300}])
def test_a_damaged_record_is_refused(change: dict[str, Any]) -> None:
    with pytest.raises(InputError, match="damaged"):
        Record.from_json(json.dumps(json.loads(RECORD.to_json()) | change))


@pytest.mark.parametrize("text", ["", "[]", "null", "{}", "[" * 100_000, '"text"', "{" * 99])
def test_other_text_is_refused(text: str) -> None:
    with pytest.raises(InputError, match="damaged"):
        Record.from_json(text)


def test_titles_are_one_short_line() -> None:
    assert clean_title("  a\n\tb\x00c\u202e d ") == "a b c d"
    assert len(clean_title("x" * 500)) == 120
    assert Record.from_json(replace(RECORD, title="a\x1b[31m\nb").to_json()).title == "a [31m b"
    assert Record.from_json(replace(RECORD, title="\n").to_json()).title == "avatar"


def test_a_process_is_known_to_live_or_to_be_dead() -> None:
    host, number, start = this_process().rsplit(":", 2)
    assert is_alive(this_process()) is True
    assert is_alive(f"another-machine:{number}:{start}") is None
    assert is_alive("") is False
    assert is_alive(f"{host}:{number}:1") is False, "the number was given to another process since"
    ended = subprocess.run([sys.executable, "-c", "import os; print(os.getpid())"], capture_output=True, text=True,
                           check=True)
    assert is_alive(f"{host}:{int(ended.stdout)}:5") is False
    assert all(is_alive(f"{host}:{number}:5") is False for number in ("x", "0", "-1", "", "9" * 40))
    assert is_alive(f"{host}:{os.getpid()}:") is True
