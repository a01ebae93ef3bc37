"""The folder that ``humanav uplift prepare`` writes, and takes to train on from it or from the compact CMU file.

A folder holds ``manifest.json`` and shards such as ``clips-train-0000.npz``, each with some takes in the layout of the
compact CMU file: ``clip_names``, ``subjects``, ``fps``, and ``pose/<clip>`` (T,66), ``trans/<clip>`` (T,3),
``ok/<clip>`` (T,); and, where it is known, ``betas/<clip>``. World y up. A subject is on one side of the split.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np

from humanav.errors import InputError, StorageError
from humanav.motion import Motion
from humanav.posendf.cmu import SPLITS, Clip, Split, cmu_clips
from humanav.posendf.data import MANIFEST, read_arrays, read_manifest, write_arrays, write_json
from humanav.progress import Progress

FORMAT = 1


def read_clips(place: str | Path, split: Split | None = None) -> Iterator[Clip]:
    """The takes of one split, or of all: of a folder that ``humanav uplift prepare`` wrote, or of the compact CMU npz.

    Raises:
        InputError: the folder holds no prepared takes, or damaged ones.
        MotionFileError: the file is not the compact CMU file.
    """
    where = Path(place)
    if not where.is_dir():
        yield from cmu_clips(where, split)
        return
    manifest = read_manifest(where)
    if manifest is None or "clips" not in manifest or not manifest.get("finished"):
        raise InputError(f"{where.name} holds no prepared takes, or not all of them: run `humanav uplift prepare` on "
                         "the data set first.")
    for side in SPLITS if split is None else (split,):
        for number in range(manifest["shards"][side]):
            file = shard_file(where, side, number)
            if not file.is_file():
                raise InputError(f"{file.name} is missing: run `humanav uplift prepare` with the same options again.")
            arrays = read_arrays(file)
            for name, who in zip(arrays["clip_names"], arrays["subjects"], strict=True):
                betas = arrays.get(f"betas/{name}")
                motion = Motion.from_full_pose(arrays[f"pose/{name}"], float(arrays["fps"]), arrays[f"trans/{name}"],
                                               betas, name=str(name), person_id=str(who))
                yield Clip(motion, arrays[f"ok/{name}"].astype(bool), str(who), side)


def fingerprint(place: str | Path) -> str:
    """A hash of what there is to train on: of the compact file, or of a prepared folder's manifest."""
    where = Path(place)
    try:
        return hashlib.sha256((where / MANIFEST if where.is_dir() else where).read_bytes()).hexdigest()
    except OSError as error:
        raise InputError(f"There is no motion in {where.name}: give with --data the compact CMU npz, or a folder that "
                         "`humanav uplift prepare` wrote.") from error


def describe(manifest: dict[str, Any]) -> list[str]:
    """What was made, in sentences for the command line."""
    lines = [f"{split}: {manifest['clips'][split]} takes of {len(manifest['subjects'][split])} subjects"
             for split in SPLITS]
    good, total = manifest["usable_frames"], manifest["frames"]
    lines.append(f"{good} of {total} frames can be used, at {manifest['fps']:g} a second")
    lines += [f"Left out: {take['clip']}: {take['why']}" for take in manifest["left_out"][:10]]
    more = len(manifest["left_out"]) - 10
    return [*lines, f"and {more} more"] if more > 0 else lines


def shard_file(folder: Path, split: Split, number: int) -> Path:
    """Where some takes of a split lie."""
    return folder / f"clips-{split}-{number:04d}.npz"


def write_shard(folder: Path, split: Split, number: int, clips: Sequence[Clip], fps: float) -> None:
    """Write takes of one frame rate; the file appears whole or not at all.

    Raises:
        StorageError: the folder cannot be written.
    """
    arrays: dict[str, Any] = {"clip_names": np.array([clip.motion.name for clip in clips], dtype=np.str_),
                              "subjects": np.array([clip.subject for clip in clips], dtype=np.str_),
                              "fps": np.array(fps)}
    for clip in clips:
        name, motion = clip.motion.name, clip.motion
        arrays[f"pose/{name}"] = motion.full_pose[:, :22].reshape(len(motion), 66).astype(np.float16)
        arrays[f"trans/{name}"], arrays[f"ok/{name}"] = motion.transl, clip.ok
        if motion.betas.size:
            arrays[f"betas/{name}"] = motion.betas
    write_arrays(shard_file(folder, split, number), arrays)


