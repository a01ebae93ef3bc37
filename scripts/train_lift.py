"""Train the network that mends the detector's 3D landmarks (humanav.track.lift), on synthetic people.

    python scripts/train_lift.py collect DATA_FOLDER --part 0 --minutes 15 [--clips CMU_SUBSET.npz]
    python scripts/train_lift.py train DATA_FOLDER [--out checkpoints/lift]

``collect`` photographs people and runs the real detector on them; give every process its own ``--part``, and call it
again to add more. Half stand as people do for a photo, others move: by rule, as in the built-in clips, and, where
the file is given, frames of CMU motion capture (subjects 07 and 94 validate; 03 and 135 are never read).
"""

from __future__ import annotations

import argparse
import json
import os
import time
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]
VALIDATION, TEST = ("07", "94"), ("03", "135")
BAD_CLIPS = ("05_05", "05_06")
FIRST_SEED = 900_000_000  # far from the seeds of tests and benchmarks
MEMBERS, HIDDEN = 6, 128


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    commands = parser.add_subparsers(dest="command", required=True)
    get = commands.add_parser("collect")
    get.add_argument("folder", type=Path)
    get.add_argument("--part", type=int, default=0)
    get.add_argument("--minutes", type=float, default=15)
    get.add_argument("--clips", type=Path)
    fit = commands.add_parser("train")
    fit.add_argument("folder", type=Path)
    fit.add_argument("--out", type=Path, default=Path("checkpoints/lift"))
    fit.add_argument("--steps", type=int, default=2500)
    fit.add_argument("--seed", type=int, default=0)
    args = parser.parse_args()
    if args.command == "collect":
        collect(args.folder, args.part, args.minutes * 60, args.clips)
    else:
        train(args.folder, args.out, args.steps, args.seed)


def collect(folder: Path, part: int, seconds: float, clips: Path | None) -> None:
    """Photograph and detect until the time is over; shard ``part`` grows from where it stopped."""
    os.environ.setdefault("NUMBA_NUM_THREADS", "1")
    from humanav.body import BodyModel
    from humanav.body.landmarks import landmark_positions
    from humanav.perception import MediapipeDetector
    from humanav.synth import photograph
    from humanav.track.lift import NAMES

    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"part{part}.npz"
    rows: dict[str, list[Any]] = {key: [] for key in ("world", "keypoints", "K", "truth", "seed", "validation")}
    if path.is_file():
        with np.load(path) as old:
            rows = {key: list(old[key]) for key in rows}
    number = int(rows["seed"][-1]) + 1 if rows["seed"] else FIRST_SEED + part * 1_000_000
    body = BodyModel.load()
    template = float(np.ptp(body.v_template[:, 1].numpy()))
    frames = _clip_frames(clips) if clips is not None else None
    end = time.monotonic() + seconds
    with MediapipeDetector() as detector:
        while time.monotonic() < end:
            person, validation = _person(number, frames)
            number += 1
            photo = photograph(person, size=(480, 640))
            found = detector.detect(photo.image)
            if not found or found[0].world is None:
                continue
            posed = body.from_motion(photo.motion, vertices=False)
            tall = float(np.ptp(body.rest(photo.betas)[0][:, 1].numpy()))
            points = landmark_positions(posed.joints[0].numpy(), posed.rotations[0].numpy(), NAMES, tall / template)
            for key, value in (("world", found[0].world[:, :3]), ("keypoints", found[0].keypoints),
                               ("K", photo.camera.K), ("truth", photo.camera.to_camera(points)),
                               ("seed", number - 1), ("validation", validation)):
                rows[key].append(value)
            if len(rows["seed"]) % 25 == 0:
                _save(path, rows)
                print(f"{len(rows['seed'])} people", flush=True)
    _save(path, rows)


def _save(path: Path, rows: dict[str, list[Any]]) -> None:
    temporary = path.with_name(f"new_{path.name}")
    np.savez(temporary, **{key: np.array(value) for key, value in rows.items()})
    temporary.replace(path)


def _clip_frames(path: Path) -> dict[bool, Array]:
    """Poses (N,22,3) by whether they validate."""
    parts: dict[bool, list[Array]] = {True: [], False: []}
    with np.load(path, allow_pickle=False) as data:
        for name, subject, double in zip(data["clip_names"], data["subjects"], data["duplicate_of_asf"]):
            if str(subject) in TEST or double or str(name).startswith(BAD_CLIPS):
                continue
            parts[str(subject) in VALIDATION].append(data[f"pose/{name}"][data[f"ok/{name}"]])
    return {key: np.concatenate(value).astype(np.float32).reshape(-1, 22, 3) for key, value in parts.items()}


