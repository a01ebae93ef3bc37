"""What the benchmark of several views was to reach."""

from __future__ import annotations

from typing import Any


def targets(out: dict[str, Any]) -> dict[str, dict[str, Any]]:
    """What was to be reached: value, bar and whether; what was not measured is left out."""
    rows: list[tuple[str, float | None, str, float]] = []
    for name, row in out.get("contact", {}).items():
        rows += [(f"{name}: match_f1", row["match_f1"], ">=", 0.98),
                 (f"{name}: id_switches", float(row["id_switches"]), "<=", 0.0),
                 (f"{name}: contact mpjpe, refined over init", _ratio(row, "contact_mpjpe_refined_mm",
                                                                       "contact_mpjpe_init_mm"), "<=", 0.8),
                 (f"{name}: penetration, refined over init", _ratio(row, "penetration_refined_mm",
                                                                     "penetration_init_mm"), "<=", 0.5)]
    for label in ("reference keypoints", "own detections"):
        row = out.get("treadmill", {}).get(f"{label}, given cameras")
        if row:
            rows += [(f"treadmill, {label}: reprojection_px", row["reprojection_px"], "<=", 9.0),
                     (f"treadmill, {label}: limb_variation", row["limb_variation"], "<=", 4.5)]
    pair = out.get("two_people", {}).get("own detections")
    if pair:
        share = 100 * pair["both_found_frames"] / pair["frames"]
        rows += [("two people: both found, of 100 frames", share, ">=", 96.0),
                 ("two people: pairing right, share", pair["pairing_right"] / max(pair["checked_pairings"], 1), ">=",
                  1.0)]
    speed = out.get("speed", {})
    rows.append(("speed: refine_s", speed.get("refine_s"), "<=", 240.0))
    return {name: {"value": round(float(value), 4), "bar": f"{sign} {bar:g}",
                   "reached": bool(value >= bar if sign == ">=" else value <= bar)}
            for name, value, sign, bar in rows if value is not None}


def _ratio(row: dict[str, Any], top: str, bottom: str) -> float | None:
    if row.get(top) is None or not row.get(bottom):
        return None
    return float(row[top]) / float(row[bottom])
