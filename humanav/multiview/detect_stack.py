"""People followed in single views, put side by side: one slot for each person that a view shows at the same time."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from humanav.multiview.value import Sightings
from humanav.perception.detector import Detector
from humanav.perception.person import Person2D
from humanav.perception.takes import Take, encode_mask
from humanav.progress import Progress

Array = NDArray[np.float64]

SMALLEST = 0.3
"""Of the tallest person's height in a view: smaller people are bystanders."""


@dataclass(frozen=True)
class Followed:
    """One person in a run of frames of one view.

    Attributes:
        number: of the person in this view, -1 when it is not followed.
        start: the first frame.
        keypoints: (t,K,3) pixels of the footage, confidence.
        keypoint_set: their layout.
        masks: encoded, None where there is none; empty without masks.
    """

    number: int
    start: int
    keypoints: Array
    keypoint_set: str
    masks: Sequence[bytes | None] = field(default=())

    @classmethod
    def of(cls, take: Take) -> Followed:
        """A take as following gives it."""
        points = take.sequence.keypoints.astype(np.float64)
        points[~take.seen] = 0
        return cls(int(take.person_id), take.start, points, take.sequence.keypoint_set, tuple(take.masks))

    @property
    def stop(self) -> int:
        """The frame after the last."""
        return self.start + len(self.keypoints)

    @property
    def height(self) -> float:
        """Median of the taller side of its keypoints' boxes, pixels."""
        seen = self.keypoints[..., 2] > 0.3
        xy = self.keypoints[..., :2]
        size = (np.where(seen[..., None], xy, -np.inf).max(axis=1) - np.where(seen[..., None], xy, np.inf).min(axis=1))
        tall = size[np.isfinite(size).all(axis=1)].max(axis=1, initial=0)
        return float(np.median(tall)) if len(tall) else 0.0


def stacked(
    found: Sequence[Sequence[Followed]], colours: Sequence[Sequence[Array | None]], footage: Any,
    factors: Sequence[Array], notes: list[str],
) -> Sightings:
    """All views' people as one value; the bystanders of each view are left out, and ``notes`` say so.

    Args:
        found: of each view.
        colours: (L,) of each of them, None where unknown.
        footage: with names, fps and frames.
        factors: (2,) of each view, by which its pixels are multiplied.
        notes: sentences, added to.
    """
    kept: list[list[tuple[Followed, Array | None]]] = []
    for name, own, looks in zip(footage.names, found, colours):
        # whoever is not followed may be half hidden in this one frame: size says nothing
        heights = {number: float(np.median([person.height for person in own if person.number == number]))
                   for number in {person.number for person in own if person.number >= 0}}
        small = {number for number, height in heights.items() if height < SMALLEST * max(heights.values())}
        large = [(person, look) for person, look in zip(own, looks) if person.number not in small]
        if small:
            notes.append(f"{name}: {len(small)} much smaller than the others in the picture: taken for bystanders and "
                         "left out.")
        kept.append(large)
    slots = [_slots([person for person, _ in own]) for own in kept]
    most = max(1, *(max(places, default=-1) + 1 for places in slots))
    everybody = [person for own in kept for person, _ in own]
    layout = everybody[0].keypoint_set if everybody else "coco17"
    count = everybody[0].keypoints.shape[1] if everybody else 17
    length = max((len(look) for own in kept for _, look in own if look is not None), default=0)
    head = (footage.frames, len(footage.names), most)
    points, tracks = np.zeros((*head, count, 3)), np.full(head, -1, np.int64)
    seen_looks, masks = np.zeros((*head, length)), {}
    for view, (shown, places) in enumerate(zip(kept, slots)):
        for (person, look), slot in zip(shown, places):
            part = slice(person.start, person.stop)
            there = (person.keypoints[..., 2] > 0).any(axis=1)
            points[part, view, slot] = person.keypoints
            points[part, view, slot, :, :2] *= factors[view]
            tracks[part, view, slot] = np.where(there, person.number, -1)
            if look is not None:
                seen_looks[part, view, slot] = np.where(there[:, None], look, 0.0)
            masks.update({(person.start + t, view, slot): mask for t, mask in enumerate(person.masks)
                          if mask is not None and there[t]})
    points[points[..., 2] <= 0] = 0
    return Sightings(points, layout, tuple(footage.names), footage.fps, tracks, seen_looks, masks, tuple(notes))


def _slots(people: Sequence[Followed]) -> list[int]:
    """A slot for each, free for as long as it is there; the same person keeps its own where it can."""
    ends: list[int] = []
    usual: dict[int, int] = {}
    out = [0] * len(people)
    for i in sorted(range(len(people)), key=lambda i: people[i].start):
        person = people[i]
        free = [slot for slot, end in enumerate(ends) if end <= person.start]
        slot = usual.get(person.number, -1)
        if slot not in free:
            slot = free[0] if free else len(ends)
        if slot == len(ends):
            ends.append(0)
        ends[slot], out[i] = person.stop, slot
        if person.number >= 0:
            usual[person.number] = slot
    return out


def plain_follow(
    footage: Any, view: int, detector: Detector, most: int, masks: bool,
    watch: Callable[[int, int, NDArray[np.uint8], list[Person2D]], None] | None, progress: Progress | None,
) -> list[Followed]:
    """People found in each frame of a view by itself, nobody followed."""
    out = []
    for t in range(footage.frames):
        if progress is not None:
            progress.update(t / footage.frames)
        frame = footage.frame(view, t)
        people = detector.detect(frame, most)
        if watch is not None:
            watch(view, t, frame, people)
        for person in people:
            mask = encode_mask(person.mask) if masks and person.mask is not None else None
            out.append(Followed(-1, t, np.asarray(person.keypoints, np.float64)[None], person.keypoint_set,
                                (mask,) if mask is not None else ()))
    return out
