"""The job of a capture: its options, what it keeps, its files, how it goes on, and what it refuses."""

from __future__ import annotations

import json
import os
import shutil
import zipfile
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from humanav.camera import Camera
from humanav.errors import CameraError, Cancelled, HumanavError, InputError
from humanav.export import write_mp4
from humanav.jobs.multiview import MultiviewOptions, multiview_id, multiview_stages, reconstruct_capture
from humanav.jobs.multiview_options import MULTIVIEW_STAGES
from humanav.jobs.multiview_report import bone_variation, plain, quality
from humanav.jobs.multiview_steps import CaptureWork, Moments
from humanav.jobs.multiview_store import Store
from humanav.motion import load_motion
from humanav.multiview import capture_boards, sync
from humanav.multiview import detect as detecting
from humanav.multiview.boards import Board
from humanav.multiview.boards_place import Placed
from humanav.multiview.calibration import read_calibration
from humanav.multiview.sync import Offsets
from humanav.multiview.value import Rig, Sightings
from humanav.progress import Event, Progress
from humanav.results import Result, ResultWriter
from tests.jobs.captures import FRAMES, SIZE, people, rig, sightings, write_capture
from tests.manifests import check_origin

QUICK = MultiviewOptions(sync="off", budget=(2, 1))


@pytest.fixture(scope="module")
def cameras() -> Rig:
    return rig()


@pytest.fixture(scope="module")
def seen(cameras: Rig) -> Sightings:
    return sightings(cameras)


@pytest.fixture(scope="module")
def capture(tmp_path_factory: pytest.TempPathFactory, cameras: Rig) -> Path:
    return write_capture(tmp_path_factory.mktemp("captures") / "wave", cameras)


@pytest.fixture
def detector(monkeypatch: pytest.MonkeyPatch, seen: Sightings) -> list[int]:
    """A detector that sees what was simulated, and counts how often it is asked."""
    asked: list[int] = []

    def detect(*_: Any, **__: Any) -> Sightings:
        asked.append(1)
        return seen

    monkeypatch.setattr(detecting, "detect", detect)
    return asked


@pytest.fixture(scope="module")
def reconstructed(
    tmp_path_factory: pytest.TempPathFactory, capture: Path, seen: Sightings
) -> tuple[Result, list[Event], Path]:
    """The whole job once, with what it said and what it kept."""
    place, events = tmp_path_factory.mktemp("reconstructed"), []
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(detecting, "detect", lambda *_, **__: seen)
        result = reconstruct_capture(capture, out=place / "out", work=place / "work", options=QUICK,
                                     progress=Progress(1, events.append))
    return result, events, place / "work"


@pytest.mark.parametrize(("wrong", "says"), [
    ({"refine": "twice"}, "off, quick or full"), ({"until": "end"}, "match or fit"), ({"up": "w"}, "upward axis"),
    ({"unit": "miles"}, "unit"), ({"sync": "maybe"}, "time offsets"), ({"sync": (1.0, np.nan)}, "finite"),
    ({"people": 0}, "number of people"), ({"height": 30.0}, "plausible"), ({"focal": 1.0}, "focal"),
    ({"fps": 1.0}, "frame rate"), ({"start": 3.0, "end": 2.0}, "end after"), ({"detector": "magic"}, "detector"),
    ({"board": "7"}, "inner corners")])
def test_what_cannot_be_is_refused(wrong: dict[str, Any], says: str) -> None:
    with pytest.raises(InputError, match=says):
        MultiviewOptions(**wrong)


def test_stages_are_those_that_are_done() -> None:
    assert multiview_stages(MultiviewOptions()) == MULTIVIEW_STAGES
    assert "Refining with avatars" not in multiview_stages(MultiviewOptions(refine="off"))
    assert multiview_stages(MultiviewOptions(until="match"))[-2:] == ("Matching the views", "Exporting")
    assert multiview_stages(MultiviewOptions(until="fit", render=False))[-2:] == ("Fitting the bodies", "Exporting")


def test_a_capture_and_its_options_have_an_id(capture: Path) -> None:
    files = sorted(capture.iterdir())
    assert multiview_id(capture) == multiview_id(capture, MultiviewOptions())
    assert multiview_id(capture) != multiview_id(capture, QUICK)
    assert multiview_id(files) != multiview_id(files[:-1])
    with pytest.raises(InputError, match="There is no nowhere"):
        multiview_id(capture / "nowhere")
    with pytest.raises(InputError, match="no capture yet"):
        multiview_id([])


