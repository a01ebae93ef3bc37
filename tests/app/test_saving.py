"""A result goes to the visitor's own account with the visitor's own token, and nothing else goes anywhere."""

from __future__ import annotations

from typing import Any

import pytest

from humanav.app import kept, saving, visitors
from humanav.errors import InputError
from humanav.results import ResultWriter
from humanav.store import new_key


@pytest.fixture
def mine() -> tuple[str, str]:
    """A visitor's key, and the id of a result of theirs."""
    key, store = new_key(), kept.store()
    record = store.begin(key, "saved", tab="denoise/random", kind="poses", title="Poses")
    with ResultWriter(store.folder(record.id), "poses", "0" * 16, {}) as writer:
        writer.add("poses.npz", "Poses").write_bytes(b"x")
    return key, store.finish(record.id).id


@pytest.fixture
def pushed(monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    calls: list[Any] = []

    def push(result: Any, place: str, token: str) -> str:
        calls.append((result.kind, place, token))
        return "https://hub/datasets/ann/poses"

    monkeypatch.setattr(saving, "push_result", push)
    return calls


def test_it_goes_where_it_is_to_go(mine: tuple[str, str], pushed: list[Any]) -> None:
    key, id = mine
    assert saving.save(id, " ann/poses/ ", " token ", key) == "https://hub/datasets/ann/poses"
    saving.save(id, "", "token", key, "ann")
    assert pushed == [("poses", "hf://datasets/ann/poses", "token"),
                      ("poses", "hf://datasets/ann/humanav-results", "token")]
    said = list(saving._told(id, "ann/poses", "token", key))
    assert 'href="https://hub/datasets/ann/poses"' in said[-1]


def test_what_is_missing_is_asked_for(mine: tuple[str, str], pushed: list[Any]) -> None:
    key, id = mine
    for asked, words in (((None, "ann/x", "token", key), "nothing to save"), ((id, "ann/x", "", key), "token"),
                         ((id, "x", "token", key), "user name before it"), ((id, "", "token", key), "user name"),
                         ((id, "ann/x", "token", new_key()), "not one of your results")):
        with pytest.raises(InputError, match=words):
            saving.save(*asked)
    assert pushed == []  # least of all with the token of this machine


def test_a_token_that_did_its_work_leaves_the_page(mine: tuple[str, str], pushed: list[Any]) -> None:
    request: Any = type("Request", (), {"session_hash": "saves"})()
    key = visitors.remember(mine[0], request)
    assert key == mine[0]
    *_, (said, left) = saving._by_token(mine[1], "ann/poses", "token", request)
    assert "Saved" in said
    assert left == ""
    with pytest.raises(InputError):
        list(saving._by_token(mine[1], "poses", "token", request))
