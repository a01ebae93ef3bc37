"""The cut-out of a person whose body is known: a detector's mask near that body, decided anew at the outline."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from humanav.errors import InputError
from humanav.perception.detector import Detector
from humanav.perception.matte import refine_matte
from humanav.perception.people import moved
from humanav.perception.person import Person2D

Array = NDArray[np.float32]
Pixels = NDArray[np.uint8]
Binary = NDArray[np.bool_]

_SAME = 0.4
"""Least intersection over union of a found person and the body: clothes and hair may add much to a bare body."""
_MARGIN = 0.25


def overlap(one: Binary, other: Binary) -> float:
    """Intersection over union of two masks (H,W); 0 when both are empty."""
    return float((one & other).sum() / max(int((one | other).sum()), 1))


def guided_matte(
    image: Pixels, body_mask: Binary, detector: Detector | None = None, *, soft: Array | None = None,
    others: Binary | None = None, max_people: int = 1,
) -> tuple[Array, float]:
    """Alpha of the person who stands where ``body_mask`` is.

    Args:
        image: uint8 RGB (H,W,3).
        body_mask: (H,W) silhouette of the fitted body.
        detector: finds the person's mask, clothes and hair included, in the part of the picture round the body; without
            one, or when it finds nobody there, the body with some room for clothes is what colours are asked about.
        soft: (H,W) 0..1 the person's mask where it is known roughly already; no detector is asked then.
        others: (H,W) silhouettes of other people, whose pixels are not this person's.
        max_people: how many the detector looks for.

    Returns:
        (H,W) float32 0..1, and how far the detector agreed with the body (intersection over union; 0 = it found nobody
        there).

    Raises:
        InputError: picture and mask differ in size, or the mask is empty.
    """
    if image.shape[:2] != body_mask.shape:
        raise InputError("The picture and the body's outline must have the same size.")
    if not body_mask.any():
        raise InputError("The body lies outside the picture: there is nothing to cut out.")
    points, agreed = np.zeros((33, 3), dtype=np.float32), 0.0
    if soft is None:
        person, agreed = _found(image, body_mask, detector, max_people)
        soft = _roomy(body_mask) if person is None or person.mask is None else np.array(person.mask)
        points = points if person is None else person.keypoints
    if others is not None:
        soft = np.where(others & ~body_mask, 0, soft).astype(np.float32)
    alpha = refine_matte(image, soft, points, body_mask=body_mask.astype(np.float32))
    if others is not None:
        alpha = np.where(others & ~body_mask, 0, alpha).astype(np.float32)
    return alpha, agreed


def _found(
    image: Pixels, body_mask: Binary, detector: Detector | None, max_people: int
) -> tuple[Person2D | None, float]:
    """The person whose mask lies best on the body, looked for in the picture's part round it."""
    if detector is None:
        return None, 0.0
    height, width = body_mask.shape
    rows, columns = np.nonzero(body_mask)
    margin = round(_MARGIN * max(np.ptp(rows), np.ptp(columns))) + 8
    left, top = max(0, int(columns.min()) - margin), max(0, int(rows.min()) - margin)
    part = np.s_[top:int(rows.max()) + margin + 1, left:int(columns.max()) + margin + 1]
    best, agreed = None, 0.0
    for person in detector.detect(np.ascontiguousarray(image[part]), max_people=max_people):
        share = 0.0 if person.mask is None else overlap(person.mask > 0.5, body_mask[part])
        if share > max(agreed, _SAME):
            best, agreed = moved(person, left, top, (height, width)), share
    return best, agreed


def _roomy(body_mask: Binary) -> Array:
    """The body as a soft mask (H,W) that is unsure where clothes may be: a fiftieth of its height to either side."""
    reach = max(2, round(0.02 * int(np.ptp(np.nonzero(body_mask)[0]))))
    inside = body_mask.astype(np.uint8)
    depth = cv2.distanceTransform(inside, cv2.DIST_L2, 5) - cv2.distanceTransform(1 - inside, cv2.DIST_L2, 5)
    return np.asarray(1 / (1 + np.exp(-np.clip(depth / reach, -6, 6))), dtype=np.float32)
