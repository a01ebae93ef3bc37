"""What a visitor reads when something fails: one sentence, never a traceback."""

from __future__ import annotations

import functools
import logging
import re
from collections.abc import Callable, Iterator
from typing import Any

import gradio as gr

from humanav.errors import HumanavError

_log = logging.getLogger(__name__)


def sentence(error: BaseException) -> str:
    """The error in words: its own sentence when it is one of ours, or one of Gradio's, as a lent GPU has them."""
    if isinstance(error, HumanavError):
        return str(error)
    if isinstance(error, gr.Error):
        return re.sub(r"<[^>]*>", "", str(error.message))
    if isinstance(error, MemoryError):
        return "There is not enough memory for this: close other programs, or choose a smaller picture and texture."
    return "Something went wrong here that should not have: try again, or with another file."


def guarded(handler: Callable[..., Iterator[Any]]) -> Callable[..., Iterator[Any]]:
    """An event handler (a generator) whose errors reach the visitor as sentences, and the log in full."""

    @functools.wraps(handler)
    def run(*arguments: Any) -> Iterator[Any]:
        try:
            yield from handler(*arguments)
        except gr.Error:
            raise
        except Exception as error:
            if not isinstance(error, HumanavError):
                _log.exception("a job failed")
            raise gr.Error(sentence(error), title="That did not work", print_exception=False) from error

    return run
