"""A motion through the whole job: cleaned, measured, written; and poses made, drawn and joined."""

from __future__ import annotations

import json
import struct
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from humanav.errors import Cancelled, InputError, MotionFileError
from humanav.jobs import (
    DENOISE_STAGES,
    GENERATE_STAGES,
    INTERPOLATE_STAGES,
    DenoiseOptions,
    PoseChoice,
    denoise_id,
    denoise_motion,
    draw_pose,
    generate_poses,
    interpolate_poses,
)
from humanav.jobs.denoise import quality, worst_moments
from humanav.jobs.poses import choose_pose
from humanav.motion import load_clip, load_motion, resample, save_npz
from humanav.motion.motion import Motion
from humanav.progress import Event, Progress
from humanav.results import Result
from tests.manifests import check_origin


def glb_json(path: Path) -> dict[str, Any]:
    data = path.read_bytes()
    size = struct.unpack("<I", data[12:16])[0]
    return json.loads(data[20: 20 + size])


def rows_of(result: Result) -> dict[str, dict[str, Any]]:
    return {row["name"]: row for row in result.report["measures"]}


@pytest.fixture(scope="module")
def bad_dance(tmp_path_factory: pytest.TempPathFactory) -> tuple[Result, list[Event]]:
    events: list[Event] = []
    progress = Progress(len(DENOISE_STAGES), events.append)
    out = tmp_path_factory.mktemp("denoise") / "out"
    return denoise_motion("dance", worsen="outliers+gaps", out=out, progress=progress), events


def test_a_bad_dance_becomes_a_good_one(bad_dance: tuple[Result, list[Event]]) -> None:
    result, _ = bad_dance
    rows = rows_of(result)
    error, jitter = rows["Error against the truth"], rows["Jitter"]
    assert error["after"] < 0.6 * error["before"]
    assert jitter["after"] < 0.1 * jitter["before"]
    assert rows["Distance from real poses"]["after"] < rows["Distance from real poses"]["before"]
    assert 85 < rows["Size of the movement"]["after"] < 115
    assert result.report["quality"].startswith("The joints are")
    assert any("missing" in note for note in result.report["warnings"])


def test_its_files_hold_the_clean_motion(bad_dance: tuple[Result, list[Event]]) -> None:
    result, _ = bad_dance
    truth = load_clip("dance")
    assert [file.name for file in result.downloads] == [
        "denoised.npz", "denoised_amass.npz", "denoised.bvh", "denoised.glb", "comparison.glb"]
    motions = [load_motion(result.path(name)) for name in ("denoised.npz", "denoised_amass.npz", "denoised.bvh")]
    assert [len(motion) for motion in motions] == [len(truth)] * 3
    np.testing.assert_allclose(motions[0].body_pose, motions[1].body_pose, atol=1e-5)
    gltf = glb_json(result.path("comparison.glb"))
    people = [node["extras"]["person"] for node in gltf["nodes"] if "extras" in node]
    assert people == ["Before", "After", "Truth"] == result.report["people"]
    assert len(gltf["animations"]) == 1
    assert {mesh["primitives"][0]["attributes"]["POSITION"] for mesh in gltf["meshes"]} == {0}  # one mesh for all
    assert result.path("comparison.glb").stat().st_size < 1.5e6


def test_its_report_has_a_value_for_every_frame(bad_dance: tuple[Result, list[Event]]) -> None:
    result, _ = bad_dance
    report = result.report
    assert {len(values) for values in report["curves"].values()} == {len(load_clip("dance"))}
    assert 1 <= len(report["worst"]) <= 4
    assert all(0 <= moment["time"] <= report["duration"] and len(moment["joints"]) == 2 for moment in report["worst"])
    assert all(0 <= begin <= end <= report["duration"] for begin, end in report["spans"])
    assert Result.load(result.folder) == result
    check_origin(result, DENOISE_STAGES, ["Built-in body", "Distance to real poses"])


def test_its_stages_are_told_and_the_motion_before_is_shown(bad_dance: tuple[Result, list[Event]]) -> None:
    _, events = bad_dance
    assert list(dict.fromkeys(event.stage for event in events)) == list(DENOISE_STAGES)
    fractions = [event.fraction for event in events]
    assert fractions == sorted(fractions)
    shown = [event for event in events if event.file is not None]
    assert [event.file.name for event in shown if event.file] == ["before.glb"]
    assert len(shown[0].data["curves"]["Before"]) == len(load_clip("dance"))


