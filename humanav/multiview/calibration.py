"""Calibrations of several cameras: every usual file becomes a :class:`Rig`, and a rig is written for other programs.

| kind | files | world as read |
|---|---|---|
| qualisys | ``*.qca.txt`` | z up, mm |
| easymocap | ``intri.yml`` and ``extri.yml`` (AvatarPose's too) | up as the cameras are held, metres |
| pose2sim, caliscope | ``*.toml`` (``Calib.toml``, ``camera_array.toml``) | up as the cameras are held, metres |
| hi4d | ``rgb_cameras.npz`` | y up, metres |
| panoptic | ``calibration_*.json`` with a list of cameras | -y up, cm |
| 4da | ``calibration.json`` with K, R, T of each camera | up as the cameras are held, metres |
| opencv | ``*.yml``, ``*.json`` with camera_matrix, R or rvec, T or tvec | as the cameras are held, unit guessed |
| humanav | our own ``*.json`` | y up, metres |
"""

from __future__ import annotations

from pathlib import Path

from humanav.errors import CameraError
from humanav.multiview.calibration_files import read_file_rig
from humanav.multiview.calibration_world import to_rig, unsized, with_world
from humanav.multiview.calibration_writing import write_calibration
from humanav.multiview.value import Rig

__all__ = ["read_calibration", "with_world", "write_calibration"]


def read_calibration(
    path: str | Path, *, up: str = "auto", unit: str | float | None = None,
    sizes: dict[str, tuple[int, int]] | None = None,
) -> Rig:
    """The cameras of a calibration file, or of a folder that holds one.

    Args:
        path: file, one of the two EasyMocap files, or a folder.
        up: the axis of the file's world that is up ("z", "-y", ...), "cameras" for the mean upward direction of the
            pictures, or "auto": as the format has it, else as the cameras are held.
        unit: "m", "cm", "mm", "feet", or metres of one unit; None: as the format has it, else from the distances
            between the cameras.
        sizes: (width, height) of the pictures by name of the camera, for files that do not say.

    Raises:
        CameraError: no calibration, several of them, or cameras that cannot be used.
        InputError: an unknown unit or axis.
    """
    place = Path(path)
    if not place.exists():
        raise CameraError(f"There is no calibration {place.name}: check the name and the folder.")
    found = read_file_rig(place)
    rig = to_rig(found, up=up, unit=unit, sizes=sizes)
    guessed = [name for name in unsized(found) if name not in (sizes or {})]
    if not guessed:
        return rig
    return rig.noted(f"The calibration does not say how large the pictures of {', '.join(guessed)} are: twice the "
                     "principal point is taken until the videos are seen.")
