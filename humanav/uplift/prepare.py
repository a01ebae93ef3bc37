"""AMASS to takes that the uplift trains on: one frame rate, y up, bad frames marked, split by data sets or subjects."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from humanav.errors import HumanavError, InputError
from humanav.motion.files import read_motion
from humanav.motion.quality import usable_frames
from humanav.posendf.cmu import SPLITS, Clip, Split
from humanav.posendf.sources import Take, find_takes, fingerprint
from humanav.progress import Progress
from humanav.uplift.prepared import write_folder

STAGES = 1
PER_SHARD = 100


def prepare_amass(place: str | Path, out: str | Path, *, fps: float = 30.0, seed: int = 0, overwrite: bool = False,
                  progress: Progress | None = None) -> dict[str, Any]:
    """Make or finish the takes in ``out``, for :func:`humanav.uplift.prepared.read_clips`.

    Args:
        place: AMASS's folder (``data set/subject/take.npz``: SMPL-H, SMPL-X or SMPL), walked recursively. Split as
            VPoser's data sets where those of all sides are there, else by subjects, a tenth each to validate and test.
        out: the folder; made if need be. What an interrupted run left there is kept.
        fps: frame rate of the takes; the paper's windows are 27 frames at 50.
        seed: of the split by subjects.
        overwrite: delete what other data or options left there.
        progress: of ``STAGES`` stages.

    Returns:
        The manifest: input hash, split, counts, subjects, and the files left out and why.

    Raises:
        InputError: no such place, no usable take in it, a bad frame rate, or other data in ``out``.
        StorageError: ``out`` cannot be written to.
    """
    if not (np.isfinite(fps) and 5 <= fps <= 240):
        raise InputError(f"The frame rate must lie in 5 to 240 frames per second, not {fps:g}.")
    takes, how = find_takes("amass", Path(place), seed)
    plan = {"source": "amass", "fps": float(fps), "split_by": how,
            "inputs": fingerprint([take.path for take in takes], [take.name for take in takes])}
    groups: list[tuple[Split, list[Take]]] = []
    for split in SPLITS:
        mine = [take for take in takes if take.split == split]
        groups += [(split, mine[start:start + PER_SHARD]) for start in range(0, len(mine), PER_SHARD)]
    return write_folder(out, plan, groups, lambda take: _read(take, fps), overwrite=overwrite,
                        progress=progress or Progress(STAGES))


def _read(take: Take, fps: float) -> tuple[Clip | None, dict[str, Any]]:
    """A take at another frame rate, and what is to be said of it."""
    row: dict[str, Any] = {"clip": take.name, "subject": take.subject, "split": take.split, "frames": 0, "usable": 0}
    try:
        loaded = read_motion(take.path)
        good = usable_frames(loaded.motion, loaded.missing)  # before resampling spreads bad frames
        motion = replace(loaded.at(fps).motion, name=take.name)
        place = np.minimum(np.arange(len(motion)) * loaded.motion.fps / fps, len(good) - 1)
        ok = good[np.floor(place + 1e-6).astype(int)] & good[np.ceil(place - 1e-6).astype(int)]
        if not ok.any():
            raise InputError(f"{take.path.name} has no usable frame: all jump, or are beyond joint limits.")
    except HumanavError as error:
        return None, {**row, "why": str(error)}
    return Clip(motion, ok, take.subject, take.split), {**row, "frames": len(ok), "usable": int(ok.sum())}
