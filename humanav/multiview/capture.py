"""A capture on disk: its views, its calibration, its masks, and everything that is missing or odd about them.

Accepted are a folder or a zip of it in the layouts of AvatarPose and EasyMocap (``videos/`` or ``images/<cam>/``,
``intri.yml``, ``extri.yml``, ``mask_sta/<cam>/all/``), Hi4D (``images/<cam>/``, ``cameras/rgb_cameras.npz``), CMU
Panoptic (``hdVideos/``, ``calibration_*.json``) and Pose2Sim (``videos/``, ``calibration/Calib.toml``), videos beside a
calibration, or a list of single files.
"""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from humanav.errors import InputError
from humanav.multiview.boards_folder import BoardPictures, boards_in
from humanav.multiview.capture_checks import Clip, Problem, compared, numbering, probed
from humanav.multiview.capture_layout import CALIBRATIONS, PICTURES, VIDEOS, Layout, layout_of, mask_views, masks_of
from humanav.multiview.capture_names import matched_names
from humanav.multiview.capture_rig import chosen_calibration, sized_rig
from humanav.multiview.capture_unpack import inner_folder, unpack
from humanav.multiview.value import Rig

__all__ = ["Capture", "Clip", "Problem", "check_layout", "find_capture", "unpack"]


@dataclass(frozen=True)
class Capture:
    """Videos of one event from several cameras.

    Attributes:
        name: of the capture.
        names: of the V views; the calibration's names where there is one.
        sources: video file or folder of pictures of each view.
        rig: cameras of the same views in the same order, with the sizes of the pictures; None without a calibration.
        masks: folder of mask pictures by name of the view, None without masks.
        problems: all that is missing or odd.
        notes: sentences on what was found and taken for granted.
        clips: size, rate and length of each view; None where it cannot be read.
        folder: where it lies, or the folder in it that holds the pictures of a board.
    """

    name: str
    names: tuple[str, ...]
    sources: tuple[Path, ...]
    rig: Rig | None = None
    masks: dict[str, Path] | None = None
    problems: tuple[Problem, ...] = ()
    notes: tuple[str, ...] = ()
    clips: tuple[Clip | None, ...] = ()
    folder: Path = field(default_factory=Path)

    @property
    def stops(self) -> tuple[Problem, ...]:
        """The problems that must be mended first."""
        return tuple(problem for problem in self.problems if problem.stops)

    @property
    def sizes(self) -> tuple[tuple[int, int], ...]:
        """(width, height) of each view's pictures, (0, 0) where it cannot be read."""
        return tuple((clip.width, clip.height) if clip else (0, 0) for clip in self.clips)

    @property
    def boards(self) -> BoardPictures:
        """Pictures of a board that lie in the capture, for :func:`humanav.multiview.capture_boards.with_boards`."""
        return boards_in(self.folder)

    def check(self) -> Capture:
        """The capture itself. Raises InputError with the first problem that stops it."""
        if self.stops:
            more = len(self.stops) - 1
            raise InputError(self.stops[0].text + (f" Then mend {more} more." if more else ""))
        return self


def check_layout(place: str | Path | Sequence[str | Path]) -> tuple[Problem, ...]:
    """All that is missing or odd about a capture. Raises as :func:`find_capture`."""
    return find_capture(place).problems


def find_capture(
    place: str | Path | Sequence[str | Path], *, calibration: str | Path | None = None,
    masks: str | Path | None = None, work: str | Path | None = None, up: str = "auto",
    unit: str | float | None = None,
) -> Capture:
    """Find the views, the calibration and the masks of a capture, and check that they fit each other.

    Args:
        place: a folder, a zip, or a list of files: videos, calibration files, a zip of pictures or masks.
        calibration: a file or folder to use instead of what lies in the place.
        masks: a folder or zip of mask pictures, a folder for each view.
        work: folder to unpack and gather into; by default a new one among the system's temporary files.
        up, unit: as for :func:`humanav.multiview.calibration.read_calibration`.

    Returns:
        The capture. What is wrong with it is in ``problems``; ``check()`` raises what stops it.

    Raises:
        InputError: there is no such place, a zip that cannot be used, an unknown axis or unit.
        StorageError: a zip cannot be unpacked, for want of room or rights.
    """
    if isinstance(place, (str, Path)) and Path(place).is_dir():
        folder = inner_folder(Path(place))
        name = folder.name or folder.resolve().name
        base, layout = layout_of(folder)
    else:
        files = [Path(place)] if isinstance(place, (str, Path)) else [Path(item) for item in place]
        folder, base, layout = _gathered(files, work)
        name = files[0].stem if len(files) == 1 else "capture"
    problems = [Problem(*odd) for odd in layout.odd]
    notes = list(layout.notes)
    clips = {view: probed(view, source, problems) for view, source in layout.sources.items()}
    places = [folder] if base == folder else [folder, base]
    rig, guessed = chosen_calibration(places, list(clips), calibration, up, unit, problems, notes)
    names = {view: view for view in clips}  # view to its name in the capture
    if rig is not None:
        names = matched_names(list(clips), rig.names)
        _unmatched(list(clips), names, rig, problems, notes)
    views = [view for view in clips if view in names]
    _count(len(views), bool(clips), problems)
    kept = [clips[view] for view in views]
    if rig is not None and views:
        rig = sized_rig(rig.only([names[view] for view in views]), kept, guessed, problems)
    else:
        rig = None
    compared(views, kept, problems)
    problems += numbering({view: layout.sources[view] for view in views})
    lying = layout.masks or masks_of(base) or masks_of(folder)
    found = _masks(lying, masks, work, names, problems)
    home = next((one for one in places if boards_in(one).places), folder)
    return Capture(name, tuple(names[view] for view in views), tuple(layout.sources[view] for view in views), rig,
                   found or None, tuple(problems), tuple(notes), tuple(kept), home)


