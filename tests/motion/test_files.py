"""Opening whatever comes: quaternions in either order, gaps, odd frame rates, foreign joint names, the verb convert."""

from __future__ import annotations

import json

import numpy as np
import pytest
from scipy.spatial.transform import Rotation

from humanav import cli
from humanav.errors import InputError, MotionFileError
from humanav.motion import Loaded, load_clip, load_motion, read_motion, save_npz, text, write_bvh
from humanav.motion.arrays import quat_order
from humanav.motion.bvh import parse_bvh
from humanav.motion.skeletons import read_joint_map, write_joint_map
from tests.motion.captures import captured, degrees_apart
from tests.motion.motions import random_motion

STRANGE = {"left_hip": "Gamba_A", "right_hip": "Gamba_B", "left_knee": "Ginocchio_A", "right_knee": "Ginocchio_B",
           "left_shoulder": "Braccio_A", "right_shoulder": "Braccio_B", "left_elbow": "Gomito_A",
           "right_elbow": "Gomito_B", "left_ankle": "Caviglia_A", "right_ankle": "Caviglia_B",
           "left_wrist": "Polso_A", "right_wrist": "Polso_B", "left_foot": "Punta_A", "right_foot": "Punta_B",
           "left_collar": "Clavicola_A", "right_collar": "Clavicola_B", "head": "Testa", "neck": "Collo",
           "spine1": "Schiena1", "spine2": "Schiena2", "spine3": "Schiena3", "pelvis": "Bacino"}


def quats_of(motion, joints, order):
    xyzw = Rotation.from_rotvec(motion.full_pose[:, joints].reshape(-1, 3)).as_quat()
    quats = xyzw if order == "xyzw" else xyzw[:, [3, 0, 1, 2]]
    return quats.reshape(len(motion), -1, 4)


@pytest.mark.parametrize("order", ["wxyz", "xyzw"])
@pytest.mark.parametrize(("key", "joints"), [
    ("quats", slice(1, 22)), ("quats", slice(0, 22)), ("rotations", slice(0, 24)), ("poses", slice(0, 55)),
    ("body_pose", slice(1, 22))])
def test_quaternions_in_either_order(tmp_path, order, key, joints):
    motion = load_clip("dance")
    signs = np.where(np.random.default_rng(0).random((len(motion), joints.stop - joints.start, 1)) < 0.5, -1, 1)
    np.savez(tmp_path / "q.npz", **{key: quats_of(motion, joints, order) * signs}, fps=30.0)
    loaded = read_motion(tmp_path / "q.npz", up="y")
    assert any(f"read as {order}" in note for note in loaded.notes)
    np.testing.assert_allclose(loaded.motion.body_pose, motion.body_pose, atol=1e-5)
    rooted = joints.start == 0
    np.testing.assert_allclose(loaded.motion.global_orient, motion.global_orient * rooted, atol=1e-5)


def test_flat_quaternions_one_pose_and_the_override(tmp_path):
    motion = load_clip("walk")
    quats = quats_of(motion, slice(1, 22), "wxyz")
    np.save(tmp_path / "flat.npy", quats.reshape(len(motion), 84))
    np.save(tmp_path / "one.npy", quats[10])
    np.testing.assert_allclose(load_motion(tmp_path / "flat.npy").body_pose, motion.body_pose, atol=1e-5)
    np.testing.assert_allclose(load_motion(tmp_path / "one.npy").body_pose[0], motion.body_pose[10], atol=1e-5)
    forced = read_motion(tmp_path / "flat.npy", quats="xyzw")
    assert not any("read as" in note for note in forced.notes)
    assert np.abs(forced.motion.body_pose - motion.body_pose).max() > 1


def test_order_that_cannot_be_told_is_said_and_nonsense_refused(rng):
    order, note = quat_order(rng.normal(size=(200, 21, 4)))
    assert order == "wxyz"
    assert "cannot be told" in note
    with pytest.raises(InputError, match="neither wxyz nor xyzw"):
        quat_order(np.tile([0.1, 0.98, 0.1, 0.1], (10, 21, 1)))


@pytest.mark.parametrize("style", ["humanav", "smplx", "amass"])
def test_nan_frames_are_interpolated_and_said(tmp_path, style):
    clip = load_clip("walk")
    with np.load(save_npz(clip, tmp_path / "m.npz", style)) as data:
        arrays = {key: data[key].copy() for key in data.files}
    for key in ("body_pose", "poses", "pose_body"):
        if key in arrays:
            flat = arrays[key].reshape(len(clip), -1)
            flat[20:23, 9 + 3 * (key == "poses")] = np.nan  # the left knee
    arrays["transl" if style == "humanav" else "trans"][50] = np.inf
    np.savez(tmp_path / "m.npz", **arrays)
    loaded = read_motion(tmp_path / "m.npz")
    assert np.argwhere(loaded.missing).tolist() == [[20, 4], [21, 4], [22, 4], [50, 0]]
    assert any("4 of" in note and "left_knee" in note for note in loaded.notes)
    assert degrees_apart(clip, loaded.motion).max() < 15  # a knee in full swing
    np.testing.assert_allclose(loaded.motion.transl, clip.transl, atol=0.02)
    at = loaded.at(60)
    assert np.flatnonzero(at.missing[:, 4]).tolist() == list(range(39, 46))
    assert at.notes[-1].startswith("Resampled from 30 to 60 frames per second")


