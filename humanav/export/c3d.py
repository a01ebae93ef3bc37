"""Marker trajectories as motion laboratories read them: the point data of a binary ``.c3d`` file.

Written are Intel (little-endian) floating-point files without analog channels or events; read are Intel files with
floating-point or scaled integer points (The C3D File Format User Guide, www.c3d.org). Millimetres in the file, metres
here. Which axis is up is not fixed by the format: ``POINT:Y_SCREEN`` says it, and laboratories mostly have z up.
"""

from __future__ import annotations

import struct
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy.typing import ArrayLike

from humanav.errors import InputError, StorageError
from humanav.export.trc import Array, Markers

_BLOCK = 512
# Block of the parameters, key, markers, analog values, first and last frame, longest gap, scale, block of the data,
# analog samples in a frame, frames per second.
_HEADER = "<BB5HfHHf"
_INTEL = 84  # the processor that wrote the file
_KEY = 0x50
_SCALE = -0.1  # negative: points are floats; its size is the unit of the residuals
_MOST = 255  # markers: the number must fit a byte
_LONGEST = 127  # letters of a name: the names of all must fit 32 KB
_UNITS = {"mm": 0.001, "cm": 0.01, "m": 1.0, "": 0.001}
# Rows turn a point with y up to the axis' own up, and back by the transpose.
_TURNS = {"y": np.eye(3), "z": np.array([[1.0, 0, 0], [0, 0, -1], [0, 1, 0]])}


