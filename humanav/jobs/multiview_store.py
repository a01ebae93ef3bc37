"""What a capture's job keeps between its stages: sightings, people in 3D and bodies as npz files without pickles."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any
from zipfile import BadZipFile

import numpy as np

from humanav.camera import Camera
from humanav.errors import HumanavError
from humanav.motion import Motion
from humanav.multiview.value import Fitted, FittedPerson, Matched, Person3D, Rig, Sightings

_PERSON = ("keypoints", "chosen", "swapped", "used", "residual")
_MOTION = ("global_orient", "body_pose", "left_hand_pose", "right_hand_pose", "jaw_pose", "leye_pose", "reye_pose",
           "expression", "transl", "betas")


class Store:
    """Files of a folder, each under the id of the stage and of all that went into it.

    What cannot be read any more (half of a file, an older layout) counts as absent: the stage is done again.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def path(self, stage: str, key: str, suffix: str = ".npz") -> Path:
        """Where a stage's values lie; the folder is made."""
        self.folder.mkdir(parents=True, exist_ok=True)
        return self.folder / f"{stage}_{key}{suffix}"

    def save(self, stage: str, key: str, value: Sightings | Matched | Fitted | Rig) -> None:
        """Keep a stage's values, whole or not at all."""
        write = {Sightings: _sightings, Matched: _matched, Fitted: _fitted, Rig: _rig}[type(value)]
        about, arrays = write(value)  # type: ignore[operator]
        path = self.path(stage, key)
        part = path.with_name(f"{path.stem}.part.npz")
        np.savez_compressed(part, about=np.array(json.dumps(about)), **arrays)
        os.replace(part, path)

    def load(self, stage: str, key: str) -> Any:
        """The values that were kept, None where there are none."""
        try:
            with np.load(self.path(stage, key), allow_pickle=False) as data:
                about = json.loads(str(data["about"]))
                read = {"sightings": _read_sightings, "matched": _read_matched, "fitted": _read_fitted,
                        "rig": _read_rig}[about["kind"]]
                return read(about, data)
        except (OSError, ValueError, KeyError, TypeError, EOFError, BadZipFile, HumanavError):
            return None


def rig_dict(rig: Rig) -> dict[str, Any]:
    """A rig as plain values."""
    return {"names": list(rig.names), "cameras": [camera.to_dict() for camera in rig.cameras], "kind": rig.kind,
            "notes": list(rig.notes)}


def rig_from(data: dict[str, Any]) -> Rig:
    """Inverse of :func:`rig_dict`."""
    return Rig(tuple(data["names"]), tuple(Camera.from_dict(camera) for camera in data["cameras"]), data["kind"],
               tuple(data["notes"]))


def _rig(value: Rig) -> tuple[dict[str, Any], dict[str, Any]]:
    return {"kind": "rig", "rig": rig_dict(value)}, {}


def _read_rig(about: dict[str, Any], data: Any) -> Rig:
    return rig_from(about["rig"])


def _sightings(value: Sightings) -> tuple[dict[str, Any], dict[str, Any]]:
    places = sorted(value.masks)
    blobs = [value.masks[place] for place in places]
    about = {"kind": "sightings", "set": value.keypoint_set, "names": value.names, "fps": value.fps,
             "notes": value.notes}
    return about, {
        "keypoints": value.keypoints.astype(np.float32), "tracks": value.tracks,
        "looks": value.looks.astype(np.float32), "places": np.array(places, np.int64).reshape(-1, 3),
        "lengths": np.array([len(blob) for blob in blobs], np.int64),
        "masks": np.frombuffer(b"".join(blobs), np.uint8)}


def _read_sightings(about: dict[str, Any], data: Any) -> Sightings:
    blob, ends = data["masks"].tobytes(), np.cumsum(data["lengths"])
    masks = {(int(t), int(v), int(d)): blob[end - size:end]
             for (t, v, d), size, end in zip(data["places"], data["lengths"], ends)}
    return Sightings(data["keypoints"].astype(np.float64), about["set"], tuple(about["names"]), about["fps"],
                     data["tracks"], data["looks"].astype(np.float64), masks, tuple(about["notes"]))


def _matched(value: Matched) -> tuple[dict[str, Any], dict[str, Any]]:
    about = {"kind": "matched", "names": value.names, "fps": value.fps, "notes": value.notes,
             "people": [{"id": person.person_id, "set": person.keypoint_set} for person in value.people]}
    return about, {f"{k}.{name}": getattr(person, name) for k, person in enumerate(value.people) for name in _PERSON}


def _read_matched(about: dict[str, Any], data: Any) -> Matched:
    people = tuple(Person3D(told["id"], data[f"{k}.keypoints"], told["set"],
                            *(data[f"{k}.{name}"] for name in _PERSON[1:]))
                   for k, told in enumerate(about["people"]))
    return Matched(people, tuple(about["names"]), about["fps"], tuple(about["notes"]))


def _fitted(value: Fitted) -> tuple[dict[str, Any], dict[str, Any]]:
    about = {"kind": "fitted", "names": value.names, "report": value.report, "notes": value.notes, "people": [
        {"id": p.person_id, "fps": p.motion.fps, "name": p.motion.name, "sure": p.motion.confidence is not None}
        for p in value.people]}
    arrays: dict[str, Any] = {}
    for k, person in enumerate(value.people):
        arrays |= {f"{k}.{name}": getattr(person.motion, name) for name in _MOTION}
        arrays |= {f"{k}.seen": person.seen, f"{k}.reprojection": person.reprojection}
        if person.motion.confidence is not None:
            arrays[f"{k}.confidence"] = person.motion.confidence
    return about, arrays


def _read_fitted(about: dict[str, Any], data: Any) -> Fitted:
    people = []
    for k, told in enumerate(about["people"]):
        motion = Motion(fps=told["fps"], name=told["name"], person_id=told["id"],
                        confidence=data[f"{k}.confidence"] if told["sure"] else None,
                        **{name: data[f"{k}.{name}"] for name in _MOTION})
        people.append(FittedPerson(told["id"], motion, data[f"{k}.seen"], data[f"{k}.reprojection"]))
    return Fitted(tuple(people), tuple(about["names"]), about["report"], tuple(about["notes"]))

