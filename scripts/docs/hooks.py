"""What `mkdocs build` does beyond its plugins: the repository's pictures and pages join the site, and the references of
commands and of Python are written from the code, so that they cannot fall behind it.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import api
import commands
import repository
from mkdocs.structure.files import File, Files

_ROLE = re.compile(r":(?:class|func|meth|mod|data|attr|exc):<code>~?([\w.]+)(?:\(\))?</code>")


def on_config(config: Any) -> Any:
    """The Python rooms join the navigation."""
    for part in config.nav:
        for entry in part.get("Reference", []):
            if isinstance(entry, dict) and "Python" in entry:
                entry["Python"] = [f"reference/api/{name}.md" for name in api.pages()]
    return config


def on_files(files: Files, config: Any) -> Files:
    """Add what is no file of docs/: pictures, pages of the repository's root, and the generated references."""
    for path in repository.pictures():
        files.append(File.generated(config, f"{repository.PICTURES}/{path.name}", abs_src_path=str(path)))
    for source, target in repository.PAGES.items():
        files.append(File.generated(config, target, content=(repository.ROOT / source).read_text(encoding="utf-8")))
    files.append(File.generated(config, "reference/commands.md", content=commands.page()))
    for name, text in api.pages().items():
        files.append(File.generated(config, f"reference/api/{name}.md", content=text))
    return files


def on_page_markdown(markdown: str, page: Any, config: Any, files: Files) -> str:
    """Links that are right in the repository become right in the site; `<!-- include: FILE -->` is replaced."""
    markdown = re.sub(r"<!-- include: (\S+) -->", lambda found: repository.included(found[1]), markdown)
    return repository.rewritten(markdown, Path(page.file.src_uri))


def on_page_content(html: str, page: Any, config: Any, files: Files) -> str:
    """The roles of docstrings (:class:`Name`) as links to where the name is described, if it is."""
    return _ROLE.sub(lambda found: f'<autoref identifier="{found[1]}" optional><code>{found[1].rsplit(".", 1)[-1]}'
                                   "</code></autoref>", html)
