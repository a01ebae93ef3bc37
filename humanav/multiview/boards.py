"""Checkerboards and ChArUco boards, and their corners in pictures.

Convention: board coordinates in metres, x along the columns, y along the rows, z = 0; seen from the front, x points
right and y down when the board is upright, so z points away from the viewer. Pixels from the corner of the first
pixel, as in :class:`Camera`.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, get_args

import numpy as np
from numpy.typing import NDArray

from humanav.errors import InputError
from humanav.multiview.capture_layout import VIDEOS, pictures_of
from humanav.perception.video import open_video

Array = NDArray[np.float64]
Pixels = NDArray[np.uint8]
BoardKind = Literal["checkerboard", "charuco"]
BoardSource = str | Path | Sequence[str | Path | Pixels]

USUAL_SQUARE = 0.06
"""Metres: side of the squares of a board of which nothing is said, for no picture tells it."""
MOST_PICTURES = 60
"""Pictures of a film that are looked at."""
_FIRST_SIDE = 1280  # boards are looked for in pictures of this size first
_GUESS_SIDE = 960
_GUESSED = 4  # pictures that the size is guessed from
_USUAL = ((11, 8), (10, 7), (9, 7), (9, 6), (8, 6), (8, 5), (7, 6), (7, 5), (7, 4), (6, 5), (6, 4), (6, 3), (5, 4),
          (5, 3), (4, 3))
_LEAST_CORNERS = 6
_BENT = 0.2  # of a square: corners farther from a plane's are wrong ones
_CONTRAST = 0.4  # of the board's: its outer squares have no less


@dataclass(frozen=True)
class Board:
    """A printed board.

    Attributes:
        columns, rows: inner corners of a checkerboard; squares of a ChArUco board.
        square: side of a square in metres.
        kind: of board.
        marker: side of a ChArUco marker in metres, by default 3/4 of the square.
        dictionary: name of the markers' dictionary in OpenCV.

    Raises:
        InputError: fewer than 3 columns or rows, sizes that are not positive, or another kind.
    """

    columns: int
    rows: int
    square: float
    kind: BoardKind = "checkerboard"
    marker: float | None = None
    dictionary: str = "DICT_4X4_50"

    def __post_init__(self) -> None:
        if self.kind not in get_args(BoardKind):
            raise InputError(f"A board is a {' or a '.join(get_args(BoardKind))}, not a {self.kind!r}.")
        if min(self.columns, self.rows) < 3 or max(self.columns, self.rows) > 40:
            raise InputError("A board needs 3 to 40 columns and rows: count the inner corners of a checkerboard, the "
                             "squares of a ChArUco board.")
        if not (np.isfinite(self.square) and self.square > 0):
            raise InputError("The side of a board's square must be a positive number of metres: measure it.")
        if self.marker is not None and not 0 < self.marker < self.square:
            raise InputError("The markers of a ChArUco board must be smaller than its squares: measure both in metres.")

    @property
    def points(self) -> Array:
        """(N,3) the inner corners in board coordinates, row by row."""
        less = 1 if self.kind == "charuco" else 0
        start = self.square if less else 0.0
        x, y = np.meshgrid(np.arange(self.columns - less), np.arange(self.rows - less))
        return np.stack([x * self.square + start, y * self.square + start, 0 * x], -1).reshape(-1, 3).astype(float)

    @property
    def turned_alike(self) -> bool:
        """Whether the board looks the same when it is turned by 180 degrees."""
        return self.kind == "checkerboard" and (self.columns + self.rows) % 2 == 0


def named_board(text: str) -> Board:
    """The checkerboard that is named by its inner corners, "7x4", or these and its squares' side in metres, "7x4:0.05".

    Raises:
        InputError: anything else, or a board that there cannot be.
    """
    found = re.fullmatch(r"\s*(\d{1,3})\s*[x×]\s*(\d{1,3})\s*(?::\s*([\d.]{1,20})\s*m?\s*)?", text, re.ASCII)
    try:
        if found is None:
            raise ValueError(text)
        return Board(int(found[1]), int(found[2]), float(found[3] or USUAL_SQUARE))
    except ValueError as error:
        raise InputError(f"A board is told by its inner corners, as 7x4, or with its squares' side in metres, as "
                         f"7x4:0.05, not by {text!r}.") from error


@dataclass(frozen=True)
class Corners:
    """Corners of a board in one picture: ``ids`` (N,) into the board's points, ``pixels`` (N,2)."""

    ids: NDArray[np.int64]
    pixels: Array


