"""Captured motion of the CMU database in the compact layout of one npz, split by subject.

Keys: ``clip_names``, ``subjects``, ``duplicate_of_asf``, ``fps``, and for each clip ``pose/<clip>`` (T,66) axis-angle
with the root first, ``trans/<clip>`` (T,3) metres and ``ok/<clip>`` (T,) bool. World y up.
"""

from __future__ import annotations

import zipfile
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, overload

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from humanav.errors import MotionFileError
from humanav.motion import Motion
from humanav.posendf.poses import motion_to_quats

Split = Literal["train", "validation", "test"]
SPLITS: tuple[Split, ...] = ("train", "validation", "test")

TEST_SUBJECTS = ("03", "135")
VALIDATION_SUBJECTS = ("07", "94")
BAD_CLIPS = ("05_05", "05_06")
"""Whole takes whose retargeting failed, which the mask ``ok`` does not tell."""


@dataclass(frozen=True)
class Clip:
    """One take.

    Attributes:
        motion: all its frames.
        ok: (T,) which frames are usable.
        subject: who moves; "?" where the source does not say.
        split: which side of the split the subject is on.
    """

    motion: Motion
    ok: NDArray[np.bool_]
    subject: str
    split: Split


def split_of(subject: str) -> Split:
    """The side that a CMU subject is on: 03 and 135 test, 07 and 94 validate, all others train."""
    return "test" if subject in TEST_SUBJECTS else "validation" if subject in VALIDATION_SUBJECTS else "train"


def cmu_clips(path: str | Path, split: Split | None = None) -> Iterator[Clip]:
    """The takes of the file, without duplicates and the known bad ones; of one split, or of all.

    Raises:
        MotionFileError: the file cannot be read or has not this layout.
    """
    name = Path(path).name
    try:
        with np.load(path, allow_pickle=False) as data:
            if "clip_names" not in data.files or "subjects" not in data.files:
                raise MotionFileError(f"{name} is not a collection of clips: it needs the arrays clip_names, subjects "
                                      "and pose/<clip>.")
            names = [str(clip) for clip in data["clip_names"]]
            again = data["duplicate_of_asf"] if "duplicate_of_asf" in data.files else np.zeros(len(names), bool)
            fps = float(data["fps"]) if "fps" in data.files else 30.0
            for clip, who, duplicate in zip(names, data["subjects"], again, strict=True):
                side = split_of(str(who))
                if duplicate or clip in BAD_CLIPS or split not in (None, side):
                    continue
                pose = data[f"pose/{clip}"]
                transl = data[f"trans/{clip}"] if f"trans/{clip}" in data.files else None
                ok = data[f"ok/{clip}"].astype(bool) if f"ok/{clip}" in data.files else np.ones(len(pose), bool)
                yield Clip(Motion.from_full_pose(pose, fps, transl, name=clip, person_id=str(who)), ok, str(who), side)
    except FileNotFoundError as error:
        raise MotionFileError(f"There is no file {name}: give the npz with pose/<clip> arrays.") from error
    except KeyError as error:
        raise MotionFileError(f"{name} is not a whole collection of clips: {error.args[0]}.") from error
    except (OSError, EOFError, TypeError, ValueError, zipfile.BadZipFile, zlib.error) as error:
        raise MotionFileError(f"{name} is not a readable collection of clips, or it is damaged; give the npz with "
                              "pose/<clip> arrays.") from error


@overload
def load_cmu(path: str | Path, split: Split, *, clips: Literal[False] = False) -> Tensor: ...
@overload
def load_cmu(path: str | Path, split: Split, *, clips: Literal[True]) -> tuple[Tensor, NDArray[np.str_]]: ...


def load_cmu(path: str | Path, split: Split, *, clips: bool = False) -> Tensor | tuple[Tensor, NDArray[np.str_]]:
    """All usable poses of one split, in the order of the takes, not thinned and not mirrored.

    Args:
        path: the compact npz.
        split: "train", "validation" or "test"; subjects never appear in two of them.
        clips: also return the name of the take that each pose is from.

    Returns:
        quats (N,21,4) float32, and with ``clips`` names (N,).

    Raises:
        MotionFileError: the file cannot be read, has not this layout, or has no usable pose of this split.
    """
    quats, names = [], []
    for clip in cmu_clips(path, split):
        quats.append(motion_to_quats(clip.motion)[torch.from_numpy(clip.ok)])
        names.append(np.full(int(clip.ok.sum()), clip.motion.name))
    if not quats:
        raise MotionFileError(f"{Path(path).name} holds no usable pose for {split}.")
    poses = torch.cat(quats)
    return (poses, np.concatenate(names)) if clips else poses
