"""Train the pose prior of the photo fit: a Gaussian mixture over joint rotations and gravity.

    python scripts/train_pose_prior.py CMU_SUBSET.npz [--out checkpoints/pose_prior] [--components 24]

The file holds CMU clips retargeted to the 22 SMPL-X body joints: ``pose/<clip>`` (T,66) axis-angle, ``ok/<clip>`` (T,),
``clip_names``, ``subjects``, ``duplicate_of_asf``. Subjects 07 and 94 validate; 03 and 135 are never read. Poses
that the clips lack (standing for a photo, sitting, kneeling, squatting, arms raised, lying) are added by rule.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from safetensors.numpy import save_file
from scipy.spatial.transform import Rotation

from humanav.body.names import JOINT_INDEX, MIRROR

Array = NDArray[np.float64]
VALIDATION, TEST = ("07", "94"), ("03", "135")
BAD_CLIPS = ("05_05", "05_06")
SPREAD_POSE, SPREAD_UP = 0.09, 0.10  # added to every component: what the clips' bodies and retargeting blur


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("clips", type=Path)
    parser.add_argument("--out", type=Path, default=Path("checkpoints/pose_prior"))
    parser.add_argument("--components", type=int, default=24)
    parser.add_argument("--seed", type=int, default=0)
    args = parser.parse_args()
    rng = np.random.default_rng(args.seed)
    train, validation = read_clips(args.clips, rng)
    rules = {name: np.concatenate([rule(rng) for _ in range(count)]) for name, (rule, count) in RULES.items()}
    everything = np.concatenate([train, *rules.values()])
    print(f"{len(train)} clip poses, {sum(map(len, rules.values()))} poses by rule, {len(validation)} validation poses")
    single = fit_mixture(everything, [np.arange(len(everything))], rounds=1)
    starts = start_groups(train, list(rules.values()), args.components - len(rules), rng)
    mixture = fit_mixture(everything, starts, rounds=25)
    scores = {"validation_nats_single_gaussian": score(single, validation),
              "validation_nats_mixture": score(mixture, validation),
              "training_nats_single_gaussian": score(single, train), "training_nats_mixture": score(mixture, train)}
    print(json.dumps(scores, indent=1))
    write(args.out, mixture, {
        "features": "rotation vectors of SMPL-X body joints 1-21 (63), up direction in the pelvis frame (3)",
        "components": [""] * (len(starts) - len(rules)) + list(rules), "training_poses": len(everything),
        "validation_subjects": list(VALIDATION), "unread_test_subjects": list(TEST), "seed": args.seed,
        "metrics": {key: round(value, 2) for key, value in scores.items()}})


def read_clips(path: Path, rng: np.random.Generator) -> tuple[Array, Array]:
    """Features of training and validation poses: clean frames that differ, mirrored, with moving collars."""
    data = np.load(path, allow_pickle=False)
    parts: dict[bool, list[Array]] = {True: [], False: []}
    for name, subject, double in zip(data["clip_names"], data["subjects"], data["duplicate_of_asf"]):
        name, subject = str(name), str(subject)
        if subject in TEST or double or name in BAD_CLIPS:
            continue
        poses = data[f"pose/{name}"].astype(np.float64)[data[f"ok/{name}"]].reshape(-1, 22, 3)
        if len(poses):
            parts[subject not in VALIDATION].append(poses[distinct(poses, np.radians(3.0))])
    sets = []
    for training in (True, False):
        poses = np.concatenate(parts[training])
        if training:
            poses = with_collars(np.concatenate([poses, mirror(poses)]), rng)
        sets.append(features(poses[..., 1:, :], Rotation.from_rotvec(poses[:, 0]).inv().apply([0, 1.0, 0])))
    return sets[0], sets[1]


def distinct(poses: Array, step: float) -> list[int]:
    """Indices of frames whose mean joint angle to the last kept one exceeds ``step``."""
    kept = [0]
    for frame in range(1, len(poses)):
        if np.linalg.norm(poses[frame, 1:] - poses[kept[-1], 1:], axis=-1).mean() > step:
            kept.append(frame)
    return kept


def mirror(poses: Array) -> Array:
    """Left and right exchanged (N,22,3)."""
    return poses[:, list(MIRROR[:22])] * [1, -1, -1]


def with_collars(poses: Array, rng: np.random.Generator) -> Array:
    """The clips' collars never move: move them as raised arms do, the upper arm keeping its direction."""
    poses = poses.copy()
    for side, sign in (("left", 1.0), ("right", -1.0)):
        collar, shoulder = JOINT_INDEX[f"{side}_collar"], JOINT_INDEX[f"{side}_shoulder"]
        arm = Rotation.from_rotvec(poses[:, shoulder])
        raised = arm.apply([sign, 0, 0])[:, 1]  # -1 hanging, 0 level, 1 overhead
        lift = np.zeros((len(poses), 3))
        lift[:, 2] = sign * 0.25 * np.clip(raised + 0.6, 0, None)
        lift += rng.normal(0, 0.08, lift.shape)
        poses[:, collar] = lift
        poses[:, shoulder] = (Rotation.from_rotvec(lift).inv() * arm).as_rotvec()
    return poses


