"""What the benchmark of the pose manifold was to reach."""

from __future__ import annotations

from typing import Any

from _posendf_measures import ratio_to_best as ratio


def targets(out: dict[str, Any]) -> dict[str, dict[str, Any]]:
    """What was to be reached: value, bar and whether."""
    generation, repaired, motions = out["generation"], out["repair_deg"], out["denoise_mpjpe_mm"]
    gaps = motions["outliers+gaps"]
    seen, unseen = ({kind: row for kind, row in repaired.items() if kind.startswith("unseen") == new}
                    for new in (False, True))
    bars = [("distance_pearson", out["distance_pearson"], ">=", 0.985),
            ("distance_mae_rad", out["distance_mae_rad"], "<=", 0.025),
            ("auc_noise_0.1", out["auc_noise_0.1"], ">=", 0.985), ("auc_broken", out["auc_broken"], ">=", 0.99),
            ("clean_move_deg", out["clean_move_deg"], "<=", 2.0),
            ("repair, worst row over best baseline", max(map(ratio, seen.values())), "<=", 1.03),
            ("repair of unseen damage, worst row over best baseline", max(map(ratio, unseen.values())), "<=", 1.03),
            ("repair, all joints, worst row over best baseline", max(map(ratio, out["repair_pose_deg"].values())), "<=",
             1.03),
            ("completion, worst row over best baseline", max(map(ratio, out["complete_deg"].values())), "<=", 1.03),
            ("denoising, worst row over best filter", max(map(ratio, motions.values())), "<=", 1.03),
            ("outliers+gaps over best filter", ratio(gaps), "<=", 0.85),
            ("gen_nn_ratio", out["gen_nn_ratio"], "<=", 1.5),
            ("apd_ratio, distance from 1", abs(out["apd_ratio"] - 1), "<=", 0.3)]
    bars += [(f"{key} over best of Gaussian and GMM",
              generation["humanav"][key] / min(generation[name][key] for name in ("gaussian", "gmm8")), "<=", 1.0)
             for key in ("frechet_train", "frechet_held_out")]
    bars += [("speedup", out["speedup"], ">=", 3.0), ("speedup_256", out["speedup_256"], ">=", 1.0)]
    return {name: {"value": round(float(value), 4), "bar": f"{sign} {bar:g}",
                   "reached": bool(value >= bar if sign == ">=" else value <= bar)} for name, value, sign, bar in bars}
