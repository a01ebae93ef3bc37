"""Skinned Gaussians in one file: what is read back moves as what was written, within what rounding takes."""

import json

import numpy as np
import pytest
from safetensors.numpy import load_file, save_file

from humanav.avatar.avatar import blended, joint_transforms
from humanav.body.names import PARENTS
from humanav.errors import InputError
from humanav.export import Splats, read_skinned_splats, write_skinned_splats
from humanav.export.skinned_splats import pack_still
from humanav.motion import Motion
from tests.export.test_splats import FIELDS, cloud

COUNT = 60


def person(seed=0, influences=4):
    """Gaussians round a skeleton of random bones, each following a few joints."""
    rng = np.random.default_rng(seed)
    joints = np.zeros((55, 3), np.float32)
    for j in range(1, 55):
        joints[j] = joints[PARENTS[j]] + rng.normal(0, 0.1, 3)
    index = rng.permuted(np.tile(np.arange(55), (COUNT, 1)), axis=1)[:, :influences]
    weight = rng.uniform(0.1, 1, (COUNT, influences))
    splats = cloud(COUNT, seed)
    return {name: getattr(splats, name) for name in FIELDS} | {
        "skin_index": index, "skin_weight": weight / weight.sum(1, keepdims=True), "joints": joints}


def moving(name="dance", frames=8, fps=30.0, seed=3):
    rng = np.random.default_rng(seed)
    return Motion.from_full_pose(rng.normal(0, 0.4, (frames, 55, 3)), fps, rng.normal(size=(frames, 3)), name=name)


def posed(given, motion, frame, moved=0.0):
    """The written person in a frame, computed from what was written in double precision."""
    turns, offsets = joint_transforms(given["joints"], motion.full_pose[frame], PARENTS)
    blend, shift = blended(turns, offsets, given["skin_index"], given["skin_weight"].astype(np.float32))
    splats = Splats(*(given[name] for name in FIELDS))
    return splats.transformed(blend, shift + np.einsum("nab,nb->na", blend, np.zeros((COUNT, 3)) + moved)
                              + motion.transl[frame])


def test_the_file_moves_as_what_was_written(tmp_path):
    given, motions = person(), [moving("dance"), moving("walk", 5, 12.5, 4)]
    back = read_skinned_splats(write_skinned_splats(tmp_path / "a.splats", **given, motions=motions))
    assert list(back.motions) == ["dance", "walk"]
    assert back.motions["walk"].fps == 12.5
    size = np.ptp(given["means"], axis=0).max() + 1
    for motion in motions:
        for frame in range(len(motion)):
            want, got = posed(given, motion, frame), back.frame(motion.name, frame)
            assert np.abs(got.means - want.means).max() < 3e-3 * size  # weights in 255ths
            spread = np.linalg.norm(want.covars, axis=(1, 2))
            assert (np.linalg.norm(got.covars - want.covars, axis=(1, 2)) < 0.04 * spread).all()
            np.testing.assert_allclose(got.rgb, want.rgb, atol=1 / 509)
            np.testing.assert_allclose(got.opacities, want.opacities, atol=1 / 509)


def test_the_rest_pose_is_exact_to_the_rounding(tmp_path):
    given = person()
    back = read_skinned_splats(write_skinned_splats(tmp_path / "a.splats", **given))
    assert back.motions == {}
    assert np.abs(back.splats.means - given["means"]).max() < np.ptp(given["means"], axis=0).max() / 130_000
    np.testing.assert_allclose(back.splats.scales, given["scales"], rtol=5e-4)
    np.testing.assert_allclose(back.skin_weight.sum(1), 1, atol=1e-6)
    np.testing.assert_allclose(back.pose(np.zeros((55, 3))).means, back.splats.means, atol=1e-6)


def test_the_largest_four_influences_remain(tmp_path):
    given = person(influences=7)
    back = read_skinned_splats(write_skinned_splats(tmp_path / "a.splats", **given))
    order = np.argsort(-given["skin_weight"], axis=1)[:, :4]
    assert all(set(a) == set(b) for a, b in
               zip(back.skin_index, np.take_along_axis(given["skin_index"], order, 1)))
    kept = np.take_along_axis(given["skin_weight"], order, 1)
    np.testing.assert_allclose(back.skin_weight, kept / kept.sum(1, keepdims=True), atol=2 / 255)
    assert (np.diff(back.skin_weight, axis=1) <= 0).all()  # the browser stops at the first zero


