"""What is wrong with keypoints in a file, mended where that is sure and said in one sentence where it is not."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from humanav.errors import InputError

Numbers = NDArray[np.float64]
Size = tuple[int, int]

_FARTHEST = 1e5  # pixels; beyond that numbers are no places
_NORMALISED = 2.0  # numbers that hardly ever exceed this are no pixels
_USUAL_SIZES = ((640, 480), (480, 640), (854, 480), (480, 854), (720, 720), (960, 720), (1280, 720), (720, 1280),
                (1024, 1024), (1280, 960), (1920, 1080), (1080, 1920), (2560, 1440), (3840, 2160), (2160, 3840))


def places_and_confidence(raw: Numbers, notes: list[str]) -> Numbers:
    """Points (N,K,3) x, y, confidence 0..1 from a file's threes; missing points become (NaN, NaN, 0).

    The third number is a confidence, a flag 0, 1, 2 as COCO has (not labelled, hidden, seen), or else (depth) ignored.

    Raises:
        InputError: most points of the people are NaN, or there are none.
    """
    points = np.array(raw, dtype=np.float64)
    xy = points[..., :2]
    odd = ~(np.abs(xy) < _FARTHEST).all(axis=-1)
    somebody = ~odd.all(axis=1)
    if not somebody.any():
        raise InputError("None of the points is a finite number: write the file again.")
    share = float(odd[somebody].mean())
    if share > 0.5:
        raise InputError(f"{share:.0%} of the points are NaN or infinite: write 0 for missing points.")
    if odd[somebody].any():
        notes.append(f"{share:.1%} of the points are NaN or infinite and taken as missing.")
    missing = odd | (xy == 0).all(axis=-1)
    if missing.all():
        raise InputError("All points are zero: there is nobody in the file.")
    trust = _confidence(points[..., 2], ~missing, notes)
    missing |= trust <= 0
    if missing.all():
        raise InputError("All points have confidence 0: there is nobody in the file.")
    points[..., 2] = trust
    points[missing] = (np.nan, np.nan, 0)
    return points


def _confidence(third: Numbers, present: NDArray[np.bool_], notes: list[str]) -> Numbers:
    given = third[present & np.isfinite(third)]
    if not given.size or not given.any():
        notes.append("The file has no confidences: 1 is used for every point.")
        return np.ones_like(third)
    if given.min() < -0.1:
        notes.append("The third number of the points is no confidence (it is negative somewhere, like a depth): 1 is "
                     "used for every point.")
        return np.ones_like(third)
    trust = np.where(np.isfinite(third), third, 0.0)
    if set(np.unique(given)) <= {0.0, 1.0, 2.0} and (given == 2).any():
        notes.append("The third number of the points is COCO's flag: seen counts 1, hidden 0.5, missing 0.")
        return trust / 2
    if given.max() > 1.5:
        top = float(np.percentile(given, 95))
        notes.append(f"Confidences reach {given.max():.3g}: they are divided by {top:.3g}.")
        trust = trust / top
    return np.clip(trust, 0, 1)


def in_pixels(points: Numbers, size: Size | None, names: tuple[str, ...], notes: list[str]) -> Numbers:
    """Points in pixels, converted where they are shares of the picture (0..1, or -1..1 from its middle).

    Raises:
        InputError: shares and no size, or positions relative to the hips.
    """
    seen = points[..., 2] > 0
    values = points[seen][:, :2]
    hips = _middle(points, names, "hip")
    if len(hips) > 2 and np.abs(hips).max() < 0.02 * np.ptp(values):
        raise InputError("The points are positions relative to the hips (3D, or cut out), not places in a picture: "
                         "export the 2D points in pixels.")
    if np.percentile(np.abs(values), 99) > _NORMALISED:
        return points
    if size is None:
        raise InputError("The points are shares of the picture (0 to 1), not pixels: give the picture's size too.")
    width, height = size
    out = points.copy()
    if (values < 0).mean() < 0.1:
        out[..., :2] *= (width, height)
        notes.append("The points are shares of the picture (0 to 1): they are converted with "
                     f"{width} x {height} pixels.")
    elif np.abs(values[:, 1]).max() <= 1.02 * height / width:  # both axes over half the width, as VideoPose3D does
        out[..., :2] = (out[..., :2] + (1, height / width)) * width / 2
        notes.append("The points run from -1 to 1 over the picture's width: they are converted with "
                     f"{width} x {height} pixels.")
    else:
        out[..., :2] = (out[..., :2] + 1) / 2 * (width, height)
        notes.append("The points run from -1 to 1 over the picture: they are converted with "
                     f"{width} x {height} pixels.")
    return out


def without_negative(points: Numbers, keeps_outside: bool, notes: list[str]) -> Numbers:
    """Points left of or above the picture become missing.

    Args:
        points: (N,K,3) in pixels.
        keeps_outside: whether the layout's detector places points outside the picture, which then stay.
        notes: sentences are added here.

    Raises:
        InputError: most points are negative.
    """
    seen = points[..., 2] > 0
    negative = seen & (points[..., :2] < 0).any(axis=-1)
    if keeps_outside:
        negative &= (points[..., :2] == -1).all(axis=-1)
    share = float(negative.sum() / max(seen.sum(), 1))
    if share > 0.5:
        raise InputError(f"{share:.0%} of the points have negative coordinates: pixels from the picture's top-left "
                         "corner are needed.")
    if not negative.any():
        return points
    notes.append(f"{share:.1%} of the points have negative coordinates and are taken as missing.")
    out = points.copy()
    out[negative] = (np.nan, np.nan, 0)
    return out


def upright(points: Numbers, size: Size | None, names: tuple[str, ...], notes: list[str]) -> Numbers:
    """Points with x and y exchanged back where they only fit the picture so.

    Raises:
        InputError: most points lie outside the picture either way, or x and y look exchanged and no size is known.
    """
    swapped = points[..., [1, 0, 2]]
    if size is not None:
        outside, other = _outside(points, size), _outside(swapped, size)
        if outside > 0.1 and other < 0.02:
            notes.append(f"x and y were exchanged in the file: the points fit the {size[0]} x {size[1]} picture only "
                         "the other way round.")
            return swapped
        if outside > 0.5:
            raise InputError(f"{outside:.0%} of the points lie outside the {size[0]} x {size[1]} picture: give the "
                             "size of the picture that they were found in.")
    if not _lies_mirrored(points, names):
        return points
    if size is None:
        raise InputError("x and y look exchanged: the person would lie on the side, mirrored. Exchange them, or give "
                         "the picture's size if they are right.")
    notes.append("The person lies in the picture and is mirrored: look whether x and y are exchanged.")
    return points


def likely_size(points: Numbers, notes: list[str]) -> Size:
    """The smallest usual picture size that holds the points; of those alike, the one with the people in the middle."""
    xy = points[points[..., 2] > 0][:, :2]
    reach, middle = np.percentile(xy, 99.5, axis=0), np.median(xy, axis=0)
    fitting = [size for size in _USUAL_SIZES if reach[0] <= size[0] and reach[1] <= size[1]]
    if fitting:
        least = min(width * height for width, height in fitting)
        alike = [size for size in fitting if size[0] * size[1] < 1.1 * least]
        size = min(alike, key=lambda s: abs(middle[0] / s[0] - 0.5) + abs(middle[1] / s[1] - 0.5))
    else:
        size = (int(np.ceil(reach[0] * 1.05)), int(np.ceil(reach[1] * 1.05)))
    notes.append(f"The picture's size is not known: {size[0]} x {size[1]} pixels is assumed from the points. Give it "
                 "for a better camera.")
    return size


def _outside(points: Numbers, size: Size) -> float:
    """Share of the seen points outside the picture and a border of a twentieth."""
    xy = points[points[..., 2] > 0][:, :2] / size
    return float(((xy < -0.05) | (xy > 1.05)).any(axis=-1).mean())


def _middle(points: Numbers, names: tuple[str, ...], part: str) -> Numbers:
    """(M,2) middle of the left and right part where both are seen."""
    if f"left_{part}" not in names:
        return np.zeros((0, 2))
    pair = points[:, [names.index(f"left_{part}"), names.index(f"right_{part}")]]
    both: Numbers = pair[(pair[..., 2] > 0).all(axis=1), :, :2].mean(axis=1)
    return both


def _lies_mirrored(points: Numbers, names: tuple[str, ...]) -> bool:
    """Whether the person lies in nearly every frame and, facing the camera, has the left side where the right belongs.

    Exchanging x and y turns a standing person by a quarter and mirrors it: eyes and nose are seen, and yet the left
    shoulder lies to the left of the way from the hips to the neck.
    """
    needed = ("nose", "left_eye", "right_eye", "left_shoulder", "right_shoulder", "left_hip", "right_hip")
    if not set(needed) <= set(names):
        return False
    part = points[:, [names.index(name) for name in needed]]
    part = part[(part[..., 2] > 0.3).all(axis=1), :, :2]
    if len(part) < max(1, 0.3 * len(points)):
        return False
    up = (part[:, 3] + part[:, 4] - part[:, 5] - part[:, 6]) / 2
    across = part[:, 3] - part[:, 4]
    lying = np.abs(up[:, 0]) > 1.5 * np.abs(up[:, 1])
    clear = np.linalg.norm(across, axis=1) > 0.2 * np.linalg.norm(up, axis=1)
    mirrored = up[:, 0] * across[:, 1] - up[:, 1] * across[:, 0] < 0
    return bool(lying.mean() >= 0.9 and clear.mean() > 0.3 and mirrored[clear].mean() > 0.8)
