"""Small folders in the layouts of AMASS and fit3D become takes that training reads, and views with their truth."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from scipy.spatial.transform import Rotation

from humanav.body import JOINT_INDEX
from humanav.camera import Camera
from humanav.errors import InputError
from humanav.motion import load_clip, save_npz
from humanav.motion.npz import Z_UP_TO_Y_UP, turn_world
from humanav.paths import asset
from humanav.uplift.evaluate import true_rotations
from humanav.uplift.fit3d import fit3d_pairs, prepare_fit3d
from humanav.uplift.pairs import PairSource, held_out_pairs
from humanav.uplift.points import FIT3D_26
from humanav.uplift.prepare import prepare_amass
from humanav.uplift.prepared import fingerprint, read_clips
from humanav.uplift.skeleton import UpliftBody

BODY = asset("body", "humanav_body.npz")
FRAMES = 24


@pytest.fixture(scope="module")
def amass(tmp_path_factory) -> Path:
    """Three data sets, one of each side of the split, at 120 frames per second; one file is damaged."""
    root = tmp_path_factory.mktemp("amass")
    motion = replace(load_clip("walk")[:40], fps=120.0)
    for name, style in (("CMU/01/a_poses", "amass"), ("CMU/01/b_stageii", "smplx"), ("HumanEva/S1/c_poses", "amass"),
                        ("SSM/x/d_poses", "amass")):
        path = root / f"{name}.npz"
        path.parent.mkdir(parents=True, exist_ok=True)
        save_npz(motion, path, style)
    (root / "CMU/02").mkdir()
    (root / "CMU/02/broken_poses.npz").write_bytes(b"PK nothing")
    return root


def test_amass_becomes_takes(amass, tmp_path) -> None:
    manifest = prepare_amass(amass, tmp_path / "out", fps=30)
    assert manifest["clips"] == {"train": 2, "validation": 1, "test": 1}
    assert [left["clip"] for left in manifest["left_out"]] == ["CMU/02/broken_poses.npz"]
    clips = list(read_clips(tmp_path / "out"))
    assert {(clip.motion.name, clip.split) for clip in clips} == {
        ("CMU/01/a_poses.npz", "train"), ("CMU/01/b_stageii.npz", "train"), ("HumanEva/S1/c_poses.npz", "validation"),
        ("SSM/x/d_poses.npz", "test")}
    original = load_clip("walk")
    for clip in clips:
        assert (clip.motion.fps, len(clip.motion)) == (30.0, 10)
        off = Rotation.from_rotvec(clip.motion.global_orient) * Rotation.from_rotvec(
            original.global_orient[:40:4]).inv()
        assert np.degrees(off.magnitude()).max() < 1
        np.testing.assert_allclose(clip.motion.transl, original.transl[:40:4], atol=0.01)
    pairs = PairSource(read_clips(tmp_path / "out", "train"), "coco17", frames=9, augment=False).batch(2)
    assert pairs.keypoints.shape == (2, 9, 17, 3)
    assert held_out_pairs(read_clips(tmp_path / "out", "test"), "coco17", frames=9)


def test_an_interrupted_preparation_goes_on(amass, tmp_path) -> None:
    out = tmp_path / "out"
    first = prepare_amass(amass, out)
    before = fingerprint(out)
    stamp = (out / "clips-test-0000.npz").stat().st_mtime_ns
    (out / "clips-train-0000.npz").unlink()
    with pytest.raises(InputError, match="clips-train-0000"):
        list(read_clips(out))
    assert prepare_amass(amass, out) == first
    assert fingerprint(out) == before
    assert (out / "clips-train-0000.npz").is_file()
    again = (out / "clips-test-0000.npz").stat().st_mtime_ns
    assert prepare_amass(amass, out) == first
    assert (out / "clips-test-0000.npz").stat().st_mtime_ns == again >= stamp
    with pytest.raises(InputError, match="overwrite"):
        prepare_amass(amass, out, fps=50)
    assert prepare_amass(amass, out, fps=50, overwrite=True)["fps"] == 50


def test_nothing_stays_of_what_cannot_be_used(tmp_path) -> None:
    (tmp_path / "in").mkdir()
    (tmp_path / "in" / "a.npz").write_bytes(b"nothing")
    with pytest.raises(InputError, match=r"a\.npz"):
        prepare_amass(tmp_path / "in", tmp_path / "out")
    assert not (tmp_path / "out").exists()
    with pytest.raises(InputError, match="frame rate"):
        prepare_amass(tmp_path / "in", tmp_path / "out", fps=0)
    with pytest.raises(InputError, match="prepare"):
        list(read_clips(tmp_path))


def cameras() -> dict[str, Camera]:
    """Two cameras before the walker, in a world whose z is up."""
    turn = Z_UP_TO_Y_UP
    made = {"50591643": Camera.look_at((0.5, 1.6, 4.5), (0, 0.9, 0), 900, 900, 1095.0),
            "58860488": Camera.look_at((-4.2, 1.4, 0.5), (0, 0.9, 0), 900, 900, 1095.0)}
    return {name: replace(camera, R=camera.R @ turn, distortion=np.array([-0.2, 0.1, 0, 0, 0.01]))
            for name, camera in made.items()}


def write_fit3d(root: Path, subjects: tuple[str, ...] = ("s03", "s09", "s11"), **changes: object) -> Path:
    """A folder in the release's layout, with one take per subject."""
    body = load_clip("walk")[:FRAMES]
    motion = turn_world(replace(body, transl=body.transl - body.transl[FRAMES // 2] * [1, 0, 1]), Z_UP_TO_Y_UP.T)
    pose = Rotation.from_rotvec(motion.full_pose.reshape(-1, 3)).as_matrix().reshape(FRAMES, 55, 3, 3)
    for who in subjects:
        take = root / "train" / who
        values = {"transl": motion.transl, "global_orient": pose[:, :1], "body_pose": pose[:, 1:22],
                  "left_hand_pose": pose[:, 25:40], "right_hand_pose": pose[:, 40:55],
                  "betas": np.tile([0.5, -0.3, *[0.0] * 8], (FRAMES, 1)), "jaw_pose": pose[:, 22:23],
                  "expression": np.zeros((FRAMES, 10))} | changes
        (take / "smplx").mkdir(parents=True)
        (take / "smplx" / "squat.json").write_text(json.dumps(
            {name: np.asarray(value).tolist() for name, value in values.items() if value is not None}))
        for name, camera in cameras().items():
            folder = take / "camera_parameters" / name
            folder.mkdir(parents=True)
            k1, k2, p1, p2, k3 = np.asarray(camera.distortion)
            (folder / "squat.json").write_text(json.dumps({
                "extrinsics": {"R": camera.R.tolist(), "T": [(-camera.R.T @ camera.t).tolist()]},
                "intrinsics_w_distortion": {"f": [[1095.0, 1095.0]], "c": [[450.0, 450.0]], "k": [[k1, k2, k3]],
                                            "p": [[p1, p2]]},
                "intrinsics_wo_distortion": {"f": [1095.0, 1095.0], "c": [450.0, 450.0]}}))
    return root


@pytest.fixture(scope="module")
def fit3d(tmp_path_factory) -> Path:
    root = write_fit3d(tmp_path_factory.mktemp("fit3d"))
    out = root / "out"
    prepare_fit3d(root, out, body=BODY)
    return out


def test_fit3d_views_are_what_the_cameras_see(fit3d, body) -> None:
    motion = load_clip("walk")[:FRAMES]
    motion = turn_world(replace(motion, transl=motion.transl - motion.transl[FRAMES // 2] * [1, 0, 1]),
                        Z_UP_TO_Y_UP.T).with_betas([0.5, -0.3, *[0.0] * 8])
    joints = body.from_motion(motion, vertices=False).joints.double().numpy()
    joints = joints[:, [JOINT_INDEX[name] for name in FIT3D_26]]
    with np.load(fit3d / "views" / "s11_squat.npz") as views:
        assert views["fingers"].shape == (FRAMES, 4, 3, 3)
        for name, camera in cameras().items():
            assert np.abs(views[f"{name}/joints2d"] - camera.project(joints)[0]).max() < 0.05
            relative = (joints - joints[:, :1]) @ camera.R.T
            np.testing.assert_allclose(views[f"{name}/joints3d"], relative, atol=1e-4)
            assert views[f"{name}/coco17"].shape == (FRAMES, 17, 2)
            assert views[f"{name}/blazepose33"].min() > 0
            assert views[f"{name}/blazepose33"].max() < 900


def test_fit3d_views_as_pairs(fit3d) -> None:
    pairs = fit3d_pairs(fit3d, "test", "coco17", every=4)
    assert [some.keypoints.shape for some in pairs] == [(1, FRAMES // 4, 17, 3)] * 2
    joints, _ = UpliftBody()(true_rotations(pairs[0]), pairs[0].betas[:, None])
    torch.testing.assert_close(joints, pairs[0].joints, atol=1e-4, rtol=0)
    with pytest.raises(InputError, match="halpe26"):
        fit3d_pairs(fit3d, "test", "halpe26")


def test_fit3d_takes_stand_upright(fit3d) -> None:
    takes = {clip.subject: clip for clip in read_clips(fit3d)}
    assert {who: clip.split for who, clip in takes.items()} == {"s03": "train", "s09": "validation", "s11": "test"}
    for clip in takes.values():
        assert Rotation.from_rotvec(clip.motion.global_orient).apply([0, 1, 0])[:, 1].min() > 0.9
        assert clip.motion.fps == 50
        assert clip.motion.betas[0] == pytest.approx(0.5)


@pytest.mark.parametrize(("changes", "what"), [
    ({"body_pose": None}, "body_pose"), ({"transl": np.zeros((3, 3))}, "shape"),
    ({"global_orient": np.ones((FRAMES, 1, 3, 3))}, "rotation matrices"),
    ({"transl": np.full((FRAMES, 3), np.nan)}, "NaN"),
    ({"transl": np.tile([0.0, -90, 0], (FRAMES, 1))}, "behind the camera"), ({"betas": "thin"}, "no array of numbers")])
def test_odd_parameters_are_said(changes, what, tmp_path) -> None:
    root = write_fit3d(tmp_path / "in", ("s03",), **changes)
    with pytest.raises(InputError, match=what):
        prepare_fit3d(root, tmp_path / "out", body=BODY)
    assert not (tmp_path / "out").exists()


def test_missing_parts_are_said(tmp_path) -> None:
    root = write_fit3d(tmp_path / "in", ("s03", "s11"))
    for file in (root / "train" / "s11").glob("camera_parameters/*/squat.json"):
        file.unlink()
    camera = next((root / "train" / "s03").glob("camera_parameters/*/squat.json"))
    manifest = prepare_fit3d(root, tmp_path / "out", body=BODY)
    assert manifest["clips"] == {"train": 1, "validation": 0, "test": 0}
    assert "has no camera" in manifest["left_out"][0]["why"]
    camera.write_text('{"extrinsics": {}}')
    with pytest.raises(InputError, match="intrinsics_w_distortion"):
        prepare_fit3d(root / "train", tmp_path / "other", body=BODY)
    with pytest.raises(InputError, match="s03"):
        prepare_fit3d(tmp_path / "out", tmp_path / "third", body=BODY)


def test_the_verb(amass, tmp_path, capsys) -> None:
    from humanav import cli

    def run(*words: object) -> int:
        with pytest.raises(SystemExit) as stop:
            cli.main([str(word) for word in words])
        return int(stop.value.code or 0)

    assert run("uplift", "prepare", "amass", amass, "--out", tmp_path / "out", "--json") == 0
    assert json.loads(capsys.readouterr().out)["clips"]["train"] == 2
    assert run("uplift", "prepare", "amass", amass, "--out", tmp_path / "out") == 0
    assert "Left out: CMU/02/broken_poses.npz" in capsys.readouterr().out
    assert run("uplift", "prepare", "fit3d", amass, "--out", tmp_path / "fit") != 0
    assert "SMPLX_NEUTRAL.npz" in capsys.readouterr().err
