"""Hi4D (Yin et al., "Hi4D: 4D Instance Segmentation of Close Human Interaction", CVPR 2023), as it is released and as
AvatarPose prepares it.

Released, one folder a sequence (``pairXX/actionXX``; its dataset.md): ``cameras/rgb_cameras.npz`` (ids, intrinsics,
extrinsics world to camera, dist_coeffs), ``smpl/000XXX.npz`` (joints_3d 2 x 24 x 3, verts, ...), ``meta.npz``
(contact_ids: frames with physical contact), 30 frames per second, y up, metres. The joints are SMPL's, not landmarks:
bodies are compared in their joints, keypoints cannot be.

Prepared (AvatarPose's step 0): ``skel19_gt/000XXX.json``, a list of ``{"id", "keypoints3d": 19 x 3}``, ``intri.yml``
and ``extri.yml``; the world was turned to z up, with the floor at 0. A ``meta.npz`` copied there is read too.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from humanav.body.landmarks import KEYPOINT_SETS
from humanav.errors import InputError
from humanav.multiview.arrays import load_arrays
from humanav.multiview.datasets_files import load_json, numbered, rig_of, skeletons, stacked, to_our_world
from humanav.multiview.evaluate_people import SMPL_NAMES, GroundTruth

_FPS = 30.0


def is_hi4d(folder: Path) -> bool:
    """Whether the folder is a released sequence."""
    return (folder / "cameras" / "rgb_cameras.npz").is_file() and (folder / "smpl").is_dir()


def is_avatarpose(folder: Path) -> bool:
    """Whether the folder is a sequence as AvatarPose prepares it, with its truth."""
    return (folder / "skel19_gt").is_dir()


def read_hi4d(folder: Path) -> GroundTruth:
    """Joints of both people in every frame that has a fit. Raises InputError."""
    files = numbered((folder / "smpl").glob("*.npz"))
    if not files:
        raise InputError(f"{folder.name}/smpl holds no fit (000XXX.npz): check the data set.")
    rows = []
    for _, file in files:
        joints = load_arrays(file, "joints_3d")["joints_3d"]
        if joints.ndim != 3 or joints.shape[1] < 22 or joints.shape[2] != 3:
            raise InputError(f"smpl/{file.name} has joints_3d of shape {joints.shape}; people x 24 x 3 are needed.")
        rows.append({str(k): person[:22] for k, person in enumerate(joints.astype(np.float64))})
    frames = np.array([number for number, _ in files], np.int64)
    rig = rig_of(folder / "cameras" / "rgb_cameras.npz", "y")
    return GroundTruth(stacked(rows, 22), SMPL_NAMES, _FPS, frames, rig=rig, contact=_contact(folder, frames),
                       kind="hi4d",
                       notes=("The truth is SMPL's joints: it is compared with the joints of bodies.",))


def read_avatarpose_truth(folder: Path) -> GroundTruth:
    """skel19 of everybody. Raises InputError."""
    files = numbered((folder / "skel19_gt").glob("*.json"))
    if not files:
        raise InputError(f"{folder.name}/skel19_gt holds no frame (000XXX.json): check the data set.")
    rows = [skeletons(load_json(file), file) for _, file in files]
    frames = np.array([number for number, _ in files], np.int64)
    rig = rig_of(folder / "intri.yml", "z", "m") if (folder / "extri.yml").is_file() else None
    return GroundTruth(to_our_world(stacked(rows, 19), "z"), KEYPOINT_SETS["skel19"], _FPS, frames, rig=rig,
                       contact=_contact(folder, frames), kind="avatarpose")


def _contact(folder: Path, frames: NDArray[np.int64]) -> NDArray[np.bool_] | None:
    """(T,) whether people touch, as meta.npz says."""
    file = folder / "meta.npz"
    if not file.is_file():
        return None
    found = load_arrays(file).get("contact_ids")
    if found is None or found.dtype.kind not in "iuf":
        return None
    return np.asarray(np.isin(frames, found.astype(np.int64)))
