"""What the job of a capture is given: options, views out of step, cameras of all kinds; what it refuses, and how."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from humanav.camera import Camera
from humanav.errors import CameraError, HumanavError, InputError
from humanav.export import write_mp4
from humanav.jobs.multiview import MultiviewOptions, reconstruct_capture
from humanav.jobs.multiview_steps import CaptureWork, Moments
from humanav.multiview import capture_boards, sync
from humanav.multiview.boards import Board
from humanav.multiview.boards_place import Placed
from humanav.multiview.sync import Offsets
from humanav.multiview.value import Rig, Sightings
from humanav.progress import Progress
from tests.jobs.captures import FRAMES, QUICK, SIZE, write_capture


@pytest.mark.parametrize(("wrong", "says"), [
    ({"refine": "twice"}, "off, quick or full"), ({"until": "end"}, "match or fit"), ({"up": "w"}, "upward axis"),
    ({"unit": "miles"}, "unit"), ({"sync": "maybe"}, "time offsets"), ({"sync": (1.0, np.nan)}, "finite"),
    ({"people": 0}, "number of people"), ({"height": 30.0}, "plausible"), ({"focal": 1.0}, "focal"),
    ({"fps": 1.0}, "frame rate"), ({"start": 3.0, "end": 2.0}, "end after"), ({"detector": "magic"}, "detector"),
    ({"board": "7"}, "inner corners")])
def test_what_cannot_be_is_refused(wrong: dict[str, Any], says: str) -> None:
    with pytest.raises(InputError, match=says):
        MultiviewOptions(**wrong)


def test_offsets_that_are_given_are_taken_out(capture: Path, detector: list[int], tmp_path: Path) -> None:
    with CaptureWork(capture, replace(QUICK, sync=(0.0, 2.0, -1.0)), tmp_path, Progress(9)) as job:
        assert job.offsets is not None
        assert job.sightings.frames == len(job.moments) == FRAMES - 3
        assert np.array_equal(job.moments.numbers[:, 0], [1, 3, 0])
        seen = job.seen.keypoints
        assert np.allclose(job.sightings.keypoints[0, 1], seen[3, 1])
        light = [int(job.moments.frame(view, 0).mean()) for view in range(3)]
        assert light[1] > light[0] > light[2]
    with (CaptureWork(capture, replace(QUICK, sync=(1.0,)), tmp_path, Progress(9)) as job,
          pytest.raises(InputError, match="each of the 3 views; 1 were given")):
        assert job.offsets


def test_cameras_that_do_not_run_alike_are_told(
    cameras: Rig, detector: list[int], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    place = write_capture(tmp_path / "late", cameras)
    for file in place.glob("*.yml"):
        file.unlink()
    frames = np.array([0.0, 2.0, -1.0])
    found = Offsets(cameras.names, frames, np.ones(3), np.ones(3, np.bool_), np.full((3, 3), np.nan))
    monkeypatch.setattr(sync, "find_offsets", lambda *_: found)
    with CaptureWork(place, replace(QUICK, sync="auto"), tmp_path / "work", Progress(9)) as job:
        assert job.sightings.frames == FRAMES - 3
        assert "do not run alike: these frames of offset were taken out: cam1 +0.0, cam2 +2.0" in job.notes[-1]
    with CaptureWork(place, replace(QUICK, sync=(0.0, 0.0, 0.0)), tmp_path / "work", Progress(9)) as job:
        assert job.sightings.frames == FRAMES
        assert not any("run alike" in note for note in job.notes)
    with (CaptureWork(place, replace(QUICK, sync=(0.0, 90.0, 0.0)), tmp_path / "work", Progress(9)) as job,
          pytest.raises(InputError, match="no moment is seen by every camera")):
        assert job.sightings


def test_videos_of_other_lengths_and_rates_are_told(cameras: Rig, tmp_path: Path) -> None:
    place = write_capture(tmp_path / "uneven", cameras)
    grey = np.full((SIZE[1], SIZE[0], 3), 90, np.uint8)
    write_mp4([grey] * 5, place / "cam2.mp4", 10.0)
    write_mp4([grey] * 10, place / "cam3.mp4", 20.0)
    with CaptureWork(place, QUICK, tmp_path / "work", Progress(9)) as job:
        said = " ".join(problem.text for problem in job.capture.problems)
        assert (job.footage.frames, job.footage.fps) == (5, 10.0)
    assert "frame rates differ (cam1 10, cam2 10, cam3 20)" in said
    assert "not equally long" in said


def test_mirrored_and_turned_pictures_are_put_right() -> None:
    picture = np.arange(2 * 3 * 3, dtype=np.uint8).reshape(2, 3, 3)

    class Still:
        names = ("a", "b", "c")

        def frame(self, view: int, t: int) -> np.ndarray:
            return picture

    moments = Moments(Still(), np.zeros((3, 1), np.int64), ("a",), {"b": 1})  # type: ignore[arg-type]
    assert np.array_equal(moments.frame(0, 0), picture[:, ::-1])
    assert np.array_equal(moments.frame(1, 0)[:, -1], picture[0])  # the top row has come to the right
    assert np.array_equal(moments.frame(2, 0), picture)


def test_a_calibration_of_other_cameras_is_told(cameras: Rig, detector: list[int], tmp_path: Path) -> None:
    elsewhere = replace(cameras, cameras=tuple(
        Camera.look_at((x, 1.2, 4.0), (x + 2.0, 1.0, 0.5), *SIZE, 90.0) for x in (-4.0, 0.5, 3.0)))
    place = write_capture(tmp_path / "other", elsewhere)
    with pytest.raises(CameraError, match=r"\d px, .* belongs to other cameras"):
        reconstruct_capture(place, out=tmp_path / "out", options=replace(QUICK, until="match"))


def test_a_calibration_in_millimetres_is_put_right(cameras: Rig, detector: list[int], tmp_path: Path) -> None:
    large = replace(cameras, cameras=tuple(replace(camera, t=1000 * camera.t) for camera in cameras.cameras))
    place = write_capture(tmp_path / "large", large)
    with CaptureWork(place, QUICK, tmp_path / "work", Progress(9)) as job:
        apart = np.linalg.norm(job.rig.cameras[0].center - job.rig.cameras[1].center)
    assert apart == pytest.approx(np.linalg.norm(cameras.cameras[0].center - cameras.cameras[1].center), rel=0.15)


def test_without_calibration_the_cameras_are_found(
    cameras: Rig, detector: list[int], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from humanav.multiview import self_calibrate

    asked: dict[str, Any] = {}

    def found(seen: Sightings, sizes: Any, **options: Any) -> Rig:
        asked.update(options, sizes=sizes)
        return cameras

    monkeypatch.setattr(self_calibrate, "calibrate_from_people", found)
    place = write_capture(tmp_path / "bare", cameras)
    for file in place.glob("*.yml"):
        file.unlink()
    result = reconstruct_capture(place, out=tmp_path / "out", options=replace(QUICK, until="match", height=1.8))
    assert asked["height"] == 1.8
    assert tuple(map(tuple, asked["sizes"])) == (SIZE,) * 3
    assert any("no calibration" in item["text"] for item in result.report["findings"])


def test_pictures_of_a_board_stand_in_for_a_calibration(
    cameras: Rig, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    place = write_capture(tmp_path / "boards", cameras)
    for file in ("intri.yml", "extri.yml"):
        (place / file).unlink()
    for name in cameras.names:
        (place / "extrinsics" / name).mkdir(parents=True)
        Image.new("RGB", SIZE).save(place / "extrinsics" / name / "1.png")
    boards: list[Board | None] = []

    def calibrated(folder: Path, board: Board | None, **_: Any) -> tuple[Placed, dict[str, Any]]:
        boards.append(board)
        if board is None:
            raise InputError("No checkerboard of a usual size was found.")
        return Placed(replace(cameras, kind="board"), {}, {}, {"cam1: 2.png": "the board was not found"}), {}

    monkeypatch.setattr(capture_boards, "calibrate_from_boards", calibrated)
    named = replace(QUICK, board="7x4:0.08")
    for _ in range(2):  # the second time from what was kept
        with CaptureWork(place, named, tmp_path / "work", Progress(9)) as job:
            assert job.capture.rig is not None
            assert (job.capture.rig.names, job.capture.rig.kind) == (cameras.names, "board")
            assert not any("no calibration" in problem.text for problem in job.capture.problems)
            assert "cam1: 2.png" in job.camera_notes[-1]
    assert boards == [Board(7, 4, 0.08)]
    with CaptureWork(place, QUICK, tmp_path / "work", Progress(9)) as job:  # a board that is not said, and not found
        assert job.capture.rig is None
        assert "of no use: No checkerboard" in job.camera_notes[-1]
    monkeypatch.undo()
    with (CaptureWork(place, named, tmp_path / "other", Progress(9)) as job,
          pytest.raises(InputError, match="found in 0 of 1 pictures of cam1")):
        _ = job.capture


def test_one_camera_is_sent_to_the_tab_for_one(tmp_path: Path, cameras: Rig) -> None:
    lone = write_capture(tmp_path / "lone", cameras)
    for name in cameras.names[1:]:
        (lone / f"{name}.mp4").unlink()
    with pytest.raises(InputError, match="Video tracking"):
        reconstruct_capture(lone, out=tmp_path / "out")
    assert [path.name for path in tmp_path.iterdir()] == ["lone"]


def test_two_cameras_are_taken_with_a_warning(capture: Path, cameras: Rig, tmp_path: Path) -> None:
    pair = write_capture(tmp_path / "pair", cameras)
    (pair / f"{cameras.names[2]}.mp4").unlink()
    with CaptureWork(pair, QUICK, tmp_path / "work", Progress(9)) as job:
        assert len(job.capture.names) == 2
        assert any("two views" in problem.text for problem in job.capture.problems)


def test_a_folder_without_videos_is_refused(tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    with pytest.raises(HumanavError):
        reconstruct_capture(tmp_path / "empty", out=tmp_path / "out")
