"""What matching and triangulating several views costs: 2 people in 4 views, and by the number of people and of views,
on simulated keypoints of people who walk about (``_multiview_speed.py``). ``ms_per_frame``: the least wall time of some
runs on an idle machine, association, triangulation and the second look included; ``found``: people found.
"""

from __future__ import annotations

from typing import Any

from _common import rounded
from _multiview_speed import scaling

from humanav.body import BodyModel


def run(quick: bool = False, seed: int = 7) -> dict[str, Any]:
    """Measure.

    Args:
        quick: few people and views, to see that it works.
        seed: of paths and mistakes.
    """
    rows = scaling(seed, quick, BodyModel.load())
    value = rows["people (4 views)"]["2"]["ms_per_frame"]
    target = {"value": value, "bar": "<= 15", "reached": value <= 15}
    return rounded({"targets": {"2 people, 4 views: ms_per_frame": target}, **rows})
