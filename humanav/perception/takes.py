"""What following people through a clip gives: one :class:`Take` for each stretch in which one person is seen."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from humanav.perception.sequence import KeypointSequence

Array = NDArray[np.float32]


@dataclass(frozen=True)
class Take:
    """One person in a run of frames of one shot; T frames.

    Attributes:
        person_id: whose, "1" for the largest at first; the same person keeps it through crossings and long absences.
        part: 0 for the first take of this person, 1 after a long absence, ...
        start: number of its first frame in the clip as it was read.
        sequence: body keypoints of every frame, pixels of the clip's frames; confidence 0 where not seen.
        boxes: (T,4) x0, y0, x1, y1; NaN where not seen.
        world: (T,K,3) the detector's own 3D in metres (hip-centred, OpenCV axes), NaN where it gave none; None for a
            detector that gives none at all.
        left_hand, right_hand: (T,21,3) x, y, confidence, 0 where not found; None when hands were not looked for.
        face: (T,F,3) the points of :data:`humanav.body.landmarks.FACE_POINTS`, likewise.
        masks: T encoded masks (:func:`encode_mask`), None for frames without; empty when none were made.
    """

    person_id: str
    part: int
    start: int
    sequence: KeypointSequence
    boxes: Array
    world: Array | None = None
    left_hand: Array | None = None
    right_hand: Array | None = None
    face: Array | None = None
    masks: Sequence[bytes | None] = ()

    def __len__(self) -> int:
        return len(self.sequence)

    @property
    def label(self) -> str:
        """Whose, and which part: "1", "2", "2b"."""
        return self.person_id + part_letter(self.part)

    @property
    def stop(self) -> int:
        """Number of the frame after its last."""
        return self.start + len(self)

    @property
    def seen(self) -> NDArray[np.bool_]:
        """(T,) in which frames the person was seen."""
        return np.asarray(np.isfinite(self.boxes[:, 0]))

    def mask(self, t: int) -> Array | None:
        """The soft mask (h,w) 0..1 of the take's frame ``t``, over the whole picture, smaller than it; None where
        there is none."""
        data = self.masks[t] if t < len(self.masks) else None
        return None if data is None else decode_mask(data)


@dataclass(frozen=True)
class People:
    """Everybody who was followed through a clip.

    Attributes:
        takes: in the order of person and part.
        shots: (first, after last) frame of each shot; a clip without cuts has one.
        fps, width, height, frames: of the clip as it was read.
        notes: sentences on what was found and done.
    """

    takes: tuple[Take, ...]
    shots: tuple[tuple[int, int], ...]
    fps: float
    width: int
    height: int
    frames: int
    notes: tuple[str, ...] = field(default=())

    def of(self, person_id: str) -> Iterator[Take]:
        """The takes of one person."""
        return (take for take in self.takes if take.person_id == person_id)

    @property
    def person_ids(self) -> tuple[str, ...]:
        """Everybody, in order."""
        return tuple(dict.fromkeys(take.person_id for take in self.takes))


def part_letter(part: int) -> str:
    """What tells a person's parts apart: nothing for the first, then b, c, ..., z, ba, bb, ..."""
    letters = ""
    while part > 0:
        part, digit = divmod(part, 26)
        letters = chr(ord("a") + digit) + letters
    return letters


MASK_SIDE = 320
"""Longer side of stored masks in pixels."""


def encode_mask(mask: Array) -> bytes:
    """A mask (H,W) 0..1 as a small PNG of at most :data:`MASK_SIDE` pixels a side."""
    import cv2

    factor = min(1.0, MASK_SIDE / max(mask.shape))
    small = mask if factor == 1 else cv2.resize(mask, None, fx=factor, fy=factor, interpolation=cv2.INTER_AREA)
    done, data = cv2.imencode(".png", np.round(np.clip(small, 0, 1) * 255).astype(np.uint8))
    assert done
    return data.tobytes()


def decode_mask(data: bytes) -> Array:
    """The inverse of :func:`encode_mask`: (h,w) float32 0..1."""
    import cv2

    picture = cv2.imdecode(np.frombuffer(data, dtype=np.uint8), cv2.IMREAD_GRAYSCALE)
    return np.asarray(picture, dtype=np.float32) / 255
