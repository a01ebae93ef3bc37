"""Writing the cameras of a rig as the files of other programs, in their worlds and their counting of pixels."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from humanav.camera import Camera
from humanav.errors import CameraError, InputError, StorageError
from humanav.multiview.calibration_text import OWN_FORMAT
from humanav.multiview.calibration_value import rotation_vector
from humanav.multiview.calibration_world import turn_to_y_up
from humanav.multiview.value import Rig

Array = NDArray[np.float64]
CalibrationKind = Literal["easymocap", "pose2sim", "json", "4da", "opencv", "hi4d", "panoptic"]


def write_calibration(rig: Rig, place: str | Path, kind: CalibrationKind = "easymocap") -> list[Path]:
    """Write a rig; the names of its cameras are kept as far as the format allows.

    Args:
        rig: y up, metres.
        place: a folder (made if need be), or for formats of one file a file with its ending.
        kind: ``easymocap`` (also AvatarPose's: intri.yml, extri.yml; z up, metres, R and Rot), ``pose2sim``
            (Calib.toml; z up, metres), ``json`` (our own, cameras.json), ``4da`` (calibration.json; z up, metres),
            ``opencv`` (a yml for each camera; y up, metres), ``hi4d`` (rgb_cameras.npz; y up, metres), ``panoptic``
            (calibration.json; -y up, cm).

    Returns:
        The files.

    Raises:
        InputError: an unknown kind.
        CameraError: two cameras would have the same name in the file.
        StorageError: the files cannot be written.
    """
    if kind not in _WRITERS:
        raise InputError(f"There is no calibration format {kind!r} to write; known: {', '.join(_WRITERS)}.")
    usual, write = _WRITERS[kind]
    target = Path(place)
    is_file = bool(usual) and target.suffix.lower() == Path(usual).suffix and not target.is_dir()
    folder = target.parent if is_file else target
    try:
        folder.mkdir(parents=True, exist_ok=True)
        return write(rig, target if is_file else folder / usual)
    except OSError as error:
        raise StorageError(f"The calibration cannot be written to {folder.name}: {error.strerror or error}.") from error


def _file_world(camera: Camera, up: str, metres: float = 1.0) -> tuple[Array, Array, Array, Array]:
    """K with the first pixel's centre at 0, R and t of a world with that up axis and unit, five coefficients."""
    K = camera.K.copy()
    K[:2, 2] -= 0.5
    distortion = np.zeros(5)
    if camera.distortion is not None:
        distortion[: camera.distortion.size] = camera.distortion
    return K, camera.R @ turn_to_y_up(up), camera.t / metres, distortion


def _plain_names(names: tuple[str, ...]) -> tuple[str, ...]:
    """Names with letters, digits, - and _ only, as FileStorage needs them."""
    plain = tuple(re.sub(r"[^A-Za-z0-9_-]", "_", name) for name in names)
    if len(set(plain)) < len(plain):
        raise CameraError("Two cameras have the same name without its special characters: rename one of them.")
    return plain


def _matrix(key: str, value: Array) -> str:
    array = np.atleast_2d(value)
    data = ", ".join(_number(item) for item in array.reshape(-1))
    rows, cols = array.shape
    return f"{key}: !!opencv-matrix\n   rows: {rows}\n   cols: {cols}\n   dt: d\n   data: [ {data} ]\n"


def _number(value: float) -> str:
    text = repr(float(value))
    return text if "." in text or "e" not in text else text.replace("e", ".e")  # OpenCV wants the point


def _yaml_names(names: Iterable[str]) -> str:
    return "%YAML:1.0\n---\nnames:\n" + "".join(f'   - "{name}"\n' for name in names)


def _easymocap(rig: Rig, path: Path) -> list[Path]:
    names = _plain_names(rig.names)
    intri, extri = _yaml_names(names), _yaml_names(names)
    for name, camera in zip(names, rig.cameras):
        K, R, t, distortion = _file_world(camera, "z")
        intri += _matrix(f"K_{name}", K) + _matrix(f"dist_{name}", distortion)
        intri += f"H_{name}: {camera.height}\nW_{name}: {camera.width}\n"
        extri += _matrix(f"R_{name}", rotation_vector(R)[:, None]) + _matrix(f"Rot_{name}", R)
        extri += _matrix(f"T_{name}", t[:, None])
    return [_written(path / "intri.yml", intri), _written(path / "extri.yml", extri)]


def _pose2sim(rig: Rig, path: Path) -> list[Path]:
    text = ""
    for name, camera in zip(rig.names, rig.cameras):
        K, R, t, distortion = _file_world(camera, "z")
        quoted = json.dumps(name, ensure_ascii=False)  # a JSON string is a TOML string, but for surrogates
        lines = {"name": quoted, "size": _list([camera.width, camera.height]), "matrix": _list(K.tolist()),
                 "distortions": _list(distortion.tolist()), "rotation": _list(rotation_vector(R).tolist()),
                 "translation": _list(t.tolist()), "fisheye": "false"}
        text += f"[{quoted}]\n" + "".join(f"{key} = {value}\n" for key, value in lines.items()) + "\n"
    return [_written(path, text + "[metadata]\nadjusted = false\nerror = 0.0\n")]


def _list(values: list[Any]) -> str:
    inside = (_list(value) if isinstance(value, list) else repr(float(value)) for value in values)
    return f"[ {', '.join(inside)}]"


def _own(rig: Rig, path: Path) -> list[Path]:
    cameras = [{"name": name, **camera.to_dict()} for name, camera in zip(rig.names, rig.cameras)]
    data = {"format": OWN_FORMAT, "world": "y up, metres, x_cam = R x + t, pixels from the corner of the first",
            "kind": rig.kind, "notes": list(rig.notes), "cameras": cameras}
    return [_written(path, json.dumps(data, indent=1))]


def _four_da(rig: Rig, path: Path) -> list[Path]:
    data = {}
    for name, camera in zip(rig.names, rig.cameras):
        K, R, t, distortion = _file_world(camera, "z")
        data[name] = {"K": K.reshape(-1).tolist(), "R": R.reshape(-1).tolist(), "T": t.tolist(),
                      "RT": np.concatenate([R, t[:, None]], 1).reshape(-1).tolist(), "distCoeff": distortion.tolist(),
                      "imgSize": [camera.width, camera.height], "rectifyAlpha": 0.0}
    return [_written(path, json.dumps(data, indent=1))]


def _opencv(rig: Rig, path: Path) -> list[Path]:
    files = []
    for name, camera in zip(_plain_names(rig.names), rig.cameras):
        K, R, t, distortion = _file_world(camera, "y")
        text = f"%YAML:1.0\n---\nimage_width: {camera.width}\nimage_height: {camera.height}\n"
        text += _matrix("camera_matrix", K) + _matrix("distortion_coefficients", distortion)
        files.append(_written(path / f"{name}.yml", text + _matrix("R", R) + _matrix("T", t[:, None])))
    return files


def _hi4d(rig: Rig, path: Path) -> list[Path]:
    parts = [_file_world(camera, "y") for camera in rig.cameras]
    numbers = all(name.isdigit() and str(int(name)) == name for name in rig.names)
    with path.open("wb") as stream:
        np.savez(stream, ids=np.array([int(name) for name in rig.names] if numbers else list(rig.names)),
                 intrinsics=np.stack([part[0] for part in parts]), dist_coeffs=np.stack([part[3] for part in parts]),
                 extrinsics=np.stack([np.concatenate([part[1], part[2][:, None]], 1) for part in parts]))
    return [path]


def _panoptic(rig: Rig, path: Path) -> list[Path]:
    cameras = []
    for name, camera in zip(rig.names, rig.cameras):
        K, R, t, distortion = _file_world(camera, "-y", 0.01)
        cameras.append({"name": name, "type": "hd", "resolution": [camera.width, camera.height], "K": K.tolist(),
                        "distCoef": distortion.tolist(), "R": R.tolist(), "t": t[:, None].tolist()})
    return [_written(path, json.dumps({"cameras": cameras}, indent=1))]


def _written(path: Path, text: str) -> Path:
    path.write_text(text, encoding="utf-8")
    return path


_WRITERS: dict[str, tuple[str, Callable[[Rig, Path], list[Path]]]] = {
    "easymocap": ("", _easymocap), "pose2sim": ("Calib.toml", _pose2sim), "json": ("cameras.json", _own),
    "4da": ("calibration.json", _four_da), "opencv": ("", _opencv), "hi4d": ("rgb_cameras.npz", _hi4d),
    "panoptic": ("calibration.json", _panoptic),
}
