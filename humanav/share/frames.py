"""Pages of views: the players of :mod:`humanav.view` in the page's colours, their files named by the page's parts."""

from __future__ import annotations

import html
import re
from collections.abc import Mapping
from typing import Any

from humanav.share.media import PLAYER, SPLAT_PLAYER
from humanav.share.value import address
from humanav.view.look import PLAYER_COLORS, SYNCED_COLORS, SYNCED_PLACES, dressed
from humanav.view.people3d import capture_players_html
from humanav.view.player import player_page
from humanav.view.splats import compare_page, splat_page
from humanav.view.timeline import synced_players_html

_PLAYER_LOOK = (
    f"{PLAYER_COLORS} .hp {{ border-radius: 0 !important }} .hp-note {{ opacity: .9 !important }}"
    " .hc-mesh .hp, .hc-mesh .hp[data-theme=dark] { background: none !important }"
    " @media (pointer: coarse) { .hp button, .hp select, .hp-scrub { min-height: 44px } .hp .hp-play { width: 52px } }")
_SYNCED_LOOK = (
    f"{SYNCED_COLORS} {SYNCED_PLACES} body {{ overflow: hidden }} #time {{ white-space: nowrap }}"
    " [data-width=narrow] { grid-template-columns: repeat(var(--videos), minmax(0, 1fr)) !important }"
    " [data-width=narrow] #pane-world { height: 360px !important }"
    " [data-width=narrow] .pane figcaption { left: 6px; bottom: 6px; font-size: 12px; padding: 2px 8px }"
    " #synced:not(:has(#pane-world)) { grid-template: none / minmax(0, 1fr) !important }"
    " #synced:not(:has(#pane-world)) .pane { width: min(100%, 620px * var(--aspect)); justify-self: center;"
    " aspect-ratio: var(--aspect) }"
    " @media (pointer: coarse) { #bar button, #bar select, #scrub { height: 44px } }")


def mesh_frame(key: str, title: str, **options: Any) -> str:
    """The player of a .glb; options as :func:`humanav.view.player_page`."""
    return dressed(player_page(address(key), script=address(PLAYER), title=title, **options), _PLAYER_LOOK)


def splat_frame(key: str, title: str, motion: str | None = None) -> str:
    """The player of Gaussians."""
    return dressed(splat_page(address(key), script=address(SPLAT_PLAYER), title=title, motion=motion), _PLAYER_LOOK)


def compare_frame(splats: str, glb: str, title: str, motion: str | None = None) -> str:
    """Mesh and Gaussians on the two sides of a slider."""
    return dressed(compare_page(address(splats), address(glb), script=address(SPLAT_PLAYER),
                                mesh_script=address(PLAYER), title=title, motion=motion), _PLAYER_LOOK)


def synced_frame(original: str | None, overlay: str | None, glb: str | None, **options: Any) -> str:
    """Videos and the 3D player in step; options as :func:`humanav.view.timeline.synced_players_html`."""
    urls = (None if key is None else address(key) for key in (original, overlay, glb))
    return _page_in(synced_players_html(*urls, script=address(PLAYER), style=_SYNCED_LOOK, player_style=_PLAYER_LOOK,
                                        **options))


def capture_frame(overlays: Mapping[str, str], glb: str, **options: Any) -> str:
    """Every view's overlay in step with everybody in 3D; options as those of ``capture_players_html``."""
    named = {name: address(key) for name, key in overlays.items()}
    return _page_in(capture_players_html(named, address(glb), script=address(PLAYER), style=_SYNCED_LOOK,
                                         player_style=_PLAYER_LOOK, **options))


def _page_in(frame: str) -> str:
    """The page inside an ``<iframe srcdoc>``."""
    found = re.search(r'srcdoc="([^"]*)"', frame)
    assert found is not None
    return html.unescape(found[1])
