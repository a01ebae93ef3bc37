"""The base of everything on the page that makes a result: one part with inputs, a button, a viewer and a status line.

Each run leaves a record in the store: what was asked for, by whom, and how it ended. A link, "My results" and "Run
again" find everything they need there.
"""

from __future__ import annotations

import functools
import inspect
import time
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any, ClassVar

import gradio as gr
from gradio.components import Component

from humanav.app import kept, pieces
from humanav.app.after import After, Send, show_address
from humanav.app.errors import guarded, sentence
from humanav.app.inputs import FILES, brought_back, held
from humanav.app.job import Job
from humanav.app.limits import limits
from humanav.app.producing import produce
from humanav.app.running import cancel, coming
from humanav.app.visitors import browser_key, key_of, meet
from humanav.errors import Cancelled, InputError
from humanav.progress import Event
from humanav.results import Result
from humanav.store import Kept, Record

Updates = dict[Component, Any]
QUIET: dict[str, Any] = {"show_progress": "hidden", "api_visibility": "private"}
"""Options of events that are nobody's business but the page's."""

AGAIN = "Your inputs are back: change what you like, and press the button."
_LOOK_AT = "() => {{ if (innerWidth < 900) document.getElementById('{}').scrollIntoView({{behavior: 'smooth'}}); }}"


class Watch:
    """Turns the events of one run into updates of the page; a part may have one that remembers what it saw."""

    def __init__(self, part: Part) -> None:
        self.part = part

    def seen(self, event: Event) -> Updates:
        """What an event shows, beside the status line."""
        return self.part.seen(event)

    def stopped(self, error: Cancelled) -> str:
        """What is said after a stop."""
        return str(error)


