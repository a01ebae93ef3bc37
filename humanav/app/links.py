"""Opening a result by its link, ``?result=<id>``, or from the list: its tab, its part, and everything on it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import gradio as gr

from humanav.app import kept, pieces, visitors
from humanav.app.part import QUIET, Part, Updates
from humanav.errors import HumanavError, InputError
from humanav.store import Record

_REMEMBER = """() => {
  const address = new URL(location), tab = "%s";
  if (!window.humanavOpened || address.searchParams.get("tab") === tab) return;
  const rows = [...document.querySelectorAll(`.after[id^="${tab}-"]`)];
  const row = rows.length > 1 ? rows.find((one) => one.checkVisibility()) : rows[0];
  const id = row && document.querySelector(`#${row.id.replace(/after$/, "result-id")} :is(input, textarea)`)?.value;
  address.searchParams.set("tab", tab);
  if (id) address.searchParams.set("result", id); else address.searchParams.delete("result");
  history.replaceState(null, "", address);
}"""
SHOW_OPENED = """(opened) => {
  window.humanavOpened = true;
  const [tab, id, viewer] = (opened || "").split(" "), address = new URL(location);
  if (!tab) return;
  address.searchParams.set("tab", tab);
  if (id) address.searchParams.set("result", id); else address.searchParams.delete("result");
  history.replaceState(null, "", address);
  const shown = id && innerWidth < 900 && document.getElementById(viewer);
  if (shown) shown.scrollIntoView(); else scrollTo({ top: 0 });
}"""
"""Runs in the page, with :attr:`Links.opened`, after something was opened."""


def remember(tab: str) -> str:
    """Runs in the page: a visitor's choice of a tab goes into the address, with the result that stands on it, so that a
    reload finds both. That of the opening page does not: it comes from there."""
    return _REMEMBER % tab


class Links:
    """Finds the part of the page that an entry of the store belongs to, and fills it.

    Attributes:
        opened: tab, id and viewer of what was opened last, with spaces between, for the page's own code.
        places: everything that opening may change.
    """

    def __init__(self, tabs: gr.Tabs, parts: Sequence[Part], *others: str) -> None:
        """``others``: ids of tabs that have no part."""
        self.tabs, self.parts = tabs, {part.name: part for part in parts}
        self._tabs = {part.tab for part in parts} | set(others)
        self.opened = gr.Textbox("", elem_classes="unseen", elem_id="opened")
        switches = [part.switch for part in parts if part.switch is not None]
        self.places: list[Any] = list(dict.fromkeys(
            [tabs, self.opened, *switches, *(place for part in parts for place in part.places)]))

    def wire(self, page: gr.Blocks, key: gr.BrowserState) -> None:
        """Let the page know its visitor when it opens, and show what the address asks for."""

        def arrive(told: Any, request: gr.Request) -> Updates:
            return {key: visitors.remember(told, request)} | self.asked_for(request)

        page.load(arrive, key, [key, *self.places], **QUIET).then(
            None, self.opened, js=SHOW_OPENED, api_visibility="private")

    def asked_for(self, request: gr.Request) -> Updates:
        """What ``?result=<id>`` shows, or else the tab of ``?tab=<id>``."""
        id, tab = (request.query_params.get(name) or "" for name in ("result", "tab"))
        shown: dict[Any, Any] = {self.tabs: gr.update(selected=tab)} if tab in self._tabs else {}
        if id:
            try:
                return self.open(id, visitors.key_of(request))
            except HumanavError as error:
                first, *others = self.parts.values()
                part = next((other for other in others if other.tab == tab), first)
                shown[part.status] = pieces.stopped(str(error))
                gr.Warning(str(error), title="This link leads nowhere")
        return shown

    def part_of(self, record: Record) -> Part | None:
        """The part that makes results like this one; callers of the API have none, and so it goes by the kind."""
        kinds = {part.kind: part for part in self.parts.values()} | dict.fromkeys(
            ("animation", "pose"), self.parts["photo"])
        return self.parts.get(record.tab) or kinds.get(record.kind)

    def open(self, id: str, key: str) -> Updates:
        """Show an entry. Raises InputError where there is none, or nothing of the page can show it."""
        found = kept.store().find(id)
        part = self._part(found.record)
        return part.open(found, key) | self._to(part, id)

    def again(self, id: str, key: str) -> Updates:
        """Bring back the inputs of an entry of the visitor's own, to be changed. Raises InputError for another's."""
        record = kept.store().find(id).record
        part = self._part(record)
        return part.again(record, key) | self._to(part, "")

    def _part(self, record: Record) -> Part:
        part = self.part_of(record)
        if part is None:
            raise InputError("This result is of a kind that this page cannot show.")
        return part

    def _to(self, part: Part, id: str) -> Updates:
        update: dict[Any, Any] = {self.tabs: gr.update(selected=part.tab),
                                  self.opened: f"{part.tab} {id} {part.viewer.elem_id}"}
        if part.switch is not None:
            update[part.switch] = part.name.partition("/")[2]
        return update
