"""Captured motion to the data that the manifold learns from: clean poses, spoilt ones, and their true distance.

The random numbers of a shard depend on the seed, its split and its number alone, so neither the number of jobs nor an
interruption changes the result. Files appear whole; what is there is not made again.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from joblib import Parallel, cpu_count, delayed
from torch import Generator, Tensor

from humanav.errors import HumanavError, InputError, StorageError
from humanav.motion.files import read_motion
from humanav.motion.quality import usable_frames
from humanav.posendf.cmu import SPLITS, Clip, Split, cmu_clips, load_cmu
from humanav.posendf.corrupt import KINDS, MIX, STRUCTURED, corrupt
from humanav.posendf.data import (
    MANIFEST,
    clean_file,
    packed,
    read_arrays,
    read_manifest,
    shard_file,
    unpacked,
    write_arrays,
    write_json,
)
from humanav.posendf.nearest import PosePool
from humanav.posendf.poses import mirror_quats, motion_to_quats
from humanav.posendf.quaternions import slerp
from humanav.posendf.sampling import collars_at_rest, middle_of, thin, vary_collars
from humanav.posendf.sources import Kind, Take, find_takes, fingerprint, is_compact
from humanav.progress import Progress

__all__ = ["Clip", "PrepareOptions", "cmu_clips", "load_cmu", "prepare"]

FORMAT = 1
STAGES = 3


@dataclass(frozen=True)
class PrepareOptions:
    """What to make.

    Attributes:
        queries: for training; the other splits get a tenth each.
        poses: at most so many clean poses that train, before mirroring; the other splits get at most a tenth each.
        middle: share of each take to use, from its middle; None is 0.8, and 1 for the compact CMU file, which marks
            the poses of calibration itself.
        thin: degrees of mean joint angle from the last kept frame below which a frame is left out.
        mirror: whether to add the mirror image of every clean pose.
        collars: share of the poses that train whose collars are varied, where the captures have none.
        seed: of everything drawn.
        shard: queries per file.
    """

    queries: int = 300_000
    poses: int = 150_000
    middle: float | None = None
    thin: float = 1.5
    mirror: bool = True
    collars: float = 0.3
    seed: int = 0
    shard: int = 10_000

    def __post_init__(self) -> None:
        if min(self.queries, self.poses, self.shard) < 1:
            raise InputError("The numbers of queries, of poses and of queries per file must be at least 1.")
        if self.middle is not None and not 0 < self.middle <= 1:
            raise InputError(f"The share of each take must lie above 0 and be at most 1, not {self.middle:g}.")
        if not 0 <= self.collars <= 1 or not 0 <= self.thin < 90:
            raise InputError("The share of varied collars must lie in 0 to 1, the thinning in 0 to 90 degrees.")


@dataclass(frozen=True)
class _Sampled:
    """The chosen frames of one take, or why there are none."""

    take: str
    subject: str
    split: Split
    kept: np.ndarray[Any, Any]
    spare: np.ndarray[Any, Any]
    like: np.ndarray[Any, Any]
    frames: int = 0
    usable: int = 0
    problem: str = ""
    seconds: float = 0.0


@dataclass(frozen=True)
class _Clean:
    """The clean poses of a split, and frames that are all but the same as some: ``spare[i]`` as ``quats[like[i]]``."""

    quats: Tensor
    spare: Tensor
    like: Tensor

    @classmethod
    def read(cls, out: Path, split: Split) -> _Clean:
        stored = read_arrays(clean_file(out, split))
        return cls(unpacked(stored["quats"]), unpacked(stored["spare"]), torch.from_numpy(stored["like"]))


def prepare(
    kind: Kind, place: str | Path, out: str | Path, options: PrepareOptions | None = None, *, jobs: int = 0,
    overwrite: bool = False, progress: Progress | None = None,
) -> dict[str, Any]:
    """Make or finish the data in ``out``, for :class:`humanav.posendf.data.PoseData`.

    Args:
        kind: "amass" (a folder of npz files, walked recursively), "cmu" (the compact npz, or a folder of AMC, BVH or
            npz files named subject_take) or "npz" (one motion, or the compact file).
        place: that folder or file.
        out: the folder; made if need be. What an interrupted run left there is kept.
        options: what to make.
        jobs: threads for queries and processes for reading; 0 for all cores.
        overwrite: delete what other data or options left there.
        progress: of ``STAGES`` stages.

    Returns:
        The manifest: input hash, split, options, counts, files left out and why, processor minutes.

    Raises:
        InputError: no such place, no motion in it, no usable pose that trains, or other data in ``out``.
        StorageError: ``out`` cannot be written to.
    """
    made, told, place, out = options or PrepareOptions(), progress or Progress(STAGES), Path(place), Path(out)
    workers = jobs if jobs > 0 else cpu_count()
    compact = kind != "amass" and is_compact(place)
    takes, how = ([], "CMU: subjects 03 and 135 test, 07 and 94 validate") if compact else find_takes(
        kind, place, made.seed)
    files = [take.path for take in takes] or [place]
    plan = {"format": FORMAT, "source": kind, "options": asdict(made),
            "inputs": fingerprint(files, [take.name for take in takes] or [place.name])}
    manifest = _open(out, plan, overwrite)
    if manifest.get("finished") and all(file.is_file() for file in _files(out, manifest["shards"])):
        return manifest
    told.next("Choosing poses")
    if not all(clean_file(out, split).is_file() for split in SPLITS) or "clean_poses" not in manifest:
        middle = made.middle or (1.0 if compact else 0.8)
        try:
            sampled = _from_compact(place, middle, made) if compact else _from_files(takes, middle, made, workers, told)
            manifest |= {**_write_clean(out, sampled, made), "split_by": how,
                         "choosing_minutes": sum(take.seconds for take in sampled) / 60}
        except InputError:  # there is nothing to go on with, so nothing is left of it
            (out / MANIFEST).unlink(missing_ok=True)
            with suppress(OSError):  # not empty: it holds what was there before
                out.rmdir()
            raise
        write_json(out / MANIFEST, manifest)
    counts = manifest["clean_poses"]
    told.show(f"{counts['train']} poses train, {counts['validation']} validate, {counts['test']} test; "
              f"{len(manifest['left_out'])} files left out")
    told.next("Building the search")
    clean = {split: _Clean.read(out, split) for split in SPLITS}
    pool = PosePool(clean["train"].quats)
    told.next("Making queries")
    wanted = {split: made.queries if split == "train" else -(-made.queries // 10) for split in SPLITS}
    shards = {split: -(-wanted[split] // made.shard) if len(clean[split].quats) else 0 for split in SPLITS}
    todo = [(split, number) for split in SPLITS for number in range(shards[split])
            if not shard_file(out, split, number).is_file()]
    for done, _ in enumerate(_parallel(workers, (
            delayed(_make_shard)(out, split, number, min(made.shard, wanted[split] - number * made.shard),
                                 clean[split], pool, made.seed) for split, number in todo)), 1):
        told.update(done / len(todo))
        if done * 10 // len(todo) > (done - 1) * 10 // len(todo):
            told.show(f"{done} of {len(todo)} files")
    manifest |= {"shards": shards, **_summary(out, shards), "finished": True}
    manifest["processor_minutes"] = round(manifest["choosing_minutes"] + manifest.pop("query_minutes"), 2)
    write_json(out / MANIFEST, manifest)
    told.show(f"{sum(manifest['queries'].values())} queries, {manifest['processor_minutes']:.1f} processor minutes")
    return manifest


def _open(out: Path, plan: dict[str, Any], overwrite: bool) -> dict[str, Any]:
    """The manifest to go on with, after making sure that what is there belongs to the same plan."""
    try:
        out.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise StorageError(f"The folder {out.name} cannot be made: {error.strerror or error}.") from error
    if overwrite:
        for file in [*out.glob("clean-*.npz"), *out.glob("queries-*.npz"), out / MANIFEST]:
            file.unlink(missing_ok=True)
    for part in out.glob(".*.part"):  # of a run that was killed
        part.unlink(missing_ok=True)
    manifest = read_manifest(out)
    if manifest is None:
        manifest = {**plan, "finished": False}
        write_json(out / MANIFEST, manifest)
    elif any(manifest.get(key) != value for key, value in plan.items()):
        raise InputError(f"{out.name} holds data of other motions or options: choose another folder, or give "
                         "--overwrite to replace it.")
    return manifest


def _from_compact(place: Path, middle: float, options: PrepareOptions) -> list[_Sampled]:
    out, begin = [], time.thread_time()
    for clip in cmu_clips(place):
        sampled = _sample(clip.motion.name, clip.subject, clip.split, motion_to_quats(clip.motion), clip.ok, middle,
                          options.thin)
        out.append(replace(sampled, seconds=time.thread_time() - begin))
        begin = time.thread_time()
    return out


def _from_files(takes: list[Take], middle: float, options: PrepareOptions, jobs: int,
                progress: Progress) -> list[_Sampled]:
    out = []
    # A process per worker costs seconds to start, which few files do not repay.
    workers = Parallel(n_jobs=jobs if len(takes) > 500 else 1, return_as="generator")
    for done, sampled in enumerate(workers(delayed(_sample_file)(take, middle, options.thin) for take in takes), 1):
        out.append(sampled)
        progress.update(done / len(takes))
    return out


def _sample_file(take: Take, middle: float, degrees: float) -> _Sampled:
    begin = time.thread_time()
    try:
        # The root plays no part, so that it need not be turned to y up.
        loaded = read_motion(take.path, up="y")
        ok = usable_frames(loaded.motion, loaded.missing)
        sampled = _sample(take.name, take.subject, take.split, motion_to_quats(loaded.motion), ok, middle, degrees)
    except HumanavError as error:
        nothing = np.zeros((0, 21, 4), np.float16)
        sampled = _Sampled(take.name, take.subject, take.split, nothing, nothing, np.zeros(0, np.int64),
                           problem=str(error))
    return replace(sampled, seconds=time.thread_time() - begin)


def _sample(take: str, subject: str, split: Split, quats: Tensor, ok: np.ndarray[Any, Any], middle: float,
            degrees: float) -> _Sampled:
    usable = middle_of(len(quats), middle) & ok
    chosen = thin(quats, usable, degrees)
    few = slice(None, None, 4)  # of near copies a quarter is plenty
    return _Sampled(take, subject, split, packed(quats[chosen.kept]), packed(quats[chosen.spare[few]]),
                    chosen.like[few], len(quats), int(usable.sum()),
                    "" if len(chosen.kept) else "It has no usable frame: all jump, or are beyond joint limits.")


def _write_clean(out: Path, sampled: list[_Sampled], options: PrepareOptions) -> dict[str, Any]:
    """Write the clean poses of each split; returns what the manifest says of them."""
    if not any(len(take.kept) for take in sampled if take.split == "train"):
        reason = next((take.problem for take in sampled if take.problem), "no subject trains")
        raise InputError(f"None of the {len(sampled)} motions gives poses to train on. The first problem: {reason}")
    report: dict[str, Any] = {"clean_poses": {}, "subjects": {}, "takes": {}, "varied_collars": False}
    for number, split in enumerate(SPLITS):
        mine = [take for take in sampled if take.split == split and len(take.kept)]
        none = np.zeros((0, 21, 4), np.float16)
        quats = unpacked(np.concatenate([take.kept for take in mine] or [none]))
        owner = np.repeat(np.arange(len(mine)), [len(take.kept) for take in mine])
        spare = unpacked(np.concatenate([take.spare for take in mine] or [none]))
        starts = np.cumsum([0, *(len(take.kept) for take in mine)])
        like = np.concatenate([take.like + start for take, start in zip(mine, starts)] or [np.zeros(0, np.int64)])
        rng = np.random.default_rng([options.seed, number])
        most = options.poses if split == "train" else -(-options.poses // 10)
        if len(quats) > most:
            rows = np.sort(rng.choice(len(quats), most, replace=False))
            place = np.full(len(quats), -1)
            place[rows] = np.arange(most)
            quats, owner, spare, like = quats[rows], owner[rows], spare[place[like] >= 0], place[like]
            like = like[like >= 0]
        if options.mirror:
            quats, owner = torch.cat([quats, mirror_quats(quats)]), np.tile(owner, 2)
        if split == "train" and options.collars > 0 and collars_at_rest(quats):
            report["varied_collars"] = True
            quats = vary_collars(quats, options.collars, Generator().manual_seed(options.seed))
        write_arrays(clean_file(out, split), {
            "quats": packed(quats), "take": owner.astype(np.int32), "spare": packed(spare), "like": like,
            "take_names": np.array([take.take for take in mine], dtype=np.str_),
            "take_subjects": np.array([take.subject for take in mine], dtype=np.str_)})
        report["clean_poses"][split] = len(quats)
        report["subjects"][split] = sorted({take.subject for take in mine})
        report["takes"][split] = len(mine)
    report["frames"] = sum(take.frames for take in sampled)
    report["usable_frames"] = sum(take.usable for take in sampled)
    report["left_out"] = [{"file": take.take, "why": take.problem} for take in sampled if take.problem]
    return report


def _make_shard(out: Path, split: Split, number: int, count: int, clean: _Clean, pool: PosePool, seed: int) -> None:
    """Draw, spoil, measure and write ``count`` queries."""
    begin = time.thread_time()
    state = np.random.SeedSequence([seed, SPLITS.index(split), number]).generate_state(2)
    generator = Generator().manual_seed(int(state[0]) << 20 | int(state[1]) >> 12)
    source = torch.randint(len(clean.quats), (count,), generator=generator)
    spoilt = corrupt(clean.quats[source], generator, MIX, clean.quats)
    quats = spoilt.quats
    # What is half broken lies between: a field sees such poses on the way back.
    structured = torch.isin(spoilt.kind, torch.tensor([KINDS.index(name) for name in STRUCTURED]))
    part = 0.2 + 0.8 * torch.rand(count, generator=generator)
    partly = structured & (torch.rand(count, generator=generator) < 0.5)
    moved = spoilt.damaged & partly[:, None]
    quats = torch.where(moved[..., None], slerp(clean.quats[source], quats, part[:, None, None]), quats)
    # Clean queries are real frames that thinning left out: near the poses, but not among them.
    untouched = (spoilt.kind == KINDS.index("clean")).nonzero()[:, 0]
    if len(clean.spare):
        rows = torch.randint(len(clean.spare), (len(untouched),), generator=generator)
        quats[untouched], source[untouched] = clean.spare[rows], clean.like[rows]
    rounded = packed(quats)
    distance, _ = pool.nearest(unpacked(rounded))  # of what is stored, so that it is the true one
    write_arrays(shard_file(out, split, number), {
        "quats": rounded, "distance": distance[:, 0].numpy(), "source": source.numpy().astype(np.int32),
        "kind": spoilt.kind.numpy().astype(np.uint8), "damaged": np.packbits(spoilt.damaged.numpy(), axis=1),
        "seconds": np.array(time.thread_time() - begin)})


def _parallel(jobs: int, tasks: Iterator[Any]) -> Iterator[Any]:
    """Threads suffice: the search holds no lock, and the pool of poses need not be copied."""
    return Parallel(n_jobs=jobs, backend="threading", return_as="generator")(tasks)


def _files(out: Path, shards: dict[Split, int]) -> list[Path]:
    return [*(clean_file(out, split) for split in SPLITS),
            *(shard_file(out, split, number) for split in SPLITS for number in range(shards[split]))]


def _summary(out: Path, shards: dict[Split, int]) -> dict[str, Any]:
    """Counts and mean distances of the queries, by split and by kind, and the time that they took."""
    counts: dict[str, int] = dict.fromkeys(SPLITS, 0)
    total, number, seconds = np.zeros(len(KINDS)), np.zeros(len(KINDS), int), 0.0
    for split in SPLITS:
        for shard in range(shards[split]):
            arrays = read_arrays(shard_file(out, split, shard))
            counts[split] += len(arrays["kind"])
            seconds += float(arrays["seconds"])
            if split == "train":
                total += np.bincount(arrays["kind"], arrays["distance"], len(KINDS))
                number += np.bincount(arrays["kind"], minlength=len(KINDS))
    return {"queries": counts, "query_minutes": seconds / 60,
            "kinds": {name: {"queries": int(n), "mean_distance_rad": round(float(t / n), 4)}
                      for name, n, t in zip(KINDS, number, total) if n}}
