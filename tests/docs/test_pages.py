"""The site builds strictly, needs nothing from the network, and says what the code says."""

from __future__ import annotations

import ast
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from importlib.util import find_spec
from itertools import pairwise
from pathlib import Path

import pytest

from tests.docs.reading import ROOT

_SETTING = re.compile(r"\bHUMANAV_[A-Z_]*[A-Z]\b")


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The built site; a link, an anchor or a picture that leads nowhere fails the build."""
    if any(find_spec(package) is None for package in ("mkdocs", "material", "mkdocstrings")):
        pytest.skip("the extra docs is not installed")
    target = tmp_path_factory.mktemp("site")
    done = subprocess.run([sys.executable, "-m", "mkdocs", "build", "--strict", "--quiet", "--site-dir", str(target)],
                          cwd=ROOT, env=os.environ | {"NO_MKDOCS_2_WARNING": "1"}, capture_output=True, text=True,
                          check=False)
    assert done.returncode == 0, done.stderr[-3000:]
    return target


@pytest.mark.slow
def test_the_site_needs_nothing_from_the_network(site: Path) -> None:
    """Scripts, styles, pictures and fonts lie in the site: only links that a reader follows lead out of it."""
    loads = re.compile(r"<(?:script|img|iframe|source|video)\b[^>]*\bsrc=\"?(https?:)?//"
                       r"|<link\b(?![^>]*rel=\"?canonical)[^>]*\bhref=\"?(https?:)?//")
    pages = list(site.rglob("*.html"))
    assert len(pages) > 30
    assert [page.name for page in pages if loads.search(page.read_text(encoding="utf-8"))] == []
    assert 'data-md-component="source"' not in (site / "index.html").read_text(encoding="utf-8")  # asks GitHub
    assert [sheet.name for sheet in site.rglob("*.css") if re.search(r"url\([\"']?https?:", sheet.read_text())] == []


@pytest.mark.slow
def test_the_site_carries_the_pictures_and_references(site: Path) -> None:
    assert (site / "pictures" / "overview.jpg").read_bytes() == (ROOT / "assets/docs/overview.jpg").read_bytes()
    commands = (site / "reference" / "commands.html").read_text(encoding="utf-8")
    assert "posendf-denoise" in commands
    assert "--worsen" in commands
    motion = (site / "reference" / "api" / "motion.html").read_text(encoding="utf-8")
    assert 'id="humanav.motion.bvh.read_bvh"' in motion
    assert ":class:" not in motion


def sources() -> Iterator[Path]:
    yield ROOT / "app.py"
    yield from (ROOT / "humanav").rglob("*.py")


def test_every_setting_is_described_and_each_described_is_read() -> None:
    """An assembled name (HUMANAV_RTMLIB_ and a part) stands in the code's words too."""
    read = {name for path in sources() for name in _SETTING.findall(path.read_text(encoding="utf-8"))}
    told = set(_SETTING.findall((ROOT / "docs/reference/settings.md").read_text(encoding="utf-8")))
    assert read - {"HUMANAV_RTMLIB"} == told


def messages() -> list[str]:
    """The sentences of the code with NUL for what is filled in."""
    found = []
    for path in sources():
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Constant) and isinstance(node.value, str):
                found.append(node.value)
            elif isinstance(node, ast.JoinedStr):
                found.append("".join(str(part.value) if isinstance(part, ast.Constant) else "\0"
                                     for part in node.values))
    return found


def test_the_errors_that_are_explained_exist() -> None:
    text = (ROOT / "docs/help/errors.md").read_text(encoding="utf-8")
    lines = text.splitlines()
    terms = [line for line, after in pairwise(lines) if line.startswith("`") and after.startswith(":   ")]
    known = messages()
    assert len(terms) > 25
    for sentence in (found for line in terms for found in re.findall(r"`([^`]+)`", line) if " " in found):
        parts = [re.escape(part.strip()) for part in sentence.split("...") if len(part.strip()) > 5]
        assert any(re.search(".*".join(parts), message, re.DOTALL) for message in known), sentence
