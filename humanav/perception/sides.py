"""Left and right that a detector exchanged, found from how the body moves and faces."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import product

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import median_filter

Array = NDArray[np.float32]
Binary = NDArray[np.bool_]
Costs = NDArray[np.float64]

GROUPS = {"torso": ("shoulder", "hip"), "arms": ("elbow", "wrist", "pinky", "index", "thumb"),
          "legs": ("knee", "ankle", "heel", "foot_index", "big_toe", "small_toe")}
"""The parts of a body whose sides a detector exchanges together; the face goes with the torso."""
_SLOWEST = 12.0  # frames per second; at lower rates limbs do change places between frames
_TRUSTED = 0.2
# All lengths are shares of the person's size in the picture, all costs are log odds.
_NOISE = 0.008
_ACCELERATION = 8.5  # per second squared
# per group: speed per second about the torso's middle; costs of a jump from the last frame, from the one before, and
# off the course
_MOVES = ((0.8, 3.0, 8.0, 4.0), (1.7, 3.0, 6.0, 6.0), (1.7, 3.0, 6.0, 6.0))
_CHANGE = np.array([0.7, 1.0, 1.0])  # of a group's label from one frame to the next
_EXCHANGED = 0.05  # of a group's frame being exchanged at all
_FEET = 0.05  # what the feet say of it, at the most
_FACE = 0.3  # what a face seen from the front says of it
_TORN = 0.6  # of arms or legs being exchanged without the torso, or the torso without them
_STATES = np.array(list(product((0, 1), repeat=3)))


def mirror_index(names: Sequence[str]) -> list[int]:
    """For each landmark the number of the one on the other side (itself for those in the middle)."""
    place = {name: number for number, name in enumerate(names)}
    other = [name.replace("left_", "right_") if name.startswith("left_") else name.replace("right_", "left_")
             for name in names]
    return [place.get(name, number) for number, name in enumerate(other)]


def mend_sides(keypoints: Array, names: Sequence[str], fps: float) -> tuple[Array, Binary]:
    """Exchange left and right back where they were exchanged for a part of the clip (:func:`find_flips`).

    Args:
        keypoints: (T,K,3) x, y, confidence.
        names: (K,) landmark names.
        fps: frames per second.

    Returns:
        the keypoints (T,K,3), and (T,) in which frames the torso was changed (arms or legs alone are not told).
    """
    flips = find_flips(keypoints, names, fps)
    return exchange(np.asarray(keypoints, dtype=np.float32), names, flips), flips[:, 0]


def exchange(points: Array, names: Sequence[str], flips: Binary) -> Array:
    """Points (T,K,...) with left and right exchanged in the frames and groups (T,3) of :data:`GROUPS`."""
    other, out = np.array(mirror_index(names)), points.copy()
    for group, members in enumerate(_members(names)):
        both = members if group else _torso_and_face(names)
        frames = np.flatnonzero(flips[:, group])
        out[np.ix_(frames, both)] = points[np.ix_(frames, other[both])]
    return out


def find_flips(
    keypoints: Array, names: Sequence[str], fps: float, evidence: NDArray[np.floating] | None = None
) -> Binary:
    """In which frames the left and right of torso, arms and legs are exchanged.

    The likeliest labelling of the whole clip: each group of points should go on as it moved over the last two frames,
    one bad frame does not break that; the three groups should agree; and of labellings that fit equally well the one
    wins that contradicts the feet (toes point at the camera in front views of one who stands) and faces least, and
    then the detector. Below 12 frames per second limbs do change places between frames, and nothing is found.

    Args:
        keypoints: (T,K,3) x, y, confidence.
        names: (K,) landmark names.
        fps: frames per second.
        evidence: (T,) what is known from elsewhere: +1 left and right are right .. -1 exchanged, 0 nothing.

    Returns:
        (T,3) for torso with face, arms, and legs.
    """
    flips = np.zeros((len(keypoints), 3), dtype=bool)
    members = _members(names)
    if fps < _SLOWEST or any(len(group) < 2 for group in members):
        return flips
    trusted = keypoints[..., 2] > _TRUSTED
    seen = np.flatnonzero(trusted[:, np.concatenate(members)].mean(axis=1) >= 0.5)
    if len(seen) < 3:
        return flips
    found = keypoints[seen].astype(np.float64)
    found[..., 2] *= trusted[seen]
    sizes = _sizes(found, fps)
    other = np.array(mirror_index(names))
    still = found.copy()
    torso = found[:, members[0]]
    weight = torso[..., 2:] + 1e-9
    still[..., :2] -= (torso[..., :2] * weight).sum(axis=1, keepdims=True) / weight.sum(axis=1, keepdims=True)
    moves = np.stack([_moves(still[:, group], still[:, other[group]], seen / fps, sizes, *kind)
                      for group, kind in zip(members, _MOVES)], axis=1)
    cost = np.broadcast_to(_EXCHANGED * _STATES.sum(axis=1) + _TORN * (_STATES[:, :1] != _STATES[:, 1:]).sum(axis=1),
                           (len(seen), len(_STATES))).copy()
    says = _FEET * _feet(found / (sizes[:, None, None] ** (1, 1, 0)), names)
    if evidence is not None:
        says = says + _FACE * np.asarray(evidence, dtype=np.float64)[seen]
    cost += says[:, None] * _STATES[:, 0]
    flips[seen] = _STATES[_cheapest(moves, cost)] == 1
    return flips


def _members(names: Sequence[str]) -> list[NDArray[np.int64]]:
    parts = [name.partition("_")[2] if name.startswith(("left_", "right_")) else "" for name in names]
    return [np.array([i for i, part in enumerate(parts) if part in group], dtype=np.int64) for group in GROUPS.values()]


def _torso_and_face(names: Sequence[str]) -> NDArray[np.int64]:
    rest = np.concatenate(_members(names)[1:])
    return np.setdiff1d([i for i, name in enumerate(names) if name.startswith(("left_", "right_"))], rest)


def _sizes(found: Costs, fps: float) -> Costs:
    """(T,) the person's extent in pixels, over half a second."""
    points = np.where(found[..., 2:] > 0, found[..., :2], np.nan)
    size = np.hypot(*np.moveaxis(np.nanmax(points, axis=1) - np.nanmin(points, axis=1), -1, 0))
    return np.maximum(median_filter(size, size=min(len(size), 2 * int(fps / 4) + 1), mode="nearest"), 1.0)