def _gathered(files: list[Path], work: str | Path | None) -> tuple[Path, Path, Layout]:
    """A folder with all small files of a list, zips unpacked, and where the views lie; videos stay where they are."""
    if not files:
        raise InputError("There are no files: give the videos of all cameras and their calibration.")
    for file in files:
        if file.is_dir():
            raise InputError(f"{file.name} is a folder, and a capture is one folder or files one by one: put the other "
                             "files into it, or name them as its calibration or masks.")
        if not file.is_file():
            raise InputError(f"There is no {'file or folder ' if len(files) == 1 else 'file '}{file.name}: check the "
                             "name and the folder.")
    folder = Path(work) / "unpacked" if work is not None else Path(tempfile.mkdtemp(prefix="humanav-capture-"))
    shutil.rmtree(folder, ignore_errors=True)  # of an earlier run
    folder.mkdir(parents=True)
    layout = Layout()
    base = folder
    packed = [file for file in files if file.suffix.lower() == ".zip"]
    for file in files:
        if file.suffix.lower() in VIDEOS:
            if file.stem in layout.sources:
                layout.odd.append((True, f"Two videos are named {file.stem}: name each after its camera.", file.name))
            layout.sources[file.stem] = file
        elif file.suffix.lower() in CALIBRATIONS:
            shutil.copyfile(file, folder / file.name)
        elif file not in packed:
            layout.odd.append((False, f"{file.name} is no video, calibration or zip: it is left out"
                               + (", put pictures into a folder for each camera and zip them."
                                  if file.suffix.lower() in PICTURES else "."), file.name))
    for file in sorted(packed, key=lambda one: "mask" in one.stem.lower()):
        inside = unpack(file, folder / f"{file.stem}_zip")
        if layout.sources:
            layout.masks = layout.masks or mask_views(inside) or masks_of(inside)
            base = inside if boards_in(inside).places else base
        else:
            base, found = layout_of(inside)
            layout = replace(found, odd=[*layout.odd, *found.odd])
    return folder, base, layout


def _unmatched(
    views: list[str], names: dict[str, str], rig: Rig, problems: list[Problem], notes: list[str]
) -> None:
    """Say which videos and cameras have no partner."""
    spare = [view for view in views if view not in names]
    unused = [name for name in rig.names if name not in names.values()]
    if views and not names:
        problems.append(Problem(True, f"No video belongs to a camera of the calibration: the videos are named "
                                f"{_some(views)}, the cameras {_some(list(rig.names))}. Rename the videos after their "
                                "cameras.", views[0]))
        return
    for view in spare:
        without = f" ({_some(unused)} have no video)" if unused else ""
        problems.append(Problem(False, f"The calibration has no camera for the video {view}{without}: it is left out. "
                                "Rename it after its camera if it has one.", view))
    if unused and rig.kind == "panoptic":
        notes.append(f"{len(unused)} cameras of the calibration have no video.")
    else:
        problems += [Problem(False, f"There is no video of camera {name}: it is left out. Add it, named after the "
                             "camera.", name) for name in unused]
    renamed = {view: name for view, name in names.items() if view != name}
    if renamed:
        notes.append("Videos and cameras are paired by their names: "
                     + ", ".join(f"{view} is {name}" for view, name in renamed.items()) + ".")


def _count(views: int, any_video: bool, problems: list[Problem]) -> None:
    if not any_video and any(problem.stops for problem in problems):
        return
    if not any_video:
        problems.append(Problem(True, "There are no videos: put a video of each camera (cam01.mp4, ...) or a folder of "
                                "pictures for each (images/cam01/000001.jpg, ...) there."))
    elif views == 1:
        problems.append(Problem(True, "There is a single view, and depth needs at least two: use the Video tracking "
                                "tab or 'humanav track' for one camera, or add the other cameras' videos."))
    elif views == 2:
        problems.append(Problem(False, "There are two views only: a point that one of them does not see has no depth, "
                                "and wrong matches cannot be told from right ones by geometry alone. Three or more "
                                "cameras are better."))


def _masks(
    found: dict[str, Path], given: str | Path | None, work: str | Path | None, names: dict[str, str],
    problems: list[Problem],
) -> dict[str, Path]:
    """Folder of masks by name in the capture: of those that were given, else of those that were found."""
    if given is not None:
        place = Path(given)
        if place.suffix.lower() == ".zip":
            target = Path(work) if work is not None else Path(tempfile.mkdtemp(prefix="humanav-masks-"))
            shutil.rmtree(target / "given_masks", ignore_errors=True)  # of an earlier run
            place = unpack(place, target / "given_masks")
        found = mask_views(place) or masks_of(place) if place.is_dir() else {}
        if not found:
            problems.append(Problem(True, f"There are no masks in {Path(given).name}: a folder of PNG files is needed "
                                    "for each view (cam01/000001.png, ...).", Path(given).name))
    pairs = matched_names(list(found), list(names)) if found else {}
    masks = {names[view]: found[mask] for mask, view in pairs.items()}
    lacking = [names[view] for view in names if names[view] not in masks]
    if masks and lacking:
        problems.append(Problem(False, f"There are no masks of {_some(lacking)}: the detector's are used there."))
    elif found and not masks and names:
        problems.append(Problem(False, f"The masks' folders ({_some(list(found))}) are not named after the views: they "
                                "are left out."))
    return masks


def _some(names: list[str]) -> str:
    return ", ".join(names[:6]) + (f" and {len(names) - 6} more" if len(names) > 6 else "")
