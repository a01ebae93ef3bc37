"""The tray: one line above the tabs that shows what is in hand, and where it can go from here."""

from __future__ import annotations

import html
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

import gradio as gr

from humanav.app import hand
from humanav.app.hand import CLEAN, MOVE, WEAR, Item, What
from humanav.app.links import Links
from humanav.app.part import QUIET, Part
from humanav.errors import HumanavError, InputError

_TO_CLEAN, _TO_AVATAR = "denoise/clean", "photo"
_TOP = "() => scrollTo({ top: 0, behavior: 'smooth' })"
_START = """() => {
  scrollTo({ top: 0 });
  const start = (tries) => { const button = document.getElementById("clean-hand");
    if (button?.checkVisibility()) button.click(); else if (tries) setTimeout(start, 100, tries - 1); };
  start(100);
}"""
"""Runs in the page: what was sent to be cleaned is cleaned, as soon as its button is there."""


class Tray:
    """Places the line, hidden while nothing is in hand."""

    def __init__(self) -> None:
        self.hand = hand.hand()
        with gr.Row(visible=False, elem_id="tray", equal_height=True) as self.box:
            self.words = gr.HTML("", elem_classes="bare", padding=False, min_width=200)
            self.whose, self.wearer = (
                gr.Radio([], show_label=False, container=False, label=label, visible=False, min_width=160,
                         elem_classes="parts people", elem_id=f"tray-{name}", interactive=True)
                for label, name in (("Whose motion", "whose"), ("Whose avatar", "wearer")))
            self.clean = gr.Button("Clean the motion", size="md", min_width=150, elem_id="tray-clean")
            self.move = gr.Button("Move an avatar", size="md", min_width=150, elem_id="tray-move")
            self.drop = gr.Button("Put it away", size="md", min_width=110, elem_id="tray-drop")
        self._places = [self.box, self.words, self.whose, self.wearer, self.clean, self.move]

    def wire(self, opener: Links, parts: Sequence[Part]) -> None:
        """Let the line follow what is in hand, and the buttons of results put something there."""
        gr.on(hand.changes(), self._shown, self.hand, self._places, **QUIET)
        self.drop.click(_nothing, None, self.hand, **QUIET)
        radios: tuple[tuple[gr.Radio, What], ...] = ((self.whose, "motion"), (self.wearer, "avatar"))
        for radio, what in radios:
            radio.input(partial(_person, what), [self.hand, radio], self.hand, **QUIET)
        clean, avatar = (opener.parts[name] for name in (_TO_CLEAN, _TO_AVATAR))
        there = {CLEAN.name: (clean, _START), MOVE.name: (avatar, _TOP), WEAR.name: (avatar, _TOP)}
        for button, name in ((self.clean, CLEAN.name), (self.move, MOVE.name)):
            part, then = there[name]
            places = _places(opener, part)
            button.click(partial(_go, part), None, places, **QUIET).then(None, js=then, api_visibility="private")
        for source in parts:
            for send in source.sends:
                part, then = there[send.name]
                person = getattr(source, "whose", None)
                button = source.after.sending[send.name]
                button.click(
                    _sender(hand.TAKES[send.name], part), [self.hand, source.after.id, *([person] if person else [])],
                    [self.hand, *_places(opener, part)], **QUIET).success(None, js=then, api_visibility="private")

    @staticmethod
    def _shown(value: Any) -> list[Any]:
        motion, avatar = hand.taken(value, "motion"), hand.taken(value, "avatar")
        chips = [chip for item in (motion, avatar) if item is not None and (chip := _chip(item))]
        radios = [gr.update(choices=choices, value=item.person if item and choices else None, visible=bool(choices))
                  for item in (motion, avatar) for choices in [hand.people(item)]]
        move = "Move the avatar" if avatar is not None else "Move an avatar"
        return [gr.update(visible=bool(chips)), "<b>In hand</b>" + "".join(chips), *radios,
                gr.update(visible=motion is not None), gr.update(value=move)]


def _nothing() -> dict[str, Any]:
    return {}


def _chip(item: Item) -> str:
    """One thing in hand as a label; empty when it is gone."""
    try:
        title, whose = hand.words(item)
    except HumanavError:
        return ""
    whose = f" <small>{html.escape(whose)}</small>" if whose else ""
    return f'<span class="held"><i>{item.what.capitalize()}</i> {html.escape(title)}{whose}</span>'


def _person(what: What, value: Any, person: str) -> dict[str, Any]:
    """Another person of the same result is meant."""
    item = hand.taken(value, what)
    return hand.put(value, what, None if item is None else Item(what, item.id, person))


def _places(opener: Links, part: Part) -> list[Any]:
    return [opener.tabs] if part.switch is None else [opener.tabs, part.switch]


def _go(part: Part) -> Any:
    """Show a part."""
    there = gr.update(selected=part.tab)
    return there if part.switch is None else [there, part.name.partition("/")[2]]


def _sender(what: What, part: Part) -> Callable[..., Any]:
    """Takes something of the result that is shown in hand, and goes with it to a part."""

    def send(value: Any, id: str, person: Any = "") -> Any:
        try:
            if not id:
                raise InputError("There is no result yet: make one first.")
            item = hand.checked(Item(what, id, str(person or "")))
        except HumanavError as error:
            raise gr.Error(str(error), title="That did not work", print_exception=False) from error
        there = _go(part)
        return [hand.put(value, what, item), *(there if isinstance(there, list) else [there])]

    return send
