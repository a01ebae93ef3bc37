"""Train the network that mends the detector's landmarks in clips (humanav.track.mend), on synthetic people.

    python scripts/collect_detections.py CMU_SUBSET.npz DATA_FOLDER --part 0 --minutes 30
    python scripts/train_mend.py DATA_FOLDER [--out checkpoints/mend]

One person in twelve validates. The input is that of the lift (``scripts/train_lift.py``); the output says how far each
landmark lies from where it was seen, and its depth, each with its expected error.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]
MEMBERS, HIDDEN, BATCH = 6, 256, 512
LEARNING_RATE = 4e-4  # at 2e-3 the networks stop learning early


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("folder", type=Path)
    parser.add_argument("--out", type=Path, default=Path("checkpoints/mend"))
    parser.add_argument("--steps", type=int, default=5000)
    parser.add_argument("--members", type=int, default=MEMBERS)
    parser.add_argument("--seed", type=int, default=0)
    args = parser.parse_args()
    train(args.folder, args.out, args.steps, args.members, args.seed)


def load(folder: Path) -> tuple[Array, Array, NDArray[np.bool_]]:
    """Features (N,198), true landmarks (N,33,3) in the ray frame (x, y on the seen points' scale, depth in bone sums,
    both from the middle of the trunk as seen and as it is), and which rows validate. Each picture counts three times:
    seen as it is (fast mode), in a mirror, and as the mean of both (accurate mode)."""
    from humanav.track.lift import TORSO, bone_sum
    from humanav.track.mend import features_of, in_ray_frame

    features, truths, held = [], [], []
    for path in sorted(folder.glob("part*.npz")):
        with np.load(path) as data:
            arrays = {key: data[key].astype(np.float64) for key in data.files}
        looks = [(arrays["keypoints"], arrays["world"]), (arrays["mirrored_keypoints"], arrays["mirrored_world"])]
        looks.append(((looks[0][0] + looks[1][0]) / 2, (looks[0][1] + looks[1][1]) / 2))
        for keypoints, world in looks:
            for k, (K, wanted) in enumerate(zip(arrays["K"], arrays["truth"][:, None])):
                seen, frame = features_of(world[k : k + 1], keypoints[k : k + 1], K)
                flat = in_ray_frame(wanted @ K.T, K, frame)
                depth = wanted @ np.swapaxes(frame.axes, -1, -2)
                depth = (depth - depth[:, list(TORSO)].mean(1, keepdims=True))[..., 2:]
                features.append(seen[0])
                truths.append(np.concatenate([flat, depth / bone_sum(wanted)[0]], axis=-1)[0])
            held.append(arrays["person"].astype(int) % 12 == 0)
    return np.array(features), np.array(truths), np.concatenate(held)


def mirror(features: Array, truth: Array) -> tuple[Array, Array]:
    """The same people in a mirror."""
    from train_lift import mirror as turn_features

    return turn_features(features, truth)


def train(folder: Path, out: Path, steps: int, members: int, seed: int) -> None:
    """Fit the ensemble to every part in ``folder`` and write the checkpoint."""
    import torch
    from train_lift import roll

    from humanav.track.ensemble import stacked, write_ensemble
    from humanav.track.lift import NAMES, NUM_FEATURES
    from humanav.track.mend import OUTPUTS, Mend

    features, truth, validation = load(folder)
    count = len(NAMES)
    flat = features[:, 3 * count : 5 * count].reshape(-1, count, 2)
    keep = (np.abs(truth).max((1, 2)) < 2) & (np.median(np.linalg.norm(truth[..., :2] - flat, axis=-1), axis=1) < 0.05)
    features, truth, validation = features[keep], truth[keep], validation[keep]
    rng, generator = np.random.default_rng(seed), torch.Generator().manual_seed(seed)
    torch.manual_seed(seed)
    torch.set_num_threads(1)
    x_all, y_all = (np.concatenate(pair) for pair in zip((features, truth), mirror(features, truth)))
    chosen = np.flatnonzero(~np.concatenate([validation, validation]))
    mean, scale = x_all[chosen].mean(0), x_all[chosen].std(0) + 0.005
    x, y = torch.tensor(x_all, dtype=torch.float32), torch.tensor(y_all, dtype=torch.float32)
    m, s = torch.tensor(mean, dtype=torch.float32), torch.tensor(scale, dtype=torch.float32)
    nets = []
    for _ in range(members):
        net = torch.nn.Sequential(
            torch.nn.Linear(NUM_FEATURES, HIDDEN), torch.nn.ReLU(), torch.nn.Dropout(0.1),
            torch.nn.Linear(HIDDEN, HIDDEN), torch.nn.ReLU(), torch.nn.Dropout(0.1),
            torch.nn.Linear(HIDDEN, OUTPUTS * count))
        with torch.no_grad():
            net[-1].weight.mul_(0.1)
            net[-1].bias.copy_(torch.tensor([0.0, 0.0, 0.0, -5.0, -3.5]).repeat(count))
        optimizer = torch.optim.AdamW(net.parameters(), LEARNING_RATE, weight_decay=5e-2)
        schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, steps)
        own = torch.tensor(rng.choice(chosen, len(chosen)))  # a bootstrap: the members' spread is their doubt
        for _ in range(steps):
            rows = own[torch.randint(len(own), (BATCH,), generator=generator)]
            seen, wanted = roll(x[rows], y[rows], generator)
            seen = seen + torch.randn(seen.shape, generator=generator) * 0.01 * s
            result = net((seen - m) / s).reshape(len(rows), count, OUTPUTS)
            space = seen[:, : 3 * count].reshape(-1, count, 3)[..., 2]
            spots = seen[:, 3 * count : 5 * count].reshape(-1, count, 2)
            away = (spots + result[..., :2] - wanted[..., :2]).norm(dim=-1)
            depth = (space + result[..., 2] - wanted[..., 2]).abs()
            across, along = result[..., 3].clamp(-7, -1), result[..., 4].clamp(-6, 0)
            # Laplace likelihoods: robust against exchanged sides
            loss = (away / across.exp() + 2 * across).mean() + (depth / along.exp() + along).mean()
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            schedule.step()
        nets.append(net)
    layers = stacked(nets)
    report = evaluate(Mend(mean, scale, layers), features, truth, validation)
    print(json.dumps(report, indent=1))
    config = {"landmarks": list(NAMES), "members": members, "hidden": HIDDEN, "steps": steps, "seed": seed,
              "pictures": int((~validation).sum()), "validation_pictures": int(validation.sum()), "metrics": report}
    write_ensemble(out, mean, scale, layers, config)


def evaluate(mend: Any, features: Array, truth: Array, validation: NDArray[np.bool_]) -> dict[str, Any]:
    """Errors over shoulders, elbows, wrists, hips, knees, ankles, before and after: across in % of a stature (0.37 bone
    sums), depth in mm of an adult (4.6 m in a bone sum)."""
    from humanav.track.lift import NAMES

    count = len(NAMES)
    shared = [k for k, n in enumerate(NAMES) if n.split("_")[-1] in ("shoulder", "elbow", "wrist", "hip", "knee",
                                                                     "ankle")]
    report: dict[str, Any] = {}
    for name, rows in (("training", ~validation), ("validation", validation)):
        if not rows.any():
            continue
        x = features[rows]
        move, depth, across, along = mend.predict(x)
        flat, wanted = x[:, 3 * count : 5 * count].reshape(-1, count, 2), truth[rows]
        before = np.linalg.norm(flat - wanted[..., :2], axis=-1)[:, shared] / 0.37 * 100
        after = np.linalg.norm(flat + move - wanted[..., :2], axis=-1)[:, shared] / 0.37 * 100
        own = x[:, : 3 * count].reshape(-1, count, 3)[..., 2]
        report[name] = {
            "across_before": round(float(before.mean()), 3), "across_after": round(float(after.mean()), 3),
            "across_median_before": round(float(np.median(before)), 3),
            "across_median_after": round(float(np.median(after)), 3),
            "depth_before_mm": round(float(np.abs(own - wanted[..., 2])[:, shared].mean()) * 4600, 1),
            "depth_after_mm": round(float(np.abs(depth - wanted[..., 2])[:, shared].mean()) * 4600, 1),
            "across_over_spread": round(float((after / (across[:, shared] / 0.37 * 100)).mean()), 2),
            "depth_over_spread": round(float((np.abs(depth - wanted[..., 2]) / along)[:, shared].mean()), 2),
            "pictures": int(rows.sum())}
    return report


if __name__ == "__main__":
    main()
