"""Which of the people in a keypoint file are the same over time, and which of them is wanted."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import linear_sum_assignment

from humanav.errors import InputError, SeveralPeopleError

Numbers = NDArray[np.float64]

_FEW = 0.1  # people in fewer frames than this share of the longest are passing finds
_NEAR = 0.5  # of the person's size: farther apart in consecutive frames are two people
_DRIFT = 0.03  # more of it for each frame between
_FAR = 1.5
_LISTED = 6


@dataclass(frozen=True)
class Track:
    """One person: its label and the rows of the points that are it."""

    label: str
    rows: NDArray[np.int64]


def tracks(points: Numbers, frames: NDArray[np.int64], labels: Sequence[str | None]) -> list[Track]:
    """People over time, the largest presence (frames times area) first.

    People are told by the file's labels where every one has one and none occurs twice in a frame; else by being nearest
    from frame to frame.

    Args:
        points: (N,K,3) x, y, confidence, NaN where missing.
        frames: (N,) ascending frame of each.
        labels: (N,) whose, in the file.
    """
    if len(set(frames.tolist())) == len(frames) and len(set(labels)) == 1:
        return [Track(labels[0] or "1", np.arange(len(frames)))]
    if all(label is not None for label in labels) and len(set(zip(frames.tolist(), labels))) == len(frames):
        groups: dict[str, list[int]] = {}
        for row, label in enumerate(labels):
            groups.setdefault(str(label), []).append(row)
        named = True
    else:
        groups = {str(number): rows for number, rows in enumerate(_linked(points, frames))}
        named = False
    area = _sizes(points) ** 2
    ordered = sorted(groups.items(), key=lambda item: -float(area[item[1]].sum()))
    return [Track(label if named else str(place), np.array(rows, dtype=np.int64))
            for place, (label, rows) in enumerate(ordered, 1)]


def chosen(
    found: Sequence[Track], person: int | str | None, points: Numbers, frames: NDArray[np.int64], file: str,
    notes: list[str], width: int,
) -> Track:
    """The person asked for by label, or "largest"; without a word the only one.

    Raises:
        SeveralPeopleError: several and none asked for.
        InputError: nobody of that label.
    """
    longest = max(len(track.rows) for track in found)
    lasting = [track for track in found if len(track.rows) >= _FEW * longest]
    if person == "largest":
        if len(lasting) > 1:
            notes.append(f"There are {len(lasting)} people in the file: the largest is used.")
        return max(lasting, key=lambda track: float(np.median(_sizes(points)[track.rows])))
    if person is not None:
        for track in found:
            if track.label == str(person):
                return track
        if len(found) > 1 or "/" not in str(person):  # a name with a slash has chosen a clip already
            raise InputError(f"There is no person {person!r} in {file}; there are {_listed(found)}.")
    if len(lasting) > 1:
        described = {track.label: _described(track, points, frames, width) for track in lasting}
        listed = _LISTED if len(described) <= _LISTED else _LISTED // 2
        text = "; ".join(f"{label} ({words})" for label, words in list(described.items())[:listed])
        more = f" and {len(described) - listed} more" if len(described) > listed else ""
        raise SeveralPeopleError(f"There are {len(described)} people in {file}, say which one: {text}{more}; or the "
                                 "largest.", described)
    if len(found) > 1:
        notes.append(f"{len(found) - 1} others are found in a few frames only and left out.")
    return lasting[0]


def _described(track: Track, points: Numbers, frames: NDArray[np.int64], width: int) -> str:
    x = float(np.nanmedian(points[track.rows][..., 0])) / width
    place = "left" if x < 0.4 else "right" if x > 0.6 else "middle"
    own = frames[track.rows]
    return f"{place}, {len(own)} frames from {own[0]} to {own[-1]}, {np.median(_sizes(points)[track.rows]):.0f} px tall"


def _listed(found: Sequence[Track]) -> str:
    return ", ".join(track.label for track in found[:_LISTED]) + (" and more" if len(found) > _LISTED else "")


def _sizes(points: Numbers) -> Numbers:
    """(N,) the longer side of each person's box, pixels."""
    seen = (points[..., 2] > 0)[..., None]
    high = np.where(seen, points[..., :2], -np.inf).max(axis=1)
    low = np.where(seen, points[..., :2], np.inf).min(axis=1)
    size: Numbers = np.where(np.isfinite(high).all(axis=1), (high - low).max(axis=1), 0.0)
    return size


def _linked(points: Numbers, frames: NDArray[np.int64]) -> list[list[int]]:
    """Rows of each person, by the best assignment of the people of each frame to those seen before."""
    sizes = np.maximum(_sizes(points), 1.0)
    people: list[list[int]] = []
    begins = np.flatnonzero(np.diff(frames, prepend=frames[0] - 1))
    for begin, end in zip(begins, [*begins[1:], len(frames)]):
        rows = np.arange(begin, end)
        if people:
            last = np.array([own[-1] for own in people])
            gap = frames[begin] - frames[last] - 1
            limit = np.minimum(_NEAR + _DRIFT * gap, _FAR)[:, None]
            cost = _apart(points, last, rows) / np.sqrt(sizes[last][:, None] * sizes[rows][None])
            allowed = cost < limit
            olds, news = linear_sum_assignment(np.where(allowed, cost, 1e6))
            taken = {int(new): int(old) for old, new in zip(olds, news) if allowed[old, new]}
        else:
            taken = {}
        for new, row in enumerate(rows.tolist()):
            if new in taken:
                people[taken[new]].append(row)
            else:
                people.append([row])
    return people


def _apart(points: Numbers, a: NDArray[np.int64], b: NDArray[np.int64]) -> Numbers:
    """(A,B) mean distance of the points both have, or of the middles where they have none in common; pixels."""
    out = np.empty((len(a), len(b)))
    for i, first in enumerate(points[a]):
        distance = np.linalg.norm(points[b][..., :2] - first[None, :, :2], axis=-1)
        common = np.isfinite(distance)
        total = np.where(common, distance, 0).sum(axis=1)
        middles = np.linalg.norm(np.nanmean(points[b][..., :2], axis=1) - np.nanmean(first[:, :2], axis=0), axis=-1)
        out[i] = np.where(common.sum(axis=1) >= 2, total / np.maximum(common.sum(axis=1), 1), middles)
    return np.nan_to_num(out, nan=1e6)
