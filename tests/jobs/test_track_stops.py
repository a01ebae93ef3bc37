"""Tracking that is stopped and taken up again, full disks, folders that are in use, and memory."""

from __future__ import annotations

import errno
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from humanav.errors import Cancelled, InputError, NoPersonError, StorageError
from humanav.jobs.track import TrackOptions, track_stages, track_video
from humanav.motion import load_motion
from humanav.perception import follow_people
from humanav.progress import Event, Progress
from humanav.results import Result
from tests.jobs.track_clips import film, grey, write_clip


@pytest.fixture(scope="module")
def walk(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two seconds of the film."""
    return write_clip(tmp_path_factory.mktemp("walk") / "walk.mp4", film(30))


def track(clip: Path, out: Path, listen: Callable[[Event], None] = lambda _: None,
          stop: Callable[[], bool] = lambda: False, **options: Any) -> Result:
    chosen = TrackOptions(**{"render": False, **options})
    progress = Progress(len(track_stages(chosen.mode)), listen, stop)
    return track_video(clip, out=out, options=chosen, progress=progress)


def names(folder: Path) -> set[str]:
    return {path.name for path in folder.iterdir()}


@pytest.mark.slow
def test_a_stopped_run_goes_on_where_it_was(walk: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(follow_people, "CHUNK", 8)
    at: list[tuple[str, float]] = []

    def listen(event: Event) -> None:
        at.append((event.stage, event.fraction * event.steps - event.step + 1))

    with pytest.raises(Cancelled, match="Stopped"):
        track(walk, tmp_path / "out", listen, lambda: bool(at) and at[-1][1] > 0.8)
    assert names(tmp_path) == {"out.work"}
    kept = {path.name: path.stat().st_mtime_ns for path in (tmp_path / "out.work" / "following").iterdir()}
    assert sum(name.startswith("chunk") for name in kept) == 3
    at.clear()
    seen: dict[str, int] = {}

    def watch(event: Event) -> None:
        listen(event)
        if event.stage.startswith("Lifting") and not seen:
            seen.update({p.name: p.stat().st_mtime_ns for p in (tmp_path / "out.work" / "following").iterdir()})

    again = track(walk, tmp_path / "out", watch)
    following = [part for stage, part in at if stage == "Following the people"]
    assert len(following) < 15  # for the frames that were left, not for all 30
    assert {name: seen[name] for name in kept} == kept  # not made anew
    assert names(tmp_path) == {"out"}
    whole = track(walk, tmp_path / "whole")
    one, other = (load_motion(result.path("motion.npz")) for result in (again, whole))
    assert len(one) == len(other)
    assert np.abs(one.transl - other.transl).max() < 0.05  # the tracker's filters began anew in between
    assert again.id == whole.id


@pytest.mark.slow
def test_accurate_mode_keeps_each_step(walk: Path, tmp_path: Path) -> None:
    stages: list[str] = []
    work = tmp_path / "out.work"

    def listen(event: Event) -> None:
        stages.append(event.stage)

    options = {"mode": "accurate", "end": 0.8}
    with pytest.raises(Cancelled):
        track(walk, tmp_path / "out", listen, lambda: "Exporting" in stages, **options)
    assert names(tmp_path) == {"out.work"}
    steps = sorted(work.glob("fit_*.npz"), key=lambda path: path.stat().st_mtime_ns)
    assert len(steps) >= 2
    steps.pop().unlink()  # as if it had been stopped within the fit
    kept = {path: path.stat().st_mtime_ns for path in steps}
    found: list[dict[Path, int]] = []

    def look(event: Event) -> None:
        assert event.data.get("name") != "following"  # nothing is followed anew
        if event.stage == "Standing on the floor" and not found:
            found.append({path: path.stat().st_mtime_ns for path in work.glob("fit_*.npz")})

    result = track(walk, tmp_path / "out", look, **options)
    assert {path: stamp for path, stamp in found[0].items() if path in kept} == kept
    assert len(found[0]) == len(kept) + 1
    assert names(tmp_path) == {"out"}
    assert result.report["mode"] == "accurate"
    assert result.report["reprojection_pct_size"] < 4


@pytest.mark.slow
def test_another_clip_does_not_go_on_with_it(walk: Path, tmp_path: Path) -> None:
    """What was kept belongs to one clip and its options; other files in the folder stay."""
    work = tmp_path / "work"
    work.mkdir()
    (work / "mine.txt").write_text("mine")
    first = track_video(walk, out=tmp_path / "a", options=TrackOptions(end=0.6, render=False), work=work)
    key = (work / "following" / "key.txt").read_text()
    second = track_video(walk, out=tmp_path / "b", options=TrackOptions(start=0.6, end=1.2, render=False), work=work)
    assert (work / "following" / "key.txt").read_text() != key
    assert first.id != second.id
    assert names(work) == {"mine.txt", "following"}  # a folder that was asked for is kept


def test_a_folder_of_other_things_is_refused_at_once(walk: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    out.mkdir()
    (out / "thesis.txt").write_text("mine")
    with pytest.raises(StorageError, match="holds other files"):
        track(walk, out)
    assert names(tmp_path) == {"out"}
    assert names(out) == {"thesis.txt"}
    (tmp_path / "file").write_text("a file, no folder")
    with pytest.raises(StorageError, match="in the way"):
        track(walk, tmp_path / "file" / "out")


def test_nothing_stays_of_a_clip_that_is_no_good(tmp_path: Path) -> None:
    clip = write_clip(tmp_path / "clip.mp4", grey(12))
    with pytest.raises(NoPersonError, match=r"Nobody is seen in clip\.mp4"):
        track(clip, tmp_path / "out")
    assert names(tmp_path) == {"clip.mp4"}
    (tmp_path / "out.work").mkdir()
    (tmp_path / "out.work" / "thesis.txt").write_text("mine")
    with pytest.raises(InputError, match="no frame after"):
        track(clip, tmp_path / "out", start=9.0)
    with pytest.raises(NoPersonError):
        track(clip, tmp_path / "out")
    assert names(tmp_path / "out.work") == {"thesis.txt"}


@pytest.mark.slow
@pytest.mark.parametrize("writer", ["numpy.savez", "numpy.savez_compressed", "PIL.Image.Image.save"])
def test_a_full_disk_is_one_sentence(writer: str, walk: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It is full when what was followed is to be kept, when motions are written, or at the background."""
    def fail(*_: Any, **__: Any) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(writer, fail)
    with pytest.raises(StorageError) as caught:
        track(walk, tmp_path / "out", end=0.4)
    assert re.fullmatch(r"[^\n]*(full|free|space)[^\n]*\.", str(caught.value))
    assert names(tmp_path) == {"out.work"}  # to go on with, when there is room


@pytest.mark.slow
def test_memory_does_not_grow_with_the_clip(tmp_path: Path) -> None:
    """72 frames more, which hold 265 MB when all are kept, need no more memory; what it needs otherwise varies."""
    resource = pytest.importorskip("resource")
    frames = film(12, side=1280)
    peaks = []
    for turns in (1, 4):
        clip = write_clip(tmp_path / f"{turns}.mp4", [*frames, *frames[::-1]] * turns, 30)
        track(clip, tmp_path / f"out{turns}")
        peaks.append(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)
    assert peaks[1] - peaks[0] < 150_000  # kilobytes
