"""Marker trajectories as OpenSim reads them: a ``.trc`` text table, and what marker files of any kind hold.

Convention: y up, right-handed, as in the library; millimetres in the file, metres here. A point that is unknown is
an empty cell. Layout: five header lines, an empty line, then frame number from 1, time in seconds, and x, y, z of
every marker, all separated by tabs (OpenSim documentation, "Marker (.trc) Files").
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import ArrayLike, NDArray

from humanav.errors import InputError, StorageError

Array = NDArray[np.float64]

_UNITS = {"mm": 0.001, "cm": 0.01, "m": 1.0, "in": 0.0254, "inches": 0.0254}
_FIELDS = ("DataRate", "CameraRate", "NumFrames", "NumMarkers", "Units", "OrigDataRate", "OrigDataStartFrame",
           "OrigNumFrames")


@dataclass(frozen=True)
class Markers:
    """Named points over time.

    Attributes:
        points: (T,K,4) x, y, z in metres, y up, and confidence 0..1; NaN with confidence 0 where unknown.
        names: of the K points, unique.
        fps: frames per second.

    Raises:
        InputError: no frame or point, unlike numbers of names, a name twice or with a tab, a rate that is not positive.
    """

    points: Array
    names: tuple[str, ...]
    fps: float

    def __post_init__(self) -> None:
        given = np.asarray(self.points, dtype=np.float64)
        if given.ndim != 3 or given.shape[2] not in (3, 4) or not given.size:
            raise InputError(f"Marker trajectories must be of shape (frames, points, 3 or 4), not {given.shape}.")
        names = tuple(str(name).strip() for name in self.names)
        if len(names) != given.shape[1] or len(set(names)) != len(names) or not all(names):
            raise InputError(f"{given.shape[1]} markers need as many different names; {len(set(names))} were given.")
        if any("\t" in name or "\n" in name for name in names):
            raise InputError("A marker's name must not hold a tab or a line break.")
        if not (np.isfinite(self.fps) and self.fps > 0):
            raise InputError(f"The frame rate must be a positive number, not {self.fps}.")
        known = np.isfinite(given[..., :3]).all(axis=2)
        sure = np.nan_to_num(given[..., 3]) if given.shape[2] == 4 else np.ones(known.shape)
        known &= sure > 0
        points = np.concatenate([np.where(known[..., None], given[..., :3], np.nan),
                                 np.where(known, sure, 0)[..., None]], axis=2)
        object.__setattr__(self, "points", points)
        object.__setattr__(self, "names", names)
        object.__setattr__(self, "fps", float(self.fps))

    @property
    def known(self) -> NDArray[np.bool_]:
        """(T,K) where a point is known."""
        return np.asarray(self.points[..., 3] > 0)


def write_trc(path: str | Path, points: ArrayLike, names: Sequence[str], fps: float) -> Path:
    """Write points (T,K,3 or 4) in metres (y up; the fourth a confidence, 0 for unknown) for OpenSim.

    Raises:
        InputError: as :class:`Markers`.
        StorageError: the file cannot be written.
    """
    path, marked = Path(path), Markers(np.asarray(points, dtype=np.float64), tuple(names), fps)
    frames, count = marked.points.shape[:2]
    rate = f"{marked.fps:.6g}"
    lines = [f"PathFileType\t4\t(X/Y/Z)\t{path.name}", "\t".join(_FIELDS),
             "\t".join([rate, rate, str(frames), str(count), "mm", rate, "1", str(frames)]),
             "Frame#\tTime\t" + "\t\t\t".join(marked.names) + "\t\t",
             "\t\t" + "\t".join(f"{axis}{k}" for k in range(1, count + 1) for axis in "XYZ"), ""]
    for t, (row, known) in enumerate(zip(marked.points[..., :3] * 1000, marked.known)):
        cells = (f"{value:.4f}" if there else "" for point, there in zip(row, known) for value in point)
        lines.append("\t".join([str(t + 1), f"{t / marked.fps:.6f}", *cells]))
    try:
        path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    except OSError as error:
        raise StorageError(f"{path.name} cannot be written: {error.strerror or error}.") from error
    return path


def read_trc(path: str | Path) -> Markers:
    """Read a ``.trc`` file, in any of its units.

    Raises:
        InputError: it cannot be read, or is no such file.
    """
    path = Path(path)
    try:
        lines = path.read_text(encoding="utf-8-sig").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(f"{path.name} cannot be read: choose a .trc file.") from error
    try:
        if not lines[0].startswith("PathFileType"):
            raise ValueError("no PathFileType")
        about = dict(zip(lines[1].split("\t"), lines[2].split("\t")))
        names = [name.strip() for name in lines[3].split("\t")[2:] if name.strip()]
        unit = _UNITS[about["Units"].strip().lower()]
        rows = [line.split("\t")[2:] for line in lines[5:] if line.strip()]
        wide = 3 * len(names)
        values = np.array([[float(cell) if cell.strip() else np.nan for cell in (row + [""] * wide)[:wide]]
                           for row in rows]).reshape(len(rows), -1, 3)
        return Markers(values * unit, tuple(names), float(about["DataRate"]))
    except (IndexError, KeyError, ValueError) as error:
        raise InputError(f"{path.name} is no marker file of OpenSim (.trc), or a part of it is missing: export it "
                         "again.") from error
