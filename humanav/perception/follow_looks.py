"""What followed people look like and where they go: colours of torso and legs, and how far a person can have come."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import cv2
import numpy as np
from numpy.typing import NDArray

from humanav.body.landmarks import KEYPOINT_SETS
from humanav.perception.person import Person2D

Array = NDArray[np.float32]
Pixels = NDArray[np.uint8]

_BINS = (5, 8, 8)  # lightness, green to red, blue to yellow
_RANGES = [0, 256, 96, 176, 88, 184]
_IN_RANGE = np.stack([np.clip(np.arange(256), low, high - 1) for low, high in zip(_RANGES[::2], _RANGES[1::2])],
                     axis=1)[:, None].astype(np.uint8)
_FEWEST = 40  # pixels of a region whose colours count
_SLOWEST, _FASTEST = 0.25, 1.5  # of the own size: leeway at once, and per second


@dataclass(frozen=True)
class Looks:
    """Colour histograms of a person's regions, each of sum 1; NaN for a region that cannot be seen.

    Attributes:
        colours: (2,B) of the torso and of the legs.
    """

    colours: Array

    def apart(self, other: Looks) -> float:
        """Distance 0 (alike) .. 1 (no common colour) over the regions that both show; NaN when there is none."""
        common = np.isfinite(self.colours[:, 0]) & np.isfinite(other.colours[:, 0])
        if not common.any():
            return float("nan")
        alike = np.sqrt(self.colours[common] * other.colours[common]).sum(axis=1)
        return float(np.sqrt(np.clip(1 - alike, 0, 1)).mean())

    def learned(self, other: Looks, rate: float) -> Looks:
        """These looks with ``other`` mixed in."""
        mixed = (1 - rate) * self.colours + rate * other.colours
        known = np.isfinite(self.colours), np.isfinite(other.colours)
        return Looks(np.where(known[0] & known[1], mixed, np.where(known[0], self.colours, other.colours)))


def looks_of(picture: Pixels, person: Person2D) -> Looks:
    """The looks of a person in the RGB picture (H,W,3) whose pixels its keypoints are in."""
    regions = np.zeros((2, *picture.shape[:2]), dtype=np.uint8)
    place, k = _places(person.keypoint_set), person.keypoints
    points = np.clip(k[:, :2], -1e4, 1e4).round().astype(np.int32)
    torso = [place[name] for name in ("left_shoulder", "right_shoulder", "right_hip", "left_hip")]
    length = float(np.linalg.norm(points[torso[:2]].mean(axis=0) - points[torso[2:]].mean(axis=0)))
    if k[torso, 2].mean() > 0.3:
        cv2.fillConvexPoly(regions[0], points[torso], (1,))
    for side in ("left", "right"):
        for a, b in (("hip", "knee"), ("knee", "ankle")):
            first, second = place[f"{side}_{a}"], place[f"{side}_{b}"]
            if min(k[first, 2], k[second, 2]) > 0.3:
                ends = [(int(x), int(y)) for x, y in points[[first, second]]]
                cv2.line(regions[1], ends[0], ends[1], (1,), max(1, round(0.12 * length)))
    if person.mask is not None and person.mask.shape == picture.shape[:2]:
        regions &= person.mask > 0.5
    colours = np.full((2, int(np.prod(_BINS))), np.nan, dtype=np.float32)
    x, y, w, h = cv2.boundingRect(regions.max(axis=0))
    if w * h == 0:
        return Looks(colours)
    lab = _lab(picture[y:y + h, x:x + w])
    for region, colour in zip(regions[:, y:y + h, x:x + w], colours):
        if region.sum() >= _FEWEST:
            counts = cv2.calcHist([lab], [0, 1, 2], np.ascontiguousarray(region), list(_BINS), _RANGES)
            # neighbouring bins share, so that a little more light changes little
            for axis in range(3):
                counts = (np.take(counts, np.maximum(np.arange(_BINS[axis]) - 1, 0), axis) + 2 * counts
                          + np.take(counts, np.minimum(np.arange(_BINS[axis]) + 1, _BINS[axis] - 1), axis)) / 4
            colour[:] = (counts / max(float(counts.sum()), 1e-6)).ravel()
    return Looks(colours)


def likeness(picture: Pixels, looks: Looks) -> Array:
    """(H,W) how common the colour of each pixel of an RGB picture is on somebody, 0..1, the commonest colour 1."""
    known = looks.colours[np.isfinite(looks.colours[:, 0])]
    if not len(known):
        return np.zeros(picture.shape[:2], dtype=np.float32)
    table = known.mean(axis=0)
    low, high, bins = np.array(_RANGES[::2]), np.array(_RANGES[1::2]), np.array(_BINS)
    place = (_lab(picture).astype(np.int32) - low) * bins // (high - low)  # as calcHist counts them
    share = (table / table.max())[np.ravel_multi_index(tuple(np.moveaxis(place, -1, 0)), _BINS)]
    return np.asarray(cv2.blur(share.astype(np.float32), (5, 5)), dtype=np.float32)


def middle(person: Person2D) -> Array:
    """(2,) the middle of shoulders and hips in pixels."""
    place = _places(person.keypoint_set)
    joints = [place[name] for name in ("left_shoulder", "right_shoulder", "right_hip", "left_hip")]
    return np.asarray(person.keypoints[joints, :2].mean(axis=0), dtype=np.float32)


def size(person: Person2D) -> float:
    """The longer side of a person's box in pixels."""
    return max(float(np.ptp(person.box[[1, 3]])), float(np.ptp(person.box[[0, 2]])), 1.0)


def way(found: Person2D, last: Person2D, seconds: float, speed: Array | None = None) -> float:
    """How hard it is for a person to have come from ``last`` to ``found``: below 1 it is possible.

    Args:
        speed: (2,) pixels per second, when it is known.
    """
    expected = middle(last) if speed is None else middle(last) + speed * min(seconds, 0.3)
    gone = float(np.linalg.norm(middle(found) - expected)) / size(last)
    grown = abs(float(np.log(size(found) / size(last))))
    return max(gone / (_SLOWEST + _FASTEST * seconds), grown / (0.5 + 2 * seconds))


def overlap(a: Array, b: Array) -> float:
    """Share of the smaller of two boxes (4,) that lies in the other."""
    sides = np.minimum(a[2:], b[2:]) - np.maximum(a[:2], b[:2])
    area = min(float(np.prod(np.maximum(box[2:] - box[:2], 1))) for box in (a, b))
    return float(np.prod(np.maximum(sides, 0))) / area


def _lab(picture: Pixels) -> Pixels:
    """An RGB picture in Lab, very strong colours a little weaker so that they lie in the bins."""
    return np.asarray(cv2.LUT(cv2.cvtColor(picture, cv2.COLOR_RGB2LAB), _IN_RANGE), dtype=np.uint8)


@lru_cache
def body_points(layout: str) -> NDArray[np.bool_]:
    """(K,) which points of a layout are not of the face."""
    face = ("nose", "eye", "ear", "mouth")
    return np.array([not any(part in name for part in face) for name in KEYPOINT_SETS[layout]])


@lru_cache
def _places(layout: str) -> dict[str, int]:
    return {name: number for number, name in enumerate(KEYPOINT_SETS[layout])}