def _person(number: int, frames: dict[bool, Array] | None) -> tuple[Any, bool]:
    from humanav.motion import CLIP_NAMES, load_clip
    from humanav.synth import sample_person

    rng = np.random.default_rng(number)
    kind = rng.random()
    view = {"yaw": float(rng.uniform(-180, 180))} if rng.random() < 0.25 else {}
    if kind < 0.6:
        pose = "standing" if kind < 0.45 else "action" if kind < 0.55 else "sitting"
        return sample_person(number, pose=pose, **view), number % 10 == 0
    if kind < 0.72 or frames is None:
        clip = load_clip(str(rng.choice(CLIP_NAMES)))
        return sample_person(number, pose="standing", full_pose=clip.full_pose[rng.integers(len(clip))],
                             **view), number % 10 == 0
    validation = bool(rng.random() < 0.15)
    pose = frames[validation][rng.integers(len(frames[validation]))]
    return sample_person(number, pose="standing", full_pose=pose, **view), validation


def train(folder: Path, out: Path, steps: int, seed: int) -> None:
    """Fit the ensemble to every shard in ``folder`` and write the checkpoint."""
    import torch

    from humanav.track.ensemble import stacked, write_ensemble
    from humanav.track.lift import NAMES, NUM_FEATURES, TORSO, Lift

    features, truth, validation = load_shards(folder)
    keep = np.abs(truth).max((1, 2)) < 2
    features, truth, validation = features[keep], truth[keep], validation[keep]
    rng, generator = np.random.default_rng(seed), torch.Generator().manual_seed(seed)
    torch.manual_seed(seed)
    x_all, y_all = (np.concatenate(pair) for pair in zip((features, truth), mirror(features, truth)))
    chosen = np.flatnonzero(~np.concatenate([validation, validation]))
    mean, scale = x_all[chosen].mean(0), x_all[chosen].std(0) + 0.005
    x, y = torch.tensor(x_all, dtype=torch.float32), torch.tensor(y_all, dtype=torch.float32)
    m, s = torch.tensor(mean, dtype=torch.float32), torch.tensor(scale, dtype=torch.float32)
    nets = []
    for _ in range(MEMBERS):
        net = torch.nn.Sequential(
            torch.nn.Linear(NUM_FEATURES, HIDDEN), torch.nn.ReLU(), torch.nn.Dropout(0.1),
            torch.nn.Linear(HIDDEN, HIDDEN), torch.nn.ReLU(), torch.nn.Dropout(0.1),
            torch.nn.Linear(HIDDEN, 4 * len(NAMES)))
        with torch.no_grad():
            net[-1].weight.mul_(0.1)
            net[-1].bias.copy_(torch.tensor([0.0, 0.0, 0.0, -3.5]).repeat(len(NAMES)))
        optimizer = torch.optim.AdamW(net.parameters(), 2e-3, weight_decay=3e-2)
        schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, steps)
        own = torch.tensor(rng.choice(chosen, len(chosen)))  # a bootstrap: the members' spread is their doubt
        for _ in range(steps):
            rows = own[torch.randint(len(own), (256,), generator=generator)]
            seen, wanted = roll(x[rows], y[rows], generator)
            seen = seen + torch.randn(seen.shape, generator=generator) * 0.04 * s
            result = net((seen - m) / s).reshape(len(rows), len(NAMES), 4)
            points = seen[:, : 3 * len(NAMES)].reshape(-1, len(NAMES), 3) + result[..., :3]
            points = points - points[:, list(TORSO)].mean(1, keepdim=True)
            off, spread = (points - wanted).abs(), result[..., 3].clamp(-6, 0)
            # Laplace likelihood of depth: robust against exchanged sides; the sides' errors count evenly
            loss = (off[..., 2] / spread.exp() + spread).mean() + 10 * off[..., :2].mean()
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            schedule.step()
        nets.append(net)
    layers = stacked(nets)
    report = evaluate(Lift(mean, scale, layers), features, truth, validation)
    print(json.dumps(report, indent=1))
    config = {"landmarks": list(NAMES), "members": MEMBERS, "hidden": HIDDEN, "steps": steps, "seed": seed,
              "people": int((~validation).sum()), "validation_people": int(validation.sum()),
              "unread_test_subjects": list(TEST), "metrics": report}
    write_ensemble(out, mean, scale, layers, config)


