"""Set the detector noise of the uplift's training pairs by what the real detector does on synthetic people.

Dressed people are filmed in captured motion (training subjects only) and tracked by MediaPipe. The errors of what it
says are measured per group of landmarks, visible and hidden apart, and the same statistics are taken of simulated
detections of the very same clips. The packaged table's spreads, scores and share of constant error are then scaled
until the two agree. Real footage with a triangulation, where there is some, is measured too, for comparison.

    python scripts/calibrate_uplift_noise.py film --mocap cmu_subset.npz --clips 8 --frames 40 --out film.npz
    python scripts/calibrate_uplift_noise.py measure film.npz
    python scripts/calibrate_uplift_noise.py fit film.npz --write
    python scripts/calibrate_uplift_noise.py footage FOLDER      # holds reference/mv_single_mediapipe.npz
"""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from humanav.uplift.noise import GROUPS, NoiseModel, stature_px
from humanav.uplift.occlusion import hidden
from humanav.uplift.pairs import Pairs
from humanav.uplift.skeleton import UpliftBody

ROOT = Path(__file__).resolve().parent.parent
TABLE = ROOT / "humanav" / "uplift" / "noise" / "blazepose33.json"
FIELDS = ("keypoints", "clean", "K", "size", "root", "body", "joints", "pelvis", "betas")
DRAWS = 12
INFLATION = 1.15
"""The world's people, clothes and cameras are more varied than ours: simulated errors are larger by this than measured
on synthetic people."""


def film(mocap: Path, clips: int, frames: int, seed: int, out: Path) -> None:
    """Film people of the training subjects and keep what the detector said beside the truth."""
    sys.path.insert(0, str(ROOT))
    from benchmarks._uplift_people import film as shoot
    from humanav.perception.mediapipe_detector import MediapipeDetector
    from humanav.posendf.cmu import cmu_clips

    filmed = shoot(list(cmu_clips(mocap, "train")), clips, frames, seed, draws=1, keep=True, say=print)
    still = np.zeros((clips, frames, 33, 3), np.float32)
    with MediapipeDetector() as detector:
        for clip, pictures in enumerate(filmed.pictures):
            for frame in range(4, frames, 10):
                for person in detector.detect(pictures[frame]):
                    still[clip, frame] = person.keypoints
    np.savez(out, still=still, **{name: np.asarray(getattr(filmed.real, name)) for name in FIELDS})


class Films:
    """Films joined: the truth, and detections as errors in percent of the person's stature."""

    def __init__(self, paths: list[Path]) -> None:
        parts = []
        for path in paths:
            with np.load(path) as data:
                parts.append({name: torch.from_numpy(data[name]) for name in (*FIELDS, "still")})
        joined = {name: torch.cat([part[name] for part in parts]) for name in parts[0]}
        self.still = joined.pop("still")
        self.pairs = Pairs(**joined, fps=torch.full((len(joined["K"]),), 30.0))
        body, pairs = UpliftBody(), self.pairs
        rotations = torch.cat([pairs.root[:, :, None], pairs.body], 2)
        joints, world = body(rotations, pairs.betas[:, None])
        self.joints = joints + pairs.pelvis[:, :, None]
        self.points = body.landmarks(joints, world, pairs.betas[:, None], "blazepose33") + pairs.pelvis[:, :, None]
        self.unit = stature_px(self.joints, pairs.K)[..., None, None] / 100
        model = NoiseModel.load("blazepose33")
        self.hidden = hidden(self.points, self.joints, model.flesh)
        self.outside = ((pairs.clean < 0) | (pairs.clean > pairs.size[:, None, None])).any(-1)

    def simulate(self, model: NoiseModel, seed: int = 0) -> list[Tensor]:
        """Detections of the same clips by the model, several times."""
        generator, pairs = torch.Generator().manual_seed(seed), self.pairs
        return [model(pairs.clean, self.points, self.joints, pairs.K, pairs.size, generator) for _ in range(DRAWS)]

    def statistics(self, detections: list[Tensor], model: NoiseModel) -> dict[str, dict[str, float]]:
        """What is compared, for each group of landmarks; errors in percent of stature."""
        gathered: dict[str, list[dict[str, float]]] = {}
        for seen in detections:
            error = (seen[..., :2] - self.pairs.clean) / self.unit
            there = (seen[..., 2] > 0) & ~self.outside
            there &= ~swapped(seen, self.pairs.clean, model)
            for name in ("head", "torso", "arm", "leg"):
                which = torch.tensor([GROUPS[g].endswith(name) for g in model.group])
                gathered.setdefault(name, []).append(
                    _group(error[:, :, which], seen[:, :, which, 2], there[:, :, which], self.hidden[:, :, which]))
        return {name: {key: round(float(np.nanmean([row[key] for row in rows])), 3) for key in rows[0]}
                for name, rows in gathered.items()}


