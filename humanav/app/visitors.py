"""Whose is what: a visitor is known by a random key that their browser keeps, never by name or address.

The page tells the key when it opens; from then on the session stands for it. A caller of the API has no page, and so a
key that lasts as long as the session and this process.
"""

from __future__ import annotations

import hmac
import re
import secrets
import threading
from collections import OrderedDict
from typing import Any
from weakref import WeakKeyDictionary

import gradio as gr
from gradio.context import get_blocks_context

from humanav.store import new_key

MOST = 20_000
"""So many sessions are remembered; the one that was quiet for longest goes first."""

_KEY = re.compile(r"[A-Za-z0-9_-]{43}")
_PLACE = "humanav-visitor"
_keys: OrderedDict[str, str] = OrderedDict()
_untold: set[str] = set()
"""Sessions whose browser has yet to be given its key."""
_lock = threading.Lock()
_states: WeakKeyDictionary[Any, gr.BrowserState] = WeakKeyDictionary()
_secret = secrets.token_bytes(32)


def key_of(request: gr.Request) -> str:
    """The key of whoever asks: what its page told, or one that nobody else can have."""
    session = request.session_hash
    if not session:
        return new_key()
    with _lock:
        key = _keys.get(session)
        if key is not None:
            _keys.move_to_end(session)
    return key if key is not None else hmac.new(_secret, session.encode(), "sha256").hexdigest()


def remember(told: Any, request: gr.Request) -> str:
    """Note whose session this is.

    Args:
        told: the key that the browser kept; None, or something else, on a first visit.

    Returns:
        The key, for the browser to keep: a new one where it had none.
    """
    session = request.session_hash
    with _lock:
        early = _keys.get(session) if session in _untold else None
        _untold.discard(session or "")
        key = told if is_key(told) else early or new_key()
        if session:
            _note(session, key)
    return key


def meet(told: Any, request: gr.Request) -> None:
    """Note whose session this is, where the page did not tell when it opened: it is still on its way, or it told a
    process that ended since.

    What is made meanwhile by a browser without a key is kept under a new one, which its page is given when it tells.

    Args:
        told: as for :func:`remember`.
    """
    session = request.session_hash
    with _lock:
        if session and session not in _keys:
            if not is_key(told):
                _untold.add(session)
            _note(session, told if is_key(told) else new_key())


def _note(session: str, key: str) -> None:
    _keys[session] = key
    _keys.move_to_end(session)
    while len(_keys) > MOST:
        _untold.discard(_keys.popitem(last=False)[0])


def is_key(told: Any) -> bool:
    """Whether what a browser tells could be a key."""
    return isinstance(told, str) and _KEY.fullmatch(told) is not None


def leave(request: gr.Request) -> None:
    """A page was closed, or a phone sleeps: its session is the first to be forgotten, but not yet."""
    session = request.session_hash
    with _lock:
        if session and session in _keys:
            _keys.move_to_end(session, last=False)


def browser_key() -> gr.BrowserState:
    """Where a page keeps the key: in the browser, under a name and a secret that are the same after a restart. One for
    each page, to be asked for while it is being built.

    The secret is sent with the page, and so hides nothing: what guards the key is that a browser shows its storage to
    this site alone.
    """
    page = get_blocks_context()
    if page not in _states:
        _states[page] = gr.BrowserState(None, storage_key=_PLACE, secret=_PLACE)
    return _states[page]
