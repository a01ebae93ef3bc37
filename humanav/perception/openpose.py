"""People from OpenPose's JSON files, and back.

One file describes one picture: ``{"people": [{"pose_keypoints_2d": [x, y, confidence, ...], "hand_left_keypoints_2d":
[...], "hand_right_keypoints_2d": [...], "face_keypoints_2d": [...]}]}`` (https://github.com/CMU-Perceptual-Computing-Lab/
openpose, doc/02_output.md). Older versions write ``pose_keypoints`` without the ``_2d``. A point that was not found is
three zeros. Other detectors write the same file with their own number of points; the number says which they are.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from humanav.body.landmarks import KEYPOINT_SETS
from humanav.errors import InputError
from humanav.perception.person import Array, Person2D

SETS_BY_COUNT: dict[int, str] = {25: "openpose25", 18: "openpose18", 17: "coco17", 26: "halpe26", 14: "openpose14",
                                 15: "openpose14", 16: "openpose14"}
"""Keypoint set by the number of points: BODY_25, COCO-18, COCO-17, Halpe-26 and MPII (whose 15th, the chest, and 16th,
the background, are no landmarks here and are left out)."""
_HAND, _FACES = 21, (68, 70)
_LEAST = 0.05  # confidence of a hand or face that is worth keeping


def read_openpose(path: str | Path, size: tuple[int, int] | None = None) -> list[Person2D]:
    """The people in an OpenPose file, in its order; those without any body point are left out.

    Args:
        path: the JSON file.
        size: (width, height) of the picture, needed for coordinates that were written as shares of it (OpenPose's
            ``--keypoint_scale 3``).

    Raises:
        InputError: the file cannot be read, is no OpenPose file, has an unknown number of points or numbers that are
            not finite, or needs ``size``.
    """
    path = Path(path)
    people = _people_of(path, _load(path))
    if people is None:
        raise InputError(f"{path.name} is not an OpenPose file: it has no list \"people\".")
    found = [_person(entry, path.name, number) for number, entry in enumerate(people, 1)]
    present = [person for person in found if person is not None]
    return [_scaled(person, path.name, size) for person in present]


def find_openpose(image: str | Path) -> Path | None:
    """The OpenPose file that belongs to a picture, or None.

    Looked for beside it (``NAME_keypoints.json``, ``NAME.json``, ``NAME.jpg.json``), in a folder ``keypoints`` there,
    and in one beside the picture's own folder, as SMPLify-X arranges them.
    """
    image = Path(image)
    names = (f"{image.stem}_keypoints.json", f"{image.stem}.json", f"{image.name}.json")
    for folder in (image.parent, image.parent / "keypoints", image.parent.parent / "keypoints"):
        for name in names:
            path = folder / name
            if not path.is_file():
                continue
            if name.endswith("_keypoints.json"):
                return path  # what is wrong with it is said when it is read
            try:
                if _people_of(path, _load(path)) is not None:
                    return path
            except InputError:
                continue  # some other JSON of the same name
    return None


def write_openpose(people: Sequence[Person2D], path: str | Path) -> Path:
    """Write people as an OpenPose file, each in the keypoint set that it has; a face mesh of MediaPipe is left out.

    Raises:
        InputError: a keypoint set that OpenPose files do not have; see :func:`as_openpose25`.
    """
    entries = []
    for person in people:
        if person.keypoint_set not in SETS_BY_COUNT.values():
            raise InputError(f"OpenPose files have no keypoint set '{person.keypoint_set}': convert it with "
                             "as_openpose25 first.")
        face = person.face if person.face is not None and len(person.face) in _FACES else None
        parts = {"pose": person.keypoints, "face": face, "hand_left": person.left_hand, "hand_right": person.right_hand}
        track = -1 if person.track_id is None else person.track_id
        entries.append({"person_id": [track], **{f"{name}_keypoints_2d": _flat(points)
                                                 for name, points in parts.items()}})
    path = Path(path)
    path.write_text(json.dumps({"version": 1.3, "people": entries}))
    return path


def as_openpose25(person: Person2D) -> Person2D:
    """The same person in OpenPose's 25 points: neck and middle of the hips as middles, what is unknown as zeros."""
    own = dict(zip(KEYPOINT_SETS[person.keypoint_set], np.asarray(person.keypoints, dtype=np.float32)))
    for name, pair in (("neck", "shoulder"), ("pelvis", "hip")):
        if name not in own and f"left_{pair}" in own:
            left, right = own[f"left_{pair}"], own[f"right_{pair}"]
            seen = float(min(left[2], right[2]))
            own[name] = np.append((left[:2] + right[:2]) / 2, seen) if seen > 0 else np.zeros(3)
    for side in ("left", "right"):
        if f"{side}_foot_index" in own:
            own.setdefault(f"{side}_big_toe", own[f"{side}_foot_index"])
    keypoints = np.array([own.get(name, np.zeros(3)) for name in KEYPOINT_SETS["openpose25"]], dtype=np.float32)
    return replace(person, keypoints=keypoints, keypoint_set="openpose25", world=None)


