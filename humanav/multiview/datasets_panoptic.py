"""CMU Panoptic (Joo et al., "Panoptic Studio", ICCV 2015), as its toolbox downloads a sequence.

``calibration_SEQUENCE.json`` (a list ``cameras``), ``hdPose3d_stage1_coco19/body3DScene_00000000.json`` with
``bodies``: ``id`` and ``joints19``, 19 times x, y, z in centimetres and a confidence; -y is up; 29.97 frames a second.
Older sequences have ``joints15`` in ``hdPose3d_stage1``, with the top of the head for the nose; the VGA cameras'
folders (25 frames per second) are read where there is no other. Only the HD cameras are kept.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np

from humanav.errors import InputError
from humanav.multiview.datasets_files import load_json, numbered, rig_of, stacked, to_our_world
from humanav.multiview.evaluate_people import Array, GroundTruth
from humanav.multiview.value import Rig

_FOLDERS = {"hdPose3d_stage1_coco19": 29.97, "hdPose3d_stage1": 29.97, "vgaPose3d_stage1_coco19": 25.0,
            "vgaPose3d_stage1": 25.0}
JOINTS19: tuple[str, ...] = (
    "neck", "nose", "pelvis", "left_shoulder", "left_elbow", "left_wrist", "left_hip", "left_knee", "left_ankle",
    "right_shoulder", "right_elbow", "right_wrist", "right_hip", "right_knee", "right_ankle", "left_eye", "left_ear",
    "right_eye", "right_ear")
"""Order of the points."""
JOINTS15: tuple[str, ...] = ("neck", "head_top", *JOINTS19[2:15])
"""Order of the points in older sequences."""


def is_panoptic(folder: Path) -> bool:
    """Whether the folder is a sequence with its skeletons."""
    return any((folder / name).is_dir() for name in _FOLDERS)


def read_panoptic(folder: Path) -> GroundTruth:
    """Everybody's points. Raises InputError and CameraError."""
    name = next((name for name in _FOLDERS if (folder / name).is_dir()), "")
    files = numbered((folder / name).glob("body3DScene_*.json")) if name else []
    if not files:
        raise InputError(f"{folder.name} holds no body3DScene_*.json: unpack {name or 'hdPose3d_stage1_coco19'}.tar of "
                         "the sequence.")
    rows: list[dict[str, Array]] = []
    count = 0
    for _, file in files:
        try:
            row: dict[str, Array] = {}
            for body in load_json(file)["bodies"]:
                key = "joints19" if "joints19" in body else "joints15"
                row[str(body["id"])] = np.asarray(body[key], dtype=np.float64).reshape(-1, 4)
        except (KeyError, TypeError, ValueError) as error:
            raise InputError(f"{file.parent.name}/{file.name} has no bodies with id and joints19: get it "
                             "again.") from error
        rows.append(row)
        count = max([count, *(len(points) for points in row.values())])
    people = to_our_world(stacked(rows, count or 19), "-y", 0.01)
    names, numbers = JOINTS15 if count == 15 else JOINTS19, np.array([number for number, _ in files], np.int64)
    return GroundTruth(people, names, _FOLDERS[name], numbers, rig=_rig(folder), kind="panoptic")


def _rig(folder: Path) -> Rig | None:
    file = next(iter(sorted(folder.glob("calibration_*.json"))), None)
    rig = None if file is None else rig_of(file, "-y", "cm")
    high = [] if rig is None else [name for name in rig.names if name.startswith("00_")]
    return rig.only(high) if rig is not None and high else rig
