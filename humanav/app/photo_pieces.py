"""What a visitor may write about the person in a photo."""

from __future__ import annotations

import re

from humanav.errors import InputError


def parse_height(text: str | None) -> float | None:
    """Metres from "174", "1.74 m", "1,74", "174 cm" or 5'9"; None for nothing. Raises InputError for other words."""
    words = (text or "").strip().lower().replace(",", ".")
    if not words:
        return None
    feet = re.fullmatch(r"""(\d+)\s*(?:'|ft|feet)\s*(?:(\d+(?:\.\d+)?)\s*(?:"|''|in|inches)?)?""", words)
    if feet:
        return round(0.3048 * int(feet[1]) + 0.0254 * float(feet[2] or 0), 3)
    number = re.fullmatch(r"(\d+(?:\.\d+)?)\s*(cm|m)?", words)
    if not number:
        raise InputError(f"{words[:20]!r} is no height: write it like 174 cm, 1.74 m or 5'9\".")
    value = float(number[1])
    return value / 100 if number[2] == "cm" or (number[2] is None and value > 3) else value