def test_nan_frames_of_a_bvh(tmp_path, body):
    motion = load_clip("walk")
    path = write_bvh(motion, tmp_path / "m.bvh", body, joints=22)
    lines = path.read_text().splitlines()
    first = len(lines) - len(motion)
    words = lines[first + 30].split()
    lines[first + 30] = " ".join(["nan" if k in (0, 3, 9) else word for k, word in enumerate(words)])
    path.write_text("\n".join(lines))
    loaded = read_motion(path, body)
    assert sorted(np.argwhere(loaded.missing)[:, 0].tolist()) == [30, 30]
    assert any("1 of" in note and "interpolated" in note for note in loaded.notes)
    assert degrees_apart(motion, loaded.motion).max() < 3


def test_joint_positions_and_wrong_joint_counts_are_told_apart(tmp_path, body, rng):
    motion = random_motion(frames=12, betas=0)
    points = body.from_motion(motion, vertices=False).joints.numpy()[:, :22]
    np.save(tmp_path / "points.npy", points)
    with pytest.raises(MotionFileError, match="joint positions, not rotations"):
        load_motion(tmp_path / "points.npy")
    for shape, says in (((6, 17, 3), "17 joints"), ((6, 51), "17 joints"), ((6, 50), "50 numbers"),
                        ((6, 17, 4), "shape|17"), ((6, 22, 6), "shape")):
        np.save(tmp_path / "m.npy", rng.normal(0, 0.1, shape))
        with pytest.raises(MotionFileError, match=says) as caught:
            load_motion(tmp_path / "m.npy")
        assert str(caught.value).endswith(".")


@pytest.mark.parametrize("fps", [2, 240])
def test_slow_and_fast_frame_rates(tmp_path, body, fps):
    motion = random_motion(frames=4, fps=fps, betas=0)
    for path in (save_npz(motion, tmp_path / "m.npz"), write_bvh(motion, tmp_path / "m.bvh", body)):
        loaded = read_motion(path, body)
        assert loaded.motion.fps == fps
        assert loaded.at(30).motion.fps == 30
        assert any("only 2 frames a second" in note for note in loaded.notes) == (fps == 2)


def test_one_frame_of_each_kind(tmp_path, body):
    motion = random_motion(frames=1, betas=0)
    for path in (save_npz(motion, tmp_path / "m.npz"), write_bvh(motion, tmp_path / "m.bvh", body)):
        assert len(load_motion(path, body)) == 1
        assert len(read_motion(path, body).at(60).motion) == 1


def test_a_frame_rate_in_place_of_the_frame_time(tmp_path, body):
    path = write_bvh(random_motion(frames=3, fps=60), tmp_path / "m.bvh", body)
    path.write_text(path.read_text().replace("Frame Time: 0.016666667", "Frame Time: 60"))
    loaded = read_motion(path, body)
    assert loaded.motion.fps == 60
    assert any("frames per second" in note for note in loaded.notes)
    assert read_motion(path, body, fps=25).motion.fps == 25


def strange_bvh(tmp_path, body, motion):
    path = write_bvh(motion, tmp_path / "strano.bvh", body, joints=22)
    text = path.read_text()
    for ours, theirs in STRANGE.items():
        text = text.replace(f"JOINT {ours}\n", f"JOINT {theirs}\n").replace(f"ROOT {ours}\n", f"ROOT {theirs}\n")
    path.write_text(text)
    return path


def test_unknown_joint_names_can_be_mapped(tmp_path, body):
    motion = load_clip("wave")
    path = strange_bvh(tmp_path, body, motion)
    with pytest.raises(MotionFileError, match="no hips, knees, shoulders, elbows among Bacino") as caught:
        load_motion(path, body)
    assert "--write-map" in str(caught.value)
    template = write_joint_map(parse_bvh(path), tmp_path / "map.json")
    table = json.loads(template.read_text())
    assert table["left_hip"] is None
    assert "Gamba_A" in table["_names_in_file"]
    template.write_text(json.dumps(table | STRANGE))
    for joint_map in (template, STRANGE):
        assert degrees_apart(motion, load_motion(path, body, joint_map=joint_map)).max() < 0.05  # by its arms' rest
    (tmp_path / "map.yaml").write_text("".join(f"{ours}: {theirs}\n" for ours, theirs in STRANGE.items()))
    assert degrees_apart(motion, load_motion(path, body, joint_map=tmp_path / "map.yaml")).max() < 0.05