def swapped(seen: Tensor, clean: Tensor, model: NoiseModel) -> Tensor:
    """(B,T,K) limbs that fit clearly better with left and right exchanged."""
    found = seen[..., :2]
    as_is = (found - clean).norm(dim=-1)
    crossed = (found - clean[:, :, model.mirror]).norm(dim=-1)
    bad = torch.zeros(seen.shape[:-1], dtype=torch.bool)
    for part in ("arm", "leg"):
        of = model.parts[part] & (model.chain.amax(0) >= 1)
        worse = (crossed[..., of].mean(-1) < 0.5 * as_is[..., of].mean(-1))[..., None]
        bad |= worse & model.parts[part]
    return bad


def _group(error: Tensor, score: Tensor, there: Tensor, covered: Tensor) -> dict[str, float]:
    size = error.norm(dim=-1)
    row: dict[str, float] = {}
    for name, which in (("visible", there & ~covered), ("hidden", there & covered)):
        some = size[which]
        for share in (50, 75, 95):
            row[f"{name} p{share}"] = float(some.quantile(share / 100)) if len(some) > 20 else float("nan")
        row[f"{name} score"] = float(score[which].mean()) if len(some) else float("nan")
    mask = there[..., None].expand_as(error)
    held = torch.where(mask, error, torch.nan)
    middle = held.nanmedian(1, keepdim=True).values
    moving = held - middle
    row["constant"] = 1.4826 * float(middle.abs().nanmedian())
    row["moving"] = 1.4826 * float(moving.abs().nanmedian())
    step = moving[:, 1:] - moving[:, :-1]
    row["jitter"] = 1.4826 * float(step.abs().nanmedian())
    row["swapped"] = float((~there).float().mean())
    return row


def table_of(rows: dict[str, dict[str, dict[str, float]]]) -> str:
    """Measured and simulated side by side."""
    lines = []
    for group in rows["measured"]:
        for key, value in rows["measured"][group].items():
            lines.append(f"{group:6} {key:14} measured {value:7.3f}   simulated {rows['simulated'][group][key]:7.3f}")
    return "\n".join(lines)


def compare(films: Films, table: dict[str, Any]) -> dict[str, dict[str, dict[str, float]]]:
    """Statistics of the real detector and of a table."""
    model = NoiseModel("blazepose33", table)
    return {"measured": films.statistics([films.pairs.keypoints], model),
            "simulated": films.statistics(films.simulate(model), model)}


def fit(films: Films, table: dict[str, Any], rounds: int = 4) -> dict[str, Any]:
    """Scale spreads by group until the middle and the upper quarter of the error sizes agree; likewise the scores."""
    for _ in range(rounds):
        rows = compare(films, table)
        for row in table["landmarks"].values():
            is_, sim = rows["measured"][row["group"]], rows["simulated"][row["group"]]
            for column, name in enumerate(("visible", "hidden")):
                ratio = INFLATION * np.sqrt(np.prod([is_[f"{name} p{q}"] / sim[f"{name} p{q}"] for q in (50, 75)]))
                if np.isfinite(ratio):
                    row["spread"][column] = round(float(row["spread"][column] * np.clip(ratio, 0.6, 1.6) ** 0.8), 3)
                logit = [np.log(s / (1 - s)) for s in np.clip(
                    (row["score"][column], is_[f"{name} score"], sim[f"{name} score"]), 0.02, 0.998)]
                if np.isfinite(logit[1]):
                    row["score"][column] = round(float(1 / (1 + np.exp(-(logit[0] + 0.7 * (logit[1] - logit[2]))))), 3)
            share = (is_["constant"] / is_["moving"]) / (sim["constant"] / sim["moving"])
            odds = row["bias_share"] / (1 - row["bias_share"]) * np.clip(share, 0.5, 2.0)
            row["bias_share"] = round(float(np.clip(odds / (1 + odds), 0.3, 0.9)), 2)
    return table


