"""The pages' colours in the players, and where players in step stand in a column that is not wide.

The players bring their own style sheets, which fit any page; these rules make them look like the app and the page to
send. They go into a player's page as ``style`` or ``player_style``.
"""

from __future__ import annotations

PLAYER_COLORS = (
    ".hp .hp-play, .hp button[aria-pressed=true] { background: #0f7661 !important; border-color: #0f7661 !important;"
    " color: #fff !important } .hp-scrub { accent-color: #1d9479 !important }"
    " .hp { background: linear-gradient(#e6e4e0, #f5f4f2 62%, #edebe8) !important }"
    " .hp[data-theme=dark] { background: linear-gradient(#191817, #2b2a28 62%, #21201f) !important }"
    " .hp :focus-visible { outline-color: #1d9479 !important } .hc-line::after { background: #0f7661 !important }")
"""Of a 3D player, whose own style sheet comes later in its page."""

SYNCED_COLORS = (
    "body.dark #bar { background: #1c1b1a; border-color: #3a3835 } body.dark .pane { background: #1c1b1a }"
    " #bar #play, body.dark #bar #play { background: #0f7661; border-color: #0f7661 } #scrub { accent-color: #1d9479 }"
    " #bar :focus-visible { outline-color: #1d9479 }")
"""Of the controls of players in step."""

SYNCED_PLACES = (
    "[data-width=wide][data-shape=square] { grid-template-columns: minmax(0, 1fr) minmax(0, 1fr) }"
    " [data-width=wide][data-shape=square] .pane:has(video) { grid-column: 1 }"
    " [data-width=wide][data-shape=square] #pane-world { grid-column: 2; grid-row: 1 / span var(--videos) }"
    " [data-width=wide][data-shape=portrait] { grid-template-rows: minmax(400px, auto) }"
    " [data-width=wide][data-shape=portrait] .pane:has(video) { aspect-ratio: var(--aspect) }"
    " [data-width=wide][data-shape=portrait] #pane-world iframe { position: absolute; inset: 0 }")
"""Of a clip, the bodies over it and its world in such a column: nothing is left empty."""


def dressed(page: str, style: str) -> str:
    """A page with one more style sheet."""
    return page.replace("</head>", f"<style>{style}</style></head>", 1)
