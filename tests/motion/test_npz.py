"""npz in every key style: round trips, the turn from z up to y up, and files that cannot be read."""

from __future__ import annotations

import contextlib
import io
import zipfile

import numpy as np
import pytest
import torch

from humanav.errors import MotionFileError, StorageError
from humanav.motion import load_motion, load_npz, read_motion, save_npz, write_bvh
from humanav.motion.npz import Z_UP_TO_Y_UP, turn_world
from tests.motion.motions import random_motion


@pytest.mark.parametrize("style", ["humanav", "smplx", "amass", "blender"])
@pytest.mark.parametrize("up", [None, "y", "z"])
def test_round_trip(tmp_path, style, up):
    motion = random_motion(fps=120, expression=4)
    back = load_motion(save_npz(motion, tmp_path / "m.npz", style, up=up))
    assert back.fps == motion.fps
    skip = slice(22, 25) if style == "amass" else slice(0, 0)  # SMPL-H has no jaw and eyes
    kept = np.delete(np.arange(55), np.arange(55)[skip])
    np.testing.assert_allclose(back.full_pose[:, kept], motion.full_pose[:, kept], atol=1e-6)
    np.testing.assert_allclose(back.transl, motion.transl, atol=1e-6)
    np.testing.assert_array_equal(back.betas, motion.betas)
    np.testing.assert_array_equal(back.expression, motion.expression)


def test_own_style_is_exact(tmp_path):
    motion = random_motion(expression=3)
    back = load_npz(save_npz(motion, tmp_path / "m.npz", "humanav"))
    for name in ("global_orient", "body_pose", "left_hand_pose", "right_hand_pose", "jaw_pose", "transl", "betas",
                 "expression"):
        np.testing.assert_array_equal(getattr(back, name), getattr(motion, name))
    assert (back.name, back.person_id) == (motion.name, motion.person_id)


def test_turning_the_world_turns_every_vertex_rigidly(body):
    motion = random_motion(frames=3)
    turned = turn_world(motion, Z_UP_TO_Y_UP, body)
    with torch.no_grad():
        before, after = (body.from_motion(m).vertices.numpy() for m in (motion, turned))
    np.testing.assert_allclose(after, before @ Z_UP_TO_Y_UP.T, atol=2e-6)


def test_z_up_file_without_up_axis_stands_upright(tmp_path, body):
    """A file as AMASS writes it: no up_axis key, the body standing along z."""
    motion = random_motion(frames=5)
    z = turn_world(motion, Z_UP_TO_Y_UP.T, body)
    path = tmp_path / "amass.npz"
    pose = z.full_pose.reshape(5, -1)
    np.savez(path, poses=np.concatenate([pose[:, :66], pose[:, 75:]], axis=1), trans=z.transl, betas=z.betas,
             gender="female", mocap_framerate=120.0, dmpls=np.zeros((5, 8)))
    back = load_motion(path)
    assert back.fps == 120
    np.testing.assert_allclose(back.transl, motion.transl, atol=1e-6)
    assert load_npz(path, up="y").transl == pytest.approx(z.transl)


def test_stageii_file_without_poses(tmp_path, body):
    motion = random_motion(frames=4)
    z = turn_world(motion, Z_UP_TO_Y_UP.T, body)
    pose = z.full_pose.reshape(4, -1)
    path = tmp_path / "clip_stageii.npz"
    np.savez(path, root_orient=pose[:, :3], pose_body=pose[:, 3:66], pose_hand=pose[:, 75:], pose_jaw=pose[:, 66:69],
             pose_eye=pose[:, 69:75], trans=z.transl, betas=z.betas, gender="male", mocap_frame_rate=120,
             surface_model_type="smplx")
    back = load_motion(path)
    np.testing.assert_allclose(back.full_pose, motion.full_pose, atol=1e-6)


def test_words_may_be_pickled_and_a_gender_is_said(tmp_path):
    motion = random_motion(frames=3)
    pose = motion.full_pose.reshape(3, -1)
    arrays = {"poses": np.concatenate([pose[:, :66], pose[:, 75:]], axis=1), "trans": motion.transl,
              "betas": np.ones(16), "mocap_framerate": 60.0}
    for gender in (np.array("female"), np.array(b"female"), np.array({"a": 1}, dtype=object)):
        np.savez(tmp_path / "m.npz", gender=gender, **arrays)
        loaded = read_motion(tmp_path / "m.npz")
        assert loaded.motion.betas.shape == (16,)
        assert any("female SMPL body" in note for note in loaded.notes) == (gender.dtype != object)


