"""Keypoints in JSON: OpenPose, COCO and AlphaPose, MMPose, MediaPipe and plain nested lists."""

from __future__ import annotations

import json
import math
import re
from pathlib import Path
from typing import Any

from humanav.errors import InputError
from humanav.perception.keypoint_table import MAX_BYTES, MAX_FRAMES, Found, Table, as_points

_PEOPLE = ("people", "instances", "poses", "bodies", "persons", "predictions")
_POINTS = ("pose_keypoints_2d", "pose_keypoints", "keypoints", "joints", "pose_landmarks", "poseLandmarks", "landmarks")
_SCORES = ("keypoint_scores", "keypoints_score", "scores")
_LABELS = ("track_id", "person_id", "instance_id", "idx", "tracking_id")
_DEEPEST = 12  # lists in lists
_FRAMES = ("frames", "instance_info", "results", "data", "images_predictions")


def read_folder(folder: Path) -> Table:
    """A folder of JSON files, one for each frame, in the order of the numbers in their names."""
    files = [file for file in folder.iterdir() if file.suffix.lower() == ".json" and not file.name.startswith(".")]
    if not files:
        raise InputError(f"There is no JSON file in the folder {folder.name}: OpenPose writes one for each frame.")
    if len(files) > MAX_FRAMES:
        raise InputError(f"There are {len(files)} files in {folder.name}, more than {MAX_FRAMES}: cut the clip first.")
    numbers = _numbered([file.stem.removesuffix("_keypoints") for file in files])
    table = Table()
    for file, number in zip(files, numbers):
        table.frames.setdefault(number, [])
        for found in _people(_load(file), file.name):
            table.add(number, found)
    return table


def read_json(path: Path) -> Table:
    """Any of the JSON files above; a single OpenPose file is a clip of one frame."""
    data = _load(path)
    table = Table()
    if isinstance(data, dict):
        _describe(data, table)
        if isinstance(data.get("annotations"), list):
            return _coco(data, table, path.name)
        frames = next((data[key] for key in _FRAMES if isinstance(data.get(key), list)), None)
        if frames is None and data and all(isinstance(value, dict | list) for value in data.values()) \
                and not any(key in data for key in (*_PEOPLE, *_POINTS)):
            numbers = _numbered(list(data))
            for number, value in zip(numbers, data.values()):
                table.frames.setdefault(number, []).extend(_people(value, path.name))
            return table
        data = [data] if frames is None else frames
    if not isinstance(data, list):
        raise InputError(f"{path.name} holds no keypoints: a list of frames or people is needed.")
    if data and isinstance(data[0], dict) and "image_id" in data[0]:
        return _results(data, table, path.name)
    if data and isinstance(data[0], dict) and not any(key in data[0] for key in (*_PEOPLE, "frame_id", "frame")) \
            and any(key in data[0] for key in (*_SCORES, "bbox")):
        data = [data]  # MMPose on one picture: its people
    for index, frame in enumerate(data):
        number = _frame_number(frame, index)
        table.frames.setdefault(number, []).extend(_people(frame, path.name))
        if len(table.frames) > MAX_FRAMES:
            raise InputError(f"{path.name} has more than {MAX_FRAMES} frames: cut it first.")
    return table


def _load(path: Path) -> Any:
    try:
        if path.stat().st_size > MAX_BYTES:
            raise InputError(f"{path.name} is too large ({path.stat().st_size / 1e6:.0f} MB): cut the clip first.")
        text = path.read_text(encoding="utf-8-sig", errors="replace")
    except OSError as error:
        raise InputError(f"The file {path.name} cannot be opened: check that you may read it.") from error
    if not text.strip():
        raise InputError(f"{path.name} is empty: write it again.")
    try:
        return json.loads(text)
    except (ValueError, RecursionError) as error:
        raise InputError(f"{path.name} is not a JSON file, or a part of it is missing: write it again.") from error


def _describe(data: dict[str, Any], table: Table) -> None:
    """Names, size and rate that a file says of itself."""
    about = data.get("meta_info") or data.get("metadata") or data.get("meta") or data
    if not isinstance(about, dict):
        return
    names = about.get("keypoint_id2name")
    if isinstance(names, dict) and names:
        table.names = tuple(str(name) for _, name in sorted(names.items(), key=lambda item: _natural(str(item[0]))))
    listed = about.get("keypoint_names") or about.get("names")
    if isinstance(listed, list) and all(isinstance(name, str) for name in listed):
        table.names = tuple(listed)
    categories = data.get("categories")
    if isinstance(categories, list) and categories and isinstance(categories[0], dict):
        names = categories[0].get("keypoints")
        table.names = tuple(map(str, names)) if isinstance(names, list) and names else table.names
    width, height, fps = (_positive(about.get(key)) for key in ("width", "height", "fps"))
    table.size = (round(width), round(height)) if width and height else None
    table.fps = fps


def _positive(value: Any) -> float | None:
    return float(value) if isinstance(value, int | float) and math.isfinite(value) and value > 0 else None


