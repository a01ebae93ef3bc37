"""What a visitor has in hand: a motion and an avatar, taken from any result, on their way to another tab.

The browser keeps it, so a reload and another link leave it there. A result is named by its id alone.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal
from weakref import WeakKeyDictionary

import gradio as gr
from gradio.context import Context, get_blocks_context

from humanav.app import kept
from humanav.app.after import Send
from humanav.errors import HumanavError, InputError
from humanav.jobs.held import Held, chosen, held_avatars, held_motions
from humanav.jobs.tracked import is_track, load_tracked
from humanav.results import Result
from humanav.store import is_id

What = Literal["motion", "avatar"]
WHAT: tuple[What, ...] = ("motion", "avatar")

CLEAN = Send("Clean the motion", "to-clean", lambda result: result.kind != "denoise" and bool(held_motions(result)))
MOVE = Send("Move an avatar", "to-avatar", lambda result: bool(held_motions(result)))
WEAR = Send("Move this avatar", "to-motion", lambda result: bool(held_avatars(result)))
TAKES: dict[str, What] = {CLEAN.name: "motion", MOVE.name: "motion", WEAR.name: "avatar"}
"""What each button of a result takes in hand."""

_PLACE = "humanav-hand"
_states: WeakKeyDictionary[Any, gr.BrowserState] = WeakKeyDictionary()


@dataclass(frozen=True)
class Item:
    """One thing in hand.

    Attributes:
        what: "motion" or "avatar".
        id: of the result in the store.
        person: whose, of a result of several; "" for the first.
    """

    what: What
    id: str
    person: str = ""

    @property
    def result(self) -> Result:
        """The result that holds it. Raises InputError when it is no longer there."""
        found = kept.store().find(self.id).result
        if found is None:
            raise InputError("What was in hand is no longer here: make it again.")
        return found

    @property
    def title(self) -> str:
        """What its owner calls the result."""
        return kept.store().find(self.id).record.title

    def held(self, result: Result) -> Sequence[Held]:
        """Everything of its kind that the result holds."""
        return held_motions(result) if self.what == "motion" else held_avatars(result)

    def chosen(self, result: Result) -> Held:
        """The one that is meant. Raises InputError when the result holds none."""
        found = tuple(self.held(result))
        if not found:
            raise InputError(f"This result holds no {self.what}: take another one.")
        person = self.person
        if person and self.what == "motion" and is_track(result):
            person = load_tracked(result, person).person  # which knows "1a", and the longest part of a person
        return chosen(found, person, result.folder.name)

    def to_json(self) -> dict[str, str]:
        """As the browser keeps it."""
        return {"id": self.id, "person": self.person}


def hand() -> gr.BrowserState:
    """The page's one place for what is in hand. To be called while the page is being built."""
    page = get_blocks_context()
    if page not in _states:
        _states[page] = gr.BrowserState({}, storage_key=_PLACE, secret=_PLACE)
    return _states[page]


def changes() -> list[Any]:
    """The events after which the page shows what is in hand: it changed, or the page was opened."""
    page = Context.root_block
    return [hand().change, *([page.load] if page is not None else [])]


def tabs_above(component: Any) -> gr.Tabs | None:
    """The outermost tabs that hold a component; None outside of any."""
    found, place = None, component.parent
    while place is not None:
        found, place = place if isinstance(place, gr.Tabs) else found, place.parent
    return found


def taken(value: Any, what: What) -> Item | None:
    """The motion or avatar in hand; None when there is none, or the browser's value makes no sense."""
    found = value.get(what) if isinstance(value, dict) else None
    if not isinstance(found, dict) or not is_id(found.get("id")):
        return None
    return Item(what, found["id"], str(found.get("person") or "")[:20])


def put(value: Any, what: What, item: Item | None) -> dict[str, Any]:
    """What is in hand when ``item`` takes the place of what was there."""
    others = {name: found for name in ("motion", "avatar")
              if name != what and (found := value.get(name) if isinstance(value, dict) else None)}
    return others | ({what: item.to_json()} if item is not None else {})


def checked(item: Item) -> Item:
    """The same, with the person that is meant. Raises InputError when it cannot be used."""
    return Item(item.what, item.id, item.chosen(item.result).person)


def words(item: Item) -> tuple[str, str]:
    """What is in hand, in words: its title, and whose of several ("" for the only one).

    Raises InputError when it is no longer there.
    """
    result = item.result
    several = len(item.held(result)) > 1
    return item.title, item.chosen(result).words.lower() if several else ""


def people(item: Item | None) -> list[tuple[str, str]]:
    """Choices of whose it is; empty for nothing, for one person, and for what is gone."""
    if item is None:
        return []
    try:
        found = item.held(item.result)
    except HumanavError:
        return []
    return [(held.words, held.person) for held in found] if len(found) > 1 else []
