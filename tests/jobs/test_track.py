"""A video to motion, the whole job with its real parts: the files, what they hold, gaps, cuts, and several people."""

from __future__ import annotations

import json
import re
import zipfile
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from humanav.body import JOINT_INDEX, KEYPOINT_SETS, BodyModel
from humanav.camera import Camera
from humanav.errors import InputError
from humanav.export.persona import read_persona
from humanav.jobs.track import TRACK_STAGES, TrackOptions, first_people, track_id, track_stages, track_video
from humanav.jobs.tracked import load_tracked, people_of
from humanav.motion import Motion, load_motion
from humanav.perception import open_video, read_keypoints
from humanav.progress import Event, Progress
from humanav.results import Result
from tests.export.glb_reader import Glb
from tests.jobs.track_clips import FIGURE, SQUAT, empty_street, film, frames_of, write_clip
from tests.manifests import check_origin

TAKE_KEYS = {"person_id", "part", "suffix", "start", "frames", "contacts", "confidence", "seen", "reprojection_px",
             "stature_m"}
LIMBS = ("left_shoulder", "right_shoulder", "left_elbow", "right_elbow", "left_wrist", "right_wrist", "left_knee",
         "right_knee", "left_ankle", "right_ankle")


@dataclass
class Made:
    """A result, what was told on the way, and the options and clip it came from."""

    result: Result
    clip: Path
    options: TrackOptions
    events: list[Event] = field(default_factory=list)

    @property
    def told(self) -> dict[str, Any]:
        return dict(json.loads(self.result.path("track.json").read_text()))

    @property
    def warnings(self) -> str:
        return " ".join(self.result.report["warnings"])


def make(clip: Path, out: Path, **options: Any) -> Made:
    chosen, events = TrackOptions(**options), []
    progress = Progress(len(track_stages(chosen.mode)), events.append)
    made = Made(track_video(clip, out=out, options=chosen, progress=progress), clip, chosen, events)
    check(made)
    return made


def check(made: Made) -> None:
    """What holds for every result: ``track.json`` agrees with itself and with the files, and nothing lies about."""
    told, result = made.told, made.result
    frames = told["frames"]
    assert {"fps", "width", "height", "frames", "shots", "mode", "camera", "takes"} == set(told)
    assert (told["mode"], told["camera"]) == (made.options.mode, "moving" if result.has("cameras.npz") else "fixed")
    assert [told["shots"][0][0], told["shots"][-1][1]] == [0, frames]
    assert all(a[1] == b[0] for a, b in zip(told["shots"], told["shots"][1:]))
    assert result.has("camera.json") != result.has("cameras.npz")
    assert result.has("background.png") == result.has("camera.json")
    assert result.has("background.mp4") == result.has("cameras.npz")
    for take in told["takes"]:
        assert set(take) == TAKE_KEYS
        count, suffix = take["frames"], take["suffix"]
        assert all(len(take[key]) == count for key in ("contacts", "confidence", "seen", "reprojection_px"))
        assert any(a <= take["start"] and take["start"] + count <= b for a, b in told["shots"])
        assert np.shape(take["contacts"]) == (count, 2)
        assert set(np.ravel(take["contacts"])) | set(take["seen"]) <= {0, 1}
        assert all(0 <= value <= 1 for value in take["confidence"])
        assert all((value is not None) >= bool(seen) for value, seen in zip(take["reprojection_px"], take["seen"]))
        assert 1.3 < take["stature_m"] < 2.1
        motion = load_motion(result.path(f"motion{suffix}.npz"))
        assert (len(motion), motion.fps) == (count, pytest.approx(told["fps"]))
        assert motion.confidence is not None
        assert (motion.confidence[~np.array(take["seen"], bool)] == 0).all()
        assert np.isfinite(motion.full_pose).all()
        assert np.isfinite(motion.transl).all()
        for name in (f"body{suffix}.glb", f"motion{suffix}.bvh", f"motion{suffix}_amass.npz", f"keypoints{suffix}.npz"):
            assert result.has(name)
    assert result.report["quality"].endswith(".")
    assert all(warning.endswith(".") for warning in result.report["warnings"])
    assert result.id == track_id(made.clip, made.options)
    assert [path.name for path in result.folder.parent.iterdir() if path.name.startswith(".")] == []
    assert not result.folder.with_name(f"{result.folder.name}.work").exists()


def joints_of(motion: Motion, body: BodyModel) -> np.ndarray:
    return body.from_motion(motion, vertices=False).joints.double().numpy()


@pytest.fixture(scope="module")
def squat(shared: Path, tmp_path_factory: pytest.TempPathFactory) -> Made:
    """The squat, with everything there is."""
    folder = tmp_path_factory.mktemp("squat")
    clip = write_clip(folder / "squat.mp4", frames_of(shared / SQUAT, size=(360, 640)), 5)
    return make(clip, folder / "out", persona=True)


