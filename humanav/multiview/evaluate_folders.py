"""A result on disk against the truth on disk: what ``humanav multiview eval FOUND TRUTH`` prints.

Results that are understood: our own folder (``motion*.npz`` of everybody, ``points3d.npz``), AvatarPose's (frames of
``{"id", "keypoints3d"}`` in ``kpts_*`` or ``skel19_*``, or one such folder itself), and 4D Association's ``skel.txt``.
The truth is a data set (:mod:`humanav.multiview.datasets`), or anything that can be a result.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from humanav.body.landmarks import KEYPOINT_SETS
from humanav.errors import CameraError, InputError
from humanav.motion import Motion, load_npz
from humanav.multiview.arrays import load_arrays
from humanav.multiview.calibration import read_calibration
from humanav.multiview.datasets import dataset_kind, read_dataset
from humanav.multiview.datasets_files import load_json, numbered, skeletons, stacked, to_our_world
from humanav.multiview.datasets_shelf import read_skeleton_text
from humanav.multiview.evaluate import evaluate
from humanav.multiview.evaluate_avatarpose import avatarpose_scores
from humanav.multiview.evaluate_pairs import pair_people
from humanav.multiview.evaluate_people import Array, GroundTruth, People3D, derived, people_of_motions
from humanav.multiview.evaluate_world import in_world_of
from humanav.multiview.value import Rig

if TYPE_CHECKING:
    from humanav.body import BodyModel

_ORDER = ("kpts_*", "skel19_fit", "skel19_4DA", "skel19_*")  # AvatarPose's folders, the most refined first
_POINTS, _CAMERAS = "points3d.npz", "cameras.json"


def evaluate_folders(
    found_folder: str | Path, truth_folder: str | Path, *, kind: str = "auto", sequence: str | None = None,
    keypoint_set: str = "auto", start: int | None = None, frames: Sequence[int] | None = None,
    points: str = "auto", body: BodyModel | None = None, contact: bool = True,
) -> dict[str, Any]:
    """All numbers of a result folder against a folder with the truth.

    Args:
        kind, sequence: of the truth, as in :func:`~humanav.multiview.datasets.read_dataset`; "result" for another
            result.
        keypoint_set, start, frames: as in :func:`~humanav.multiview.evaluate.evaluate`.
        points: what of our own folder to score: "bodies" (motion*.npz), "keypoints" (points3d.npz), or "auto": both,
            the bodies first.
        body: the built-in one by default.
        contact: whether to measure how the bodies meet.

    Returns:
        Plain JSON values: ``found`` and ``truth`` in words, ``frames``, ``points``, ``rows`` (by what was scored, and
        the same ``... in contact`` where the truth knows the frames in contact) of one line of numbers each,
        ``detail`` (by the same, everything of :class:`~humanav.multiview.evaluate.Scores`), ``avatarpose`` (by the
        same, :func:`~humanav.multiview.evaluate_avatarpose.avatarpose_scores`), ``cameras`` of the truth, ``notes``.

    Raises:
        InputError: a folder that holds neither, or nothing in common.
    """
    found = read_results(found_folder, points=points, body=body)
    truth = _truth(Path(truth_folder), kind, sequence, body)
    together = None if not isinstance(truth, GroundTruth) or truth.contact is None else _touching(truth)
    rows: dict[str, Any] = {}
    detail: dict[str, Any] = {}
    theirs: dict[str, Any] = {}
    notes = list(truth.notes)
    cameras = _cameras(Path(found_folder))
    for name, as_found in found.items():
        people = in_world_of(as_found, cameras, truth.rig if isinstance(truth, GroundTruth) else None)
        for suffix, some in (("", frames), (" in contact", _both(together, frames))):
            if suffix and not some:
                continue
            try:
                scores = evaluate(people, truth, keypoint_set=keypoint_set, start=start, frames=some, body=body,
                                  contact=contact)
                pairs = pair_people(people, truth, keypoint_set=keypoint_set, start=start, frames=some)
            except InputError as error:
                if len(found) == 1 and not suffix:
                    raise
                notes.append(f"{name}{suffix}: {error}")
                continue
            rows[name + suffix] = scores.table()
            detail[name + suffix] = scores.to_dict()
            theirs[name + suffix] = {key: None if np.isnan(value) else round(value, 4)
                                     for key, value in avatarpose_scores(pairs).items()}
            notes += [note for note in people.notes if note not in notes]
    if not rows:
        raise InputError(notes[-1] if notes else "There is nothing to compare.")
    first = next(iter(detail.values()))
    views = list(truth.rig.names) if isinstance(truth, GroundTruth) and truth.rig is not None else []
    return {"found": Path(found_folder).name, "truth": Path(truth_folder).name,
            "kind": truth.kind if isinstance(truth, GroundTruth) else "result", "frames": first["frames"],
            "points": first["points"], "rows": rows, "detail": detail, "avatarpose": theirs, "cameras": views,
            "notes": notes}


def read_results(
    folder: str | Path, *, points: str = "auto", body: BodyModel | None = None,
) -> dict[str, People3D]:
    """Everything of a result folder that can be scored, by name: "bodies", "keypoints", or the folder's own.

    Raises:
        InputError: there is no result in it.
    """
    place = Path(folder)
    if not place.exists():
        raise InputError(f"There is no folder {place.name}: check the name.")
    if points not in ("auto", "bodies", "keypoints"):
        raise InputError(f"What to score is auto, bodies or keypoints, not {points!r}.")
    found: dict[str, People3D] = {}
    motions = _motion_files(place) if place.is_dir() else []
    if motions and points != "keypoints":
        found["bodies"] = _bodies(motions, place, body)
    if (place / _POINTS).is_file() and points != "bodies":
        found["keypoints"] = _keypoints(place / _POINTS)
    if found:
        return found
    for pattern in _ORDER:
        for inner in sorted(place.glob(pattern)) if place.is_dir() else []:
            if inner.is_dir() and inner.name != "skel19_gt" and any(inner.glob("*.json")):
                found[inner.name] = found.get(inner.name) or _frames(inner)
    if found:
        return found
    text = place if place.suffix == ".txt" else place / "skel.txt"
    if text.is_file():
        return {text.stem: read_skeleton_text(text)}
    if place.is_dir() and numbered(place.glob("*.json")):
        return {place.name: _frames(place)}
    raise InputError(f"{place.name} holds no result: motion*.npz or {_POINTS} of humanav, kpts_* or skel19_* of "
                     "AvatarPose, or skel.txt of 4D Association is needed.")


def _truth(place: Path, kind: str, sequence: str | None, body: BodyModel | None) -> People3D:
    if kind != "result" and (kind != "auto" or dataset_kind(place) is not None):
        return read_dataset(place, kind, sequence=sequence)
    if kind == "auto" and not place.exists():
        raise InputError(f"There is no folder {place.name}: check the name.")
    try:
        return next(iter(read_results(place, body=body).values()))
    except InputError as error:
        if kind == "result":
            raise
        raise InputError(f"{place.name} holds neither the truth of a data set (Hi4D, AvatarPose, CHI3D, Shelf, "
                         "Panoptic) nor a result to compare with.") from error


def _cameras(place: Path) -> Rig | None:
    """The cameras of our own result folder; None where they are not there or cannot be used."""
    try:
        return read_calibration(place / _CAMERAS)
    except CameraError:
        return None


def _touching(truth: GroundTruth) -> list[int]:
    assert truth.contact is not None
    numbers = np.arange(truth.count) if truth.frames is None else truth.frames
    return [int(number) for number in numbers[truth.contact]]


def _both(some: list[int] | None, others: Sequence[int] | None) -> list[int] | None:
    if some is None or others is None:
        return some
    return [number for number in some if number in set(others)]


def _motion_files(place: Path) -> list[tuple[str, Path]]:
    """Motions of a result folder by person: ``motion.npz`` or ``motion_1.npz``, ..., without copies in AMASS' style."""
    files = [file for file in sorted(place.glob("motion*.npz")) if not file.stem.endswith("_amass")]
    return [(file.stem.removeprefix("motion").removeprefix("_") or "1", file) for file in files]


