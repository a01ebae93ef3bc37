"""Which format a calibration file is of, and which calibrations lie in a folder."""

from __future__ import annotations

import re
import zipfile
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from humanav.errors import CameraError, InputError
from humanav.multiview.arrays import load_arrays
from humanav.multiview.calibration_qualisys import read_qualisys
from humanav.multiview.calibration_text import (
    MAX_BYTES,
    easymocap_rig,
    load_text,
    one_camera_rig,
    read_bytes,
    text_kind,
    text_rig,
)
from humanav.multiview.calibration_value import FileRig, FileView

_TEXT = (".json", ".toml", ".yml", ".yaml")
_XML = (".txt", ".qca", ".xml")
_PLACES = ("", "cameras", "calibration", "calib", "calibs", "camera")
_KINDS = ("EasyMocap's intri.yml and extri.yml, Qualisys' .qca.txt, Pose2Sim's or Caliscope's .toml, Hi4D's "
          "rgb_cameras.npz, Panoptic's, 4D Association's or our own .json, or OpenCV's .yml")


@dataclass(frozen=True)
class Candidate:
    """A calibration that was found: its format and its file or files."""

    kind: str
    files: tuple[Path, ...]

    @property
    def label(self) -> str:
        """Names of the files."""
        return " and ".join(file.name for file in self.files[:2]) + (" ..." if len(self.files) > 2 else "")

    def read(self) -> FileRig:
        """The cameras. Raises CameraError."""
        first = self.files[0]
        if self.kind == "damaged":
            load_text(first)  # says what is wrong with it
        if self.kind == "qualisys":
            return read_qualisys(first)
        if self.kind == "hi4d":
            return _read_hi4d(first)
        if self.kind == "easymocap":
            return easymocap_rig(self.files[0], self.files[-1])
        if self.kind == "one camera":
            return one_camera_rig(self.files)
        return text_rig(first, load_text(first), self.kind)


def read_file_rig(place: Path) -> FileRig:
    """The cameras of a file, or of the one calibration in a folder. Raises CameraError."""
    if place.is_file():
        return candidate_of(place).read()
    found = calibrations_in(place)
    if not found:
        raise CameraError(f"There is no calibration in the folder {place.name}: put {_KINDS} there.")
    if len(found) > 1:
        raise CameraError(f"There are {len(found)} calibrations in the folder {place.name} "
                          f"({', '.join(one.label for one in found)}): name the one to use.")
    return found[0].read()


def candidate_of(file: Path) -> Candidate:
    """The calibration that a file is, or is half of. Raises CameraError when it is none."""
    kind = kind_of(file)
    if not kind:
        raise CameraError(f"{file.name} is no calibration that is known: give {_KINDS}.")
    if kind == "easymocap":
        return Candidate(kind, _easymocap_pair(file))
    return Candidate(kind, (file,))


def calibrations_in(folder: Path) -> list[Candidate]:
    """All calibrations of a folder and of its usual folders of cameras, the most exact kinds first."""
    places = [folder / name for name in _PLACES if (folder / name).is_dir()]
    found: list[Candidate] = []
    for place in places:
        single: list[Path] = []
        for file in sorted(place.iterdir()):
            if not file.is_file() or file.name.startswith("."):
                continue
            kind = _kind_or_none(file)
            if kind == "one camera":
                single.append(file)
            elif kind == "easymocap":
                pair = Candidate(kind, _easymocap_pair(file))
                found += [pair] if pair not in found else []
            elif kind:
                found.append(Candidate(kind, (file,)))
        found += [Candidate("one camera", tuple(single))] if single else []
    order = ("humanav", "qualisys", "easymocap", "hi4d", "pose2sim", "caliscope", "panoptic", "4da", "opencv")
    return sorted(found, key=lambda one: order.index(one.kind) if one.kind in order else len(order))


def _kind_or_none(file: Path) -> str:
    try:
        return kind_of(file)
    except CameraError:  # some other file of the capture, unless it is named like a calibration
        if file.stem.lower() in ("intri", "extri"):
            return "easymocap"
        return "damaged" if re.search(r"calib|cam", file.name, re.IGNORECASE) else ""


def kind_of(file: Path) -> str:
    """The format of a file by its contents, "" when it is no calibration. Raises CameraError when it is damaged."""
    suffix = file.suffix.lower()
    if suffix == ".npz":
        return "hi4d" if _npz_keys(file) >= {"intrinsics", "extrinsics"} else ""
    if suffix not in (*_TEXT, *_XML) or file.stat().st_size > MAX_BYTES:
        return ""
    if suffix in _TEXT:
        return text_kind(load_text(file), suffix)
    return "qualisys" if ".qca" in file.name.lower() or b"<calibration" in read_bytes(file)[:4096] else ""


def _easymocap_pair(file: Path) -> tuple[Path, ...]:
    stem = file.stem.lower()
    if stem not in ("intri", "extri"):
        return (file,)  # both halves in one file
    pair = tuple(file.with_name((name if file.stem.islower() else name.capitalize()) + file.suffix)
                 for name in ("intri", "extri"))
    for half, words in zip(pair, ("lenses (K, dist)", "places (R, T)")):
        if not half.is_file():
            raise CameraError(f"{half.name} is missing beside {file.name}: add it, it holds the "
                              f"cameras' {words}.")
    return pair


def _npz_keys(file: Path) -> set[str]:
    try:
        with zipfile.ZipFile(file) as archive:
            return {Path(name).stem for name in archive.namelist()}
    except (OSError, ValueError, NotImplementedError, zipfile.BadZipFile):
        return set()


def _read_hi4d(file: Path) -> FileRig:
    try:
        data = load_arrays(file, "intrinsics", "extrinsics")
    except InputError as error:
        raise CameraError(str(error)) from error
    K, RT = data["intrinsics"], data["extrinsics"]
    count = len(K) if K.ndim == 3 else 0
    ids = data.get("ids", np.arange(count))
    lenses = data.get("dist_coeffs", np.zeros((count, 5)))  # Hi4D's are N x 1 x 5
    if not count or K.shape[1:] != (3, 3) or RT.shape not in ((count, 3, 4), (count, 4, 4)) or (
            ids.shape != (count,) or lenses.shape[:1] != (count,)):
        raise CameraError(f"The arrays of {file.name} do not belong together: N x 3 x 3 intrinsics, N x 3 x 4 "
                          "extrinsics, N x 5 dist_coeffs and N ids are needed.")
    return FileRig("hi4d", tuple(FileView(str(ids[i]), K[i], RT[i, :3, :3], RT[i, :3, 3], (0, 0), lenses[i].reshape(-1))
                                 for i in range(count)), 1.0, "y")
