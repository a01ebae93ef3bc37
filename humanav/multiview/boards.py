"""Checkerboards and ChArUco boards, and their pictures.

Convention: board coordinates in metres, x along the columns, y along the rows, z = 0; seen from the front, x points
right and y down when the board is upright, so z points away from the viewer. Pixels from the corner of the first
pixel, as in :class:`Camera`.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, get_args

import numpy as np
from numpy.typing import NDArray

from humanav.errors import InputError
from humanav.multiview.capture_checks import clip_of
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
    video = clip_of(path)
    wanted = set(np.unique(np.linspace(0, len(video) - 1, min(most, len(video))).astype(int)).tolist())
    with video:
        for number, frame in enumerate(video):
            if number in wanted:
                yield f"{path.stem} frame {number}", frame
