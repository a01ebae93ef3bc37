"""What the avatar's tab does with what is in hand: an avatar and a motion come together."""

from __future__ import annotations

import html
from contextlib import suppress
from typing import Any

import gradio as gr

from humanav.app import hand, kept, visitors
from humanav.app.hand import Item
from humanav.app.motion_pieces import CLIPS
from humanav.app.part import QUIET
from humanav.errors import HumanavError
from humanav.results import Result
from humanav.store import Kept


class Chip:
    """A box that is there while something is in hand: what moves whom, whether in the clip it was tracked in, a button.

    Attributes:
        state: :func:`humanav.app.hand.hand`.
        source: the folder of the avatar that moves when none is in hand, None where there is none.
        clip: the motion when only an avatar is in hand.
        animate: the button.
        background, shape: what :meth:`choices` reads.
    """

    def __init__(self, made: gr.State) -> None:
        """Place it, hidden; ``made`` holds the folder of the avatar on this tab, None before there is one."""
        self.state, self.source = hand.hand(), gr.State(None)
        with gr.Column(visible=False, elem_id="carried") as self.box:
            self.words = gr.HTML("", elem_classes="bare", padding=False)
            with gr.Row(equal_height=True):
                self.clip = gr.Dropdown(CLIPS, value="dance", show_label=False, container=False, min_width=160,
                                        elem_id="carried-clip")
                self.background = gr.Checkbox(True, label="Over its background", container=False,
                                              min_width=190, elem_id="carried-background")
                self.shape = gr.Checkbox(False, label="With that person's build", container=False, min_width=210,
                                         elem_id="carried-shape")
                self.animate = gr.Button("Animate", variant="primary", size="md", min_width=120,
                                         elem_id="animate-carried")
        gr.on([*hand.changes(), made.change], described, [self.state, made, visitors.browser_key()],
              [self.box, self.words, self.clip, self.background, self.shape, self.animate, self.source], **QUIET)

    @staticmethod
    def choices(tracked: bool, background: bool, shape: bool) -> dict[str, str]:
        """The boxes as options of :func:`humanav.jobs.animate_avatar`; they mean something for a tracked motion."""
        return {"background": "original" if tracked and background else "none",
                "shape": "motion" if tracked and shape else "avatar"}


def described(value: Any, made: str | None, told: Any = None) -> list[Any]:
    """The box, its words, what of the rest is to be seen, and the avatar that moves when none is in hand.

    Args:
        value: what is in hand.
        made: the folder of the avatar on this tab; without it a motion moves the visitor's last one.
        told: the visitor's key, as the browser keeps it.
    """
    motion, avatar = hand.taken(value, "motion"), hand.taken(value, "avatar")
    unseen = gr.update(visible=False)
    if motion is None and avatar is None:
        return [unseen, "", unseen, unseen, unseen, gr.update(interactive=False), made]
    try:
        said = "".join(_line(item) for item in (motion, avatar) if item is not None)
        tracked = motion is not None and avatar is None and motion.result.kind == "track"
    except HumanavError as error:
        return [gr.update(visible=True), _chip(html.escape(str(error))), unseen, unseen, unseen,
                gr.update(interactive=False), made]
    last = last_avatar(told) if avatar is None and not made else None
    source = str(last.result.folder) if last is not None and last.result is not None else made
    ready = avatar is not None or bool(source)
    if not ready:
        said += "<span>Make an avatar from a photo, or take one of a capture along; then it can move like this.</span>"
    elif motion is None:
        said += "<span>Choose a motion, or take one along from another tab.</span>"
    elif avatar is None:
        whose = "The avatar of this tab" if last is None else f"Your last avatar ({html.escape(last.record.title)})"
        said += f"<span>{whose} will move like this.</span>"
    return [gr.update(visible=True), _chip(said), gr.update(visible=motion is None), gr.update(visible=tracked),
            gr.update(visible=tracked), gr.update(interactive=ready), source]


def last_avatar(told: Any) -> Kept | None:
    """The avatar from a photo that a visitor made last; None where there is none any more."""
    for record in kept.store().mine(told) if visitors.is_key(told) else ():
        if (record.kind, record.state) == ("avatar", "done"):
            with suppress(HumanavError):  # its files are gone
                return kept.store().find(record.id)
    return None


def source_of(value: Any, made: str | None) -> tuple[Result, Item | None] | None:
    """The avatar that is to move: the one in hand, else the one of this tab; None when there is neither.

    Raises InputError when the one in hand is gone.
    """
    item = hand.taken(value, "avatar")
    if item is not None:
        return item.result, item
    return (Result.load(made), None) if made else None


def _line(item: Item) -> str:
    title, whose = hand.words(item)
    return (f"<div><b>{item.what.capitalize()} in hand:</b> {html.escape(title)}"
            f"{f', {html.escape(whose)}' if whose else ''}</div>")


def _chip(words: str) -> str:
    return f'<div class="chip" role="status">{words}</div>'