@pytest.fixture(scope="module")
def gaps(tmp_path_factory: pytest.TempPathFactory) -> Made:
    """Somebody walks; is away for a third of a second, and later for two seconds."""
    folder = tmp_path_factory.mktemp("gaps")
    frames, empty = film(50), empty_street()
    clip = write_clip(folder / "gaps.mp4",
                      [*frames[:14], *[empty] * 5, *frames[19:34], *[empty] * 30, *frames[34:50]])
    return make(clip, folder / "out", render=False)


@pytest.mark.slow
def test_the_result_is_complete(squat: Made) -> None:
    assert {file.name for file in squat.result.files} == {
        "overlay.mp4", "side_by_side.mp4", "original.mp4", "preview.png", "body.glb", "motion.npz", "motion_amass.npz",
        "motion.bvh", "keypoints.npz", "camera.json", "background.png", "track.json", "persona.zip"}
    assert squat.told["shots"] == [[0, 25]]
    assert squat.result.report["frames"] == squat.told["frames"] == 25
    assert squat.result.report["reprojection_pct_size"] < 4
    assert Result.load(squat.result.folder) == squat.result
    check_origin(squat.result, [TRACK_STAGES[0], TRACK_STAGES[-1]], ["Your own inputs", "People found by MediaPipe"])
    assert "focal length is not known" in squat.warnings