def write_folder(
    out: str | Path, plan: dict[str, Any], groups: Sequence[tuple[Split, Sequence[Any]]],
    read: Callable[[Any], tuple[Clip | None, dict[str, Any]]], *, overwrite: bool, progress: Progress,
) -> dict[str, Any]:
    """Make or finish a folder: a shard of each group, what an interrupted run left there is kept.

    Args:
        out: the folder; made if need be.
        plan: what identifies the data: "source", "fps", "inputs" and so on.
        groups: the takes of each shard, and the split they belong to.
        read: of one take its clip, or None; and what is to be said of it: "clip", "subject", "split", "frames",
            "usable", and "why" where it cannot be used.
        overwrite: delete what other data or options left there.
        progress: of one stage.

    Returns:
        The manifest: the plan, counts, subjects, and the takes left out and why.

    Raises:
        InputError: other data there, or no take that can be used; nothing is left then.
        StorageError: the folder cannot be written.
    """
    folder, plan = Path(out), {"format": FORMAT, **plan}
    manifest = _open(folder, plan, overwrite)
    numbers = [sum(split == side for side, _ in groups[:k]) for k, (split, _) in enumerate(groups)]
    files = [shard_file(folder, split, number) for (split, _), number in zip(groups, numbers, strict=True)]
    if manifest.get("finished") and all(file.is_file() for file in files):
        return manifest
    progress.next("Reading takes")
    report: dict[str, list[dict[str, Any]]] = manifest.get("taken", {})
    total, done = sum(len(takes) for _, takes in groups), 0
    for (split, takes), number, file in zip(groups, numbers, files, strict=True):
        if not (file.is_file() and file.name in report):
            clips, rows = [], []
            for take in takes:
                clip, row = read(take)
                clips += [] if clip is None else [clip]
                rows.append(row)
                progress.update((done + len(rows)) / total)
            write_shard(folder, split, number, clips, plan["fps"])
            report[file.name] = rows
            write_json(folder / MANIFEST, {**manifest, "taken": report, "finished": False})
        done += len(takes)
    shards: dict[Split, int] = {side: sum(split == side for split, _ in groups) for side in SPLITS}
    return _close(folder, manifest, [row for rows in report.values() for row in rows], shards, progress)


def _open(out: Path, plan: dict[str, Any], overwrite: bool) -> dict[str, Any]:
    """The manifest to go on with; what is there must belong to the same plan."""
    try:
        out.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise StorageError(f"The folder {out.name} cannot be made: {error.strerror or error}.") from error
    if overwrite:
        for file in [*out.glob("clips-*.npz"), *out.glob("views/*.npz"), out / MANIFEST]:
            file.unlink(missing_ok=True)
    manifest = read_manifest(out)
    if manifest is None:
        manifest = {**plan, "finished": False}
        write_json(out / MANIFEST, manifest)
    elif any(manifest.get(key) != value for key, value in plan.items()):
        raise InputError(f"{out.name} holds data of other takes or options: choose another folder, or give --overwrite "
                         "to replace it.")
    return manifest


def _close(out: Path, manifest: dict[str, Any], taken: list[dict[str, Any]], shards: dict[Split, int],
           progress: Progress) -> dict[str, Any]:
    """Write the finished manifest, or leave nothing where no take can be used."""
    good = [take for take in taken if "why" not in take]
    bad = [{"clip": take["clip"], "why": take["why"]} for take in taken if "why" in take]
    if not good:
        for file in [*out.glob("clips-*.npz"), out / MANIFEST]:
            file.unlink(missing_ok=True)
        for folder in (out / "views", out):
            with suppress(OSError):  # it may hold what was there before
                folder.rmdir()
        raise InputError(f"None of the {len(taken)} takes can be used. The first problem: {bad[0]['why']}")
    manifest = {key: value for key, value in manifest.items() if key != "taken"} | {
        "finished": True, "shards": shards, "clips": {side: sum(t["split"] == side for t in good) for side in SPLITS},
        "subjects": {side: sorted({t["subject"] for t in good if t["split"] == side}) for side in SPLITS},
        "frames": sum(t["frames"] for t in good), "usable_frames": sum(t["usable"] for t in good), "left_out": bad}
    write_json(out / MANIFEST, manifest)
    counts = ", ".join(f"{number} {side}" for side, number in manifest["clips"].items())
    progress.show(f"{counts}; {manifest['usable_frames']} usable frames; {len(bad)} left out")
    return manifest