def _moves(
    found: Costs, mirrored: Costs, times: Costs, sizes: Costs, speed: float, near: float, skip: float, bend: float
) -> Costs:
    """(T,2,2) what it costs a group (T,G,3) to come to where it is in frame t, when its label differs [0 no, 1 yes]
    between frames t - 1 and t, and between t - 2 and t - 1."""
    cost = np.zeros((len(found), 2, 2))
    sides = (found, mirrored)
    step = np.diff(times)[:, None]
    two = step[1:] + step[:-1]
    now = found[1:], found[2:]
    of = sizes[1:, None], sizes[2:, None]
    for a in (0, 1):
        last = sides[a]
        cost[1:, a] += near * _jump(now[0], last[:-1], last[:-1, :, :2], of[0] * (_NOISE + speed * step))[:, None]
        before = sides[a][:-2]  # here ``a`` is whether t - 2 and t differ
        far = skip * _jump(now[1], before, before[..., :2], of[1] * (_NOISE + speed * two))
        cost[2:, 0, a] += far
        cost[2:, 1, 1 - a] += far
        for b in (0, 1):
            course = last[1:-1, :, :2] - sides[a ^ b][:-2, :, :2]
            ahead = last[1:-1, :, :2] + np.minimum(step[1:] / step[:-1], 1)[..., None] * course
            weak = np.minimum(last[1:-1, :, 2:], sides[a ^ b][:-2, :, 2:])
            leeway = of[1] * (1.5 * _NOISE + _ACCELERATION * np.maximum(step[1:], step[:-1]) ** 2)
            cost[2:, a, b] += bend * _jump(now[1], np.broadcast_to(weak, ahead.shape[:2] + (3,)), ahead, leeway)
    return cost


