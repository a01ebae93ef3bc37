"""The job of a capture: what it asks and answers, its files, what it keeps, how it goes on, its report."""

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

from humanav.errors import Cancelled, InputError
from humanav.jobs.multiview import MultiviewOptions, multiview_id, multiview_stages, reconstruct_capture
from humanav.jobs.multiview_options import MULTIVIEW_STAGES
from humanav.jobs.multiview_report import bone_variation, plain, quality
from humanav.jobs.multiview_store import Store
from humanav.motion import load_motion
from humanav.multiview import detect as detecting
from humanav.multiview.calibration import read_calibration
from humanav.multiview.value import Rig, Sightings
from humanav.progress import Event, Progress
from humanav.results import Result, ResultWriter
from tests.jobs.captures import FRAMES, QUICK, people
from tests.manifests import check_origin


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
