"""A tracked motion on its way from the tab that made it to the avatar that will move by it.

Any tab calls :func:`offer` for its button; the avatar's tab places a :class:`Chip`. Which of the two is built first
does not matter.
"""

from __future__ import annotations

import html
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from weakref import WeakKeyDictionary

import gradio as gr
from gradio.context import get_blocks_context

from humanav.errors import HumanavError, InputError
from humanav.jobs.tracked import TrackedMotion, load_tracked, people_of

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

    def load(self) -> TrackedMotion:
        """The motion. Raises InputError as :func:`humanav.jobs.tracked.load_tracked`."""
        if not Path(self.folder).is_dir():
            raise InputError("The tracked clip is no longer here: track it again.")
        return load_tracked(self.folder, self.person)


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
        found = Carried(str(folder), str(who or ""))
        try:
            if not folder:
                raise InputError("There is no tracked motion yet: track a clip first.")
            found.load()
        except HumanavError as error:
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


class Chip:
    """What the avatar's tab shows of a carried motion: its name, whether to use its background and body, a button.

    Attributes:
        state: :func:`carried`.
        animate: the button that is to move the avatar by it.
        background, shape: what :meth:`choices` reads.
    """

    def __init__(self, made: gr.State) -> None:
        """Place it, hidden; ``made`` holds the folder of the visitor's avatar, None before there is one."""
        self.state = carried()
        with gr.Column(visible=False, elem_id="carried") as self.box:
            with gr.Row(elem_classes="head"):
                self.words = gr.HTML("", elem_classes="bare", padding=False)
                self.forget = gr.Button("\u00d7", size="sm", min_width=36, scale=0, elem_id="forget-carried")
            with gr.Row(equal_height=True):
                self.background = gr.Checkbox(True, label="Over its background", container=False,
                                              min_width=190, elem_id="carried-background")
                self.shape = gr.Checkbox(False, label="With that person's build", container=False, min_width=210,
                                         elem_id="carried-shape")
                self.animate = gr.Button("Animate", variant="primary", size="md", min_width=120,
                                         elem_id="animate-carried")
        gr.on([self.state.change, made.change], _described, [self.state, made], [self.box, self.words, self.animate],
              show_progress="hidden", api_visibility="private")
        self.forget.click(_nothing, None, self.state, show_progress="hidden", api_visibility="private")

    @staticmethod
    def choices(background: bool, shape: bool) -> dict[str, str]:
        """The boxes as options of :func:`humanav.jobs.animate_avatar`."""
        return {"background": "original" if background else "none", "shape": "motion" if shape else "avatar"}


def _nothing() -> None:
    return None


def _described(found: Carried | None, made: str | None) -> Any:
    """The chip's box, words and button."""
    if found is None:
        return gr.update(visible=False), "", gr.update(interactive=False)
    try:
        tracked = found.load()
        several = len(people_of(found.folder)) > 1
    except HumanavError as error:
        return gr.update(visible=True), _chip(html.escape(str(error))), gr.update(interactive=False)
    name = html.escape(tracked.motion.name.replace("_", " "))
    whose = f", person {html.escape(tracked.person)}" if several else ""
    said = f"<b>Motion: tracked clip</b> ({name}, {_seconds(tracked.motion.duration)}{whose})"
    then = "" if made else " <span>Make an avatar from a photo; then it can move like this.</span>"
    return gr.update(visible=True), _chip(said + then), gr.update(interactive=bool(made))


def _chip(words: str) -> str:
    return f'<div class="chip" role="status">{words}</div>'


def _seconds(duration: float) -> str:
    return f"{duration:.0f} s" if duration >= 9.5 else f"{duration:.1f} s"
