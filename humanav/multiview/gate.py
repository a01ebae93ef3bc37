"""A round never makes things worse: what a camera that took no part says of each pose before and after.

For every person and frame three errors are measured in the pictures of one camera: one minus the overlap of the
person's cover and mask (intersection over union), the colour error inside the mask, and the distance of the keypoints.
What came before had seen some of these: the start all keypoints, later poses this camera's pixels in another round. So
a change must not raise the pixels' errors against the start, which has seen no pixels, and against the poses of the
round before only not by much, keypoints included.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from humanav.multiview.losses import draw
from humanav.multiview.refine_targets import PixelTargets
from humanav.multiview.scene import PosedScene

Array = NDArray[np.float64]

_FLOOR = np.array([0.05, 0.01, 0.01])
"""Added to errors before they are compared: what such a measure does not resolve (IoU, colour, shares of a stature)."""


_SLACK = 0.1


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
                if weight.sum() > 4:
                    color[t, v, p] = (weight * off).sum() / weight.sum()
    return _over_views(overlap), _over_views(color), union


def _iou(own: NDArray[np.float32], wanted: NDArray[np.float32], trust: NDArray[np.float32]) -> float:
    """Of two soft masks where they are trusted; NaN where the mask shows hardly anything."""
    if float((trust * wanted).sum()) < 4:
        return float("nan")
    return float((trust * np.minimum(own, wanted)).sum() / (trust * np.maximum(own, wanted)).sum())


def _over_views(values: Array) -> Array:
    known = np.isfinite(values)
    count = known.sum(axis=1)
    return np.asarray(np.where(count > 0, np.where(known, values, 0).sum(axis=1) / np.maximum(count, 1), np.nan))


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
    ``tolerance`` (a share) against the start, and by not more than a tenth more against the poses before."""
    over = np.maximum(_smooth(relative_change(start, after, pixels=True)),
                      _smooth(relative_change(before, after)) - _SLACK)
    alone = relative_change(start, after, pixels=True)  # a single frame may not be bad either
    return np.asarray((over <= tolerance) & (alone <= tolerance + _SLACK))


def _smooth(change: Array) -> Array:
    padded = np.concatenate([change[:1], change, change[-1:]])
    return np.asarray(0.25 * padded[:-2] + 0.5 * padded[1:-1] + 0.25 * padded[2:])


def held_out(number: int, views: int, excluded: Sequence[int] = ()) -> int | None:
    """Which camera takes no part in a round: another one each time; None where there are only two."""
    open_ = [v for v in range(views) if v not in excluded]
    return open_[number % len(open_)] if len(open_) >= 3 else None
