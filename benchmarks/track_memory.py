"""The memory that tracking takes at its peak, for a clip of 30 seconds and for one of five minutes at 1280x720, each in
a process of its own; the five minutes are to take at most 1.2 times as much. The clips have 30 frames a second in fast
mode and 10 in accurate mode, which would take more than an hour otherwise.
"""

from __future__ import annotations

import sys
from typing import Any

from _track_clips import clips
from _track_speed import memory


def run(quick: bool = False, seed: int = 7, start: str | None = None) -> dict[str, Any]:
    """Measure.

    Args:
        quick: 5 and 15 seconds, to see that it works.
        seed: of the clip that is repeated.
        start: one mode alone, "fast" or "accurate".
    """
    film = clips("test", seed, 1 if quick else 8, (360, 360) if quick else (720, 720),
                 most_frames=40 if quick else 120)[0]
    rows = memory(film.video, (start,) if start else ("fast", "accurate"), (5, 15) if quick else (30, 300),
                  say=lambda text: print(text, file=sys.stderr, flush=True))
    return {"memory": {mode: {key: round(value, 3) for key, value in row.items()} for mode, row in rows.items()}}
