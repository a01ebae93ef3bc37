"""Keypoints in npz and npy files: ours, plain arrays under common names, and those of VideoPose3D."""

from __future__ import annotations

import io
import pickle
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from humanav.errors import InputError
from humanav.perception.keypoint_table import MAX_BYTES, MAX_FRAMES, Found, Table
from humanav.perception.layouts import known_count

_POINTS = ("keypoints", "keypoints_2d", "keypoints2d", "keypoint", "kpts", "kpts_2d", "kps", "kp", "kp2d", "joints_2d",
           "joints2d", "poses_2d", "poses2d", "pose_2d", "pose2d", "landmarks", "points", "positions_2d", "data")
_SCORES = ("scores", "score", "confidence", "confidences", "conf", "keypoint_scores", "keypoint_score", "visibility")
_PEOPLE_FIRST = "keypoint"  # the key of skeleton-action data sets: (people, frames, points, 2)


def read_array_file(path: Path, person: str | None) -> Table:
    """An npz or npy file. ``person`` chooses among the clips of a VideoPose3D file ("S1/Walking/0")."""
    if path.stat().st_size > MAX_BYTES:
        raise InputError(f"{path.name} is too large ({path.stat().st_size / 1e6:.0f} MB): cut the clip first.")
    try:
        if path.suffix.lower() == ".npy":
            return _table({"keypoints": np.load(path, allow_pickle=False)}, path.name)
        with zipfile.ZipFile(path) as archive:
            if sum(info.file_size for info in archive.infolist()) > 4 * MAX_BYTES:
                raise InputError(f"{path.name} unpacks to more than {4 * MAX_BYTES / 1e9:.1f} GB: cut the clip first.")
            arrays = {info.filename.removesuffix(".npy"): _member(archive.read(info)) for info in archive.infolist()
                      if info.filename.endswith(".npy")}
    except InputError:
        raise
    except Exception as error:  # zip, zlib and numpy's header reader raise a dozen kinds, SyntaxError among them
        raise InputError(f"{path.name} is no npz or npy file, or a part of it is missing: write it again.") from error
    nested = arrays.get("positions_2d")
    if isinstance(nested, dict):
        return _videopose(nested, arrays.get("metadata"), person, path.name)
    return _table({key: value for key, value in arrays.items() if isinstance(value, np.ndarray)}, path.name)


def _member(data: bytes) -> Any:
    """An array; a Python object in one only where it is dictionaries, lists and plain arrays."""
    stream = io.BytesIO(data)
    version = np.lib.format.read_magic(stream)
    read = np.lib.format.read_array_header_1_0 if version == (1, 0) else np.lib.format.read_array_header_2_0
    _, _, dtype = read(stream)
    if not dtype.hasobject:
        return np.lib.format.read_array(io.BytesIO(data), allow_pickle=False)
    try:
        holder = _Plain(stream, encoding="latin1").load()
        value = holder.value() if isinstance(holder, _Array) else holder
    except InputError:
        raise
    except Exception as error:  # whatever a crafted or damaged pickle leads to
        raise ValueError("a pickled member that cannot be read") from error
    return value[0] if isinstance(value, list) and len(value) == 1 else value


def _table(arrays: Mapping[str, NDArray[Any]], file: str) -> Table:
    lower = {key.lower(): value for key, value in arrays.items()}
    key = next((key for key in _POINTS if key in lower and lower[key].ndim >= 2), None)
    fitting = [name for name, value in lower.items() if value.ndim >= 3 and 2 <= value.shape[-1] <= 4]
    if key is None and (len(fitting) == 1 or len(lower) == 1):
        key = (fitting or list(lower))[0]
    if key is None:
        names = ", ".join(name[:30] for name in list(arrays)[:5])
        raise InputError(f"{file} has no array of keypoints; it has {names or 'nothing'}: name it keypoints, of shape "
                         "(frames, points, 2 or 3).")
    table = Table()
    points = _people_points(lower[key], table, file, key)
    scores = next((lower[name] for name in _SCORES if name in lower and lower[name].ndim >= 2), None)
    if scores is not None and points.shape[-1] == 2:
        scores = np.asarray(scores, dtype=np.float64).squeeze()
        if scores.ndim == 3 and key == _PEOPLE_FIRST:
            scores = scores.swapaxes(0, 1)
        if scores.size == points[..., 0].size:
            points = np.concatenate([points, scores.reshape(*points.shape[:-1], 1)], axis=-1)
    _describe(lower, table)
    if len(points) > MAX_FRAMES:
        raise InputError(f"{file} has {len(points)} frames, more than {MAX_FRAMES}: cut it first.")
    several = points.shape[1] > 1
    for number, people in enumerate(points):
        table.frames[number] = [Found(person, str(place) if several else None) for place, person in enumerate(people, 1)
                                if np.isfinite(person).any() and np.nan_to_num(person).any()]
    return table


