"""Whose pixels are whose: masks of people who are in each other's way."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from itertools import combinations

import cv2
import numpy as np
from numpy.typing import NDArray

from humanav.perception.follow_looks import Looks, Pixels, likeness
from humanav.perception.people import inside_frame, skeleton_cover
from humanav.perception.person import Person2D

Array = NDArray[np.float32]
Binary = NDArray[np.bool_]

_MARGIN = 8  # pixels by which a mask may reach over its box
_HIDDEN = 0.3  # of the confidence is left to a point behind somebody else
_MOST_HIDDEN = 0.7  # of the body's points: one who is more hidden is not seen


def parted(
    people: Sequence[Person2D], picture: Pixels, looks: Sequence[Looks | None]
) -> list[Person2D | None]:
    """People of one picture with masks that do not overlap, and less confidence where another hides them; None for
    one who is all hidden.

    A pixel on a skeleton goes to the one on whom its colour is much commoner; else one in two masks goes to the one
    whose skeleton it is nearer to, or to the surer mask.
    """
    masks = [np.array(person.mask) for person in people]
    for i, j in combinations(range(len(people)), 2):
        low, high = (pick(people[i].box[k], people[j].box[k]) for pick, k in
                     ((np.maximum, slice(0, 2)), (np.minimum, slice(2, 4))))
        (x0, y0), (x1, y1) = np.clip(low - _MARGIN, 0, None).astype(int), (high + _MARGIN).astype(int)
        if x1 <= x0 or y1 <= y0:
            continue
        part = np.s_[y0:y1, x0:x1]
        one, other = (masks[n][part] for n in (i, j))
        covers = [skeleton_cover(people[n], masks[n].shape)[part] for n in (i, j)]
        whose = _by_colour(picture[part], looks[i], looks[j])
        first = (one > 0.3) & np.where(covers[0] == covers[1], one >= other, covers[0])
        first = np.where((whose > 0) & covers[0], True, np.where((whose < 0) & covers[1], False, first))
        both = np.maximum(one, other)
        either = (one > 0.3) & ((other > 0.3) | (whose < 0)) | (other > 0.3) & (whose > 0)
        one[either], other[either] = np.where(first, both, 0)[either], np.where(first, 0, both)[either]
    out: list[Person2D | None] = []
    for i, person in enumerate(people):
        keypoints, (height, width) = person.keypoints.copy(), masks[i].shape
        inside = np.flatnonzero(inside_frame(keypoints, width, height))
        x, y = keypoints[inside, :2].astype(int).T
        others = [mask[y, x] for n, mask in enumerate(masks) if n != i]
        hidden = inside[(np.max(others, axis=0) > 0.5) & (masks[i][y, x] < 0.5)] if others else inside[:0]
        keypoints[hidden, 2] *= _HIDDEN
        body = inside[inside > 10]  # not the face, which is a third of the points
        gone = len(body) == 0 or np.isin(body, hidden).mean() > _MOST_HIDDEN
        out.append(None if gone else replace(person, keypoints=keypoints, mask=masks[i]))
    return out


def _by_colour(picture: Pixels, first: Looks | None, second: Looks | None) -> NDArray[np.int8]:
    """(H,W) 1 where the colour is much commoner on the first, -1 on the second, 0 where it does not tell."""
    whose = np.zeros(picture.shape[:2], dtype=np.int8)
    if first is not None and second is not None:
        one, other = likeness(picture, first), likeness(picture, second)
        whose[one > 3 * other + 0.02], whose[other > 3 * one + 0.02] = 1, -1
    return whose


def carried(person: Person2D, way: Array, shape: tuple[int, int]) -> Array:
    """A person's mask moved by ``way`` (2,) pixels; (H,W), empty when it has none of this shape."""
    mask = person.mask
    if mask is None or mask.shape != shape:
        return np.zeros(shape, dtype=np.float32)
    shift = np.array([[1, 0, way[0]], [0, 1, way[1]]], dtype=np.float32)
    return np.asarray(cv2.warpAffine(mask, shift, shape[::-1]), dtype=np.float32)


def dilated(mask: Binary) -> Binary:
    """The mask (H,W) and the pixels round it."""
    reach = max(1, max(mask.shape) // 200)
    kernel = np.ones((2 * reach + 1,) * 2, dtype=np.uint8)
    return np.asarray(cv2.dilate(mask.view(np.uint8), kernel) > 0)