def board_pictures(source: BoardSource, most: int = MOST_PICTURES) -> Iterator[tuple[str, Pixels]]:
    """Name and RGB pixels of the pictures of a folder, a list, one picture, or a video (evenly spread frames of it).

    Raises:
        InputError: no such file, or nothing that can be read.
    """
    items = [source] if isinstance(source, (str, Path)) else list(source)
    for number, item in enumerate(items):
        if isinstance(item, np.ndarray):
            yield f"picture {number + 1}", item
            continue
        path = Path(item)
        if path.is_dir():
            films = sorted(file for file in path.iterdir() if file.suffix.lower() in VIDEOS)
            inside: list[Path] = [*pictures_of(path), *films]
            if not inside:
                raise InputError(f"There are no pictures and no video in the folder {path.name}: film the board.")
            yield from board_pictures(inside, most)
        elif path.suffix.lower() in VIDEOS:
            yield from _film(path, most)
        elif not path.is_file():
            raise InputError(f"There is no file {path.name}: check the name and the folder.")
        else:
            yield path.name, next(iter(open_video(path)))  # dark and flat ones too: no board will be found in them


def _film(path: Path, most: int) -> Iterator[tuple[str, Pixels]]:
    from humanav.multiview.capture_checks import clip_of

    video = clip_of(path)
    wanted = set(np.unique(np.linspace(0, len(video) - 1, min(most, len(video))).astype(int)).tolist())
    with video:
        for number, frame in enumerate(video):
            if number in wanted:
                yield f"{path.stem} frame {number}", frame


def find_corners(image: Pixels, board: Board, *, thorough: bool = True) -> Corners | None:
    """The corners of a board in a picture (H,W,3) RGB or (H,W), None when it is not seen well enough.

    ``thorough`` looks longer, for pictures that are few.
    """
    gray = gray_of(image)
    return _charuco(gray, board) if board.kind == "charuco" else _checkerboard(gray, board, thorough)


def gray_of(image: Pixels) -> Pixels:
    """(H,W) of a picture (H,W,3) RGB; a grey one is itself."""
    import cv2

    return image if image.ndim == 2 else np.asarray(cv2.cvtColor(image, cv2.COLOR_RGB2GRAY), np.uint8)


def _checkerboard(gray: Any, board: Board, thorough: bool) -> Corners | None:
    sides = ((_FIRST_SIDE, False), *(((_FIRST_SIDE, True), (_GUESS_SIDE, True), (max(gray.shape), True)) * thorough))
    found = (_found_at(gray, board, side, exhaustive) for side, exhaustive in sides)
    return next((corners for corners in found if corners is not None), None)


def _found_at(gray: Any, board: Board, side: int, exhaustive: bool) -> Corners | None:
    """The corners, looked for in the picture shrunk to that longer side (Duda and Frese 2018, as in OpenCV)."""
    import cv2

    scale = min(1.0, side / max(gray.shape))
    small = gray if scale == 1 else cv2.resize(gray, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)
    flags = cv2.CALIB_CB_NORMALIZE_IMAGE | (cv2.CALIB_CB_EXHAUSTIVE if exhaustive else 0)
    found, corners = cv2.findChessboardCornersSB(small, (board.columns, board.rows), flags=flags)
    if not found:
        return None
    pixels = (corners.reshape(-1, 2).astype(np.float64) + 0.5) / scale
    pixels = _ordered(gray, _exact(gray, pixels, float(np.linalg.norm(pixels[1] - pixels[0]))), board)
    return Corners(np.arange(len(pixels)), pixels) if _is_board(gray, pixels, board) else None


def _exact(gray: Any, pixels: Array, square: float) -> Array:
    """Corners (N,2) at the saddle of the grey values: the finder's are good to 0.3 pixel, these to 0.1 (rendered
    boards), and what finds ChArUco boards counts pixels from elsewhere."""
    import cv2

    window = max(2, round(square / 6))
    start = (pixels - 0.5).astype(np.float32).reshape(-1, 1, 2).copy()
    stop = (cv2.TERM_CRITERIA_EPS + cv2.TERM_CRITERIA_MAX_ITER, 40, 1e-3)
    found = cv2.cornerSubPix(gray, start, (window, window), (-1, -1), stop)
    return np.asarray(found, dtype=np.float64).reshape(-1, 2) + 0.5


