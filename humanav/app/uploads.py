"""Boxes that hand over an upload just as it came: the jobs read more kinds of files than Gradio's boxes do, and have a
sentence for each that cannot be used.

A page sends the path of its upload; whoever speaks to the app without a page may send any path. Gradio checks only what
says of itself that it is a file, and so what a box or a function of the API hands on is checked here, too.
"""

from __future__ import annotations

from abc import ABCMeta
from pathlib import Path
from typing import Any

import gradio as gr
from gradio import utils
from gradio.data_classes import FileData

from humanav.errors import InputError


def uploaded(path: str | None) -> Path:
    """The file of an upload. Raises InputError for any other file of this machine, and for one that is gone."""
    file = Path(path or "").resolve()
    if not file.is_relative_to(Path(utils.get_upload_folder()).resolve()) or not file.is_file():
        raise InputError("A file that was handed over is not here: upload it again.")
    return file


def image_box(**options: Any) -> gr.Image:
    """An image box whose value is the path of the file."""
    box: gr.Image = _IMAGE(type="filepath", **options)
    return box


def video_box(**options: Any) -> gr.Video:
    """A video box whose value is the path of the file, in whatever format."""
    box: gr.Video = _VIDEO(**options)
    return box


def _path(box: Any, payload: FileData | None) -> str | None:
    if payload is None:
        return None
    try:
        uploaded(payload.path)
    except InputError as error:
        raise gr.Error(str(error), title="That did not work", print_exception=False) from error
    return payload.path


def _file(box: Any, value: str | None) -> FileData | None:
    return FileData(path=str(value), orig_name=Path(value).name) if value else None


def _own(base: type, **methods: Any) -> Any:
    """A class of components with other methods. Gradio makes new instances of a component's class when it is changed,
    so methods of one instance would be lost; its own way to make a class would write a stub file beside this one."""
    return ABCMeta.__new__(type(base), f"{base.__name__}AsItCame", (base,),
                           {"__module__": __name__, "is_template": True, **methods})


_IMAGE = _own(gr.Image, preprocess=_path)
_VIDEO = _own(gr.Video, preprocess=_path, postprocess=_file)