def footage(folder: Path) -> dict[str, dict[str, float]]:
    """Residuals of a real clip (60 frames per second) against its own triangulation, in percent of stature.

    A residual shows only part of the error, because what is wrong in every view alike moves the triangulated point.
    """
    with np.load(folder / "reference" / "mv_single_mediapipe.npz") as data:
        xyz, matrices = data["xyz_refined_calib"], data["P_refined"]
        views = np.stack([data[f"kp_cam{number:02d}"] for number in range(1, 5)])
    flat = np.einsum("cij,tkj->ctki", matrices, np.concatenate([xyz, np.ones_like(xyz[..., :1])], -1))
    residual = views[..., :2] - flat[..., :2] / flat[..., 2:]
    bones = [np.nanmedian(np.linalg.norm(xyz[:, a] - xyz[:, b], axis=-1)) for a, b in ((0, 24), (24, 26), (26, 28))]
    scale = np.linalg.norm(matrices[:, 0, :3], axis=-1) / np.linalg.norm(matrices[:, 2, :3], axis=-1)
    unit = 1.15 * sum(bones) * scale[:, None, None, None] / np.abs(flat[..., 2:]) / 100
    error = residual / unit
    groups = NoiseModel.load("blazepose33").group
    rows = {}
    for name in ("head", "torso", "arm", "leg"):
        some = error[:, :, [GROUPS[g].endswith(name) for g in groups]]
        moving = some - np.nanmedian(some, axis=1, keepdims=True)
        lag = np.nansum(moving[:, 2:] * moving[:, :-2]) / np.nansum(moving**2)
        rows[name] = {"residual": round(float(1.4826 * np.nanmedian(np.abs(some))), 3),
                      "moving": round(float(1.4826 * np.nanmedian(np.abs(moving))), 3),
                      "autocorrelation after 1/30 s": round(float(lag), 3)}
    return rows


def write(table: dict[str, Any]) -> None:
    """The packaged table, one line per landmark."""
    rows = table.pop("landmarks")
    text = json.dumps(table, indent=1)[:-2] + ',\n "landmarks": {\n' + ",\n".join(
        f"  {json.dumps(name)}: {json.dumps(row)}" for name, row in rows.items()) + "\n }\n}\n"
    TABLE.write_text(text)


def main() -> None:
    """Film, measure, fit, or look at real footage."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    commands = parser.add_subparsers(dest="command", required=True)
    one = commands.add_parser("film")
    one.add_argument("--mocap", type=Path, required=True)
    one.add_argument("--clips", type=int, default=8)
    one.add_argument("--frames", type=int, default=40)
    one.add_argument("--seed", type=int, default=11)
    one.add_argument("--out", type=Path, required=True)
    for name in ("measure", "fit"):
        two = commands.add_parser(name)
        two.add_argument("films", type=Path, nargs="+")
        two.add_argument("--write", action="store_true", help="change the packaged table")
    commands.add_parser("footage").add_argument("folder", type=Path)
    args = parser.parse_args()
    torch.set_num_threads(1)
    if args.command == "film":
        film(args.mocap, args.clips, args.frames, args.seed, args.out)
        return
    if args.command == "footage":
        print(json.dumps(footage(args.folder), indent=1))
        return
    films, table = Films(args.films), json.loads(TABLE.read_text())
    if args.command == "fit":
        table = fit(films, table)
    rows = compare(films, table)
    print(table_of(rows))
    if args.write:
        write({key: value for key, value in table.items() if key != "landmarks"} | rows
              | {"landmarks": table["landmarks"]})


if __name__ == "__main__":
    main()
