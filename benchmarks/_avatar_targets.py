"""What the benchmark of avatars was to reach."""

from __future__ import annotations

from typing import Any

Rows = dict[str, dict[str, float]]


def targets(out: dict[str, Any]) -> dict[str, dict[str, Any]]:
    """What was to be reached: value, bar and whether.

    Each idea is judged by the measure it is for: how much worse that is without it. Balanced sampling keeps the person
    as the photo shows them while generated pictures drift; geometry weighting keeps the drifting pictures' errors out
    of shape and colour; the deformation is for poses.
    """
    photo, clip = out["one_photo"]["gaussian avatar"], out["clip"]["gaussian avatar"]
    drift = out["drift"]
    rows = [("clip novel_view_vs_mesh_db", clip["novel_view_vs_mesh_db"], ">=", 1.5),
            ("clip novel_pose_vs_mesh_db", clip["novel_pose_vs_mesh_db"], ">=", 1.5),
            ("one_photo input_vs_mesh_db", photo["input_vs_mesh_db"], ">=", 3.0),
            ("one_photo worst_vs_mesh_db", photo["worst_vs_mesh_db"], ">=", -0.2),
            ("drift psnr_input lost without balanced sampling",
             _lost(drift, "psnr_input", "without balanced sampling"), ">=", 0.0),
            ("drift psnr_novel_pose lost without geometry weighting",
             _lost(drift, "psnr_novel_pose", "without geometry weighting"), ">=", 0.0),
            ("drift pose_depth_mm gained without geometry weighting",
             -_lost(drift, "pose_depth_mm", "without geometry weighting"), ">=", 0.0)]
    rows += [(f"{name} psnr_novel_pose lost without pose-driven deformation",
              _lost(out[table], "psnr_novel_pose", "without pose-driven deformation"), ">=", 0.0)
             for name, table in (("moving", "moving"), ("one_photo", "one_photo_ablations"),
                                 ("clip", "clip_ablations"))]
    rows += [(f"{name} seconds", took["seconds"], "<=", 120.0) for name, took in out["speed"].items()]
    return {name: {"value": round(float(value), 4), "bar": f"{sign} {bar:g}",
                   "reached": bool(value >= bar if sign == ">=" else value <= bar)} for name, value, sign, bar in rows}


def _lost(rows: Rows, key: str, without: str) -> float:
    return rows["full"][key] - rows[without][key]
