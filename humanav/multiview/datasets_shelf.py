"""Shelf and Campus (Belagiannis et al., "3D Pictorial Structures for Multiple Human Pose Estimation", CVPR 2014).

As released: ``actorsGT.mat``, whose ``actor3D{person}{frame}`` holds 14 points in metres, z up, or nothing where the
person is not there; cameras in ``calibration_shelf.json`` or ``calibration_campus.json`` as VoxelPose ships them
(by camera R, T in millimetres, ``x_cam = R (x_world - T)``, fx, fy, cx, cy, k, p). Papers score Shelf on its frames
300 to 599.

As 4D Association arranges Shelf: ``gt.txt`` and ``calibration.json``. The text holds the number of points and of
frames, then for every frame the number of people and for each of them an id and four rows: x, y, z in metres and
confidence of its 15 points (those 14 and the middle of the hips). A result ``skel.txt`` of 19 points is laid out alike.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from humanav.body.landmarks import KEYPOINT_SETS
from humanav.errors import CameraError, InputError
from humanav.multiview.calibration_value import FileRig, FileView, numbers
from humanav.multiview.calibration_world import to_rig
from humanav.multiview.datasets_files import load_json, rig_of, stacked, to_our_world
from humanav.multiview.evaluate_people import SHELF14, Array, GroundTruth, People3D
from humanav.multiview.value import Rig

_FPS = 25.0
_LAYOUTS = {14: SHELF14, 15: (*SHELF14, "pelvis"), 19: KEYPOINT_SETS["skel19"]}
_CALIBRATIONS = {"calibration_shelf.json": (1032, 776), "calibration_campus.json": (360, 288)}  # size of the pictures


def is_shelf(folder: Path) -> bool:
    """Whether the folder is Shelf or Campus, in either arrangement."""
    return (folder / "actorsGT.mat").is_file() or (folder / "gt.txt").is_file()


def read_shelf(folder: Path) -> GroundTruth:
    """The actors, "0", "1", ... Raises InputError and CameraError."""
    if (folder / "actorsGT.mat").is_file():
        people, names = _read_mat(folder / "actorsGT.mat"), SHELF14
        notes = ("Papers score Shelf on its frames 300 to 599.",)
    else:
        found = read_skeleton_text(folder / "gt.txt")
        return GroundTruth(found.people, found.names, _FPS, found.frames, rig=_rig(folder), kind="shelf")
    count = len(next(iter(people.values())))
    return GroundTruth(to_our_world(people, "z"), names, _FPS, np.arange(count), rig=_rig(folder), kind="shelf",
                       notes=notes)


def read_skeleton_text(path: Path) -> People3D:
    """A text of 4D Association: its truth (15 points) or a result of it (19).

    Raises:
        InputError: it is missing or of another layout.
    """
    try:
        words = path.read_text(encoding="utf-8").split()
        count, frames, at = int(words[0]), int(words[1]), 2
        names = _LAYOUTS[count]
        rows: list[dict[str, Array]] = []
        for _ in range(frames):
            people = int(words[at])
            at += 1
            row: dict[str, Array] = {}
            for _ in range(people):
                end = at + 1 + 4 * count
                values = np.array(words[at + 1:end], dtype=np.float64).reshape(4, count)
                row[str(int(words[at]))] = values.T
                at = end
            rows.append(row)
    except (OSError, UnicodeDecodeError, IndexError, KeyError, ValueError) as error:
        raise InputError(f"{path.name} is no text of skeletons as 4D Association writes it, or a part of it is "
                         "missing: get it again.") from error
    return People3D(to_our_world(stacked(rows, count), "z"), names, _FPS, np.arange(frames))


def _read_mat(path: Path) -> dict[str, Array]:
    from scipy.io import loadmat

    try:
        cells = loadmat(path)["actor3D"]
        actors = [_cells(actor) for actor in _cells(cells)]
        frames = max(len(actor) for actor in actors)
        people = {}
        for number, actor in enumerate(actors):
            rows = []
            for cell in actor:
                points = _numbers(cell)
                rows.append({} if points.size < 3 * 14 else {"0": points.reshape(-1, 3)[:14]})
            rows += [{}] * (frames - len(rows))
            found = stacked(rows, 14)
            if found:
                people[str(number)] = found["0"]
        if not people:
            raise ValueError("nobody")
        return people
    except Exception as error:  # a damaged file of MATLAB can raise nearly anything
        raise InputError(f"{path.name} holds no actor3D of 14 points for each person and frame, or it is "
                         "damaged: get it again.") from error


def _cells(value: Any) -> list[Any]:
    """The cells of a MATLAB cell array, out of boxes of one cell that hold it."""
    array = np.asarray(value)
    while array.dtype == object and array.size == 1 and np.asarray(array.flat[0]).dtype == object:
        array = np.asarray(array.flat[0])
    return list(array.reshape(-1)) if array.dtype == object else [array]


def _numbers(value: Any) -> Array:
    array = np.asarray(value)
    while array.dtype == object:
        if array.size != 1:
            return np.zeros(0)
        array = np.asarray(array.flat[0])
    return array.astype(np.float64)


def _rig(folder: Path) -> Rig | None:
    """Cameras of VoxelPose's file or of 4D Association's."""
    file = next((folder / name for name in _CALIBRATIONS if (folder / name).is_file()), None)
    if file is None:
        return rig_of(folder / "calibration.json", "z", "m")
    views = []
    data = load_json(file)
    try:
        for name, camera in sorted(data.items()):
            R = numbers(camera["R"], (3, 3), name, "rotation")
            center = numbers(camera["T"], (3,), name, "translation")
            fx, fy, cx, cy = (float(numbers(camera[key], (), name, key)) for key in ("fx", "fy", "cx", "cy"))
            k, p = (numbers(camera.get(key, [0] * n), (n,), name, "distortion") for key, n in (("k", 3), ("p", 2)))
            views.append(FileView(name, np.array([[fx, 0, cx], [0, fy, cy], [0, 0, 1]]), R, -R @ center,
                                  _CALIBRATIONS[file.name], np.array([*k[:2], *p, k[2]])))
    except (AttributeError, KeyError, TypeError) as error:
        raise CameraError(f"{file.name} lacks R, T, fx, fy, cx or cy of a camera.") from error
    return to_rig(FileRig("shelf", tuple(views), 0.001, "z"))
