"""What `humanav posendf prepare` writes, and what training reads.

A folder holds ``manifest.json``, the clean poses of each split (``clean-train.npz`` and so on) and shards of queries
(``queries-train-00000.npz``): poses as float16, distances as float32, and for each query its source, the kind of
damage and the joints that it changed. Every file appears whole or not at all.
"""

from __future__ import annotations

import json
import os
import zipfile
import zlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from humanav.errors import InputError, StorageError
from humanav.posendf.cmu import SPLITS, Split
from humanav.posendf.quaternions import NUM_JOINTS, canonical

MANIFEST = "manifest.json"
Arrays = Mapping[str, NDArray[Any]]


def packed(quats: Tensor) -> NDArray[np.float16]:
    """Poses as they are stored; what is lost is 0.01 degrees on average."""
    return quats.numpy().astype(np.float16)


def unpacked(quats: NDArray[Any]) -> Tensor:
    """Stored poses as canonical float32."""
    return canonical(torch.from_numpy(quats.astype(np.float32)))


def clean_file(folder: Path, split: Split) -> Path:
    """Where the clean poses of a split lie."""
    return folder / f"clean-{split}.npz"


def shard_file(folder: Path, split: Split, number: int) -> Path:
    """Where a shard of queries lies."""
    return folder / f"queries-{split}-{number:05d}.npz"


def write_arrays(path: Path, arrays: Arrays) -> None:
    """Write an npz so that the file is never seen half written.

    Raises:
        StorageError: the disk is full or the folder cannot be written to.
    """
    _replace(path, lambda part: _save(part, arrays))


def write_json(path: Path, value: Mapping[str, Any]) -> None:
    """The same for a JSON object."""
    _replace(path, lambda part: part.write_text(json.dumps(value, indent=1) + "\n"))


def read_arrays(path: Path) -> dict[str, NDArray[Any]]:
    """All arrays of a file of prepared data.

    Raises:
        InputError: the file is missing or damaged.
    """
    try:
        with np.load(path, allow_pickle=False) as data:
            return {key: data[key] for key in data.files}
    except FileNotFoundError as error:
        raise InputError(f"{path.name} is missing: run `humanav posendf prepare` with the same options again, it "
                         "makes what is not there.") from error
    except (OSError, EOFError, ValueError, KeyError, zipfile.BadZipFile, zlib.error) as error:
        raise InputError(f"{path.name} is damaged: delete it and run `humanav posendf prepare` again.") from error


def read_manifest(folder: Path) -> dict[str, Any] | None:
    """The manifest of a folder; None where there is none.

    Raises:
        InputError: it is not readable JSON.
    """
    try:
        return dict(json.loads((folder / MANIFEST).read_text()))
    except FileNotFoundError:
        return None
    except (OSError, ValueError, TypeError) as error:
        raise InputError(f"The {MANIFEST} of {folder.name} cannot be read; delete it and prepare again.") from error


def describe(manifest: Mapping[str, Any]) -> list[str]:
    """What was made, in sentences for the command line."""
    counts, queries, subjects = manifest["clean_poses"], manifest["queries"], manifest["subjects"]
    lines = [f"{split}: {counts[split]} clean poses of {len(subjects[split])} subjects, {queries[split]} queries"
             for split in SPLITS]
    lines.append(f"split by {manifest['split_by']}; seed {manifest['options']['seed']}; "
                 f"{manifest['processor_minutes']:.1f} processor minutes")
    empty = [split for split in SPLITS if not counts[split]]
    if empty:
        lines.append(f"Nothing is left for {' and '.join(empty)}: more subjects are needed to hold some out.")
    if manifest["varied_collars"]:
        lines.append(f"No collar moves in these captures: varied in {manifest['options']['collars']:.0%} of the poses.")
    left_out = manifest["left_out"]
    lines += [f"Left out: {item['file']}. {item['why']}" for item in left_out[:10]]
    if len(left_out) > 10:
        lines.append(f"{len(left_out) - 10} more were left out; {MANIFEST} names them.")
    return lines


@dataclass(frozen=True)
class PoseData:
    """Prepared data of all splits.

    Attributes:
        clean: (N,21,4) float32 canonical poses, those that train first, then validation, then test.
        clean_split: (N,) int64 index into ``SPLITS``: "train", "validation", "test".
        queries: (M,21,4) poses, most of them spoilt.
        distance: (M,) float32 radians to the nearest *training* pose.
        source: (M,) int64 the clean pose that the query was made from, an index into ``clean``.
        kind: (M,) int64 how it was spoilt, an index into :data:`humanav.posendf.corrupt.KINDS`.
        damaged: (M,21) bool which joints that changed.
        split: (M,) int64 index into ``SPLITS``.
        manifest: how it was made.
    """

    clean: Tensor
    clean_split: Tensor
    queries: Tensor
    distance: Tensor
    source: Tensor
    kind: Tensor
    damaged: Tensor
    split: Tensor
    manifest: dict[str, Any]

    @classmethod
    def load(cls, folder: str | Path) -> PoseData:
        """Read what `humanav posendf prepare` wrote to ``folder``.

        Raises:
            InputError: there is no prepared data, it is not finished, or a file of it is missing or damaged.
        """
        place = Path(folder)
        manifest = read_manifest(place)
        if manifest is None:
            raise InputError(f"{place.name} holds no prepared data: make it with `humanav posendf prepare --out`.")
        if not manifest.get("finished"):
            raise InputError(f"The data in {place.name} is not finished: run the same `humanav posendf prepare` again, "
                             "it goes on where it stopped.")
        clean, owners, shards, before = [], [], [], 0
        for number, split in enumerate(SPLITS):
            poses = read_arrays(clean_file(place, split))["quats"]
            clean.append(poses)
            owners.append(np.full(len(poses), number))
            for shard in range(manifest["shards"][split]):
                arrays = read_arrays(shard_file(place, split, shard))
                shards.append({**arrays, "source": arrays["source"].astype(np.int64) + before,
                               "split": np.full(len(arrays["kind"]), number)})
            before += len(poses)

        def joined(key: str) -> NDArray[Any]:
            return np.concatenate([shard[key] for shard in shards])

        damaged = np.unpackbits(joined("damaged"), axis=1, count=NUM_JOINTS).astype(bool)
        return cls(unpacked(np.concatenate(clean)), torch.from_numpy(np.concatenate(owners)), unpacked(joined("quats")),
                   torch.from_numpy(joined("distance")), torch.from_numpy(joined("source")),
                   torch.from_numpy(joined("kind").astype(np.int64)), torch.from_numpy(damaged),
                   torch.from_numpy(joined("split")), manifest)

    def clean_rows(self, split: Split) -> Tensor:
        """Indices (n,) of a split's clean poses."""
        return (self.clean_split == SPLITS.index(split)).nonzero()[:, 0]

    def query_rows(self, split: Split) -> Tensor:
        """Indices (m,) of a split's queries."""
        return (self.split == SPLITS.index(split)).nonzero()[:, 0]


def _save(path: Path, arrays: Arrays) -> None:
    with path.open("wb") as file:
        np.savez(file, **arrays)


def _replace(path: Path, write: Any) -> None:
    part = path.with_name(f".{path.name}.{os.getpid()}.part")
    try:
        write(part)
        os.replace(part, path)
    except OSError as error:
        part.unlink(missing_ok=True)
        raise StorageError(f"{path.name} cannot be written: {error.strerror or error}.") from error
