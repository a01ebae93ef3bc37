"""Arithmetic on :class:`Person2D`: boxes, hands and sides, moving between crops, telling sense from nonsense."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import cv2
import numpy as np
from numpy.typing import NDArray

from humanav.perception.person import Person2D

Array = NDArray[np.float32]
Pixels = NDArray[np.uint8]
Binary = NDArray[np.bool_]

LEFT_SHOULDER, RIGHT_SHOULDER, LEFT_ELBOW, RIGHT_ELBOW, LEFT_WRIST, RIGHT_WRIST = 11, 12, 13, 14, 15, 16
LEFT_HIP, RIGHT_HIP = 23, 24
TORSO = (LEFT_SHOULDER, RIGHT_SHOULDER, LEFT_HIP, RIGHT_HIP)
_COARSE = 8  # pixels: what people are painted out with is made at this share of the picture
_LIMBS = ((11, 13), (13, 15), (12, 14), (14, 16), (23, 25), (25, 27), (24, 26), (26, 28))
_STRETCHES = ((11, 12), (11, 23), (12, 24), (23, 24), (11, 13), (13, 15), (15, 19), (12, 14), (14, 16), (16, 20),
              (23, 25), (25, 27), (27, 31), (24, 26), (26, 28), (28, 32), (0, 11), (0, 12))
# BlazePose landmark i of the mirrored person
_MIRROR = np.array([0, 4, 5, 6, 1, 2, 3, 8, 7, 10, 9, *(i + 1 if i % 2 else i - 1 for i in range(11, 33))])


def inside_frame(keypoints: Array, width: int, height: int) -> Binary:
    """(K,) which keypoints lie inside a ``width`` x ``height`` picture."""
    x, y = keypoints[:, 0], keypoints[:, 1]
    inside: Binary = (x >= 0) & (x < width) & (y >= 0) & (y < height)
    return inside


def assign_hands(hands: list[Array], keypoints: Array) -> tuple[Array | None, Array | None]:
    """Give each found hand (21,3) to the wrist it lies at: (left, right) of the person, None where there is none.

    A hand farther from its wrist than half a forearm (or its own palm) is taken for a mistake and dropped.
    """
    best: dict[int, tuple[float, Array]] = {}
    for hand in hands:
        distances = [float(np.linalg.norm(hand[0, :2] - keypoints[w, :2])) for w in (LEFT_WRIST, RIGHT_WRIST)]
        side = int(distances[1] < distances[0])
        wrist, elbow = ((LEFT_WRIST, LEFT_ELBOW), (RIGHT_WRIST, RIGHT_ELBOW))[side]
        forearm = float(np.linalg.norm(keypoints[wrist, :2] - keypoints[elbow, :2]))
        palm = float(np.linalg.norm(hand[9, :2] - hand[0, :2]))
        if distances[side] > max(0.5 * forearm, 0.8 * palm):
            continue
        if side not in best or distances[side] < best[side][0]:
            best[side] = (distances[side], hand)
    return (best[0][1] if 0 in best else None), (best[1][1] if 1 in best else None)


def person_box(keypoints: Array, mask: Array | None, width: int, height: int) -> Array:
    """(4,) x0, y0, x1, y1 round the trusted keypoints inside the frame and the mask."""
    trusted = keypoints[inside_frame(keypoints, width, height) & (keypoints[:, 2] > 0.3)]
    points = trusted[:, :2] if len(trusted) else np.clip(keypoints[:, :2], 0, [width, height])
    low, high = points.min(axis=0), points.max(axis=0)
    if mask is not None and (inside := mask > 0.5).any():
        for axis, counts in ((0, inside.sum(axis=0)), (1, inside.sum(axis=1))):
            share = np.cumsum(counts) / counts.sum()  # a permille at each end is stray pixels
            low[axis] = min(low[axis], np.searchsorted(share, 0.001))
            high[axis] = max(high[axis], np.searchsorted(share, 0.999) + 1)
    return np.array([*low, *high], dtype=np.float32)


def visible_area(person: Person2D) -> float:
    """Pixels the person covers: by the mask, or a third of the box."""
    if person.mask is not None:
        return float((person.mask > 0.5).sum())
    x0, y0, x1, y1 = person.box
    return float((x1 - x0) * (y1 - y0)) / 3


def plausible(person: Person2D) -> bool:
    """Whether a weak detection looks like a person: torso and an arm trusted, torso in the mask, no huge limb."""
    k = person.keypoints
    torso = float(np.linalg.norm(k[[LEFT_SHOULDER, RIGHT_SHOULDER], :2].mean(axis=0)
                                 - k[[LEFT_HIP, RIGHT_HIP], :2].mean(axis=0)))
    shoulders = float(np.linalg.norm(k[LEFT_SHOULDER, :2] - k[RIGHT_SHOULDER, :2]))
    unit = max(torso, 1.2 * shoulders)
    if unit < 8 or any(float(np.linalg.norm(k[a, :2] - k[b, :2])) > 1.6 * unit for a, b in _LIMBS):
        return False
    if person.mask is not None:
        height, width = person.mask.shape
        points = k[[*TORSO, 0]]
        points = points[inside_frame(points, width, height)][:, :2].astype(int)
        if len(points) == 0 or float((person.mask[points[:, 1], points[:, 0]] > 0.5).mean()) < 0.6:
            return False
    arms = k[[LEFT_ELBOW, RIGHT_ELBOW, LEFT_WRIST, RIGHT_WRIST], 2]
    return float(k[list(TORSO), 2].mean()) > 0.5 and float(arms.max()) > 0.5


def same_person(a: Person2D, b: Person2D) -> bool:
    """Whether two detections in one image show the same person: trusted keypoints within 15 % of the box."""
    trusted = (a.keypoints[:, 2] > 0.5) & (b.keypoints[:, 2] > 0.5)
    if trusted.sum() < 5:
        return False
    apart = np.linalg.norm(a.keypoints[trusted, :2] - b.keypoints[trusted, :2], axis=1)
    size = max(float(np.hypot(p.box[2] - p.box[0], p.box[3] - p.box[1])) for p in (a, b))
    return float(np.median(apart)) < 0.15 * size


def moved(person: Person2D, dx: float, dy: float, shape: tuple[int, int], scale: float = 1.0) -> Person2D:
    """The person seen in another image: points become ``p * scale + (dx, dy)``.

    Args:
        shape: (height, width) of that image; the mask is cut or filled with background.
    """
    return transformed(person, np.array([[scale, 0, dx], [0, scale, dy]]), shape)


def transformed(person: Person2D, matrix: NDArray[np.float64], shape: tuple[int, int]) -> Person2D:
    """The person seen in another image: points become ``matrix @ (x, y, 1)``.

    The detector's 3D turns along; left and right keep their names.

    Args:
        matrix: (2,3) similarity, with or without mirroring.
        shape: (height, width) of that image; the mask is cut or filled with background.
    """
    linear, shift = matrix[:, :2], matrix[:, 2]

    def move(points: Array) -> Array:
        return np.column_stack([points[:, :2] @ linear.T + shift, points[:, 2]]).astype(np.float32)

    mask = None
    if person.mask is not None:
        centres = np.column_stack([linear, shift + (linear.sum(axis=1) - 1) / 2])  # pixel centres lie at halves
        mask = np.asarray(cv2.warpAffine(person.mask, centres, (shape[1], shape[0])), dtype=np.float32)
    world = person.world
    if world is not None:
        turn = linear / np.sqrt(abs(np.linalg.det(linear)))
        world = np.column_stack([world[:, :2] @ turn.T, world[:, 2]]).astype(np.float32)
    keypoints = move(person.keypoints)
    left, right, face = (None if points is None else move(points)
                         for points in (person.left_hand, person.right_hand, person.face))
    return replace(person, keypoints=keypoints, box=person_box(keypoints, mask, shape[1], shape[0]), mask=mask,
                   world=world, left_hand=left, right_hand=right, face=face)


def enlarged(person: Person2D, factor: float) -> Person2D:
    """The person in a picture ``factor`` times as large; the mask is dropped."""

    def grow(points: Array) -> Array:
        return (points * (factor, factor, 1)).astype(np.float32)

    left, right, face = (None if points is None else grow(points)
                         for points in (person.left_hand, person.right_hand, person.face))
    return replace(person, keypoints=grow(person.keypoints), box=person.box * np.float32(factor), mask=None,
                   left_hand=left, right_hand=right, face=face)


def averaged(looks: Sequence[Person2D]) -> Person2D:
    """The first look with keypoints, 3D, score and mask averaged over all looks at the same person in one image."""
    first = looks[0]
    if len(looks) == 1:
        return first

    def mean(arrays: list[Array | None]) -> Array | None:
        present = [a for a in arrays if a is not None]
        return np.mean(present, axis=0, dtype=np.float32) if present else None

    keypoints = np.mean([look.keypoints for look in looks], axis=0, dtype=np.float32)
    mask = mean([look.mask for look in looks])
    box = first.box if mask is None else person_box(keypoints, mask, mask.shape[1], mask.shape[0])
    return replace(first, keypoints=keypoints, box=box, score=float(np.mean([look.score for look in looks])), mask=mask,
                   world=mean([look.world for look in looks]))


def paint_out(image: Pixels, mask: Binary) -> Pixels:
    """The image (H,W,3) with the masked pixels replaced by a blur of the others, so that nobody is found there."""
    if not mask.any():
        return image
    height, width = image.shape[:2]
    shape = (max(1, width // _COARSE), max(1, height // _COARSE))
    keep = (~mask).astype(np.float32)
    weight = cv2.resize(keep, shape, interpolation=cv2.INTER_AREA)
    total = cv2.resize(cv2.copyTo(image, (~mask).view(np.uint8)), shape, interpolation=cv2.INTER_AREA)
    mean = total.sum(axis=(0, 1)) / weight.sum() if weight.any() else 128
    size = (max(shape) // 4 | 1,) * 2
    weight, total = cv2.blur(weight, size), cv2.blur(total.astype(np.float32), size)
    fill = np.where(weight[..., None] < 1e-3, mean, total.reshape(*weight.shape, 3)
                    / np.maximum(weight, 1e-3)[..., None])
    smooth = cv2.resize(np.clip(fill, 0, 255).astype(np.uint8), (width, height), interpolation=cv2.INTER_LINEAR)
    return np.asarray(cv2.copyTo(smooth, mask.view(np.uint8), image.copy()), dtype=np.uint8)


def skeleton_cover(person: Person2D, shape: tuple[int, ...]) -> Binary:
    """(H,W) the pixels round a BlazePose skeleton in a picture of this shape (H,W,...)."""
    points = np.clip(person.keypoints[:, :2], -1e4, 1e4).round().astype(np.int32)
    place = [(int(x), int(y)) for x, y in points]
    torso = float(np.linalg.norm(points[[11, 12]].mean(axis=0) - points[[23, 24]].mean(axis=0)))
    thick = max(3, round(0.4 * torso))
    cover = np.zeros(shape[:2], dtype=np.uint8)
    for a, b in _STRETCHES:
        cv2.line(cover, place[a], place[b], (1,), thick)
    cv2.fillConvexPoly(cover, points[[11, 12, 24, 23]], (1,))
    cv2.circle(cover, place[0], round(0.45 * torso), (1,), -1)
    return np.asarray(cover > 0)


def swap_sides(person: Person2D) -> Person2D:
    """The same detection with the person's left and right exchanged (BlazePose landmarks and hands)."""
    world = None if person.world is None else person.world[_MIRROR]
    return replace(person, keypoints=person.keypoints[_MIRROR], world=world, left_hand=person.right_hand,
                   right_hand=person.left_hand)