def features(body: Array, up: Array) -> Array:
    """(N,21,3) rotation vectors and (N,3) up directions in the pelvis frame to (N,66)."""
    return np.concatenate([body.reshape(len(body), -1), up], axis=1)


# Poses by rule. Signs in the SMPL-X T-pose: hip flexion -x, knee flexion +x, arm down -z left / +z right,
# elbow flexion -y left / +y right.

def _blank() -> Array:
    return np.zeros((22, 3))


def _set(pose: Array, name: str, vector: Any) -> None:
    """Set a left joint and, mirrored, its right twin when the name has no side."""
    if name in JOINT_INDEX:
        pose[JOINT_INDEX[name]] = vector
        return
    pose[JOINT_INDEX[f"left_{name}"]] = vector
    pose[JOINT_INDEX[f"right_{name}"]] = np.asarray(vector) * [1, -1, -1]


def _arm(pose: Array, side: str, down: float, forward: float, twist: float, bend: float) -> None:
    """Upper arm ``down`` from level, swung ``forward``, turned in by ``twist``, elbow bent by ``bend`` (radians)."""
    shoulder = Rotation.from_euler("y", -forward) * Rotation.from_euler("z", -down) * Rotation.from_euler("x", twist)
    flip = np.ones(3) if side == "left" else np.array([1.0, -1.0, -1.0])
    pose[JOINT_INDEX[f"{side}_shoulder"]] = shoulder.as_rotvec() * flip
    pose[JOINT_INDEX[f"{side}_elbow"]] = np.array([0.0, -bend, 0.0]) * flip


ARMS = {  # down, forward, twist, bend: mean and spread
    "hanging": ((1.30, 0.0, 0.0, 0.25), (0.08, 0.15, 0.25, 0.15), 6),
    "a-pose": ((0.85, 0.05, 0.0, 0.12), (0.2, 0.1, 0.25, 0.1), 4),
    "t-pose": ((0.05, 0.05, 0.0, 0.08), (0.15, 0.1, 0.25, 0.08), 1),
    "hand on hip": ((0.95, -0.25, 1.1, 1.6), (0.12, 0.2, 0.25, 0.2), 2),
    "folded": ((1.15, 0.6, 0.7, 1.7), (0.12, 0.2, 0.25, 0.2), 1),
    "in pocket": ((1.20, -0.2, 0.35, 0.55), (0.1, 0.12, 0.2, 0.15), 2),
    "hand before the chest": ((1.15, 0.35, 0.35, 1.8), (0.15, 0.25, 0.3, 0.3), 2),
    "behind the back": ((1.20, -0.45, 1.2, 0.7), (0.1, 0.12, 0.3, 0.25), 1),
    "reaching forward": ((0.4, 1.2, 0.2, 0.3), (0.4, 0.25, 0.4, 0.25), 1),
    "waving": ((-0.2, 0.2, -1.3, 1.6), (0.3, 0.3, 0.3, 0.4), 1),
    "overhead": ((-1.2, 0.2, 0.0, 0.3), (0.25, 0.3, 0.5, 0.3), 1),
}
RAISED = ("waving", "overhead", "t-pose", "reaching forward")


