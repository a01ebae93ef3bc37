"""What the inputs of a part hold, as a record keeps it, and uploads put back into the page."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import gradio as gr
from gradio import processing_utils
from gradio.components import Component

FILES = (gr.File, gr.Image, gr.Video, gr.UploadButton)
"""Components that take uploads."""


def held(inputs: Mapping[str, Component], values: tuple[Any, ...]) -> dict[str, Any]:
    """What inputs hold, by name, with uploads as paths, of which a record keeps copies."""
    found: dict[str, Any] = {}
    for (name, component), value in zip(inputs.items(), values):
        if isinstance(component, FILES) and value:
            found[name] = [Path(item) for item in value] if isinstance(value, list) else Path(value)
        else:
            found[name] = value
    return found


def brought_back(component: Component, value: Any, folder: Path) -> Any:
    """A kept upload as the page's own file again; None where it is gone."""
    if isinstance(value, list):
        return [path for item in value if (path := brought_back(component, item, folder)) is not None] or None
    name = value.get("file") if isinstance(value, dict) else None
    path = (folder / str(name)).resolve()
    if not name or not path.is_relative_to(folder.resolve()) or not path.is_file():
        return None
    return processing_utils.save_file_to_cache(path, cache_dir=component.GRADIO_CACHE)


def put_back(files: str | list[str] | None, restored: list[str] | None) -> bool:
    """Whether an upload's value is what a link put there (nothing, for a friend), and no choice of the visitor's."""
    there = [files] if isinstance(files, str) else files or []
    return restored is not None and set(there) <= set(restored) and (bool(there) or not restored)
