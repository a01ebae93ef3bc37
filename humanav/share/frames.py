"""Pages of views: the players of :mod:`humanav.view` in the page's colours, their files named by the page's parts."""

from __future__ import annotations

import html
import re
from collections.abc import Mapping
from typing import Any

from humanav.share.media import PLAYER, SPLAT_PLAYER
from humanav.share.value import address
from humanav.view.people3d import capture_players_html
from humanav.view.player import player_page
from humanav.view.splats import compare_page, splat_page
from humanav.view.timeline import synced_players_html

_PLAYER_LOOK = (
    ".hp .hp-play, .hp button[aria-pressed=true] { background: #0f7661 !important; border-color: #0f7661 !important;"
    " color: #fff !important } .hp-scrub { accent-color: #1d9479 !important } .hp-note { opacity: .9 !important }"
    " .hp { border-radius: 0 !important; background: linear-gradient(#e6e4e0, #f5f4f2 62%, #edebe8) !important }"
    " .hp[data-theme=dark] { background: linear-gradient(#191817, #2b2a28 62%, #21201f) !important }"
    " .hp :focus-visible { outline-color: #1d9479 !important } .hc-line::after { background: #0f7661 !important }"
    " .hc-mesh .hp, .hc-mesh .hp[data-theme=dark] { background: none !important }"
    " @media (pointer: coarse) { .hp button, .hp select, .hp-scrub { min-height: 44px } .hp .hp-play { width: 52px } }")
"""The page's colours in a player, whose own style sheet comes later in its page."""
_SYNCED_LOOK = (
    "body { overflow: hidden } #time { white-space: nowrap }"
    " body.dark #bar { background: #1c1b1a; border-color: #3a3835 } body.dark .pane { background: #1c1b1a }"
    " #bar #play, body.dark #bar #play { background: #0f7661; border-color: #0f7661 } #scrub { accent-color: #1d9479 }"
    " #bar :focus-visible { outline-color: #1d9479 }"
    " [data-width=wide][data-shape=square] { grid-template-columns: minmax(0, 1fr) minmax(0, 1fr) }"
    " [data-width=wide][data-shape=square] .pane:has(video) { grid-column: 1 }"
    " [data-width=wide][data-shape=square] #pane-world { grid-column: 2; grid-row: 1 / span var(--videos) }"
    " [data-width=wide][data-shape=portrait] { grid-template-rows: minmax(400px, auto) }"
    " [data-width=wide][data-shape=portrait] .pane:has(video) { aspect-ratio: var(--aspect) }"
    " [data-width=wide][data-shape=portrait] #pane-world iframe { position: absolute; inset: 0 }"
    " [data-width=narrow] { grid-template-columns: repeat(var(--videos), minmax(0, 1fr)) !important }"
    " [data-width=narrow] #pane-world { height: 360px !important }"
    " [data-width=narrow] .pane figcaption { left: 6px; bottom: 6px; font-size: 12px; padding: 2px 8px }"
    " #synced:not(:has(#pane-world)) { grid-template: none / minmax(0, 1fr) !important }"
    " #synced:not(:has(#pane-world)) .pane { width: min(100%, 620px * var(--aspect)); justify-self: center;"
    " aspect-ratio: var(--aspect) }"
    " @media (pointer: coarse) { #bar button, #bar select, #scrub { height: 44px } }")


def mesh_frame(key: str, title: str, **options: Any) -> str:
    """The player of a .glb; options as :func:`humanav.view.player_page`."""
    return _dressed(player_page(address(key), script=address(PLAYER), title=title, **options))


def splat_frame(key: str, title: str, motion: str | None = None) -> str:
    """The player of Gaussians."""
    return _dressed(splat_page(address(key), script=address(SPLAT_PLAYER), title=title, motion=motion))


def compare_frame(splats: str, glb: str, title: str, motion: str | None = None) -> str:
    """Mesh and Gaussians on the two sides of a slider."""
    return _dressed(compare_page(address(splats), address(glb), script=address(SPLAT_PLAYER),
                                 mesh_script=address(PLAYER), title=title, motion=motion))


def synced_frame(original: str | None, overlay: str | None, glb: str | None, **options: Any) -> str:
    """Videos and the 3D player in step; options as :func:`humanav.view.timeline.synced_players_html`."""
    urls = (None if key is None else address(key) for key in (original, overlay, glb))
    return _in_step(synced_players_html(*urls, script=address(PLAYER), **options))


def capture_frame(overlays: Mapping[str, str], glb: str, **options: Any) -> str:
    """Every view's overlay in step with everybody in 3D; options as those of ``capture_players_html``."""
    named = {name: address(key) for name, key in overlays.items()}
    return _in_step(capture_players_html(named, address(glb), script=address(PLAYER), **options))


def _dressed(page: str) -> str:
    return page.replace("</head>", f"<style>{_PLAYER_LOOK}</style></head>", 1)


def _in_step(frame: str) -> str:
    """The page inside an ``<iframe srcdoc>`` of players in step, in our colours; its 3D player as well."""
    found = re.search(r'srcdoc="([^"]*)"', frame)
    assert found is not None
    page = html.unescape(found[1]).replace("</head>", f"<style>{_SYNCED_LOOK}</style></head>", 1)
    inner = html.escape("</head>")
    return page.replace(inner, html.escape(f"<style>{_PLAYER_LOOK}</style>") + inner, 1)