def _arms(pose: Array, rng: np.random.Generator, names: tuple[str, ...] | None = None, same: float = 0.65) -> None:
    kinds = list(names or ARMS)
    odds = np.array([ARMS[kind][2] for kind in kinds], dtype=float)
    first = rng.choice(kinds, p=odds / odds.sum())
    second = first if rng.random() < same else rng.choice(kinds, p=odds / odds.sum())
    for side, kind in zip(("left", "right"), (first, second)):
        mean, spread, _ = ARMS[kind]
        down, forward, twist, bend = rng.normal(mean, spread)
        _arm(pose, side, down, forward, twist, max(bend, 0.02))
        pose[JOINT_INDEX[f"{side}_wrist"]] = rng.normal(0, 0.15, 3)


def _finish(pose: Array, rng: np.random.Generator, tilt: float, tilt_spread: float = 0.06) -> Array:
    """Noise on the trunk, collars, and gravity for a pelvis tipped forward by ``tilt``."""
    for name, spread in (("spine1", 0.05), ("spine2", 0.05), ("spine3", 0.05), ("neck", 0.10), ("head", 0.12)):
        pose[JOINT_INDEX[name]] += rng.normal(0, spread, 3)
    pose = with_collars(pose[None], rng)[0]
    pelvis = Rotation.from_rotvec([tilt + rng.normal(0, tilt_spread), rng.normal(0, 0.04), rng.normal(0, 0.04)])
    return features(pose[None, 1:], pelvis.inv().apply([[0, 1.0, 0]]))


def standing(rng: np.random.Generator) -> Array:
    pose = _blank()
    step, out = rng.normal(0, 0.06), abs(rng.normal(0.05, 0.06))
    for side, sign in (("left", 1.0), ("right", -1.0)):
        bend = abs(rng.normal(0, 0.06)) + (0.2 * rng.random() if rng.random() < 0.2 else 0)  # one leg at ease
        hip = np.array([-sign * step - 0.5 * bend, sign * rng.normal(0.12, 0.12), sign * out + rng.normal(0, 0.03)])
        pose[JOINT_INDEX[f"{side}_hip"]] = hip
        pose[JOINT_INDEX[f"{side}_knee"]] = [bend, 0, 0]
        pose[JOINT_INDEX[f"{side}_ankle"]] = [-0.5 * bend + rng.normal(0, 0.06), rng.normal(0, 0.06), -hip[2]]
    _arms(pose, rng)
    return _finish(pose, rng, 0.0, 0.05)


def raised_arms(rng: np.random.Generator) -> Array:
    pose = standing(rng)[0, :63].reshape(21, 3)
    pose = np.concatenate([np.zeros((1, 3)), pose])
    _arms(pose, rng, RAISED, 0.5)
    return _finish(pose, rng, 0.0)


def sitting(rng: np.random.Generator) -> Array:
    pose, tilt = _blank(), rng.normal(-0.2, 0.15)
    for side, sign in (("left", 1.0), ("right", -1.0)):
        flexion = 1.5 + tilt + rng.normal(0, 0.15)
        spread = sign * (abs(rng.normal(0.12, 0.15)) if rng.random() < 0.8 else -0.3)
        pose[JOINT_INDEX[f"{side}_hip"]] = (Rotation.from_euler("y", spread) *
                                            Rotation.from_euler("x", -flexion)).as_rotvec()
        pose[JOINT_INDEX[f"{side}_knee"]] = [np.clip(rng.normal(1.45, 0.35), 0.05, 2.2), 0, 0]
        pose[JOINT_INDEX[f"{side}_ankle"]] = rng.normal(0, 0.12, 3)
    _set(pose, "spine1", [rng.normal(0.1, 0.1), 0, 0])
    _set(pose, "spine2", [rng.normal(0.05, 0.08), 0, 0])
    if rng.random() < 0.6:  # hands on the lap or a table
        for side in ("left", "right"):
            _arm(pose, side, rng.normal(1.1, 0.15), rng.normal(0.45, 0.2), rng.normal(0.3, 0.25), rng.normal(1.0, 0.3))
    else:
        _arms(pose, rng)
    return _finish(pose, rng, tilt, 0.03)