def test_what_the_pose_does_to_clothes(tmp_path, rng):
    shapes = rng.normal(0, 0.01, (3, COUNT, 3)).astype(np.float32)

    def deform(pose):
        return np.einsum("r,rnc->nc", pose[3:6, 0], shapes)

    given, motion = person(), moving(frames=12)
    path = write_skinned_splats(tmp_path / "a.splats", **given, motions=[motion], deform=deform)
    back = read_skinned_splats(path)
    assert back.basis.shape == (COUNT, 3, 3)  # three are enough
    for frame in range(len(motion)):
        moved = np.einsum("nrc,r->nc", back.basis.astype(np.float32), back.amounts["dance"][frame])
        assert np.abs(moved - deform(motion.full_pose[frame])).max() < 3e-4
    fewer = read_skinned_splats(write_skinned_splats(path, **given, motions=[motion], deform=deform, terms=1))
    assert fewer.basis.shape == (COUNT, 1, 3)
    still = read_skinned_splats(write_skinned_splats(path, **given, motions=[motion], deform=lambda p: 0 * shapes[0]))
    assert still.basis is None
    with pytest.raises(InputError, match="offsets"):
        write_skinned_splats(path, **given, motions=[motion], deform=lambda p: shapes[0, :5])
    with pytest.raises(InputError, match="0 to 8"):
        write_skinned_splats(path, **given, motions=[motion], deform=deform, terms=9)


def test_fast_motions_are_resampled(tmp_path):
    path = write_skinned_splats(tmp_path / "a.splats", **person(), motions={"fast": moving(frames=121, fps=120.0)})
    clip = read_skinned_splats(path).motions["fast"]
    assert clip.fps == 30
    assert len(clip) == 31


def test_any_program_can_read_it(tmp_path):
    path = write_skinned_splats(tmp_path / "a.splats", **person(), motions=[moving()])
    arrays = load_file(path)
    assert {name: str(value.dtype) for name, value in arrays.items()} == {
        "center": "uint16", "rotation": "int8", "scale": "float16", "color": "uint8", "skin_index": "uint8",
        "skin_weight": "uint8", "joints": "float32", "parents": "int16", "motion.0": "int16", "transl.0": "float32"}
    assert (arrays["skin_weight"].sum(1, dtype=int) == 255).all()
    data = path.read_bytes()
    header = json.loads(data[8: 8 + int.from_bytes(data[:8], "little")])
    assert json.loads(header["__metadata__"]["motions"]) == [{"name": "dance", "fps": 30.0}]


def test_still_gaussians(tmp_path):
    splats = cloud()
    (tmp_path / "still.splats").write_bytes(pack_still(splats))
    back = read_skinned_splats(tmp_path / "still.splats")
    np.testing.assert_allclose(back.pose(np.zeros((55, 3))).means, splats.means, atol=1e-4)


@pytest.mark.parametrize(("change", "words"), [
    ({"skin_index": np.full((COUNT, 4), 55)}, "out of range"), ({"skin_weight": np.zeros((COUNT, 4))}, "sum to zero"),
    ({"skin_weight": np.ones((COUNT, 3))}, "shapes"), ({"joints": np.zeros((22, 3))}, "55"),
    ({"parents": (-1, *range(1, 55))}, "after their parents"), ({"means": np.zeros((0, 3))}, "no Gaussians"),
])
def test_bad_arrays(tmp_path, change, words):
    with pytest.raises(InputError, match=words):
        write_skinned_splats(tmp_path / "a.splats", **(person() | change))


def test_bad_files(tmp_path):
    path = tmp_path / "a.splats"
    for data in (b"", b"glTF", pack_still(cloud())[:-100]):
        path.write_bytes(data)
        with pytest.raises(InputError, match="cannot be read"):
            read_skinned_splats(path)
    save_file({"center": np.zeros((3, 3), np.uint16)}, path)
    with pytest.raises(InputError, match="no skinned Gaussians"):
        read_skinned_splats(path)
    back = read_skinned_splats(write_skinned_splats(path, **person(), motions=[moving()]))
    with pytest.raises(InputError, match="no frame"):
        back.frame("dance", 8)
