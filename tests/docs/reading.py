"""Reads the code blocks of the documents, and the comments that say how a test is to treat them.

``<!-- only checked: REASON -->`` before a block: it cannot run here; its commands and options must exist all the same.
``<!-- quick: OPTIONS -->``: appended to the block's humanav commands when they are run, so that they take less time.
"""

from __future__ import annotations

import re
import shlex
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
SHELL = ("bash", "console", "sh")
_BLOCK = re.compile(r"^(?P<indent>[ ]*)```(?P<language>\w*)[^\n]*\n(?P<text>.*?)^(?P=indent)```[ ]*$",
                    re.MULTILINE | re.DOTALL)
_COMMENT = re.compile(r"<!-- (only checked|quick): ([^>]*?) -->\s*$")


@dataclass(frozen=True)
class Block:
    """A fenced block: its page, line and language, why it is only checked (or ""), and options to run it with."""

    page: Path
    line: int
    language: str
    text: str
    reason: str = ""
    quick: str = ""

    @property
    def place(self) -> str:
        """Where it stands, for messages."""
        return f"{self.page.relative_to(ROOT)}:{self.line}"

    @property
    def commands(self) -> list[list[str]]:
        """The words of each command of a shell block, without prompts and comments."""
        lines = re.sub(r"\\\n\s*", " ", self.text).splitlines()
        words = (shlex.split(line.removeprefix("$ "), comments=True) for line in lines)
        return [found for found in words if found]


def pages() -> list[Path]:
    """README.md and every page of docs/."""
    return [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]


def blocks(page: Path) -> list[Block]:
    """The shell and Python blocks of a page; in the README those without a language may be shell."""
    text = page.read_text(encoding="utf-8")
    found = []
    for match in _BLOCK.finditer(text):
        language, body = match["language"], match["text"]
        if language == "" and re.match(r"\s*(humanav|make|pip|python) ", body):
            language = "bash"
        if language not in (*SHELL, "python"):
            continue
        said = _COMMENT.search(text[: match.start()])
        kind, words = (said[1], said[2]) if said else ("", "")
        if kind == "" and page.name == "README.md":
            kind, words = "only checked", "the README tells what the tutorials show; there its verbs are run"
        body = "\n".join(line.removeprefix(match["indent"]) for line in body.splitlines())
        found.append(Block(page, text.count("\n", 0, match.start()) + 1, language, body,
                           words if kind == "only checked" else "", words if kind == "quick" else ""))
    return found
