"""The corners of a board in pictures, and the size of a board of which nothing is said."""

from __future__ import annotations

from typing import Any

import numpy as np

from humanav.errors import InputError
from humanav.multiview.boards import USUAL_SQUARE, Array, Board, BoardSource, Corners, Pixels, board_pictures

_FIRST_SIDE = 1280  # boards are looked for in pictures of this size first
_GUESS_SIDE = 960
_GUESSED = 4  # pictures that the size is guessed from
_USUAL = ((11, 8), (10, 7), (9, 7), (9, 6), (8, 6), (8, 5), (7, 6), (7, 5), (7, 4), (6, 5), (6, 4), (6, 3), (5, 4),
          (5, 3), (4, 3))
_LEAST_CORNERS = 6
_BENT = 0.2  # of a square: corners farther from a plane's are wrong ones
_CONTRAST = 0.4  # of the board's: its outer squares have no less


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
