"""Boxes that hand over an upload just as it came: the jobs read more kinds of files than Gradio's boxes do, and have a
sentence for each that cannot be used."""

from __future__ import annotations

from abc import ABCMeta
from pathlib import Path
from typing import Any

import gradio as gr
from gradio.data_classes import FileData


def image_box(**options: Any) -> gr.Image:
    """An image box whose value is the path of the file."""
    box: gr.Image = _IMAGE(type="filepath", **options)
    return box


def video_box(**options: Any) -> gr.Video:
    """A video box whose value is the path of the file, in whatever format."""
    box: gr.Video = _VIDEO(**options)
    return box


def _path(box: Any, payload: FileData | None) -> str | None:
    return payload.path if payload is not None else None


def _file(box: Any, value: str | None) -> FileData | None:
    return FileData(path=str(value), orig_name=Path(value).name) if value else None


def _own(base: type, **methods: Any) -> Any:
    """A class of components with other methods. Gradio makes new instances of a component's class when it is changed,
    so methods of one instance would be lost; its own way to make a class would write a stub file beside this one."""
    return ABCMeta.__new__(type(base), f"{base.__name__}AsItCame", (base,),
                           {"__module__": __name__, "is_template": True, **methods})


_IMAGE = _own(gr.Image, preprocess=_path)
_VIDEO = _own(gr.Video, preprocess=_path, postprocess=_file)
