"""Jobs that are killed (SIGKILL) in the middle, at several moments each. ``kill_moments``: how many kills;
``kill_failures``: those after which something was lost, half there, or could not be taken up again; ``kill_resumed``:
jobs that went on from what they had kept instead of beginning anew.

Each job runs in a process of its own that writes into a store as the app does. After the kill: the earlier result of
the store is unchanged, byte for byte, and loads; nothing lies under the broken job's final name; a sweep marks it as
broken, with a sentence; the same question asked again gives a whole result; and a later sweep leaves nothing else.

``python benchmarks/_app_kill.py [--quick]`` runs it alone.
"""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

KEY = "the visitor's key"
_PATIENCE = 600.0  # seconds for a whole job


@dataclass(frozen=True)
class Killed:
    """A job to be killed.

    Attributes:
        run: does it, given the folder of the result, a folder with what it needs, and its progress.
        steps: of its progress.
        moments: fractions of the whole at which it is killed, one run each.
        keeps: whether a run that was killed at the last moment shall go on from what it kept: the name, or an ending
            of the names, of what lies beside the result then.
    """

    run: Callable[[Path, Any], Any]
    steps: int
    moments: tuple[float, ...]
    keeps: str = ""


def jobs() -> dict[str, Killed]:
    """All jobs by name."""
    from humanav import jobs as all_jobs
    from humanav.jobs.track import TrackOptions
    from humanav.paths import asset

    photo, clip = asset("samples", "shirt.jpg"), asset("samples", "walk_and_squat.mp4")
    gaussian = all_jobs.GaussianOptions(minutes=1, count=500, steps=240, size=128, generated=2)
    quick = all_jobs.MultiviewOptions(refine="quick", end=0.5, render=False, avatarpose=False, budget=(4, 1))
    part = TrackOptions(end=2.0, render=False)

    def moved(out: Path, progress: Any) -> Any:
        return all_jobs.animate_avatar(_avatar(), "wave", out=out, progress=progress)

    def between(out: Path, progress: Any) -> Any:
        ends = all_jobs.PoseChoice("squat", 0.3), all_jobs.PoseChoice("wave", 0.5)
        return all_jobs.interpolate_poses(*ends, out=out, progress=progress)

    return {
        "between": Killed(between, len(all_jobs.INTERPOLATE_STAGES), (0.1, 0.6)),
        "denoise": Killed(lambda out, progress: all_jobs.denoise_motion("wave", out=out, progress=progress),
                          len(all_jobs.DENOISE_STAGES), (0.1, 0.5, 0.9)),
        "uplift": Killed(lambda out, progress: all_jobs.uplift_source(
            clip, out=out, options=all_jobs.UpliftOptions(render="none"), progress=progress),
            len(all_jobs.UPLIFT_STAGES), (0.25, 0.7)),
        "track": Killed(lambda out, progress: all_jobs.track_video(clip, out=out, options=part, progress=progress),
                        len(all_jobs.track_stages("fast")), (0.15, 0.6), ".work"),
        "avatar": Killed(lambda out, progress: all_jobs.photo_to_avatar(
            photo, out=out, texture_size=1024, progress=progress), len(all_jobs.STAGES), (0.1, 0.5, 0.9)),
        "animate": Killed(moved, len(all_jobs.ANIMATE_STAGES), (0.2, 0.8)),
        "gaussian": Killed(lambda out, progress: all_jobs.photo_to_avatar(
            photo, out=out, texture_size=1024, gaussian=gaussian, progress=progress),
            len(all_jobs.avatar_stages(gaussian)), (0.75, 0.88), ".training"),
        "multiview": Killed(lambda out, progress: all_jobs.reconstruct_capture(
            asset("samples", "hug"), out=out, options=quick, progress=progress),
            len(all_jobs.multiview_stages(quick)), (0.2, 0.6), ".work"),
    }


QUICK = ("between", "denoise")
"""The jobs of a quick run, killed once each."""


def kill_jobs(quick: bool = False, only: tuple[str, ...] = ()) -> dict[str, Any]:
    """Kill jobs and look at what is left.

    Args:
        quick: two jobs only, one moment each.
        only: names of jobs; by default all.
    """
    chosen = {name: job for name, job in jobs().items() if name in (only or (QUICK if quick else jobs()))}
    failures: list[str] = []
    moments, resumed = 0, []
    for name, job in chosen.items():
        with tempfile.TemporaryDirectory(prefix="humanav-kill-") as place:
            trial = _Trial(name, Path(place))
            for moment in job.moments[1:2] if quick else job.moments:
                moments += 1
                failures += [f"{name} at {moment:.0%}: {words}" for words in trial.killed_at(moment)]
            kept = trial.kept(job.keeps) if job.keeps else False
            failures += [f"{name} again: {words}" for words in trial.again(job.keeps, kept)]
            resumed += [name] if kept else []
    return {"kill_jobs": len(chosen), "kill_moments": moments, "kill_failures": len(failures),
            "kill_resumed": resumed, "failures": failures}


