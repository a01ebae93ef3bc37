"""Draw what matching costs into ``assets/docs/multiview_cost.svg`` from the stored numbers of the benchmark.

humanav bench multiview --write && python scripts/make_multiview_plots.py
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import Any

from humanav.bench import folder
from humanav.paths import asset

PANELS = {"people (4 views)": "people, 4 views", "views (2 people)": "views, 2 people"}
WIDE, HIGH, MARGIN = 330, 220, 46
INK, LINE, GRID = "#1f2933", "#2563eb", "#d5dbe1"


def drawing(numbers: dict[str, Any]) -> str:
    """Both panels as SVG: milliseconds a frame against people and against views."""
    tables = {key: {int(k): row["ms_per_frame"] for k, row in numbers[key].items()} for key in PANELS}
    top = _round_up(max(value for table in tables.values() for value in table.values()))
    body = "".join(_panel(table, PANELS[key], top, MARGIN + k * (WIDE + MARGIN + 20))
                   for k, (key, table) in enumerate(tables.items()))
    width, height = 2 * (WIDE + MARGIN) + 60, HIGH + 2 * MARGIN
    return (f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" width="{width}" '
            f'height="{height}" font-family="sans-serif" font-size="13" fill="{INK}">\n'
            f'<rect width="{width}" height="{height}" fill="white"/>\n{body}</svg>\n')


def _panel(table: dict[int, float], label: str, top: float, left: float) -> str:
    low, high = min(table), max(table)

    def place(count: int, value: float) -> tuple[float, float]:
        return left + WIDE * (count - low) / max(high - low, 1), MARGIN + HIGH * (1 - value / top)

    parts = []
    for k in range(5):
        value = top * k / 4
        _, y = place(low, value)
        parts.append(f'<line x1="{left}" y1="{y:.1f}" x2="{left + WIDE}" y2="{y:.1f}" stroke="{GRID}"/>'
                     f'<text x="{left - 6}" y="{y + 4:.1f}" text-anchor="end">{value:g}</text>')
    points = [place(*item) for item in sorted(table.items())]
    line = " ".join(f"{x:.1f},{y:.1f}" for x, y in points)
    parts.append(f'<polyline points="{line}" fill="none" stroke="{LINE}" stroke-width="2"/>')
    for (count, _), (x, y) in zip(sorted(table.items()), points, strict=True):
        parts.append(f'<circle cx="{x:.1f}" cy="{y:.1f}" r="3.5" fill="{LINE}"/>'
                     f'<text x="{x:.1f}" y="{MARGIN + HIGH + 18}" text-anchor="middle">{count}</text>')
    parts.append(f'<text x="{left + WIDE / 2}" y="{MARGIN + HIGH + 38}" text-anchor="middle">{label}</text>'
                 f'<text x="{left - 6}" y="{MARGIN - 14}">ms a frame</text>')
    return "\n".join(parts) + "\n"


def _round_up(value: float) -> float:
    """The least 1, 2, 4 or 8 times a power of ten that is not below."""
    return min(step * 10.0**power for power in range(-2, 6) for step in (1, 2, 4, 8) if step * 10.0**power >= value)


def main() -> None:
    """Command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--numbers", type=Path, default=folder() / "results" / "multiview_speed.json")
    parser.add_argument("--out", type=Path, default=asset("docs") / "multiview_cost.svg")
    arguments = parser.parse_args()
    arguments.out.write_text(drawing(json.loads(arguments.numbers.read_text())["numbers"]))
    print(arguments.out.name)


if __name__ == "__main__":
    main()
