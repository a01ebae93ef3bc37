"""Keypoints of one person as npz, OpenPose folder, COCO JSON or CSV, which :func:`read_keypoints` reads again."""

from __future__ import annotations

import csv
import io
import json
import os
from pathlib import Path
from typing import Literal

import numpy as np

from humanav.errors import InputError, StorageError
from humanav.perception.openpose import SETS_BY_COUNT
from humanav.perception.sequence import KeypointSequence

Kind = Literal["npz", "openpose", "coco", "csv"]


def write_keypoints(sequence: KeypointSequence, path: str | Path, kind: Kind | None = None) -> Path:
    """Write keypoints to a file, or a folder of OpenPose files.

    npz and COCO JSON keep everything but the sequence's name. CSV and OpenPose files hold neither rate nor picture
    size, and OpenPose files only the layouts that are told by their number of points.

    Args:
        sequence: what to write; text files round to a thousandth of a pixel.
        path: the file; for OpenPose the folder, which is made.
        kind: by default told from the ending: .npz, .json (COCO), .csv, none (OpenPose).

    Raises:
        InputError: an unknown ending, or a layout that the format does not have.
        StorageError: it cannot be written.
    """
    path = Path(path)
    kinds: dict[str, Kind] = {".npz": "npz", ".json": "coco", ".csv": "csv", "": "openpose"}
    kind = kind or kinds.get(path.suffix.lower())
    if kind is None:
        raise InputError(f"{path.name} is no name for keypoints: end it in .npz, .json, .csv, or name a folder.")
    try:
        match kind:
            case "npz":
                _whole(path, _npz(sequence))
            case "coco":
                _whole(path, _coco(sequence).encode())
            case "csv":
                _whole(path, _csv(sequence).encode())
            case "openpose":
                _openpose(sequence, path)
    except OSError as error:
        raise StorageError(f"{path.name} cannot be written ({error.strerror}): choose another place.") from error
    return path


def _whole(path: Path, data: bytes) -> None:
    """The file is there in full or not at all."""
    part = path.with_name(f".{path.name}.part")
    try:
        part.write_bytes(data)
        os.replace(part, path)
    finally:
        part.unlink(missing_ok=True)


def _npz(sequence: KeypointSequence) -> bytes:
    stream = io.BytesIO()
    np.savez_compressed(stream, keypoints=sequence.keypoints, keypoint_set=np.array(sequence.keypoint_set),
                        names=np.array(sequence.names), fps=np.array(sequence.fps),
                        size=np.array([sequence.width, sequence.height]), person_id=np.array(sequence.person_id))
    return stream.getvalue()


def _coco(sequence: KeypointSequence) -> str:
    images = [{"id": number, "file_name": f"{number:06d}.jpg", "width": sequence.width, "height": sequence.height}
              for number in range(len(sequence))]
    annotations: list[dict[str, object]] = []
    for number, points in enumerate(sequence.keypoints):
        seen = points[points[:, 2] > 0, :2]
        if not len(seen):
            continue
        low, high = seen.min(axis=0), seen.max(axis=0)
        annotations.append({"id": len(annotations) + 1, "image_id": number, "category_id": 1, "iscrowd": 0,
                            "track_id": sequence.person_id, "keypoints": _rounded(points.reshape(-1)),
                            "num_keypoints": len(seen), "bbox": _rounded(np.concatenate([low, high - low])),
                            "area": float(np.prod(high - low))})
    about = {"fps": sequence.fps, "keypoint_set": sequence.keypoint_set}
    return json.dumps({"info": about, "fps": sequence.fps, "images": images, "annotations": annotations,
                       "categories": [{"id": 1, "name": "person", "keypoints": list(sequence.names)}]})


def _csv(sequence: KeypointSequence) -> str:
    stream = io.StringIO()
    rows = csv.writer(stream, lineterminator="\n")
    rows.writerow(["frame", *(f"{name}_{part}" for name in sequence.names for part in ("x", "y", "conf"))])
    for number, points in enumerate(sequence.keypoints):
        rows.writerow([number, *_rounded(points.reshape(-1))])
    return stream.getvalue()


def _openpose(sequence: KeypointSequence, folder: Path) -> None:
    if sequence.keypoint_set not in SETS_BY_COUNT.values():
        raise InputError(f"OpenPose files have no keypoint set {sequence.keypoint_set!r}: turn it into openpose25 "
                         "first, or write npz.")
    folder.mkdir(parents=True, exist_ok=True)
    for number, points in enumerate(sequence.keypoints):
        person = {"person_id": [-1], "pose_keypoints_2d": _rounded(points.reshape(-1)), "face_keypoints_2d": [],
                  "hand_left_keypoints_2d": [], "hand_right_keypoints_2d": []}
        people = [person] if (points[:, 2] > 0).any() else []
        file = folder / f"{sequence.name or 'clip'}_{number:012d}_keypoints.json"
        _whole(file, json.dumps({"version": 1.3, "people": people}).encode())


def _rounded(values: np.ndarray[tuple[int, ...], np.dtype[np.float32]]) -> list[float]:
    return [round(float(value), 3) for value in values]
