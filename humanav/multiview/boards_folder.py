"""A calibration from a folder of board pictures, laid out as Pose2Sim's users have it.

``intrinsics/<cam>/`` holds pictures or a video of the board for each lens, ``extrinsics/<cam>/`` what all cameras saw
of one board at the same moments; both lie in the folder or in its ``calibration/``. Prefixes such as ``int_`` and
``ext_`` are left away.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from humanav.errors import CameraError
from humanav.multiview.boards import Board
from humanav.multiview.boards_corners import guess_board
from humanav.multiview.boards_lens import Lens, calibrate_lens, lens_report
from humanav.multiview.boards_place import Placed, place_cameras
from humanav.multiview.capture_layout import VIDEOS, pictures_of

_LENS_FOLDERS, _PLACE_FOLDERS = ("intrinsics", "intrinsic"), ("extrinsics", "extrinsic")


@dataclass(frozen=True)
class BoardPictures:
    """Where the board's pictures lie: folder or video by name of the camera."""

    lenses: dict[str, Path]
    places: dict[str, Path]


def boards_in(folder: str | Path) -> BoardPictures:
    """The board pictures of a folder, none when there are none."""
    base = Path(folder)
    roots = [root for root in (base, base / "calibration") if root.is_dir()]

    def of(names: tuple[str, ...]) -> dict[str, Path]:
        return next((found for root in roots for name in names if (found := _views(root / name))), {})

    return BoardPictures(of(_LENS_FOLDERS), of(_PLACE_FOLDERS))


def calibrate_from_boards(
    folder: str | Path, board: Board | None = None, *, floor: bool = True,
    progress: Callable[[float], None] | None = None,
) -> tuple[Placed, dict[str, Lens]]:
    """Calibrate all cameras of a folder of board pictures.

    Args:
        folder: as the module says. Without ``intrinsics`` the lenses are found from the pictures in ``extrinsics``.
        board: as it was printed; by default its corners are counted, and its squares taken as 6 cm.
        floor: as for :func:`humanav.multiview.boards_place.place_cameras`.
        progress: told the part that is done, 0..1.

    Returns:
        The cameras with their notes, and the lens of each.

    Raises:
        CameraError: no board pictures, or cameras that cannot be calibrated with them.
        InputError: pictures that cannot be read, or no board in them.
    """
    found = boards_in(folder)
    if len(found.places) < 2:
        raise CameraError(f"There are no pictures of one board by several cameras in {Path(folder).name}: put them "
                          "into extrinsics/cam01, extrinsics/cam02 and so on.")
    lens_sources = found.lenses or found.places
    lacking = [name for name in found.places if name not in lens_sources]
    if lacking:
        raise CameraError(f"There are no pictures for the lens of {', '.join(lacking)}: put them into "
                          f"intrinsics/{lacking[0]}.")
    notes = []
    if board is None:
        board = guess_board(next(iter(lens_sources.values())))
        notes.append(f"The board is taken to have {board.columns} x {board.rows} inner corners and squares of "
                     f"{100 * board.square:g} cm: say so if it has others, everything scales with it.")
    lenses: dict[str, Lens] = {}
    for number, name in enumerate(found.places):
        lenses[name] = calibrate_lens(lens_sources[name], board, name=name)
        if progress is not None:
            progress((number + 1) / (len(found.places) + 1))
    placed = place_cameras(found.places, lenses, board, floor=floor)
    notes += [*lens_report(lenses), *(note for lens in lenses.values() for note in lens.notes)]
    return Placed(placed.rig.noted(*notes), placed.error, placed.used, placed.dropped), lenses


def _views(folder: Path) -> dict[str, Path]:
    if not folder.is_dir():
        return {}
    found = {}
    for item in sorted(folder.iterdir()):
        holds = item.is_dir() and (pictures_of(item) or any(one.suffix.lower() in VIDEOS for one in item.iterdir()))
        if holds or item.suffix.lower() in VIDEOS:
            found[re.sub(r"^(int|ext)(rinsics?)?_", "", item.stem)] = item
    return found