def _is_board(gray: Any, pixels: Array, board: Board) -> bool:
    """Whether the corners are a plane's, but for what a lens bends, and the squares round them dark and light in turn:
    the finder jumps to a neighbour at times, or takes the board's edge for a row of corners."""
    import cv2

    plane = board.points[:, :2]
    H, _ = cv2.findHomography(plane, pixels)
    if H is None:
        return False
    miss = np.abs(cv2.perspectiveTransform(plane[None], H)[0] - pixels).max()
    grid = pixels.reshape(board.rows, board.columns, 2)
    if miss > _BENT * np.linalg.norm(np.diff(grid, axis=1), axis=-1).min():
        return False
    i, j = np.meshgrid(np.arange(board.columns + 1), np.arange(board.rows + 1))
    middles = (np.stack([i, j], -1).reshape(1, -1, 2) - 0.5) * board.square
    places = cv2.perspectiveTransform(middles, H)[0].astype(int).reshape(*i.shape, 2)
    inside = (places >= 0).all(-1) & (places[..., 0] < gray.shape[1]) & (places[..., 1] < gray.shape[0])
    places = np.where(inside[..., None], places, 0)
    signed = np.where(inside, gray[places[..., 1], places[..., 0]].astype(float), np.nan) * (1 - 2 * ((i + j) % 2))
    across, down = signed[:, 1:] + signed[:, :-1], signed[1:] + signed[:-1]  # of neighbours: their contrast
    usual = np.nanmean(across[1:-1])
    edges = (strip[np.isfinite(strip)] * np.sign(usual) for strip in (across[0], across[-1], down[:, 0], down[:, -1]))
    return all(len(strip) < 2 or strip.mean() > _CONTRAST * abs(usual) for strip in edges)


def _ordered(gray: Any, pixels: Array, board: Board) -> Array:
    """Corners in the order of the board's points: not mirrored, and a dark square first where that tells."""
    grid = pixels.reshape(board.rows, board.columns, 2)
    right, down = grid[0, -1] - grid[0, 0], grid[-1, 0] - grid[0, 0]
    if right[0] * down[1] - right[1] * down[0] < 0:
        grid = grid[::-1]
    if not board.turned_alike:
        middles = (grid[1:, 1:] + grid[:-1, :-1] + grid[1:, :-1] + grid[:-1, 1:]) / 4
        x, y = (np.clip(middles[..., k].astype(int), 0, gray.shape[1 - k] - 1) for k in (0, 1))
        even = np.add.outer(np.arange(board.rows - 1), np.arange(board.columns - 1)) % 2 == 0
        if gray[y, x][even].mean() > gray[y, x][~even].mean():
            grid = grid[::-1, ::-1]
    return np.ascontiguousarray(grid).reshape(-1, 2)


def _charuco(gray: Any, board: Board) -> Corners | None:
    import cv2

    number = getattr(cv2.aruco, board.dictionary, None)
    if number is None:
        raise InputError(f"OpenCV has no marker dictionary {board.dictionary}: DICT_4X4_50, DICT_5X5_100, ... are "
                         "known.")
    best: Corners | None = None
    for legacy in (False, True):  # OpenCV up to 4.6 began boards of even rows with the other colour
        printed = cv2.aruco.CharucoBoard((board.columns, board.rows), board.square, board.marker or 0.75 * board.square,
                                         cv2.aruco.getPredefinedDictionary(number))
        printed.setLegacyPattern(legacy)
        corners, ids, _, _ = cv2.aruco.CharucoDetector(printed).detectBoard(gray)
        if ids is None or len(ids) < _LEAST_CORNERS or (best is not None and len(ids) <= len(best.ids)):
            continue
        numbers, pixels = ids.reshape(-1).astype(np.int64), corners.reshape(-1, 2).astype(np.float64)
        points = board.points[numbers, :2]
        if np.linalg.matrix_rank(points - points[0]) == 2:
            apart = np.linalg.norm(pixels[1:] - pixels[:-1], axis=1) / np.linalg.norm(points[1:] - points[:-1], axis=1)
            best = Corners(numbers, _exact(gray, pixels, float(np.median(apart)) * board.square / 2))
    return best


def guess_board(source: BoardSource, square: float = USUAL_SQUARE) -> Board:
    """The checkerboard in pictures whose size was not said: the largest usual one that is found in half of a few.

    Args:
        source: as for :func:`board_pictures`.
        square: side of its squares in metres, which no picture tells.

    Raises:
        InputError: none is found.
    """
    import cv2

    every = []
    for _, image in board_pictures(source, _GUESSED):
        scale = min(1.0, _GUESS_SIDE / max(image.shape))
        every.append(cv2.resize(gray_of(image), None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA))
    grays = [every[k] for k in np.unique(np.linspace(0, len(every) - 1, min(_GUESSED, len(every))).astype(int))]
    for columns, rows in sorted(_USUAL, key=lambda size: -size[0] * size[1]):
        board = Board(columns, rows, square)
        shown = 0
        for left, gray in zip(range(len(grays), 0, -1), grays):
            if 2 * (shown + left) >= len(grays):  # half of them can still show it
                shown += _found_at(gray, board, max(gray.shape), True) is not None
        if 2 * shown >= len(grays):
            return board
    raise InputError("No checkerboard of a usual size was found in the pictures: it must lie whole in the picture, "
                     "with a white border, sharp and evenly lit; or say how many inner corners it has.")
