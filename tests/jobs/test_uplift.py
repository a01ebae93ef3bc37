"""Keypoints, a photo and a clip through the whole job, with networks that know the answer or none at all."""

from __future__ import annotations

import csv
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from humanav.camera import Camera
from humanav.errors import Cancelled, InputError
from humanav.export import write_mp4
from humanav.jobs import UPLIFT_STAGES, UpliftOptions, uplift_id, uplift_source
from humanav.motion import load_motion
from humanav.perception.sequence import KeypointSequence
from humanav.perception.video import open_video
from humanav.progress import Event, Progress
from humanav.results import Result
from tests.manifests import check_origin
from tests.uplift.scenes import Oracle, scene


@pytest.fixture
def known(body: Any, monkeypatch: pytest.MonkeyPatch) -> tuple[Any, Camera, KeypointSequence, Oracle]:
    """A short squat, and its network in the place of the shipped ones."""
    motion, camera, sequence, oracle = scene(body, frames=90)
    motion, sequence = motion[::9], replace(sequence[::9], fps=30 / 9)
    oracle = Oracle(oracle.rotations, oracle.shown, [])
    monkeypatch.setattr("humanav.uplift.model.Uplift.load", lambda *_: oracle)
    return motion, camera, sequence, oracle


def test_keypoints_become_a_motion_with_its_files(known: Any, tmp_path: Path) -> None:
    motion, camera, sequence, _ = known
    events: list[Event] = []
    lens = (camera.K[0, 0], camera.K[1, 1], camera.K[0, 2], camera.K[1, 2])
    options = UpliftOptions(camera=lens, smooth=False)
    result = uplift_source(sequence, out=tmp_path / "out", options=options,
                           progress=Progress(len(UPLIFT_STAGES), events.append))
    assert next(event.stage for event in events if event.caption == "") == UPLIFT_STAGES[0]
    assert {event.stage for event in events} == set(UPLIFT_STAGES)
    assert [file.name for file in result.downloads] == [
        "reprojection.mp4", "side_by_side.mp4", "body.glb", "motion.bvh", "motion.npz", "motion_amass.npz",
        "joint_angles.csv", "keypoints.npz", "camera.json"]
    assert result.id == uplift_id(sequence, options)
    check_origin(result, UPLIFT_STAGES, ["2D points to rotations"])
    assert "People found by MediaPipe" not in [licence.part for licence in result.licences]
    lifted = load_motion(result.path("motion.npz"))
    np.testing.assert_allclose(lifted.body_pose, motion.body_pose, atol=2e-3)
    with result.path("joint_angles.csv").open(encoding="utf-8") as file:
        bends = [float(row["left_knee_flexion_deg"]) for row in csv.DictReader(file)]
    assert len(bends) == len(motion)
    assert max(bends) > 60
    report = result.report
    assert report["reprojection_px"] < 1
    assert report["angles"]["left_knee_flexion"]["most"] == pytest.approx(max(bends), abs=0.1)
    assert any("no pictures" in note for note in report["warnings"])
    assert Camera.load(result.path("camera.json")).K[0, 0] == pytest.approx(camera.K[0, 0])
    for name in ("reprojection.mp4", "side_by_side.mp4"):
        assert len(open_video(result.path(name))) == len(motion)


def test_one_frame_gives_pictures(known: Any, tmp_path: Path) -> None:
    _, _, sequence, _ = known
    photo = tmp_path / "photo.png"
    Image.fromarray(np.random.default_rng(0).integers(0, 255, (480, 640, 3), dtype=np.uint8)).save(photo)
    result = uplift_source(sequence[4], out=tmp_path / "out", pictures=photo)
    assert result.has("reprojection.png")
    assert result.has("side_by_side.png")
    with Image.open(result.path("reprojection.png")) as picture:
        assert picture.size == (640, 480)
    assert result.report["still"]


def test_nothing_is_drawn_when_nobody_asks(known: Any, tmp_path: Path) -> None:
    _, _, sequence, _ = known
    result = uplift_source(sequence, out=tmp_path / "out", options=UpliftOptions(render="none"))
    assert not result.has("reprojection.mp4")
    assert result.has("body.glb")


def test_the_frames_of_a_clip_lie_under_the_body(known: Any, tmp_path: Path) -> None:
    _, _, sequence, _ = known
    frames = [np.full((480, 640, 3), (200, 40, 40), dtype=np.uint8)] * len(sequence)
    video = write_mp4(frames, tmp_path / "clip.mp4", sequence.fps)
    result = uplift_source(sequence, out=tmp_path / "out", pictures=video,
                           options=UpliftOptions(side_by_side=False))
    corner = next(iter(open_video(result.path("reprojection.mp4"))))[5, 5]
    assert corner[0] > 120
    assert corner[1] < 90


def test_stopping_leaves_nothing(known: Any, tmp_path: Path) -> None:
    _, _, sequence, _ = known
    asked: list[int] = []

    def stop() -> bool:
        asked.append(1)
        return len(asked) > 12

    with pytest.raises(Cancelled):
        uplift_source(sequence, out=tmp_path / "out", progress=Progress(len(UPLIFT_STAGES), cancelled=stop))
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(("changes", "words"), [
    ({"render": "matplotlib"}, "plain"), ({"camera": (1.0, 2.0, 3.0)}, "fx, fy"),
    ({"camera": (-1.0, 2.0, 3.0, 4.0)}, "fx, fy"), ({"fps": 0.0}, "frame rate"),
    ({"betas": (1.0,), "measurements": {"height": 1.7}}, "not both"), ({"size": (0, 5)}, "width"),
])
def test_options_out_of_range(changes: dict[str, Any], words: str) -> None:
    with pytest.raises(InputError, match=words):
        UpliftOptions(**changes)


def test_sources_that_are_none(tmp_path: Path, known: Any) -> None:
    with pytest.raises(InputError, match="no file"):
        uplift_source(tmp_path / "nothing.mp4", out=tmp_path / "out")
    _, _, sequence, _ = known
    with pytest.raises(InputError, match="to draw on"):
        uplift_source(sequence, out=tmp_path / "out", pictures=tmp_path / "nothing.mp4")
    assert not (tmp_path / "out").exists()


@pytest.mark.slow
def test_a_clip_is_followed_and_lifted(shared: Path, tmp_path: Path) -> None:
    result: Result = uplift_source(shared / "testset" / "mono_video" / "pose_squats_5s.mp4", out=tmp_path / "out",
                                   options=UpliftOptions(side_by_side=False))
    knee = result.report["curves"]["left_knee_flexion"]
    assert len(knee) == 25
    assert max(knee) > 70 > 45 > min(knee)
    assert result.report["reprojection_pct_size"] < 3