def _jump(now: Costs, weights: Costs, expected: Costs, leeway: Costs) -> Costs:
    """(T,) 0..1 how far points are from where they were expected, the mean over those trusted in both frames."""
    square = (np.linalg.norm(now[..., :2] - expected, axis=-1) / leeway) ** 2
    weight = np.minimum(now[..., 2], weights[..., -1]) + 1e-6
    return np.asarray((square / (1 + square) * weight).sum(axis=1) / weight.sum(axis=1))


def _feet(found: Costs, names: Sequence[str]) -> Costs:
    """(T,) +1 where the feet of one who stands point to where the torso faces, -1 where they contradict it."""
    place = {name: number for number, name in enumerate(names)}
    toe = "foot_index" if "left_foot_index" in place else "big_toe"
    needed = [f"{side}_{part}" for part in ("heel", toe, "shoulder", "hip", "ankle") for side in ("left", "right")]
    if any(name not in place for name in needed):
        return np.zeros(len(found))
    heel, toes, shoulder, hip, ankle = (found[:, [place[f"left_{part}"], place[f"right_{part}"]]]
                                        for part in ("heel", toe, "shoulder", "hip", "ankle"))
    facing = (shoulder[:, 0, 0] - shoulder[:, 1, 0] + hip[:, 0, 0] - hip[:, 1, 0]) / 2
    below = toes[..., 1] - heel[..., 1]
    standing = np.argmax(np.maximum(toes[..., 1], heel[..., 1]), axis=1)[:, None]
    upright = (hip[..., 1].mean(axis=1) - shoulder[..., 1].mean(axis=1) > 0.15) & (
        ankle[..., 1].max(axis=1) - hip[..., 1].mean(axis=1) > 0.2)
    sure = np.minimum(heel[..., 2], toes[..., 2]).min(axis=1) > 0
    says = np.clip(facing / 0.1, -1, 1) * np.clip(np.take_along_axis(below, standing, 1)[:, 0] / 0.04, -1, 1)
    return np.where(upright & sure, says, 0.0)


def _cheapest(moves: Costs, cost: Costs) -> NDArray[np.int64]:
    """(T,) the states of the cheapest way through all frames (Viterbi over pairs of states).

    Args:
        moves: (T,3,2,2) of each group, by whether its label changes (:func:`_moves`).
        cost: (T,8) of each state.
    """
    differ = _STATES[:, None] ^ _STATES[None]  # (8,8,3)
    change = (_CHANGE * differ).sum(axis=-1)
    # of the states of frames t - 2, t - 1, t: where in moves[t] the cost of each group stands
    place = 4 * np.arange(3) + 2 * differ[None, :, :] + differ[:, :, None]
    flat = moves.reshape(len(moves), -1)
    best = cost[0][:, None] + cost[1] + change + flat[1][4 * np.arange(3) + 2 * differ].sum(axis=-1)
    back = np.zeros((len(moves), 8, 8), dtype=np.int8)
    for t in range(2, len(moves)):
        total = best[:, :, None] + flat[t][place].sum(axis=-1)
        back[t] = total.argmin(axis=0)
        best = total.min(axis=0) + cost[t] + change
    path = np.zeros(len(moves), dtype=np.int64)
    path[-2], path[-1] = np.unravel_index(int(best.argmin()), best.shape)
    for t in range(len(moves) - 1, 1, -1):
        path[t - 2] = back[t, path[t - 1], path[t]]
    return path