def _load(path: Path) -> Any:
    try:
        return json.loads(path.read_text())
    except FileNotFoundError as error:
        raise InputError(f"There is no file {path.name}: check the name and the folder.") from error
    except OSError as error:
        raise InputError(f"The file {path.name} cannot be opened: choose a JSON file that you may read.") from error
    except (ValueError, RecursionError) as error:
        raise InputError(f"{path.name} is not a JSON file, or a part of it is missing: write it again.") from error


def _people_of(path: Path, data: Any) -> list[Any] | None:
    people = data.get("people") if isinstance(data, dict) else None
    return people if isinstance(people, list) else None


def _person(entry: Any, file: str, number: int) -> Person2D | None:
    where = f"Person {number} in {file}"
    if not isinstance(entry, dict):
        raise InputError(f"{where} is not an OpenPose person: an object with pose_keypoints_2d is needed.")
    body = _points(entry, "pose", where)
    if body is None or not (body[:, 2] > 0).any():
        return None
    count = len(body)
    if count not in SETS_BY_COUNT:
        known = ", ".join(str(n) for n in sorted(SETS_BY_COUNT))
        raise InputError(f"{where} has {count} body points, which is no known layout: {known} points can be read.")
    name = SETS_BY_COUNT[count]
    body = body[: len(KEYPOINT_SETS[name])]
    hands = [_points(entry, f"hand_{side}", where, (_HAND,)) for side in ("left", "right")]
    face = _points(entry, "face", where, _FACES)
    left, right, face = (_worth(points) for points in (*hands, face))
    seen = body[body[:, 2] > 0]
    if not len(seen):
        return None
    box = np.concatenate([seen[:, :2].min(0), seen[:, :2].max(0)])
    track = entry.get("person_id")
    track = track[0] if isinstance(track, list) and track else track
    return Person2D(body, name, box, float(seen[:, 2].mean()), left_hand=left, right_hand=right, face=face,
                    track_id=track if isinstance(track, int) and track >= 0 else None)


def _points(entry: dict[str, Any], part: str, where: str, counts: tuple[int, ...] = ()) -> Array | None:
    """(K,3) of one part, None when it is absent or empty."""
    values = entry.get(f"{part}_keypoints_2d", entry.get(f"{part}_keypoints"))
    if values is None or (isinstance(values, list) and not values):
        return None
    words = part.replace("_", " ")
    try:
        flat = np.asarray(values, dtype=np.float64)
        flat = flat.reshape(-1) if flat.ndim == 2 and flat.shape[1] == 3 else flat
    except (TypeError, ValueError) as error:
        raise InputError(f"{where} has {words} points that are not numbers: write the file again.") from error
    if flat.ndim != 1 or flat.size % 3:
        raise InputError(f"{where} has {flat.size} {words} numbers: three for each point, x, y and confidence, are "
                         "needed.")
    points = flat.reshape(-1, 3)
    if counts and len(points) not in counts:
        raise InputError(f"{where} has {len(points)} {words} points: {' or '.join(map(str, counts))} are needed.")
    if not np.isfinite(points).all():
        raise InputError(f"{where} has {words} points that are not finite.")
    points[:, 2] = np.clip(points[:, 2], 0, 1)
    points[points[:, 2] == 0] = 0
    return points.astype(np.float32)


def _worth(points: Array | None) -> Array | None:
    return None if points is None or float(points[:, 2].mean()) < _LEAST else points


def _scaled(person: Person2D, file: str, size: tuple[int, int] | None) -> Person2D:
    """In pixels, when the numbers were shares of the picture."""
    seen = person.keypoints[person.keypoints[:, 2] > 0, :2]
    if seen.min() < 0 or seen.max() > 1.0:
        return person
    if size is None:
        raise InputError(f"The points in {file} are shares of the picture (0 to 1): give the picture's size too.")
    factor = np.array([*size, 1.0], dtype=np.float32)
    hands = [None if hand is None else hand * factor for hand in (person.left_hand, person.right_hand)]
    return replace(person, keypoints=person.keypoints * factor, box=person.box * np.tile(factor[:2], 2),
                   left_hand=hands[0], right_hand=hands[1], face=None if person.face is None else person.face * factor)


def _flat(points: Array | None) -> list[float]:
    return [] if points is None else [round(float(value), 4) for value in np.asarray(points).reshape(-1)]
