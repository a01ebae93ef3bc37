"""From body measurements to shape and back, on random people of another seed than those that trained."""

from __future__ import annotations

from typing import Any

PARTIAL = {"height, weight": ("height", "weight"), "height, waist, chest, hip": ("height", "waist", "chest", "hip"),
           "height": ("height",)}


def shapes(count: int, seed: int) -> dict[str, Any]:
    """Mean absolute errors in millimetres over the 36 measurements, and of the worst of them.

    Args:
        count: people.
        seed: of the people.
    """
    from humanav.uplift.anthropometrics import round_trip

    cases: dict[str, dict[str, Any]] = {
        "all 36, ridge": {}, "all 36, ridge without corrections": {"method": "linear"},
        "all 36, mlp": {"method": "mlp"}, "all 36, ridge, tape off by 5 mm": {"tape_mm": 5.0},
        "all 36, mlp, tape off by 5 mm": {"method": "mlp", "tape_mm": 5.0},
        **{f"{name}, ridge": {"given": given} for name, given in PARTIAL.items()}}
    rows = {}
    for name, options in cases.items():
        found = round_trip(count, 5000 + seed, **options)
        rows[name] = {key: found[key] for key in ("mean_mm", "worst_mm", "weight_kg", "mean_body_mm")}
    partial = rows["height, waist, chest, hip, ridge"]
    return {"anthropometrics_mm": rows["all 36, ridge"]["mean_mm"],
            "anthropometrics_mlp_mm": rows["all 36, mlp"]["mean_mm"],
            "partial_over_mean_body": partial["mean_mm"] / partial["mean_body_mm"], "anthropometrics": rows}
