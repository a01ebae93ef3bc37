"""Keypoints from one layout to another, by name: points that a layout lacks are made from others where that is sound.

The middle of the hips is the pelvis, the middle of the shoulders the neck, the foot's tip the big toe. Shelf's head has
no keypoint of a detector at its ends: its bottom is the middle between shoulders and ears, and its top lies 12.5 cm in
front of that and 14.5 cm above, as AvatarPose's evaluation makes them from skel19.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import cast

import numpy as np
from numpy.typing import ArrayLike, NDArray

from humanav.body.landmarks import KEYPOINT_SETS
from humanav.errors import InputError

Array = NDArray[np.float64]

_SHELF = ("right_ankle", "right_knee", "right_hip", "left_hip", "left_knee", "left_ankle", "right_wrist", "right_elbow",
          "right_shoulder", "left_shoulder", "left_elbow", "left_wrist", "head_bottom", "head_top")
LAYOUTS: dict[str, tuple[str, ...]] = {
    **KEYPOINT_SETS,
    "shelf14": _SHELF,
    "shelf15": (*_SHELF, "pelvis"),
    "panoptic15": ("neck", "nose", "pelvis", "left_shoulder", "left_elbow", "left_wrist", "left_hip", "left_knee",
                   "left_ankle", "right_shoulder", "right_elbow", "right_wrist", "right_hip", "right_knee",
                   "right_ankle"),
    "panoptic19": ("neck", "nose", "pelvis", "left_shoulder", "left_elbow", "left_wrist", "left_hip", "left_knee",
                   "left_ankle", "right_shoulder", "right_elbow", "right_wrist", "right_hip", "right_knee",
                   "right_ankle", "left_eye", "left_ear", "right_eye", "right_ear"),
}
"""Names of every layout's points: those of the detectors, and Shelf's and CMU Panoptic's."""

_FORWARD, _UPWARD = 0.125, 0.145  # metres from the bottom of Shelf's head to its top
_MIDDLES = {"pelvis": ("left_hip", "right_hip"), "neck": ("left_shoulder", "right_shoulder")}
_SAME = {f"{side}_{a}": f"{side}_{b}" for side in ("left", "right") for a, b in (
    ("big_toe", "foot_index"), ("foot_index", "big_toe"))}


def names_of(layout: str) -> tuple[str, ...]:
    """A layout's names. Raises InputError when there is none of that name."""
    if layout not in LAYOUTS:
        raise InputError(f"There is no keypoint layout {layout!r}; known: {', '.join(LAYOUTS)}.")
    return LAYOUTS[layout]


def to_set(
    points: ArrayLike, from_set: str | Sequence[str], to_set: str | Sequence[str], *, confidence: bool = True,
    up: ArrayLike = (0.0, 1.0, 0.0),
) -> Array:
    """Points (...,K,C) of one layout as points (...,L,C) of another.

    Args:
        points: the last channel is the confidence: C = 3 for pixels, C = 4 for metres.
        from_set, to_set: layouts (keys of :data:`LAYOUTS`), or the points' names.
        confidence: False when there is none: C = 2 or 3 coordinates alone.
        up: the world's up, for the top of the head.

    Returns:
        What cannot be known has confidence 0; its coordinates are 0 in pixels, and NaN in metres or without
        confidence. A point made from others has the least of their confidences.

    Raises:
        InputError: an unknown layout, or points that do not fit it.
    """
    given = np.asarray(points, dtype=np.float64)
    source = names_of(from_set) if isinstance(from_set, str) else tuple(from_set)
    wanted = names_of(to_set) if isinstance(to_set, str) else tuple(to_set)
    if given.ndim < 2 or given.shape[-2] != len(source):
        raise InputError(f"Points of shape {given.shape} are not {from_set if isinstance(from_set, str) else 'these'}: "
                         f"(..., {len(source)}, coordinates) are needed.")
    width = given.shape[-1] - int(confidence)
    if width not in (2, 3):
        raise InputError(f"Points with {given.shape[-1]} numbers each are not known: x, y and x, y, z, with a "
                         "confidence, are.")
    known = dict(zip(source, np.moveaxis(given, -2, 0)))
    unknown = np.full((*given.shape[:-2], given.shape[-1]), 0.0 if confidence and width == 2 else np.nan)
    if confidence:
        unknown[..., -1] = 0.0

    def middle(names: Sequence[str]) -> Array | None:
        parts = [point(name) for name in names]
        if any(part is None for part in parts):
            return None
        stack = np.stack(cast(list[Array], parts))
        out = np.asarray(stack.mean(axis=0))
        if confidence:
            least = stack[..., -1].min(axis=0)
            out[..., -1] = least
            out = np.where((least > 0)[..., None], out, unknown)
        return out

    def point(name: str) -> Array | None:
        if name in known:
            return known[name]
        if name in _MIDDLES:
            return middle(_MIDDLES[name])
        if _SAME.get(name) in known:
            return known[_SAME[name]]
        if name == "head_bottom":
            return middle(("left_shoulder", "right_shoulder", "left_ear", "right_ear"))
        if name == "head_top" and width == 3:
            return _head_top(point, np.asarray(up, dtype=np.float64), unknown, confidence)
        return None

    found = [point(name) for name in wanted]
    return np.stack([unknown if row is None else row for row in found], axis=-2)


def _head_top(
    point: Callable[[str], Array | None], up: Array, unknown: Array, confidence: bool
) -> Array | None:
    """Shelf's top of the head from its bottom, the ears and the nose, all in space."""
    bottom, nose, left, right = (point(name) for name in ("head_bottom", "nose", "left_ear", "right_ear"))
    if bottom is None or nose is None or left is None or right is None:
        return None
    up = up / np.linalg.norm(up)
    ahead = nose[..., :3] - (left[..., :3] + right[..., :3]) / 2
    ahead = ahead - (ahead @ up)[..., None] * up
    ahead = ahead / np.maximum(np.linalg.norm(ahead, axis=-1, keepdims=True), 1e-9)
    out = bottom.copy()
    out[..., :3] += _FORWARD * ahead + _UPWARD * up
    if confidence:
        out[..., 3] = np.minimum(bottom[..., 3], nose[..., 3])
        out = np.where(out[..., 3:] > 0, out, unknown)
    return out
