"""The soak of ``app`` alone, in a process of its own: many jobs in a row, through what runs them in the app, with its
store (``_app_soak.py`` tells what they are). ``soak_growth_mb``: resident memory at the end over that after the first
rounds, with nothing collected or trimmed for it; ``soak_threads``, ``soak_files``: how many more there are at the end.
"""

from __future__ import annotations

from typing import Any

from _app_soak import soak_alone

MOST = 50
"""Megabytes, what the project asks."""


def run(quick: bool = False, seed: int = 0) -> dict[str, Any]:
    """Measure.

    Args:
        quick: 20 jobs instead of 200.
        seed: means nothing here: each job has a number, and the inputs follow from it.
    """
    numbers = soak_alone(20 if quick else 200)
    return numbers | {"missed": ["soak_growth_mb"] if numbers["soak_growth_mb"] > MOST else []}
