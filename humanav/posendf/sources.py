"""Where training poses come from: folders of motion files, one motion, or the compact CMU file; and who is on which
side of the split. A subject is never on two sides."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np

from humanav.errors import InputError
from humanav.posendf.cmu import Split, split_of

Kind = Literal["amass", "cmu", "npz"]

_NOT_MOTIONS = ("shape.npz", "neutral_stagei.npz", "male_stagei.npz", "female_stagei.npz")
_SUFFIXES = {"amass": (".npz",), "cmu": (".amc", ".bvh", ".npz"), "npz": (".npz", ".npy")}

# The split by data sets that VPoser, Pose-NDF and NRDF share, by the names AMASS's folders have had over the years.
_VPOSER: dict[Split, tuple[str, ...]] = {
    "train": ("cmu", "mpilimits", "poseprior", "totalcapture", "eyesjapandataset", "eyesjapan", "kit", "bmlrub",
              "biomotionlabntroje", "bmlhandball", "bmlmovi", "ekut", "tcdhandmocap", "tcdhands", "accad"),
    "validation": ("humaneva", "mpihdm05", "hdm05", "sfu", "mpimosh", "mosh"),
    "test": ("transitionsmocap", "transitions", "ssmsynced", "ssm"),
}


@dataclass(frozen=True)
class Take:
    """One motion file.

    Attributes:
        path: the file.
        name: its path below the folder that was given.
        subject: who moves.
        split: the side that the subject is on.
    """

    path: Path
    name: str
    subject: str
    split: Split


def find_takes(kind: Kind, place: Path, seed: int) -> tuple[list[Take], str]:
    """The motion files at ``place``, walked recursively, and in words how they were split.

    AMASS folders (``data set/subject/take.npz``) are split by the data sets of VPoser's split where those of all three
    sides are there, else by subjects: a tenth each validates and tests. Files that lie in the folder itself are taken
    for one subject each. CMU folders have the subject in the file names ("02_01.amc").

    Raises:
        InputError: there is no such place, or no motion file in it.
    """
    if not place.exists():
        raise InputError(f"{place.name} does not exist: give the folder or file of the motions.")
    if kind == "amass" and place.is_file():
        raise InputError(f"{place.name} is a file: --amass takes AMASS's folder, --npz takes one file.")
    if kind == "npz" and place.is_dir():
        raise InputError(f"{place.name} is a folder: --npz takes one file, --amass takes folders.")
    suffixes = _SUFFIXES[kind]
    files = [place] if place.is_file() else sorted(
        file for file in place.rglob("*") if file.suffix.lower() in suffixes and file.is_file()
        and file.name.lower() not in _NOT_MOTIONS)
    if not files:
        raise InputError(f"{place.name} holds no motion file ({', '.join(suffixes)}).")
    root = place.parent if place.is_file() else place
    names = [file.relative_to(root).as_posix() for file in files]
    if kind == "cmu":
        subjects = [_cmu_subject(file) for file in files]
        return ([Take(file, name, who, split_of(who)) for file, name, who in zip(files, names, subjects, strict=True)],
                "CMU: subjects 03 and 135 test, 07 and 94 validate")
    subjects = [name.rpartition("/")[0] or name for name in names]
    sides = {name: side for side, folders in _VPOSER.items() for name in folders}
    sets = [next((sides[plain] for part in name.split("/")[:-1] if (plain := _plain(part)) in sides), None)
            for name in names]
    if set(_VPOSER) <= set(sets):
        return ([Take(file, name, who, side or "train")
                 for file, name, who, side in zip(files, names, subjects, sets, strict=True)], "data sets, as VPoser")
    by_subject = split_subjects(subjects, seed)
    return ([Take(file, name, who, by_subject[who]) for file, name, who in zip(files, names, subjects, strict=True)],
            "subjects, a tenth each to validate and test")


def split_subjects(subjects: Sequence[str], seed: int) -> dict[str, Split]:
    """The side of each subject: a tenth each validates and tests, at least one where there are three.

    The order is drawn from the names and the seed, so one more subject hardly changes where the others are.
    """
    who = sorted(set(subjects), key=lambda name: hashlib.sha256(f"{seed}/{name}".encode()).digest())
    held = max(1, round(len(who) / 10))
    tests = held if len(who) >= 3 else 0
    validates = held if len(who) >= 2 else 0
    return {name: "test" if place < tests else "validation" if place < tests + validates else "train"
            for place, name in enumerate(who)}


def fingerprint(files: Sequence[Path], names: Sequence[str]) -> str:
    """A hash of what the files are: names, sizes, and their first and last 64 kB."""
    digest = hashlib.sha256()
    for file, name in zip(files, names, strict=True):
        size = file.stat().st_size
        digest.update(f"{name} {size}\n".encode())
        with file.open("rb") as stream:
            digest.update(stream.read(65536))
            stream.seek(max(0, size - 65536))
            digest.update(stream.read(65536))
    return digest.hexdigest()


def is_compact(path: Path) -> bool:
    """Whether a file has the layout of :mod:`humanav.posendf.cmu`: an npz with ``clip_names``."""
    if not path.is_file() or path.suffix.lower() != ".npz":
        return False
    try:
        with np.load(path, allow_pickle=False) as data:
            return "clip_names" in data.files
    except Exception:  # whatever is wrong with it is told by who reads it next
        return False


def _cmu_subject(file: Path) -> str:
    who = file.stem.rpartition("_")[0]
    return who or file.parent.name


def _plain(name: str) -> str:
    return "".join(letter for letter in name.lower() if letter.isalnum())
