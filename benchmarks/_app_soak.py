"""Many jobs in a row in one process, through what runs them in the app, with its store. ``soak_jobs``: how many ended
as they must; ``soak_failures``: those that did not; ``soak_growth_mb``: resident memory at the end over that after the
first rounds, each the median of a few jobs; ``soak_threads`` and ``soak_files``: how many more threads, and how many
more open files and files in the temporary folder there are at the end than then.

A round holds a cleaning, random poses, a way between two poses, an uplift of keypoints, a share page, a body from
measurements, a drawing that is lifted, a job that is stopped in the middle, and one that fails; every fourth round a
body is fitted to a photo. Nothing is collected or trimmed for the measurement.

``python benchmarks/_app_soak.py [--jobs N]`` runs it alone.
"""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import sys
import tempfile
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

WARM = 30
"""Jobs before the first measurement."""
_LAST = 9  # jobs whose median counts
_KEY = "the visitor's key"


def soak_alone(jobs: int = 200) -> dict[str, Any]:
    """:func:`soak` in a process of its own, so that nothing else counts. Raises CalledProcessError when it dies."""
    command = [sys.executable, __file__, "--jobs", str(jobs)]
    done = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True)
    return dict(json.loads(done.stdout[done.stdout.index("{"):]))


def soak(jobs: int = 200, progress: Callable[[int, float], None] | None = None) -> dict[str, Any]:
    """Run many jobs.

    Args:
        jobs: how many.
        progress: told how many are done, and the resident megabytes.
    """
    with tempfile.TemporaryDirectory(prefix="humanav-soak-") as place:
        tempfile.tempdir, before = place, tempfile.tempdir
        try:
            return _soak(jobs, Path(place), progress)
        finally:
            tempfile.tempdir = before


def _soak(jobs: int, place: Path, progress: Callable[[int, float], None] | None) -> dict[str, Any]:
    from humanav.app import memory
    from humanav.store import Store

    memory.share_heaps()  # as the app does when it starts
    (place / "base").mkdir()
    work = _Work(Store(place / "base" / "store", least_free=0), place / "base")
    kinds = work.kinds()
    sizes: list[float] = []
    counts: list[tuple[int, int]] = []
    failures: list[str] = []
    for number in range(jobs):
        name, job = kinds[number % len(kinds)]
        if name == "photo" and number // len(kinds) % 4:
            name, job = kinds[0]
        try:
            wrong = job(number)
        except Exception as error:
            wrong = f"{type(error).__name__}: {error}"
        failures += [f"{number} {name}: {wrong}"] if wrong else []
        sizes.append(_resident())
        counts.append((threading.active_count(), _open_files(place)))
        if progress is not None:
            progress(number + 1, sizes[-1])
    first, last = (slice(WARM, WARM + _LAST), slice(-_LAST, None)) if jobs > WARM + 2 * _LAST else (
        slice(0, 1), slice(-1, None))
    grown = statistics.median(sizes[last]) - statistics.median(sizes[first])
    more = [statistics.median(row[k] for row in counts[last]) - statistics.median(row[k] for row in counts[first])
            for k in (0, 1)]
    return {"soak_jobs": jobs - len(failures), "soak_failures": len(failures), "soak_growth_mb": round(grown, 1),
            "soak_threads": int(more[0]), "soak_files": int(more[1]), "soak_memory_mb": round(sizes[-1]),
            "failures": failures}