class Part(ABC):
    """One part of the page. A subclass places its components in :meth:`_input` and :meth:`_output`, names its inputs,
    and wires its events in :meth:`_wire`.

    Attributes:
        name: the tab's id, and after a slash the part's own word where a tab has several.
        kind: the kind of its results.
        inputs: what a record keeps and a link restores, by name. An upload is kept for its owner alone.
        outputs: everything else that changes when the part runs or is opened again.
        made: the folder of the result that is shown, None before there is one.
        restored: the files that a link put back, None when the visitor chose others since (:mod:`humanav.app.inputs`).
        after: the row under the result.
        sends: buttons of that row that hand the result to another part.
        switch: where a tab has several parts, what chooses between them, by the last word of their names.
    """

    name: ClassVar[str]
    kind: ClassVar[str]
    expected: ClassVar[float] = 4.0
    sends: ClassVar[tuple[Send, ...]] = ()
    make: gr.Button
    stop: gr.Button
    viewer: gr.HTML
    status: gr.HTML
    after: After
    inputs: dict[str, Component]
    outputs: list[Component]
    switch: gr.Radio | None = None

    def __init__(self) -> None:
        self.made, self.restored = gr.State(None), gr.State(None)
        with gr.Row(equal_height=False):
            with gr.Column(scale=4, min_width=300, elem_classes="input"):
                self._input()
            with gr.Column(scale=7, min_width=300):
                self._output()
        self._empty = self.viewer.value
        self._wire()
        self.after.wire_delete()

    @abstractmethod
    def _input(self) -> None:
        """Place what the visitor sets, the button that makes and the one that stops."""

    @abstractmethod
    def _output(self) -> None:
        """Place the viewer, the status line, the row after the result, and the rest."""

    @abstractmethod
    def _wire(self) -> None:
        """Set ``outputs`` and wire the events, those that make something by :meth:`starts`."""

    @abstractmethod
    def finished(self, result: Result) -> Updates:
        """The page of a finished result, without the buttons."""

    def seen(self, event: Event) -> Updates:
        """What an event of the running job shows, beside the status line."""
        return {}

    def learn(self, result: Result) -> None:  # noqa: B027 (most parts learn nothing)
        """Take note of what a job of this process took."""

    def failed(self, error: Exception) -> Updates:
        """What an error changes on the page, beside the status line."""
        return {}

    def cleared(self) -> Updates:
        """The page when a job begins: nothing of an earlier result that could be taken for the new one."""
        return {}

    def watch(self, job: Job) -> Watch:
        """Who turns the events of a run into updates."""
        return Watch(self)

    @property
    def tab(self) -> str:
        """Id of the tab."""
        return self.name.partition("/")[0]

    @property
    def places(self) -> list[Component]:
        """Everything that may change on the page when a result is made or opened."""
        return list(dict.fromkeys([
            *self.inputs.values(), *self.outputs, self.viewer, self.status, self.made, self.restored, *self.buttons(),
            self.stop, *self.after.places]))

    def buttons(self) -> tuple[Component, ...]:
        """What starts a job: not to be pressed while one runs."""
        return (self.make,)

    def starts(
        self, event: Callable[..., Any], job: Callable[..., Job], inputs: Mapping[str, Component] | None = None
    ) -> Any:
        """Let an event start a job.

        Args:
            event: such as ``button.click``.
            job: says what is asked for, from the values of the inputs in their order.
            inputs: by default the part's.

        Returns:
            The event, to which more can be chained.
        """
        chosen = self.inputs if inputs is None else inputs
        key = browser_key()
        event(None, js=_LOOK_AT.format(self.viewer.elem_id), api_visibility="private")
        begun = event(guarded(self._started(job, chosen)), [key, *chosen.values()], self.places,
                      concurrency_limit=limits().handlers, concurrency_id="jobs", **QUIET)
        begun.then(None, self.after.id, js=show_address(self.tab), api_visibility="private")
        return begun

    def stops(self) -> None:
        """Let the button that stops stop this part's job."""
        def stopped(request: gr.Request) -> None:
            if not cancel(request.session_hash or "", self.name):
                gr.Info("Nothing is running.")

        self.stop.click(stopped, None, None, queue=False, **QUIET)

    def _started(self, job: Callable[..., Job], inputs: Mapping[str, Component]) -> Callable[..., Iterator[Updates]]:
        """The handler of an event that starts a job. Its parameters are those of ``job``, after the request and the key
        that the browser keeps."""

        def handler(request: gr.Request, told: Any, *given: Any) -> Iterator[Updates]:
            meet(told, request)
            with coming(request.session_hash or "", self.name):  # from now on the page shows the button that stops
                yield self._begun()
                try:
                    asked = job(*given)
                    values = asked.values if asked.values is not None else held(inputs, given)
                    limits().check_files(kept.files_of(values))
                    shown = self._known(asked, values, key_of(request))
                except Exception as error:
                    yield self.ready() | self.failed(error) | {self.status: pieces.stopped(sentence(error))}
                    raise
                yield from ([shown] if shown else self.produce(request, asked, values))

        own = [inspect.Parameter("request", inspect.Parameter.POSITIONAL_OR_KEYWORD, annotation=gr.Request),
               inspect.Parameter("told", inspect.Parameter.POSITIONAL_OR_KEYWORD)]
        signature = inspect.signature(job)
        functools.update_wrapper(handler, job)
        handler.__annotations__ = {"request": gr.Request}
        setattr(handler, "__signature__", signature.replace(  # noqa: B010 (functions have no such attribute to mypy)
            parameters=[*own, *signature.parameters.values()]))
        return handler

    def _known(self, job: Job, values: dict[str, Any], key: str) -> Updates:
        """The page of what was asked before; empty for others, and where its files are no good any more."""
        found = kept.known(key, job.identity, tab=self.name, kind=job.kind or self.kind, title=job.title, values=values)
        try:
            return {} if found is None else self.page(*found, own=True)
        except (InputError, KeyError):
            return {}

    def produce(self, request: gr.Request, job: Job, values: dict[str, Any]) -> Iterator[Updates]:
        """Run a job; see :func:`humanav.app.producing.produce`."""
        yield from produce(self, request, job, values)

    def _begun(self) -> Updates:
        return self.busy() | self.after.hidden() | {self.status: pieces.idle("Starting.")} | self.cleared()

    def busy(self) -> Updates:
        """The buttons while a job works or waits. Every update of a run says them: Gradio's page changes an update that
        it has not shown yet into the next one, and what the next does not say is lost (only the last is sent again)."""
        return {button: gr.update(interactive=False) for button in self.buttons()} | {
            self.stop: gr.update(visible=True)}

    def ready(self) -> Updates:
        """The buttons of an idle page."""
        idle = {button: gr.update(interactive=True) for button in self.buttons()}
        return idle | {self.stop: gr.update(visible=False)}

    def page(self, record: Record, result: Result, *, own: bool) -> Updates:
        """The page of a result: what is shown, its buttons, and the row after it."""
        return self.ready() | self.finished(result) | {self.made: str(result.folder)} | self.after.shown(
            record, result, own=own)

    def blank(self, words: str) -> Updates:
        """The page without a result; ``words`` for the status line."""
        return self.ready() | self.cleared() | self.after.hidden() | {
            self.viewer: self._empty, self.made: None, self.status: pieces.idle(words)}

    def open(self, found: Kept, key: str) -> Updates:
        """The page of an entry that was asked for by its link: inputs, result, or what became of it."""
        record, own = found.record, kept.store().owns(key, found.record.id)
        update = self.restore(record, kept.store().input_files(key, record.id) if own else None)
        if found.result is not None:
            return update | self.page(record, found.result, own=own)
        return self.blank("") | update | {self.status: said_of(record, own)}

    def again(self, record: Record, key: str) -> Updates:
        """The page with the inputs of an entry of one's own, ready for a change. Raises InputError for another's."""
        update = self.blank("") | self.restore(record, kept.store().input_files(key, record.id))
        return update | {self.status: pieces.idle(AGAIN)}

    def restore(self, record: Record, folder: Path | None) -> Updates:
        """The inputs as they were.

        Args:
            record: what holds them.
            folder: where the copies of uploads lie; None for who is not the owner, and gets no files, nor what else was
                never on the page.
        """
        update: Updates = {}
        files: list[str] = []
        for name, component in self.inputs.items():
            if name not in record.values or (folder is None and isinstance(component, gr.State)):
                continue
            value = record.values[name]
            if isinstance(component, FILES):
                value = None if folder is None else brought_back(component, value, folder)
                files += [value] if isinstance(value, str) else value or []
            update[component] = value
        return update | {self.restored: files}


def said_of(record: Record, own: bool) -> str:
    """The status line of an entry that has no result."""
    if record.state == "running":
        minutes = (time.time() - record.created) / 60
        since = "since a moment ago" if minutes < 1.5 else f"for {minutes:.0f} minutes"
        return pieces.idle(f"This is being made {since}. Open the link again in a while"
                           + (", or look into My results." if own else "."))
    then = f" {AGAIN}" if own else " Only the browser that made it can run it again."
    return pieces.stopped(record.note.partition(" Run it again")[0].partition(" Your input is")[0] + then)
