"""The colours of left, right and centre, the same in every picture and figure (safe for the colour-blind)."""

from __future__ import annotations

LEFT, RIGHT, CENTRE = (0, 114, 214), (240, 130, 20), (128, 134, 144)
BODY = (96, 152, 226)
"""A fitted body drawn over its photo (sRGB)."""
PEOPLE = (BODY, (226, 120, 62), (64, 170, 130), (176, 112, 200), (214, 178, 52), (120, 130, 140))
"""Several bodies of one clip, in the order of their ids; then from the start again."""


def side_color(*names: str) -> tuple[int, int, int]:
    """The colour of a joint, landmark or bone by the names of its ends: the person's left, right, or the midline."""
    left, right = (all(name.startswith(side) for name in names) for side in ("left_", "right_"))
    return LEFT if left else RIGHT if right else CENTRE


def person_color(person: str | int) -> tuple[int, int, int]:
    """The colour of a person of a clip by their id ("1" is the first), the same in every picture, player and curve."""
    digits = "".join(c for c in str(person) if c.isdigit())
    return PEOPLE[(int(digits or 1) - 1) % len(PEOPLE)]


def css(color: tuple[int, int, int]) -> str:
    """``rgb(r,g,b)``."""
    return f"rgb({color[0]},{color[1]},{color[2]})"
