"""The lens of a camera from pictures of a board in different positions."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from humanav.errors import CameraError
from humanav.multiview.boards import Board, BoardSource, Corners, board_pictures
from humanav.multiview.boards_corners import find_corners, gray_of

Array = NDArray[np.float64]

LEAST_PICTURES = 3
"""A lens needs the board in at least so many positions."""
_FEW = 20  # so many pictures are looked at thoroughly
_STRAY = 2.5  # a picture whose error is more times the median is left out


@dataclass(frozen=True)
class Lens:
    """A calibrated lens.

    Attributes:
        K: (3,3) pixels.
        distortion: (5,) OpenCV's k1, k2, p1, p2, k3.
        width, height: of the pictures.
        rms: pixels between found and predicted corners, root mean square.
        used: error in pixels by name of each picture that was used.
        dropped: reason by name of each picture that was not.
        notes: sentences.
    """

    K: Array
    distortion: Array
    width: int
    height: int
    rms: float
    used: dict[str, float] = field(default_factory=dict)
    dropped: dict[str, str] = field(default_factory=dict)
    notes: tuple[str, ...] = ()


def calibrate_lens(
    source: BoardSource, board: Board, *, name: str = "the camera", progress: Callable[[float], None] | None = None
) -> Lens:
    """The lens of a camera from pictures or a video of a board in different positions (Zhang 2000, as in OpenCV).

    Pictures with an error far beyond the others' are left out and named.

    Raises:
        CameraError: the board is in fewer than three pictures, or their sizes are mixed.
        InputError: pictures that cannot be read.
    """
    pictures = [(label, gray_of(image)) for label, image in board_pictures(source)]
    seen: dict[str, Corners] = {}
    dropped: dict[str, str] = {}
    sizes: dict[str, tuple[int, int]] = {}
    for number, (label, image) in enumerate(pictures):
        sizes[label] = (image.shape[1], image.shape[0])
        found = find_corners(image, board, thorough=len(pictures) <= _FEW)
        if found is None:
            dropped[label] = "the board was not found"
        else:
            seen[label] = found
        if progress is not None:
            progress((number + 1) / len(pictures))
    if len(set(sizes.values())) > 1:
        (first, one), (second, two) = list({size: label for label, size in sizes.items()}.items())[:2]
        raise CameraError(f"The pictures of {name} differ in size ({one} is {first[0]} x {first[1]}, {two} "
                          f"{second[0]} x {second[1]}): a lens needs pictures of one size and one orientation.")
    if len(seen) < LEAST_PICTURES:
        raise CameraError(f"The board was found in {len(seen)} of {len(pictures)} pictures of {name}: at least "
                          f"{LEAST_PICTURES}, better 10, from different sides are needed. Check the number of corners "
                          f"({board.columns} x {board.rows}), and that the whole board is in the picture.")
    return _lens(seen, dropped, next(iter(sizes.values())), board, name)


def _lens(
    seen: dict[str, Corners], dropped: dict[str, str], size: tuple[int, int], board: Board, name: str
) -> Lens:
    import cv2

    kept = dict(seen)
    while True:
        flags = cv2.CALIB_FIX_K3 | (cv2.CALIB_ZERO_TANGENT_DIST if len(kept) < 6 else 0)
        world = [board.points[one.ids].astype(np.float32) for one in kept.values()]
        pixels = [(one.pixels - 0.5).astype(np.float32)[:, None] for one in kept.values()]
        try:
            rms, K, distortion, _, _, spread, _, errors = cv2.calibrateCameraExtended(
                world, pixels, size, None, None, flags=flags)  # type: ignore[call-overload]
        except cv2.error as error:
            raise CameraError(f"The pictures of {name} do not determine the lens: show the board from more sides, "
                              "tilted.") from error
        each = dict(zip(kept, np.asarray(errors).reshape(-1).tolist()))
        worst = max(each, key=lambda label: each[label])
        usual = float(np.median(list(each.values())))
        if len(kept) <= LEAST_PICTURES or each[worst] <= max(1.0, _STRAY * usual):
            break
        dropped[worst] = f"its corners are {each[worst]:.1f} pixels off, the others' {usual:.1f}"
        del kept[worst]
    if not (np.isfinite(K).all() and K[0, 0] > 0 and K[1, 1] > 0):
        raise CameraError(f"The pictures of {name} do not determine the lens: show the board from more sides, tilted.")
    notes = []
    doubt = float(np.asarray(spread).reshape(-1)[:2].max() / K[0, 0])
    if doubt > 0.02:
        notes.append(f"The focal length of {name} is uncertain by {100 * doubt:.0f}%: tilt the board more, in more "
                     "parts of the picture.")
    if rms > 1.0:
        notes.append(f"The corners of {name} are {rms:.1f} pixels off on average: is the board flat, and its pictures "
                     "sharp?")
    K = np.asarray(K, dtype=np.float64).copy()
    K[:2, 2] += 0.5
    return Lens(K, np.asarray(distortion, dtype=np.float64).reshape(-1)[:5], *size, float(rms), each, dropped,
                tuple(notes))


def lens_report(lenses: dict[str, Lens]) -> Iterable[str]:
    """A line for each camera: focal length, error, pictures."""
    for name, lens in lenses.items():
        yield (f"{name}: focal {lens.K[0, 0]:.1f}, {lens.K[1, 1]:.1f} px, error {lens.rms:.2f} px, {len(lens.used)} "
               f"pictures used, {len(lens.dropped)} not")
