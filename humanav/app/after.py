"""The row under a result: its link, a page to send, other parts that can go on with it, and its deletion."""

from __future__ import annotations

import html
import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import gradio as gr
from gradio.components import Component

from humanav.app import kept, pieces
from humanav.app.errors import guarded, sentence
from humanav.app.visitors import key_of
from humanav.errors import HumanavError, InputError
from humanav.results import Result
from humanav.store import Record

if TYPE_CHECKING:
    from humanav.app.part import Part

_LINK = ("(id) => { const space = %r, inside = window.parent !== window; "
         "return (inside && space ? 'https://huggingface.co/spaces/' + space : location.origin + location.pathname)"
         " + '?result=' + id; }")
"""Runs in the page: the address of a result. Inside the frame of a Space it is that of the Space."""
_COPY = """async (id) => {
  const link = (%s)(id);
  let copied = true;
  try { await navigator.clipboard.writeText(link); } catch {
    const box = document.createElement("textarea");
    box.value = link; document.body.append(box); box.select();
    copied = document.execCommand("copy"); box.remove();
  }
  return `<div class="told" role="status"><b>${copied ? "The link is copied" : "This is the link"}</b>
    <a href="${link}" target="_blank" rel="noopener">${link}</a><span>%s</span></div>`;
}"""
_SAVE = """() => {
  const save = async (tries) => {
    const made = document.querySelector("#%s a.made:not([data-saved])");
    if (!made) return tries && setTimeout(save, 100, tries - 1);
    made.dataset.saved = "true";  // fetched, it is saved under its own name: the server's would win over it
    try { made.href = URL.createObjectURL(await (await fetch(made.href)).blob()); } catch {}
    made.click();
  };
  save(20);
}"""
_ADDRESS = """(id) => {
  const address = new URL(location), now = address.searchParams.get("tab") || "photo";
  if (now !== "%s") return;
  if (id) { address.searchParams.set("tab", now); address.searchParams.set("result", id); }
  else address.searchParams.delete("result");
  history.replaceState(null, "", address);
  if (window.parent !== window) window.parent.postMessage({ queryString: address.search }, "https://huggingface.co");
}"""


@dataclass(frozen=True)
class Send:
    """A button that hands a result to another part of the page.

    Attributes:
        words: what it says, such as ``"Move my avatar"``.
        name: a word to find it by in :attr:`After.sending`.
        fits: whether a result can go there; the button is hidden for others.
    """

    words: str
    name: str
    fits: Callable[[Result], bool] = lambda result: True


def show_address(tab: str) -> str:
    """Runs in the page, with the id of the result that a tab shows or "": the address bar then names it, so that a
    reload and a bookmark find it. A visitor who has gone on to another tab is left alone."""
    return _ADDRESS % tab


def file_name(title: str, suffix: str) -> str:
    """A name for a file that every system takes."""
    words = "".join(c if c.isalnum() or c in " -_" else " " for c in title)
    return (" ".join(words.split())[:80] or "result") + suffix


