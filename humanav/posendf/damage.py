"""Frames of a motion that cannot be true, found from the motion alone: wild ones, jumps to and back, frozen limbs.

What is true of bodies at every frame rate is used: a joint does not turn far from one frame to the next unless the
frames around it turn too.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from numpy.typing import NDArray
from scipy.ndimage import median_filter

from humanav.posendf.quaternions import conjugate, multiply, quats_to_axis_angle
from humanav.posendf.sequences import Mask, angle_between, fill_rotations

Array = NDArray[np.float64]

LONGEST = 0.45
"""Seconds that a wild stretch may last; longer ones are taken for movement."""
SKIP, SKIP_FRAME = 3.0, 0.25
"""Cost of leaving frames out: once per stretch, and per frame. A jump of k times what is allowed costs (k - 1)^2."""
ALLOWED, FLOOR = 3.0, 1.5
"""A step may be so many times the usual one nearby, and so many rad/s besides."""
FREEZE = 0.3
"""Seconds that a limb must stand perfectly still before it can count as frozen."""
LIMBS = ((16, 18, 20), (17, 19, 21), (1, 4, 7), (2, 5, 8))
"""Joints of 22 that freeze together: shoulder, elbow and wrist; hip, knee and ankle."""
PAIRS = ((16, 17, 18, 19, 20, 21), (1, 2, 4, 5, 7, 8))
"""Joints that change sides together: both arms, both legs."""
WHOLE_LIMBS = ((13, 16, 18, 20), (14, 17, 19, 21), (1, 4, 7, 10), (2, 5, 8, 11))


def wild(quats: Array, fps: float, missing: Mask) -> Mask:
    """Joints (T,J) that jump away and back within :data:`LONGEST`: the frames that the cheapest path leaves out.

    A path through the frames pays for each step beyond what is allowed nearby, and for each frame it leaves out;
    dynamic programming finds the cheapest. First for each joint alone, then for pairs of limbs together, whose many
    small jumps at the same time give an exchange of left and right away.

    Args:
        quats: (T,J,4).
        fps: frames per second.
        missing: (T,J) frames that no path may use.
    """
    if len(quats) < 3:
        return np.zeros_like(missing)
    alone = _left_out(quats, fps, missing, [[joint] for joint in range(missing.shape[1])])
    rest = fill_rotations(quats, missing | alone)
    lost = np.stack([(missing | alone)[:, pair].all(axis=1) for pair in PAIRS], axis=1)
    together = _left_out(rest, fps, lost, PAIRS)
    for number, pair in enumerate(PAIRS):
        alone[:, pair] |= together[:, number, None]
    return alone & ~missing


def _left_out(quats: Array, fps: float, missing: Mask, groups: Sequence[Sequence[int]]) -> Mask:
    """Frames (T,G) that the cheapest path of each group of joints does not use; ``missing`` is (T,G)."""
    frames, count = missing.shape
    # a held last pose is no rest, and would make the movement beside a gap look wild
    seen = fill_rotations(quats, missing) if missing.shape[1] == quats.shape[1] else quats
    allowed, sudden = _allowed(seen, fps), _sudden(seen)
    share = np.zeros((quats.shape[1], count))
    for number, group in enumerate(groups):
        share[list(group), number] = 1
    price = np.where(missing, 0.0, SKIP_FRAME * min(30 / fps, 1.0))
    paid = np.concatenate([np.zeros((1, count)), np.cumsum(price, axis=0)])
    best = np.where(missing, np.inf, paid[:-1] + SKIP * (paid[:-1] > 0))
    came = np.full((frames, count), -1)
    reach = max(2, int(LONGEST * fps) + 1) + _longest_run(missing)
    for t in range(1, frames):
        first = max(0, t - reach)
        away = np.arange(t - first, 0, -1)[:, None]
        turn = angle_between(quats[first:t], quats[t])
        turn[-1] = sudden[t]
        excess = turn / (away**0.5 * np.maximum(allowed[first:t], allowed[t])) - 1
        between = paid[t] - paid[first + 1 : t + 1]
        cost = (best[first:t] + np.clip(excess, 0.0, 10.0) ** 2 @ share) + between + SKIP * (between > 1e-9)
        pick = cost.argmin(axis=0)
        value = np.take_along_axis(cost, pick[None], axis=0)[0]
        better = ~missing[t] & (value < best[t])
        best[t, better], came[t, better] = value[better], (first + pick)[better]
    left = paid[-1] - paid[1:]
    used = np.zeros_like(missing)
    for column, end in enumerate((best + left + SKIP * (left > 1e-9)).argmin(axis=0)):
        t = int(end)
        while t >= 0:
            used[t, column] = True
            t = int(came[t, column])
    return ~used


def frozen(quats: Array, fps: float, missing: Mask) -> Mask:
    """Arms and legs (T,J) that stand perfectly still while others move, and let go with a jump.

    The first frame of such a stretch is still true. A joint that never moves is not frozen, it is at rest.
    """
    found = np.zeros_like(missing)
    frames = len(quats)
    shortest = max(3, round(FREEZE * fps))
    if frames < shortest + 2:
        return found
    step = angle_between(quats[1:], quats[:-1])
    still = step < 1e-5
    allowed = _allowed(quats, fps)
    others = np.median(step, axis=1) > 1e-5
    for core, whole in zip(LIMBS, WHOLE_LIMBS, strict=True):
        held = still[:, core].all(axis=1) & others & ~missing[1:, core].any(axis=1)
        if held.all():
            continue
        edges = np.diff(np.concatenate([[0], held.astype(int), [0]]))
        for begin, end in zip(np.flatnonzero(edges == 1), np.flatnonzero(edges == -1), strict=True):
            if end - begin < shortest - 1:
                continue
            lets_go = end < frames - 1 and (step[end, core] > allowed[end, core]).any()
            if lets_go:
                found[begin + 1 : end + 1, whole] = True
    return found


def _allowed(quats: Array, fps: float) -> Array:
    """How far (T,J) in radians each joint may turn in a frame: some times the usual step within a third of a second."""
    step = np.zeros(quats.shape[:2])
    step[1:] = angle_between(quats[1:], quats[:-1])
    step[0] = step[1]
    window = 2 * max(2, round(fps / 3)) + 1
    usual = median_filter(step, size=(min(window, 2 * (len(step) // 2) + 1), 1), mode="nearest")
    return np.asarray(ALLOWED * usual + FLOOR / fps)


def _sudden(quats: Array) -> Array:
    """How far (T,J) in radians each joint turns in a frame beyond the step before or after: a fast swing is no jump."""
    step = np.zeros((*quats.shape[:2], 3))
    back = conjugate(torch.from_numpy(quats[:-1]))
    step[1:] = quats_to_axis_angle(multiply(back, torch.from_numpy(quats[1:]))).numpy()
    turn = np.linalg.norm(step, axis=-1)
    change = np.linalg.norm(np.diff(step, axis=0), axis=-1)
    turn[1:] = np.minimum(turn[1:], change)
    turn[1:-1] = np.minimum(turn[1:-1], change[1:])
    return turn


def _longest_run(missing: Mask) -> int:
    longest = run = np.zeros(missing.shape[1], dtype=int)
    for row in missing:
        run = np.where(row, run + 1, 0)
        longest = np.maximum(longest, run)
    return int(longest.max())
