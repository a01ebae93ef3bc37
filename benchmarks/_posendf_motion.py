"""Denoising of whole motions against filters that were tuned, for each kind of damage, on training subjects."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from humanav.motion import Motion
from humanav.posendf.cmu import cmu_clips
from humanav.posendf.filters import FILTERS, filter_motion, tune
from humanav.posendf.measures import amplitude_kept, jitter, motion_mpjpe
from humanav.posendf.motion_noise import worsen

KINDS = ("noise", "correlated", "jitter", "gaps", "outliers", "outliers+gaps", "swapped limbs", "frozen arm")
MEASURES = ("denoise_mpjpe_mm", "amplitude_kept", "jitter_m_s3")


class Take(NamedTuple):
    """A damaged motion, what is known to be missing (T,22), and the truth."""

    motion: Motion
    missing: NDArray[np.bool_]
    truth: Motion


def takes(path: Path, split: Any, count: int, frames: int, seed: int) -> list[Motion]:
    """Pieces of so many usable frames, one of each clip in turn, of different subjects as far as possible."""
    rng = np.random.default_rng(seed)
    pieces = []
    for clip in cmu_clips(path, split):
        usable = np.flatnonzero(np.convolve(clip.ok, np.ones(frames), "valid") == frames)
        if len(usable):
            start = int(rng.choice(usable))
            pieces.append((clip.subject, clip.motion[start: start + frames]))
    order = rng.permutation(len(pieces))
    by_subject: dict[str, list[Motion]] = {}
    for index in order:
        by_subject.setdefault(pieces[index][0], []).append(pieces[index][1])
    chosen: list[Motion] = []
    while len(chosen) < count and any(by_subject.values()):
        for motions in by_subject.values():
            if motions and len(chosen) < count:
                chosen.append(motions.pop())
    return chosen


def cases(motions: list[Motion], kind: str, seed: int) -> list[Take]:
    """Each motion damaged."""
    return [Take(*worsen(motion, kind, seed=seed + number), motion) for number, motion in enumerate(motions)]


def rows(path: Path, ours: Callable[[Take], Motion], *, count: int, tuned_on: int, frames: int, seed: int,
         say: Callable[[str], None]) -> dict[str, dict[str, dict[str, float]]]:
    """Means over the held-out takes by measure, kind of damage and method.

    Args:
        path: the captured clips.
        ours: the method that is measured.
        count: held-out takes.
        tuned_on: training takes that the filters are tuned on.
        frames: length of a take.
    """
    held_out = takes(path, "test", count, frames, seed)
    training = takes(path, "train", tuned_on, frames, seed + 1)
    table: dict[str, dict[str, dict[str, float]]] = {measure: {} for measure in MEASURES}
    for kind in KINDS:
        settings = {name: tune(cases(training, kind, seed + 100), name)[0] for name in FILTERS}
        results: dict[str, list[list[float]]] = {}
        for take in cases(held_out, kind, seed + 200):
            done = {"input": take.motion,
                    **{name: filter_motion(take.motion, name, take.missing, **settings[name]) for name in FILTERS},
                    "humanav": ours(take)}
            for name, motion in done.items():
                results.setdefault(name, []).append([motion_mpjpe(motion, take.truth),
                                                     amplitude_kept(motion, take.truth), jitter(motion)])
        for number, measure in enumerate(MEASURES):
            table[measure][kind] = {name: float(np.mean([one[number] for one in values]))
                                    for name, values in results.items()}
        say(f"motion, {kind}: {({name: round(value, 1) for name, value in table[MEASURES[0]][kind].items()})}")
    return table
