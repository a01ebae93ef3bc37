"""Where the followed people are in a frame, with room round them: what a background must not be taken from."""

from __future__ import annotations

from functools import lru_cache

import cv2
import numpy as np
from numpy.typing import NDArray

from humanav.perception.takes import MASK_SIDE, People, Take

Binary = NDArray[np.bool_]
Floats = NDArray[np.float32]

_PERSON = 0.2  # of a soft mask: more than this may be person
_ROOM = 0.022  # of the person's size, round a mask
_BOX_ROOM = 0.1  # of the box, round it; keypoints lie inside the body


class Cover:
    """The people of a clip as pictures of where they are.

    Args:
        people: whom to cover; a take without a mask in some frame is covered by its box there, and by the boxes before
            and after where it was not seen in between.
    """

    def __init__(self, people: People) -> None:
        self._people = people
        self._boxes = [_bridged(take.boxes) for take in people.takes]
        factor = min(1.0, MASK_SIDE / max(people.width, people.height))
        self._size = max(1, round(people.width * factor)), max(1, round(people.height * factor))

    def small(self, frame: int) -> Floats:
        """(h,w) 0..1 of the frame of this number, at most :data:`humanav.perception.takes.MASK_SIDE` a side."""
        width, height = self._size
        cover = np.zeros((height, width), dtype=np.float32)
        for take, boxes in zip(self._people.takes, self._boxes):
            if take.start <= frame < take.stop:
                np.maximum(cover, self._one(take, boxes[frame - take.start], frame - take.start), out=cover)
        return cover

    def at(self, frame: int, width: int, height: int) -> Floats:
        """(height, width) 0..1, with soft edges: 0.5 and more is covered."""
        return np.asarray(cv2.resize(self.small(frame), (width, height), interpolation=cv2.INTER_LINEAR), np.float32)

    def _one(self, take: Take, box: Floats, t: int) -> Floats:
        width, height = self._size
        cover = np.zeros((height, width), dtype=np.float32)
        scale = width / self._people.width
        mask = take.mask(t)
        if not np.isfinite(box).all():
            return cover
        size = float(max(box[2] - box[0], box[3] - box[1])) * scale
        if mask is None or mask.max() < 0.5:
            low, high = box[:2] * scale - _BOX_ROOM * size, box[2:] * scale + _BOX_ROOM * size
            left, top = np.clip(np.floor(low), 0, self._size).astype(int)
            right, bottom = np.clip(np.ceil(high), 0, self._size).astype(int)
            cover[top:bottom, left:right] = 1
            return cover
        person = cv2.resize(mask, self._size, interpolation=cv2.INTER_LINEAR) > _PERSON
        radius = max(2, round(_ROOM * size))
        return np.asarray(cv2.dilate(person.astype(np.float32), _disc(radius)), dtype=np.float32)


@lru_cache(maxsize=64)
def _disc(radius: int) -> NDArray[np.uint8]:
    return np.asarray(cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (2 * radius + 1, 2 * radius + 1)), dtype=np.uint8)


def _bridged(boxes: Floats) -> Floats:
    """Boxes (T,4) with those between seen ones interpolated."""
    seen = np.flatnonzero(np.isfinite(boxes).all(axis=1))
    if len(seen) == 0 or len(seen) == len(boxes):
        return boxes
    out = boxes.copy()
    between = np.arange(seen[0], seen[-1] + 1)
    for k in range(4):
        out[between, k] = np.interp(between, seen, boxes[seen, k])
    return out
