"""The page round the tabs: header, footer, theme, limits. A new tab is one file and one line in ``TABS``."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

os.environ.setdefault("GRADIO_ANALYTICS_ENABLED", "False")  # read when gradio is imported

import gradio as gr

from humanav import doctor
from humanav.app import denoise_tab, multiview_tab, photo_tab, samples, storage, theme, track_tab, uplift_tab
from humanav.paths import asset
from humanav.view import plotly_script

MAX_UPLOAD = "200mb"
DOCS = "https://github.com/humanav/humanav#readme"


@dataclass(frozen=True)
class Tab:
    """One tab: its title, its id in the address (``?tab=id``), and what places its components."""

    title: str
    id: str
    build: Callable[[], None]


TABS = (Tab("Photo to avatar", "photo", photo_tab.build), Tab("Pose denoising", "denoise", denoise_tab.build),
        Tab("2D to 3D", "uplift", uplift_tab.build), Tab("Video tracking", "track", track_tab.build),
        Tab("Multi-view capture", "capture", multiview_tab.build))

_REMEMBER = ("() => { if (!window.humanavOpened) return; const address = new URL(location); "
             "address.searchParams.set('tab', '%s'); history.replaceState(null, '', address); }")
"""A visitor's choice of a tab goes into the address; that of the opening page does not, which reads it there."""


def build() -> gr.Blocks:
    """The whole page, ready for :func:`launch_options` and ``launch``."""
    storage.forget_old()
    with gr.Blocks(title="humanav: a photo becomes a person that moves", analytics_enabled=False,
                   delete_cache=(3600, 86400), fill_width=False) as page:
        gr.HTML('<div id="header"><span class="name">human<b>av</b></span>'
                '<span class="line">A photo becomes a person who moves, a video their motion, a bad motion a good one.'
                "</span></div>", padding=False, elem_classes="bare")
        with gr.Tabs(elem_id="tabs") as tabs:
            for tab in TABS:
                with gr.Tab(tab.title, id=tab.id) as place:
                    tab.build()
                place.select(None, js=_REMEMBER % tab.id, api_visibility="private")
        page.load(_open_tab, None, tabs, api_visibility="private", show_progress="hidden").then(
            None, js="() => { window.humanavOpened = true; }", api_visibility="private")
        gr.HTML(f'<div id="footer"><span>{doctor.summary()}</span><span>Apache-2.0 · runs on this machine alone · '
                f'<a href="{DOCS}" target="_blank" rel="noopener">Documentation</a></span></div>', padding=False,
                elem_classes="bare")
    return page.queue(max_size=16, default_concurrency_limit=4)


def _open_tab(request: gr.Request) -> Any:
    """The tab that the address asks for: ``?tab=id``."""
    wanted = request.query_params.get("tab")
    return gr.update(selected=wanted) if wanted in {tab.id for tab in TABS} else gr.skip()


def launch_options() -> dict[str, Any]:
    """Arguments for ``launch``: look, limits, and which files may be served."""
    return {"theme": theme.theme(), "css_paths": [theme.css_path()], "max_file_size": MAX_UPLOAD, "show_error": True,
            "footer_links": [], "ssr_mode": False,
            "allowed_paths": [str(storage.root()), str(asset("samples")), str(asset("viewer")), str(plotly_script())]}


def warm_up() -> threading.Thread:
    """Load the heavy packages and compile the kernels in the background, so that the first visitor need not wait."""
    thread = threading.Thread(target=_warm_up, name="warm-up", daemon=True)
    thread.start()
    return thread


def _warm_up() -> None:
    from humanav.jobs import warm_up as warm_jobs

    warm_jobs()
    process = samples.prepare_in_background()
    if process is not None:
        process.wait()