def floor_sitting(rng: np.random.Generator) -> Array:
    pose, tilt = _blank(), rng.normal(-0.2, 0.15)
    for side, sign in (("left", 1.0), ("right", -1.0)):
        turn = Rotation.from_euler("y", sign * rng.normal(0.8, 0.2)) * Rotation.from_euler("x", -rng.normal(1.5, 0.2))
        pose[JOINT_INDEX[f"{side}_hip"]] = (turn * Rotation.from_euler("y", sign * rng.normal(0.5, 0.2))).as_rotvec()
        pose[JOINT_INDEX[f"{side}_knee"]] = [np.clip(rng.normal(2.1, 0.25), 0.3, 2.5), 0, 0]
    _set(pose, "spine1", [rng.normal(0.15, 0.1), 0, 0])
    _arms(pose, rng)
    return _finish(pose, rng, tilt, 0.05)


def kneeling(rng: np.random.Generator) -> Array:
    pose, upright = _blank(), rng.random() < 0.6
    tilt = rng.normal(0.05, 0.12)
    for side in ("left", "right"):
        flexion = (0.1 if upright else 1.3) + rng.normal(0, 0.15)
        pose[JOINT_INDEX[f"{side}_hip"]] = [-flexion, rng.normal(0, 0.12), 0]
        pose[JOINT_INDEX[f"{side}_knee"]] = [np.clip((1.6 if upright else 2.3) + rng.normal(0, 0.15), 0, 2.6), 0, 0]
        pose[JOINT_INDEX[f"{side}_ankle"]] = [rng.normal(0.5, 0.3), 0, 0]
    if rng.random() < 0.5:  # one foot planted
        side = rng.choice(["left", "right"])
        pose[JOINT_INDEX[f"{side}_hip"]] = [-1.5 + rng.normal(0, 0.15), rng.normal(0, 0.15), 0]
        pose[JOINT_INDEX[f"{side}_knee"]] = [1.55 + rng.normal(0, 0.2), 0, 0]
        pose[JOINT_INDEX[f"{side}_ankle"]] = rng.normal(0, 0.1, 3)
    _arms(pose, rng)
    return _finish(pose, rng, tilt)


def squatting(rng: np.random.Generator) -> Array:
    pose, depth = _blank(), rng.uniform(0.5, 2.2)
    tilt = 0.35 * depth * rng.uniform(0.5, 1.3)
    for side, sign in (("left", 1.0), ("right", -1.0)):
        spread = sign * abs(rng.normal(0.2, 0.15))
        turn = Rotation.from_euler("y", spread) * Rotation.from_euler("x", -(0.55 * depth + tilt))
        pose[JOINT_INDEX[f"{side}_hip"]] = turn.as_rotvec()
        pose[JOINT_INDEX[f"{side}_knee"]] = [depth + rng.normal(0, 0.08), 0, 0]
        pose[JOINT_INDEX[f"{side}_ankle"]] = [-0.4 * depth + rng.normal(0, 0.1), 0, 0]
    _arms(pose, rng, ("reaching forward", "hanging", "hand before the chest", "overhead"))
    return _finish(pose, rng, tilt)


def lunging(rng: np.random.Generator) -> Array:
    pose, depth = _blank(), rng.uniform(0.4, 1.5)
    front, back = rng.permutation(["left", "right"])
    tilt = rng.normal(0.1, 0.1)
    pose[JOINT_INDEX[f"{front}_hip"]] = [-0.9 * depth - tilt, rng.normal(0, 0.1), rng.normal(0, 0.08)]
    pose[JOINT_INDEX[f"{front}_knee"]] = [depth + rng.normal(0, 0.15), 0, 0]
    pose[JOINT_INDEX[f"{back}_hip"]] = [0.35 * depth - tilt, 0, 0] + rng.normal(0, 0.1, 3)
    pose[JOINT_INDEX[f"{back}_knee"]] = [max(rng.normal(0.6, 0.5) * depth, 0.02), 0, 0]
    pose[JOINT_INDEX[f"{back}_foot"]] = [-rng.uniform(0, 0.6), 0, 0]
    _arms(pose, rng)
    return _finish(pose, rng, tilt)


