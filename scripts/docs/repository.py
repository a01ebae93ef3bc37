"""Files of the repository that the site shows, and links to them that are right both on GitHub and in the site."""

from __future__ import annotations

import posixpath
import re
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
SOURCE = "https://github.com/humanav/humanav/blob/main/"
PICTURES = "pictures"
PAGES = {"BENCHMARKS.md": "about/benchmarks.md", "CONTRIBUTING.md": "about/contributing.md",
         "CHANGELOG.md": "about/changes.md"}
"""Pages of the repository's root, and where they are in the site."""

_FOLDERS = ("assets/docs", "notebooks/images")
_LINK = re.compile(r"(\]\(|src=\"|href=\")([^)\"#\s]+)(#[^)\"\s]*)?")
_CODE = re.compile(r"(^```.*?^```|`[^`\n]*`)", re.MULTILINE | re.DOTALL)


def pictures() -> list[Path]:
    """Pictures outside docs/ that the site carries."""
    found = [path for folder in _FOLDERS for path in sorted((ROOT / folder).iterdir())
             if path.suffix in (".jpg", ".png", ".svg", ".webp")]
    assert len({path.name for path in found}) == len(found), "two pictures have the same name"
    return found


def included(name: str) -> str:
    """The text of a file of the repository, as a block."""
    text = (ROOT / name).read_text(encoding="utf-8").rstrip()
    return f"```text\n{text}\n```"


def rewritten(markdown: str, page: Path) -> str:
    """The page's text with its links to files outside docs/ turned to what the site has of them, else to GitHub.

    Args:
        markdown: the text.
        page: its path in the site's sources, such as ``tutorials/photo.md``.
    """
    own = {target: source for source, target in PAGES.items()}.get(page.as_posix())
    home = "" if own else posixpath.join("docs", page.parent.as_posix())

    def link(found: re.Match[str]) -> str:
        return found[1] + _target(found[2], home, page) + (found[3] or "")

    parts = _CODE.split(markdown)
    return "".join(part if k % 2 else _LINK.sub(link, part) for k, part in enumerate(parts))


def _target(link: str, home: str, page: Path) -> str:
    if re.match(r"[a-z]+:|/|\{", link):
        return link
    place = posixpath.normpath(posixpath.join(home, link))
    inside = place.removeprefix("docs/")
    if home and inside != place:  # a page of docs/ names another
        return link
    if place in PAGES:
        inside = PAGES[place]
    elif inside == place:
        folder, name = posixpath.split(place)
        if folder not in _FOLDERS:
            return SOURCE + place
        inside = f"{PICTURES}/{name}"
    return posixpath.relpath(inside, page.parent.as_posix())
