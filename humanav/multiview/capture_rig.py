"""The calibration of a capture: chosen among those that lie there, and fitted to the pictures' sizes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np

from humanav.errors import CameraError
from humanav.multiview.calibration_files import Candidate, calibrations_in, candidate_of
from humanav.multiview.calibration_world import to_rig, unsized
from humanav.multiview.capture_checks import Clip, Problem
from humanav.multiview.capture_names import matched_names
from humanav.multiview.capture_sizes import fit_size
from humanav.multiview.value import Rig

NO_CALIBRATION = ("There is no calibration of the cameras: add its files, film a checkerboard, or let the cameras be "
                  "found from the people.")
_SAME_PIXELS, _SAME_PLACE = 0.5, 0.005  # pixels of K; rotation entries and metres
_FARTHEST = 0.35  # of a side: a principal point farther from the middle belongs to other pictures


def chosen_calibration(
    folders: Sequence[Path], views: Sequence[str], given: str | Path | None, up: str, unit: str | float | None,
    problems: list[Problem], notes: list[str],
) -> tuple[Rig | None, frozenset[str]]:
    """The calibration that was given, or the one in the folders, and the cameras whose picture size it does not say.

    None, and a problem, when there is none to use.
    """
    try:
        if given is not None:
            place = Path(given)
            if not place.exists():
                raise CameraError(f"There is no calibration {place.name}: check the name and the folder.")
            found = [candidate_of(place)] if place.is_file() else calibrations_in(place)
        else:
            found = [one for folder in folders for one in calibrations_in(folder)]
        if not found:
            problems.append(Problem(given is not None, NO_CALIBRATION))
            return None, frozenset()
        return _agreed(found, views, up, unit, problems, notes)
    except CameraError as error:
        problems.append(Problem(True, str(error)))
        return None, frozenset()


def _agreed(
    found: list[Candidate], views: Sequence[str], up: str, unit: str | float | None, problems: list[Problem],
    notes: list[str],
) -> tuple[Rig | None, frozenset[str]]:
    """The calibration that knows most of the views, when the others say the same or cannot be read."""
    rigs: list[tuple[Candidate, Rig]] = []
    guessed: dict[str, frozenset[str]] = {}
    for one in found:
        try:
            read = one.read()
            rigs.append((one, to_rig(read, up=up, unit=unit)))
            guessed[one.label] = frozenset(unsized(read))
        except CameraError as error:
            problems.append(Problem(len(found) == 1, f"The calibration {one.label} cannot be used: {error}", one.label))
    if not rigs:
        if not any(problem.stops for problem in problems):
            raise CameraError("None of the calibrations can be used: calibrate the cameras again.")
        return None, frozenset()
    rigs.sort(key=lambda pair: -len(matched_names(views, pair[1].names)))
    first, rig = rigs[0]
    others = [one.label for one, other in rigs[1:] if _same(rig, other) is True]
    unlike = [one.label for one, other in rigs[1:] if _same(rig, other) is False]
    foreign = [one.label for one, other in rigs[1:] if _same(rig, other) is None]
    if unlike:
        problems.append(Problem(True, f"There are two calibrations that differ, {first.label} and {unlike[0]}: remove "
                                "one, or say which to use.", unlike[0]))
        return rig, guessed[first.label]
    if others:
        notes.append(f"The calibration {first.label} is used; {', '.join(others)} says the same.")
    if foreign:
        notes.append(f"The calibration {first.label} is used; {', '.join(foreign)} names other cameras.")
    notes += rig.notes
    return rig, guessed[first.label]


def _same(a: Rig, b: Rig) -> bool | None:
    """Whether two rigs say the same of the cameras that both name; None when there are none."""
    shared = [name for name in a.names if name in b.names]
    return None if not shared else all(
        np.abs(a[name].K - b[name].K).max() < _SAME_PIXELS and np.abs(a[name].R - b[name].R).max() < _SAME_PLACE
        and np.abs(a[name].t - b[name].t).max() < _SAME_PLACE for name in shared)


def sized_rig(
    rig: Rig, clips: Sequence[Clip | None], guessed: frozenset[str], problems: list[Problem]
) -> Rig:
    """The rig for pictures of the clips' sizes; says what was done about those that are not the calibration's.

    ``guessed`` names the cameras whose size the calibration does not say.
    """
    cameras = list(rig.cameras)
    for k, (name, clip) in enumerate(zip(rig.names, clips)):
        if clip is None:
            continue
        cameras[k], text, usable = fit_size(cameras[k], (clip.width, clip.height), known=name not in guessed)
        if text:
            problems.append(Problem(not usable, f"{name}: {text}.", name))
        off = np.abs(cameras[k].K[:2, 2] / [clip.width, clip.height] - 0.5).max()
        if usable and off > _FARTHEST:
            problems.append(Problem(False, f"{name}: the principal point lies far from the middle of the picture, as "
                                    "of another camera or picture size: check the calibration.", name))
    return replace(rig, cameras=tuple(cameras))
