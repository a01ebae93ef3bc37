"""The Avatar value: posing, saving, loading."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from humanav.avatar import Avatar
from humanav.avatar.build import four_influences
from humanav.body import BodyModel
from humanav.errors import InputError, StorageError


@pytest.fixture(scope="module")
def bare(body: BodyModel) -> Avatar:
    betas = np.linspace(-1, 1, body.num_betas).astype(np.float32)
    rest, joints = (x.numpy() for x in body.rest(betas))
    index, weight = four_influences(body.skin_index, body.skin_weight)
    return Avatar(rest, body.faces.astype(np.int32), body.uv.astype(np.float32), body.uv_faces.astype(np.int32),
                  np.zeros((8, 8, 3), np.uint8), index.astype(np.uint8), weight, joints, betas,
                  np.zeros((8, 8), np.uint8), {"body": (0, len(body.faces))}, {"top": [1, 2, 3]}, ("a note",))


def test_pose_is_the_body_models(bare: Avatar, body: BodyModel) -> None:
    pose = np.random.default_rng(0).normal(0, 0.4, (55, 3)).astype(np.float32)
    transl = np.array([0.3, -0.2, 1.0], np.float32)
    expected = body(pose[None], betas=bare.betas, transl=transl[None]).vertices[0].numpy()
    assert np.abs(bare.pose(pose, transl) - expected).max() < 1e-4


def test_pose_takes_matrices_and_body_only(bare: Avatar) -> None:
    pose = np.zeros((55, 3))
    pose[5] = (0.8, 0, 0)
    matrices = np.tile(np.eye(3), (55, 1, 1))
    c, s = np.cos(0.8), np.sin(0.8)
    matrices[5] = [[1, 0, 0], [0, c, -s], [0, s, c]]
    assert np.allclose(bare.pose(pose), bare.pose(matrices), atol=1e-5)
    assert np.allclose(bare.pose(pose), bare.pose(pose[:22]), atol=1e-6)


@pytest.mark.parametrize("pose", [np.zeros((21, 3)), np.full((55, 3), np.nan)])
def test_bad_pose_is_an_input_error(bare: Avatar, pose: np.ndarray) -> None:
    with pytest.raises(InputError):
        bare.pose(pose)


def test_save_and_load(bare: Avatar, tmp_path: Path) -> None:
    bare.save(tmp_path / "a.npz")
    again = Avatar.load(tmp_path / "a.npz")
    for name in ("vertices", "faces", "uv", "uv_faces", "texture", "skin_index", "skin_weight", "joints", "betas",
                 "confidence"):
        assert np.array_equal(getattr(bare, name), getattr(again, name)), name
    assert (again.parts, again.garments, again.notes) == (bare.parts, bare.garments, bare.notes)


def test_load_refuses_other_files(tmp_path: Path) -> None:
    (tmp_path / "x.npz").write_bytes(b"not an avatar")
    np.savez(tmp_path / "y.npz", a=np.zeros(3))
    for name in ("x.npz", "y.npz", "missing.npz"):
        with pytest.raises(InputError):
            Avatar.load(tmp_path / name)


def test_save_into_nowhere_is_a_storage_error(bare: Avatar, tmp_path: Path) -> None:
    with pytest.raises(StorageError):
        bare.save(tmp_path / "no" / "such" / "a.npz")
