"""What the benchmark of the uplift was to reach."""

from __future__ import annotations

from typing import Any

RIVALS = ("mean_pose", "nearest", "ridge", "martinez")


def targets(out: dict[str, Any]) -> dict[str, dict[str, Any]]:
    """What was to be reached: value, bar and whether."""
    bars = [("mpjpe_mm", 45.0), ("pa_mpjpe_mm", 32.0), ("mpjae_deg", 7.5), ("root_deg", 8.0), ("still_ratio", 1.25),
            ("noise2_ratio", 1.5), ("real_detector_ratio", 1.25), ("anthropometrics_mm", 4.0),
            ("anthropometrics_mlp_mm", 4.0), ("partial_over_mean_body", 1.0)]
    rows = [(name, out[name], "<=", bar) for name, bar in bars if name in out]
    rows.append(("ratio_vs_paper_network", out["ratio_vs_paper_network"], ">=", 20.0))
    methods = out["methods"]
    for name in ("mpjpe_mm", "root_deg", "elbow_knee_deg"):
        best = min(methods[rival][name] for rival in RIVALS)
        rows.append((f"{name} over best baseline", methods["humanav"][name] / best, "<=", 1.0))
        own = out["real_detector"]
        rows.append((f"{name} over MediaPipe's own 3D", own["humanav"][name] / own["mediapipe_3d"][name], "<=", 1.0))
    return {name: {"value": round(float(value), 4), "bar": f"{sign} {bar:g}",
                   "reached": bool(value >= bar if sign == ">=" else value <= bar)} for name, value, sign, bar in rows}