def test_a_mapping_of_the_needed_joints_is_enough(tmp_path, body):
    motion = load_clip("walk")
    needed = {name: STRANGE[name] for name in STRANGE if name.split("_")[-1] in ("hip", "knee", "shoulder", "elbow")}
    back = load_motion(strange_bvh(tmp_path, body, motion), body, joint_map=needed)
    assert degrees_apart(motion, back)[:, [0, 1, 2, 4, 5]].max() < 4


@pytest.mark.parametrize(("content", "says"), [
    ('{"left_hip": "Tail"}', "Tail, which the file does not have"), ('{"hip_left": "Gamba_A"}', "no joint of ours"),
    ("just words", "must map"), ("{a: [", "neither JSON nor YAML"), ("", "empty"),
    (json.dumps(STRANGE | {"left_hip": "Gamba_B"}), "both mapped"),
    ('{"left_hip": "Gamba_A"}', "no right hip, knees, shoulders, elbows")])
def test_bad_mappings_get_one_sentence(tmp_path, body, content, says):
    (tmp_path / "map.json").write_text(content)
    with pytest.raises(MotionFileError, match=says) as caught:
        load_motion(strange_bvh(tmp_path, body, load_clip("bow")), body, joint_map=tmp_path / "map.json")
    assert str(caught.value).endswith(".")


def test_no_mapping_is_none():
    assert read_joint_map(None) == {}
    assert read_joint_map({"left_hip": "A", "head": None, "_about": "text"}) == {"left_hip": "A"}


@pytest.mark.parametrize("name", ["02_01.amc", "02_03.amc", "135_04.bvh"])
@pytest.mark.parametrize("kind", ["npz", "bvh"])
def test_captured_motion_survives_being_written(shared, tmp_path, body, name, kind):
    motion = load_motion(captured(shared, f"raw/{name}"), body)
    path = save_npz(motion, tmp_path / "m.npz") if kind == "npz" else write_bvh(motion, tmp_path / "m.bvh", body)
    back = load_motion(path, body)
    assert back.fps == motion.fps
    assert degrees_apart(motion, back, 55).max() < 0.01
    np.testing.assert_allclose(back.transl, motion.transl, atol=1e-5)


def test_huge_files_are_refused_before_they_are_read(tmp_path, body, monkeypatch):
    monkeypatch.setattr(text, "MAX_BYTES", 1000)
    path = write_bvh(random_motion(), tmp_path / "m.bvh", body)
    with pytest.raises(MotionFileError, match="too large"):
        load_motion(path, body)


def test_a_foreign_binary_is_refused(tmp_path, rng):
    (tmp_path / "m.fbx").write_bytes(b"Kaydara FBX Binary  \0" + rng.bytes(5000))
    with pytest.raises(MotionFileError, match="neither an npz nor a BVH"):
        load_motion(tmp_path / "m.fbx")


def test_whole_motions_carry_no_notes(tmp_path):
    motion = random_motion()
    loaded = read_motion(save_npz(motion, tmp_path / "m.npz", "humanav"))
    assert isinstance(loaded, Loaded)
    assert loaded.notes == ()
    assert not loaded.missing.any()
    assert loaded.at(motion.fps) is loaded


def run(*words) -> int:
    with pytest.raises(SystemExit) as stop:
        cli.main(["convert", *map(str, words)])
    return int(stop.value.code or 0)


def test_convert_writes_every_form(tmp_path, body, capsys):
    motion = load_clip("walk")
    source = write_bvh(motion, tmp_path / "walk.bvh", body)
    for name in ("a.npz", "a.bvh", "a.glb"):
        assert run(source, tmp_path / name, "--fps", "15", "--style", "amass", "--json") == 0
        said = json.loads(capsys.readouterr().out.splitlines()[-1])
        assert said["fps"] == 15
        assert said["usable_frames"] == said["frames"]
        assert any("Resampled from 30 to 15" in note for note in said["notes"])
        if not name.endswith("glb"):
            assert load_motion(tmp_path / name).fps == pytest.approx(15)
    assert (tmp_path / "a.glb").read_bytes()[:4] == b"glTF"
    with np.load(tmp_path / "a.npz") as data:
        assert data["poses"].shape[1] == 156


def test_convert_writes_a_mapping_and_takes_it(tmp_path, body, capsys):
    source = strange_bvh(tmp_path, body, load_clip("bow"))
    assert run(source, "--write-map", tmp_path / "map.json") == 0
    assert run(source, tmp_path / "out.npz") == 2
    assert "not recognised" in capsys.readouterr().err
    (tmp_path / "map.json").write_text(json.dumps(STRANGE))
    assert run(source, tmp_path / "out.npz", "--map", tmp_path / "map.json") == 0
    assert "frames per second" in capsys.readouterr().out
    assert run(source, tmp_path / "out.txt") == 2