def _coco(data: dict[str, Any], table: Table, file: str) -> Table:
    """COCO annotations: the images are the frames, in the order of the numbers in their names or of their ids."""
    listed = data["images"] if isinstance(data.get("images"), list) else []
    images = [image for image in listed if isinstance(image, dict) and "id" in image]
    sizes = {(_positive(image.get("width")), _positive(image.get("height"))) for image in images}
    if len(sizes) > 1:
        raise InputError(f"The pictures of {file} have different sizes: keep those of one clip.")
    for width, height in sizes:
        table.size = (round(width), round(height)) if width and height else None
    names = [str(image.get("file_name") or image["id"]) for image in images]
    number = {str(image["id"]): frame for image, frame in zip(images, _numbered(names))}
    for frame in number.values():
        table.add(frame, None)
    return _results(data["annotations"], table, file, number)


def _results(entries: list[Any], table: Table, file: str, number: dict[str, int] | None = None) -> Table:
    """COCO's or AlphaPose's list of {image_id, keypoints, score}."""
    entries = [entry for entry in entries if isinstance(entry, dict)]
    ids = list(dict.fromkeys(str(entry.get("image_id")) for entry in entries))
    order = dict(zip(ids, _numbered(ids)))
    for entry in entries:
        where = f"An entry of {file}"
        image = str(entry.get("image_id"))
        frame = (number or order).get(image, order[image])
        values = entry.get("keypoints")
        if isinstance(values, list) and any(value != 0 for value in values):
            table.add(frame, Found(as_points(values, where), _label(entry)))
        elif values is not None:
            table.add(frame, None)
    return table


def _people(frame: Any, file: str) -> list[Found]:
    """The people of one frame in whatever nesting."""
    if _depth(frame) >= _DEEPEST:
        raise InputError(f"{file} holds lists in lists in lists without end: write the keypoints again.")
    where = f"A person in {file}"
    if isinstance(frame, dict):
        for key in _PEOPLE:
            if isinstance(frame.get(key), list):
                return [found for person in frame[key] for found in _people(person, file)]
        values = next((frame[key] for key in _POINTS if frame.get(key)), None)
        if values is None:
            if not any(key in frame for key in (*_POINTS, *_LABELS)) and frame:
                raise InputError(f"{file} holds no keypoints that are known: OpenPose, COCO, MMPose, AlphaPose or "
                                 "MediaPipe files can be read.")
            return []
        if _depth(values) > 2:  # one list for each person, as MediaPipe's tasks write
            return [found for person in values for found in _people(person, file)]
        points = as_points(values, where)
        scores = next((frame[key] for key in _SCORES if isinstance(frame.get(key), list)), None)
        if scores is not None and points.shape[1] == 2 and len(scores) == len(points):
            points = as_points([[*xy, score] for xy, score in zip(points.tolist(), scores)], where)
        return [Found(points, _label(frame))] if points.any() else []
    if not isinstance(frame, list):
        raise InputError(f"{file} holds no keypoints that are known: lists of points are needed.")
    if not frame:
        return []
    if isinstance(frame[0], dict) and "x" not in frame[0]:
        return [found for person in frame for found in _people(person, file)]
    if _depth(frame) > 2:
        return [found for person in frame for found in _people(person, file)]
    points = as_points(frame, where)
    return [Found(points)] if points.any() else []


def _depth(values: Any) -> int:
    """How many lists of lists; an object with x and y counts as one."""
    depth = 0
    while isinstance(values, list) and values and depth < _DEEPEST:
        values, depth = values[0], depth + 1
    return depth + isinstance(values, dict)


def _label(entry: dict[str, Any]) -> str | None:
    for key in _LABELS:
        value = entry.get(key)
        while isinstance(value, list) and value:
            value = value[0]
        if isinstance(value, int | float | str) and not isinstance(value, bool) and value not in (-1, ""):
            return f"{value:g}" if isinstance(value, float) else "".join(c for c in str(value)[:40] if c.isprintable())
    return None


def _frame_number(frame: Any, index: int) -> int:
    if isinstance(frame, dict):
        for key in ("frame_id", "frame", "frame_index", "frame_number"):
            if isinstance(frame.get(key), int):
                return int(frame[key])
    return index


def _numbered(names: list[str]) -> list[int]:
    """A frame number for each name: the last number in it where those differ, else the place in sorted order."""
    digits = [re.findall(r"\d+", Path(name).stem if not name.isdigit() else name) for name in names]
    last = [int(found[-1]) if found else -1 for found in digits]
    if len(set(last)) == len(names) and min(last, default=0) >= 0:
        return last
    order = {name: place for place, name in enumerate(sorted(set(names), key=_natural))}
    return [order[name] for name in names]


def _natural(name: str) -> list[tuple[int, str]]:
    return [(int(part), "") if part.isdigit() else (-1, part) for part in re.split(r"(\d+)", name)]
