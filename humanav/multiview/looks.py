"""What people look like in different views: colours tell apart whom two cameras alone cannot."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from humanav.multiview.detect_stack import Followed
from humanav.multiview.value import Sightings

Array = NDArray[np.float64]

_WEIGHT = 0.5  # of looks beside rays
_SAMPLES = 12  # frames from which colours are told
_SIDE = 640  # pixels


def settled(sightings: Sightings) -> Array:
    """(T,V,D,L) looks averaged over everything the view's tracker says is the same person."""
    out = sightings.looks.copy()
    for view in range(out.shape[1]):
        tracks = sightings.tracks[:, view]
        for track in np.unique(tracks[tracks >= 0]):
            own = tracks == track
            told = own & (out[:, view].sum(axis=-1) > 0)
            if told.any():
                out[:, view][own] = out[:, view][told].mean(axis=0)
    return out


def likeness(first: Array, second: Array) -> Array:
    """(...,A,B) Bhattacharyya coefficients of histograms (...,A,L) and (...,B,L), 0..1; NaN where one is empty."""
    alike = np.sqrt(first) @ np.swapaxes(np.sqrt(second), -1, -2)
    told = (first.sum(axis=-1) > 0)[..., None] & (second.sum(axis=-1) > 0)[..., None, :]
    return np.where(told, alike, np.nan)


def told_apart(alike: Array, sightings: Sightings) -> Array:
    """Affinities (T,N,N) by rays, with what colours say: more for a pair that looks more alike than it does with the
    others of the two views, less for one that looks less alike. Where rays do not meet, colours do not help.
    """
    frames, views, most = sightings.looks.shape[:3]
    looks = settled(sightings)
    out = alike.reshape(frames, views, most, views, most).copy()
    for a in range(views):
        for b in range(a + 1, views):
            same = likeness(looks[:, a], looks[:, b])  # (T,D,D)
            known = np.isfinite(same)
            filled = np.where(known, same, 0.0)
            # light and white balance differ between cameras: only what sets a pair apart from the others counts
            rows = filled.sum(axis=2, keepdims=True) / np.maximum(known.sum(axis=2, keepdims=True), 1)
            columns = filled.sum(axis=1, keepdims=True) / np.maximum(known.sum(axis=1, keepdims=True), 1)
            edge = np.where(known, filled - (rows + columns) / 2, 0.0)
            own = out[:, a, :, b]
            own = np.where(own > 0, np.maximum(own + _WEIGHT * edge, 1e-3), 0.0)
            out[:, a, :, b] = own
            out[:, b, :, a] = np.swapaxes(own, 1, 2)
    return out.reshape(alike.shape)


def looks_in_view(footage: Any, view: int, people: Sequence[Followed]) -> list[Array | None]:
    """(L,) colours of each of a view's people, torso and legs, from a few frames; None where they cannot be seen.

    Args:
        footage: the pictures.
        view: which view.
        people: followed in it.
    """
    import cv2

    from humanav.perception.follow_looks import looks_of
    from humanav.perception.person import Person2D
    from humanav.perception.takes import decode_mask

    sums: list[Array | None] = [None] * len(people)
    for t in np.unique(np.linspace(0, footage.frames - 1, min(footage.frames, _SAMPLES)).astype(int)):
        there = [i for i, person in enumerate(people) if person.start <= t < person.stop
                 and (person.keypoints[t - person.start, :, 2] > 0).any()]
        if not there:
            continue
        frame = footage.frame(view, int(t))
        factor = min(1.0, _SIDE / max(frame.shape[:2]))
        small = cv2.resize(frame, None, fx=factor, fy=factor, interpolation=cv2.INTER_AREA)
        for i in there:
            person, place = people[i], int(t) - people[i].start
            points = person.keypoints[place].astype(np.float32) * np.array([factor, factor, 1], np.float32)
            data = person.masks[place] if place < len(person.masks) else None
            mask = None if data is None else cv2.resize(decode_mask(data), small.shape[1::-1]).astype(np.float32)
            found = looks_of(small, Person2D(points, person.keypoint_set, np.zeros(4, np.float32), 1.0, mask))
            own = _coarse(found.colours)
            if own.any():
                before = sums[i]
                sums[i] = own if before is None else before + own
    return [None if total is None else total / total.sum() for total in sums]


def _coarse(colours: NDArray[np.float32]) -> Array:
    """(L,) of the histograms (2,B) of torso and legs with four neighbouring hues put together, NaN as zero."""
    table = np.nan_to_num(colours.astype(np.float64)).reshape(2, 5, 4, 2, 4, 2)
    return np.asarray(table.sum(axis=(3, 5)).ravel())
