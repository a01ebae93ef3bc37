"""What the benchmark of the pose manifold measures: agreement, separation, errors of poses, likeness of two crowds."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from humanav.posendf.quaternions import half_angle, quats_to_axis_angle

Array = NDArray[np.float64]


SHOWN_ONLY = ("mean_pose", "humanav_default")
"""Methods that stand in tables but do not compete."""


def pearson(a: Tensor, b: Tensor) -> float:
    """Correlation of two (N,) tensors."""
    return float(np.corrcoef(a.double().numpy(), b.double().numpy())[0, 1])


def auc(clean: Tensor, broken: Tensor) -> float:
    """How often a broken pose scores higher than a clean one, ties half: the area under the ROC curve."""
    from scipy.stats import rankdata

    ranks = rankdata(torch.cat([clean, broken]).double().numpy())
    n, m = len(clean), len(broken)
    return float((ranks[n:].sum() - m * (m + 1) / 2) / (n * m))


def angles_deg(a: Tensor, b: Tensor) -> Tensor:
    """(B,21) angle in degrees between the rotations of two sets of poses."""
    return torch.rad2deg(2 * half_angle(a.double(), b.double()))


def joint_error(quats: Tensor, truth: Tensor, chosen: Tensor) -> float:
    """Mean angle in degrees over the chosen joints (B,21) of all poses."""
    return float(angles_deg(quats, truth)[chosen].mean())


def positions_cm(quats: Tensor) -> Array:
    """(B,22,3) joints of the built-in body in these poses, the pelvis at the origin and unturned, centimetres."""
    from humanav.body import BodyModel
    from humanav.motion import Motion

    body = BodyModel.load()
    pose = torch.zeros(len(quats), 22, 3)
    pose[:, 1:] = quats_to_axis_angle(quats)
    parts = [body.from_motion(Motion.from_full_pose(chunk.numpy()), vertices=False).joints[:, :22]
             for chunk in pose.split(2000)]
    joints = torch.cat(parts).double()
    return (100 * (joints - joints[:, :1])).numpy()


def pair_distance_cm(joints: Array, pairs: int = 20000, seed: int = 0) -> float:
    """Average pairwise distance (APD): mean joint distance of random pairs of different poses."""
    rng = np.random.default_rng(seed)
    first = rng.integers(0, len(joints), pairs)
    second = (first + rng.integers(1, len(joints), pairs)) % len(joints)
    return float(np.linalg.norm(joints[first] - joints[second], axis=-1).mean())


def frechet(a: Array, b: Array) -> float:
    """Frechet distance of the Gaussians over 66 joint coordinates (B,22,3) of two crowds; square centimetres."""
    from scipy.linalg import sqrtm

    x, y = a.reshape(len(a), -1), b.reshape(len(b), -1)
    cx, cy = np.cov(x.T) + 1e-6 * np.eye(x.shape[1]), np.cov(y.T) + 1e-6 * np.eye(x.shape[1])
    cross = np.real(sqrtm(cx @ cy))
    return float(((x.mean(0) - y.mean(0)) ** 2).sum() + np.trace(cx + cy - 2 * cross))


def best_of(row: dict[str, float], *, larger: bool = False) -> dict[str, Any]:
    """The row, rounded, with the name of its best method among those that compete; "input" is to do nothing."""
    best = (max if larger else min)((name for name in row if name not in SHOWN_ONLY), key=lambda name: row[name])
    return {**{name: round(value, 3) for name, value in row.items()}, "best": best}


def ratio_to_best(row: dict[str, Any], ours: str = "humanav") -> float:
    """Our error over the best other method's; at most 1 where ours wins."""
    others = [value for name, value in row.items() if name not in (ours, "best", *SHOWN_ONLY)]
    return float(row[ours] / max(min(others), 1e-9))