def _people_points(array: NDArray[Any], table: Table, file: str, key: str) -> NDArray[np.float64]:
    """(T,P,K,2 or 3)."""
    try:
        points = np.asarray(array, dtype=np.float64)
    except (TypeError, ValueError) as error:
        raise InputError(f"The keypoints of {file} are not numbers: write the file again.") from error
    if points.ndim == 2 and points.shape[1] > 5:
        width = next((w for w in (3, 2, 4) if points.shape[1] % w == 0 and known_count(points.shape[1] // w)), None)
        if width is None:
            raise InputError(f"The keypoints of {file} have shape {points.shape}: (frames, points, 2 or 3) is needed.")
        points = points.reshape(len(points), -1, width)
    elif points.ndim == 2:
        points = points[None]  # one frame
    if points.ndim == 3 and points.shape[2] > 5 and 2 <= points.shape[1] <= 3:
        points = points.swapaxes(1, 2)  # (T,2,K)
    if points.ndim not in (3, 4) or not 2 <= points.shape[-1] <= 5 or 0 in points.shape:
        raise InputError(f"The keypoints of {file} have shape {array.shape}: (frames, points, 2 or 3), or (frames, "
                         "people, points, 2 or 3), is needed.")
    points = points[..., [0, 1, 3]] if points.shape[-1] > 3 else points
    if points.ndim == 3:
        return points[:, None]
    if key == _PEOPLE_FIRST or points.shape[0] * 5 < points.shape[1]:
        table.notes.append("The first axis of the keypoints is taken for the people, the second for the frames.")
        return points.swapaxes(0, 1)
    return points


def _describe(lower: Mapping[str, NDArray[Any]], table: Table) -> None:
    def text(key: str) -> str | None:
        value = lower.get(key)
        return None if value is None or value.size != 1 or value.dtype.kind not in "US" else str(value.item())

    def numbers(key: str) -> list[float]:
        return [float(v) for v in lower[key].reshape(-1)] if key in lower and lower[key].dtype.kind in "fiu" else []

    table.layout = text("keypoint_set")
    for key in ("names", "keypoint_names", "joint_names"):
        if key in lower and lower[key].dtype.kind in "US" and lower[key].ndim == 1:
            table.names = tuple(map(str, lower[key]))
    for key in ("fps", "frame_rate", "framerate"):
        if len(found := numbers(key)) == 1 and found[0] > 0:
            table.fps = found[0]
    size = numbers("size") or numbers("image_size") or [*numbers("width"), *numbers("height")]
    size = size or numbers("img_shape")[::-1] or numbers("original_shape")[::-1]
    if len(size) == 2 and min(size) > 0:
        table.size = (round(size[0]), round(size[1]))


def _videopose(nested: dict[Any, Any], about: Any, person: str | None, file: str) -> Table:
    """VideoPose3D's ``positions_2d``: {subject: {action: [array for each camera]}}."""
    clips: dict[str, NDArray[Any]] = {}
    for subject, actions in nested.items():
        for action, cameras in actions.items() if isinstance(actions, dict) else ():
            for number, array in enumerate(cameras if isinstance(cameras, list) else [cameras]):
                if isinstance(array, np.ndarray) and array.ndim == 3:
                    clips[f"{subject}/{action}/{number}"] = array
    if not clips:
        raise InputError(f"There are no keypoints in {file}.")
    if person is None and len(clips) > 1:
        raise InputError(f"There are {len(clips)} clips in {file}: say which as person, such as {next(iter(clips))!r}.")
    name = person if person in clips else next(iter(clips))
    if person is not None and person not in clips and len(clips) > 1:
        raise InputError(f"There is no clip {person!r} in {file}; there are {', '.join(list(clips)[:6])} and so on.")
    table = _table({"keypoints": clips[name]}, file)
    about = about if isinstance(about, dict) else {}
    videos = about.get("video_metadata")
    video = videos.get(name.split("/")[0]) if isinstance(videos, dict) else None
    if isinstance(video, dict) and video.get("w") and video.get("h"):
        table.size = (int(video["w"]), int(video["h"]))
    layout = {"coco": "coco17", "h36m": "h36m17"}.get(str(about.get("layout_name")))
    table.layout = layout if layout and clips[name].shape[1] == 17 else None
    return table


class _Dtype:
    """A data type named in a pickle; nothing but plain numbers."""

    def __init__(self, code: Any, *_: Any) -> None:
        self.code, self.order = str(code), "<"

    def __setstate__(self, state: Any) -> None:
        self.order = ">" if state[1] == ">" else "<"

    def made(self) -> np.dtype[Any]:
        if self.code[:1] not in "fiub" or not self.code[1:].isdigit():
            raise InputError("The file holds Python objects that are no keypoints.")
        return np.dtype(self.order + self.code)


class _Array:
    """An array in a pickle, rebuilt from its bytes."""

    def __init__(self, *_: Any) -> None:
        self.shape: tuple[int, ...] = ()
        self.dtype: Any = None
        self.data: Any = b""
        self.fortran = False

    def __setstate__(self, state: Any) -> None:
        _, self.shape, self.dtype, self.fortran, self.data = state

    def value(self) -> Any:
        if isinstance(self.data, list):
            return [_unwrapped(item) for item in self.data]
        data = self.data.encode("latin1") if isinstance(self.data, str) else bytes(self.data)
        array = np.frombuffer(data, self.dtype.made())
        return array.reshape(self.shape, order="F" if self.fortran else "C").astype(np.float64)


class _Plain(pickle.Unpickler):
    """Rebuilds dictionaries, lists, numbers and arrays of numbers; anything else is refused, nothing is ever called."""

    def find_class(self, module: str, name: str) -> Any:
        if module.startswith("numpy"):
            if name in ("_reconstruct", "ndarray"):
                return _Array
            if name == "dtype":
                return _Dtype
            if name == "scalar":
                return lambda dtype, data=b"": np.frombuffer(
                    data.encode("latin1") if isinstance(data, str) else data, dtype.made())[0].item()
        if (module, name) == ("_codecs", "encode"):
            return lambda text, code="latin1": str(text).encode("latin1")
        raise InputError("The file holds Python objects that are no keypoints: save arrays of numbers.")

    def load(self) -> Any:
        return _unwrapped(super().load())


def _unwrapped(value: Any) -> Any:
    """Arrays in place of what stands for them."""
    if isinstance(value, _Array):
        return value.value()
    if isinstance(value, dict):
        return {key: _unwrapped(item) for key, item in value.items()}
    return [_unwrapped(item) for item in value] if isinstance(value, list | tuple) else value
