"""Who is who: found people and the truth brought to the same frames and points, matched one to one in each frame."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from humanav.body.names import JOINT_NAMES, PARENTS
from humanav.errors import InputError
from humanav.multiview.evaluate_people import Array, People3D, compared_names, middles_to_derive

GATE = 500.0
"""Millimetres between two people, above whom they are not the same."""
_SAME_RATE = 0.02
_SKEL19 = (  # every point of skel19 to its parent, 18 bones
    ("neck", "pelvis"), ("right_hip", "pelvis"), ("left_hip", "pelvis"), ("nose", "neck"), ("right_shoulder", "neck"),
    ("left_shoulder", "neck"), ("right_knee", "right_hip"), ("left_knee", "left_hip"), ("right_ear", "nose"),
    ("left_ear", "nose"), ("right_elbow", "right_shoulder"), ("left_elbow", "left_shoulder"),
    ("right_ankle", "right_knee"), ("left_ankle", "left_knee"), ("right_wrist", "right_elbow"),
    ("left_wrist", "left_elbow"), ("left_big_toe", "left_ankle"), ("right_big_toe", "right_ankle"))
_SHELF = (*((f"{side}_{a}", f"{side}_{b}") for side in ("left", "right") for a, b in (
    ("shoulder", "elbow"), ("elbow", "wrist"), ("hip", "knee"), ("knee", "ankle"))),
    ("head_bottom", "head_top"), ("head_bottom", "pelvis"))
_SMPL = tuple((f"smpl_{JOINT_NAMES[k]}", f"smpl_{JOINT_NAMES[PARENTS[k]]}") for k in range(1, 22))


@dataclass(frozen=True)
class Paired:
    """Both sides over the N frames they share, and who is who.

    Attributes:
        found: (N,P,K,4); truth: (N,Q,K,4). distance: (N,P,Q,K) millimetres, NaN where either is unknown.
        apart: (N,P,Q) its mean over points, inf where there is too little to compare.
        match: (N,Q) the found person, -1 for nobody.
        found_ids, truth_ids, points: names.
        found_index, truth_index: (N,) rows in the whole.
    """

    found: Array
    truth: Array
    distance: Array
    apart: Array
    match: NDArray[np.int64]
    found_ids: tuple[str, ...]
    truth_ids: tuple[str, ...]
    points: tuple[str, ...]
    found_index: NDArray[np.int64]
    truth_index: NDArray[np.int64]

    @property
    def present(self) -> NDArray[np.bool_]:
        """(N,P) where a found person is there."""
        return np.asarray((self.found[..., 3] > 0).any(axis=2))

    @property
    def real(self) -> NDArray[np.bool_]:
        """(N,Q) where a person of the truth is there."""
        return np.asarray((self.truth[..., 3] > 0).any(axis=2))

    @property
    def confidence(self) -> Array:
        """(N,P) mean confidence of a found person's known points, 0 where there are none."""
        sure = self.found[..., 3]
        return np.asarray(sure.sum(axis=2) / np.maximum((sure > 0).sum(axis=2), 1))

    @property
    def error(self) -> Array:
        """(N,Q,K) millimetres from every point of the truth to the matched person's, NaN where there is none."""
        if not self.found_ids:
            return np.full(self.truth.shape[:3], np.nan)
        t, q = np.indices(self.match.shape)
        return np.where((self.match >= 0)[..., None], self.distance[t, np.maximum(self.match, 0), q], np.nan)


