"""Ground truth of public multi-view sets, from the folders that their users have on disk.

| kind | recognised by | points | world as stored |
|---|---|---|---|
| hi4d | ``cameras/rgb_cameras.npz`` and ``smpl/*.npz`` | 22 joints of SMPL | y up, metres |
| avatarpose | ``skel19_gt/*.json`` (Hi4D as AvatarPose prepares it) | skel19 | z up, metres |
| chi3d | ``joints3d_25/*.json`` (CHI3D, Fit3D, HumanSC3D of IMAR) | 15 body points | z up, metres |
| shelf | ``actorsGT.mat`` (Shelf, Campus) or ``gt.txt`` (4D Association) | 14 or 15 points | z up, metres |
| panoptic | ``hdPose3d_stage1_coco19/body3DScene_*.json`` | 15 or 19 points | -y up, cm |

Everything comes out y up in metres. None of these sets may be shipped; their readers are tested on made-up folders.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from humanav.errors import InputError
from humanav.multiview.datasets_hi4d import is_avatarpose, is_hi4d, read_avatarpose_truth, read_hi4d
from humanav.multiview.datasets_imar import is_imar, read_imar
from humanav.multiview.datasets_panoptic import is_panoptic, read_panoptic
from humanav.multiview.datasets_shelf import is_shelf, read_shelf
from humanav.multiview.evaluate_people import GroundTruth

__all__ = ["DATASETS", "GroundTruth", "dataset_kind", "read_dataset"]

_LOOKS: dict[str, Callable[[Path], bool]] = {
    "avatarpose": is_avatarpose, "hi4d": is_hi4d, "chi3d": is_imar, "shelf": is_shelf, "panoptic": is_panoptic}
DATASETS = tuple(_LOOKS)
"""Kinds that :func:`read_dataset` knows."""


def dataset_kind(folder: str | Path) -> str | None:
    """Which data set a folder is of, None when it is none."""
    place = Path(folder)
    return next((kind for kind, looks in _LOOKS.items() if place.is_dir() and looks(place)), None)


def read_dataset(folder: str | Path, kind: str = "auto", *, sequence: str | None = None) -> GroundTruth:
    """The true people of a capture and, where the folder has them, its cameras.

    Args:
        folder: of one capture; of one subject for CHI3D.
        kind: one of :data:`DATASETS`, or "auto".
        sequence: CHI3D's action where the subject has several.

    Raises:
        InputError: an unknown kind, or a file that is missing or damaged; the sentence says which.
        CameraError: cameras that cannot be used.
    """
    place = Path(folder)
    if not place.is_dir():
        raise InputError(f"There is no folder {place.name}: check the name.")
    chosen = dataset_kind(place) if kind == "auto" else kind
    if chosen is None:
        raise InputError(f"{place.name} is no folder of a data set that is known: one capture of Hi4D (cameras, smpl), "
                         "AvatarPose (skel19_gt), CHI3D (joints3d_25), Shelf (actorsGT.mat, gt.txt) or Panoptic "
                         "(hdPose3d_stage1_coco19) is needed.")
    if chosen not in _LOOKS:
        raise InputError(f"There is no data set {chosen!r}; known: {', '.join(DATASETS)}.")
    if chosen == "chi3d":
        return read_imar(place, sequence)
    return {"hi4d": read_hi4d, "avatarpose": read_avatarpose_truth, "shelf": read_shelf,
            "panoptic": read_panoptic}[chosen](place)