def test_a_good_motion_stays_what_it_is(tmp_path: Path) -> None:
    clip = load_clip("walk")
    result = denoise_motion(clip, out=tmp_path / "out")
    after = load_motion(result.path("denoised.npz"))
    turned = np.degrees(np.linalg.norm(after.body_pose - clip.body_pose, axis=-1))
    assert turned.mean() < 2
    assert 95 < rows_of(result)["Size of the movement"]["after"] < 105
    assert "Truth" not in result.report["people"]


@pytest.mark.parametrize("fps", [2.0, 240.0])
def test_any_frame_rate(fps: float, tmp_path: Path) -> None:
    clip = resample(load_clip("wave"), fps)[: int(3 * fps)]
    result = denoise_motion(clip, worsen="noise", out=tmp_path / "out")
    rate = result.report["fps"]
    assert rate <= 60
    assert load_motion(result.path("denoised.npz")).fps == pytest.approx(rate)
    assert any("every fourth" in note for note in result.report["warnings"]) is (fps == 240)


def test_one_frame(tmp_path: Path) -> None:
    result = denoise_motion(load_clip("bow")[40], out=tmp_path / "out")
    assert len(load_motion(result.path("denoised.npz"))) == 1
    assert result.report["duration"] == 0


def test_a_long_motion_is_cut_and_says_so(tmp_path: Path) -> None:
    long = replace(resample(load_clip("idle"), 30)[:60], fps=0.9)  # 60 frames last 67 seconds
    result = denoise_motion(long, out=tmp_path / "out")
    assert len(load_motion(result.path("denoised.npz"))) == 54
    assert any("seconds 0 to 60 were used" in note for note in result.report["warnings"])
    with pytest.raises(InputError, match="cannot begin at 80"):
        denoise_motion(long, start=80, out=tmp_path / "out")


@pytest.mark.slow
def test_a_captured_bvh_and_an_amc_with_its_asf(shared: Path, tmp_path: Path) -> None:
    raw = shared / "mocap" / "raw"
    for number, (source, asf) in enumerate([(raw / "02_01.amc", raw / "02.asf"), (raw / "135_04.bvh", None)]):
        result = denoise_motion(source, asf=asf, out=tmp_path / str(number), worsen="jitter")
        rows = rows_of(result)
        assert rows["Error against the truth"]["after"] < rows["Error against the truth"]["before"]
        assert result.inputs["seconds"] > 2


def test_frames_that_are_not_there_are_filled(tmp_path: Path) -> None:
    path = save_npz(load_clip("wave"), tmp_path / "holes.npz", "amass")
    arrays = dict(np.load(path))
    arrays["poses"][20:26] = np.nan
    np.savez(path, **arrays)
    result = denoise_motion(path, out=tmp_path / "out")
    assert any("missing in 6 of" in note for note in result.report["warnings"])
    assert np.isfinite(load_motion(result.path("denoised.npz")).full_pose).all()


def test_what_cannot_be_used_gets_a_sentence(tmp_path: Path) -> None:
    letter = tmp_path / "letter.bvh"
    letter.write_text("Dear reader, this is no motion.")
    with pytest.raises(MotionFileError):
        denoise_motion(letter, out=tmp_path / "out")
    with pytest.raises(InputError, match="no motion"):
        denoise_motion("none.bvh", out=tmp_path / "out")
    with pytest.raises(InputError, match="no damage called"):
        DenoiseOptions(worsen="rust")
    with pytest.raises(InputError, match="strength"):
        DenoiseOptions(strength=-1)
    assert not (tmp_path / "out").exists()


def test_it_can_be_cancelled(tmp_path: Path) -> None:
    seen: list[str] = []
    progress = Progress(len(DENOISE_STAGES), lambda event: seen.append(event.stage), lambda: DENOISE_STAGES[2] in seen)
    with pytest.raises(Cancelled):
        denoise_motion("walk", out=tmp_path / "out", progress=progress)
    assert not (tmp_path / "out").exists()


def test_the_same_question_has_the_same_id(tmp_path: Path) -> None:
    options = DenoiseOptions(worsen="noise", seed=3)
    assert denoise_id("walk", options) == denoise_id("walk", DenoiseOptions(worsen="noise", seed=3))
    assert denoise_id("walk", options) != denoise_id("walk", DenoiseOptions(worsen="noise", seed=4))
    assert denoise_id("walk", options) != denoise_id("run", options)


