"""How the app is: for monitors as JSON at ``/health``, for visitors as a line in the footer."""

from __future__ import annotations

import shutil
import threading
import time
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route

from humanav import __version__
from humanav.app import kept, memory, running
from humanav.errors import HumanavError

WARM = threading.Event()
"""Set when everything that jobs need is loaded."""

_BEGAN = time.time()

WATCH = """
const line = element.querySelector('#health');
const ask = async () => {
  try {
    const answer = await fetch('health', { cache: 'no-store' });
    const { line: words } = await answer.json();
    if (words && words !== line.textContent) line.textContent = words;
  } catch { line.textContent = 'The app does not answer. Is it still running?'; }
};
const timer = setInterval(() => {
  if (!line.isConnected) clearInterval(timer); else if (!document.hidden) ask();
}, 20000);
ask();
"""
"""Keeps the line in the footer up to date, without an event of the page."""


def state() -> dict[str, Any]:
    """What a monitor may want to know; ``status`` is "ok", "warming up" or "disk nearly full"."""
    working, waiting = running.counts()
    free, least = _disk()
    return {"status": "disk nearly full" if free < least else "ok" if WARM.is_set() else "warming up",
            "version": __version__, "warm": WARM.is_set(), "uptime_s": round(time.time() - _BEGAN),
            "memory_gb": round(memory.held() / 2**30, 2), "disk_free_gb": round(free / 1e9, 1), "jobs_working": working,
            "jobs_waiting": waiting}


def line(now: dict[str, Any] | None = None) -> str:
    """The same for visitors, in one line."""
    now = now or state()
    jobs = now["jobs_working"] + now["jobs_waiting"]
    parts = {"ok": "Ready", "warming up": "Warming up: the first job may take a few seconds longer",
             "disk nearly full": "The disk is nearly full: no new job can start"}[now["status"]]
    queue = f" · {jobs} job{'s' * (jobs != 1)} in hand" if jobs else ""
    return f"{parts}{queue} · {now['memory_gb']:.1f} GB memory used · {now['disk_free_gb']:.0f} GB disk free"


def route() -> Route:
    """``GET /health``: 200, or 503 while no job could start."""

    def health(_: Request) -> JSONResponse:
        now = state()
        return JSONResponse(now | {"line": line(now)}, 503 if now["status"] == "disk nearly full" else 200,
                            headers={"Cache-Control": "no-store"})

    return Route("/health", health)


def _disk() -> tuple[int, int]:
    """Bytes that are free where results are kept, and how many must be."""
    try:
        store = kept.store()
        return shutil.disk_usage(store.base).free, store.least_free
    except (HumanavError, OSError):
        return 0, 1
