"""The colours of left, right and centre, the same in every picture and figure (safe for the colour-blind)."""

from __future__ import annotations

LEFT, RIGHT, CENTRE = (0, 114, 214), (240, 130, 20), (128, 134, 144)
BODY = (96, 152, 226)
"""A fitted body drawn over its photo (sRGB)."""


def side_color(*names: str) -> tuple[int, int, int]:
    """The colour of a joint, landmark or bone by the names of its ends: the person's left, right, or the midline."""
    left, right = (all(name.startswith(side) for name in names) for side in ("left_", "right_"))
    return LEFT if left else RIGHT if right else CENTRE


def css(color: tuple[int, int, int]) -> str:
    """``rgb(r,g,b)``."""
    return f"rgb({color[0]},{color[1]},{color[2]})"