def write_c3d(
    path: str | Path, points: ArrayLike, names: Sequence[str], fps: float, *, up: Literal["y", "z"] = "z",
) -> Path:
    """Write points (T,K,3 or 4) in metres (y up; the fourth a confidence, 0 for unknown) as a C3D file.

    The format has no confidences: a point is there or not.

    Args:
        up: the axis that is up in the file.

    Raises:
        InputError: as :class:`~humanav.export.trc.Markers`, or more markers (255) or frames (65535) than it can hold.
        StorageError: the file cannot be written.
    """
    path, marked = Path(path), Markers(np.asarray(points, dtype=np.float64), tuple(names), fps)
    frames, count = marked.points.shape[:2]
    if count > _MOST or frames > 65535:
        raise InputError(f"A C3D file holds at most {_MOST} markers and 65535 frames, not {count} and {frames}: write "
                         "fewer people or shorter parts.")
    if up not in _TURNS:
        raise InputError(f"The up axis of a C3D file is y or z, not {up!r}.")
    parameters = _parameters(marked, up, 0)
    start = 2 + len(parameters) // _BLOCK  # of the data, in blocks from 1
    parameters = _parameters(marked, up, start)
    header = struct.pack(_HEADER, 2, _KEY, count, 0, 1, frames, 0, _SCALE, start, 0, marked.fps)
    header = header.ljust(298, b"\0") + struct.pack("<H", 12345)  # event labels have four characters
    data = np.zeros((frames, count, 4), "<f4")
    data[..., :3] = np.nan_to_num(marked.points[..., :3] @ _TURNS[up].T * 1000)
    data[..., 3] = np.where(marked.known, 0, -1)
    body = data.tobytes()
    try:
        path.write_bytes(header.ljust(_BLOCK, b"\0") + parameters + body.ljust(-(-len(body) // _BLOCK) * _BLOCK, b"\0"))
    except OSError as error:
        raise StorageError(f"{path.name} cannot be written: {error.strerror or error}.") from error
    return path


def read_c3d(path: str | Path, *, up: Literal["auto", "y", "z"] = "auto") -> Markers:
    """Read the points of a C3D file.

    Args:
        up: the axis that is up in the file; "auto" takes what the file says, or z.

    Raises:
        InputError: it cannot be read, is no C3D file, or was written by another processor than Intel's.
    """
    path = Path(path)
    try:
        data = path.read_bytes()
    except OSError as error:
        raise InputError(f"{path.name} cannot be read: choose a .c3d file.") from error
    try:
        if data[1] != _KEY:
            raise ValueError("no key")
        groups = _read_parameters(data, (data[0] - 1) * _BLOCK)
        about = groups["POINT"]
        _, _, count, analog, first, last, _, scale, start, _, fps = struct.unpack_from(_HEADER, data)
        frames = last - first + 1
        kind = np.dtype("<f4" if scale < 0 else "<i2")
        values = np.frombuffer(data, kind, frames * (4 * count + analog), (start - 1) * _BLOCK)
        table = values.reshape(frames, -1)[:, :4 * count].reshape(frames, count, 4).astype(np.float64)
        xyz = table[..., :3] * (1 if scale < 0 else scale)
        unit = _UNITS[(about.get("UNITS") or [""])[0].lower()]
        screen = (about.get("Y_SCREEN") or [""])[0].strip("+").lower()
        axis = (screen if screen in _TURNS else "z") if up == "auto" else up
        known = table[..., 3] >= 0
        points = np.where(known[..., None], xyz * unit @ _TURNS[axis], np.nan)
        return Markers(np.concatenate([points, known[..., None]], axis=2), tuple(_labels(about, count)), fps)
    except (IndexError, KeyError, ValueError, struct.error) as error:
        raise InputError(f"{path.name} is no C3D file of an Intel processor, or a part of it is missing: export "
                         "it again.") from error


def _labels(about: dict[str, Any], count: int) -> list[str]:
    names = [*about.get("LABELS", []), *about.get("LABELS2", [])][:count]
    names += [f"point_{k + 1}" for k in range(len(names), count)]
    return [name if name and names.index(name) == k else f"{name or 'point'}_{k + 1}" for k, name in enumerate(names)]


def _parameters(marked: Markers, up: str, start: int) -> bytes:
    """The parameter section, whole blocks: groups POINT, ANALOG (empty, for readers that ask) and TRIAL."""
    frames, count = marked.points.shape[:2]
    words = [frames & 0xFFFF, frames >> 16]
    table: list[tuple[int, str, str, Any]] = [
        (1, "POINT", "USED", count), (1, "POINT", "SCALE", _SCALE), (1, "POINT", "RATE", float(marked.fps)),
        (1, "POINT", "DATA_START", start), (1, "POINT", "FRAMES", frames), (1, "POINT", "LABELS", marked.names),
        (1, "POINT", "DESCRIPTIONS", marked.names), (1, "POINT", "UNITS", ("mm",)), (1, "POINT", "X_SCREEN", ("+X",)),
        (1, "POINT", "Y_SCREEN", (f"+{up.upper()}",)), (2, "ANALOG", "USED", 0), (2, "ANALOG", "RATE", 0.0),
        (2, "ANALOG", "GEN_SCALE", 1.0), (3, "TRIAL", "ACTUAL_START_FIELD", [1, 0]),
        (3, "TRIAL", "ACTUAL_END_FIELD", words)]
    body, seen = b"", set()
    for number, group, name, value in table:
        if number not in seen:
            seen.add(number)
            body += _entry(-number, group, b"")
        body += _entry(number, name, _value(value))
    body += b"\0\0"  # the end
    blocks = -(-(len(body) + 4) // _BLOCK)
    return (struct.pack("<BBBB", 1, _KEY, blocks, _INTEL) + body).ljust(blocks * _BLOCK, b"\0")


def _entry(number: int, name: str, value: bytes) -> bytes:
    """A group (negative number) or parameter: name, the way to the next one, its value, an empty description."""
    head = struct.pack("<bb", len(name), number) + name.encode("ascii")
    return head + struct.pack("<h", len(value) + 3) + value + b"\0"


def _value(value: Any) -> bytes:
    """Type, dimensions and bytes of a number, a list of 16-bit words, or a tuple of words in characters."""
    if isinstance(value, float):
        return struct.pack("<bBf", 4, 0, value)
    if isinstance(value, int):
        return struct.pack("<bBH", 2, 0, value)
    if isinstance(value, list):
        return struct.pack(f"<bBB{len(value)}H", 2, 1, len(value), *value)
    letters = [word.encode("ascii", "replace")[:_LONGEST] for word in value]
    wide = max(4, *map(len, letters))
    return struct.pack("<bBBB", -1, 2, wide, len(letters)) + b"".join(word.ljust(wide) for word in letters)


def _read_parameters(data: bytes, at: int) -> dict[str, dict[str, Any]]:
    """Values by group and name."""
    if data[at + 3] != _INTEL:
        raise ValueError("another processor")
    end = at + data[at + 2] * _BLOCK
    at += 4
    names: dict[int, str] = {}
    found: list[tuple[int, str, Any]] = []
    while at + 2 < end:
        length, number = struct.unpack_from("<bb", data, at)
        length = abs(length)  # negative: locked
        if length == 0 or number == 0:
            break
        name = data[at + 2:at + 2 + length].decode("ascii", "replace").upper()
        place = at + 2 + length
        step = struct.unpack_from("<h", data, place)[0]
        if number < 0:
            names[-number] = name
        else:
            found.append((number, name, _parameter(data, place + 2)))
        if step == 0:
            break
        at = place + step
    groups: dict[str, dict[str, Any]] = {name: {} for name in names.values()}
    for number, name, value in found:
        if number in names:
            groups[names[number]][name] = value
    return groups


def _parameter(data: bytes, at: int) -> Any:
    kind, count = struct.unpack_from("<bB", data, at)
    shape = tuple(data[at + 2:at + 2 + count])
    size = int(np.prod(shape, dtype=np.int64))
    at += 2 + count
    if kind == -1:
        wide = shape[0] if shape else 1
        text = data[at:at + size].decode("ascii", "replace")
        return [text[k:k + wide].strip(" \0") for k in range(0, size, wide)] if wide else []
    values: Array = np.frombuffer(data, {1: "u1", 2: "<i2", 4: "<f4"}[kind], size, at)
    return values.tolist()