def test_worst_moments_lie_apart_and_are_in_order() -> None:
    curve = np.full(300, 3.0)
    curve[[50, 52, 200]] = 20, 22, 15
    blame = np.zeros((300, 21))
    blame[52, 17] = blame[200, 3] = 1
    found = worst_moments(curve, blame, 30.0)
    assert [moment["time"] for moment in found] == [round(52 / 30, 3), round(200 / 30, 3)]
    assert found[0]["joints"][0] == "left elbow"
    assert worst_moments(np.full(300, 3.0), blame, 30.0) == []


def test_the_verdict_is_honest() -> None:
    rows: dict[str, dict[str, Any]] = {
        "Distance from real poses": {"before": 5.0, "after": 5.0}, "Jitter": {"before": 100.0, "after": 140.0},
        "Size of the movement": {"before": 100.0, "after": 97.0}}
    assert quality(rows) == ("There was little to clean: the poses were already as near to those that people take, "
                             "40% more jitter; the movement keeps 97% of its size.")
    rows["Error against the truth"] = {"before": 20.0, "after": 30.0}
    assert quality(rows).startswith("This did not help")


def test_random_poses(tmp_path: Path) -> None:
    events: list[Event] = []
    result = generate_poses(4, seed=5, out=tmp_path / "a", progress=Progress(len(GENERATE_STAGES), events.append))
    assert list(dict.fromkeys(event.stage for event in events)) == list(GENERATE_STAGES)
    check_origin(result, GENERATE_STAGES)
    poses = load_motion(result.path("poses.npz"))
    assert len(poses) == len(result.report["distances"]) == 4
    assert [clip["name"] for clip in glb_json(result.path("poses.glb"))["animations"]] == [
        f"Pose {k}" for k in (1, 2, 3, 4)]
    picture = np.asarray(Image.open(result.path("pose_01.png")))
    assert picture.shape == (324, 264, 4)
    assert 0.05 < (picture[..., 3] > 128).mean() < 0.6
    again = load_motion(generate_poses(4, seed=5, out=tmp_path / "b").path("poses.npz"))
    other = load_motion(generate_poses(4, seed=6, out=tmp_path / "c").path("poses.npz"))
    np.testing.assert_array_equal(poses.body_pose, again.body_pose)
    assert np.abs(poses.body_pose - other.body_pose).max() > 0.2
    with pytest.raises(InputError, match="Between 1 and"):
        generate_poses(0, out=tmp_path / "d")


def test_the_way_between_two_poses(tmp_path: Path) -> None:
    events: list[Event] = []
    result = interpolate_poses(PoseChoice("squat", 0.25), PoseChoice(None, seed=2), out=tmp_path / "out",
                               progress=Progress(len(INTERPOLATE_STAGES), events.append))
    assert list(dict.fromkeys(event.stage for event in events)) == list(INTERPOLATE_STAGES)
    check_origin(result, INTERPOLATE_STAGES, ["Built-in motions"])
    path = load_motion(result.path("path.npz"))
    start, end = choose_pose(PoseChoice("squat", 0.25)), choose_pose(PoseChoice(None, seed=2))
    np.testing.assert_allclose(path.body_pose[0], start.body_pose[0], atol=1e-4)
    np.testing.assert_allclose(path.body_pose[-1], end.body_pose[0], atol=1e-4)
    straight, along = (np.array(result.report["curves"][name]) for name in result.report["people"])
    assert len(straight) == len(along) == len(path)
    assert along.mean() <= straight.mean() + 1e-6
    feet = np.ptp(path.transl[:, 1])
    assert feet < 1.2


def test_a_chosen_pose_is_drawn_and_faces_the_viewer(tmp_path: Path) -> None:
    turned = load_clip("turn_around")
    pose = choose_pose(PoseChoice(turned, 0.5))
    assert len(pose) == 1
    assert abs(pose.global_orient[0, 1]) < 0.35
    assert Image.open(draw_pose(PoseChoice("bow", 0.5), tmp_path / "bow.png")).mode == "RGBA"
    with pytest.raises(InputError, match="moment"):
        PoseChoice("bow", 1.5)


def test_a_photo_s_motion_can_be_cleaned(tmp_path: Path) -> None:
    """What the photo job and others leave, a Motion npz in the add-on's style, is what this job reads."""
    clip = Motion.from_full_pose(load_clip("wave").full_pose[:30], 30.0, betas=np.full(10, 0.5), name="mine")
    save_npz(clip, tmp_path / "motion.npz", "blender")
    result = denoise_motion(tmp_path / "motion.npz", out=tmp_path / "out")
    np.testing.assert_allclose(load_motion(result.path("denoised.npz")).betas[:10], 0.5, atol=1e-5)