def test_a_folders_id_depends_on_contents_alone(capture: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    copy = tmp_path / capture.name
    shutil.copytree(capture, copy)
    for file in copy.iterdir():
        os.utime(file, (1e9, 1e9))
    known = multiview_id(capture)
    assert multiview_id(copy) == known
    (copy / ".hidden").write_text("notes of the system")
    (copy / "out.work").mkdir()
    (copy / "out.work" / "rig_0.npz").write_bytes(b"kept")
    (copy / "again").symlink_to(copy, target_is_directory=True)
    with ResultWriter(copy / "out", "capture", "0" * 16, {}) as writer:
        writer.add("overlay_cam1.mp4", "A file").write_bytes(b"video")
    assert multiview_id(copy) == known  # a result may lie in the capture's folder
    monkeypatch.chdir(copy)
    assert multiview_id(".") == known
    with (copy / "cam1.mp4").open("r+b") as stream:
        stream.write(b"\1")
    assert multiview_id(copy) != known


def test_large_files_of_a_folder_are_told_apart(tmp_path: Path) -> None:
    size, known = 3_000_000, set()
    for data in (bytes(size), b"1" + bytes(size - 1), bytes(size - 1) + b"1", b"123" * (size // 3), bytes(size + 1)):
        (tmp_path / "cam1.avi").write_bytes(data)
        known.add(multiview_id(tmp_path))
    assert len(known) == 5


def test_everybody_is_reconstructed(reconstructed: tuple[Result, list[Event], Path], cameras: Rig) -> None:
    result, _, _ = reconstructed
    check_origin(result, MULTIVIEW_STAGES[:3], ["Depth of landmarks in clips", "Figures in pages"])
    report = result.report
    names = {file.name for file in result.files}
    assert {"people.glb", "before_after.glb", "points3d.npz", "cameras.json", "intri.yml", "extri.yml", "openpose.zip",
            "avatarpose.zip", "capture.json", "rig.html", "rig.json", "matching.png", "affinity.json", "epipolar.png",
            "preview.png",
            "contact_before.png", "contact_after.png", *(f"overlay_{name}.mp4" for name in cameras.names)} <= names
    for person in ("1", "2"):
        assert {f"motion_{person}.npz", f"motion_{person}_amass.npz", f"motion_{person}.bvh", f"body_{person}.glb",
                f"points_{person}.trc", f"points_{person}.c3d", f"avatar_{person}.ply", f"avatar_{person}.npz",
                f"avatar_{person}.glb", f"avatar_{person}.splats"} <= names
        motion = load_motion(result.path(f"motion_{person}.bvh"))
        assert len(motion) == FRAMES
        assert len(load_motion(result.path(f"motion_{person}.npz"))) == FRAMES
    assert report["people"] == ["1", "2"]
    assert report["fitting"]["reprojection_px"] < 2
    assert report["matching"]["residual_median_px"] < 1
    assert report["refinement"]["rounds"]
    assert "2 people found in 8 frames of 3 views" in report["quality"]
    assert json.loads(result.path("capture.json").read_text())["names"] == list(cameras.names)


def test_everybody_stands_where_they_stood(reconstructed: tuple[Result, list[Event], Path]) -> None:
    result, _, _ = reconstructed
    with np.load(result.path("points3d.npz")) as data:
        found = data["keypoints"]
        names = list(data["names"])
    hips = found[:, :, [names.index("left_hip"), names.index("right_hip")], :3].mean(axis=2)
    truth = np.stack([motion.transl for motion in people()])
    apart = np.linalg.norm(hips[:, None, :, [0, 2]] - truth[None, :, :, [0, 2]], axis=-1).mean(axis=-1)
    assert sorted(apart.argmin(axis=1)) == [0, 1]
    assert apart.min(axis=1).max() < 0.1


def test_cameras_and_keypoints_are_read_again(
    reconstructed: tuple[Result, list[Event], Path], cameras: Rig, tmp_path: Path
) -> None:
    result, _, _ = reconstructed
    for place in (result.path("cameras.json"), result.path("intri.yml")):
        again = read_calibration(place)
        assert again.names == cameras.names
        assert np.allclose([c.center[1] for c in again.cameras], [c.center[1] for c in cameras.cameras], atol=0.02)
    with zipfile.ZipFile(result.path("openpose.zip")) as archive:
        assert len(archive.namelist()) == FRAMES * len(cameras)
        first = json.loads(archive.read("cam1_json/cam1_000000000000_keypoints.json"))
    assert len(first["people"]) == 2
    assert len(first["people"][0]["pose_keypoints_2d"]) == 75


def test_the_job_says_what_it_finds(reconstructed: tuple[Result, list[Event], Path]) -> None:
    _, events, _ = reconstructed
    said = list(dict.fromkeys(event.stage for event in events))
    assert [stage for stage in said if stage != "Checking the cameras"] == [
        stage for stage in MULTIVIEW_STAGES if stage != "Checking the cameras"]
    assert events[-1].step == len(MULTIVIEW_STAGES)
    shown = {event.data.get("name"): event for event in events if event.caption}
    assert {"views", "rig", "matching", "fit", "people"} <= set(shown)
    assert shown["rig"].data["findings"]
    assert all({"severity", "text"} <= set(found) for found in shown["rig"].data["findings"])


def test_a_stopped_run_goes_on(
    reconstructed: tuple[Result, list[Event], Path], capture: Path, detector: list[int], tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    from humanav.multiview import fit, match, refine

    def never(*_: Any, **__: Any) -> None:
        raise AssertionError("this was done before")

    for module, name in ((match, "match_people"), (fit, "fit_people"), (refine, "refine")):
        monkeypatch.setattr(module, name, never)
    again = reconstruct_capture(capture, out=tmp_path / "again", work=reconstructed[2],
                                options=replace(QUICK, render=False, avatarpose=False))
    assert detector == []
    assert again.report["fitting"] == reconstructed[0].report["fitting"]


def test_a_cancelled_run_leaves_no_result_and_what_it_found(
    capture: Path, detector: list[int], tmp_path: Path
) -> None:
    stage = [""]

    def listen(event: Event) -> None:
        stage[0] = event.stage

    progress = Progress(1, listen, lambda: stage[0] == "Matching the views")
    with pytest.raises(Cancelled):
        reconstruct_capture(capture, out=tmp_path / "out", options=replace(QUICK, until="match"), progress=progress)
    assert [path.name for path in tmp_path.iterdir()] == ["out.work"]
    assert list((tmp_path / "out.work").glob("sightings_*.npz"))
    result = reconstruct_capture(capture, out=tmp_path / "out", options=replace(QUICK, until="match"))
    assert detector == [1]
    assert [path.name for path in tmp_path.iterdir()] == ["out"]
    assert not result.has("people.glb")
    assert result.has("points_1.trc")


def test_what_is_kept_is_read_again(tmp_path: Path, seen: Sightings, cameras: Rig) -> None:
    store = Store(tmp_path / "work")
    marked = replace(seen, masks={(0, 1, 0): b"abc", (2, 0, 1): b"defg"}, notes=("A sentence.",))
    store.save("sightings", "k", marked)
    again = store.load("sightings", "k")
    assert np.abs(again.keypoints - seen.keypoints).max() < 1e-4
    assert (again.masks, again.notes, again.names, again.fps) == (marked.masks, marked.notes, seen.names, seen.fps)
    store.save("rig", "k", cameras)
    assert store.load("rig", "k").names == cameras.names
    assert np.array_equal(store.load("rig", "k").cameras[1].K, cameras.cameras[1].K)
    assert store.load("matched", "k") is None
    store.path("matched", "k").write_bytes(store.path("rig", "k").read_bytes()[:200])
    assert store.load("matched", "k") is None


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


def test_a_report_is_plain_and_honest() -> None:
    assert plain({"a": np.float32(1.5), "b": [np.nan, np.int64(2)], "c": np.arange(2)}) == {
        "a": 1.5, "b": [None, 2], "c": [0, 1]}
    report = {"matching": {"people": [{"frames": 9}], "residual_median_px": None}, "frames": 10, "views": 2}
    assert "cannot be told" in quality(report)
    report |= {"fitting": {"reprojection_px": 10.0}, "person_px": 200.0, "contact": {"depth_mm": 30.0,
                                                                                  "depth_after_mm": 4.0}}
    said = quality(report)
    assert "only roughly" in said
    assert "at least 9 frames" in said
    assert "30 mm into each other, 4 mm after refinement" in said


def test_limbs_that_keep_their_length_do_not_vary(cameras: Rig, seen: Sightings) -> None:
    from humanav.multiview.match import match_people

    for person in match_people(seen, cameras).people:
        varied = bone_variation(person)
        assert varied is not None
        assert varied < 0.1
        assert bone_variation(replace(person, keypoints=person.keypoints * [1, 1, 1, 0])) is None
