"""A round must not make things worse: what a camera that took no part says of each pose before and after.

For every person and frame three errors are measured in the pictures of one camera: one minus the overlap of the
person's cover and mask (intersection over union), the colour error inside the mask, and the distance of the keypoints.
What came before had seen some of these: the start all keypoints, later poses this camera's pixels in another round. So
a change must not raise the pixels' errors against the start, which has seen no pixels, nor by much all errors,
keypoints included, against the poses of the round before.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from humanav.multiview.losses import draw
from humanav.multiview.refine_means import known_mean, over_neighbours
from humanav.multiview.refine_targets import PixelTargets
from humanav.multiview.scene import PosedScene

Array = NDArray[np.float64]

_FLOOR = np.array([0.05, 0.01, 0.01])
"""Added to errors before they are compared: what such a measure does not resolve (IoU, colour, shares of a stature)."""
_SLACK = 0.1
"""By how much more than the tolerance errors may rise against the round before, and in a single frame."""
_FEWEST = 4
"""Pixels that a mask must show to be asked."""


@dataclass(frozen=True)
class Errors:
    """Errors of T frames and P people in some cameras; NaN where nothing is known.

    Attributes:
        overlap: (T,P) one minus IoU. color: (T,P) mean absolute, 0..1. keypoints: (T,P) in shares of the stature.
    """

    overlap: Array
    color: Array
    keypoints: Array

    @property
    def stacked(self) -> Array:
        """(T,P,3)."""
        return np.stack([self.overlap, self.color, self.keypoints], axis=-1)


def pixel_errors(posed: PosedScene, targets: PixelTargets, frames: int, together: NDArray[np.bool_] | None = None
                 ) -> tuple[Array, Array, Array]:
    """One minus IoU and colour error (T,P), mean over the views that tell, and the IoU of everybody by view (T,V).

    In frames ``together`` (T,), whose masks may give a limb to the wrong person, everybody's overlap is that of all.
    """
    drawn = draw(posed, targets)
    views, people = targets.table.shape[1], targets.people
    overlap = np.full((frames, views, people), np.nan)
    color = np.full((frames, views, people), np.nan)
    union = np.full((frames, views), np.nan)
    for f, t in enumerate(targets.frames):
        for v in range(views):
            if targets.table[f, v, 3] <= 0:
                continue
            own, wanted, trust = (targets.picture(x, f, v) for x in (drawn, targets.target, targets.trust))
            off = np.abs(own[..., :3] - own[..., 3:4] * wanted[..., :3]).mean(axis=-1)
            union[t, v] = _iou(own[..., 3], wanted[..., 3], trust[..., 1])
            for p in range(people):
                asked = trust[..., 2 + p]
                overlap[t, v, p] = 1 - (union[t, v] if together is not None and together[t] else _iou(
                    own[..., 4 + p], wanted[..., 4 + p], asked))
                weight = trust[..., 0] * np.where(asked > 0, wanted[..., 4 + p], 0.0)
                if weight.sum() > _FEWEST:
                    color[t, v, p] = (weight * off).sum() / weight.sum()
    return known_mean(overlap, 1), known_mean(color, 1), union


def _iou(own: NDArray[np.float32], wanted: NDArray[np.float32], trust: NDArray[np.float32]) -> float:
    """Of two soft masks where they are trusted; NaN where the mask shows hardly anything."""
    if float((trust * wanted).sum()) < _FEWEST:
        return float("nan")
    return float((trust * np.minimum(own, wanted)).sum() / (trust * np.maximum(own, wanted)).sum())


def relative_change(before: Errors, after: Errors, pixels: bool = False) -> Array:
    """(T,P) by which share errors (with ``pixels`` those of pixels only) rose, the mean of those known; 0 where nothing
    is known."""
    part = slice(0, 2 if pixels else 3)
    old, new = before.stacked[..., part], after.stacked[..., part]
    change = (new - old) / (old + _FLOOR[part])
    known = np.isfinite(change)
    return np.asarray(np.where(known, change, 0).sum(axis=-1) / np.maximum(known.sum(axis=-1), 1))


def accepted(start: Errors, before: Errors, after: Errors, tolerance: float = 0.0) -> NDArray[np.bool_]:
    """(T,P) where a change may stay: where errors, smoothed over neighbouring frames, do not rise by more than
    ``tolerance`` (a share) against the start, nor by more than a tenth more against the poses before; a single
    frame's may rise by a tenth more against the start. What is not known does not count."""
    over = np.maximum(over_neighbours(relative_change(start, after, pixels=True)),
                      over_neighbours(relative_change(before, after)) - _SLACK)
    alone = relative_change(start, after, pixels=True)  # a single frame may not be bad either
    return np.asarray((over <= tolerance) & (alone <= tolerance + _SLACK))


def held_out(number: int, views: int, excluded: Sequence[int] = ()) -> int | None:
    """Which camera takes no part in a round: another one each time; None where fewer than three are open."""
    open_ = [v for v in range(views) if v not in excluded]
    return open_[number % len(open_)] if len(open_) >= 3 else None
