"""Zip files from strangers: unpacked inside one folder, within limits, or not at all."""

from __future__ import annotations

import shutil
import stat
import zipfile
import zlib
from pathlib import Path, PurePosixPath

from humanav.errors import InputError, StorageError

MAX_FILES = 200_000
"""More files in a zip are refused: 12 views of 10,000 pictures fit."""
MAX_BYTES = 40 * 2**30
"""A zip that unpacks to more is refused."""
_MAX_RATIO = 200  # unpacked over packed bytes, beyond any film or mask; small files may be packed better
_SMALL = 100 * 2**20
_CHUNK = 2**20
_MEANINGFUL = ("images", "videos", "hdvideos", "hdimgs", "calibration", "extrinsics")
_SKIPPED = ("__MACOSX", ".DS_Store", "Thumbs.db", "desktop.ini")


def unpack(archive: str | Path, folder: str | Path, *, max_bytes: int = MAX_BYTES, max_files: int = MAX_FILES) -> Path:
    """Unpack a zip into a folder; what a system adds for itself is left out.

    Nothing is written outside the folder, links and encrypted files are refused, and what is written is counted: a
    file that promises less than it holds is stopped too.

    Args:
        archive: the zip.
        folder: made if need be; files of the same name there are overwritten.
        max_bytes, max_files: limits of what comes out.

    Returns:
        The folder, or the one folder in it that holds everything.

    Raises:
        InputError: no zip, damaged, encrypted, with paths that lead outside, too large, or empty.
        StorageError: the disk is full or the folder not writable.
    """
    source, target = Path(archive), Path(folder)
    name = source.name
    try:
        with zipfile.ZipFile(source) as opened:
            members = [info for info in opened.infolist() if not info.is_dir() and not _skipped(info.filename)]
            places = _checked(name, members, max_bytes, max_files)
            left = max_bytes
            target.mkdir(parents=True, exist_ok=True)
            if shutil.disk_usage(target).free < sum(info.file_size for info in members):
                raise StorageError(f"{name} unpacks to more than the disk has room for: free some space.")
            for info, place in zip(members, places):
                left = _extract(opened, info, target / place, left, name)
    except (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, RuntimeError, ValueError) as error:
        raise InputError(f"{name} is no zip that can be read, or it is damaged: zip the folder of the capture "
                         "again.") from error
    except FileNotFoundError as error:
        raise InputError(f"There is no file {name}: check the name and the folder.") from error
    except OSError as error:
        raise StorageError(f"{name} cannot be unpacked: {error.strerror or error}.") from error
    return inner_folder(target)


def inner_folder(folder: Path) -> Path:
    """The folder itself, or, while it holds nothing but one other folder, that one."""
    for _ in range(4):
        inside = [item for item in folder.iterdir() if not _skipped(item.name) and not item.name.startswith(".")]
        if len(inside) != 1 or not inside[0].is_dir() or inside[0].is_symlink():
            break
        if inside[0].name.lower() in _MEANINGFUL:
            break
        folder = inside[0]
    return folder


def _checked(name: str, members: list[zipfile.ZipInfo], max_bytes: int, max_files: int) -> list[PurePosixPath]:
    if not members:
        raise InputError(f"There are no files in {name}: zip the folder with the videos and the calibration.")
    if len(members) > max_files:
        raise InputError(f"There are {len(members)} files in {name}, more than {max_files}: give videos instead of "
                         "pictures, or a shorter part.")
    total, packed = (sum(getattr(info, key) for info in members) for key in ("file_size", "compress_size"))
    if total > max_bytes or (total > _SMALL and total > _MAX_RATIO * max(packed, 1)):
        raise InputError(f"{name} would unpack to {total / 2**30:.1f} GB, which no capture of this size does: zip only "
                         "the videos, the calibration and the masks.")
    places, seen = [], set()
    for info in members:
        said = "".join(c for c in info.filename[:60] if c.isprintable())
        place = PurePosixPath(info.filename.replace("\\", "/"))
        if place.is_absolute() or ".." in place.parts or ":" in info.filename or "\0" in info.filename:
            raise InputError(f"{name} holds a path that leads out of its folder ({said}): it is refused, "
                             "zip the folder again.")
        if stat.S_ISLNK(info.external_attr >> 16):
            raise InputError(f"{name} holds a link ({said}): zip the files themselves.")
        if info.flag_bits & 1:
            raise InputError(f"{name} is encrypted: zip the folder without a password.")
        if str(place).lower() in seen:
            raise InputError(f"{name} holds {said} twice: zip the folder again.")
        seen.add(str(place).lower())
        places.append(place)
    return places


def _extract(archive: zipfile.ZipFile, info: zipfile.ZipInfo, place: Path, left: int, name: str) -> int:
    """Write one file, counting; the bytes that may still come."""
    place.parent.mkdir(parents=True, exist_ok=True)
    with archive.open(info) as packed, place.open("wb") as out:
        while chunk := packed.read(_CHUNK):
            left -= len(chunk)
            if left < 0:
                raise InputError(f"{name} holds more than it says: it is refused.")
            out.write(chunk)
    return left


def _skipped(name: str) -> bool:
    return any(part in _SKIPPED or part.startswith("._") for part in PurePosixPath(name).parts)
