"""A tracked motion on its way from the tab that made it to the avatar that will move by it.

Any tab calls :func:`offer` for its button; the avatar's tab listens to :func:`carried`. Which of the two is built first
does not matter.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any
from weakref import WeakKeyDictionary

import gradio as gr
from gradio.context import get_blocks_context

from humanav.errors import InputError
from humanav.jobs.tracked import load_tracked

AVATAR_TAB = "photo"
"""Id of the tab that makes avatars."""

_states: WeakKeyDictionary[Any, gr.State] = WeakKeyDictionary()


@dataclass(frozen=True)
class Carried:
    """A motion that was tracked.

    Attributes:
        folder: the result folder of the track.
        person: whose, as in its ``track.json`` ("1", "2", "2b" for a later part); "" for the only or the first.
    """

    folder: str
    person: str = ""


def carried() -> gr.State:
    """The page's one place for a carried motion: a state that holds a :class:`Carried` or None.

    To be called while the page is being built; every call on one page gives the same state, so that one tab may set it
    (as an output) and another listen to its ``change``.
    """
    page = get_blocks_context()
    if page not in _states:
        _states[page] = gr.State(None)
    return _states[page]


def offer(button: gr.Button, made: gr.State, person: gr.components.Component | None = None) -> Any:
    """Let a button carry a tracked motion to the avatar's tab and open that tab.

    Args:
        button: what the visitor presses, inside its tab.
        made: holds the track's result folder (str), None before there is one.
        person: its value is the person's id as in ``track.json``; None takes the first.

    Returns:
        The click event, to which more can be chained.
    """
    tabs = _tabs_above(button)

    def carry(folder: str | None, who: Any = "") -> Any:
        try:
            if not folder:
                raise InputError("There is no tracked motion yet: track a clip first.")
            found = Carried(str(folder), str(who or ""))
            load_tracked(found.folder, found.person)
        except InputError as error:
            raise gr.Error(str(error), title="That did not work", print_exception=False) from error
        return found if tabs is None else (found, gr.update(selected=AVATAR_TAB))

    inputs = [made] if person is None else [made, person]
    return button.click(carry, inputs, [carried(), *([] if tabs is None else [tabs])], show_progress="hidden",
                        api_visibility="private")


def _tabs_above(component: Any) -> gr.Tabs | None:
    """The outermost tabs that hold a component."""
    found, place = None, component.parent
    while place is not None:
        found, place = place if isinstance(place, gr.Tabs) else found, place.parent
    return found
