"""The page round the tabs: header, footer, theme, limits. A new tab is one file and one line in ``TABS``."""

from __future__ import annotations

import os
import threading
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

os.environ.setdefault("GRADIO_ANALYTICS_ENABLED", "False")  # read when gradio is imported

import gradio as gr

from humanav import doctor
from humanav.app import (
    api,
    denoise_tab,
    health,
    kept,
    links,
    memory,
    multiview_tab,
    photo_tab,
    results_tab,
    running,
    samples,
    space,
    theme,
    track_tab,
    uplift_tab,
    visitors,
)
from humanav.app.limits import limits
from humanav.app.part import Part
from humanav.app.results_tab import ResultsTab
from humanav.app.tray import Tray
from humanav.paths import asset
from humanav.view import plotly_script

DOCS = "https://github.com/humanav/humanav#readme"


@dataclass(frozen=True)
class Tab:
    """One tab: its title, its id in the address (``?tab=id``), and what places its components."""

    title: str
    id: str
    build: Callable[[], Sequence[Part | ResultsTab]]


TABS = (Tab("Photo to avatar", "photo", photo_tab.build), Tab("Pose denoising", "denoise", denoise_tab.build),
        Tab("2D to 3D", "uplift", uplift_tab.build), Tab("Video tracking", "track", track_tab.build),
        Tab("Multi-view capture", "capture", multiview_tab.build), Tab("My results", "results", results_tab.build))

_NAME_SAMPLES = """
const name = () => document.querySelectorAll(".gallery-item:not([aria-label])").forEach((item) =>
  item.setAttribute("aria-label", `Sample ${[...item.parentElement.children].indexOf(item) + 1}`));
new MutationObserver(name).observe(document.body, { childList: true, subtree: true });
name();
"""
"""Runs in the page: samples are pictures, which a screen reader cannot read out."""


def build() -> gr.Blocks:
    """The whole page, ready for :func:`launch_options` and ``launch``."""
    with gr.Blocks(title="humanav: a photo becomes a person that moves", analytics_enabled=False,
                   delete_cache=(3600, 86400), fill_width=False) as page:
        gr.HTML('<div id="header"><span class="name">human<b>av</b></span>'
                '<span class="line">A photo becomes a person who moves, a video their motion, a bad motion a good one.'
                "</span></div>", padding=False, elem_classes="bare", js_on_load=_NAME_SAMPLES)
        key = visitors.browser_key()
        in_hand = Tray()
        placed: list[tuple[gr.Tab, Part | ResultsTab]] = []
        with gr.Tabs(elem_id="tabs") as tabs:
            for tab in TABS:
                with gr.Tab(tab.title, id=tab.id) as place:
                    placed += [(place, part) for part in tab.build()]
                place.select(None, js=links.remember(tab.id), api_visibility="private")
        parts = [part for _, part in placed if isinstance(part, Part)]
        opener = links.Links(tabs, parts, *(tab.id for tab in TABS))
        for place, part in placed:
            if isinstance(part, ResultsTab):
                part.wire(opener, place.select)
        opener.wire(page, key)
        in_hand.wire(opener, parts)
        gr.HTML(f'<div id="footer"><span>{doctor.summary()}</span><span id="health"></span><span>Apache-2.0 · runs on '
                f'this machine alone · <a href="{DOCS}" target="_blank" rel="noopener">Documentation</a></span></div>',
                padding=False, elem_classes="bare", js_on_load=health.WATCH)
        page.unload(_left)
        api.register()
    _part_listeners(page)
    return page.queue(max_size=2 * limits().handlers, default_concurrency_limit=4)


def _part_listeners(page: gr.Blocks) -> None:
    """Where several functions listen to one event, each is asked every time.

    By default ("always_last") the page keeps an event for a busy function and sends it again afterwards, to all that
    listen to it: those are then busy, keep it too, and so two of them keep each other and the page busy for ever.
    """
    waiting = [function for function in page.fns.values() if function.trigger_mode == "always_last"]
    listeners = Counter(target for function in waiting for target in dict.fromkeys(function.targets))
    for function in waiting:
        if any(listeners[target] > 1 for target in function.targets):
            function.trigger_mode = "multiple"


def _left(request: gr.Request) -> None:
    """A page was closed, or out of reach for a moment. Its jobs are not stopped here: they end with their own stream,
    which a page that is still there keeps open."""
    visitors.leave(request)


def launch_options() -> dict[str, Any]:
    """Arguments for ``launch``: where, look, limits, and which files may be served."""
    return space.address() | {
        "theme": theme.theme(), "css_paths": [theme.css_path()], "max_file_size": limits().upload, "show_error": True,
        "footer_links": [], "ssr_mode": False, "mcp_server": space.mcp_found(),
        "app_kwargs": {"routes": [health.route()]},
        "allowed_paths": [*map(str, kept.store().served), str(asset("samples")), str(asset("viewer")),
                          str(plotly_script())]}


def warm_up() -> threading.Thread:
    """Load the heavy packages and compile the kernels in the background, so that the first visitor need not wait."""
    memory.share_heaps()
    kept.tidy_hourly()
    thread = threading.Thread(target=_warm_up, name="warm-up", daemon=True)
    thread.start()
    return thread


def _warm_up() -> None:
    from humanav.jobs import warm_up as warm_jobs

    warm_jobs()
    memory.give_back()
    health.WARM.set()
    process = samples.prepare_in_background()
    if process is not None:
        samples.attend(process, lambda: running.counts() != (0, 0))
