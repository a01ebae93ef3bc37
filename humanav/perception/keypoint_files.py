"""Keypoint files of every usual kind as one person's :class:`KeypointSequence`, and back."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from humanav.body.landmarks import KEYPOINT_SETS
from humanav.errors import InputError
from humanav.perception import keypoint_checks as checks
from humanav.perception.keypoint_table import MAX_FRAMES, Numbers, Table, stacked, time_line
from humanav.perception.layouts import landmark_called, layout_names, map_names, recognise, selection
from humanav.perception.sequence import KeypointSequence

DEFAULT_FPS = 30.0


@dataclass(frozen=True)
class Keypoints:
    """What a keypoint file gave.

    Attributes:
        sequence: one person's keypoints; frames and points that the file lacks have confidence 0.
        notes: sentences on what was assumed, converted or left out.
        first_frame: the file's number of the first frame.
    """

    sequence: KeypointSequence
    notes: list[str]
    first_frame: int = 0


def read_keypoints(
    path: str | Path, *, keypoint_set: str | None = None, mapping: Mapping[str, int | str] | None = None,
    size: tuple[int, int] | None = None, fps: float | None = None, person: int | str | None = None,
) -> Keypoints:
    """Read 2D keypoints of one person over time.

    Read are: a folder of OpenPose JSON files, one OpenPose file, COCO annotations and results, AlphaPose results,
    MMPose predictions, MediaPipe landmarks in JSON, npz (ours, VideoPose3D's ``positions_2d``, arrays (frames,
    [people], points, 2 or 3) under common names), npy, and CSV (a column for each number, a row for each point, or
    numbers alone). What they are is told from their contents.

    Args:
        path: the file, or the folder of files.
        keypoint_set: the file's layout: a key of KEYPOINT_SETS or of :data:`humanav.perception.layouts.FILE_LAYOUTS`;
            by default told from its names, or the number and places of its points.
        mapping: {our landmark name: number from 0 or name of the file's point}, for other layouts.
        size: (width, height) of the picture in pixels, where the file does not say.
        fps: frames per second of the clip, where the file does not say.
        person: which person: the label that the error names, or "largest".

    Raises:
        SeveralPeopleError: there are several people; its text and its ``people`` say which.
        InputError: a file that cannot be used; the text says why and what to do.
    """
    path = Path(path)
    if size is not None and (len(size) != 2 or min(size) <= 0):
        raise InputError(f"The picture's size must be two positive numbers, width and height, not {size}.")
    if fps is not None and not (np.isfinite(fps) and fps > 0):
        raise InputError(f"The frame rate must be a positive number, not {fps}.")
    table = _read(path, None if person is None else str(person))
    raw, frames, labels = stacked(table, path.name)
    try:
        return _keypoints(path, table, raw, frames, labels, keypoint_set, mapping, size, fps, person)
    except InputError as error:
        if path.name in str(error):
            raise
        raise InputError(f"{path.name}: {error}") from error


def _keypoints(
    path: Path, table: Table, raw: Numbers, numbers: np.ndarray[tuple[int, ...], np.dtype[np.int64]],
    labels: list[str | None], keypoint_set: str | None, mapping: Mapping[str, int | str] | None,
    size: tuple[int, int] | None, fps: float | None, person: int | str | None,
) -> Keypoints:
    from humanav.perception.keypoint_people import chosen, tracks

    notes = table.notes
    points = checks.places_and_confidence(raw, notes)
    kind, points = _in_layout(points, table, keypoint_set, mapping, notes)
    names = KEYPOINT_SETS[kind]
    picture = (round(size[0]), round(size[1])) if size is not None else table.size
    points = checks.in_pixels(points, picture, names, notes)
    points = checks.upright(points, picture, names, notes)
    points = checks.without_negative(points, kind == "blazepose33", notes)
    picture = picture or checks.likely_size(points, notes)
    place, count, step = time_line(table)
    if count > MAX_FRAMES:
        raise InputError(f"There are {count} frames, more than {MAX_FRAMES}: cut the clip first.")
    frames = np.array([place[int(number)] for number in numbers])
    somebody = np.flatnonzero((points[..., 2] > 0).any(axis=1))
    points, frames = points[somebody], frames[somebody]
    found = tracks(points, frames, [labels[row] for row in somebody])
    one = chosen(found, person, points, frames, path.name, notes, picture[0])
    keypoints = np.zeros((count, len(names), 3), dtype=np.float32)
    keypoints[frames[one.rows]] = np.nan_to_num(points[one.rows], nan=0.0)
    empty = count - len(set(frames[one.rows].tolist()))
    if empty and len(table.frames) == count:
        notes.append(f"Nobody is there in {empty} of {count} frames; they are left without points.")
    rate = fps or table.fps
    if rate is None:
        notes.append(f"The frame rate is not known: {DEFAULT_FPS:g} frames per second are assumed.")
    rate = (rate or DEFAULT_FPS) / step
    sequence = KeypointSequence(keypoints, kind, rate, *picture, person_id=one.label, name=path.stem)
    return Keypoints(sequence, list(dict.fromkeys(notes)), min(table.frames))


def _read(path: Path, person: str | None) -> Table:
    if path.is_dir():
        from humanav.perception.keypoint_json import read_folder

        return read_folder(path)
    try:
        if path.stat().st_size == 0:
            raise InputError(f"{path.name} is empty: write it again.")
    except FileNotFoundError as error:
        raise InputError(f"There is no file {path.name}: check the name and the folder.") from error
    except OSError as error:
        raise InputError(f"The file {path.name} cannot be opened: check that you may read it.") from error
    ending = path.suffix.lower()
    if ending == ".json":
        from humanav.perception.keypoint_json import read_json

        return read_json(path)
    if ending in (".npz", ".npy"):
        from humanav.perception.keypoint_arrays import read_array_file

        return read_array_file(path, person)
    if ending in (".csv", ".tsv", ".txt"):
        from humanav.perception.keypoint_csv import read_csv

        return read_csv(path)
    raise InputError(f"{path.name} is no keypoint file that is known: choose .json, .npz, .npy or .csv, or a folder of "
                     "OpenPose files.")


def _in_layout(
    points: Numbers, table: Table, keypoint_set: str | None, mapping: Mapping[str, int | str] | None, notes: list[str]
) -> tuple[str, Numbers]:
    """The layout's name, and the points (N,K,3) in its order."""
    count = points.shape[1]
    if mapping is not None:
        own = map_names(mapping, count, table.names)
        kind, picked = selection(own, keypoint_set)
    else:
        layout = keypoint_set or table.layout
        called = [landmark_called(name) for name in table.names or ()]
        if layout is None and len(called) == count and sum(map(bool, called)) >= 8:
            kind, picked = selection(called)
        else:
            layout = layout or recognise(points)
            names = layout_names(layout)
            if len(names) != count:
                raise InputError(f"{layout} has {len(names)} points, but there are {count} here: name the right "
                                 "layout, or give a mapping.")
            kind, picked = selection(names, layout if layout in KEYPOINT_SETS else None)
            if layout != kind:
                notes.append(f"The points are taken as {layout}, and turned into {kind}.")
    out = np.zeros((len(points), len(picked), 3))
    out[..., :2] = np.nan
    for place, source in enumerate(picked):
        if source >= 0:
            out[:, place] = points[:, source]
    if not (out[..., 2] > 0).any():
        raise InputError(f"No point of {kind} is there: check the layout or the mapping.")
    return kind, out
