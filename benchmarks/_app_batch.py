"""How much two workers of `humanav batch` do compared with one, each with one thread.

The same motions are cleaned by one worker and by two, twice in turn, and the quicker time of each counts. Included is
everything that a batch does for its items: handing over, locks, journals, pictures, state and report. Excluded is the
start of the workers (a few seconds once, which any longer batch spreads): each has cleaned one motion before the clock
starts. To be run on a machine that does nothing else.
"""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Any

ITEMS, FRAMES = 24, 120
"""Motions, of four seconds each: some 40 seconds for one worker."""


def batch_efficiency(items: int = ITEMS, rounds: int = 2) -> dict[str, Any]:
    """``batch_efficiency``: time of one worker over twice that of two; 1 is ideal. The times, and items that failed."""
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        _write(folder / "warm", 2, 30)
        _write(folder / "takes", items, FRAMES)
        seconds: dict[int, float] = {}
        failed = 0
        for turn in range(rounds):
            for workers in (1, 2):
                took, lost = _measure(folder, workers, f"{workers}_{turn}")
                seconds[workers] = min(took, seconds.get(workers, took))
                failed += lost
    return {"batch_efficiency": round(seconds[1] / (2 * seconds[2]), 3), "batch_items": items, "batch_failures": failed,
            "batch_one_worker_s": round(seconds[1], 2), "batch_two_workers_s": round(seconds[2], 2)}


def _measure(folder: Path, workers: int, name: str) -> tuple[float, int]:
    """Seconds of a batch by workers that are warm, and how many of its items failed."""
    from humanav.batch import BatchOptions, run_batch
    from humanav.batch.pool import Pool

    class Open(Pool):
        """Workers that stay for a second batch."""

        def close(self) -> None:
            pass

    pool, plan = Open(workers, threads=1), BatchOptions("denoise")
    try:
        run_batch(folder / "warm", plan, out=folder / f"warm_{name}", workers=pool)
        book = run_batch(folder / "takes", plan, out=folder / f"out_{name}", workers=pool)
    finally:
        Pool.close(pool)
    return book.seconds, len(book.items) - book.count("done")


def _write(folder: Path, count: int, frames: int) -> None:
    """``count`` different motions, noisy, so that there is something to clean."""
    from humanav.motion import CLIP_NAMES, load_clip, save_npz
    from humanav.posendf.motion_noise import worsen

    folder.mkdir()
    for number in range(count):
        clip = load_clip(CLIP_NAMES[number % len(CLIP_NAMES)])
        first = 7 * number % max(1, len(clip) - frames)
        save_npz(worsen(clip[first: first + frames], "noise", 1.0, number)[0], folder / f"take{number + 1}.npz")


if __name__ == "__main__":
    print(batch_efficiency())