def load_shards(folder: Path) -> tuple[Array, Array, NDArray[np.bool_]]:
    """Features (N,198), true landmarks (N,33,3) in the ray frame and bone sums, and which rows validate."""
    from humanav.track.lift import TORSO, bone_sum, lift_features, ray_frame

    features, truths, held = [], [], []
    for path in sorted(folder.glob("part*.npz")):
        with np.load(path) as data:
            rows = zip(data["world"], data["keypoints"], data["K"], data["truth"], data["validation"])
            for world, keypoints, K, truth, validation in rows:
                points = (truth - truth[list(TORSO)].mean(0)) @ ray_frame(keypoints.astype(np.float64), K)
                features.append(lift_features(world.astype(np.float64), keypoints.astype(np.float64), K))
                truths.append(points / bone_sum(points))
                held.append(bool(validation))
    return np.array(features), np.array(truths), np.array(held)


def mirror(features: Array, truth: Array) -> tuple[Array, Array]:
    """The same people in a mirror."""
    from humanav.track.lift import NAMES

    count = len(NAMES)
    other = [NAMES.index(n.replace("left", "right") if "left" in n else n.replace("right", "left")) for n in NAMES]
    space = features[:, : 3 * count].reshape(-1, count, 3)[:, other] * (-1, 1, 1)
    flat = features[:, 3 * count: 5 * count].reshape(-1, count, 2)[:, other] * (-1, 1)
    score = features[:, 5 * count:][:, other]
    n = len(features)
    return np.concatenate([space.reshape(n, -1), flat.reshape(n, -1), score], axis=1), truth[:, other] * (-1, 1, 1)


def roll(features: Any, truth: Any, generator: Any) -> tuple[Any, Any]:
    """The same people by a camera rolled a little about its axis (torch)."""
    import torch

    count = truth.shape[1]
    angle = torch.randn(len(truth), generator=generator) * 0.12
    c, s, o = angle.cos(), angle.sin(), torch.zeros(len(truth))
    turn = torch.stack([c, -s, o, s, c, o, o, o, o + 1], -1).reshape(-1, 3, 3)
    space = features[:, : 3 * count].reshape(-1, count, 3) @ turn.mT
    flat = features[:, 3 * count: 5 * count].reshape(-1, count, 2) @ turn[:, :2, :2].mT
    return torch.cat([space.flatten(1), flat.flatten(1), features[:, 5 * count:]], 1), truth @ turn.mT


def evaluate(lift: Any, features: Array, truth: Array, validation: NDArray[np.bool_]) -> dict[str, Any]:
    """Median errors of depth and PA-MPJPE over shoulders, elbows, wrists, hips, knees, ankles, before and after."""
    from humanav.metrics import pa_mpjpe
    from humanav.track.lift import NAMES

    shared = [k for k, n in enumerate(NAMES) if n.split("_")[-1] in ("shoulder", "elbow", "wrist", "hip", "knee",
                                                                      "ankle")]
    report: dict[str, Any] = {}
    for name, rows in (("training", ~validation), ("validation", validation)):
        if not rows.any():
            continue
        before = features[rows, : 3 * len(NAMES)].reshape(-1, len(NAMES), 3)
        after, spread = lift.predict(features[rows])
        metre = 4.6  # metres in a bone sum of an adult
        for label, points in (("detector", before), ("lifted", after)):
            errors = [pa_mpjpe(p[shared], t[shared]) * metre * 1000 for p, t in zip(points, truth[rows])]
            depth = np.abs(points - truth[rows])[:, shared, 2].mean() * metre * 1000
            report[f"{name}_{label}"] = {"pa_mpjpe_mm": round(float(np.median(errors)), 1),
                                         "depth_mm": round(float(depth), 1), "people": int(rows.sum())}
        ratio = np.abs(after - truth[rows])[:, shared, 2] / spread[:, shared]
        report[f"{name}_lifted"]["error_over_spread"] = round(float(ratio.mean()), 2)
    return report


if __name__ == "__main__":
    main()
