"""Calibrations as text: JSON, TOML, and the YAML of OpenCV's FileStorage, EasyMocap's among them."""

from __future__ import annotations

import json
import tomllib
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from humanav.errors import CameraError
from humanav.motion.text import require_plain
from humanav.multiview.calibration_record import array, has_place, is_camera, rotation_of, view_of
from humanav.multiview.calibration_value import FileRig, FileView, numbers

MAX_BYTES = 4_000_000
"""Larger text files are no calibrations: Panoptic's, of 521 cameras, have a tenth of that."""
OWN_FORMAT = "humanav rig"
_NO_CAMERAS = ("metadata", "calibration", "charuco", "capture_volume")


def read_bytes(path: Path) -> bytes:
    """The contents of a calibration file. Raises CameraError when it cannot be read or is too large for one."""
    try:
        if path.stat().st_size > MAX_BYTES:
            raise CameraError(f"{path.name} is too large for a calibration: choose the file that holds K, R and T.")
        return path.read_bytes()
    except OSError as error:
        raise CameraError(f"The calibration {path.name} cannot be read: {error.strerror or error}.") from error


def load_text(path: Path) -> dict[str, Any]:
    """The top mapping of a json, toml, yml or yaml file. Raises CameraError when it is not one, or is damaged."""
    data: Any = read_bytes(path)
    try:
        text = data.decode("utf-8-sig")
        if path.suffix.lower() == ".json":
            data = json.loads(text)
        elif path.suffix.lower() == ".toml":
            data = tomllib.loads(text)
        else:
            data = _yaml(text)
    except (ValueError, RecursionError) as error:  # JSON, TOML and Unicode errors are ValueErrors
        raise CameraError(f"The calibration {path.name} cannot be read: it is damaged or not what its name "
                          "says.") from error
    if not isinstance(data, dict):
        raise CameraError(f"There are no cameras in {path.name}, it holds no named fields: choose the file with K, R "
                          "and T of each camera.")
    return data


def _yaml(text: str) -> Any:
    """OpenCV's YAML 1.0: its ``%YAML:1.0`` line is none, its numbers may lack a point; every value stays a string,
    so that a camera named 01 keeps its name."""
    import yaml

    require_plain(text)
    plain = "\n".join(line for line in text.splitlines() if not line.startswith("%"))
    try:
        if any(isinstance(token, yaml.AliasToken) for token in yaml.scan(plain, Loader=yaml.BaseLoader)):
            raise ValueError("aliases")  # no calibration has any, and a few of them make a file without end
        return yaml.load(plain, Loader=yaml.BaseLoader)  # strings, lists and mappings only
    except yaml.YAMLError as error:
        raise ValueError(str(error)) from error


def cameras_in(data: Mapping[str, Any]) -> list[tuple[str, Any]]:
    """Names and fields of the cameras of a text file of no special kind; empty when there are none."""
    listed = data.get("cameras", data.get("cams"))
    if isinstance(listed, list):
        return [(str(item.get("name", item.get("id", number))), item) for number, item in enumerate(listed)
                if isinstance(item, Mapping)]
    inside = listed if isinstance(listed, Mapping) else data
    return [(str(record.get("name", key)), record) for key, record in inside.items()
            if isinstance(record, Mapping) and key not in _NO_CAMERAS and is_camera(record)]


def text_kind(data: Mapping[str, Any], suffix: str) -> str:
    """The format of a text file's contents, "" when it is no calibration of several cameras or of one."""
    if data.get("format") == OWN_FORMAT:
        return "humanav"
    if any(key.startswith(("K_", "R_", "Rot_")) for key in data):
        return "easymocap"
    if is_camera(data):
        return "one camera"
    found = [record for _, record in cameras_in(data)]
    if not any(is_camera(record) for record in found):
        return ""
    if suffix == ".toml":
        return "caliscope" if any("rotation_count" in record for record in found) else "pose2sim"
    fields = {key for record in found for key in record}
    if isinstance(data.get("cameras"), list) and "distCoef" in fields:
        return "panoptic"
    return "4da" if fields & {"imgSize", "RT", "rectifyAlpha"} else "opencv"


