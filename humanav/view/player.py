"""The 3D player for web pages: turn, play, pause, scrub, choose a clip; front, side and back.

One script (:data:`SCRIPT`, built by ``scripts/build_viewer.sh``) holds everything, three.js included, so a page works
offline. A page that shows many players serves the script once and gives its address; a page to be shared inlines both
the script and the GLB and is one file.

The page listens to ``postMessage({humanav: "player", clip, time, play, view})`` from the page round it.
"""

from __future__ import annotations

import base64
import html
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from humanav import paths
from humanav.errors import InputError

SCRIPT = paths.asset("viewer", "player.js")
"""The player's script."""


def player_page(
    glb: str | Path | bytes, *, script: str | None = None, title: str = "3D person", clip: str | None = None,
    autoplay: bool = True, theme: str = "auto", yaw: float = 20.0, colors: Mapping[str, str] | None = None,
    curve: Mapping[str, Any] | None = None, optional: str | None = None,
) -> str:
    """A complete HTML page that plays a .glb.

    Args:
        glb: a URL (http, https, data or an absolute path on the server, as str), or a file (Path) or bytes to embed.
        script: address at which :data:`SCRIPT` is served; None puts the script itself (about 0.7 MB) into the page.
        title: of the page, read out by screen readers.
        clip: name of the animation to begin with; by default the first.
        autoplay: start at once (not for visitors who asked their system for less motion).
        theme: "light", "dark", or "auto": dark when the page round it has the class ``dark`` or the system is dark.
        yaw: degrees from which the person is first seen.
        colors: CSS colours of the people of a .glb of several (:func:`humanav.export.write_people_glb`), each of whom
            is seen in a column of its own.
        curve: a :func:`humanav.view.curve`, drawn under the player: it shows the moment and takes clicks.
        optional: name of one of several people who is hidden until a button of that name is pressed.

    Raises:
        InputError: the file cannot be read.
    """
    if theme not in ("auto", "light", "dark"):
        raise InputError(f"The player's theme is auto, light or dark, not '{theme}'.")
    options: dict[str, Any] = {"glb": _address(glb), "title": title, "clip": clip, "autoplay": autoplay,
                               "theme": theme, "yaw": yaw, "colors": dict(colors or {}), "curve": curve,
                               "optional": optional}
    code = f"<script>{SCRIPT.read_text(encoding='utf-8')}</script>" if script is None \
        else f'<script src="{html.escape(script)}"></script>'
    settings = json.dumps(options).replace("<", "\\u003c")
    return (
        f'<!doctype html><html lang="en"><head><meta charset="utf-8"><title>{html.escape(title)}</title>'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        "<style>html,body{margin:0;height:100%;background:transparent}#player{height:100%}</style></head>"
        f'<body><div id="player"></div>{code}'
        f'<script>HumanavPlayer.mount(document.getElementById("player"),{settings})</script></body></html>'
    )


def player_iframe(
    glb: str | Path | bytes, *, height: int | str = 560, script: str | None = None, title: str = "3D person",
    **options: Any,
) -> str:
    """The player as an ``<iframe srcdoc>`` to be put into another page; other options as :func:`player_page`.

    Args:
        height: in pixels, or any CSS length.
    """
    page = html.escape(player_page(glb, script=script, title=title, **options), quote=True)
    size = f"{height}px" if isinstance(height, int) else height
    return (f'<iframe title="{html.escape(title)}" srcdoc="{page}" allow="fullscreen" loading="eager" '
            f'style="width:100%;height:{html.escape(size)};border:0;border-radius:12px;display:block"></iframe>')


def save_player(glb: str | Path | bytes, path: str | Path, **options: Any) -> Path:
    """Write a page of one file that plays the person anywhere, offline, with no server.

    Raises:
        InputError: the .glb cannot be read.
        StorageError: the page cannot be written.
    """
    from humanav.export.files import whole_file

    source = Path(glb) if isinstance(glb, str) and not glb.startswith(("http:", "https:", "data:")) else glb
    page = player_page(source, **options)
    with whole_file(path) as temporary:
        temporary.write_text(page, encoding="utf-8")
    return Path(path)


def _address(glb: str | Path | bytes) -> str:
    if isinstance(glb, str):
        return glb
    try:
        data = glb if isinstance(glb, bytes) else glb.read_bytes()
    except OSError as error:
        raise InputError(f"The 3D file {Path(str(glb)).name} cannot be read: {error.strerror}.") from error
    if not data.startswith(b"glTF"):
        raise InputError("This is not a .glb file.")
    return "data:model/gltf-binary;base64," + base64.b64encode(data).decode()
