"""The tab "My results": what this browser has made, to open, compare, run again, rename and delete."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import gradio as gr

from humanav.app import kept
from humanav.app import results_pieces as show
from humanav.app.errors import sentence
from humanav.app.links import SHOW_OPENED, Links
from humanav.app.part import QUIET, Updates
from humanav.app.saving import Saving
from humanav.app.visitors import browser_key, is_key, key_of, meet
from humanav.errors import HumanavError, InputError

ACT = """
const card = (target) => target.closest("li[data-id]");
const times = () => element.querySelectorAll("time:not([data-local])").forEach((time) => {
  time.dataset.local = "true";
  time.textContent = new Date(time.dateTime).toLocaleString([], { dateStyle: "medium", timeStyle: "short" });
});
const picked = () => [...element.querySelectorAll("input[data-do=pick]:checked")].map((box) => card(box));
const pair = () => {
  const cards = picked(), bar = element.querySelector(".pair");
  if (!bar) return;
  bar.hidden = !cards.length;
  bar.querySelector("button").disabled = cards.length !== 2;
  bar.querySelector("span").textContent = cards.length === 2 ? "Two are chosen."
    : "One is chosen: choose another of its kind.";
  const fits = (box) => !cards.length || (cards.length < 2 && card(box).dataset.kind === cards[0].dataset.kind);
  for (const box of element.querySelectorAll("input[data-do=pick]")) box.disabled = !box.checked && !fits(box);
};
const ask = (item, inside) => {
  close(item);
  const row = document.createElement("form");
  row.className = "asks";
  row.innerHTML = inside;
  item.append(row);
  item.querySelector(".does").hidden = true;
  (row.querySelector("input") || row.querySelector("button")).focus();
  row.querySelector("input")?.select();
  return row;
};
const close = (item) => {
  item.querySelector(".asks")?.remove();
  const does = item.querySelector(".does");
  if (does) does.hidden = false;
};
const leave = (item) => { close(item); item.querySelector(".does button").focus(); };
const start = (item) => {
  const act = item.dataset.do, entry = card(item);
  if (act === "compare") {
    trigger("edit", { act, ids: picked().map((one) => one.dataset.id).join(" ") });
    for (const box of element.querySelectorAll("input[data-do=pick]:checked")) box.checked = false;
    return pair();
  }
  const id = entry.dataset.id, title = entry.querySelector(".title").textContent;
  if (act === "open" || act === "again") return trigger("select", { act, ids: id });
  if (act === "rename") {
    const row = ask(entry, '<input type="text" maxlength="120" aria-label="New name">' +
      '<button type="submit">Save</button><button type="button" class="no">Leave it</button>');
    row.querySelector("input").value = title;
    row.querySelector("input").select();
    row.onsubmit = (event) => { event.preventDefault();
      trigger("edit", { act, ids: id, title: row.querySelector("input").value }); };
  }
  if (act === "delete") {
    const row = ask(entry, '<span>Delete it for good?</span><button type="submit" class="stop">Delete it</button>' +
      '<button type="button" class="no">Keep it</button>');
    row.onsubmit = (event) => { event.preventDefault(); trigger("edit", { act, ids: id }); };
  }
};
element.addEventListener("click", (event) => {
  if (event.target.closest(".no")) leave(card(event.target));
  const item = event.target.closest("button[data-do]");
  if (item) start(item);
});
element.addEventListener("keydown", (event) => {
  if (event.key === "Escape" && event.target.closest(".asks")) leave(card(event.target));
});
element.addEventListener("change", pair);
watch("value", () => { times(); pair(); });
times();
"""
"""Runs in the page: what a click on a card does. It asks before it deletes."""

HIDDEN: dict[str, Any] = gr.update(value="", visible=False)
_CLOSE = 'element.addEventListener("click", (e) => { if (e.target.closest("[data-do=close]")) trigger("clear"); });'
_LOOK = "() => document.getElementById('mine-compared')?.scrollIntoView({ behavior: 'smooth', block: 'start' })"


class ResultsTab:
    """Places the components; :meth:`wire` needs the other tabs.

    Attributes:
        list: the cards.
        compared: two results beside each other, or nothing.
    """

    def __init__(self) -> None:
        days = kept.store().keep_seconds / 86400
        with gr.Column(elem_id="mine"):
            gr.HTML('<p class="hint">Everything that was made in this browser. It lies on the machine that runs this '
                    f"page, for {days:.0f} days after you last opened it. No other visitor sees this list; whoever has "
                    "the link of a result sees that result.</p>", elem_classes="bare", padding=False)
            self.compared = gr.HTML("", elem_id="mine-compared", elem_classes="bare", padding=False, js_on_load=_CLOSE,
                                    visible=False)
            self.list = gr.HTML("", elem_id="mine-list", elem_classes="bare", padding=False, js_on_load=ACT)
            self.saving = Saving()

    def wire(self, links: Links, opened: Callable[..., Any]) -> None:
        """Let the list open results in the other tabs, and be fresh whenever its own tab is ``opened``."""
        self._links = links
        own = [self.list, self.compared, self.saving.which, self.saving.box]
        opened(self._fresh, browser_key(), own, concurrency_limit=4, **QUIET)
        self.list.select(self._go, None, links.places, **QUIET).then(
            None, links.opened, js=SHOW_OPENED, api_visibility="private")
        self.list.edit(self._change, None, own, **QUIET).then(
            None, js=_LOOK, api_visibility="private")
        self.compared.clear(lambda: HIDDEN, None, self.compared, queue=False, **QUIET)

    def _fresh(self, told: Any, request: gr.Request) -> Iterator[Updates]:
        """The list as it is now; pictures that are not there yet come one after another."""
        if is_key(told):
            meet(told, request)
        yield {self.compared: HIDDEN}
        yield from self._listed(request)

    def _listed(self, request: gr.Request) -> Iterator[Updates]:
        store = kept.store()
        records = store.mine(key_of(request))
        pictures = {record.id: path for record in records if (path := kept.poster(record.id)).is_file()}
        done = [(record.title, record.id) for record in records if record.state == "done"]
        saving: Updates = {self.saving.box: gr.update(visible=bool(done)),
                           self.saving.which: gr.update(choices=done, value=done[0][1] if done else None)}
        yield {self.list: show.listing(records, pictures), **saving}
        missing = [record for record in records if record.state == "done" and record.id not in pictures]
        for record in missing:
            try:
                found = show.picture_of(record, show.load(record))
            except HumanavError:  # deleted in another window meanwhile
                continue
            if found is not None:
                pictures[record.id] = found
        if missing:  # all of it again: an update that the page has not come to is lost in the one after it
            yield {self.list: show.listing(records, pictures), **saving}

    def _go(self, request: gr.Request, event: gr.EventData) -> Updates:
        """Open an entry in its tab, or bring back its inputs."""
        act, id = str(event.act), str(event.ids)
        try:
            return self._links.open(id, key_of(request)) if act == "open" else self._links.again(id, key_of(request))
        except HumanavError as error:
            raise gr.Error(str(error), title="That did not work", print_exception=False) from error

    def _change(self, request: gr.Request, event: gr.EventData) -> Iterator[Updates]:
        """Rename or delete an entry of the visitor's own, or lay two beside each other."""
        act, ids, key = str(event.act), str(event.ids).split() or [""], key_of(request)
        try:
            if act == "compare":
                yield {self.compared: gr.update(value=self._pair(ids, key), visible=True)}
                return
            if act == "delete":
                kept.delete(key, ids[0])
                yield {self.compared: HIDDEN}
            elif act == "rename":
                kept.store().rename(key, ids[0], str(event.title))
        except HumanavError as error:
            raise gr.Error(sentence(error), title="That did not work", print_exception=False) from error
        yield from self._listed(request)

    def _pair(self, ids: list[str], key: str) -> str:
        """Two of the visitor's own results of one kind, beside each other."""
        if len(ids) != 2 or not all(kept.store().owns(key, id) for id in ids):
            raise InputError("Choose two results of one kind to compare.")
        entries = [(found.record, found.result) for id in ids
                   if (found := kept.store().find(id)).result is not None]
        part = self._links.part_of(entries[0][0]) if len(entries) == 2 else None
        if part is None or entries[0][0].kind != entries[1][0].kind:
            raise InputError("Choose two results of one kind to compare.")
        return show.compared([(record, result) for record, result in entries if result is not None], part)


def build() -> list[ResultsTab]:
    """Place the tab's components; called inside its ``gr.Tab``."""
    return [ResultsTab()]
