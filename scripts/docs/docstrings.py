"""Docstrings as Markdown: what is meant as text, such as ``[mask][pose]``, is no link."""

from __future__ import annotations

import re
from typing import Any

import griffe

_PAIR = re.compile(r"(?<!`)\[([^\]\n]*)\](?=[\[(])")


class PlainBrackets(griffe.Extension):
    """Escapes brackets that Markdown would take for a reference to another name."""

    def on_object(self, *, obj: griffe.Object, **_: Any) -> None:
        """Called for every function, class, module and attribute that is read."""
        if obj.docstring is not None:
            obj.docstring.value = _PAIR.sub(r"\\[\1\\]", obj.docstring.value)
