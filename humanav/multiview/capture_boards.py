"""A capture without a calibration whose cameras are found from pictures of a board that lie with it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from humanav.errors import CameraError
from humanav.multiview.boards import Board
from humanav.multiview.boards_folder import calibrate_from_boards
from humanav.multiview.capture import Capture
from humanav.multiview.capture_checks import Problem
from humanav.multiview.capture_names import matched_names
from humanav.multiview.capture_rig import NO_CALIBRATION, sized_rig
from humanav.multiview.value import Rig


def with_boards(
    capture: Capture, board: Board | None = None, *, folder: str | Path | None = None, floor: bool = True,
    progress: Callable[[float], None] | None = None,
) -> Capture:
    """The capture with the cameras that its board pictures give.

    Args:
        capture: of the views to calibrate.
        board: as it was printed; by default its corners are counted, and its squares taken as 6 cm.
        folder: with ``intrinsics`` and ``extrinsics``; by default the capture's own.
        floor: whether the board of the first moment lies on the floor.
        progress: told the part that is done, 0..1.

    Raises:
        CameraError: no board pictures, cameras that cannot be calibrated with them, or a view without any.
        InputError: pictures that cannot be read, or no board in them.
    """
    placed, _ = calibrate_from_boards(folder or capture.folder, board, floor=floor, progress=progress)
    dropped = [f"{label} ({reason})" for label, reason in placed.dropped.items()]
    rig = placed.rig.noted(f"Board pictures not used: {', '.join(dropped)}.") if dropped else placed.rig
    return with_rig(capture, rig)


def with_rig(capture: Capture, rig: Rig) -> Capture:
    """The capture, so far without cameras, with those of a rig, paired with its views by their names.

    Raises:
        CameraError: a view without a camera.
    """
    names = matched_names(capture.names, rig.names)
    lacking = [view for view in capture.names if view not in names]
    if lacking:
        raise CameraError(f"There are no board pictures of {', '.join(lacking)}; there are of "
                          f"{', '.join(rig.names)}: name the folders after the videos.")
    problems: list[Problem] = []
    rig = sized_rig(rig.only([names[view] for view in capture.names]), capture.clips, frozenset(), problems)
    kept = [problem for problem in capture.problems if problem.text != NO_CALIBRATION]
    return replace(capture, rig=replace(rig, names=capture.names), problems=(*kept, *problems),
                   notes=(*capture.notes, *rig.notes))