class After:
    """The row under the result of a part.

    Attributes:
        id: the id of the result that is shown, "" when there is none; the page's own code may read it.
        sending: the buttons of ``part.sends`` by their names. Whoever wires one finds the result in ``part.made``.
        places: everything here that changes with the result.
    """

    def __init__(self, part: Part) -> None:
        self.part = part
        name = part.name.replace("/", "-")
        with gr.Column(visible=False, elem_id=f"{name}-after", elem_classes="after") as self.box:
            with gr.Row(elem_classes="does"):
                self.sending = {send.name: gr.Button(send.words, size="md", min_width=150,
                                                     elem_id=f"{name}-{send.name}") for send in part.sends}
                self.copy = gr.Button("Copy the link", size="md", min_width=130, elem_classes="copy-link")
                self.share = gr.Button("Share page", size="md", min_width=120, elem_classes="share-page")
                self.delete = gr.Button("Delete", size="md", min_width=90, elem_classes="delete")
            with gr.Row(visible=False, elem_classes="sure") as self.sure:
                gr.HTML("Delete this result and the copies of your files for good?", elem_classes="bare", padding=False)
                self.yes = gr.Button("Delete it", variant="stop", size="md", min_width=110, elem_classes="really")
                self.no = gr.Button("Keep it", size="md", min_width=110)
            self.said = gr.HTML("", elem_id=f"{name}-said", elem_classes="bare", padding=False)
        self.id, self._link = (gr.Textbox("", elem_classes="unseen", elem_id=f"{name}-{word}")
                               for word in ("result-id", "link"))
        self.places: list[Component] = [self.box, self.sure, self.said, self.id, self.delete, *self.sending.values()]
        self._wire()

    def _wire(self) -> None:
        quiet: dict[str, Any] = {"show_progress": "hidden", "api_visibility": "private"}
        link = _LINK % os.environ.get("SPACE_ID", "")
        days = kept.store().keep_seconds / 86400
        words = ("It shows the result and its settings, not the files it was made from, and works for "
                 f"{days:.0f} days after it was last opened.")
        self.copy.click(None, self.id, self.said, js=_COPY % (link, words), api_visibility="private")
        shared = self.share.click(
            guarded(self._share), [self.id, self._link], [self.share, self.said],
            js=f"(id) => [id, ({link})(id)]", concurrency_limit=2, concurrency_id="share", **quiet)
        shared.success(None, js=_SAVE % self.said.elem_id, api_visibility="private")
        self.delete.click(lambda: gr.update(visible=True), None, self.sure, queue=False, **quiet)
        self.no.click(lambda: gr.update(visible=False), None, self.sure, queue=False, **quiet)

    def wire_delete(self) -> None:
        """To be called when all places of the part are known."""
        self.yes.click(self._delete, self.id, self.part.places, show_progress="hidden", api_visibility="private").then(
            None, self.id, js=show_address(self.part.tab), api_visibility="private")

    def hidden(self) -> dict[Component, Any]:
        """Updates: there is no result."""
        return {self.box: gr.update(visible=False), self.said: "", self.id: ""}

    def shown(self, record: Record, result: Result, *, own: bool) -> dict[Component, Any]:
        """Updates: this result is shown; only its owner may delete it."""
        return {self.box: gr.update(visible=True), self.sure: gr.update(visible=False), self.said: "",
                self.id: record.id, self.delete: gr.update(visible=own),
                **{self.sending[send.name]: gr.update(visible=send.fits(result)) for send in self.part.sends}}

    def _share(self, id: str, link: str) -> Iterator[dict[Component, Any]]:
        """Make the page that can be sent; yields what is said meanwhile, and its download."""
        yield {self.share: gr.update(interactive=False), self.said: pieces.waiting("Making the page, a few seconds.")}
        try:
            found = kept.store().find(id)
            if found.result is None:
                raise InputError("There is no result to share yet.")
            path = kept.share(found.record, found.result, title=found.record.title, link=link)
        except Exception as error:
            yield {self.share: gr.update(interactive=True), self.said: pieces.stopped(sentence(error))}
            raise
        name = file_name(found.record.title, ".html")
        yield {self.share: gr.update(interactive=True), self.said: (
            f'<div class="told" role="status"><b>The page is ready, {pieces.size_text(path.stat().st_size)}</b>'
            f'<a class="made" href="{pieces.file_url(path)}" download="{html.escape(name)}">{html.escape(name)}</a>'
            "<span>One file that opens in any browser, on a phone too, and needs no network.</span></div>")}

    def _delete(self, id: str, request: gr.Request) -> dict[Component, Any]:
        """Delete the result that is shown, if it is the visitor's own."""
        try:
            kept.delete(key_of(request), id)
        except HumanavError as error:
            raise gr.Error(str(error), title="That did not work", print_exception=False) from error
        return self.part.blank("Deleted. Your input is still here.")