def test_posendf_and_smpl_arrays(tmp_path):
    motion = random_motion(frames=6, betas=10)
    pose = motion.full_pose
    np.savez(tmp_path / "ndf.npz", body_pose=pose[:, 1:22].reshape(6, 63), root_orient=pose[:, 0], betas=motion.betas)
    np.savez(tmp_path / "rotations.npz", rotations=pose[:, :24], trans=motion.transl)
    np.savez(tmp_path / "aist.npz", smpl_poses=pose[:, :24].reshape(6, 72), smpl_trans=motion.transl * 90,
             smpl_scaling=np.array([90.0]))
    np.save(tmp_path / "bare.npy", pose[:, :22])
    for name in ("ndf.npz", "rotations.npz", "aist.npz", "bare.npy"):
        back = load_motion(tmp_path / name)
        np.testing.assert_allclose(back.full_pose[:, :22], pose[:, :22], atol=1e-6, err_msg=name)
        assert back.fps == 30
        assert not back.jaw_pose.any()
    np.testing.assert_allclose(load_motion(tmp_path / "aist.npz").transl, motion.transl, atol=1e-5)


def test_one_pose_and_rotation_matrices(tmp_path):
    from scipy.spatial.transform import Rotation

    motion = random_motion(frames=2)
    np.savez(tmp_path / "one.npz", body_pose=motion.full_pose[0, 1:22].reshape(-1), betas=np.zeros((1, 10)))
    assert len(load_motion(tmp_path / "one.npz")) == 1
    matrices = Rotation.from_rotvec(motion.full_pose[:, :24].reshape(-1, 3)).as_matrix().reshape(2, 24, 3, 3)
    np.savez(tmp_path / "matrices.npz", rotations=matrices)
    np.testing.assert_allclose(load_motion(tmp_path / "matrices.npz").body_pose, motion.body_pose, atol=1e-6)


def bad_files():
    pose = np.zeros((4, 165))
    yield "not an npz", b"hello, this is a letter", "neither"
    yield "empty", b"", "empty"
    yield "torn zip", npz(poses=pose)[:200], "damaged"
    yield "zip of text", zip_of("readme.txt", b"hello"), "holds no motion"
    yield "no pose", npz(trans=np.zeros((4, 3))), "no pose"
    yield "other keys", npz(image=np.zeros(3)), "image"
    yield "NaN", npz(poses=np.full((4, 165), np.nan)), "NaN"
    yield "no frames", npz(poses=np.zeros((0, 165))), "no frames"
    yield "wrong width", npz(poses=np.zeros((4, 100))), "100"
    yield "frames differ", npz(poses=pose, trans=np.zeros((3, 3))), "transl"
    yield "text array", npz(poses=np.array(["a", "b"])), "numbers"
    yield "zero rate", npz(poses=pose, fps=0.0), "frame rate"
    yield "pickle", npz(poses=np.array([{"a": 1}], dtype=object)), "pickled"
    yield "giant", npz(poses=np.zeros((200_001, 66), dtype=np.int8)), "200001"
    yield "announced giant", lying_npz(), "damaged"


def npz(**arrays) -> bytes:
    stream = io.BytesIO()
    np.savez_compressed(stream, **arrays)
    return stream.getvalue()


def zip_of(name: str, data: bytes) -> bytes:
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as archive:
        archive.writestr(name, data)
    return stream.getvalue()


def lying_npz() -> bytes:
    """A header that promises more numbers than any memory holds."""
    array = io.BytesIO()
    np.lib.format.write_array_header_1_0(
        array, {"descr": "<f8", "fortran_order": False, "shape": (10**15, 165)})
    return zip_of("poses.npy", array.getvalue() + b"\0" * 64)


@pytest.mark.parametrize(("label", "data", "says"), list(bad_files()), ids=lambda v: v if isinstance(v, str) else "")
def test_bad_file_gets_one_sentence(tmp_path, label, data, says):
    path = tmp_path / "bad.npz"
    path.write_bytes(data)
    with pytest.raises(MotionFileError, match=says) as caught:
        load_motion(path)
    text = str(caught.value)
    assert "bad.npz" in text
    assert text.endswith(".")
    assert "\n" not in text


@pytest.mark.parametrize("kind", ["npz", "bvh"])
def test_damaged_files_never_crash(tmp_path, body, rng, kind):
    motion = random_motion(frames=4)
    good = save_npz(motion, tmp_path / "m.npz") if kind == "npz" else write_bvh(motion, tmp_path / "m.bvh", body)
    whole = good.read_bytes()
    for _ in range(150):
        data = bytearray(whole[: rng.integers(len(whole))] if rng.random() < 0.3 else whole)
        for _ in range(rng.integers(1, 20) if data else 0):
            data[rng.integers(len(data))] = rng.integers(256)
        good.write_bytes(bytes(data))
        with contextlib.suppress(MotionFileError):
            load_motion(good, body)


def test_missing_file_and_folder(tmp_path):
    with pytest.raises(MotionFileError, match="cannot be opened"):
        load_motion(tmp_path / "nowhere.npz")
    with pytest.raises(MotionFileError, match="cannot be opened"):
        load_motion(tmp_path)
    with pytest.raises(StorageError, match="cannot be written"):
        save_npz(random_motion(), tmp_path / "no folder" / "m.npz")
