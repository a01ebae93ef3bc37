"""From a detector's soft mask to a clean cut-out: which pixels are the person, to a fraction of a pixel."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from humanav.perception.segment import decide

Array = NDArray[np.float32]
Pixels = NDArray[np.uint8]
Binary = NDArray[np.bool_]

COARSE_SIDE, FINE_SIDE = 640, 1280
_BONES = ((11, 12), (11, 23), (12, 24), (23, 24), (0, 11), (0, 12))
_LIMBS = ((11, 13, 0.11), (13, 15, 0.085), (12, 14, 0.11), (14, 16, 0.085), (23, 25, 0.16), (25, 27, 0.115),
          (24, 26, 0.16), (26, 28, 0.115), (27, 31, 0.08), (28, 32, 0.08), (27, 29, 0.07), (28, 30, 0.07),
          (15, 19, 0.08), (16, 20, 0.08))
"""Landmark pairs and the limb's radius as a share of the torso's length."""


def refine_matte(image: Pixels, mask: Array, keypoints: Array, *, body_mask: Array | None = None) -> Array:
    """Alpha of the person, crisp at the outline.

    The mask's parts that do not touch the skeleton are dropped. A band round its border, and whatever skeleton or body
    and mask do not agree on, is decided anew by local colour: first at 640 pixels, then the outline at 1280. Where the
    answer strays too far from the mask (and no body is known), the mask stands.

    Args:
        image: uint8 RGB (H,W,3).
        mask: (H,W) 0..1 from the detector.
        keypoints: (K,3) x, y, confidence in pixels of the image; the limbs of ``blazepose33`` are used.
        body_mask: (H,W) silhouette of a body fitted to this person: where the mask is in doubt, pixels far outside it
            are background and those just outside it (between the legs, say) are asked again.

    Returns:
        (H,W) float32, 0 = background, 1 = person.
    """
    height, width = mask.shape
    box = _crop_box(mask)
    if box is None:
        return np.zeros((height, width), dtype=np.float32)
    x0, y0, x1, y1 = box
    longer = max(y1 - y0, x1 - x0)
    crop, soft = image[y0:y1, x0:x1], mask[y0:y1, x0:x1]
    points = keypoints.astype(np.float32).copy()
    points[:, :2] -= (x0, y0)
    factor = min(1.0, COARSE_SIDE / longer)
    body = None if body_mask is None else _resized(body_mask[y0:y1, x0:x1].astype(np.float32), factor)
    alpha = _coarse(_shrunk(crop, factor), _resized(soft, factor), points * np.array([factor, factor, 1]), body)
    fine = min(1.0, FINE_SIDE / longer)
    if fine > factor:
        alpha = _fine(_shrunk(crop, fine), alpha)
    sharp = np.clip((alpha - 0.5) * 2.5 + 0.5, 0, 1)
    out = np.zeros((height, width), dtype=np.float32)
    out[y0:y1, x0:x1] = np.clip(cv2.resize(sharp, (x1 - x0, y1 - y0), interpolation=cv2.INTER_LINEAR), 0, 1)
    return out


def keep_connected(mask: Binary, keypoints: Array) -> Binary:
    """The parts of ``mask`` (H,W) that touch the skeleton drawn through the trusted keypoints (K,3)."""
    count, labels = cv2.connectedComponents(mask.astype(np.uint8), connectivity=8)
    if count <= 2:
        return mask
    lines = np.zeros(mask.shape, dtype=np.uint8)
    trusted = keypoints[:, 2] > 0.4
    for a, b, *_ in (*_BONES, *_LIMBS) if len(keypoints) == 33 else ():
        if trusted[a] and trusted[b]:
            cv2.line(lines, _point(keypoints[a]), _point(keypoints[b]), (1,), 2)
    for point in keypoints[trusted]:
        cv2.circle(lines, _point(point), 2, (1,), -1)
    touched = np.bincount(labels[lines > 0], minlength=count)
    areas = np.bincount(labels.ravel(), minlength=count)
    keep = (touched > 0) & (areas > 0.002 * areas[1:].sum())
    keep[0] = False
    if not keep.any():
        keep[1 + int(areas[1:].argmax())] = True
    kept: Binary = keep[labels]
    return kept


def _coarse(crop: Pixels, soft: Array, points: Array, body: Array | None) -> Array:
    raw = keep_connected(soft > 0.5, points)
    soft = np.where(_grown(keep_connected(soft > 0.25, points), 3), soft, np.minimum(soft, 0.1))
    core, torso = _limb_cores(raw.shape, points)
    size = min(0.9 * max(raw.shape), 3.3 * torso) if torso > 0 else 0.9 * max(raw.shape)
    band = max(3, round(0.03 * size))
    inner = ~_grown(~raw, band)
    missed = _grown(core & ~raw, 2 * band)
    unsure = (soft > 0.1) & (soft < 0.9) & _grown(raw | (soft > 0.25), 2 * band)
    unknown = ((_grown(raw, band) | missed) & ~inner) | unsure
    depth = cv2.distanceTransform(raw.astype(np.uint8), cv2.DIST_L2, 5) \
        - cv2.distanceTransform((~raw).astype(np.uint8), cv2.DIST_L2, 5)
    prior = np.clip(depth / band, -1.5, 1.5) + 0.5 * np.clip(np.log((soft + 0.02) / (1.02 - soft)), -3, 3)
    prior = np.where(core, np.maximum(prior + 1.5, 0.3), prior)
    known = raw.astype(np.float32)
    if body is not None:
        inside = body > 0.5
        away = cv2.distanceTransform((~inside).astype(np.uint8), cv2.DIST_L2, 5) / size
        doubt = np.clip((1 - soft) / 0.3, 0, 1)  # a skirt or a coat lies outside the body, and the mask is sure of it
        unknown |= (raw & (away > 0.03) & (doubt > 0.3)) | (inside & ~raw)
        prior = prior + np.where(inside, 0.5, -doubt * np.clip((away - 0.02) / 0.04, 0, 1.5))
        outside = (away > 0.08) & (doubt > 0.3)
        known[outside] = 0
        unknown &= ~outside
    near = _grown(raw | missed | unknown, 3 * band)
    answer = decide(crop, prior.astype(np.float32), known, unknown, near, round(0.2 * size))
    both, either = float(((answer > 0.5) & raw).sum()), float(((answer > 0.5) | raw).sum())
    if body is None and both < 0.8 * either:
        answer = np.asarray(cv2.GaussianBlur(raw.astype(np.float32), (3, 3), 0.7), dtype=np.float32)
    return np.asarray(answer * _grown(keep_connected(answer > 0.5, points), 2), dtype=np.float32)


def _fine(crop: Pixels, alpha: Array) -> Array:
    """The outline once more on more pixels: a band of two coarse pixels either side."""
    size = (crop.shape[1], crop.shape[0])
    soft = np.clip(cv2.resize(alpha, size, interpolation=cv2.INTER_LINEAR), 0, 1)
    raw = soft > 0.5
    reach = max(2, round(2 * max(size) / max(alpha.shape)))
    unknown = _grown(raw, reach) & _grown(~raw, reach)
    prior = 1.5 * np.clip(np.log((soft + 0.02) / (1.02 - soft)), -2, 2)
    near = _grown(raw, 6 * reach) & _grown(~raw, 6 * reach)
    return decide(crop, prior.astype(np.float32), raw.astype(np.float32), unknown, near, 8 * reach, rounds=1)


def _limb_cores(shape: tuple[int, ...], points: Array) -> tuple[Binary, float]:
    """(H,W) pixels well inside trusted limbs and torso, and the torso's length in pixels (0 if unknown)."""
    core = np.zeros(shape[:2], dtype=np.uint8)
    if len(points) != 33:
        return core > 0, 0.0

    def length(a: int, b: int) -> float:
        return float(np.linalg.norm(points[a, :2] - points[b, :2]))

    torso = float(np.linalg.norm(points[[11, 12], :2].mean(axis=0) - points[[23, 24], :2].mean(axis=0)))
    torso = max(torso, 1.25 * length(11, 12), 1.1 * length(23, 25), 1.1 * length(24, 26), 1.2 * length(25, 27),
                1.2 * length(26, 28))
    trusted = points[:, 2] > 0.5
    for a, b, radius in _LIMBS:
        if trusted[a] and trusted[b]:
            cv2.line(core, _point(points[a]), _point(points[b]), (1,), max(1, round(1.1 * radius * torso)))
    if trusted[[11, 12, 23, 24]].all():
        corners = np.array([_point(points[i]) for i in (11, 12, 24, 23)], dtype=np.int32)
        cv2.fillConvexPoly(core, cv2.convexHull(corners), (1,))
    return core > 0, torso