def text_rig(path: Path, data: Mapping[str, Any], kind: str) -> FileRig:
    """The cameras of a text file of that kind (not EasyMocap's, not one camera's). Raises CameraError."""
    if kind == "humanav":
        return FileRig(kind, tuple(_own(name, record) for name, record in cameras_in(data)), 1.0, "y")
    views, notes = [], []
    for name, record in cameras_in(data):
        if str(record.get("ignore", "")).lower() == "true":
            notes.append(f"Camera {name} is marked as ignored in {path.name}.")
            continue
        if kind == "caliscope" and not has_place(record):
            notes.append(f"Camera {name} has no position in {path.name}: it is left out.")
            continue
        if not is_camera(record):
            raise CameraError(f"Camera {name} of {path.name} has no 3 x 3 intrinsic matrix: calibrate its lens.")
        views.append(view_of(name, record))
    if kind == "panoptic":
        return FileRig(kind, tuple(views), 0.01, "-y", notes=tuple(notes))
    return FileRig(kind, tuple(views), usual_unit=None if kind == "opencv" else 1.0, notes=tuple(notes))


def one_camera_rig(files: tuple[Path, ...]) -> FileRig:
    """A file for each camera, named after it."""
    return FileRig("opencv", tuple(view_of(file.stem, load_text(file)) for file in files))


def _own(name: str, record: Any) -> FileView:
    """A :class:`humanav.camera.Camera` as it saves itself: pixels from the corner of the first."""
    if not is_camera(record):
        raise CameraError(f"Camera {name} has no 3 x 3 intrinsic matrix K: write the calibration again.")
    view = view_of(name, record)
    K = view.K.copy()
    K[:2, 2] -= 0.5
    return replace(view, K=K)


def easymocap_rig(intri: Path, extri: Path) -> FileRig:
    """EasyMocap's and AvatarPose's pair of files. Raises CameraError."""
    lenses, places = load_text(intri), load_text(extri)
    names = _names(places) or _names(lenses)
    if not names:
        raise CameraError(f"There is no camera in {extri.name}: it needs R_ and T_ of each.")
    views, notes = [], []
    for name in names:
        K = lenses.get(f"K_{name}")
        if K is None:
            raise CameraError(f"Camera {name} has a place in {extri.name} but no K_{name} in {intri.name}: the two "
                              "files are of different captures, or the lens was not calibrated; check both.")
        matrix, vector, t = (places.get(f"{key}_{name}") for key in ("Rot", "R", "T"))
        if (matrix is None and vector is None) or t is None:
            raise CameraError(f"Camera {name} has no R_{name} or Rot_{name} and T_{name} in {extri.name}: calibrate "
                              "where it stands, or leave it out of the names.")
        R = rotation_of(matrix if matrix is not None else vector, name)
        if matrix is not None and vector is not None and np.abs(rotation_of(vector, name) - R).max() > 0.02:
            notes.append(f"R_{name} and Rot_{name} of {extri.name} are different rotations: Rot_{name} is used.")
        distortion = lenses.get(f"dist_{name}", lenses.get(f"D_{name}"))
        width, height = (round(float(numbers(array(lenses.get(f"{side}_{name}", 0), name, "picture size"), (), name,
                                             "picture size"))) for side in "WH")
        views.append(FileView(name, array(K, name, "K"), R, array(t, name, "translation"),
                              (width, height),
                              None if distortion is None else array(distortion, name, "distortion").reshape(-1)))
    spare = [name for name in _names(lenses) if name not in names]
    if spare:
        notes.append(f"{intri.name} has cameras without a place in {extri.name}, left out: {', '.join(spare)}.")
    return FileRig("easymocap", tuple(views), usual_unit=1.0, notes=tuple(notes))


def _names(data: Mapping[str, Any]) -> list[str]:
    listed = data.get("names")
    if isinstance(listed, list) and listed:
        return [str(name) for name in listed]
    prefixes = ("T_", "K_")
    return next((found for prefix in prefixes
                 if (found := [key[len(prefix):] for key in data if key.startswith(prefix)])), [])
