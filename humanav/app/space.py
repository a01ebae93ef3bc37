"""Where the app runs: at home, or on a Hugging Face Space, whose machine says so in the environment."""

from __future__ import annotations

import os
import tempfile
from importlib import metadata
from pathlib import Path
from typing import Any


def on_space() -> bool:
    """Whether this is a Space."""
    return bool(os.environ.get("SPACE_ID"))


def address() -> dict[str, Any]:
    """Arguments of ``launch`` that say where to listen: a Space's visitors come from outside, at home nobody does.

    ``PORT`` names another port.
    """
    port = os.environ.get("PORT") or ("7860" if on_space() else "")
    return {"server_port": int(port) if port else None} | ({"server_name": "0.0.0.0"} if on_space() else {})


def mcp_found() -> bool:
    """Whether the tools of :mod:`humanav.app.api` can be offered over MCP: Gradio's needs version 1 of its package.

    ``HUMANAV_MCP=off`` leaves it out.
    """
    try:
        return os.environ.get("HUMANAV_MCP") != "off" and metadata.version("mcp").startswith("1.")
    except metadata.PackageNotFoundError:
        return False


def prepare_numba() -> None:
    """Let numba keep compiled kernels where they can be written; to be called before it is imported.

    It looks beside the sources and in the user's cache; where neither can be written, it would give up.
    """
    if os.environ.get("NUMBA_CACHE_DIR"):
        return
    beside = Path(__file__).resolve().parents[1] / "render"
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    if not any(os.access(place, os.W_OK) for place in (beside, cache if cache.exists() else cache.parent)):
        os.environ["NUMBA_CACHE_DIR"] = str(Path(tempfile.gettempdir()) / "humanav-numba")