def unmirrored(person: Person2D, shape: tuple[int, int]) -> Person2D:
    """What was seen in a mirrored picture of ``shape`` (height, width), told of the picture itself."""
    return swap_sides(transformed(person, np.array([[-1.0, 0, shape[1]], [0, 1, 0]]), shape))


def agree(person: Person2D, again: Person2D) -> bool:
    """Whether two looks at one picture show the same person with the same left and right."""
    def apart(other: Person2D) -> float:
        return float(np.linalg.norm(person.keypoints[:, :2] - other.keypoints[:, :2], axis=1).mean())

    return same_person(again, person) and apart(again) <= apart(swap_sides(again))


def side_evidence(person: Person2D) -> float:
    """How the face judges the keypoints' left and right: +1 they agree, -1 they are exchanged, 0 no opinion.

    A face mesh is found only on faces turned to the camera. The person then is seen from the front, so that the left
    shoulder and hip lie farther right in the picture than the right ones, unless the head looks over the shoulder.
    """
    if person.face is None or len(person.face) < 468:
        return 0.0
    right_eye, left_eye, nose, chin, brow = (person.face[i, :2] for i in (33, 263, 1, 152, 10))
    across, down = left_eye - right_eye, chin - brow
    width, length = float(np.linalg.norm(across)), float(np.linalg.norm(down))
    if length < 1 or width < 0.45 * length:
        return 0.0
    along = float((nose - right_eye) @ across) / width**2  # 0.5: straight at the camera
    if not 0.2 < along < 0.8:
        return 0.0
    k = person.keypoints
    torso = float(np.linalg.norm(k[[11, 12], :2].mean(axis=0) - k[[23, 24], :2].mean(axis=0)))
    spread = [float((k[left, :2] - k[right, :2]) @ across) / width for left, right in ((11, 12), (23, 24))]
    return float(np.clip((spread[0] + 0.5 * spread[1]) / max(0.5 * torso, 1.0), -1, 1))