class _Work:
    """The jobs, each as the page starts it: a record, a run that is followed, a finished record, an old one deleted."""

    def __init__(self, store: Any, place: Path) -> None:
        from humanav.perception.keypoint_writing import write_keypoints
        from humanav.perception.sequence import KeypointSequence

        self.store, self.place, self.made = store, place, []  # type: ignore[var-annotated]
        self.photos = _photos()
        self.keypoints = place / "walk.json"
        write_keypoints(KeypointSequence(_walking(), "blazepose33", 25.0, 400, 400, name="walk"), self.keypoints)

    def kinds(self) -> list[tuple[str, Callable[[int], str]]]:
        """Name and run of each kind; a run returns what was wrong, or ""."""
        return [("clean", self.clean), ("poses", self.poses), ("between", self.between), ("uplift", self.uplift),
                ("share", self.share), ("shape", self.shape), ("drawing", self.drawing), ("stopped", self.stopped),
                ("failing", self.failing), ("photo", self.photo)]

    def clean(self, number: int) -> str:
        from humanav.jobs import DENOISE_STAGES, denoise_motion
        from humanav.motion import load_clip

        clip = load_clip("walk")[:20 + number % 7]
        return self._job(f"clean {number}", len(DENOISE_STAGES), lambda out, progress: denoise_motion(
            clip, out=out, progress=progress))

    def poses(self, number: int) -> str:
        from humanav.jobs import GENERATE_STAGES, generate_poses

        return self._job(f"poses {number}", len(GENERATE_STAGES), lambda out, progress: generate_poses(
            4, seed=number, out=out, progress=progress))

    def between(self, number: int) -> str:
        from humanav.jobs import INTERPOLATE_STAGES, PoseChoice, interpolate_poses

        return self._job(f"between {number}", len(INTERPOLATE_STAGES), lambda out, progress: interpolate_poses(
            PoseChoice("walk", number % 11 / 10), PoseChoice(None, seed=number), out=out, progress=progress))

    def uplift(self, number: int) -> str:
        from humanav.jobs import UPLIFT_STAGES, UpliftOptions, uplift_source

        return self._job(f"uplift {number}", len(UPLIFT_STAGES), lambda out, progress: uplift_source(
            self.keypoints, out=out, options=UpliftOptions(render="none"), progress=progress))

    def share(self, number: int) -> str:
        from humanav.results import Result
        from humanav.share import write_share_page

        page = write_share_page(Result.load(self.store.folder(self.made[-1])), self.place / "share.html")
        return "" if page.stat().st_size > 10_000 else "the page is empty"

    def shape(self, number: int) -> str:
        from humanav.jobs.shape import find_shape, shape_figure

        shape = find_shape({"height length": 1.5 + number % 50 / 100})
        return "" if shape is not None and shape_figure(list(shape.betas)).data else "no body"

    def drawing(self, number: int) -> str:
        from humanav.jobs.drawn_pose import Drawing, lift_drawing

        pose = lift_drawing(Drawing(_walking()[number % 12], 400, 400))
        return "" if pose.reprojection < 200 else "far off"

    def photo(self, number: int) -> str:
        from humanav.jobs import MEASURE_STAGES, measure_photo
        from humanav.perception import load_image
        from humanav.results import ResultWriter

        picture = load_image(self.photos[number % len(self.photos)])
        picture[:8, :8] = number % 256  # one that was not seen before

        def fitted(out: Path, progress: Any) -> Any:
            values = measure_photo(picture, progress=progress)
            with ResultWriter(out, "body", f"{number:016x}", {}) as writer:
                writer.add("a.txt", "words").write_text(json.dumps(values))
            return writer.result

        return self._job(f"photo {number}", len(MEASURE_STAGES), fitted)

    def stopped(self, number: int) -> str:
        from humanav.jobs import DENOISE_STAGES, denoise_motion

        return self._job(f"stopped {number}", len(DENOISE_STAGES), lambda out, progress: denoise_motion(
            "dance", out=out, progress=progress), stop_after=2 + number % 3)

    def failing(self, number: int) -> str:
        from humanav.errors import HumanavError
        from humanav.jobs import uplift_source

        bad = self.place / "bad.jpg"
        bad.write_bytes(os.urandom(20_000))
        try:
            self._job(f"failing {number}", 5, lambda out, progress: uplift_source(bad, out=out, progress=progress))
        except HumanavError:
            return ""
        return "it did not fail"

    def _job(self, identity: str, steps: int, work: Callable[[Path, Any], Any], stop_after: int = 0) -> str:
        from contextlib import closing

        from humanav.app.running import cancel, run
        from humanav.errors import Cancelled, HumanavError

        record = self.store.begin(_KEY, identity, tab="soak", kind="soak", title=identity)
        session, seen = f"session {identity}", 0
        try:
            with closing(run(session, lambda progress: work(self.store.folder(record.id), progress), steps)) as events:
                for item in events:
                    seen += item is not None
                    if stop_after and seen == stop_after:
                        cancel(session)
        except Cancelled as error:
            self.store.end(record.id, "stopped", str(error))
            return "" if stop_after else "it was stopped"
        except HumanavError as error:
            self.store.end(record.id, "stopped", str(error))
            raise
        if stop_after:
            return "it was not stopped"
        self.store.finish(record.id)
        self.made.append(record.id)
        if len(self.made) > 5:  # a visitor who keeps a few results
            self.store.delete(_KEY, self.made.pop(0))
        return ""


def _photos() -> list[Path]:
    from humanav.paths import asset

    return sorted(asset("samples").glob("*.jpg"))


def _walking() -> Any:
    """(12,33,3) landmarks of a figure that swings its limbs, pixels."""
    import numpy as np

    from humanav.body import BodyModel
    from humanav.body.landmarks import KEYPOINT_SETS
    from humanav.motion import load_clip

    clip = load_clip("walk")[:12]
    body = BodyModel.load()
    joints = body(clip.full_pose, transl=clip.transl).joints.double().numpy()
    names = KEYPOINT_SETS["blazepose33"]
    chosen = np.linspace(0, 21, len(names)).round().astype(int)
    points = joints[:, chosen]
    return np.concatenate([200 + 160 * points[..., :1], 360 - 170 * points[..., 1:2],
                           np.ones((*points.shape[:2], 1))], axis=-1).astype(np.float32)


def _resident() -> float:
    """Megabytes."""
    import psutil

    return float(psutil.Process().memory_info().rss / 1e6)


def _open_files(place: Path) -> int:
    """Open descriptors of the process, and files in the temporary folder that are not the store's."""
    descriptors = len(os.listdir("/proc/self/fd")) if Path("/proc/self/fd").is_dir() else 0
    return descriptors + sum(1 for path in place.iterdir() if path.name != "base")


def main() -> None:
    """Run and print."""
    import argparse

    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--jobs", type=int, default=200)

    def tell(done: int, size: float) -> None:
        if done % 10 == 0:
            print(f"{done} jobs, {size:.0f} MB", file=sys.stderr, flush=True)

    print(json.dumps(soak(parser.parse_args().jobs, tell), indent=1))


if __name__ == "__main__":
    main()