def lying(rng: np.random.Generator) -> Array:
    row = standing(rng)[0]
    body = row[:63].reshape(1, 21, 3) + rng.normal(0, 0.1, (1, 21, 3))
    angle = rng.uniform(-np.pi, np.pi)
    up = np.array([[np.sin(angle), rng.normal(0, 0.2), np.cos(angle)]])
    return features(body, up / np.linalg.norm(up))


RULES: dict[str, tuple[Any, int]] = {
    "standing": (standing, 9000), "raised arms": (raised_arms, 2500), "sitting": (sitting, 4000),
    "sitting on the floor": (floor_sitting, 1000), "kneeling": (kneeling, 1500), "squatting": (squatting, 2500),
    "lunging": (lunging, 2500), "lying": (lying, 600),
}


def start_groups(clips: Array, rules: list[Array], count: int, rng: np.random.Generator) -> list[NDArray[np.intp]]:
    """First guess of who belongs together: k-means on the clips, one group per rule."""
    from scipy.cluster.vq import kmeans2

    sample = clips[rng.choice(len(clips), min(12000, len(clips)), replace=False)]
    centres, _ = kmeans2(sample, count, minit="++", seed=rng)
    label = ((clips[:, None] - centres) ** 2).sum(-1).argmin(1) if len(clips) < 5000 else np.concatenate(
        [((part[:, None] - centres) ** 2).sum(-1).argmin(1) for part in np.array_split(clips, 40)])
    groups = [np.flatnonzero(label == k) for k in range(count)]
    start = len(clips)
    for rule in rules:
        groups.append(np.arange(start, start + len(rule)))
        start += len(rule)
    return [group for group in groups if len(group) > 70]


def fit_mixture(data: Array, groups: list[NDArray[np.intp]], rounds: int) -> tuple[Array, Array, Array]:
    """Expectation maximisation: weights (M,), means (M,66), covariances (M,66,66)."""
    floor = np.diag(np.r_[np.full(63, SPREAD_POSE**2), np.full(3, SPREAD_UP**2)])
    share = np.zeros((len(data), len(groups)))
    for k, group in enumerate(groups):
        share[group, k] = 1.0
    for turn in range(rounds):
        total = share.sum(0)
        means = (share.T @ data) / total[:, None]
        covariances = np.stack([((data - mean) * share[:, k, None]).T @ (data - mean) / total[k] + floor
                                for k, mean in enumerate(means)])
        weights = total / total.sum()
        if turn + 1 < rounds:
            logs = log_terms((weights, means, covariances), data)
            share = np.exp(logs - logs.max(1, keepdims=True))
            share /= share.sum(1, keepdims=True)
    return weights, means, covariances


def log_terms(mixture: tuple[Array, Array, Array], data: Array) -> Array:
    """log(weight x density) (N,M)."""
    columns = []
    for weight, mean, covariance in zip(*mixture):
        lower = np.linalg.cholesky(covariance)
        white = np.linalg.solve(lower, (data - mean).T)
        logdet = 2 * np.log(np.diag(lower)).sum()
        columns.append(np.log(weight) - 0.5 * ((white**2).sum(0) + logdet + data.shape[1] * np.log(2 * np.pi)))
    return np.stack(columns, axis=1)


def score(mixture: tuple[Array, Array, Array], data: Array) -> float:
    """Mean negative log-likelihood in nats."""
    logs = log_terms(mixture, data)
    top = logs.max(1)
    return float(-(top + np.log(np.exp(logs - top[:, None]).sum(1))).mean())


def write(folder: Path, mixture: tuple[Array, Array, Array], config: dict[str, Any]) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    weights, means, covariances = mixture
    save_file({"weights": weights.astype(np.float32), "means": means.astype(np.float32),
               "precisions": np.linalg.inv(covariances).astype(np.float32)}, folder / "model.safetensors")
    (folder / "config.json").write_text(json.dumps(config, indent=1) + "\n")


if __name__ == "__main__":
    main()
