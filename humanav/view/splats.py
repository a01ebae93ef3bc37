"""The browser's player of skinned Gaussians, and Gaussians compared with the textured mesh.

:data:`SPLAT_SCRIPT` (40 kB of our own, built by ``scripts/build_viewer.sh``; no library) draws with WebGL 2. A page
that shows many players serves it once and gives its address; a page to be shared inlines script and person and is one
file that works offline. Controls and messages are those of :mod:`humanav.view.player`.
"""

from __future__ import annotations

import base64
import html
import json
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from humanav import paths
from humanav.errors import InputError
from humanav.view.player import SCRIPT, _address

if TYPE_CHECKING:
    from humanav.export.splats import Splats

SPLAT_SCRIPT = paths.asset("viewer", "splat_player.js")
"""The script of the player of Gaussians."""


def splat_page(
    splats: str | Path | bytes | Splats, *, script: str | None = None, title: str = "3D person",
    motion: str | None = None, autoplay: bool = True, theme: str = "auto", yaw: float = 20.0, floor: bool = True,
) -> str:
    """A complete HTML page that plays skinned Gaussians, for an ``<iframe srcdoc>`` or a file.

    Args:
        splats: what :func:`humanav.export.write_skinned_splats` wrote: a URL (http, https, data or an absolute path on
            the server, as str), or a file (Path) or bytes to embed; or still :class:`~humanav.export.Splats`, such as
            :func:`humanav.export.read_splat_ply` gives.
        script: address at which :data:`SPLAT_SCRIPT` is served; None puts it into the page.
        title: of the page, read out by screen readers.
        motion: name of the motion to begin with ("T-pose" for the still person); by default the first.
        autoplay: start at once (not for visitors who asked their system for less motion).
        theme: "light", "dark", or "auto": dark when the page round it has the class ``dark`` or the system is dark. A
            button changes it.
        yaw: degrees from which the person is first seen.
        floor: with a grid in metres and a soft shadow.

    Raises:
        InputError: the file cannot be read, or is not of skinned Gaussians.
    """
    options = _options(splats, title, motion, autoplay, theme, yaw) | {"floor": floor}
    return _page(options, title, [(script, SPLAT_SCRIPT)])


def compare_page(
    splats: str | Path | bytes | Splats, glb: str | Path | bytes, *, script: str | None = None,
    mesh_script: str | None = None, labels: tuple[str, str] = ("Textured mesh", "Gaussians"), beside: bool = False,
    title: str = "Textured mesh and Gaussians", motion: str | None = None, autoplay: bool = True, theme: str = "auto",
    yaw: float = 20.0,
) -> str:
    """A page that shows the same person as a mesh and as Gaussians from one camera at one moment.

    A slider lies between the two; a button sets them side by side. Motions are matched by name.

    Args:
        splats, script, title, motion, autoplay, theme, yaw: as :func:`splat_page`.
        glb, mesh_script: the animated mesh and the mesh player's script, as :func:`humanav.view.player_page`.
        labels: what is written on the mesh (left) and the Gaussians (right).
        beside: begin side by side instead of with the slider.

    Raises:
        InputError: as :func:`splat_page` and :func:`humanav.view.player_page`.
    """
    options = _options(splats, title, motion, autoplay, theme, yaw)
    options["compare"] = {"glb": _address(glb), "labels": list(labels), "beside": beside}
    return _page(options, title, [(mesh_script, SCRIPT), (script, SPLAT_SCRIPT)])


def splat_iframe(page: str, *, height: int | str = 560, title: str = "3D person") -> str:
    """A page of :func:`splat_page` or :func:`compare_page` as an ``<iframe srcdoc>``; ``height`` in pixels or CSS."""
    size = f"{height}px" if isinstance(height, int) else height
    return (f'<iframe title="{html.escape(title)}" srcdoc="{html.escape(page, quote=True)}" allow="fullscreen" '
            f'loading="eager" style="width:100%;height:{html.escape(size)};border:0;border-radius:12px;display:block">'
            "</iframe>")


def save_splat_page(splats: Path | bytes | Splats, path: str | Path, **options: Any) -> Path:
    """Write a page of one file that plays the person anywhere, offline; options as :func:`splat_page`.

    Raises:
        InputError: as :func:`splat_page`.
        StorageError: the page cannot be written.
    """
    from humanav.export.files import whole_file

    page = splat_page(splats, **options)
    with whole_file(path) as temporary:
        temporary.write_text(page, encoding="utf-8")
    return Path(path)


def _options(splats: str | Path | bytes | Splats, title: str, motion: str | None, autoplay: bool, theme: str,
             yaw: float) -> dict[str, Any]:
    if theme not in ("auto", "light", "dark"):
        raise InputError(f"The player's theme is auto, light or dark, not '{theme}'.")
    return {"splats": _splat_address(splats), "title": title, "motion": motion, "autoplay": autoplay, "theme": theme,
            "yaw": yaw}


def _page(options: Mapping[str, Any], title: str, scripts: list[tuple[str | None, Path]]) -> str:
    code = "".join(f"<script>{file.read_text(encoding='utf-8')}</script>" if address is None
                   else f'<script src="{html.escape(address)}"></script>' for address, file in scripts)
    settings = json.dumps(options).replace("<", "\\u003c")
    return (
        f'<!doctype html><html lang="en"><head><meta charset="utf-8"><title>{html.escape(title)}</title>'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        "<style>html,body{margin:0;height:100%;background:transparent}#player{height:100%}</style></head>"
        f'<body><div id="player"></div>{code}'
        f'<script>HumanavSplats.mount(document.getElementById("player"),{settings})</script></body></html>'
    )


def _splat_address(splats: str | Path | bytes | Splats) -> str:
    """A URL as it is; anything else as a data URL."""
    from humanav.export.skinned_splats import FORMAT, pack_still

    if isinstance(splats, str):
        return splats
    if isinstance(splats, Path):
        try:
            data = splats.read_bytes()
        except OSError as error:
            raise InputError(f"The 3D file {splats.name} cannot be read: {error.strerror}.") from error
    else:
        data = splats if isinstance(splats, bytes) else pack_still(splats)
    if FORMAT.encode() not in data[:65536]:
        raise InputError("This is not a file of skinned Gaussians; write one with write_skinned_splats.")
    return "data:application/octet-stream;base64," + base64.b64encode(data).decode()