def _bodies(files: list[tuple[str, Path]], place: Path, body: BodyModel | None) -> People3D:
    motions: dict[str, Motion] = {who: load_npz(file) for who, file in files}
    seen = _seen(place / _POINTS, motions)
    return people_of_motions(motions, body=body, seen=seen)


def _seen(path: Path, motions: dict[str, Motion]) -> dict[str, NDArray[np.bool_]] | None:
    """In which frames each person is there, from the keypoints beside the motions; None where they do not say."""
    if not path.is_file():
        return None
    points = _keypoints(path)
    fits = all(who in points.people and len(points.people[who]) == len(motion) for who, motion in motions.items())
    return {who: (points.people[who][..., 3] > 0).any(axis=1) for who in motions} if fits else None


def _keypoints(path: Path) -> People3D:
    data = load_arrays(path, "keypoints", "keypoint_set", "people", "fps")
    name, ids = str(data["keypoint_set"]), data["people"]
    try:
        keypoints, fps = np.asarray(data["keypoints"], dtype=np.float64), float(data["fps"])
    except (TypeError, ValueError):  # words, or several rates
        keypoints, fps = np.zeros(0), 0.0
    if name not in KEYPOINT_SETS or keypoints.ndim != 4 or ids.shape != keypoints.shape[:1]:
        raise InputError(f"{path.name} is not humanav's: people x frames x points x 4 numbers of a known set are "
                         "needed.")
    return People3D({str(who): points for who, points in zip(ids, keypoints)}, KEYPOINT_SETS[name], fps)


def _frames(folder: Path) -> People3D:
    """AvatarPose's frames: skel19 or BODY_25, z up."""
    files = numbered(folder.glob("*.json"))
    rows: list[dict[str, Array]] = [skeletons(load_json(file), file) for _, file in files]
    count = max((len(points) for row in rows for points in row.values()), default=19)
    names = KEYPOINT_SETS["openpose25" if count == 25 else "skel19"]
    people = to_our_world(stacked(rows, len(names)), "z")
    people = {who: derived(points, names, KEYPOINT_SETS["skel19"]) for who, points in people.items()}
    return People3D(people, KEYPOINT_SETS["skel19"], frames=np.array([number for number, _ in files], np.int64))
