"""From a detector's soft mask to a clean cut-out: which pixels are the person, to a fraction of a pixel."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float32]
Pixels = NDArray[np.uint8]
Binary = NDArray[np.bool_]

WORK_SIDE = 1280
_BONES = ((11, 12), (11, 13), (13, 15), (12, 14), (14, 16), (11, 23), (12, 24), (23, 24), (23, 25), (25, 27), (24, 26),
          (26, 28), (27, 31), (28, 32), (0, 11), (0, 12), (15, 19), (16, 20))


def refine_matte(image: Pixels, mask: Array, keypoints: Array, *, body_mask: Array | None = None) -> Array:
    """Alpha of the person, crisp at the outline.

    The mask's parts that do not touch the skeleton are dropped, then a narrow band round its border is decided anew by
    colour (GrabCut: Rother et al. 2004). Where that strays too far from the mask, the mask stands.

    Args:
        image: uint8 RGB (H,W,3).
        mask: (H,W) 0..1 from the detector.
        keypoints: (K,3) x, y, confidence in pixels of the image.
        body_mask: (H,W) silhouette of a body fitted to this person, if one is known.

    Returns:
        (H,W) float32, 0 = background, 1 = person.
    """
    height, width = mask.shape
    box = _crop_box(mask, keypoints)
    if box is None:
        return np.zeros((height, width), dtype=np.float32)
    x0, y0, x1, y1 = box
    factor = min(1.0, WORK_SIDE / max(y1 - y0, x1 - x0))
    size = (max(8, round((x1 - x0) * factor)), max(8, round((y1 - y0) * factor)))
    interpolation = cv2.INTER_AREA if factor < 1 else cv2.INTER_LINEAR
    crop = np.asarray(cv2.resize(image[y0:y1, x0:x1], size, interpolation=interpolation), dtype=np.uint8)
    soft = cv2.resize(mask[y0:y1, x0:x1], size, interpolation=cv2.INTER_LINEAR)
    points = keypoints.copy()
    points[:, :2] = (points[:, :2] - (x0, y0)) * factor
    raw = keep_connected(soft > 0.5, points)
    refined = _grabcut_band(crop, raw)
    alpha = cv2.GaussianBlur(refined.astype(np.float32), (3, 3), 0.7)
    out = np.zeros((height, width), dtype=np.float32)
    out[y0:y1, x0:x1] = cv2.resize(alpha, (x1 - x0, y1 - y0), interpolation=cv2.INTER_LINEAR)
    return np.clip(out, 0, 1)


def keep_connected(mask: Binary, keypoints: Array) -> Binary:
    """The parts of ``mask`` (H,W) that touch the skeleton drawn through the trusted keypoints (K,3)."""
    count, labels = cv2.connectedComponents(mask.astype(np.uint8), connectivity=8)
    if count <= 2:
        return mask
    lines = np.zeros(mask.shape, dtype=np.uint8)
    trusted = keypoints[:, 2] > 0.4
    for a, b in _BONES if len(keypoints) == 33 else ():
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


def _point(keypoint: Array) -> tuple[int, int]:
    return int(np.clip(keypoint[0], -1e4, 1e4)), int(np.clip(keypoint[1], -1e4, 1e4))


def _crop_box(mask: Array, keypoints: Array) -> tuple[int, int, int, int] | None:
    height, width = mask.shape
    ys, xs = np.nonzero(mask > 0.5)
    if len(xs) < 16:
        return None
    margin = 0.06 * max(int(np.ptp(xs)), int(np.ptp(ys))) + 8
    return (max(0, int(xs.min() - margin)), max(0, int(ys.min() - margin)),
            min(width, int(xs.max() + margin + 1)), min(height, int(ys.max() + margin + 1)))


def _grabcut_band(crop: Pixels, raw: Binary) -> Binary:
    for share, iterations, floor in ((0.012, 3, 0.94), (0.006, 2, 0.9)):
        refined = _grabcut(crop, raw, max(2, round(share * crop.shape[0])), iterations)
        union = float((refined | raw).sum())
        if union > 0 and float((refined & raw).sum()) / union >= floor:
            return refined
    return raw


def _grabcut(crop: Pixels, raw: Binary, band: int, iterations: int) -> Binary:
    kernel = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (2 * band + 1, 2 * band + 1))
    inner = cv2.erode(raw.astype(np.uint8), kernel) > 0
    outer = cv2.dilate(raw.astype(np.uint8), kernel) > 0
    if not inner.any() or outer.all():
        return raw
    labels = np.full(raw.shape, cv2.GC_BGD, dtype=np.uint8)
    labels[outer] = cv2.GC_PR_BGD
    labels[raw] = cv2.GC_PR_FGD
    labels[inner] = cv2.GC_FGD
    background, foreground = np.zeros((1, 65)), np.zeros((1, 65))
    cv2.setRNGSeed(0)
    cv2.grabCut(crop, labels, (0, 0, 1, 1), background, foreground, iterations, cv2.GC_INIT_WITH_MASK)
    result: Binary = (labels == cv2.GC_FGD) | (labels == cv2.GC_PR_FGD)
    return result