def _point(keypoint: Array) -> tuple[int, int]:
    return int(np.clip(keypoint[0], -1e4, 1e4)), int(np.clip(keypoint[1], -1e4, 1e4))


def _grown(mask: Binary, radius: int) -> Binary:
    kernel = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (2 * radius + 1, 2 * radius + 1))
    grown: Binary = cv2.dilate(mask.astype(np.uint8), kernel) > 0
    return grown


def _shrunk(image: Pixels, factor: float) -> Pixels:
    if factor >= 1:
        return np.ascontiguousarray(image)
    size = (max(8, round(image.shape[1] * factor)), max(8, round(image.shape[0] * factor)))
    return np.asarray(cv2.resize(image, size, interpolation=cv2.INTER_AREA), dtype=np.uint8)


def _resized(mask: Array, factor: float) -> Array:
    if factor >= 1:
        return mask
    size = (max(8, round(mask.shape[1] * factor)), max(8, round(mask.shape[0] * factor)))
    return np.asarray(cv2.resize(mask, size, interpolation=cv2.INTER_AREA), dtype=np.float32)


def _crop_box(mask: Array) -> tuple[int, int, int, int] | None:
    height, width = mask.shape
    ys, xs = np.nonzero(mask > 0.5)
    if len(xs) < 16:
        return None
    margin = 0.08 * max(int(np.ptp(xs)), int(np.ptp(ys))) + 8
    return (max(0, int(xs.min() - margin)), max(0, int(ys.min() - margin)),
            min(width, int(xs.max() + margin + 1)), min(height, int(ys.max() + margin + 1)))
