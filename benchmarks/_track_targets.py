"""What the benchmark of the tracker was to reach."""

from __future__ import annotations

from typing import Any

ACCURACY = ("mpjpe_mm", "pa_mpjpe_mm", "mpjae_deg", "accel_mm", "world_mpjpe_mm", "foot_slide_mm")
"""On which the accurate mode is to be better than the fast one."""


def targets(out: dict[str, Any]) -> dict[str, dict[str, Any]]:
    """What was to be reached: value, bar and whether; what was not measured is left out."""
    modes = out["modes"]
    ours, fast, usual = modes["accurate"], modes["fast"], modes["baseline"]
    rows = [("accurate pa_mpjpe_mm", ours["pa_mpjpe_mm"], "<=", 42.0),
            ("accurate accel_mm over baseline", ours["accel_mm"] / usual["accel_mm"], "<=", 0.5),
            ("accurate foot_slide_mm", ours["foot_slide_mm"], "<=", 5.0),
            ("accurate amplitude_kept", ours["amplitude_kept"], ">=", 0.95)]
    rows += [(f"{name} accurate over fast", ours[name] / fast[name], "<=", 1.0) for name in ACCURACY]
    rows += [(f"{mode} id_switches", float(row["id_switches"]), "<=", 0.0) for mode, row in out["crossings"].items()]
    rows += [(f"{mode} frames_per_s", out["speed"][mode]["frames_per_s"], ">=", bar)
             for mode, bar in (("fast", 8.0), ("accurate", 1.5)) if mode in out.get("speed", {})]
    rows += [(f"flips_left {name}", row["flips_left"], "<=", 3.0) for name, row in out.get("treadmill", {}).items()
             if name.startswith("cam02") and not name.endswith("baseline")]
    return {name: {"value": round(float(value), 4), "bar": f"{sign} {bar:g}",
                   "reached": bool(value >= bar if sign == ">=" else value <= bar)} for name, value, sign, bar in rows}
