"""One camera from the named fields of a file, whatever the program that wrote it calls them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from humanav.errors import CameraError
from humanav.multiview.calibration_value import FileView, numbers, rotation_matrix

Array = NDArray[np.float64]

_K = ("k", "matrix", "cameramatrix", "intrinsic", "intrinsics", "intrinsicmatrix", "cammatrix", "mtx")
_DISTORTION = ("dist", "distortion", "distortions", "distcoef", "distcoeff", "distcoeffs", "distortioncoefficients",
               "d")
_ROTATION = ("rot", "rotationmatrix", "r", "rotation", "rvec", "rvector")
_TRANSLATION = ("t", "translation", "translationvector", "tvec", "tvector")
_BOTH = ("rt", "extrinsic", "extrinsics", "extrinsicmatrix", "viewmat")
_SIZE = ("size", "imgsize", "imagesize", "resolution")
_SIDES = (("imagewidth", "imageheight"), ("width", "height"), ("w", "h"))

Record = Mapping[str, Any]


def is_camera(record: Any) -> bool:
    """Whether a mapping has an intrinsic matrix under one of its usual names."""
    if not isinstance(record, Mapping):
        return False
    found = _first(_plain(record), _K)
    return found is not None and _count(found) == 9


def has_place(record: Record) -> bool:
    """Whether a camera's rotation and translation are there too."""
    plain = _plain(record)
    return _first(plain, _BOTH) is not None or (
        _first(plain, _ROTATION) is not None and _first(plain, _TRANSLATION) is not None)


def view_of(name: str, record: Record) -> FileView:
    """The camera. Raises CameraError, naming it, when something is missing or no number."""
    plain = _plain(record)
    K = _first(plain, _K)
    if K is None:
        raise CameraError(f"Camera {name} has no intrinsic matrix K in the calibration: calibrate its lens.")
    both = _first(plain, _BOTH)
    if both is not None:
        matrix = array(both, name, "extrinsic matrix").reshape(-1)
        if matrix.size not in (12, 16):
            raise CameraError(f"The extrinsic matrix of camera {name} must be 3 x 4 or 4 x 4 numbers.")
        R, t = matrix[:12].reshape(3, 4)[:, :3], matrix[:12].reshape(3, 4)[:, 3]
    else:
        rotation, translation = _first(plain, _ROTATION), _first(plain, _TRANSLATION)
        if rotation is None or translation is None:
            raise CameraError(f"The calibration says nothing about where camera {name} stands (R and T): calibrate the "
                              "extrinsics too, or leave the camera out.")
        R, t = rotation_of(rotation, name), numbers(array(translation, name, "translation"), (3,), name, "translation")
    distortion = _first(plain, _DISTORTION)
    model = str(plain.get("distortionmodel", plain.get("cameramodel", plain.get("model", ""))))
    fisheye = str(plain.get("fisheye", "")).lower() in ("true", "1") or model.lower() in ("fisheye", "equidistant")
    return FileView(name, numbers(array(K, name, "K"), (3, 3), name, "K"), R, t, _size(plain, name),
                    None if distortion is None else array(distortion, name, "distortion").reshape(-1), fisheye)


def rotation_of(value: Any, name: str) -> Array:
    """(3,3) of nine numbers, or of a Rodrigues vector of three."""
    found = array(value, name, "rotation").reshape(-1)
    return rotation_matrix(found, name) if found.size == 3 else numbers(found, (3, 3), name, "rotation")


def array(value: Any, name: str, what: str) -> Array:
    """Numbers from lists, nested lists, or OpenCV's mapping of rows, cols and data. Raises CameraError."""
    if isinstance(value, Mapping):
        value = value.get("data", ())
    try:
        return np.asarray(value, dtype=np.float64)
    except (TypeError, ValueError, OverflowError) as error:
        raise CameraError(f"The {what} of camera {name} is not all numbers: the calibration file is "
                          "damaged, get it again.") from error


def _size(plain: Record, name: str) -> tuple[int, int]:
    found = _first(plain, _SIZE)
    if found is None:
        found = next(([plain[w], plain[h]] for w, h in _SIDES if w in plain and h in plain), None)
    if found is None:
        return 0, 0
    width, height = numbers(array(found, name, "picture size"), (2,), name, "picture size")
    return max(0, round(float(width))), max(0, round(float(height)))


def _plain(record: Record) -> dict[str, Any]:
    return {str(key).lower().replace("_", "").replace(" ", ""): value for key, value in record.items()}


def _first(plain: Record, keys: tuple[str, ...]) -> Any:
    return next((plain[key] for key in keys if plain.get(key) is not None), None)


def _count(value: Any) -> int:
    return np.asarray(value.get("data", ()) if isinstance(value, Mapping) else value, dtype=object).size