class _Trial:
    """One job, its store, and an earlier result in it."""

    def __init__(self, name: str, place: Path) -> None:
        from humanav.store import Store, id_of

        self.name, self.place = name, place
        (place / "tmp").mkdir()
        self.store = Store(place / "store", least_free=0)
        self.id = id_of(KEY, f"kill:{name}")
        self.earlier = _earlier(self.store)
        self.digest = _digest(self.store.folder(self.earlier))

    def killed_at(self, moment: float) -> Iterator[str]:
        """Run it, kill it once it is that far, and say what is wrong then."""
        from humanav.errors import InputError
        from humanav.results import Result

        if not self._start(moment):
            yield "it ended before it was killed"
            return
        if _digest(self.store.folder(self.earlier)) != self.digest:
            yield "the earlier result was changed"
        if self.store.find(self.earlier).result is None:
            yield "the earlier result cannot be opened"
        if self.store.folder(self.id).exists():
            yield "something lies under the final name"
        try:
            Result.load(self.store.folder(self.id))
            yield "half a result can be opened"
        except InputError:
            pass
        swept = self.store.sweep()
        if swept.broken != (self.id,):
            yield f"the sweep found {len(swept.broken)} broken jobs"
        record = self.store.find(self.id).record
        if record.state != "broken" or not record.note.endswith("."):
            yield f"its record says {record.state}: {record.note!r}"

    def kept(self, ending: str) -> bool:
        """Whether a file or folder of that ending lies beside the results, with something in it."""
        return any(path.name.endswith(ending) and (any(path.rglob("*")) if path.is_dir() else path.stat().st_size > 0)
                   for path in self.store.results.iterdir())

    def again(self, ending: str, kept: bool) -> Iterator[str]:
        """Ask the same question again, to the end."""
        if ending and not kept:
            yield "nothing was kept to go on from"
        if self._start(2.0):
            yield "it was killed"
        entry = self.store.find(self.id)
        if entry.record.state != "done" or entry.result is None:
            yield f"asked again it is {entry.record.state}"
        old = time.time() - 2 * 86400
        for path in sorted(self.store.results.rglob("*"), reverse=True):  # what is in a folder before the folder
            os.utime(path, (old, old))
        self.store.sweep()
        left = sorted(path.name for path in self.store.results.iterdir())
        if left != sorted([self.id, self.earlier]):
            yield f"{len(left) - 2} folders are left over"
        if _digest(self.store.folder(self.earlier)) != self.digest:
            yield "the earlier result was changed"

    def _start(self, moment: float) -> bool:
        """Run the job in a process; whether it was killed on the way."""
        environment = os.environ | {"TMPDIR": str(self.place / "tmp"), "OMP_NUM_THREADS": "1", "HF_HUB_OFFLINE": "1"}
        process = subprocess.Popen(
            [sys.executable, __file__, "--child", self.name, "--store", str(self.store.base)], stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL, text=True, env=environment)
        assert process.stdout is not None
        deadline = time.monotonic() + _PATIENCE
        try:
            for line in process.stdout:
                if float(line) >= moment or time.monotonic() > deadline:
                    process.kill()
                    process.wait()
                    return True
            return process.wait() < 0
        finally:
            process.kill()
            process.wait()


def _earlier(store: Any) -> str:
    """A small result that is there before."""
    from humanav.results import ResultWriter

    record = store.begin(KEY, "earlier", tab="poses", kind="poses", title="Earlier")
    with ResultWriter(store.folder(record.id), "poses", "0" * 16, {}) as writer:
        writer.add("poses.txt", "words").write_text("earlier")
    return str(store.finish(record.id).id)


def _digest(folder: Path) -> str:
    digest = hashlib.blake2b()
    for path in sorted(folder.rglob("*")):
        digest.update(path.name.encode() + (path.read_bytes() if path.is_file() else b""))
    return digest.hexdigest()


def _avatar() -> Path:
    """A finished avatar, made once for all runs of this benchmark."""
    from humanav.jobs import photo_to_avatar
    from humanav.paths import asset
    from humanav.results import Result

    folder = Path(tempfile.gettempdir()) / "avatar"
    try:
        return Result.load(folder).folder
    except Exception:
        return photo_to_avatar(asset("samples", "shirt.jpg"), out=folder, texture_size=1024).folder


def child(name: str, base: str) -> None:
    """Run a job as the app does, printing how far it is."""
    import torch

    from humanav.progress import Progress
    from humanav.store import Store

    torch.set_num_threads(1)
    job, store = jobs()[name], Store(base, least_free=0)
    record = store.begin(KEY, f"kill:{name}", tab=name, kind=name, title=name)
    job.run(store.folder(record.id), Progress(job.steps, lambda event: print(event.fraction, flush=True)))
    store.finish(record.id)


def main() -> None:
    """Run and print."""
    import argparse

    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--only", nargs="*", default=[])
    parser.add_argument("--child")
    parser.add_argument("--store")
    chosen = parser.parse_args()
    if chosen.child:
        child(chosen.child, chosen.store)
    else:
        print(json.dumps(kill_jobs(chosen.quick, tuple(chosen.only)), indent=1))


if __name__ == "__main__":
    main()
