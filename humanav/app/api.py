"""Every job as a function that programs call: through ``gradio_client``, over HTTP, and as a tool of an MCP server.

The text of each function is what such a program's user, or its language model, reads. Files are handed over as uploads
or addresses; an answer is plain JSON with the result's id, what is said of it, and its files. While a job waits or
works, its caller may read ``{"state": "waiting", ...}`` and ``{"state": "working", ...}``.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable

import gradio as gr

from humanav.app import kept
from humanav.app.api_arguments import checked
from humanav.app.api_avatar import animate_avatar, make_avatar, measure_photo
from humanav.app.api_calls import ABSENT, Answers, answer, link, result_of, state_of, upload
from humanav.app.api_motion import clean_motion, lift_to_3d, poses_between, random_poses
from humanav.app.api_video import reconstruct_capture, track_video
from humanav.app.errors import guarded
from humanav.app.limits import limits


def get_result(id: str, request: gr.Request = ABSENT) -> Answers:
    """A result that was made before, with its files, or how far it is.

    Args:
        id: of the result, or its link.
    """
    yield state_of(request, id)


def share_page(id: str, title: str = "", request: gr.Request = ABSENT) -> Answers:
    """Write a result as one HTML page that works offline, also on a phone: to turn, play and compare, and to send.

    Args:
        id: of the result, or its link.
        title: of the page; by default the result's own.
    """
    record, result = result_of(id)
    path = kept.share(record, result, title=title or record.title, link=link(request, record.id))
    found = answer(request, record, result)
    yield found | {"files": [{"name": "share.html", "purpose": "the result as one page", "opens_in": "any browser",
                              "size": path.stat().st_size, "file": upload(path)}]}


JOBS: tuple[Callable[..., Answers], ...] = (
    make_avatar, animate_avatar, clean_motion, random_poses, poses_between, lift_to_3d, track_video,
    reconstruct_capture, measure_photo)
QUESTIONS: tuple[Callable[..., Answers], ...] = (get_result, share_page)


def register() -> None:
    """Offer every function; to be called while the page is being built."""
    for function in (*JOBS, *QUESTIONS):
        offered, job = guarded(checked(function)), function in JOBS
        # Gradio reads the signature: the last thing that is yielded is the answer
        offered.__annotations__ = function.__annotations__ | {"return": dict}
        setattr(offered, "__signature__",  # noqa: B010 (functions have none to mypy)
                inspect.signature(function).replace(return_annotation=dict))
        gr.api(offered, api_name=function.__name__, concurrency_id="jobs" if job else "questions",
               concurrency_limit=limits().handlers if job else 4)
