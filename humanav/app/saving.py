"""A copy of one's results in one's own Hugging Face account: a part of the tab "My results"."""

from __future__ import annotations

import html
import os
from collections.abc import Iterator
from typing import Any

import gradio as gr

from humanav.app import kept, pieces
from humanav.app.errors import guarded, sentence
from humanav.app.part import QUIET
from humanav.app.visitors import key_of
from humanav.errors import InputError
from humanav.store import push_result

NAME = "humanav-results"
"""The dataset's name, unless the visitor says another."""
_NOTHING = "There is nothing to save yet: make something first."


def logs_in() -> bool:
    """Whether visitors can log in with their Hugging Face account here: on a Space that asks for it."""
    return bool(os.environ.get("OAUTH_CLIENT_ID"))


def save(id: str | None, where: str | None, token: str | None, key: str, name: str = "") -> str:
    """Copy one of the visitor's own results to a dataset of theirs.

    Args:
        id: of the result.
        where: ``USER/NAME``; empty for the default name, where the user is known.
        token: the user's; never that of this machine.
        key: the visitor's.
        name: the user's name, where a login told it.

    Returns:
        The address of the copy.

    Raises:
        InputError: something is missing, or the result is another's.
        StorageError: the Hub cannot be reached or refuses.
    """
    if not id or not kept.store().owns(key, id):
        raise InputError(_NOTHING if not id else "This is not one of your results: choose another.")
    if not (token or "").strip():
        raise InputError("Log in first." if logs_in() else "Give a token of your account that may write.")
    place = (where or "").strip().strip("/") or (f"{name}/{NAME}" if name else "")
    if place.count("/") != 1:
        raise InputError(f"Name the dataset with your user name before it, such as your-name/{NAME}.")
    result = kept.store().find(id).result
    if result is None:
        raise InputError("There is no result yet: choose another.")
    return push_result(result, f"hf://datasets/{place}", str(token).strip())


class Saving:
    """Places the components, in a closed accordion.

    Attributes:
        which: lists the visitor's results; whoever lists them elsewhere updates its choices.
    """

    def __init__(self) -> None:
        with gr.Accordion("Save to my Hugging Face account", open=False, elem_id="mine-save") as self.box:
            gr.HTML('<p class="hint">A copy of a result goes into a private dataset of yours, and stays there until '
                    "you delete it.</p>", elem_classes="bare", padding=False)
            self.which = gr.Dropdown([], label="Result", elem_id="mine-which", interactive=True)
            self.where = gr.Textbox(label="Dataset", placeholder=f"your-name/{NAME}", elem_id="mine-where")
            self.token = None if logs_in() else gr.Textbox(
                label="Access token", type="password", elem_id="mine-token",
                info="One that may write, from your account's settings. It is used once and not kept.")
            if logs_in():
                gr.LoginButton(size="md")
            self.button = gr.Button("Save", size="md", elem_id="mine-push")
            self.said = gr.HTML("", elem_classes="bare", padding=False, elem_id="mine-pushed")
        run: dict[str, Any] = QUIET | {"concurrency_limit": 2, "concurrency_id": "push"}
        if self.token is None:
            self.button.click(guarded(_as_user), [self.which, self.where], self.said, **run)
        else:
            self.button.click(guarded(_by_token), [self.which, self.where, self.token], [self.said, self.token], **run)


def _by_token(
    id: str | None, where: str | None, token: str | None, request: gr.Request
) -> Iterator[tuple[str, Any]]:
    """What is said, and what is left of the token in the page and its session: nothing, once it did its work."""
    said = ""
    for said in _told(id, where, token, key_of(request)):
        yield said, gr.skip()
    yield said, ""


def _as_user(
    id: str | None, where: str | None, request: gr.Request, profile: gr.OAuthProfile | None,
    token: gr.OAuthToken | None,
) -> Iterator[str]:
    yield from _told(id, where, token.token if token else None, key_of(request), profile.username if profile else "")


def _told(id: str | None, where: str | None, token: str | None, key: str, name: str = "") -> Iterator[str]:
    """What is said while a copy is made, and where it lies."""
    yield pieces.waiting("Copying, this may take a minute.")
    try:
        address = html.escape(save(id, where, token, key, name))
    except Exception as error:
        yield pieces.stopped(sentence(error))
        raise
    yield (f'<div class="told" role="status"><b>Saved</b><a href="{address}" target="_blank" rel="noopener">'
           f"{address}</a></div>")