def pair_people(
    found: People3D, truth: People3D, *, keypoint_set: str = "auto", start: int | None = None,
    frames: Sequence[int] | None = None, gate: float = GATE,
) -> Paired:
    """Bring both to the same frames and points, and match the people one to one in each.

    Numbered frames meet by number. Otherwise the found ones begin at the truth's first, or at its frame ``start``, and
    both advance by their frame rates (a ratio within 2 % of a whole number is that number: 29.97 is 30).

    Raises:
        InputError: no frame or no point in common.
    """
    names = compared_names(found, truth, keypoint_set)
    i, j = _shared_frames(found, truth, start)
    if frames is not None:
        numbers = j if truth.frames is None else truth.frames[j]
        kept = np.isin(numbers, np.asarray(list(frames), np.int64))
        i, j = i[kept], j[kept]
        if not len(i):
            raise InputError("The result and the truth have none of the frames in common that were asked for.")
    anew = middles_to_derive(found, truth)
    a, b = _rows(found, names, anew, i), _rows(truth, names, anew, j)
    known = (a[..., 3] > 0)[:, :, None] & (b[..., 3] > 0)[:, None]
    with np.errstate(invalid="ignore"):
        distance = np.linalg.norm(a[:, :, None, :, :3] - b[:, None, :, :, :3], axis=4) * 1000
    distance = np.where(known, distance, np.nan)
    common = known.sum(axis=3)
    enough = common >= np.maximum(1, np.minimum(3, (b[..., 3] > 0).sum(axis=2)))[:, None]
    apart = np.where(enough, np.nansum(distance, axis=3) / np.maximum(common, 1), np.inf)
    ids = tuple(found.people), tuple(truth.people)
    return Paired(a, b, distance, apart, _one_to_one(apart, gate), *ids, names, i, j)


def bones_of(names: Sequence[str]) -> list[tuple[int, int]]:
    """The parts that PCP counts among these points, as pairs of indices: the Shelf's, the SMPL tree's, or skel19's."""
    table = _SHELF if "head_bottom" in names else _SMPL if "smpl_left_hip" in names else _SKEL19
    place = {name: k for k, name in enumerate(names)}
    return [(place[a], place[b]) for a, b in table if a in place and b in place]


def with_pelvis(pairs: Paired) -> Paired:
    """The same with the middle of the hips as a further point, where it is missing and both hips are there."""
    if "pelvis" in pairs.points or not {"left_hip", "right_hip"} <= set(pairs.points):
        return pairs
    left, right = (pairs.points.index(f"{side}_hip") for side in ("left", "right"))
    sides = []
    for points in (pairs.found, pairs.truth):
        middle = (points[:, :, left] + points[:, :, right]) / 2
        middle[..., 3] = np.minimum(points[:, :, left, 3], points[:, :, right, 3])
        sides.append(np.concatenate([points, middle[:, :, None]], axis=2))
    apart = np.linalg.norm(sides[0][:, :, None, -1, :3] - sides[1][:, None, :, -1, :3], axis=3) * 1000
    return replace(pairs, found=sides[0], truth=sides[1], points=(*pairs.points, "pelvis"),
                   distance=np.concatenate([pairs.distance, apart[..., None]], axis=3))


def _shared_frames(found: People3D, truth: People3D, start: int | None) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    if not found.people and found.frames is None:  # nobody at all: everybody was missed
        return np.full(truth.count, -1), np.arange(truth.count)
    if found.frames is not None and truth.frames is not None and start is None:
        _, i, j = np.intersect1d(found.frames, truth.frames, return_indices=True)
    else:
        numbers = np.arange(truth.count) if truth.frames is None else truth.frames
        since = numbers - (start if start is not None else numbers[:1])
        ratio = truth.fps / found.fps
        whole = max(1, round(ratio))
        ratio = whole if abs(ratio / whole - 1) < _SAME_RATE else ratio
        if ratio >= 1:  # several of the truth's for one found
            _, i, j = np.intersect1d(np.rint(np.arange(found.count) * ratio), since, return_indices=True)
        else:
            _, j, i = np.intersect1d(np.rint(since / ratio), np.arange(found.count), return_indices=True)
    if not len(i):
        raise InputError("The result and the truth have no frame in common: give the number of the truth's frame that "
                         "is the result's first.")
    return i.astype(np.int64), j.astype(np.int64)


def _rows(people: People3D, names: Sequence[str], anew: Sequence[str], index: NDArray[np.int64]) -> Array:
    taken = list(people.taken(names, anew).values())
    if not taken:
        return np.zeros((len(index), 0, len(names), 4))
    return np.stack(taken, axis=1)[index]


def _one_to_one(apart: Array, gate: float) -> NDArray[np.int64]:
    from scipy.optimize import linear_sum_assignment

    match = np.full((len(apart), apart.shape[2]), -1, np.int64)
    for t, cost in enumerate(apart):
        rows, columns = linear_sum_assignment(np.where(cost <= gate, cost, 1e6))
        good = cost[rows, columns] <= gate
        match[t, columns[good]] = rows[good]
    return match
