"""How far a tracked person is from the true one: poses, places, feet, amplitude, identities.

Frames that a tracker leaves out are counted (``missed``) and take no part in the means. Definitions stand in
``benchmarks/track.py``.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from scipy.optimize import linear_sum_assignment

from humanav.uplift.measures import aligned, angle_deg

Array = NDArray[np.float64]
Mask = NDArray[np.bool_]

JOINTS = 22
FEET = ((7, 10), (8, 11))
LIMBS = ((16, 18, 20), (17, 19, 21), (1, 4, 7), (2, 5, 8))
"""Shoulder, elbow and wrist; hip, knee and ankle."""
MOVES = 0.04
"""A point of a limb counts as moving when it strays so far (standard deviation over the limb's length)."""
GATE = 0.35
"""People are matched when their points lie within this share of the true person's height in the picture."""


class Pose(NamedTuple):
    """T frames of one person, estimated or true.

    Attributes:
        rotations: (T,22,3,3) parent-relative, the root in the camera's frame.
        camera: (T,22,3) joints in the camera's frame, metres.
        world: (T,22,3) joints in a world whose y is up and whose floor is y = 0, metres.
        contacts: (T,2) whether the left and the right foot stand, or None where that is not told.
        seen: (T,) the frames that there are.
    """

    rotations: Array
    camera: Array
    world: Array
    contacts: Mask | None
    seen: Mask


class Sums(NamedTuple):
    """Values of all frames of a clip, by the measure's name, and the facts that are no means over frames."""

    values: dict[str, Array]
    counts: dict[str, float]


def compare(found: Pose, true: Pose) -> Sums:
    """All values of one clip at 30 frames per second; millimetres and degrees."""
    assert true.contacts is not None
    at = found.seen & true.seen
    inside: list[Array] = [1000.0 * (pose.camera - pose.camera[:, :1]) for pose in (found, true)]
    a, b = (torch.from_numpy(points[at]) for points in inside)
    turned = angle_deg(torch.from_numpy(found.rotations[at]), torch.from_numpy(true.rotations[at])).numpy()
    trio = at[2:] & at[1:-1] & at[:-2]
    placed = on_floor(found.world, true.world, at)
    both = at[1:] & at[:-1]
    values = {
        "mpjpe_mm": (a - b).norm(dim=-1).numpy(), "pa_mpjpe_mm": (aligned(a, b) - b).norm(dim=-1).numpy(),
        "mpjae_deg": turned[:, 1:], "root_deg": turned[:, 0],
        "accel_mm": np.linalg.norm(second(inside[0]) - second(inside[1]), axis=-1)[trio],
        "world_mpjpe_mm": 1000 * np.linalg.norm(placed - true.world, axis=-1)[at],
        "world_accel_mm": 1000 * np.linalg.norm(second(placed) - second(true.world), axis=-1)[trio],
        "foot_slide_mm": slides(found.world, true.contacts, both),
        "true_slide_mm": slides(true.world, true.contacts, both)}
    kept, gain = amplitude(found, true, at)
    values |= {"amplitude_kept": kept, "amplitude_gain": gain}
    counts = {"frames": float(len(at)), "missed": float((true.seen & ~found.seen).sum())}
    if found.contacts is not None:
        told, fact = found.contacts[at], true.contacts[at]
        counts |= {"hits": float((told & fact).sum()), "told": float(told.sum()), "facts": float(fact.sum())}
    return Sums(values, counts)


def summary(clips: Sequence[Sums]) -> dict[str, float]:
    """Means over the pooled frames of all clips (amplitude: over the pooled limbs)."""
    out = {name: float(np.concatenate([clip.values[name].reshape(-1) for clip in clips]).mean())
           for name in clips[0].values if sum(clip.values[name].size for clip in clips)}
    total = {name: sum(clip.counts.get(name, 0.0) for clip in clips)
             for name in dict.fromkeys(name for clip in clips for name in clip.counts)}
    if "told" in total:
        out["contact_f1"] = 2 * total["hits"] / max(total["told"] + total["facts"], 1.0)
    return out | {"missed_share": total["missed"] / max(total["frames"], 1.0)}


def second(points: Array) -> Array:
    """Second differences (T-2,...) per frame squared."""
    return np.asarray(points[2:] - 2 * points[1:-1] + points[:-2])


def on_floor(points: Array, target: Array, at: Mask) -> Array:
    """Points (T,J,3) turned about the vertical and moved along the floor, once for the clip, to where they lie closest
    to ``target``; heights, sizes and the frames' places among each other stay."""
    a, b = (x[at][..., 0].reshape(-1) + 1j * x[at][..., 2].reshape(-1) for x in (points, target))
    if not len(a):
        return points
    turn = np.vdot(a - a.mean(), b - b.mean())
    turn = turn / abs(turn) if abs(turn) > 1e-12 else 1.0
    flat = (points[..., 0] + 1j * points[..., 2] - a.mean()) * turn + b.mean()
    return np.stack([flat.real, points[..., 1], flat.imag], axis=-1)


def slides(world: Array, contacts: Mask, both: Mask) -> Array:
    """Millimetres (N,) that standing feet move along the floor from one frame to the next: the mean of ankle and ball.

    Args:
        world: (T,22,3).
        contacts: (T,2) true ones.
        both: (T-1,) whether both frames of a pair are there.
    """
    feet = world[:, np.array(FEET)][..., [0, 2]]
    step = 1000 * np.linalg.norm(np.diff(feet, axis=0), axis=-1).mean(axis=-1)
    return np.asarray(step[contacts[1:] & contacts[:-1] & both[:, None]])


def amplitude(found: Pose, true: Pose, at: Mask) -> tuple[Array, Array]:
    """For every elbow, wrist, knee and ankle that moves: the ratio of how far it strays, and how much of its true
    movement is found (slope of the estimate on the truth, which noise does not raise). Positions are seen from the
    limb's root along the pelvis' axes, over the limb's length."""
    kept, gain = [], []
    for root, middle, end in LIMBS:
        for point in (middle, end):
            ours, real = (_swing(pose, root, middle, end, point)[at] for pose in (found, true))
            ours, real = ours - ours.mean(axis=0), real - real.mean(axis=0)
            spread = float(np.sqrt((real**2).sum(axis=-1).mean()))
            if spread > MOVES:
                kept.append(float(np.sqrt((ours**2).sum(axis=-1).mean())) / spread)
                gain.append(float((ours * real).sum() / (real**2).sum()))
    return np.array(kept), np.array(gain)


def _swing(pose: Pose, root: int, middle: int, end: int, point: int) -> Array:
    joints = pose.camera
    length = float(np.median(np.linalg.norm(joints[:, middle] - joints[:, root], axis=-1)
                             + np.linalg.norm(joints[:, end] - joints[:, middle], axis=-1)))
    return np.asarray(np.einsum("tji,tj->ti", pose.rotations[:, 0], joints[:, point] - joints[:, root]) / length)


class Identity(NamedTuple):
    """How well several people were kept apart: ``switches``, and pairs of frame and person ``missed`` of ``all``."""

    switches: int
    missed: int
    all: int


def identities(found: dict[str, Array], true: Array, visible: Mask) -> Identity:
    """Count, as in multi-object tracking, how often the identity that covers a true person changes.

    In every frame estimates and visible people are paired so that the mean distance of their points is least; pairs
    farther apart than :data:`GATE` of the person's height in the picture do not count. A person who comes back under
    another identity has switched too.

    Args:
        found: identity to (T,N,2) points in pixels; NaN in frames in which it is not there.
        true: (P,T,N,2) where the points truly are.
        visible: (P,T) whether enough of the person is seen for it to be found.
    """
    names = list(found)
    last: list[str | None] = [None] * len(true)
    switches = missed = 0
    for t in range(true.shape[1]):
        cost = np.full((len(true), len(names)), 1e6)
        for p in range(len(true)):
            height = max(float(np.ptp(true[p, t, :, 1])), 1.0)
            for k, name in enumerate(names):
                apart = float(np.linalg.norm(found[name][t] - true[p, t], axis=-1).mean()) / height
                if visible[p, t] and np.isfinite(apart) and apart < GATE:
                    cost[p, k] = apart
        rows, columns = linear_sum_assignment(cost)
        pairs = {int(p): names[k] for p, k in zip(rows, columns, strict=True) if cost[p, k] < GATE}
        for p in range(len(true)):
            if p in pairs:
                switches += last[p] not in (None, pairs[p])
                last[p] = pairs[p]
            elif visible[p, t]:
                missed += 1
    return Identity(switches, missed, int(visible.sum()))