@pytest.mark.slow
def test_what_happens_is_told_and_shown(squat: Made) -> None:
    stages = list(dict.fromkeys(event.stage for event in squat.events))
    assert stages == list(track_stages("fast"))
    fractions = [event.fraction for event in squat.events]
    assert fractions == sorted(fractions)
    assert fractions[-1] == pytest.approx(1)
    live = [event for event in squat.events if event.data.get("name") == "following"]
    assert live
    assert all(event.image.shape[1] == event.image.shape[0] * 9 // 16 for event in live)
    assert [event.file.name for event in squat.events if event.file] == ["body.glb"]


@pytest.mark.slow
def test_the_videos_are_as_long_as_the_clip(squat: Made) -> None:
    for name, wide in (("overlay", 360), ("original", 360), ("side_by_side", 3 * 360)):
        with open_video(squat.result.path(f"{name}.mp4")) as video:
            assert (len(video), video.fps) == (25, pytest.approx(5))
            assert video.height == 640
            assert video.width >= wide * 0.9


@pytest.mark.slow
def test_bvh_glb_and_amass_hold_the_same_motion(squat: Made, body: BodyModel) -> None:
    motion = load_motion(squat.result.path("motion.npz"))
    joints = joints_of(motion, body)
    assert np.abs(joints_of(load_motion(squat.result.path("motion.bvh")), body) - joints).max() < 0.003
    assert np.abs(joints_of(load_motion(squat.result.path("motion_amass.npz")), body) - joints).max() < 0.003
    glb = Glb(squat.result.path("body.glb"))
    name = glb.json["animations"][0]["name"]
    for frame in (0, 12, 24):
        vertices = body.from_motion(motion, slice(frame, frame + 1)).vertices
        assert vertices is not None
        assert np.abs(glb.skin(name, frame / motion.fps) - vertices[0].double().numpy()).max() < 0.003


@pytest.mark.slow
def test_the_body_lies_on_the_keypoints(squat: Made, body: BodyModel) -> None:
    motion, camera = load_motion(squat.result.path("motion.npz")), Camera.load(squat.result.path("camera.json"))
    found = read_keypoints(squat.result.path("keypoints.npz")).sequence
    names = KEYPOINT_SETS[found.keypoint_set]
    pixels = camera.project(joints_of(motion, body)[:, [JOINT_INDEX[name] for name in LIMBS]].reshape(-1, 3))[0]
    seen = found.keypoints[:, [names.index(name) for name in LIMBS]]
    distance = np.linalg.norm(pixels.reshape(*seen.shape[:2], 2) - seen[..., :2], axis=2)
    size = float(np.ptp(seen[..., 1], axis=1).max())
    assert np.average(distance, weights=seen[..., 2]) < 0.05 * size


@pytest.mark.slow
def test_who_squats_stands_on_both_feet_on_the_floor(squat: Made, body: BodyModel) -> None:
    contacts = np.array(squat.told["takes"][0]["contacts"], bool)
    assert contacts.mean() > 0.9
    motion = load_motion(squat.result.path("motion.npz"))
    vertices = body.from_motion(motion).vertices
    assert vertices is not None
    lowest = vertices[..., 1].double().numpy().min(axis=1)
    assert np.abs(lowest).max() < 0.04
    head = joints_of(motion, body)[:, JOINT_INDEX["head"], 1]
    assert 1.2 < head.max() < 1.9
    assert np.ptp(head) > 0.25  # and squats


@pytest.mark.slow
def test_the_persona_folder_holds_the_same_motion(squat: Made, body: BodyModel, tmp_path: Path) -> None:
    with zipfile.ZipFile(squat.result.path("persona.zip")) as archive:
        archive.extractall(tmp_path)
    (folder,) = tmp_path.iterdir()
    assert folder.name == "squat"
    clip = read_persona(folder)
    motion = load_motion(squat.result.path("motion.npz"))
    assert np.abs(joints_of(clip.motion, body) - joints_of(motion, body)).max() < 0.002
    assert clip.frames == tuple(range(25))
    np.testing.assert_allclose(clip.camera.R, Camera.load(squat.result.path("camera.json")).R, atol=1e-6)
    assert len(list((folder / "images_bkg").iterdir())) == len(list((folder / "masks").iterdir())) == 25


@pytest.mark.slow
def test_the_track_can_be_animated_from(squat: Made) -> None:
    tracked = load_tracked(squat.result)
    assert (tracked.person, tracked.start, len(tracked.motion), tracked.moving) == ("1", 0, 25, False)
    assert tracked.size == (360, 640)
    assert tracked.background.is_file()


@pytest.mark.slow
def test_short_gaps_are_bridged_and_long_ones_split(gaps: Made) -> None:
    first, second = gaps.told["takes"]
    assert [take["suffix"] for take in (first, second)] == ["", "_b"]
    assert (first["person_id"], second["person_id"], first["part"], second["part"]) == ("1", "1", 0, 1)
    assert first["start"] == 0
    assert abs(first["frames"] - 34) <= 2
    assert abs(second["start"] - 64) <= 2
    assert 3 <= first["seen"].count(0) <= 6
    assert gaps.told["shots"] == [[0, 80]]
    assert re.search(r"not seen in \d of the 3\d frames from 0\.0 s on: the gap is bridged", gaps.warnings)
    assert re.search(r"not seen from 2\.\d to 4\.\d s: the motion is in parts", gaps.warnings)
    covered = first["frames"] + second["frames"]
    assert f"One person tracked through {covered} of 80 frames; " in gaps.result.report["quality"]
    assert people_of(gaps.result) == ("1", "1b")
    assert load_tracked(gaps.result, "1b").start == second["start"]
    assert load_tracked(gaps.result, "1a").start == load_tracked(gaps.result).start == 0
    steps = np.linalg.norm(np.diff(load_motion(gaps.result.path("motion.npz")).transl, axis=0), axis=1)
    assert steps.max() < 0.25  # metres in a fifteenth of a second: the bridge is a path and no jump


@pytest.mark.slow
def test_shots_are_tracked_apart(shared: Path, tmp_path: Path) -> None:
    size = (360, 480)
    one, two = frames_of(shared / SQUAT, slice(0, 12), size), frames_of(shared / FIGURE, slice(0, 60, 4), size)
    cut = make(write_clip(tmp_path / "cut.mp4", [*one, *two], 10), tmp_path / "out", render=False)
    assert cut.told["shots"] == [[0, 12], [12, 27]]
    assert "cut at 1.2 s: its 2 shots are tracked apart" in cut.warnings
    assert [(take["start"], take["frames"]) for take in cut.told["takes"]] == [(0, 12), (12, 15)]
    with np.load(cut.result.path("cameras.npz")) as cameras:
        assert (cameras["R"].shape, cameras["t"].shape, cameras["K"].shape) == ((27, 3, 3), (27, 3), (3, 3))
        assert (int(cameras["width"]), int(cameras["height"])) == size
        assert (cameras["t"][:12] == cameras["t"][0]).all()  # within a shot it stands still
        assert not np.allclose(cameras["t"][12], cameras["t"][0])
    with open_video(cut.result.path("background.mp4")) as video:
        assert (len(video), video.width, video.height) == (27, *size)
    assert people_of(cut.result) == ("1", "2")  # two people, who do not look alike
    for person, take in zip(("1", "2"), cut.told["takes"], strict=True):
        tracked = load_tracked(cut.result, person)
        assert (tracked.moving, tracked.start, len(tracked.cameras)) == (True, take["start"], take["frames"])


@pytest.mark.slow
def test_one_of_two_people_or_both(tmp_path: Path) -> None:
    clip = write_clip(tmp_path / "two.mp4", film(20, 2, "two_people"))
    frame, people = first_people(clip)
    assert frame.shape == (300, 400, 3)
    assert len(people) == 2
    both = make(clip, tmp_path / "both", people="all", render=False)
    assert [(take["person_id"], take["suffix"]) for take in both.told["takes"]] == [("1", ""), ("2", "_2")]
    second = make(clip, tmp_path / "second", people=(2,), render=False)
    assert [(take["person_id"], take["suffix"]) for take in second.told["takes"]] == [("2", "")]
    alone, beside = load_tracked(second.result), load_tracked(both.result, "2")
    centres = [tracked.cameras[0].project(tracked.motion.transl)[0][:, 0] for tracked in (alone, beside)]
    assert np.abs(centres[0] - centres[1][alone.start - beside.start:][:len(centres[0])]).mean() < 8  # of 400 pixels
    colours = [Glb(both.result.path(f"body{name}.glb")).json["materials"] for name in ("", "_2")]
    assert colours[0] != colours[1]
    with pytest.raises(InputError, match="no person 9: 2 can be seen"):
        make(clip, tmp_path / "ninth", people=(9,), render=False)
    assert {path.name for path in tmp_path.iterdir()} == {"two.mp4", "both", "second"}
